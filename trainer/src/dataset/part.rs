//! One part of a dataset: its events and samples as flat arrays, checked.

use std::iter::Sum;

use tch::{Device, Tensor};

use super::{DatasetMeta, host};
use crate::error::TrainerError;

/// One part of a dataset. Tensors lie on the device; what the host must know of each sample lies beside them.
#[derive(Debug)]
pub struct Part {
    /// Item of each event, `[E]` int32.
    pub items: Tensor,
    /// Operation of each event, `[E]` int32.
    pub operations: Tensor,
    /// Time of each event, `[E]` int64, seconds.
    pub times: Tensor,
    /// Where each session begins among the events, `[S+1]` int64.
    pub session_offsets: Tensor,
    /// First event of each sample's session, `[N]` int64.
    pub sample_start: Tensor,
    /// The target event of each sample, `[N]` int64.
    pub sample_target: Tensor,
    /// Events before the target, for each sample.
    pub lengths: Vec<i64>,
    /// What stands before the target without repetition, for each sample.
    pub distinct: Vec<Distinct>,
}

/// How many different items, operations and pairs of both a stretch of events has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Distinct {
    /// Items.
    pub items: i64,
    /// Operations.
    pub operations: i64,
    /// Pairs of an item and an operation.
    pub pairs: i64,
}

impl Distinct {
    fn count(items: &[i32], operations: &[i32], scratch: &mut Vec<u64>) -> Self {
        let mut distinct = |keys: &mut dyn Iterator<Item = u64>| {
            scratch.clear();
            scratch.extend(keys);
            scratch.sort_unstable();
            scratch.dedup();
            i64::try_from(scratch.len()).unwrap_or(i64::MAX)
        };
        let key = |id: &i32| u64::from(id.unsigned_abs());
        Self {
            items: distinct(&mut items.iter().map(key)),
            operations: distinct(&mut operations.iter().map(key)),
            pairs: distinct(
                &mut items.iter().zip(operations).map(|(item, operation)| key(item) << 32 | key(operation)),
            ),
        }
    }
}

impl Sum for Distinct {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            items: sum.items + part.items,
            operations: sum.operations + part.operations,
            pairs: sum.pairs + part.pairs,
        })
    }
}

impl Part {
    /// How many samples the part has.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.lengths.len()
    }

    /// The first `samples` samples, or all, and the sessions up to the last of theirs.
    ///
    /// # Errors
    /// When libtorch cannot read its own tensors back.
    pub fn beginning(&self, samples: usize) -> Result<Self, TrainerError> {
        let samples = samples.min(self.samples());
        let count = i64::try_from(samples).expect("a count");
        let targets: Vec<i64> = host(&self.sample_target.narrow(0, 0, count))?;
        let offsets: Vec<i64> = host(&self.session_offsets)?;
        let last = targets.into_iter().max().unwrap_or(-1);
        let sessions = offsets.partition_point(|&offset| offset <= last);
        let events = offsets[sessions];
        let first = |column: &Tensor, count: i64| column.narrow(0, 0, count);
        Ok(Self {
            items: first(&self.items, events),
            operations: first(&self.operations, events),
            times: first(&self.times, events),
            session_offsets: first(&self.session_offsets, i64::try_from(sessions).expect("a count") + 1),
            sample_start: first(&self.sample_start, count),
            sample_target: first(&self.sample_target, count),
            lengths: self.lengths[..samples].to_vec(),
            distinct: self.distinct[..samples].to_vec(),
        })
    }

    /// Builds a part from flat host arrays: the events, `session_offsets` `[S+1]`, and `(session, target event)` of
    /// each sample.
    ///
    /// # Errors
    /// When a number points outside the arrays or an id outside `1..=limit`.
    pub fn new(
        events: Events,
        samples: &[(i64, i64)],
        meta: &DatasetMeta,
        device: Device,
    ) -> Result<Self, TrainerError> {
        let Events { items, operations, times, session_offsets } = events;
        let damaged = |what: String| TrainerError::data(what, "make the dataset again; its files are damaged");
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if operations.len() != items.len() || times.len() != items.len() {
            return Err(damaged("`items`, `operations` and `times` differ in length".into()));
        }
        if session_offsets.first() != Some(&0)
            || session_offsets.last() != Some(&count)
            || session_offsets.windows(2).any(|pair| pair[0] > pair[1])
        {
            return Err(damaged("`session_offsets` does not rise from 0 to the number of events".into()));
        }
        if let Some(id) = items.iter().find(|&&id| i64::from(id) < 1 || i64::from(id) > meta.items) {
            return Err(damaged(format!("item {id} is outside 1..={}", meta.items)));
        }
        if let Some(id) = operations.iter().find(|&&id| i64::from(id) < 1 || i64::from(id) > meta.operations) {
            return Err(damaged(format!("operation {id} is outside 1..={}", meta.operations)));
        }
        let (mut starts, mut targets) = (Vec::with_capacity(samples.len()), Vec::with_capacity(samples.len()));
        let (mut lengths, mut distinct) = (Vec::with_capacity(samples.len()), Vec::with_capacity(samples.len()));
        let mut scratch = Vec::new();
        for (index, &(session, target)) in samples.iter().enumerate() {
            let place = usize::try_from(session).ok().filter(|&s| s + 1 < session_offsets.len());
            let bounds = place.map(|s| (session_offsets[s], session_offsets[s + 1]));
            let Some((start, _)) = bounds.filter(|&(start, end)| start < target && target < end) else {
                return Err(damaged(format!(
                    "sample {index} (session {session}, target event {target}) has no event before its target"
                )));
            };
            let input = as_index(start)..as_index(target);
            starts.push(start);
            targets.push(target);
            lengths.push(target - start);
            distinct.push(Distinct::count(&items[input.clone()], &operations[input], &mut scratch));
        }
        Ok(Self {
            items: Tensor::from_slice(&items).to_device(device),
            operations: Tensor::from_slice(&operations).to_device(device),
            times: Tensor::from_slice(&times).to_device(device),
            session_offsets: Tensor::from_slice(&session_offsets).to_device(device),
            sample_start: Tensor::from_slice(&starts).to_device(device),
            sample_target: Tensor::from_slice(&targets).to_device(device),
            lengths,
            distinct,
        })
    }
}

/// The events of a part as host arrays, session after session.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// Item of each event.
    pub items: Vec<i32>,
    /// Operation of each event.
    pub operations: Vec<i32>,
    /// Time of each event, seconds.
    pub times: Vec<i64>,
    /// Where each session begins, and the number of events at the end.
    pub session_offsets: Vec<i64>,
}

fn as_index(value: i64) -> usize {
    usize::try_from(value).expect("checked against the array before")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::part;

    #[test]
    fn an_item_under_two_operations_is_one_item_and_two_pairs() {
        let found = Distinct::count(&[7, 7, 9, 7], &[1, 2, 2, 1], &mut vec![5]);
        assert_eq!(found, Distinct { items: 2, operations: 2, pairs: 3 });
    }

    #[test]
    fn the_beginning_of_a_part_has_its_first_samples_and_the_sessions_up_to_them() {
        let whole = part(&[&[(1, 1), (2, 1)], &[(3, 1), (4, 1), (5, 1)], &[(6, 1), (7, 1)]], 9, 1);
        let length = |part: &Part| (part.samples(), part.items.size()[0], part.session_offsets.size()[0] - 1);
        assert_eq!(length(&whole), (3, 7, 3));
        assert_eq!(length(&whole.beginning(2).expect("on the host")), (2, 5, 2));
        assert_eq!(length(&whole.beginning(9).expect("on the host")), (3, 7, 3));
        assert_eq!(length(&whole.beginning(0).expect("on the host")), (0, 0, 0));
    }
}
