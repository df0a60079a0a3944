//! `sr-pipe logs`: what the stages of a cell said, attempt by attempt, also while they say it.

mod cells;
mod follow;

use std::collections::BTreeMap;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::{CommandError, Ending, block_on, columns, print, say};
use crate::diagnostic::Diagnostic;
use crate::project::Project;
use crate::record::{AttemptRow, Records};
use cells::Found;

/// Show what the stages of a cell said.
///
/// The newest attempt at each stage of the cell is shown, also where an earlier run made the result. What a stage
/// said goes to stdout, the headers between stages to stderr.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A cell, as `plan` and `runs show` name it, or the label of one stage; `*` stands for any text.
    #[arg(value_name = "CELL")]
    cell: String,
    /// Look in the newest run of this experiment [default: in the newest run that has the cell].
    #[arg(long, value_name = "FILE")]
    experiment: Option<Utf8PathBuf>,
    /// Only this stage of the pipeline.
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// This attempt instead of the newest one, by its number in `--list`.
    #[arg(long, value_name = "N", conflicts_with_all = ["list", "follow"])]
    attempt: Option<i64>,
    /// List the attempts with how they ended and where their logs are.
    #[arg(long, conflicts_with = "follow")]
    list: bool,
    /// Go on until the stages have ended, later attempts and stages included.
    #[arg(long, short)]
    follow: bool,
    /// The folder of the project.
    #[arg(long, default_value = ".", value_name = "DIR")]
    project: Utf8PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(async {
        tokio::select! {
            ended = logs(arguments) => ended,
            _ = tokio::signal::ctrl_c() => Ok(Ending::Interrupted),
        }
    })
}

async fn logs(arguments: &Arguments) -> Result<Ending, CommandError> {
    let project = match &arguments.experiment {
        Some(file) => Project::of(&file.canonicalize_utf8()?),
        // Paths are shown whole, as `run` shows them.
        None => Project { root: arguments.project.canonicalize_utf8()? },
    };
    let state = project.state();
    if !Records::exist(&state) {
        return Err(Diagnostic::new(format!("there are no records in `{}`", project.root))
            .help("start a run first, or name the project's folder with `--project`")
            .into());
    }
    let experiment = match &arguments.experiment {
        Some(file) => Some(project.relative(&file.canonicalize_utf8()?).to_string()),
        None => None,
    };
    let records = Records::open(&state).await?;
    let found =
        cells::find(&records, &state, &arguments.cell, arguments.stage.as_deref(), experiment.as_deref()).await?;
    if arguments.follow {
        return follow::follow(&records, &state, found).await;
    }
    let attempts = attempts(&records, &found).await?;
    if arguments.list {
        return list(&state, &attempts);
    }
    let shown: Vec<&AttemptRow> = match arguments.attempt {
        None => attempts.iter().filter_map(|of_stage| of_stage.last()).collect(),
        Some(number) => {
            let one = attempts.iter().flatten().find(|attempt| attempt.id == number).ok_or_else(|| {
                Diagnostic::new(format!("`{}` has no attempt {number}", arguments.cell))
                    .help(format!("`sr-pipe logs '{}' --list` shows its attempts", arguments.cell))
            })?;
            vec![one]
        }
    };
    if shown.is_empty() {
        say(&nothing(&found));
    }
    let said = |attempt: &AttemptRow| state.join(&attempt.log).metadata().is_ok_and(|file| file.len() > 0);
    let all_silent = !shown.iter().any(|attempt| said(attempt));
    for attempt in &shown {
        let (path, said) = (state.join(&attempt.log), said(attempt));
        // Most stages that run inside say nothing, and a header for each would hide what others said.
        if !said && attempt.state == "done" && !all_silent {
            continue;
        }
        if shown.len() > 1 || !said {
            say(&header(attempt, said));
        }
        if said {
            std::io::copy(&mut fs_err::File::open(&path)?, &mut std::io::stdout().lock())?;
            // Both streams often end on one terminal: what was said must stand before the next header.
            std::io::stdout().flush()?;
        }
    }
    Ok(Ending::Done)
}

/// Every attempt at each stage that was found, in order. A stage that this run did not try has those of the runs that
/// made its result, if it has one.
async fn attempts(records: &Records, found: &Found) -> Result<Vec<Vec<AttemptRow>>, CommandError> {
    let labels: Vec<&str> = found.stages.iter().map(|stage| stage.label.as_str()).collect();
    let own = records.attempts_of_stages(found.run, &labels).await?;
    let tried: BTreeMap<&str, &str> = own.iter().map(|one| (one.label.as_str(), one.key.as_str())).collect();
    let mut keys: Vec<Option<String>> = Vec::with_capacity(found.stages.len());
    for stage in &found.stages {
        keys.push(match (tried.get(stage.label.as_str()), &stage.key) {
            (Some(key), _) => Some((*key).to_owned()),
            (None, _) if !stage.reused => None,
            (None, Some(key)) => Some(key.clone()),
            // Its key became known only while the run was under way.
            (None, None) => records.newest_result(&stage.label).await?.map(|(key, _)| key.to_string()),
        });
    }
    let asked: Vec<&str> = keys.iter().flatten().map(String::as_str).collect();
    let all = if asked.is_empty() { Vec::new() } else { records.attempts_at_keys(&asked).await? };
    let of_key = |key: &Option<String>| all.iter().filter(|one| Some(&one.key) == key.as_ref()).cloned().collect();
    Ok(keys.iter().map(of_key).collect())
}

fn list(state: &Utf8Path, attempts: &[Vec<AttemptRow>]) -> Result<Ending, CommandError> {
    let rows: Vec<Vec<String>> = attempts
        .iter()
        .flatten()
        .map(|attempt| {
            vec![
                attempt.id.to_string(),
                attempt.run.to_string(),
                attempt.label.clone(),
                attempt.state.clone(),
                attempt.started.clone(),
                state.join(&attempt.log).to_string(),
            ]
        })
        .collect();
    print(&columns(&["attempt", "run", "stage", "state", "started", "log"], &rows))?;
    Ok(Ending::Done)
}

/// The line above what an attempt said.
fn header(attempt: &AttemptRow, said: bool) -> String {
    let state = if attempt.state == "running" { "under way" } else { &attempt.state };
    let silent = if said { "" } else { ", it said nothing" };
    format!("==> {}, attempt {} of run {}, {state}{silent} <==", attempt.label, attempt.id, attempt.run)
}

/// What is said where nothing was tried.
fn nothing(found: &Found) -> String {
    let what = match &found.cells[..] {
        [cell] => format!("`{cell}`"),
        cells => format!("these {} cells", cells.len()),
    };
    if found.alive {
        format!("run {} has not started a stage of {what} yet; `--follow` waits for it", found.run)
    } else {
        format!("run {} started no stage of {what}; `sr-pipe runs show {}` says how it ended", found.run, found.run)
    }
}
