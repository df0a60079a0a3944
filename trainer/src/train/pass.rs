//! A pass over the training part that is under way: its losses, summed where they are, and how far it is.

use tch::{Device, Kind, Tensor};

use crate::error::TrainerError;
use crate::event::{Event, Stopwatch};
use crate::model::Training;

/// What a pass has come to.
#[derive(Debug)]
pub(super) struct Pass {
    epoch: u32,
    epochs: u32,
    total: usize,
    done: usize,
    /// It stays on the device, and is read back only when it is time to say how far the work is.
    sum: Tensor,
    watch: Stopwatch,
}

impl Pass {
    /// Nothing done yet of the `total` samples of `epoch`.
    pub(super) fn new(epoch: u32, training: &Training, total: usize, device: Device) -> Self {
        let sum = Tensor::zeros([], (Kind::Double, device));
        Self { epoch, epochs: training.epochs.get(), total, done: 0, sum, watch: Stopwatch::default() }
    }

    /// Adds the `loss` of `count` samples together, a scalar, and says how far the pass is where it is time to.
    pub(super) fn add(&mut self, loss: &Tensor, count: usize) -> Result<(), TrainerError> {
        self.sum += loss.detach();
        self.done += count;
        if self.watch.is_due() {
            let Self { epoch, epochs, total, done, .. } = *self;
            let loss = Some(f64::try_from(&self.sum)? / done as f64);
            let samples_per_second = self.watch.speed(done);
            Event::Progress { epoch, epochs, done, total, loss, samples_per_second }.say();
        }
        Ok(())
    }

    /// The mean loss of a sample.
    pub(super) fn mean(&self) -> Result<f64, TrainerError> {
        Ok(f64::try_from(&self.sum)? / self.done.max(1) as f64)
    }
}
