//! The command line: one file a command. Data go to stdout, words to stderr.
//!
//! Exit codes: 0 done, 1 a stage failed, 2 the input is wrong, 130 interrupted.

mod accept;
mod cache;
mod completions;
mod data;
mod ending;
mod environment;
mod failures;
mod left_out;
mod logs;
mod machine;
mod manual;
mod place;
mod plan;
mod read_only;
mod report;
mod run;
mod runs;
mod schema;
mod serve;
mod signals;
mod status;
mod synth;
mod trainer;
mod watch;
mod workspace;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::artifact::StoreError;
use crate::diagnostic::Diagnostic;
use crate::engine::PlanError;
use crate::record::RecordError;

pub use schema::{schemas, tables};

/// Runs the experiments of session-based recommendation papers, from raw logs to the printed table.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Start here:
  sr-pipe run experiments/quickstart.yaml     raw files to a results table, on data made up here
  sr-pipe plan experiments/quickstart.yaml    what that would do, and why
  sr-pipe runs list                           what was done so far

Exit codes: 0 done, 1 a stage failed, 2 the input is wrong, 130 interrupted."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Plan(plan::Arguments),
    Accept(accept::Arguments),
    Report(report::Arguments),
    Runs(runs::Arguments),
    Status(status::Arguments),
    Logs(logs::Arguments),
    Serve(serve::Arguments),
    Data(data::Arguments),
    Synth(synth::Arguments),
    Schema(schema::Arguments),
    Cache(cache::Arguments),
    Trainer(trainer::Arguments),
    Completions(completions::Arguments),
    Manual(manual::Arguments),
}

/// How a command ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is well.
    Done,
    /// Something that the command was asked to do did not succeed; it has said so.
    Failed,
    /// It was stopped.
    Interrupted,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The input is wrong: every message at once.
    #[error("the input is wrong")]
    Input(Vec<Diagnostic>),
    /// The records cannot be used.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Record(error) => Self::Record(error),
            PlanError::Io(error) => Self::Io(error),
        }
    }
}

impl From<Diagnostic> for CommandError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Input(vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for CommandError {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::Input(diagnostics)
    }
}

/// The whole program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("SR_PIPE_LOG"))
        .with_writer(std::io::stderr)
        .init();
    let ended = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Accept(arguments) => accept::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Logs(arguments) => logs::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Synth(arguments) => synth::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Trainer(arguments) => trainer::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Manual(arguments) => manual::run(&arguments),
    };
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::from(1),
        Ok(Ending::Interrupted) => ExitCode::from(130),
        // The reader of our output has gone: nothing is left to say.
        Err(CommandError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(CommandError::Input(diagnostics)) => {
            for diagnostic in &diagnostics {
                say(&format!("{}\n", diagnostic.render(color())));
            }
            ExitCode::from(2)
        }
        Err(error) => {
            say(&Diagnostic::new(error.to_string()).render(color()));
            ExitCode::from(1)
        }
    }
}

/// Words for people.
fn say(text: &str) {
    watch::aside(|| {
        // With stderr gone there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{text}");
    });
}

/// Data, to stdout.
fn print(text: &str) -> std::io::Result<()> {
    std::io::stdout().write_all(text.as_bytes())
}

/// True when stderr may be coloured.
fn color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Runs a future to its end on a small runtime.
fn block_on<T>(future: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(future)
}

/// Columns under a header, as wide as their widest cell.
fn columns(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut header.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// `1 cell`, `2 cells`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
