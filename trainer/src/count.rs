//! What the plain rules count and how they rank: how often an item is a target, which targets followed which item, when
//! a session last saw an item.
//!
//! Everything is counted over the training samples, the very pairs of input and target that the other models learn from:
//! the target of a sample is an occurrence, its last input item and its target are a transition. What a session repeats
//! counts, and so does a transition from an item to itself. Items with equal counts stay tied: what a tie is worth is the
//! protocol's choice.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use crate::batch::Batch;
use crate::dataset::Part;
use crate::error::TrainerError;

/// Scores `[B, V]` (float64) in which no item is ranked.
pub fn unranked(batch: &Batch, items: i64) -> Tensor {
    Tensor::full([batch.size, items], f64::NEG_INFINITY, (Kind::Double, batch.device()))
}

/// How often each item is the target of a training sample.
#[derive(Debug)]
pub struct Popularity {
    /// `c_j`, `[V]` int64.
    counts: Tensor,
}

impl Popularity {
    /// Nothing has been counted.
    #[must_use]
    pub fn none(items: i64, device: Device) -> Self {
        Self { counts: Tensor::zeros([items], (Kind::Int64, device)) }
    }

    /// Counts the targets of a part whose items are numbered 1 to `items`.
    #[must_use]
    pub fn of(train: &Part, items: i64) -> Self {
        let targets = train.items.index_select(0, &train.sample_target).to_kind(Kind::Int64) - 1;
        Self { counts: targets.bincount(None::<Tensor>, items) }
    }

    /// Scores `[B, V]` (float64) of all items: `c_j / (1 + c_j)`, from 0 and below 1.
    pub fn scores(&self, batch: &Batch) -> Tensor {
        below_one(&self.counts.to_kind(Kind::Double)).repeat([batch.size, 1])
    }

    /// The counts as a named tensor.
    #[must_use]
    pub fn state(&self) -> Vec<(String, Tensor)> {
        vec![("popularity".to_owned(), self.counts.shallow_clone())]
    }

    /// Takes back what `state` gave.
    ///
    /// # Errors
    /// When the counts are missing, or are those of another catalog.
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        let items = self.counts.size()[0];
        let counts = flat(state, "popularity").filter(|counts| counts.size()[0] == items);
        let Some(counts) = counts else { return Err(refused(&format!("`popularity` of {items} items"))) };
        self.counts = counts.to_device(self.counts.device());
        Ok(())
    }
}

/// Which targets followed which last input item, and how often, over `M` different pairs.
#[derive(Debug)]
pub struct Transitions {
    /// Where the followers of each item begin, `[V + 1]` int64.
    offsets: Tensor,
    /// The followers, numbered from 1, item after item, `[M]` int64.
    followers: Tensor,
    /// `n_ij`, how often each followed, `[M]` int64.
    counts: Tensor,
}

impl Transitions {
    /// Nothing has been counted.
    #[must_use]
    pub fn none(items: i64, device: Device) -> Self {
        let zeros = |length: i64| Tensor::zeros([length], (Kind::Int64, device));
        Self { offsets: zeros(items + 1), followers: zeros(0), counts: zeros(0) }
    }

    /// Counts the samples of a part whose items are numbered 1 to `items`.
    #[must_use]
    pub fn of(train: &Part, items: i64) -> Self {
        let item = |events: &Tensor| train.items.index_select(0, events).to_kind(Kind::Int64) - 1;
        // The input of a sample ends right before its target.
        let (from, to) = (item(&(&train.sample_target - 1)), item(&train.sample_target));
        let (pairs, _) = (from * items + to).sort(0, false);
        let (pairs, _, counts) = pairs.unique_consecutive(false, true, None);
        let from = pairs.divide_scalar_mode(items, "floor");
        let offsets = from.bincount(None::<Tensor>, items).cumsum(0, Kind::Int64);
        let offsets = Tensor::cat(&[offsets.new_zeros([1], (Kind::Int64, offsets.device())), offsets], 0);
        Self { offsets, followers: pairs.remainder(items) + 1, counts }
    }

    /// How many items there are.
    fn items(&self) -> i64 {
        self.offsets.size()[0] - 1
    }

    /// What followed the last item of each session, weighted by `n_ij`.
    #[must_use]
    pub fn from_last(&self, batch: &Batch) -> Evidence {
        let last = batch.items.index_select(0, &batch.last); // [B]
        let start = self.offsets.index_select(0, &(&last - 1));
        let lengths = self.offsets.index_select(0, &last) - &start;
        let rows = Tensor::arange(batch.size, (Kind::Int64, batch.device()));
        let rows = rows.repeat_interleave_self_tensor(&lengths, 0, None); // [N]: the session of each follower
        let before = lengths.cumsum(0, Kind::Int64) - &lengths;
        let index = Tensor::arange(rows.size()[0], (Kind::Int64, batch.device()));
        let at = index + (start - before).index_select(0, &rows);
        let followers = self.followers.index_select(0, &at);
        let weights = self.counts.index_select(0, &at).to_kind(Kind::Double);
        Evidence { places: rows * self.items() + followers - 1, weights }
    }

    /// The table as named tensors.
    #[must_use]
    pub fn state(&self) -> Vec<(String, Tensor)> {
        [
            ("transition.offsets", &self.offsets),
            ("transition.items", &self.followers),
            ("transition.counts", &self.counts),
        ]
        .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
        .into()
    }

    /// Takes back what `state` gave.
    ///
    /// # Errors
    /// When a tensor is missing, the three do not fit together, or they are those of another catalog.
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        let (items, device) = (self.items(), self.offsets.device());
        let read = |name| flat(state, name);
        let table = read("transition.offsets").zip(read("transition.items")).zip(read("transition.counts"));
        let table = table.filter(|((offsets, followers), counts)| {
            let offsets = Vec::<i64>::try_from(offsets).unwrap_or_default();
            let followers = Vec::<i64>::try_from(followers).unwrap_or_default();
            i64::try_from(offsets.len()).is_ok_and(|length| length == items + 1)
                && offsets.is_sorted()
                && offsets.first() == Some(&0)
                && offsets.last().copied() == i64::try_from(followers.len()).ok()
                && followers.iter().all(|item| (1..=items).contains(item))
                && counts.size()[0] == offsets[offsets.len() - 1]
        });
        let Some(((offsets, followers), counts)) = table else {
            return Err(refused(&format!("table of transitions between {items} items")));
        };
        let to = |tensor: Tensor| tensor.to_device(device);
        *self = Self { offsets: to(offsets), followers: to(followers), counts: to(counts) };
        Ok(())
    }
}

/// The items of each session, weighted by the step at which it last saw them, from 1.
#[must_use]
pub fn latest(batch: &Batch, items: i64) -> Evidence {
    let sizes = batch.step_sizes.to_device(batch.device());
    let steps = Tensor::arange(sizes.size()[0], (Kind::Double, batch.device())) + 1.0;
    let weights = steps.repeat_interleave_self_tensor(&sizes, 0, batch.positions()); // [P]
    Evidence { places: &batch.rows * items + &batch.items - 1, weights }
}

/// What speaks for items of some sessions. Where several entries speak for the same, the heaviest does.
#[derive(Debug)]
pub struct Evidence {
    /// Places in the flat `[B, V]`, `[N]` int64.
    places: Tensor,
    /// How much each says, from 1, `[N]` float64.
    weights: Tensor,
}

impl Evidence {
    /// Lifts the scores `[B, V]` of these items to `tier + w / (1 + w)`, where they are lower: rules of one tier stand
    /// below those of the next whole tier, whatever their weights.
    pub fn lift(&self, scores: &Tensor, tier: f64) {
        let values = below_one(&self.weights) + tier;
        let _ = scores.view([-1]).internal_scatter_reduce_(0, &self.places, &values, "amax", true);
    }
}

/// `w / (1 + w)`: grows with `w`, stays below 1, and gives equal bits for equal weights.
fn below_one(weights: &Tensor) -> Tensor {
    weights / (weights + 1.0)
}

/// A flat int64 tensor by name.
fn flat(state: &BTreeMap<String, Tensor>, name: &str) -> Option<Tensor> {
    let tensor = state.get(name).filter(|tensor| tensor.kind() == Kind::Int64 && tensor.dim() == 1)?;
    Some(tensor.shallow_clone())
}

fn refused(what: &str) -> TrainerError {
    TrainerError::data(format!("the model has no sound {what}"), "train it again on this dataset")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::batch::tests::part;
    use crate::dataset::{DatasetMeta, Events};

    /// The score of an item that is not ranked.
    pub(crate) const UNRANKED: f64 = f64::NEG_INFINITY;

    /// A training part of five items in which every prefix is a sample: 1 2 1 2 3 and 2 2 4 and 1 2.
    /// Targets: 2 four times, 1, 3 and 4 once each. After 1: 2 three times. After 2: 1, 2, 3 and 4 once each.
    pub(crate) fn train() -> Part {
        let sessions: [&[i32]; 3] = [&[1, 2, 1, 2, 3], &[2, 2, 4], &[1, 2]];
        let mut events = Events { session_offsets: vec![0], ..Events::default() };
        let mut samples = Vec::new();
        for (number, session) in (0..).zip(sessions) {
            let start = events.items.len();
            samples.extend((start + 1..start + session.len()).map(|target| (number, i64::try_from(target).unwrap())));
            events.items.extend(session);
            events.session_offsets.push(events.items.len().try_into().unwrap());
        }
        (events.operations, events.times) = (vec![1; events.items.len()], vec![0; events.items.len()]);
        let meta = DatasetMeta { version: 1, name: "toy".into(), items: 5, operations: 1, max_length: 9 };
        Part::new(events, &samples, &meta, Device::Cpu).unwrap()
    }

    /// The sessions as one batch; their targets do not matter.
    pub(crate) fn batch(sessions: &[&[i32]]) -> Batch {
        let sessions: Vec<Vec<(i32, i32)>> =
            sessions.iter().map(|session| session.iter().chain(&[5]).map(|&item| (item, 1)).collect()).collect();
        let sessions: Vec<&[(i32, i32)]> = sessions.iter().map(Vec::as_slice).collect();
        Batch::gather(&part(&sessions, 5, 1), &(0..).take(sessions.len()).collect::<Vec<i64>>())
    }

    /// Scores as rows.
    pub(crate) fn rows(scores: &Tensor) -> Vec<Vec<f64>> {
        Vec::try_from(scores).unwrap()
    }

    #[test]
    fn the_targets_of_samples_are_counted_and_first_events_are_not() {
        let scores = rows(&Popularity::of(&train(), 5).scores(&batch(&[&[1], &[2]])));
        // Of the five events with item 2 one begins a session: 1, 4, 1, 1 and 0.
        let expected = [1.0 / 2.0, 4.0 / 5.0, 1.0 / 2.0, 1.0 / 2.0, 0.0];
        assert_eq!(scores, [expected, expected]);
    }

    #[test]
    fn transitions_are_of_the_last_item_alone_and_repeats_count() {
        let transitions = Transitions::of(&train(), 5);
        let scores = unranked(&batch(&[&[2, 1], &[1, 2], &[4]]), 5);
        transitions.from_last(&batch(&[&[2, 1], &[1, 2], &[4]])).lift(&scores, 0.0);
        let half = 1.0 / 2.0;
        let expected = [
            vec![UNRANKED, 3.0 / 4.0, UNRANKED, UNRANKED, UNRANKED],
            vec![half, half, half, half, UNRANKED],
            vec![UNRANKED; 5],
        ];
        assert_eq!(rows(&scores), expected);
    }

    #[test]
    fn what_was_seen_later_weighs_more_and_the_last_time_counts() {
        let batch = batch(&[&[1, 2, 1], &[3], &[4, 1]]);
        let scores = unranked(&batch, 5);
        latest(&batch, 5).lift(&scores, 2.0);
        // Steps from 1: 2 + 3/4, 2 + 2/3, 2 + 1/2.
        let expected = [
            vec![2.75, 2.0 + 2.0 / 3.0, UNRANKED, UNRANKED, UNRANKED],
            vec![UNRANKED, UNRANKED, 2.5, UNRANKED, UNRANKED],
            vec![2.0 + 2.0 / 3.0, UNRANKED, UNRANKED, 2.5, UNRANKED],
        ];
        assert_eq!(rows(&scores), expected);
    }

    #[test]
    fn a_lift_never_lowers_a_score() {
        let batch = batch(&[&[1, 2]]);
        let scores = Tensor::from_slice(&[9.0, 0.0, 0.0, 0.0, 0.0]).view([1, 5]);
        latest(&batch, 5).lift(&scores, 2.0);
        assert_eq!(rows(&scores), [[9.0, 2.0 + 2.0 / 3.0, 0.0, 0.0, 0.0]]);
    }

    #[test]
    fn counts_that_do_not_fit_together_are_refused() {
        let whole: BTreeMap<String, Tensor> = Transitions::of(&train(), 5).state().into_iter().collect();
        Transitions::none(5, Device::Cpu).restore(&whole).unwrap();
        let refuses = |items: i64, name: &str, values: &[i64]| {
            let mut state: BTreeMap<String, Tensor> =
                whole.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
            state.insert(name.to_owned(), Tensor::from_slice(values));
            assert!(Transitions::none(items, Device::Cpu).restore(&state).is_err(), "{name}: {values:?}");
        };
        refuses(5, "transition.offsets", &[0, 1, 5, 5, 5]);
        refuses(5, "transition.offsets", &[0, 5, 1, 5, 5, 5]);
        refuses(5, "transition.offsets", &[0, 1, 5, 5, 5, 6]);
        refuses(5, "transition.items", &[2, 1, 2, 3, 6]);
        refuses(5, "transition.items", &[2, 1, 2, 3, 0]);
        refuses(5, "transition.counts", &[3, 1, 1, 1]);
        assert!(Transitions::none(4, Device::Cpu).restore(&whole).is_err(), "another catalog");
        let popularity: BTreeMap<String, Tensor> = Popularity::of(&train(), 5).state().into_iter().collect();
        assert!(Popularity::none(4, Device::Cpu).restore(&popularity).is_err(), "another catalog");
    }
}
