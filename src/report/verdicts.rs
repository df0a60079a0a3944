//! The section on claims: each sentence with its verdict, and what the verdict rests on.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Report;
use super::claims::{ALPHA, Evidence, Judged, judge};
use super::layout::{Combination, Combinations};
use super::page::{Align, Block, Cell, Claim, Column, Footnotes, Holds, Kind, Print, Row, Section, Table};
use super::words::{Words, thousands};
use crate::metric::MetricError;

/// The claims of an experiment, and the section on them where it makes any.
pub(super) fn of(
    report: &Report<'_>,
    combinations: &Combinations<'_>,
) -> Result<(Vec<Claim>, Option<Section>), MetricError> {
    let judged = judge(report)?;
    let claims: Vec<Claim> = judged.iter().map(|judged| claim(judged, combinations)).collect();
    let section = (!judged.is_empty()).then(|| section(&judged, &claims));
    Ok((claims, section))
}

fn section(judged: &[Judged<'_>], claims: &[Claim]) -> Section {
    let mut footnotes = Footnotes::default();
    let left = ["claim", "verdict", "metric"].map(|title| Column::new(title, Align::Left, Holds::Other));
    let right = ["better", "than", "Δ", "p", "pairs that differ"];
    let right = right.map(|title| Column::new(title, Align::Right, Holds::Other));
    let rows = judged.iter().zip(claims).map(|(judged, claim)| {
        let mark = judged.remark.as_ref().map(|text| footnotes.mark(format!("{text}.")));
        let verdict = Cell::words(format!("**{}**", judged.verdict)).marked(mark);
        let mut cells = vec![Cell::words(judged.claim.text.as_str()), verdict, Cell::words(judged.metric.title())];
        let number = |of: fn(&Evidence) -> f64, print| Cell::number(judged.evidence.as_ref().map(of), print);
        let [better, than] = &claim.sides;
        cells.push(number(|e| e.better, Print::Percent).from(only(better)));
        cells.push(number(|e| e.than, Print::Percent).from(only(than)));
        cells.push(number(|e| e.better - e.than, Print::Points));
        cells.push(number(|e| e.p, Print::Probability));
        let pairs = judged.evidence.map(|e| format!("{} of {}", thousands(e.differing), thousands(e.pairs)));
        cells.push(Cell::words(pairs.unwrap_or_else(|| "–".to_owned())));
        Row { key: judged.claim.text.clone(), cells, apart: false }
    });
    let rows = rows.collect();
    let table = Table { path: Vec::new(), columns: left.into_iter().chain(right).collect(), rows };
    let reading = format!(
        "Means in per cent, Δ in points. Each test sample is a pair, its values averaged over the seeds; \
         `p` is of Wilcoxon's signed-rank test, two-sided, pairs that do not differ dropped, \
         after Holm's correction for {} claim{}. \
         Supported: ahead with p < {ALPHA}; refuted: behind with p < {ALPHA}. \
         The test speaks of these trained models on this test set; it takes samples for independent, \
         which prefixes of one session are not quite, and it knows nothing of seeds that were not run.",
        judged.len(),
        if judged.len() == 1 { "" } else { "s" }
    );
    let blocks = [Block::Table(table)].into_iter().chain(footnotes.block());
    Section { kind: Kind::Claims, blocks: blocks.chain([Block::Words(reading.into())]).collect() }
}

fn claim(judged: &Judged<'_>, combinations: &Combinations<'_>) -> Claim {
    let evidence = judged.evidence.map_or_else(Map::new, |e| {
        let facts = [
            ("better", json!(e.better)),
            ("than", json!(e.than)),
            ("p", json!(e.p)),
            ("pairs", json!(e.pairs)),
            ("differing", json!(e.differing)),
        ];
        facts.into_iter().map(|(name, fact): (&str, Value)| (name.to_owned(), fact)).collect()
    });
    let better = written(&judged.claim.better);
    let mut than = better.clone();
    than.extend(written(&judged.claim.than));
    let side = |wanted: &BTreeMap<String, String>| {
        let here = |one: &Combination<'_>| wanted.iter().all(|(axis, value)| one.value(axis) == Some(value));
        combinations.all.iter().enumerate().filter(|(_, one)| here(one)).map(|(at, _)| at).collect()
    };
    Claim {
        text: judged.claim.text.clone(),
        metric: judged.metric.to_string(),
        verdict: judged.verdict.to_string(),
        evidence,
        remark: judged.remark.as_deref().map(Words::from),
        sides: [side(&better), side(&than)],
    }
}

/// The cell of a side that has no other.
fn only(side: &[usize]) -> Option<usize> {
    side.first().copied().filter(|_| side.len() == 1)
}

/// Axis values as the grid writes them.
fn written(values: &BTreeMap<String, crate::experiment::AxisValue>) -> BTreeMap<String, String> {
    values.iter().map(|(axis, value)| (axis.clone(), value.to_string())).collect()
}
