//! What the numbers of a page come from: every cell of the grid with its seeds, and what each was made with.

use super::layout::{Combination, Combinations};
use super::page::{Seed, Source, State};
use super::words::Words;
use super::{CellState, Report};
use crate::metric::MetricAt;

/// The cells in the order of the combinations.
pub(super) fn of(report: &Report<'_>, combinations: &Combinations<'_>, metrics: &[MetricAt]) -> Vec<Source> {
    let source = |one: &Combination<'_>| Source {
        name: name(report, one),
        coordinates: one.coordinates.clone(),
        seeds: one.seeds.iter().map(|seed| of_seed(report, one, *seed, metrics)).collect(),
    };
    combinations.all.iter().map(source).collect()
}

/// `SKNN on demo (dimension = 50)`: rows, columns, then the axes that are neither.
fn name(report: &Report<'_>, one: &Combination<'_>) -> Words {
    let named = [report.spec.rows.as_str(), report.spec.columns.as_str()];
    let titles: Vec<&str> = named.iter().filter_map(|axis| one.value(axis)).map(|value| report.title(value)).collect();
    let others = one.coordinates.iter().filter(|(axis, _)| !named.contains(&axis.as_str()));
    let others: Vec<String> = others.map(|(axis, value)| format!("{axis} = {value}")).collect();
    let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    Words::new(format!("{}{others}", titles.join(" on ")))
}

fn of_seed(report: &Report<'_>, one: &Combination<'_>, seed: u64, metrics: &[MetricAt]) -> Seed {
    let mut this = Seed {
        seed: Some(seed),
        state: State::Missing,
        reason: None,
        log: None,
        values: Vec::new(),
        run: String::new(),
        made: None,
        curve: Vec::new(),
    };
    let Some(cell) = one.cells.get(&seed) else {
        this.reason = Some("did not run".to_owned());
        return this;
    };
    (this.made, this.curve) = (cell.made.clone(), cell.curve.clone());
    match &cell.state {
        CellState::Done(ranks) => {
            let value = |metric: &MetricAt| Some((metric.to_string(), ranks.mean(*metric, report.protocol.ties)?));
            this.state = State::Done;
            this.values = metrics.iter().filter_map(value).collect();
            this.run.clone_from(&ranks.run);
        }
        CellState::Failed { message, log } => {
            this.state = State::Failed;
            (this.reason, this.log) = (Some(message.clone()), log.clone());
        }
        CellState::Missing { why } => this.reason = Some(why.clone()),
    }
    this
}
