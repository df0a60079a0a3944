//! `sr-pipe runs search`: cells of all runs that pass every filter.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Map, Value, json};

use super::facts::{FIELDS, Facts, plain};
use super::filter::Filter;
use super::{CommandError, Ending, Filters, Place, columns, count, print, print_json, say};
use crate::artifact::Store;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::metric::MetricAt;
use crate::record::{CellDetail, Details, Records, RunDetail};

/// Find cells in all runs: those that pass every filter, the newest run first.
///
/// A run that ended exactly as an earlier one is found only by its number (`run=7`).
/// `hit@20`, `mrr@20` and the like are those of the report, over the test set; `epoch.mrr@20` is the best that an
/// epoch had on the part that picks it.
/// Every field of a cell is listed by `sr-pipe runs search --json --limit 1`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    place: Place,
    /// How many cells to show; 0 for all.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Every field of every cell, as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let filters = &arguments.filters.filters;
    let records = arguments.place.records().await?;
    let details = searched(&records, filters).await?;
    let store = Store::new(&arguments.place.state());
    let found = find(&details, &store, filters, &[])?;
    let limit = if arguments.limit == 0 { found.len() } else { arguments.limit };
    if arguments.json {
        return print_json(&json!(found.iter().take(limit).map(|found| &found.row).collect::<Vec<_>>()));
    }
    let mut header = vec!["run", "cell", "state", "started", "seconds"];
    for filter in filters {
        if !header.contains(&filter.field.as_str()) {
            header.push(&filter.field);
        }
    }
    let rows: Vec<Vec<String>> =
        found.iter().take(limit).map(|found| header.iter().map(|field| shown(&found.row, field)).collect()).collect();
    print(&columns(&header, &rows))?;
    if found.len() > limit {
        say(&format!("{limit} of {} shown; `--limit 0` shows all", count(found.len(), "cell")));
    }
    Ok(Ending::Done)
}

fn shown(row: &Map<String, Value>, field: &str) -> String {
    match row.get(field) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Number(number)) if number.is_f64() => {
            format!("{:.4}", number.as_f64().unwrap_or_default()).trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Some(other) => plain(other),
    }
}

/// A cell that passed.
pub(super) struct Found<'a> {
    /// Its run.
    pub(super) run: &'a RunDetail,
    /// The cell.
    pub(super) cell: &'a CellDetail,
    /// All fields.
    pub(super) row: Map<String, Value>,
}

/// The runs that a search goes through: those that ended in a way of their own, unless runs are named.
pub(super) async fn searched(records: &Records, filters: &[Filter]) -> Result<Details, CommandError> {
    let named = filters.iter().any(|filter| filter.field == "run");
    let runs = records.runs(i64::MAX).await?;
    let runs: Vec<i64> = runs.iter().filter(|run| named || run.same_as.is_none()).map(|run| run.id).collect();
    Ok(records.details(&runs).await?)
}

/// The cells that pass every filter, the newest run first, with these metrics and those that filters name.
pub(super) fn find<'a>(
    details: &'a Details,
    store: &'a Store,
    filters: &[Filter],
    metrics: &[MetricAt],
) -> Result<Vec<Found<'a>>, CommandError> {
    let named = filters.iter().filter_map(|filter| filter.field.parse().ok());
    let mut wanted: Vec<MetricAt> = Vec::new();
    for metric in metrics.iter().copied().chain(named) {
        if !wanted.iter().any(|known: &MetricAt| known.to_string() == metric.to_string()) {
            wanted.push(metric);
        }
    }
    let is_metric = |filter: &&Filter| filter.field.parse::<MetricAt>().is_ok();
    let (by_metric, by_field): (Vec<&Filter>, Vec<&Filter>) = filters.iter().partition(is_metric);
    let mut facts = Facts::new(details, store, wanted);
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for run in details.runs.iter().rev() {
        for cell in &run.cells {
            let mut row = facts.row(run, cell);
            known.extend(by_field.iter().filter(|filter| row.contains_key(&filter.field)).map(|filter| &filter.field));
            if !all_pass(&by_field, &row)? {
                continue;
            }
            // Ranks are read only where all else fits.
            facts.add_metrics(run, cell, &mut row);
            if all_pass(&by_metric, &row)? {
                found.push(Found { run, cell, row });
            }
        }
    }
    let is_known = |filter: &&&Filter| known.contains(&filter.field) || FIELDS.contains(&filter.field.as_str());
    let strange: Vec<&&Filter> = by_field.iter().filter(|filter| !is_known(filter)).collect();
    let cells = details.runs.iter().any(|run| !run.cells.is_empty());
    if cells && !strange.is_empty() {
        let fields = fields(details, &mut facts);
        return Err(strange.into_iter().map(|filter| unknown(&filter.field, &fields)).collect::<Vec<_>>().into());
    }
    Ok(found)
}

fn all_pass(filters: &[&Filter], row: &Map<String, Value>) -> Result<bool, Diagnostic> {
    for filter in filters {
        if !filter.passes(row.get(&filter.field))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Every field that any cell has.
fn fields(details: &Details, facts: &mut Facts<'_>) -> BTreeSet<String> {
    let mut fields: BTreeSet<String> = FIELDS.iter().map(|field| (*field).to_owned()).collect();
    for run in &details.runs {
        for cell in &run.cells {
            fields.extend(facts.row(run, cell).into_iter().map(|(field, _)| field));
        }
    }
    fields
}

fn unknown(field: &str, fields: &BTreeSet<String>) -> Diagnostic {
    // A last part that fits is worth more than a near spelling of the whole: `learning_rate` for a long path.
    let ends: Vec<&str> = fields
        .iter()
        .map(String::as_str)
        .filter(|known| known.rsplit('.').next().is_some_and(|last| last == field.rsplit('.').next().unwrap_or(field)))
        .collect();
    let near = did_you_mean(field, fields.iter().map(String::as_str));
    let help = match (near, ends.as_slice()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => {
            let plain: Vec<&str> = fields.iter().map(String::as_str).filter(|known| !known.contains('.')).collect();
            format!("known: {}; `runs search --json --limit 1` shows all of a cell", plain.join(", "))
        }
        (None, ends) => {
            format!("did you mean {}?", ends.iter().map(|end| format!("`{end}`")).collect::<Vec<_>>().join(" or "))
        }
    };
    Diagnostic::new(format!("no cell has a field `{field}`")).help(help)
}
