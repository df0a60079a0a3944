//! `sr-pipe report`: the table of an experiment, from what is on record.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use clap::Args;

use super::workspace::{Selection, Workspace};
use super::{CommandError, Ending, block_on, print, say};
use crate::artifact::Gate;
use crate::data::ranks::Ranks;
use crate::diagnostic::Diagnostic;
use crate::engine::{NodeState, Outcome, Plan, Planner, Status};
use crate::experiment::{Cell, Cells};
use crate::project::write_atomically;
use crate::report::{CellRanks, CellResult, CellState, Provenance, Report, render, render_csv};

/// Write the report of an experiment from what is in the cache. Runs nothing.
///
/// Cells that did not run are marked as missing.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Also print the report to stdout.
    #[arg(long)]
    print: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(async {
        let workspace = Workspace::open(&arguments.selection).await?;
        let _gate = keep_all(&workspace)?;
        let planner = Planner::new(&workspace.records, &workspace.store, &workspace.data).await?;
        let plan = planner.plan(&workspace.cells.graph).await?;
        let states = states(&workspace, &plan);
        let path = write(&workspace, &states).await?;
        say(&format!("report: {path}"));
        if arguments.print {
            print(&fs_err::read_to_string(&path)?)?;
        }
        Ok(Ending::Done)
    })
}

/// As long as this is held, no collection takes an object away between a plan and the reading of what it found.
fn keep_all(workspace: &Workspace) -> std::io::Result<Option<Gate>> {
    // Where nothing can be written, nothing can be taken away either.
    workspace.records.writable().then(|| Gate::share(&workspace.project.state())).transpose()
}

/// How the stages stand without a run: what is in the cache is done.
pub(super) fn states(workspace: &Workspace, plan: &Plan) -> Vec<NodeState> {
    let state = |status: &Status| match status {
        Status::Hit { key, object, .. } => NodeState::Done(Outcome::sealed(&workspace.store, Some(*key), object)),
        _ => NodeState::Blocked,
    };
    plan.statuses.iter().map(state).collect()
}

/// The cells that were not chosen, as far as they can be wired, and how their stages stand: a report is of the whole
/// grid.
async fn rest(workspace: &Workspace) -> Result<Option<(Cells, Vec<NodeState>)>, CommandError> {
    let Some(Ok(cells)) = workspace.unchosen() else { return Ok(None) };
    let planner = Planner::new(&workspace.records, &workspace.store, &workspace.data).await?;
    let states = states(workspace, &planner.plan(&cells.graph).await?);
    Ok(Some((cells, states)))
}

/// Writes `results/NAME.md` and `results/NAME.csv`; gives the path of the first.
pub(super) async fn write(workspace: &Workspace, states: &[NodeState]) -> Result<Utf8PathBuf, CommandError> {
    let _gate = keep_all(workspace)?;
    let experiment = &workspace.file.experiment;
    let Some(spec) = &experiment.report else {
        return Err(workspace
            .file
            .document
            .error(&[], crate::document::Part::Value, "this experiment has no `report`")
            .help("add `report: { metrics: [hit@20, mrr@20] }`")
            .into());
    };
    let mut datasets = BTreeMap::new();
    let mut cells = Vec::with_capacity(workspace.file.points.points.len());
    let mut newest = None;
    let rest = rest(workspace).await?;
    let chosen = workspace.cells.cells.iter().map(|cell| (cell, &workspace.cells, states));
    let unchosen = rest.iter().flat_map(|(rest, states)| rest.cells.iter().map(move |cell| (cell, rest, &states[..])));
    for (cell, all, states) in chosen.chain(unchosen) {
        let mut test_samples = String::new();
        if let Some(NodeState::Done(dataset)) = cell.dataset.map(|id| &states[id]) {
            let meta = fs_err::read(dataset.folder.join("meta.json"))?;
            let meta: serde_json::Value = serde_json::from_slice(&meta).map_err(std::io::Error::other)?;
            test_samples = meta["test_samples"].as_str().unwrap_or_default().to_owned();
            datasets.insert(cell.coordinates["dataset"].clone(), dataset.object.short());
        }
        let state = match cell.ranks.map(|id| &states[id]) {
            Some(NodeState::Done(outcome)) => {
                let ranks = Ranks::read(&outcome.folder.join("ranks.parquet"))
                    .map_err(|error| Diagnostic::new(error.to_string()))?;
                let made = match &outcome.key {
                    Some(key) => workspace.records.made_by(key).await?,
                    None => None,
                };
                let run = made.as_ref().map(|made| made.run.to_string()).unwrap_or_default();
                newest = newest.max(made);
                CellState::Done(Box::new(CellRanks {
                    ranks,
                    protocol_digest: workspace.file.protocol_digest().short(),
                    test_samples,
                    synthetic: cell.synthetic,
                    run,
                }))
            }
            Some(_) => failure(workspace, all, cell, states),
            None => CellState::Missing,
        };
        cells.push(CellResult { coordinates: cell.coordinates.clone(), seed: cell.seed, state });
    }
    let titles = workspace
        .trainer
        .iter()
        .flat_map(|trainer| &trainer.description.models)
        .map(|model| (model.name.clone(), model.title.clone()))
        .collect();
    // Everything here is on record, so that rendering again gives the same bytes.
    let provenance = Provenance {
        experiment_file: workspace.project.relative(&workspace.file.document.path.canonicalize_utf8()?).to_string(),
        experiment_digest: workspace.file.digest().short(),
        protocol_digest: workspace.file.protocol_digest().short(),
        datasets,
        tool_version: concat!("sr-pipe ", env!("CARGO_PKG_VERSION")).into(),
        git_commit: newest.as_ref().and_then(|made| made.environment["git_commit"].as_str()).map(str::to_owned),
        git_dirty: newest.as_ref().is_some_and(|made| made.environment["git_dirty"].as_bool().unwrap_or(false)),
        command: format!(
            "sr-pipe run {}{}",
            workspace.project.relative(&workspace.file.document.path.canonicalize_utf8()?),
            workspace.file.choice.arguments()
        ),
        date: newest.map_or_else(|| "nothing has run".to_owned(), |made| made.finished),
    };
    let protocol = workspace.file.protocol();
    let report = Report {
        spec,
        experiment,
        points: &workspace.file.points,
        protocol: &protocol,
        titles: &titles,
        cells: &cells,
        provenance: &provenance,
    };
    let failed = |error: crate::metric::MetricError| Diagnostic::new(error.to_string()).help(error.help());
    let path = workspace.project.results().join(format!("{}.md", workspace.file.name()));
    write_atomically(&path, render(&report).map_err(failed)?.as_bytes())?;
    write_atomically(&path.with_extension("csv"), render_csv(&report).map_err(failed)?.as_bytes())?;
    let here = Utf8PathBuf::from_path_buf(std::env::current_dir()?).unwrap_or_default();
    Ok(path.strip_prefix(&here).map(camino::Utf8Path::to_owned).unwrap_or(path))
}

/// Why a cell has no ranks: the stage that failed on the way to it, if one did.
fn failure(workspace: &Workspace, all: &Cells, cell: &Cell, states: &[NodeState]) -> CellState {
    let mut open: Vec<usize> = cell.ranks.into_iter().collect();
    while let Some(id) = open.pop() {
        if let NodeState::Failed { message, log } = &states[id] {
            let log = workspace.project.relative(log).to_string();
            return CellState::Failed { message: message.clone(), log: Some(log) };
        }
        open.extend(all.graph.nodes[id].inputs.values());
    }
    CellState::Missing
}
