//! `sr-pipe runs`: what was done so far.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::{CommandError, Ending, block_on, columns, print};
use crate::diagnostic::Diagnostic;
use crate::project::Project;
use crate::record::Records;

/// Look at the runs on record.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One line for each run, the newest first.
    List {
        /// The folder of the project.
        #[arg(long, default_value = ".", value_name = "DIR")]
        project: Utf8PathBuf,
        /// How many to list.
        #[arg(long, default_value_t = 20)]
        limit: i64,
    },
    /// All that is on record of one run: cells, stages, epochs, versions.
    Show {
        /// The number of the run; the newest if left out.
        run: Option<i64>,
        /// The folder of the project.
        #[arg(long, default_value = ".", value_name = "DIR")]
        project: Utf8PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    match &arguments.command {
        Command::List { project, limit } => block_on(list(project, *limit)),
        Command::Show { run, project } => block_on(show(*run, project)),
    }
}

async fn open(folder: &Utf8PathBuf) -> Result<Records, CommandError> {
    let project = Project { root: folder.clone() };
    if !Records::exist(&project.state()) {
        return Err(Diagnostic::new(format!("there are no records in `{folder}`"))
            .help("start a run first, or name the project's folder with `--project`")
            .into());
    }
    Ok(Records::open(&project.state()).await?)
}

async fn list(project: &Utf8PathBuf, limit: i64) -> Result<Ending, CommandError> {
    let rows = open(project).await?.runs(limit).await?;
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|run| {
            vec![
                run.id.to_string(),
                run.state,
                run.started,
                run.cells.to_string(),
                run.attempts.to_string(),
                run.experiment,
            ]
        })
        .collect();
    print(&columns(&["run", "state", "started", "cells", "ran", "experiment"], &rows))?;
    Ok(Ending::Done)
}

async fn show(run: Option<i64>, project: &Utf8PathBuf) -> Result<Ending, CommandError> {
    let records = open(project).await?;
    let newest = records.runs(1).await?.into_iter().next();
    let found = match run {
        Some(id) => records.run(id).await?,
        None => newest,
    };
    let Some(row) = found else {
        return Err(Diagnostic::new("there is no such run").help("`sr-pipe runs list` shows their numbers").into());
    };
    let finished = row.finished.as_deref().unwrap_or("-");
    let mut text = format!(
        "run         {}\nexperiment  {} ({})\nstate       {}\nstarted     {}\nfinished    {finished}\ncommand     {}\nprotocol    {}\nmade with   {}\n",
        row.id,
        row.experiment,
        &row.digest[..12],
        row.state,
        row.started,
        row.command,
        row.protocol,
        row.environment,
    );
    let cells: Vec<Vec<String>> = records
        .cells(row.id)
        .await?
        .into_iter()
        .map(|cell| {
            let short = |hash: Option<String>| hash.map_or_else(|| "-".to_owned(), |hash| hash[..12].to_owned());
            vec![cell.name, cell.state, short(cell.key), short(cell.object)]
        })
        .collect();
    text.push('\n');
    text.push_str(&columns(&["cell", "state", "key", "object"], &cells));
    let attempts = records.attempts(row.id).await?;
    if !attempts.is_empty() {
        let rows: Vec<Vec<String>> = attempts
            .iter()
            .map(|attempt| {
                let error = attempt.error.as_deref().and_then(|error| error.lines().next()).unwrap_or_default();
                vec![
                    attempt.id.to_string(),
                    attempt.label.clone(),
                    attempt.state.clone(),
                    attempt.started.clone(),
                    attempt.finished.clone().unwrap_or_else(|| "-".into()),
                    attempt.log.clone(),
                    error.to_owned(),
                ]
            })
            .collect();
        text.push('\n');
        text.push_str(&columns(&["attempt", "stage", "state", "started", "finished", "log", "error"], &rows));
    }
    let mut counts = Vec::new();
    for attempt in &attempts {
        for (name, value) in attempt.notes.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            counts.push(vec![attempt.label.clone(), name.clone(), value]);
        }
    }
    if !counts.is_empty() {
        text.push('\n');
        text.push_str(&columns(&["stage", "count", ""], &counts));
    }
    let epochs = records.epochs(row.id).await?;
    if !epochs.is_empty() {
        let number = |value: &serde_json::Value, digits: usize| {
            value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
        };
        let rows: Vec<Vec<String>> = epochs
            .iter()
            .map(|row| {
                let label = attempts.iter().find(|attempt| attempt.id == row.attempt).map_or("", |a| a.label.as_str());
                vec![
                    label.to_owned(),
                    row.event["epoch"].to_string(),
                    number(&row.event["loss"], 4),
                    number(&row.event["metrics"]["hit@20"], 4),
                    number(&row.event["metrics"]["mrr@20"], 4),
                    number(&row.event["samples_per_second"], 0),
                ]
            })
            .collect();
        text.push('\n');
        text.push_str(&columns(&["stage", "epoch", "loss", "hit@20", "mrr@20", "samples/s"], &rows));
    }
    print(&text)?;
    Ok(Ending::Done)
}
