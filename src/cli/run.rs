//! `sr-pipe run`: brings every cell of an experiment to its end and writes the report.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::ending::ending;
use super::environment::environment;
use super::failures::failed_cells;
use super::left_out::LeftOut;
use super::machine::Machine;
use super::signals::stop_on_signals;
use super::watch::{self, Watch, duration};
use super::workspace::{Selection, Workspace};
use super::{CommandError, Ending, block_on, read_only, report, say};
use crate::artifact::Gate;
use crate::diagnostic::Diagnostic;
use crate::document::{Part, Step, keys};
use crate::engine::{
    Capacity, Executor, NodeState, Plan, Report, RunLock, Status, StopSignal, drop_temporary, impossible,
};
use crate::experiment::Cell;
use crate::record::{NewRun, RunState, stage_name};

/// Run an experiment: everything that is not in the cache yet, then the report.
///
/// A cell that fails costs only that cell. Run the same command again after a failure or an interruption: what is
/// done is not done again, and training goes on from its last checkpoint.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    machine: Machine,
    /// How often a stage is tried again after it ran out of memory or its process was lost, whatever its pipeline says
    /// [default: once for training and evaluation, never for others].
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// Start nothing more once a stage has failed; without this a failed cell costs only that cell.
    #[arg(long)]
    fail_fast: bool,
    #[command(flatten)]
    watch: watch::Arguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(run_async(arguments))
}

async fn run_async(arguments: &Arguments) -> Result<Ending, CommandError> {
    let began = std::time::Instant::now();
    let outputs = arguments.watch.open()?;
    let mut workspace = Workspace::open(&arguments.selection).await?;
    if workspace.file.experiment.report.is_some() {
        report::unclaimed(&workspace)?;
    }
    if !workspace.records.writable() {
        return read_only::run(&workspace).await;
    }
    let mut alone = false;
    let share = RunLock::share(&workspace.project.state(), || {
        alone = true;
        workspace.store.sweep()
    })?;
    workspace.store = workspace.store.with_uses(share.uses());
    if alone {
        workspace.records.close_killed_runs().await?;
    }
    // No collection takes an object away between the plan and the list of what is used.
    let gate = Gate::share(&workspace.project.state())?;
    let plan = workspace.planner().await?.plan(&workspace.cells.graph).await?;
    let left_out = LeftOut::of(&workspace, &plan);
    let missing = missing_files(&plan, &workspace, &left_out);
    if !missing.is_empty() {
        return Err(missing.into());
    }
    let capacity = arguments.machine.capacity(workspace.trainer.as_deref());
    let impossible = beyond_this_machine(&plan, &workspace, &capacity);
    if !impossible.is_empty() {
        return Err(impossible.into());
    }
    left_out.told().iter().for_each(|sentence| say(sentence));
    let idle = !plan.statuses.iter().any(Status::works);
    let _gate = if idle {
        Some(gate)
    } else {
        workspace.store.mark(plan.hits())?;
        drop(gate);
        None
    };

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
    let watch = Watch::begin(outputs, &workspace, &plan, run, capacity.jobs).await?;
    let (events, seen) = tokio::sync::mpsc::unbounded_channel();
    let watching = tokio::task::spawn_blocking(move || watch.follow(seen));
    let executor = Executor {
        state: workspace.project.state(),
        records: workspace.records.clone(),
        store: workspace.store.clone(),
        run,
        capacity,
        retries: arguments.retries,
        fail_fast: arguments.fail_fast,
        events,
        stop: stop.clone(),
    };
    let ended = executor.execute(&workspace.cells.graph, &plan).await?;
    drop(executor);
    let watch = watching.await.map_err(std::io::Error::other)?;

    let states: Vec<RunState> = workspace.cells.cells.iter().map(|cell| state_of(cell, &ended)).collect();
    let whole = whole_state(&states, &left_out, &stop);
    workspace.records.finish_run(run, &ending(&workspace, &ended, &states, whole)).await?;
    let written = watch.end(whole);
    summarize(&workspace, &ended, &states, &left_out, run, began.elapsed().as_secs_f64());
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
            let left = ended.states.iter().filter(|state| **state == NodeState::Interrupted).count();
            let stages = if left == 1 { "1 stage is" } else { &format!("{left} stages are") };
            say(&format!("interrupted: {stages} left; the same command goes on from here"));
            Ending::Interrupted
        }
        _ => Ending::Failed,
    })
}

/// A message for each folder of raw files that is not whole.
fn missing_files(plan: &Plan, workspace: &Workspace, left_out: &LeftOut) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let mut messages = Vec::new();
    for (id, (status, node)) in plan.statuses.iter().zip(&workspace.cells.graph.nodes).enumerate() {
        let Status::Missing { files } = status else { continue };
        if left_out.nodes[id] || !seen.insert(files.clone()) {
            continue;
        }
        let names: Vec<String> = files.iter().map(|file| format!("`{file}`")).collect();
        let message = format!("missing raw {}: {}", if names.len() == 1 { "file" } else { "files" }, names.join(", "));
        let help = format!("name the folder that holds the raw files: `--data DIR` (now `{}`)", workspace.data.path);
        messages.push(at_stage(workspace, &node.label, &[], message).help(help));
    }
    messages
}

/// A message for each stage that has to run and needs more than the machine will ever have.
fn beyond_this_machine(plan: &Plan, workspace: &Workspace, capacity: &Capacity) -> Vec<Diagnostic> {
    let graph = &workspace.cells.graph;
    let mut messages: Vec<Diagnostic> = Vec::new();
    for (id, why) in impossible(graph, plan, capacity) {
        let label = &graph.nodes[id].label;
        let stage = stage_name(label);
        let message = format!("stage `{stage}` can never run here: {why}");
        let help = "lower the stage's `resources`, or give the run more with `--gpus` or `--memory`";
        let message = at_stage(workspace, label, &["resources"], message).help(help);
        // Cells that share the stage share the mistake.
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    messages
}

/// A message that points at a stage in its pipeline, at a field of it where that is written there.
fn at_stage(workspace: &Workspace, label: &str, field: &[&str], message: String) -> Diagnostic {
    let stage = stage_name(label);
    let dataset = label.split([' ', '/']).next().unwrap_or_default();
    let Some(file) = workspace.file.pipelines.get(dataset) else { return Diagnostic::new(message) };
    let stage = keys(["stages", stage]);
    let mut path = stage.clone();
    path.extend(field.iter().map(|name| Step::Key((*name).to_owned())));
    file.document.error(if file.document.has(&path) { &path } else { &stage }, Part::Key, message)
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

fn whole_state(states: &[RunState], left_out: &LeftOut, stop: &StopSignal) -> RunState {
    if states.iter().zip(&left_out.cells).all(|(state, out)| *out || *state == RunState::Done) {
        RunState::Done
    } else if stop.stopped() {
        RunState::Interrupted
    } else {
        RunState::Failed
    }
}

fn summarize(workspace: &Workspace, ended: &Report, states: &[RunState], left_out: &LeftOut, run: i64, seconds: f64) {
    let done = states.iter().filter(|state| **state == RunState::Done).count();
    let cells = states.len();
    let work = if ended.ran == 0 {
        "nothing had to run".to_owned()
    } else {
        format!("{} stage{} ran", ended.ran, if ended.ran == 1 { "" } else { "s" })
    };
    let out = match left_out.count() {
        0 => String::new(),
        out => format!("{out} left out, "),
    };
    say(&format!("run {run}: {done} of {cells} cells done, {out}{work}, {}", duration(seconds)));
    let failed = failed_cells(workspace, ended, states, left_out);
    if !failed.is_empty() {
        say(&failed);
    }
}
