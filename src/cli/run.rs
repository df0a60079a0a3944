//! `sr-pipe run`: brings every cell of an experiment to its end and writes the report.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::ending::ending;
use super::environment::environment;
use super::signals::stop_on_signals;
use super::watch::{self, Watch, duration};
use super::workspace::{Selection, Workspace};
use super::{CommandError, Ending, block_on, report, say};
use crate::diagnostic::Diagnostic;
use crate::engine::{Executor, NodeState, Plan, Planner, Report, RunLock, Status, StopSignal, drop_temporary};
use crate::experiment::Cell;
use crate::record::{NewRun, RunState};

/// Run an experiment: everything that is not in the cache yet, then the report.
///
/// A cell that fails costs only that cell. Run the same command again after a failure or an interruption: what is
/// done is not done again, and training goes on from its last checkpoint.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// How many stages may run side by side [default: the number of cores].
    #[arg(long, short, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    #[command(flatten)]
    watch: watch::Arguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(run_async(arguments))
}

async fn run_async(arguments: &Arguments) -> Result<Ending, CommandError> {
    let began = std::time::Instant::now();
    let outputs = arguments.watch.open()?;
    let workspace = Workspace::open(&arguments.selection).await?;
    let mut alone = false;
    let share = RunLock::share(&workspace.project.state(), || {
        alone = true;
        workspace.store.sweep()
    })?;
    if alone {
        workspace.records.close_killed_runs().await?;
    }
    let plan =
        Planner::new(&workspace.records, &workspace.store, &workspace.data).await?.plan(&workspace.cells.graph).await?;
    let missing = missing_files(&plan, &workspace);
    if !missing.is_empty() {
        return Err(missing.into());
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let jobs = arguments.jobs.map_or(cores, std::num::NonZeroUsize::get);
    let idle = !plan.statuses.iter().any(Status::works);

    let run = workspace
        .records
        .start_run(&NewRun {
            experiment: workspace.project.relative(&arguments.selection.experiment.canonicalize_utf8()?).as_str(),
            digest: workspace.file.digest(),
            protocol: &json!(workspace.file.protocol()),
            choices: &workspace.choices(),
            command: &std::env::args().collect::<Vec<_>>().join(" "),
            environment: &environment(&workspace, idle),
        })
        .await?;
    let stop = StopSignal::default();
    stop_on_signals(stop.clone());
    let watch = Watch::begin(outputs, &workspace, &plan, run, jobs).await?;
    let (events, seen) = tokio::sync::mpsc::unbounded_channel();
    let watching = tokio::task::spawn_blocking(move || watch.follow(seen));
    let executor = Executor {
        state: workspace.project.state(),
        records: workspace.records.clone(),
        store: workspace.store.clone(),
        run,
        jobs,
        threads: (cores / jobs).max(1),
        events,
        stop: stop.clone(),
    };
    let ended = executor.execute(&workspace.cells.graph, &plan).await?;
    drop(executor);
    let watch = watching.await.map_err(std::io::Error::other)?;

    let states: Vec<RunState> = workspace.cells.cells.iter().map(|cell| state_of(cell, &ended)).collect();
    let whole = whole_state(&states, &stop);
    workspace.records.finish_run(run, &ending(&workspace, &ended, &states, whole)).await?;
    let written = watch.end(whole);
    summarize(&workspace, &ended, &states, run, began.elapsed().as_secs_f64());
    if workspace.cells.graph.nodes.iter().any(|node| node.member.handling.temp) && share.try_alone()? {
        drop_temporary(&workspace.cells.graph, &ended.states, &workspace.store, &workspace.records).await?;
    }
    if workspace.file.experiment.report.is_some() && whole != RunState::Interrupted {
        let path = report::write(&workspace, &ended.states).await?;
        say(&format!("report: {}", path));
    }
    written?;
    Ok(match whole {
        RunState::Done => Ending::Done,
        RunState::Interrupted => {
            say("interrupted; the same command goes on from here");
            Ending::Interrupted
        }
        _ => Ending::Failed,
    })
}

/// A message for each folder of raw files that is not whole.
fn missing_files(plan: &Plan, workspace: &Workspace) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let mut messages = Vec::new();
    for (status, node) in plan.statuses.iter().zip(&workspace.cells.graph.nodes) {
        let Status::Missing { files } = status else { continue };
        if !seen.insert(files.clone()) {
            continue;
        }
        let names: Vec<String> = files.iter().map(|file| format!("`{file}`")).collect();
        let stage = node.label.rsplit(" · ").next().unwrap_or_default();
        let dataset = node.label.split([' ', '/']).next().unwrap_or_default();
        let message = format!("missing raw {}: {}", if names.len() == 1 { "file" } else { "files" }, names.join(", "));
        let help = format!("name the folder that holds the raw files: `--data DIR` (now `{}`)", workspace.data);
        let pipeline = workspace.file.pipelines.get(dataset);
        messages.push(match pipeline {
            Some(file) => file
                .document
                .error(&crate::document::keys(["stages", stage]), crate::document::Part::Key, message)
                .help(help),
            None => Diagnostic::new(message).help(help),
        });
    }
    messages
}

fn state_of(cell: &Cell, ended: &Report) -> RunState {
    let mut state = RunState::Done;
    for end in &cell.ends {
        match &ended.states[*end] {
            NodeState::Done(_) => {}
            NodeState::Failed { .. } => return RunState::Failed,
            NodeState::Blocked => state = RunState::Blocked,
            NodeState::Interrupted => state = RunState::Interrupted,
        }
    }
    state
}

fn whole_state(states: &[RunState], stop: &StopSignal) -> RunState {
    if states.iter().all(|state| *state == RunState::Done) {
        RunState::Done
    } else if stop.stopped() {
        RunState::Interrupted
    } else {
        RunState::Failed
    }
}

fn summarize(workspace: &Workspace, ended: &Report, states: &[RunState], run: i64, seconds: f64) {
    let done = states.iter().filter(|state| **state == RunState::Done).count();
    let cells = states.len();
    let work = if ended.ran == 0 {
        "nothing had to run".to_owned()
    } else {
        format!("{} stage{} ran", ended.ran, if ended.ran == 1 { "" } else { "s" })
    };
    say(&format!("run {run}: {done} of {cells} cells done, {work}, {}", duration(seconds)));
    let failed: Vec<String> = ended
        .states
        .iter()
        .zip(&workspace.cells.graph.nodes)
        .filter_map(|(state, node)| match state {
            NodeState::Failed { message, log } => {
                let first = message.lines().next().unwrap_or_default();
                Some(format!("  {}: {first}\n    log: {log}", node.label))
            }
            _ => None,
        })
        .collect();
    if !failed.is_empty() {
        say(&format!("failed:\n{}", failed.join("\n")));
    }
}
