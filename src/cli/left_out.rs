//! Cells that a run leaves out: raw files of their data set are absent, and the experiment says that it is optional.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::workspace::Workspace;
use crate::engine::{NodeId, Plan, Status};
use crate::experiment::{Cell, Cells};

/// What a run leaves out.
pub(super) struct LeftOut {
    /// By cell, whether it is left out.
    pub(super) cells: Vec<bool>,
    /// By node, whether it is missing or blocked and only such cells need it.
    pub(super) nodes: Vec<bool>,
    /// The absent files of each data set that is left out.
    pub(super) files: BTreeMap<String, BTreeSet<Utf8PathBuf>>,
}

impl LeftOut {
    /// What a plan gives no way to make of optional data sets. Nothing is left out when that would be every cell: then
    /// the files that are missing are told as a mistake.
    pub(super) fn of(workspace: &Workspace, plan: &Plan) -> Self {
        let cells = &workspace.cells;
        let stuck = |id: &NodeId| matches!(plan.statuses[*id], Status::Missing { .. } | Status::Blocked { .. });
        let optional =
            |cell: &Cell| workspace.file.experiment.datasets.get(dataset(cell)).is_some_and(|set| set.optional);
        let mut out: Vec<bool> = cells.cells.iter().map(|cell| optional(cell) && cell.ends.iter().any(stuck)).collect();
        if out.iter().all(|out| *out) {
            out.fill(false);
        }
        let mut needed = vec![false; cells.graph.nodes.len()];
        for (cell, _) in cells.cells.iter().zip(&out).filter(|(_, out)| !**out) {
            reach(cells, &cell.ends, &mut needed);
        }
        let mut files: BTreeMap<String, BTreeSet<Utf8PathBuf>> = BTreeMap::new();
        let mut reached: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
        for (cell, _) in cells.cells.iter().zip(&out).filter(|(_, out)| **out) {
            let reached = reached.entry(dataset(cell)).or_insert_with(|| vec![false; needed.len()]);
            for id in reach(cells, &cell.ends, reached) {
                if let Status::Missing { files: absent } = &plan.statuses[id] {
                    files.entry(dataset(cell).to_owned()).or_default().extend(absent.iter().cloned());
                }
            }
        }
        let nodes = (0..needed.len()).map(|id| stuck(&id) && !needed[id]).collect();
        Self { cells: out, nodes, files }
    }

    /// How many cells are left out.
    pub(super) fn count(&self) -> usize {
        self.cells.iter().filter(|out| **out).count()
    }

    /// A sentence for each data set that is left out.
    pub(super) fn told(&self) -> Vec<String> {
        let sentence = |(name, files): (&String, &BTreeSet<Utf8PathBuf>)| {
            let files: Vec<String> = files.iter().map(|file| format!("`{file}`")).collect();
            format!("left out: data set `{name}`, since raw files are absent: {}", files.join(", "))
        };
        self.files.iter().map(sentence).collect()
    }
}

fn dataset(cell: &Cell) -> &str {
    cell.coordinates.get("dataset").map_or("", String::as_str)
}

/// Marks nodes and all that they read; gives those that were not marked before.
fn reach(cells: &Cells, from: &[NodeId], marks: &mut [bool]) -> Vec<NodeId> {
    let (mut open, mut fresh) = (from.to_vec(), Vec::new());
    while let Some(id) = open.pop() {
        if !std::mem::replace(&mut marks[id], true) {
            fresh.push(id);
            open.extend(cells.graph.nodes[id].inputs.values());
        }
    }
    fresh
}
