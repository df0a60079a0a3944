//! Which ready node starts next: the one with the longest way to the end, by what records say of earlier runs.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::graph::{Graph, NodeId};
use super::slots::{Grant, Need, Slots};
use crate::record::Durations;

/// How long a stage is taken to last when nothing at all is known, in milliseconds.
const UNKNOWN: u64 = 1_000;

/// For each node the milliseconds from its start to the end of the longest chain below it. Only nodes of `works`
/// count; the rest last no time.
pub(super) fn ways(graph: &Graph, works: &[bool], durations: &Durations) -> Vec<u64> {
    let mut ways = vec![0; graph.nodes.len()];
    // Each node after all that read it: inputs have smaller numbers.
    for (id, node) in graph.nodes.iter().enumerate().rev() {
        if works[id] {
            ways[id] += estimate(durations, node.member.identity.kind, &node.label);
        }
        let way = ways[id];
        for input in node.inputs.values() {
            ways[*input] = ways[*input].max(way);
        }
    }
    ways
}

/// How long a stage is taken to last, in milliseconds.
fn estimate(durations: &Durations, kind: &str, label: &str) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds, not negative")]
    let known = durations.guessed(kind, label).map(|seconds| (seconds * 1_000.0).max(0.0) as u64);
    // Never nothing: of two chains of unknown stages the longer one goes first.
    known.unwrap_or(UNKNOWN).max(1)
}

/// Ready nodes that wait for a place, the longest way first.
#[derive(Default)]
pub(super) struct Line {
    waiting: BTreeSet<(Reverse<u64>, NodeId)>,
}

impl Line {
    /// A node joins, with its way.
    pub(super) fn join(&mut self, id: NodeId, way: u64) {
        self.waiting.insert((Reverse(way), id));
    }

    /// All leave.
    pub(super) fn drain(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.waiting).into_iter().map(|(_, id)| id).collect()
    }

    /// The next node that may start, with what it holds then. A later one may overtake the first only with what does
    /// not keep the first waiting: no memory and no GPU that it needs too, and no core once only cores are missing.
    /// So the first waits for nothing but what runs already.
    pub(super) fn next(&mut self, slots: &mut Slots, needs: &[Need]) -> Option<(NodeId, Grant)> {
        let mut first: Option<(Need, bool)> = None;
        let mut chosen = None;
        for entry in &self.waiting {
            if slots.full() {
                break;
            }
            let need = needs[entry.1];
            let overtakes = |(first, waits_for_cores): (Need, bool)| {
                let both = |of: fn(&Need) -> u64| of(&first) > 0 && of(&need) > 0;
                let takes_a_core = waits_for_cores && need.cores > 0;
                !(takes_a_core || both(|need| need.memory) || both(|need| u64::from(need.gpus)))
            };
            if first.is_none_or(overtakes)
                && let Some(grant) = slots.take(need)
            {
                chosen = Some((*entry, grant));
                break;
            }
            first.get_or_insert_with(|| (need, !slots.has_cores(need.cores)));
        }
        let (entry, grant) = chosen?;
        self.waiting.remove(&entry);
        Some((entry.1, grant))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::slots::Capacity;
    use crate::unit::Size;

    #[test]
    fn a_stage_of_which_nothing_is_known_lasts_some_time() {
        let mut durations = Durations::default();
        assert_eq!(estimate(&durations, "shell", "d · x"), UNKNOWN);
        durations.add("shell", "d · x", 0.0);
        assert_eq!(estimate(&durations, "shell", "d · x"), 1);
    }

    #[test]
    fn a_share_of_a_gpu_does_not_overtake_who_waits_for_a_whole_one_but_work_without_a_gpu_does() {
        let capacity = Capacity { jobs: 9, cores: 9, memory: Size::of_bytes(0), gpus: vec!["0".to_owned()] };
        let need = |gpus| Need { cores: 1, memory: 0, gpus };
        let needs = [need(500), need(1_000), need(250), need(0)];
        let mut slots = Slots::new(&capacity);
        let mut line = Line::default();
        for id in 0..4 {
            line.join(id, 10 - id as u64);
        }
        let (first, grant) = line.next(&mut slots, &needs).unwrap();
        assert_eq!(first, 0);
        assert_eq!(line.next(&mut slots, &needs).map(|(id, _)| id), Some(3));
        assert_eq!(line.next(&mut slots, &needs), None);
        slots.give_back(&grant);
        assert_eq!(line.next(&mut slots, &needs).map(|(id, _)| id), Some(1));
    }

    proptest! {
        #[test]
        fn capacity_is_never_exceeded_and_nobody_in_front_is_starved(
            stages in prop::collection::vec((0_usize..5, 0_u64..5, 0_u32..9, 0_u64..4, 1_usize..5), 1..40),
        ) {
            let capacity = Capacity {
                jobs: 3, cores: 4, memory: Size::of_bytes(4), gpus: vec!["0".into(), "1".into()],
            };
            let needs: Vec<Need> = stages
                .iter()
                .map(|(cores, memory, gpus, _, _)| {
                    let gpus = gpus * 250;
                    Need { cores: *cores.min(&4), memory: *memory, gpus: if gpus > 1_000 { 2_000 } else { gpus } }
                })
                .collect();
            let mut slots = Slots::new(&capacity);
            let mut line = Line::default();
            for (id, stage) in stages.iter().enumerate() {
                line.join(id, stage.3);
            }
            let mut running: Vec<(NodeId, usize, Grant)> = Vec::new();
            let mut done = 0;
            for now in 0.. {
                let front = line.waiting.first().map(|(_, id)| *id);
                let short_of_cores = front.is_some_and(|id| !slots.has_cores(needs[id].cores));
                while let Some((id, grant)) = line.next(&mut slots, &needs) {
                    if let Some(front) = front.filter(|front| line.waiting.iter().any(|(_, id)| id == front)) {
                        let (mine, theirs) = (needs[front], needs[id]);
                        prop_assert!(!(mine.gpus > 0 && theirs.gpus > 0), "overtook with a GPU");
                        prop_assert!(!(mine.memory > 0 && theirs.memory > 0), "overtook with memory");
                        prop_assert!(!(short_of_cores && theirs.cores > 0), "overtook with cores");
                    }
                    running.push((id, now + stages[id].4, grant));
                    let sum = |of: &dyn Fn(&Need) -> u64| running.iter().map(|(id, _, _)| of(&needs[*id])).sum::<u64>();
                    prop_assert!(running.len() <= 3 && sum(&|need| need.cores as u64) <= 4);
                    prop_assert!(sum(&|need| need.memory) <= 4 && sum(&|need| u64::from(need.gpus)) <= 2_000);
                }
                prop_assert!(!running.is_empty() || line.waiting.is_empty(), "something can always start");
                running.retain(|(_, end, grant)| {
                    let over = *end <= now + 1;
                    if over {
                        slots.give_back(grant);
                        done += 1;
                    }
                    !over
                });
                if running.is_empty() && line.waiting.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(done, stages.len());
        }
    }
}
