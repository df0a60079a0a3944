//! Reports over hand-made ranks: each mark, each footnote, each verdict.

mod axes;
mod breakdowns;
mod floors;
mod notes;
mod numbers;
mod verdicts;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::judge::{Verdict, judge};
use super::*;
use crate::data::breakdown::Breakdown;
use crate::data::protocol::{SelectBy, SelectOn, TargetOperation, Ties};
use crate::data::ranks::Rank;
use crate::data::samples::Sample;
use crate::experiment::{AxisValue, Claim, Values};

/// An experiment over `demo` with the models given, and what a report of it needs.
pub(super) struct Case {
    pub(super) experiment: Experiment,
    protocol: Protocol,
    titles: BTreeMap<String, String>,
    floors: BTreeSet<String>,
    pub(super) cells: Vec<CellResult>,
    provenance: Provenance,
    /// The grid, written out at the first report.
    points: OnceCell<Points>,
}

impl Case {
    pub(super) fn new(models: &[&str], seeds: &[u64]) -> Self {
        let experiment = serde_json::from_value(serde_json::json!({
            "title": "Made up",
            "datasets": {},
            "grid": { "product": { "dataset": ["demo"], "model": models }, "seeds": seeds },
            "report": { "metrics": ["hit@20", "mrr@20"] },
        }));
        Self {
            experiment: experiment.unwrap(),
            protocol: serde_json::from_str("{}").unwrap(),
            titles: BTreeMap::from([("mkm-sr".to_owned(), "MKM-SR".to_owned())]),
            floors: BTreeSet::new(),
            cells: Vec::new(),
            points: OnceCell::new(),
            provenance: Provenance {
                experiment_file: "experiments/made-up.yaml".to_owned(),
                experiment_digest: "e0e0".to_owned(),
                protocol_digest: "f1f1".to_owned(),
                datasets: BTreeMap::from([("demo".to_owned(), "d2d2".to_owned())]),
                tool_version: "sr-pipe 0.1.0".to_owned(),
                git_commit: Some("abc123".to_owned()),
                other_commits: Vec::new(),
                command: "sr-pipe run experiments/made-up.yaml".to_owned(),
                date: "2026-01-02".to_owned(),
            },
        }
    }

    fn spec(&mut self) -> &mut ReportSpec {
        self.experiment.report.as_mut().unwrap()
    }

    pub(super) fn add(&mut self, model: &str, seed: u64, state: CellState) -> &mut Self {
        let coordinates = [("dataset", "demo"), ("model", model)];
        let coordinates = coordinates.map(|(axis, value)| (axis.to_owned(), value.to_owned())).into();
        self.cells.push(CellResult { coordinates, seed, state, curve: Vec::new(), made: None });
        self
    }

    pub(super) fn claim(&mut self, better: &str, than: &str) -> &mut Self {
        let side = |model: &str| BTreeMap::from([("model".to_owned(), Values::One(AxisValue::Text(model.to_owned())))]);
        let (text, metric) = (format!("{better} is ahead of {than}"), "mrr@20".to_owned());
        self.experiment.claims.push(Claim { text, metric, better: side(better), than: side(than) });
        self
    }

    pub(super) fn report(&self) -> Report<'_> {
        Report {
            name: "made-up",
            spec: self.experiment.report.as_ref().unwrap(),
            experiment: &self.experiment,
            points: self.points.get_or_init(|| Points::of(&self.experiment.grid).0),
            protocol: &self.protocol,
            titles: &self.titles,
            floors: &self.floors,
            cells: &self.cells,
            audits: &[],
            provenance: &self.provenance,
        }
    }

    pub(super) fn render(&self) -> String {
        form::markdown(&page(&self.report()).unwrap())
    }

    #[track_caller]
    pub(super) fn shows(&self, expected: &[&str]) {
        let shown = self.render();
        for expected in expected {
            assert!(shown.contains(expected), "`{expected}` is not in:\n{shown}");
        }
    }

    fn verdicts(&self) -> Vec<Verdict> {
        judge(&self.report()).unwrap().iter().map(|judged| judged.verdict).collect()
    }
}

/// Ranks with these numbers of candidates above, no ties, 100 candidates.
pub(super) fn above(above: &[i32]) -> Vec<Rank> {
    let rank = |(i, above): (usize, &i32)| {
        let sample = i64::try_from(i).unwrap();
        Rank { sample, session: sample, target: 1, above: *above, ties: 0, candidates: 100 }
    };
    above.iter().enumerate().map(rank).collect()
}

pub(super) fn cell(ranks: Vec<Rank>) -> CellRanks {
    CellRanks {
        ranks: Ranks { selections: BTreeMap::from([("best".to_owned(), ranks)]) },
        samples: None,
        protocol_digest: "f1f1".to_owned(),
        test_samples: "5a5a".to_owned(),
        synthetic: false,
        frozen: false,
        run: "run-1".to_owned(),
    }
}

pub(super) fn done(ranks: CellRanks) -> CellState {
    CellState::Done(Box::new(ranks))
}

/// `hits` of `of` targets in first place, the others far behind.
pub(super) fn hits(hits: usize, of: usize) -> CellState {
    done(cell(above(&(0..of).map(|i| if i < hits { 0 } else { 90 }).collect::<Vec<_>>())))
}

pub(super) fn failed(message: &str) -> CellState {
    CellState::Failed { message: message.to_owned(), log: Some("runs/1/a.log".to_owned()) }
}

/// The text with the padding of its tables taken out.
fn squeezed(text: &str) -> String {
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
