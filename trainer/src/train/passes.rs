//! Passes over the training part, one an epoch, by whichever objective the model has.

use tch::{Device, Kind, Tensor};

use crate::batch::Batch;
use crate::dataset::Part;
use crate::error::TrainerError;
use crate::event::{Event, Stopwatch};
use crate::lanes::Sessions;
use crate::model::{Catalog, Network, Objective, Training};
use crate::nn::{Optimizer, Touched};
use crate::seed::{Stream, permutation};

/// What all passes have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passes<'a> {
    pub(crate) seed: u64,
    pub(crate) part: &'a Part,
    pub(crate) catalog: Catalog,
}

impl Passes<'_> {
    /// How many samples a pass has, or how many events where the sessions are walked side by side.
    pub(crate) fn samples(&self, network: &Network) -> usize {
        match network.layers.objective() {
            Objective::Catalog | Objective::Pairs(_) => self.part.samples(),
            Objective::Lanes(_) => Sessions::of(self.part).targets(),
        }
    }

    /// One pass. `beside` adds what else a batch teaches to its gradient, where whole sessions are compared with the
    /// whole catalog. Returns what came of it.
    pub(crate) fn pass(
        &self,
        network: &Network,
        optimizer: &mut Optimizer,
        epoch: u32,
        beside: impl FnMut(&Batch) -> Result<(), TrainerError>,
    ) -> Result<Passed, TrainerError> {
        match network.layers.objective() {
            Objective::Catalog => self.session_pass(network, optimizer, epoch, beside),
            Objective::Pairs(task) => self.pair_pass(task, network, optimizer, epoch),
            Objective::Lanes(task) => self.lane_pass(task, network, optimizer, epoch),
        }
    }

    /// One pass over all samples against the whole catalog.
    fn session_pass(
        &self,
        network: &Network,
        optimizer: &mut Optimizer,
        epoch: u32,
        mut beside: impl FnMut(&Batch) -> Result<(), TrainerError>,
    ) -> Result<Passed, TrainerError> {
        let training = network.layers.training();
        let order = permutation(self.seed, Stream::Samples, epoch, self.part.samples());
        let rate = training.rate(epoch);
        let touched = Touched::All(network.layers.scorer().rewrites());
        let mut pass = UnderWay::new(epoch, training, order.len(), self.part.items.device());
        for samples in order.chunks(training.batch.get() as usize) {
            let batch = Batch::gather(self.part, samples);
            let loss = network.accumulate(&batch);
            beside(&batch)?;
            training.prepare_gradient(&network.parameters, batch.size);
            optimizer.step(&network.parameters, &touched, rate, training.weight_decay);
            pass.add(&(loss * batch.size), samples.len())?;
        }
        network.parameters.clear_gradients();
        pass.end()
    }
}

/// What came of a pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passed {
    /// Mean loss of a sample.
    pub(crate) loss: f64,
    /// How often the parameters were moved.
    pub(crate) steps: usize,
}

/// A pass that is under way: its losses, summed where they are, and how far it is.
#[derive(Debug)]
pub(super) struct UnderWay {
    epoch: u32,
    epochs: u32,
    total: usize,
    done: usize,
    steps: usize,
    /// It stays on the device, and is read back only when it is time to say how far the work is.
    sum: Tensor,
    watch: Stopwatch,
}

impl UnderWay {
    /// Nothing done yet of the `total` samples of `epoch`.
    pub(super) fn new(epoch: u32, training: &Training, total: usize, device: Device) -> Self {
        let sum = Tensor::zeros([], (Kind::Double, device));
        Self { epoch, epochs: training.epochs.get(), total, done: 0, steps: 0, sum, watch: Stopwatch::default() }
    }

    /// Adds the `loss` of `count` samples together, a scalar, and says how far the pass is where it is time to.
    pub(super) fn add(&mut self, loss: &Tensor, count: usize) -> Result<(), TrainerError> {
        self.sum += loss.detach();
        self.done += count;
        self.steps += 1;
        if self.watch.is_due() {
            let Self { epoch, epochs, total, done, .. } = *self;
            let loss = Some(f64::try_from(&self.sum)? / done as f64);
            let samples_per_second = self.watch.speed(done);
            Event::Progress { epoch, epochs, done, total, loss, samples_per_second }.say();
        }
        Ok(())
    }

    /// What came of it. Waits for the device.
    pub(super) fn end(&self) -> Result<Passed, TrainerError> {
        Ok(Passed { loss: f64::try_from(&self.sum)? / self.done.max(1) as f64, steps: self.steps })
    }
}
