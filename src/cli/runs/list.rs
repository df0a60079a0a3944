//! `sr-pipe runs list`: one line a run.

use clap::Args;

use super::{CommandError, Ending, Place, columns, print};

/// One line for each run, the newest first.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// How many to list.
    #[arg(long, default_value_t = 20)]
    limit: i64,
}

pub(super) async fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let rows = arguments.place.records().await?.runs(arguments.limit).await?;
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
