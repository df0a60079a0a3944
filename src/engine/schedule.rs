//! Which ready node starts next: what ends a chain and is soon over, then the one with the longest way to the end, by what
//! records say of earlier runs.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::graph::{Graph, NodeId};
use super::slots::{Grant, Need, Slots};
use crate::record::Durations;

/// How long a stage is taken to last when nothing at all is known, in milliseconds.
const UNKNOWN: u64 = 1_000;

/// How many times shorter than the longest way an end is that is soon over: first in line it holds nobody up, and
/// somebody has a result.
const SOON: u64 = 20;

/// Where a ready node stands in line; the smallest is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The end of a chain, soon over.
    End,
    /// By the milliseconds from its start to the end of the longest chain below it.
    Way(Reverse<u64>),
}

/// How long a stage is taken to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lasts {
    milliseconds: u64,
    /// Whether any of its kind ever ran.
    known: bool,
}

/// The place of each node. Only nodes of `works` count; the rest last no time.
pub(super) fn places(graph: &Graph, works: &[bool], durations: &Durations) -> Vec<Place> {
    let lasts: Vec<Option<Lasts>> = graph
        .nodes
        .iter()
        .zip(works)
        .map(|(node, works)| works.then(|| estimate(durations, node.member.identity.kind, &node.label)))
        .collect();
    let inputs: Vec<Vec<NodeId>> = graph.nodes.iter().map(|node| node.inputs.values().copied().collect()).collect();
    line_up(&inputs, &lasts)
}

/// The same from the `inputs` of each node, which have smaller numbers, and from how long it lasts, if it works.
fn line_up(inputs: &[Vec<NodeId>], lasts: &[Option<Lasts>]) -> Vec<Place> {
    let mut ways = vec![0; lasts.len()];
    let mut awaited = vec![false; lasts.len()];
    for id in (0..lasts.len()).rev() {
        if let Some(own) = lasts[id] {
            ways[id] += own.milliseconds;
        }
        for &input in &inputs[id] {
            ways[input] = ways[input].max(ways[id]);
            awaited[input] |= lasts[id].is_some();
        }
    }
    let longest = ways.iter().copied().max().unwrap_or(0);
    let soon = |id: NodeId, own: Lasts| {
        if own.known {
            own.milliseconds.saturating_mul(SOON) <= longest
        } else {
            // In a first run the end of what was begun comes before what was not.
            inputs[id].iter().any(|&input| lasts[input].is_some())
        }
    };
    (0..lasts.len())
        .map(|id| match lasts[id] {
            Some(own) if !awaited[id] && soon(id, own) => Place::End,
            _ => Place::Way(Reverse(ways[id])),
        })
        .collect()
}

fn estimate(durations: &Durations, kind: &str, label: &str) -> Lasts {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds, not negative")]
    let milliseconds = durations.guessed(kind, label).map(|seconds| (seconds * 1_000.0).max(0.0) as u64);
    // Never nothing: of two chains of unknown stages the longer one goes first.
    Lasts { milliseconds: milliseconds.unwrap_or(UNKNOWN).max(1), known: durations.has_kind(kind) }
}

/// Ready nodes that wait for their turn.
#[derive(Default)]
pub(super) struct Line {
    waiting: BTreeSet<(Place, NodeId)>,
}

impl Line {
    /// A node joins, at its place.
    pub(super) fn join(&mut self, id: NodeId, place: Place) {
        self.waiting.insert((place, id));
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
        assert_eq!(estimate(&durations, "shell", "d · x"), Lasts { milliseconds: UNKNOWN, known: false });
        durations.add("shell", "d · x", 0.0);
        assert_eq!(estimate(&durations, "shell", "d · x"), Lasts { milliseconds: 1, known: true });
        assert_eq!(estimate(&durations, "train", "d · y"), Lasts { milliseconds: 1, known: false });
    }

    #[test]
    fn an_end_that_is_soon_over_stands_first_and_the_longest_way_after_it() {
        let lasts = |milliseconds| Some(Lasts { milliseconds, known: true });
        let way = |milliseconds| Place::Way(Reverse(milliseconds));
        // Data that is there, two models of 40 s and 30 s, and a ranking of 2 s and of 3 s.
        let inputs = [vec![], vec![0], vec![0], vec![1], vec![2]];
        let found = line_up(&inputs, &[None, lasts(40_000), lasts(30_000), lasts(2_000), lasts(3_000)]);
        assert_eq!(found, [way(42_000), way(42_000), way(33_000), Place::End, way(3_000)]);
        assert!(found[3] < found[1] && found[1] < found[2] && found[2] < found[4]);
        // With the first model there, its ranking still ends a chain; the other's is no longer short beside what is left.
        let found = line_up(&inputs, &[None, None, lasts(30_000), lasts(1_000), lasts(3_000)]);
        assert_eq!(found[2..], [way(33_000), Place::End, way(3_000)]);
    }

    #[test]
    fn of_what_never_ran_the_end_of_what_was_begun_stands_first() {
        let unknown = Some(Lasts { milliseconds: UNKNOWN, known: false });
        let way = |milliseconds| Place::Way(Reverse(milliseconds));
        // A chain of two, and a stage that stands alone.
        let found = line_up(&[vec![], vec![0], vec![]], &[unknown; 3]);
        assert_eq!(found, [way(2_000), Place::End, way(1_000)]);
        // With its beginning there, the end was not begun now.
        assert_eq!(line_up(&[vec![], vec![0], vec![]], &[None, unknown, unknown])[1..], [way(1_000); 2]);
    }

    #[test]
    fn a_share_of_a_gpu_does_not_overtake_who_waits_for_a_whole_one_but_work_without_a_gpu_does() {
        let capacity = Capacity { jobs: 9, cores: 9, memory: Size::of_bytes(0), gpus: vec!["0".to_owned()] };
        let need = |gpus| Need { cores: 1, memory: 0, gpus };
        let needs = [need(500), need(1_000), need(250), need(0)];
        let mut slots = Slots::new(&capacity);
        let mut line = Line::default();
        for id in 0..4 {
            line.join(id, Place::Way(Reverse(10 - id as u64)));
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
            stages in prop::collection::vec((0_usize..5, 0_u64..5, 0_u32..9, 0_u64..5, 1_usize..5), 1..40),
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
                line.join(id, if stage.3 == 4 { Place::End } else { Place::Way(Reverse(stage.3)) });
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
