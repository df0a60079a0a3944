//! `sr-pipe report`: the table of an experiment, from what is on record.

mod curves;
mod maps;
mod ranks;
mod statistics;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camino::Utf8PathBuf;
use clap::Args;

use super::workspace::{Selection, Workspace};
use super::{CommandError, Ending, block_on, print, say};
use crate::artifact::Gate;
use crate::data::audit::Audit;
use crate::document::Part;
use crate::engine::{NodeId, NodeState, Outcome, Plan, Planner, Status};
use crate::experiment::{Cell, Cells};
use crate::project::write_atomically;
use crate::record::MadeBy;
use crate::report::{Audited, Provenance};

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

/// What is written into the files of a report.
struct Written {
    markdown: String,
    csv: String,
    /// File name and SVG.
    figures: Vec<(String, String)>,
}

/// Writes `results/NAME.md`, `results/NAME.csv` and the figures beside them; gives the path of the first.
pub(super) async fn write(workspace: &Workspace, states: &[NodeState]) -> Result<Utf8PathBuf, CommandError> {
    let _gate = keep_all(workspace)?;
    let Some(spec) = &workspace.file.experiment.report else {
        return Err(workspace
            .file
            .document
            .error(&[], Part::Value, "this experiment has no `report`")
            .help("add `report: { metrics: [hit@20, mrr@20] }`")
            .into());
    };
    let rest = rest(workspace).await?;
    let chosen = workspace.cells.cells.iter().map(|cell| Found { cell, all: &workspace.cells, states });
    let unchosen = rest.iter().flat_map(|(all, states)| all.cells.iter().map(move |cell| Found { cell, all, states }));
    let by_name: HashMap<&str, Found<'_>> =
        chosen.chain(unchosen).map(|found| (found.cell.name.as_str(), found)).collect();
    let found: Vec<Found<'_>> =
        workspace.file.points.points.iter().filter_map(|point| by_name.get(point.name.as_str()).copied()).collect();
    let audits = audits(workspace, &found)?;
    let written = match (workspace.file.counts(), workspace.file.maps()) {
        (true, _) => statistics::render(workspace, spec, &found, &audits).await?,
        (false, Some(maps)) => maps::render(workspace, spec, maps, &found, &audits).await?,
        (false, None) => ranks::render(workspace, spec, &found, &audits).await?,
    };
    let path = workspace.project.results().join(format!("{}.md", workspace.file.name()));
    // The page last, so that whatever it links is there.
    for (name, svg) in &written.figures {
        write_atomically(&workspace.project.results().join(name), svg.as_bytes())?;
    }
    write_atomically(&path.with_extension("csv"), written.csv.as_bytes())?;
    write_atomically(&path, written.markdown.as_bytes())?;
    let here = Utf8PathBuf::from_path_buf(std::env::current_dir()?).unwrap_or_default();
    Ok(path.strip_prefix(&here).map(camino::Utf8Path::to_owned).unwrap_or(path))
}

/// A cell of the grid, and how the stages stand that it is made of.
#[derive(Clone, Copy)]
struct Found<'a> {
    cell: &'a Cell,
    all: &'a Cells,
    states: &'a [NodeState],
}

/// Why a stage of a cell has no result.
enum Absence {
    /// A stage failed.
    Failed {
        /// What it said.
        message: String,
        /// Its log, as a person would write its path.
        log: String,
    },
    /// Nothing failed.
    Missing(String),
}

impl Found<'_> {
    /// The result of a stage; nothing where the cell has no such stage or it has no result.
    fn done(&self, node: Option<NodeId>) -> Option<&Outcome> {
        match &self.states[node?] {
            NodeState::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Why a stage has no result: a stage that failed on the way to it, or raw files that are absent.
    fn absence(&self, workspace: &Workspace, node: Option<NodeId>) -> Absence {
        let mut open: Vec<NodeId> = node.into_iter().collect();
        let (mut reached, mut absent) = (BTreeSet::new(), BTreeSet::new());
        while let Some(id) = open.pop() {
            if !reached.insert(id) {
                continue;
            }
            let node = &self.all.graph.nodes[id];
            open.extend(node.inputs.values());
            if let NodeState::Failed { message, log } = &self.states[id] {
                let log = workspace.project.relative(log).to_string();
                return Absence::Failed { message: message.clone(), log };
            }
            let Some(source) = node.member.stage.source() else { continue };
            let folder = workspace.data.join(&source.folder);
            let files = source.files.iter().filter(|file| source.find(&folder, file).is_none());
            absent.extend(files.map(|file| source.folder.join(file)));
        }
        if absent.is_empty() {
            return Absence::Missing("did not run".to_owned());
        }
        let files: Vec<String> = absent.iter().map(|path| format!("`{}`", workspace.project.relative(path))).collect();
        Absence::Missing(format!("did not run, since raw files are absent: {}", files.join(", ")))
    }
}

/// What the audits found, in the order of the grid; cells that share an audit share its findings.
fn audits(workspace: &Workspace, found: &[Found<'_>]) -> Result<Vec<Audited>, CommandError> {
    let (mut audits, mut seen) = (Vec::new(), BTreeSet::new());
    for found in found {
        let Some(node) = found.cell.audit else { continue };
        let label = &found.all.graph.nodes[node].label;
        let name = label.rsplit_once(" · ").map_or(label.as_str(), |(cell, _)| cell);
        if !seen.insert(name) {
            continue;
        }
        let findings = match found.done(Some(node)) {
            Some(outcome) => Ok(Audit::read(&outcome.folder)?),
            None => Err(match found.absence(workspace, Some(node)) {
                Absence::Failed { message, .. } => format!("failed: {}", message.lines().next().unwrap_or_default()),
                Absence::Missing(why) => why,
            }),
        };
        audits.push(Audited { name: name.to_owned(), findings });
    }
    Ok(audits)
}

/// What is gathered beside the numbers: which data they are of, and what made the newest of them.
#[derive(Default)]
struct Origin {
    datasets: BTreeMap<String, String>,
    newest: Option<MadeBy>,
}

impl Origin {
    /// Notes the dataset of a cell; gives the folder of its files.
    fn dataset<'a>(&mut self, found: &Found<'a>) -> Option<&'a Outcome> {
        let NodeState::Done(outcome) = &found.states[found.cell.dataset?] else { return None };
        self.datasets.insert(found.cell.coordinates["dataset"].clone(), outcome.object.short());
        Some(outcome)
    }

    /// Notes a result; gives the run that made it, an empty name where that is not on record.
    async fn result(&mut self, workspace: &Workspace, outcome: &Outcome) -> Result<String, CommandError> {
        let made = match &outcome.key {
            Some(key) => workspace.records.made_by(key).await?,
            None => None,
        };
        let run = made.as_ref().map(|made| made.run.to_string()).unwrap_or_default();
        self.newest = self.newest.take().max(made);
        Ok(run)
    }

    /// The last section of the report. Everything in it is on record, so that rendering again gives the same bytes.
    fn provenance(self, workspace: &Workspace) -> Result<Provenance, CommandError> {
        let file = workspace.file.document.path.canonicalize_utf8()?;
        let file = workspace.project.relative(&file);
        let newest = self.newest;
        Ok(Provenance {
            experiment_file: file.to_string(),
            experiment_digest: workspace.file.digest().short(),
            protocol_digest: workspace.file.protocol_digest().short(),
            datasets: self.datasets,
            tool_version: concat!("sr-pipe ", env!("CARGO_PKG_VERSION")).into(),
            git_commit: newest.as_ref().and_then(|made| made.environment["git_commit"].as_str()).map(str::to_owned),
            git_dirty: newest.as_ref().is_some_and(|made| made.environment["git_dirty"].as_bool().unwrap_or(false)),
            command: format!("sr-pipe run {file}{}", workspace.file.choice.arguments()),
            date: newest.map_or_else(|| "nothing has run".to_owned(), |made| made.finished),
        })
    }
}
