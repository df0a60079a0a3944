//! How a run ended, cell by cell and stage by stage, in the form of the records.

use super::workspace::Workspace;
use crate::engine::{NodeState, Report};
use crate::record::{CellEnd, RunEnd, RunState, StageEnd};

/// The end of a run as it goes on record; `states` are those of the cells.
pub(super) fn ending<'a>(
    workspace: &'a Workspace,
    ended: &'a Report,
    states: &[RunState],
    whole: RunState,
) -> RunEnd<'a> {
    let cells = workspace.cells.cells.iter().zip(states).map(|(cell, state)| {
        let end = cell.ranks.or_else(|| cell.ends.first().copied());
        let result = end.and_then(|end| match &ended.states[end] {
            NodeState::Done(outcome) => outcome.key.map(|key| (key, outcome.object)),
            _ => None,
        });
        CellEnd {
            name: &cell.name,
            coordinates: &cell.coordinates,
            seed: cell.seed,
            state: *state,
            result,
            ends: &cell.ends,
        }
    });
    let stages = workspace.cells.graph.nodes.iter().zip(&ended.states).map(|(node, state)| {
        let (state, outcome) = match state {
            NodeState::Done(outcome) => (RunState::Done, Some(outcome)),
            NodeState::Failed { .. } => (RunState::Failed, None),
            NodeState::Blocked => (RunState::Blocked, None),
            NodeState::Interrupted => (RunState::Interrupted, None),
        };
        StageEnd {
            label: &node.label,
            state,
            key: outcome.and_then(|outcome| outcome.key),
            object: outcome.map(|outcome| outcome.object),
            inputs: node.inputs.values().copied().collect(),
        }
    });
    RunEnd { state: whole, cells: cells.collect(), stages: stages.collect() }
}
