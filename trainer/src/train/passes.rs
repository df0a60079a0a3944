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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::batch::tests::part;
    use crate::dataset::Knowledge;
    use crate::evaluate::rank;
    use crate::model::{Entry, MODELS, Model};
    use crate::native::tests::without_kernels;
    use crate::train::{Lessons, Tally};

    const ITEMS: i32 = 40;

    /// Seventy sessions of two to seven events, each a walk over the items.
    fn walks() -> Part {
        let sessions: Vec<Vec<(i32, i32)>> = (0..70)
            .map(|s| (0..2 + s % 6).map(|i| (1 + (7 * s + (3 + s % 2) * i) % ITEMS, 1 + (s + i) % 3)).collect())
            .collect();
        part(&sessions.iter().map(Vec::as_slice).collect::<Vec<_>>(), ITEMS.into(), 3)
    }

    /// Each item in one of five groups, with two relations by turns.
    fn groups() -> Knowledge {
        let of = |f: fn(i64) -> i64| Tensor::from_slice(&(1..=ITEMS.into()).map(f).collect::<Vec<i64>>());
        let (head, relation, tail) = (of(|i| i), of(|i| 1 + i % 2), of(|i| i64::from(ITEMS) + 1 + i % 5));
        Knowledge { entities: i64::from(ITEMS) + 5, relations: 2, head, relation, tail }
    }

    /// What two passes lead to: their losses, the knowledge's loss, the scores of all samples, and how many items stand
    /// above each target.
    fn course(entry: &Entry, config: &Value) -> (Vec<f64>, Tensor, Tensor) {
        let (part, knowledge) = (walks(), groups());
        let catalog = Catalog::new(ITEMS.into(), 3, Some(&knowledge));
        let model = entry.build(config, catalog, Some(1), Device::Cpu).expect("a good config");
        let Model::Gradient(network) = &model else { unreachable!("only what learns by gradient has passes") };
        let passes = Passes { seed: 1, part: &part, catalog };
        let mut optimizer = Optimizer::new(network.layers.training().optimizer, &network.parameters);
        let lessons = Lessons::new(network, Some(&knowledge), 1);
        let mut losses = Vec::new();
        for epoch in 1..=2 {
            let mut tally = Tally::new(Device::Cpu);
            if let Some(lessons) = &lessons {
                lessons.before(epoch, &mut optimizer, &mut tally);
            }
            crate::seed::start_libtorch(1, Stream::Noise, epoch);
            let passed = passes.pass(network, &mut optimizer, epoch, |batch| match &lessons {
                Some(lessons) => lessons.beside(batch, &mut tally),
                None => Ok(()),
            });
            losses.push(passed.expect("a finite loss").loss);
            losses.extend(tally.mean().expect("a number"));
        }
        let scores = model.scores(&Batch::gather(&part, &(0..70).collect::<Vec<_>>()));
        let ranks = rank(&model, &part, catalog.items, 1.0, |_| ()).expect("finite scores");
        (losses, scores, ranks.above)
    }

    #[test]
    fn every_model_learns_the_same_by_our_kernels_as_by_libtorch_alone() {
        let small_steps = json!({ "training": { "batch": 16 } });
        let learning = MODELS.iter().filter(|entry| entry.default_config()["training"].is_object());
        let mut cases: Vec<(&Entry, Value)> = learning.map(|entry| (entry, small_steps.clone())).collect();
        for change in [json!({ "scorer": "mlp" }), json!({ "knowledge": { "joint": { "lambda": 0.1 } } })] {
            let mut config = small_steps.clone();
            config.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
            cases.push((crate::model::find("mkm-sr").expect("in the list"), config));
        }
        assert_eq!(cases.len(), 14 + 2);
        for (entry, config) in cases {
            let (losses, scores, above) = course(entry, &config);
            let (theirs, their_scores, their_above) = without_kernels(|| course(entry, &config));
            let name = format!("{} {config}", entry.name);
            for (ours, theirs) in losses.iter().zip(&theirs) {
                assert!((ours - theirs).abs() < 1e-4 * theirs.abs(), "{name}: {losses:?} {theirs:?}");
            }
            assert!(scores.allclose(&their_scores, 1e-3, 1e-4, false), "{name}: {scores} {their_scores}");
            // Two scores that are all but equal may change places.
            let moved = (above - their_above).abs().sum(Kind::Int64).int64_value(&[]);
            assert!(moved <= 7, "{name}: {moved} places");
        }
    }
}
