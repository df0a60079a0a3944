//! Sessions to tensors: a batch is gathered on the device from sample numbers, ragged, without a padded position.
//!
//! Positions stand in time-major packed order: the first events of all sessions, then the second events, and so on,
//! within a step the longer sessions first. Rows keep the order in which the samples were given.

use tch::{Device, Kind, Tensor};

use crate::dataset::{Distinct, Part};

/// `B` sessions with `P` events in all. Integer tensors are int64 and lie on the device unless said otherwise.
#[derive(Debug)]
pub struct Batch {
    /// Number of sessions `B`.
    pub size: i64,
    /// Item at each position, `[P]`, 1 to `V`.
    pub items: Tensor,
    /// Operation at each position, `[P]`.
    pub operations: Tensor,
    /// Time at each position, `[P]`, seconds.
    pub times: Tensor,
    /// The session of each position, `[P]`, 0 to `B - 1`.
    pub rows: Tensor,
    /// How many sessions reach each step, `[T]`, on the host, falling.
    pub step_sizes: Tensor,
    /// For the positions after the first `B`, the position one event before in the same session, `[P - B]`.
    pub previous: Tensor,
    /// The position of each session's last event, `[B]`.
    pub last: Tensor,
    /// Events of each session, `[B]`.
    pub lengths: Tensor,
    /// The distinct items of each session, its distinct operations and its distinct pairs, summed over the sessions:
    /// the nodes of the batch's graphs.
    pub nodes: Distinct,
    /// The target item of each session, `[B]`, 1 to `V`.
    pub targets: Tensor,
    /// The operation of each target, `[B]`. Only for models and protocols that may see it.
    pub target_operations: Tensor,
}

impl Batch {
    /// Gathers the samples numbered `samples` of `part`.
    ///
    /// # Panics
    /// When `samples` is empty or a number is out of range: a bug of the caller.
    #[must_use]
    pub fn gather(part: &Part, samples: &[i64]) -> Self {
        let device = part.items.device();
        let size = as_i64(samples.len());
        // The host knows every length, so it can say how large each tensor will be without asking the device.
        let length = |row: usize| part.lengths[usize::try_from(samples[row]).expect("a sample number")];
        let mut order: Vec<usize> = (0..samples.len()).collect();
        order.sort_by_key(|&row| std::cmp::Reverse(length(row)));
        let steps = length(order[0]);
        let positions: i64 = order.iter().map(|&row| length(row)).sum();
        let nodes =
            samples.iter().map(|&sample| part.distinct[usize::try_from(sample).expect("a sample number")]).sum();
        let step_sizes: Vec<i64> =
            (0..steps).map(|step| as_i64(order.partition_point(|&row| length(row) > step))).collect();

        let order: Vec<i64> = order.into_iter().map(as_i64).collect();
        let order = Tensor::from_slice(&order).to_device(device); // [B]: the row of each rank by length
        let samples = Tensor::from_slice(samples).to_device(device); // [B]
        let start = part.sample_start.index_select(0, &samples);
        let target = part.sample_target.index_select(0, &samples);
        let lengths = &target - &start;

        let step_sizes = Tensor::from_slice(&step_sizes);
        let sizes = step_sizes.to_device(device);
        let offsets = sizes.cumsum(0, Kind::Int64) - &sizes; // [T]: the first position of each step
        let index = Tensor::arange(positions, (Kind::Int64, device)); // [P]
        let step_of = Tensor::arange(steps, (Kind::Int64, device)).repeat_interleave_self_tensor(&sizes, 0, positions);
        let rank = &index - offsets.index_select(0, &step_of);
        let rows = order.index_select(0, &rank);
        let event = start.index_select(0, &rows) + &step_of;

        // One step earlier the same session stands at the same rank, one step's width before.
        let later = step_of.narrow(0, size, positions - size);
        let previous = index.narrow(0, size, positions - size) - sizes.index_select(0, &(later - 1));
        let rank_of_row = order.argsort(0, false);
        let last = offsets.index_select(0, &(&lengths - 1)) + rank_of_row;

        let gathered = |column: &Tensor, at: &Tensor| column.index_select(0, at).to_kind(Kind::Int64);
        Self {
            size,
            items: gathered(&part.items, &event),
            operations: gathered(&part.operations, &event),
            times: gathered(&part.times, &event),
            targets: gathered(&part.items, &target),
            target_operations: gathered(&part.operations, &target),
            rows,
            step_sizes,
            previous,
            last,
            lengths,
            nodes,
        }
    }

    /// The device on which the batch lies.
    #[must_use]
    pub fn device(&self) -> Device {
        self.items.device()
    }

    /// Number of positions `P`.
    #[must_use]
    pub fn positions(&self) -> i64 {
        self.items.size()[0]
    }

    /// The items of each session in order of time, on the host, for models that count instead of compute.
    #[must_use]
    pub fn sequences(&self) -> Vec<Vec<i64>> {
        let host = |tensor: &Tensor| Vec::<i64>::try_from(tensor).expect("a flat int64 tensor");
        let mut sequences = vec![Vec::new(); usize::try_from(self.size).expect("a size")];
        for (row, item) in host(&self.rows).into_iter().zip(host(&self.items)) {
            sequences[usize::try_from(row).expect("a row")].push(item);
        }
        sequences
    }
}

fn as_i64(count: usize) -> i64 {
    i64::try_from(count).expect("a count fits into 63 bits")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::dataset::{DatasetMeta, Events};

    /// A part whose sample `i` is the whole of `sessions[i]` (item, operation) with its last event as target.
    pub(crate) fn part(sessions: &[&[(i32, i32)]], items: i64, operations: i64) -> Part {
        let mut events = Events { session_offsets: vec![0], ..Events::default() };
        let mut samples = Vec::new();
        for (session, content) in sessions.iter().enumerate() {
            for &(item, operation) in *content {
                events.times.push(as_i64(events.items.len()));
                events.items.push(item);
                events.operations.push(operation);
            }
            events.session_offsets.push(as_i64(events.items.len()));
            samples.push((as_i64(session), as_i64(events.items.len()) - 1));
        }
        let meta = DatasetMeta { version: 1, name: "toy".into(), items, operations, max_length: 9 };
        Part::new(events, &samples, &meta, Device::Cpu).expect("a well-formed part")
    }

    fn ints(tensor: &Tensor) -> Vec<i64> {
        Vec::try_from(tensor).expect("int64")
    }

    #[test]
    fn positions_are_packed_by_step_with_longer_sessions_first() {
        let part = part(&[&[(1, 1), (9, 2)], &[(2, 1), (3, 2), (2, 1), (8, 1)], &[(4, 2), (5, 1), (7, 2)]], 9, 2);
        let batch = Batch::gather(&part, &[0, 1, 2]);
        assert_eq!(ints(&batch.items), [2, 4, 1, 3, 5, 2]);
        assert_eq!(ints(&batch.operations), [1, 2, 1, 2, 1, 1]);
        assert_eq!(ints(&batch.rows), [1, 2, 0, 1, 2, 1]);
        assert_eq!(ints(&batch.step_sizes), [3, 2, 1]);
        assert_eq!(ints(&batch.previous), [0, 1, 3]);
        assert_eq!(ints(&batch.last), [2, 5, 4]);
        assert_eq!(ints(&batch.lengths), [1, 3, 2]);
        assert_eq!(ints(&batch.targets), [9, 8, 7]);
        assert_eq!(ints(&batch.target_operations), [2, 1, 2]);
        assert_eq!(batch.nodes, Distinct { items: 5, operations: 5, pairs: 5 });
        assert_eq!(batch.sequences(), [vec![1], vec![2, 3, 2], vec![4, 5]]);
    }

    #[test]
    fn the_order_of_the_samples_is_the_order_of_the_rows() {
        let part = part(&[&[(1, 1), (9, 2)], &[(2, 1), (3, 2), (8, 1)]], 9, 2);
        assert_eq!(ints(&Batch::gather(&part, &[1, 0, 1]).targets), [8, 9, 8]);
    }
}
