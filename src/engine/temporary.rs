//! Results of `temp` stages are dropped once all that reads them is done; they stay on record, and are made again when
//! something needs their bytes.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::outcome::{NodeState, Outcome};
use crate::artifact::Store;
use crate::record::{RecordError, Records};

/// Drops the results of `temp` stages that every reader is done with. Only while no other run uses the cache.
/// Gives how many were dropped.
///
/// # Errors
/// When the records or the store cannot be written.
pub async fn drop_temporary(
    graph: &Graph,
    states: &[NodeState],
    store: &Store,
    records: &Records,
) -> Result<usize, RecordError> {
    let done = |id: usize| match &states[id] {
        NodeState::Done(outcome) => Some(outcome),
        _ => None,
    };
    // What something still has to read stays, and so does what is not temporary under another name.
    let mut read = vec![false; states.len()];
    let mut wanted = vec![false; states.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        for input in node.inputs.values() {
            read[*input] = true;
            wanted[*input] |= done(id).is_none();
        }
    }
    let spent = |id: &usize| graph.nodes[*id].member.handling.temp && read[*id] && !wanted[*id];
    let kept: BTreeSet<_> =
        (0..states.len()).filter(|id| !spent(id)).filter_map(|id| done(id).map(|outcome| outcome.object)).collect();
    let mut dropped = 0;
    for id in (0..states.len()).filter(spent) {
        let Some(Outcome { key: Some(key), object, folder, .. }) = done(id) else { continue };
        if kept.contains(object) || !folder.exists() || !records.may_drop(key, object).await? {
            continue;
        }
        store.discard(object)?;
        dropped += 1;
    }
    Ok(dropped)
}
