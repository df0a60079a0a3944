//! What a report is made of, from the cache: each cell with the results of its stages, or why it has none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::artifact::Gate;
use crate::cli::CommandError;
use crate::cli::workspace::Workspace;
use crate::data::audit::Audit;
use crate::engine::{NodeId, NodeState, Outcome, Plan, Status};
use crate::experiment::{Cell, Cells};
use crate::record::{MadeBy, stage_name};
use crate::report::page::Made;
use crate::report::{Audited, Provenance};

/// As long as this is held, no collection takes an object away between a plan and the reading of what it found.
pub(super) fn keep_all(workspace: &Workspace) -> std::io::Result<Option<Gate>> {
    // Where nothing can be written, nothing can be taken away either.
    workspace.records.writable().then(|| Gate::share(&workspace.project.state())).transpose()
}

/// How the stages stand without a run: what is in the cache is done.
pub(in crate::cli) fn states(workspace: &Workspace, plan: &Plan) -> Vec<NodeState> {
    let state = |status: &Status| match status {
        Status::Hit { key, object, .. } => NodeState::Done(Outcome::sealed(&workspace.store, Some(*key), object)),
        _ => NodeState::Blocked,
    };
    plan.statuses.iter().map(state).collect()
}

/// The cells that were not chosen, as far as they can be wired, and how their stages stand: a report is of the whole
/// grid.
pub(super) async fn rest(workspace: &Workspace) -> Result<Option<(Cells, Vec<NodeState>)>, CommandError> {
    let Some(Ok(cells)) = workspace.unchosen() else { return Ok(None) };
    let planner = workspace.planner().await?;
    let states = states(workspace, &planner.plan(&cells.graph).await?);
    Ok(Some((cells, states)))
}

/// The cells of the grid in its order, as far as they can be wired.
pub(super) fn found<'a>(
    workspace: &'a Workspace,
    states: &'a [NodeState],
    rest: Option<&'a (Cells, Vec<NodeState>)>,
) -> Vec<Found<'a>> {
    let chosen = workspace.cells.cells.iter().map(|cell| Found { cell, all: &workspace.cells, states });
    let unchosen =
        rest.into_iter().flat_map(|(all, states)| all.cells.iter().map(move |cell| Found { cell, all, states }));
    let by_name: HashMap<&str, Found<'_>> =
        chosen.chain(unchosen).map(|found| (found.cell.name.as_str(), found)).collect();
    workspace.file.points.points.iter().filter_map(|point| by_name.get(point.name.as_str()).copied()).collect()
}

/// A cell of the grid, and how the stages stand that it is made of.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) cell: &'a Cell,
    pub(super) all: &'a Cells,
    states: &'a [NodeState],
}

/// Why a stage of a cell has no result.
pub(super) enum Absence {
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
    pub(super) fn done(&self, node: Option<NodeId>) -> Option<&Outcome> {
        match &self.states[node?] {
            NodeState::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Whether a stage is kept as it was, or one that it reads.
    pub(super) fn frozen(&self, node: Option<NodeId>) -> bool {
        self.upstream(node).into_iter().any(|id| self.all.graph.nodes[id].member.handling.frozen)
    }

    /// A stage and all that lead to it.
    fn upstream(&self, node: Option<NodeId>) -> BTreeSet<NodeId> {
        let (mut open, mut reached) = (Vec::from_iter(node), BTreeSet::new());
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                open.extend(self.all.graph.nodes[id].inputs.values());
            }
        }
        reached
    }

    /// What a stage's result was made with and from.
    fn made(&self, node: Option<NodeId>, by: &MadeBy) -> Made {
        let reached = self.upstream(node);
        let stages = || reached.iter().map(|id| (*id, &self.all.graph.nodes[*id]));
        let artifacts = stages().filter_map(|(id, node)| {
            // Files outside the store are an outcome of a run alone; what was made of them says enough.
            let outcome = self.done(Some(id)).filter(|outcome| outcome.key.is_some())?;
            Some((stage_name(&node.label).to_owned(), outcome.object.short()))
        });
        let trained = stages().map(|(_, node)| &node.member.identity).rfind(|identity| identity.kind == "train");
        Made {
            finished: by.finished.clone(),
            git_commit: by.environment["git_commit"].as_str().map(str::to_owned),
            git_dirty: by.environment["git_dirty"].as_bool().unwrap_or(false),
            config: trained.map(|identity| identity.config.clone()).unwrap_or_default(),
            artifacts: artifacts.collect(),
        }
    }

    /// Why a stage has no result: a stage that failed on the way to it, or raw files that are absent.
    pub(super) fn absence(&self, workspace: &Workspace, node: Option<NodeId>) -> Absence {
        let mut open: Vec<NodeId> = node.into_iter().collect();
        let (mut reached, mut absent) = (BTreeSet::new(), BTreeSet::new());
        while let Some(id) = open.pop() {
            // What is done wants nothing any more, whether or not the files are there that it was made from.
            if !reached.insert(id) || self.done(Some(id)).is_some() {
                continue;
            }
            let node = &self.all.graph.nodes[id];
            open.extend(node.inputs.values());
            if let NodeState::Failed { message, log } = &self.states[id] {
                let log = workspace.project.relative(log).to_string();
                return Absence::Failed { message: message.clone(), log };
            }
            let Some(source) = node.member.stage.source() else { continue };
            let folder = workspace.data.path.join(&source.folder);
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
pub(super) fn audits(workspace: &Workspace, found: &[Found<'_>]) -> Result<Vec<Audited>, CommandError> {
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
pub(super) struct Origin {
    datasets: BTreeMap<String, String>,
    newest: Option<MadeBy>,
    /// The commits of all, with a word on changes beside them.
    commits: BTreeSet<String>,
}

impl Origin {
    /// Notes the dataset of a cell; gives the folder of its files.
    pub(super) fn dataset<'a>(&mut self, found: &Found<'a>) -> Option<&'a Outcome> {
        let NodeState::Done(outcome) = &found.states[found.cell.dataset?] else { return None };
        self.datasets.insert(found.cell.coordinates["dataset"].clone(), outcome.object.short());
        Some(outcome)
    }

    /// Notes the result of a stage of a cell; gives the run that made it, an empty name where that is not on record, and
    /// what it was made with and from.
    pub(super) async fn result(
        &mut self,
        workspace: &Workspace,
        found: &Found<'_>,
        node: Option<NodeId>,
        outcome: &Outcome,
    ) -> Result<(String, Option<Made>), CommandError> {
        let made = match &outcome.key {
            Some(key) => workspace.records.made_by(key).await?,
            None => None,
        };
        let Some(by) = made else { return Ok((String::new(), None)) };
        let told = found.made(node, &by);
        let run = by.run.to_string();
        self.commits.extend(commit(&by));
        self.newest = self.newest.take().max(Some(by));
        Ok((run, Some(told)))
    }

    /// The last section of the report. Everything in it is on record, so that rendering again gives the same bytes.
    pub(super) fn provenance(self, workspace: &Workspace) -> Result<Provenance, CommandError> {
        let file = workspace.file.document.path.canonicalize_utf8()?;
        let file = workspace.project.relative(&file);
        let newest = self.newest;
        let of_newest = newest.as_ref().and_then(commit);
        let data = if workspace.data.named { " --data DIR" } else { "" };
        Ok(Provenance {
            experiment_file: file.to_string(),
            experiment_digest: workspace.file.digest().short(),
            protocol_digest: workspace.file.protocol_digest().short(),
            datasets: self.datasets,
            tool_version: concat!("sr-pipe ", env!("CARGO_PKG_VERSION")).into(),
            git_commit: of_newest.clone(),
            other_commits: self.commits.into_iter().filter(|commit| Some(commit) != of_newest.as_ref()).collect(),
            command: format!("sr-pipe run {file}{}{data}", workspace.file.choice.arguments()),
            date: newest.map_or_else(|| "nothing has run".to_owned(), |made| made.finished),
        })
    }
}

/// The commit under which a result was made: `54a736…`, or `54a736… with changes`.
fn commit(by: &MadeBy) -> Option<String> {
    let changed = by.environment["git_dirty"].as_bool().unwrap_or(false);
    let commit = by.environment["git_commit"].as_str()?;
    Some(if changed { format!("{commit} with changes") } else { commit.to_owned() })
}
