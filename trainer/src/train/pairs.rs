//! A pass over the samples in which each target is compared with drawn items.

use super::negatives::others;
use super::passes::{Passed, Passes, UnderWay};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::model::{Network, PairTask};
use crate::nn::Optimizer;
use crate::seed::{Stream, permutation};

impl Passes<'_> {
    /// One pass over all samples. The loss is that of a sample, over its negatives together.
    pub(super) fn pair_pass(
        &self,
        task: &dyn PairTask,
        network: &Network,
        optimizer: &mut Optimizer,
        epoch: u32,
    ) -> Result<Passed, TrainerError> {
        if self.catalog.items < 2 {
            let message = "the catalog has no item that a target could be compared with";
            return Err(TrainerError::data(message, "choose data with two items at least"));
        }
        let training = network.layers.training();
        let order = permutation(self.seed, Stream::Samples, epoch, self.part.samples());
        let mut generator = Stream::Negatives.generator(self.seed, epoch);
        let rate = training.rate(epoch);
        let mut pass = UnderWay::new(epoch, training, order.len(), self.part.items.device());
        for samples in order.chunks(training.batch.get() as usize) {
            let batch = Batch::gather(self.part, samples);
            let negatives = others(&mut generator, &batch.targets, task.negatives(), self.catalog.items);
            let loss = task.loss(&batch, &negatives);
            (&loss * training.batch_loss.of_sum(batch.size)).backward();
            training.clip_gradient(&network.parameters);
            optimizer.step(&network.parameters, &task.touched(&batch, &negatives), rate, training.weight_decay);
            pass.add(&loss, samples.len())?;
        }
        pass.end()
    }
}
