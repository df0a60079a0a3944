//! `sr-pipe runs export`: cells as rows of a file, or in the form that MLflow or TensorBoard reads.

mod curve;
mod mlflow;
mod tensorboard;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::facts::plain;
use super::search::{Found, find, searched};
use super::{CommandError, Ending, Filters, Place, count, print, say};
use crate::artifact::Store;
use crate::artifact::sheet::{self, SheetColumn};
use crate::diagnostic::Diagnostic;
use crate::metric::MetricAt;
use crate::project::write_atomically;

/// Hand cells to other programs: those that pass every filter, one row a cell.
///
/// A row holds coordinates, seed, state, config, times, memory, versions, digests and the metrics of the report.
/// Without a filter every run is exported that ended in a way of its own; `run=7` exports one run.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    place: Place,
    /// The form.
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write; for `mlflow` and `tensorboard` a folder, which keeps what else is in it. CSV and JSON go to
    /// stdout without it.
    #[arg(long, value_name = "PATH")]
    out: Option<Utf8PathBuf>,
    /// The metrics of a row.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = metric,
          default_value = "hit@5,hit@10,hit@20,mrr@5,mrr@10,mrr@20")]
    metrics: Vec<MetricAt>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values, one line a cell.
    Csv,
    /// A list of objects.
    Json,
    /// A Parquet file with typed columns.
    Parquet,
    /// A tracking folder, for `mlflow ui --backend-store-uri FOLDER`.
    Mlflow,
    /// Event files, for `tensorboard --logdir FOLDER`.
    Tensorboard,
}

fn metric(text: &str) -> Result<MetricAt, String> {
    text.parse().map_err(|error: crate::metric::MetricError| format!("{error}; {}", error.help()))
}

pub(super) async fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let filters = &arguments.filters.filters;
    let records = arguments.place.records().await?;
    let details = searched(&records, filters).await?;
    let store = Store::new(&arguments.place.state());
    let found = find(&details, &store, filters, &arguments.metrics)?;
    let place = || {
        arguments.out.as_deref().ok_or_else(|| {
            let what = if arguments.format == Format::Parquet { "file" } else { "folder" };
            Diagnostic::new(format!("this format needs a {what} to write to"))
                .help(format!("name it with `--out {}`", what.to_uppercase()))
        })
    };
    match arguments.format {
        Format::Csv => deliver(arguments.out.as_deref(), csv(&found)?)?,
        Format::Json => {
            let rows: Vec<&Map<String, Value>> = found.iter().map(|found| &found.row).collect();
            deliver(arguments.out.as_deref(), format!("{:#}\n", json!(rows)))?;
        }
        Format::Parquet => {
            sheet::write(place()?, sheet_of(&found)).map_err(|error| Diagnostic::new(error.to_string()))?;
        }
        Format::Mlflow => mlflow::write(place()?, &details, &found, &arguments.metrics)?,
        Format::Tensorboard => tensorboard::write(place()?, &details, &found, &arguments.metrics)?,
    }
    if let Some(path) = &arguments.out {
        say(&format!("{} written to `{path}`", count(found.len(), "cell")));
    }
    Ok(Ending::Done)
}

fn deliver(path: Option<&Utf8Path>, text: String) -> std::io::Result<()> {
    match path {
        Some(path) => write_atomically(path, text.as_bytes()),
        None => print(&text),
    }
}

/// The fields of all rows, in the order in which they first come.
fn fields<'a>(found: &'a [Found<'_>]) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    found.iter().flat_map(|found| found.row.keys()).map(String::as_str).filter(|field| seen.insert(*field)).collect()
}

fn csv(found: &[Found<'_>]) -> Result<String, CommandError> {
    let fields = fields(found);
    let mut writer = csv::Writer::from_writer(Vec::new());
    if !fields.is_empty() {
        writer.write_record(&fields).map_err(std::io::Error::other)?;
    }
    for found in found {
        let row = fields.iter().map(|field| found.row.get(*field).map(plain).unwrap_or_default());
        writer.write_record(row).map_err(std::io::Error::other)?;
    }
    let bytes = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(String::from_utf8(bytes).map_err(std::io::Error::other)?)
}

/// Columns with the narrowest type that all their values have.
fn sheet_of(found: &[Found<'_>]) -> Vec<(String, SheetColumn)> {
    let column = |field: &str| {
        let values: Vec<&Value> = found.iter().map(|found| found.row.get(field).unwrap_or(&Value::Null)).collect();
        let all = |fits: fn(&Value) -> bool| values.iter().all(|value| value.is_null() || fits(value));
        if values.iter().all(|value| value.is_null()) {
            SheetColumn::Text(vec![None; values.len()])
        } else if all(Value::is_boolean) {
            SheetColumn::Switch(values.iter().map(|value| value.as_bool()).collect())
        } else if all(Value::is_i64) {
            SheetColumn::Whole(values.iter().map(|value| value.as_i64()).collect())
        } else if all(Value::is_number) {
            SheetColumn::Number(values.iter().map(|value| value.as_f64()).collect())
        } else {
            SheetColumn::Text(values.iter().map(|value| (!value.is_null()).then(|| plain(value))).collect())
        }
    };
    fields(found).into_iter().map(|field| (field.to_owned(), column(field))).collect()
}

/// A text that is safe as one part of a path.
fn path_part(text: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "_-.=@ ".contains(c) { c } else { '_' };
    let part: String = text.chars().map(safe).collect();
    if part.starts_with('.') || part.is_empty() { format!("_{part}") } else { part }
}
