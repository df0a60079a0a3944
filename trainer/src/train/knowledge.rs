//! Learning from knowledge beside the sessions: passes over all triples, or the triples of a batch's items.

use std::num::NonZeroU32;

use tch::{Device, Kind, Tensor};

use crate::batch::Batch;
use crate::dataset::Knowledge;
use crate::error::TrainerError;
use crate::model::{KnowledgeTask, Network, Strategy};
use crate::nn::{Optimizer, Touched};
use crate::seed::{Stream, permutation};

/// The knowledge task of a network, and the triples that it learns from.
pub(crate) struct Lessons<'a> {
    network: &'a Network,
    task: &'a dyn KnowledgeTask,
    triples: &'a Knowledge,
    seed: u64,
    /// Made for joint training alone.
    by_head: Option<ByHead>,
}

/// The loss of triples so far.
pub(crate) struct Tally {
    sum: Tensor,
    triples: i64,
}

impl<'a> Lessons<'a> {
    /// What there is to learn beside the sessions; nothing for a network without a knowledge task.
    pub(crate) fn new(network: &'a Network, triples: Option<&'a Knowledge>, seed: u64) -> Option<Self> {
        let (task, triples) = (network.layers.knowledge_task()?, triples?);
        let by_head = (task.strategy() == Strategy::Joint).then(|| ByHead::new(triples));
        Some(Self { network, task, triples, seed, by_head })
    }

    /// The passes over all triples that come before `epoch`.
    pub(crate) fn before(&self, epoch: u32, optimizer: &mut Optimizer, tally: &mut Tally) {
        match self.task.strategy() {
            Strategy::Alternating { batch, moves_all } => {
                // Before the first step of the sessions nothing else has had a gradient.
                let touched = if moves_all && epoch > 1 { Touched::All(Vec::new()) } else { Touched::SecondTask };
                self.pass(epoch, epoch, batch, &touched, optimizer, tally);
            }
            Strategy::PreTraining { epochs, batch } if epoch == 1 => {
                for pass in 1..=epochs.get() {
                    *tally = Tally::new(self.triples.head.device());
                    self.pass(pass, epoch, batch, &Touched::SecondTask, optimizer, tally);
                }
                optimizer.forget();
            }
            Strategy::Joint | Strategy::PreTraining { .. } => {}
        }
    }

    /// One pass over all triples in the order of `pass`, at the rate of `epoch`; its steps move what is `touched`.
    fn pass(
        &self,
        pass: u32,
        epoch: u32,
        batch: NonZeroU32,
        touched: &Touched,
        optimizer: &mut Optimizer,
        tally: &mut Tally,
    ) {
        let training = self.network.layers.training();
        let rate = training.rate(epoch);
        let order = permutation(self.seed, Stream::Triples, pass, self.triples.triples());
        for triples in order.chunks(batch.get() as usize) {
            self.accumulate(&Tensor::from_slice(triples).to_device(self.triples.head.device()), tally);
            optimizer.step(&self.network.parameters, touched, rate, training.weight_decay);
        }
    }

    /// In joint training, adds the gradient of the triples of a batch's items, each once, to that of the batch.
    pub(crate) fn beside(&self, batch: &Batch, tally: &mut Tally) -> Result<(), TrainerError> {
        if let Some(by_head) = &self.by_head {
            let triples = by_head.of(&batch.items)?;
            if triples.numel() > 0 {
                self.accumulate(&triples, tally);
            }
        }
        Ok(())
    }

    /// Adds the gradient of these triples `[M]`, by their numbers from 0.
    fn accumulate(&self, triples: &Tensor, tally: &mut Tally) {
        let column = |ids: &Tensor| ids.index_select(0, triples);
        let Knowledge { head, relation, tail, .. } = self.triples;
        let loss = self.task.loss(&column(head), &column(relation), &column(tail));
        loss.backward();
        tally.sum += loss.detach();
        tally.triples += triples.size()[0];
    }
}

impl Tally {
    /// No triple yet.
    pub(crate) fn new(device: Device) -> Self {
        Self { sum: Tensor::zeros([], (Kind::Double, device)), triples: 0 }
    }

    /// The mean loss of a triple; nothing when there was none.
    pub(crate) fn mean(&self) -> Result<Option<f64>, TrainerError> {
        Ok(if self.triples == 0 { None } else { Some(f64::try_from(&self.sum)? / self.triples as f64) })
    }
}

/// The triples in the order of their heads.
struct ByHead {
    /// Numbers of triples, those of one head side by side, `[M]`.
    order: Tensor,
    /// How many triples each entity heads, `[entities + 1]`.
    counts: Tensor,
    /// Where they begin in `order`, `[entities + 1]`.
    starts: Tensor,
}

impl ByHead {
    fn new(triples: &Knowledge) -> Self {
        let (_, order) = triples.head.sort_stable(true, 0, false);
        let counts = triples.head.bincount(None::<&Tensor>, triples.entities + 1);
        let starts = counts.cumsum(0, Kind::Int64) - &counts;
        Self { order, counts, starts }
    }

    /// The numbers of all triples whose head is among `items`, each once.
    fn of(&self, items: &Tensor) -> Result<Tensor, TrainerError> {
        let (heads, _) = items.internal_unique(true, false);
        let counts = self.counts.index_select(0, &heads); // [H]
        let total = i64::try_from(counts.sum(Kind::Int64))?;
        // Where the triples of each head begin in `order`, less where they begin in the answer.
        let shift = self.starts.index_select(0, &heads) - (counts.cumsum(0, Kind::Int64) - &counts);
        let place = Tensor::arange(total, (Kind::Int64, items.device()));
        Ok(self.order.index_select(0, &(place + shift.repeat_interleave_self_tensor(&counts, 0, total))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_triples_of_a_batch_are_those_that_its_items_head_each_once() {
        let ids = |values: &[i64]| Tensor::from_slice(values);
        let triples = Knowledge {
            entities: 5,
            relations: 1,
            head: ids(&[3, 1, 3, 2, 1, 5]),
            relation: ids(&[1; 6]),
            tail: ids(&[4, 4, 5, 4, 5, 1]),
        };
        let by_head = ByHead::new(&triples);
        let of = |items: &[i64]| Vec::<i64>::try_from(by_head.of(&ids(items)).expect("a count")).expect("numbers");
        assert_eq!(of(&[3, 1, 3]), [1, 4, 0, 2]);
        assert_eq!(of(&[4, 2]), [3]);
        assert!(of(&[4]).is_empty());
    }
}
