//! The cells that did not come to their end, each with the stage that failed, why, and where its log is.

use std::collections::BTreeMap;

use super::left_out::LeftOut;
use super::workspace::Workspace;
use crate::engine::{Graph, NodeId, NodeState, Report};
use crate::record::RunState;

/// How many cells are named for one failed stage; more share it only when a stage early in the pipeline fails.
const NAMED: usize = 10;

/// The list of failed cells, empty when there are none. Those that were left out did not fail.
pub(super) fn failed_cells(workspace: &Workspace, ended: &Report, states: &[RunState], left_out: &LeftOut) -> String {
    let graph = &workspace.cells.graph;
    let blame = blame(graph, ended);
    let mut by_stage: BTreeMap<NodeId, Vec<&str>> = BTreeMap::new();
    let mut untried = 0;
    for ((cell, state), out) in workspace.cells.cells.iter().zip(states).zip(&left_out.cells) {
        if *out || !matches!(state, RunState::Failed | RunState::Blocked) {
            continue;
        }
        let mut blamed: Vec<NodeId> = cell.ends.iter().filter_map(|end| blame[*end]).collect();
        blamed.sort_unstable();
        blamed.dedup();
        untried += usize::from(blamed.is_empty());
        for id in blamed {
            by_stage.entry(id).or_default().push(&cell.name);
        }
    }
    let mut lines = Vec::new();
    for (id, cells) in by_stage {
        let NodeState::Failed { message, log } = &ended.states[id] else { continue };
        let why = message.lines().next().unwrap_or_default();
        let more = cells.len().saturating_sub(NAMED);
        let names = cells[..cells.len() - more].join(", ");
        let more = if more > 0 { format!(" and {more} more cells") } else { String::new() };
        lines.push(format!("  {names}{more}\n    `{}`: {why}\n    log: {log}", graph.nodes[id].label));
    }
    if untried > 0 {
        lines.push(format!("  {untried} cell{} not tried", if untried == 1 { " was" } else { "s were" }));
    }
    if lines.is_empty() { String::new() } else { format!("failed cells:\n{}", lines.join("\n")) }
}

/// For each node that has no result the failed stage that is to blame: itself, or one that it reads from afar.
fn blame(graph: &Graph, ended: &Report) -> Vec<Option<NodeId>> {
    let mut blame: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        blame[id] = match ended.states[id] {
            NodeState::Failed { .. } => Some(id),
            NodeState::Blocked => node.inputs.values().find_map(|input| blame[*input]),
            NodeState::Done(_) | NodeState::Interrupted => None,
        };
    }
    blame
}
