//! `sr-pipe runs`: what was done so far, and how to find it again.

mod diff;
mod export;
mod facts;
mod filter;
mod list;
mod search;
mod show;

use clap::{Args, Subcommand};

use self::filter::Filter;
use super::place::Place;
use super::{CommandError, Ending, block_on, columns, count, print, say};
use crate::diagnostic::Diagnostic;
use crate::record::{CellDetail, Details, Records, RunDetail};

/// Look at the runs on record.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Diff(diff::Arguments),
    Search(search::Arguments),
    Export(export::Arguments),
}

/// Which cells of which runs.
#[derive(Debug, Args)]
struct Filters {
    /// A field, one of = != < <= > >=, and a value, in which `*` stands for any text: `state=failed`, `cell=demo/*`,
    /// `model=m-sr`, `config.training.learning_rate<0.01`, `seconds>1h`, `peak_memory>2GB`, `mrr@20>0.2`,
    /// `started>2026-11-01`. Of several, all must hold.
    #[arg(value_name = "FILTER", value_parser = str::parse::<Filter>)]
    filters: Vec<Filter>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(async {
        match &arguments.command {
            Command::List(arguments) => list::run(arguments).await,
            Command::Show(arguments) => show::run(arguments).await,
            Command::Diff(arguments) => diff::run(arguments).await,
            Command::Search(arguments) => search::run(arguments).await,
            Command::Export(arguments) => export::run(arguments).await,
        }
    })
}

/// A run by its number; the newest without one.
async fn run_details(records: &Records, run: Option<i64>) -> Result<Details, CommandError> {
    let run = match run {
        Some(run) => run,
        None => records.runs(1).await?.first().map_or(0, |newest| newest.id),
    };
    let details = records.details(&[run]).await?;
    if details.runs.is_empty() {
        return Err(Diagnostic::new("there is no such run").help("`sr-pipe runs list` shows their numbers").into());
    }
    Ok(details)
}

/// The cell of a run with this name.
fn cell_of<'a>(run: &'a RunDetail, name: &str) -> Result<&'a CellDetail, Diagnostic> {
    run.cells.iter().find(|cell| cell.name == name).ok_or_else(|| {
        let names: Vec<&str> = run.cells.iter().map(|cell| cell.name.as_str()).collect();
        let longer = || names.iter().copied().find(|known| known.starts_with(name));
        let near = crate::diagnostic::did_you_mean(name, names.iter().copied()).or_else(longer);
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`sr-pipe runs show {}` lists its cells", run.run.id),
        };
        Diagnostic::new(format!("run {} has no cell `{name}`", run.run.id)).help(help)
    })
}

/// The first digits of a hash, for people.
fn short(hash: Option<&String>) -> String {
    hash.and_then(|hash| hash.get(..12)).unwrap_or("-").to_owned()
}

/// JSON for other programs.
fn print_json(value: &serde_json::Value) -> Result<Ending, CommandError> {
    print(&format!("{value:#}\n"))?;
    Ok(Ending::Done)
}
