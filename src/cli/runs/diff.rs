//! `sr-pipe runs diff`: two runs, or two cells, side by side: which cells, which stages and why, which numbers.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use wildmatch::WildMatch;

use super::facts::{Facts, plain};
use super::{CommandError, Ending, Place, cell_of, columns, count, print, print_json};
use crate::artifact::Store;
use crate::diagnostic::Diagnostic;
use crate::engine::{Aspect, changes};
use crate::metric::MetricAt;
use crate::record::{CellDetail, Details, RunDetail, StageDetail};

/// What differs between two runs: cells, the fields that entered the keys of their stages, versions, numbers.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A run, `12`, or one of its cells, `12:demo/m-sr/seed=1`.
    a: Side,
    /// The run or cell to compare it with.
    b: Side,
    /// Only cells of this name; `*` stands for any text.
    #[arg(long, value_name = "PATTERN")]
    cells: Option<String>,
    #[command(flatten)]
    place: Place,
    /// As JSON, nothing shortened.
    #[arg(long)]
    json: bool,
}

/// A run, or one of its cells.
#[derive(Debug, Clone)]
struct Side {
    run: i64,
    cell: Option<String>,
}

impl std::str::FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (run, cell) = text.split_once(':').map_or((text, None), |(run, cell)| (run, Some(cell.to_owned())));
        let run = run.parse().map_err(|_| format!("`{text}` names no run; write `12` or `12:demo/m-sr/seed=1`"))?;
        Ok(Self { run, cell })
    }
}

/// The metrics that are compared.
const METRICS: [&str; 2] = ["hit@20", "mrr@20"];

pub(super) async fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let records = arguments.place.records().await?;
    let details = records.details(&[arguments.a.run, arguments.b.run]).await?;
    let run_of = |side: &Side| {
        details.runs.iter().find(|run| run.run.id == side.run).ok_or_else(|| {
            Diagnostic::new(format!("there is no run {}", side.run)).help("`sr-pipe runs list` shows their numbers")
        })
    };
    let (a, b) = (run_of(&arguments.a)?, run_of(&arguments.b)?);
    let wanted = |run: &'_ RunDetail, side: &Side| -> Result<Vec<usize>, Diagnostic> {
        let only = side.cell.as_deref().map(|name| cell_of(run, name)).transpose()?.map(|cell| cell.name.clone());
        let pattern = arguments.cells.as_deref().map(WildMatch::new);
        let fits = |cell: &CellDetail| {
            only.as_ref().is_none_or(|name| *name == cell.name)
                && pattern.as_ref().is_none_or(|pattern| pattern.matches(&cell.name))
        };
        Ok((0..run.cells.len()).filter(|place| fits(&run.cells[*place])).collect())
    };
    let (of_a, of_b) = (wanted(a, &arguments.a)?, wanted(b, &arguments.b)?);
    let mut comparison = Comparison { environment: environments(a, b), ..Comparison::default() };
    let store = Store::new(&arguments.place.state());
    let metrics: Vec<MetricAt> = METRICS.iter().filter_map(|name| name.parse().ok()).collect();
    let mut facts = Facts::new(&details, &store, metrics);
    if arguments.a.cell.is_some() && arguments.b.cell.is_some() {
        comparison.compare(&details, &mut facts, (a, &a.cells[of_a[0]]), (b, &b.cells[of_b[0]]));
    } else {
        let by_name: BTreeMap<&str, usize> = of_b.iter().map(|place| (b.cells[*place].name.as_str(), *place)).collect();
        for place in &of_a {
            let cell = &a.cells[*place];
            match by_name.get(cell.name.as_str()) {
                Some(other) => comparison.compare(&details, &mut facts, (a, cell), (b, &b.cells[*other])),
                None => comparison.only_a.push(cell.name.clone()),
            }
        }
        let names: std::collections::BTreeSet<&str> = of_a.iter().map(|place| a.cells[*place].name.as_str()).collect();
        let new = of_b.iter().map(|place| &b.cells[*place].name).filter(|name| !names.contains(name.as_str()));
        comparison.only_b = new.cloned().collect();
    }
    if arguments.json {
        return print_json(&comparison.json(a.run.id, b.run.id));
    }
    print(&comparison.text(a.run.id, b.run.id))?;
    Ok(Ending::Done)
}

/// What differs.
#[derive(Default)]
struct Comparison {
    environment: Vec<(String, Value, Value)>,
    only_a: Vec<String>,
    only_b: Vec<String>,
    /// Cell, state there, state here.
    states: Vec<(String, String, String)>,
    /// Cells by stage, sort of field, and what differs in words.
    stages: BTreeMap<(String, Aspect, String), Vec<String>>,
    /// Cell, metric, value there, value here.
    numbers: Vec<(String, String, f64, f64)>,
    compared: usize,
    same: usize,
}

fn environments(a: &RunDetail, b: &RunDetail) -> Vec<(String, Value, Value)> {
    let (a, b) = (&a.run, &b.run);
    let mut found = Vec::new();
    let mut note = |name: &str, one: &Value, other: &Value| {
        // A run that did nothing does not look at the sources: nothing is known then.
        if one != other && !one.is_null() && !other.is_null() {
            found.push((name.to_owned(), one.clone(), other.clone()));
        }
    };
    note("experiment", &json!(a.experiment), &json!(b.experiment));
    note("experiment_digest", &json!(a.digest), &json!(b.digest));
    note("choices", &a.choices, &b.choices);
    for change in changes(&a.protocol, &b.protocol) {
        note(&format!("protocol.{}", change.field), &change.was, &change.is);
    }
    for (name, value) in a.environment.as_object().into_iter().flatten() {
        note(name, value, &b.environment[name]);
    }
    found
}

impl Comparison {
    fn compare(
        &mut self,
        details: &Details,
        facts: &mut Facts<'_>,
        (a, one): (&RunDetail, &CellDetail),
        (b, other): (&RunDetail, &CellDetail),
    ) {
        self.compared += 1;
        let name = if one.name == other.name { one.name.clone() } else { format!("{} → {}", one.name, other.name) };
        if one.state == other.state && one.key.is_some() && one.key == other.key && one.object == other.object {
            self.same += 1;
            return;
        }
        if one.state != other.state {
            self.states.push((name.clone(), one.state.clone(), other.state.clone()));
        }
        let by_name = |run: &'_ RunDetail, cell: &CellDetail| -> Vec<(String, usize)> {
            let stages = run.stages_of(cell);
            stages.into_iter().enumerate().map(|(place, stage)| (stage.name().to_owned(), place)).collect()
        };
        let (stages_a, stages_b) = (a.stages_of(one), b.stages_of(other));
        let mut rest: BTreeMap<String, usize> = by_name(b, other).into_iter().collect();
        for stage in &stages_a {
            match rest.remove(stage.name()) {
                Some(place) => self.compare_stage(details, stage, stages_b[place], &name),
                None => self.stage(stage.name(), Aspect::Form, "is only in the first", &name),
            }
        }
        for stage in rest.into_keys() {
            self.stage(&stage, Aspect::Form, "is only in the second", &name);
        }
        let (mut row_a, mut row_b) = (facts.row(a, one), facts.row(b, other));
        facts.add_metrics(a, one, &mut row_a);
        facts.add_metrics(b, other, &mut row_b);
        for metric in METRICS.iter().map(|metric| (*metric).to_owned()).chain(METRICS.map(|m| format!("epoch.{m}"))) {
            let value = |row: &serde_json::Map<String, Value>| row.get(&metric).and_then(Value::as_f64);
            if let (Some(there), Some(here)) = (value(&row_a), value(&row_b)) {
                self.numbers.push((name.clone(), metric, there, here));
            }
        }
    }

    fn compare_stage(&mut self, details: &Details, a: &StageDetail, b: &StageDetail, cell: &str) {
        if a.key == b.key {
            if a.object != b.object {
                let what =
                    if a.key.is_none() { "the files have other content" } else { "gave other bytes under one key" };
                self.stage(a.name(), Aspect::Input, what, cell);
            }
            return;
        }
        let manifest = |stage: &StageDetail| details.fingerprint(stage.key.as_deref()?).cloned();
        match (manifest(a), manifest(b)) {
            (Some(there), Some(here)) => {
                for change in changes(&there, &here) {
                    self.stage(a.name(), change.aspect, &change.to_string(), cell);
                }
            }
            _ => self.stage(a.name(), Aspect::Form, "was not tried in one of them", cell),
        }
    }

    fn stage(&mut self, stage: &str, aspect: Aspect, what: &str, cell: &str) {
        self.stages.entry((stage.to_owned(), aspect, what.to_owned())).or_default().push(cell.to_owned());
    }

    fn text(&self, a: i64, b: i64) -> String {
        let mut text = format!("run {a} and run {b}: {} compared, {} alike\n", count(self.compared, "cell"), self.same);
        let mut table = |header: &[&str], rows: Vec<Vec<String>>| {
            if !rows.is_empty() {
                text.push_str(&format!("\n{}", columns(header, &rows)));
            }
        };
        let (first, second) = (format!("run {a}"), format!("run {b}"));
        let differences = self.environment.iter();
        let rows = differences.map(|(name, one, other)| vec![name.clone(), plain(one), plain(other)]);
        table(&["made with", &first, &second], rows.collect());
        let only = |cells: &[String], run: &str| -> Vec<Vec<String>> {
            cells.iter().map(|cell| vec![cell.clone(), format!("only in {run}")]).collect()
        };
        table(&["cell", ""], [only(&self.only_a, &first), only(&self.only_b, &second)].concat());
        let rows = self.states.iter().map(|(cell, one, other)| vec![cell.clone(), one.clone(), other.clone()]);
        table(&["cell", &first, &second], rows.collect());
        let rows = self.stages.iter().map(|((stage, aspect, what), cells)| {
            let more = if cells.len() > 1 { format!(" and {} more", cells.len() - 1) } else { String::new() };
            vec![stage.clone(), word(*aspect), what.clone(), format!("{}{more}", cells[0])]
        });
        table(&["stage", "", "what differs", "in"], rows.collect());
        let rows = self.numbers.iter().map(|(cell, metric, one, other)| {
            vec![
                cell.clone(),
                metric.clone(),
                format!("{one:.4}"),
                format!("{other:.4}"),
                format!("{:+.4}", other - one),
            ]
        });
        table(&["cell", "metric", &first, &second, "difference"], rows.collect());
        text
    }

    fn json(&self, a: i64, b: i64) -> Value {
        let pairs = |(name, one, other): &(String, Value, Value)| json!({"field": name, "a": one, "b": other});
        let states = self.states.iter().map(|(cell, one, other)| json!({"cell": cell, "a": one, "b": other}));
        let stages = self.stages.iter().map(
            |((stage, aspect, what), cells)| json!({"stage": stage, "aspect": aspect, "what": what, "cells": cells}),
        );
        let numbers = self.numbers.iter().map(|(cell, metric, one, other)| {
            json!({"cell": cell, "metric": metric, "a": one, "b": other, "difference": other - one})
        });
        json!({
            "version": 1,
            "a": a,
            "b": b,
            "compared": self.compared,
            "alike": self.same,
            "environment": self.environment.iter().map(pairs).collect::<Vec<_>>(),
            "only_a": self.only_a,
            "only_b": self.only_b,
            "states": states.collect::<Vec<_>>(),
            "stages": stages.collect::<Vec<_>>(),
            "metrics": numbers.collect::<Vec<_>>(),
        })
    }
}

fn word(aspect: Aspect) -> String {
    json!(aspect).as_str().unwrap_or_default().to_owned()
}
