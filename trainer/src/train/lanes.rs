//! A pass over the training sessions side by side, an event of each a step.

use tch::{Kind, Tensor};

use super::negatives::counts;
use super::passes::{Passed, Passes, UnderWay};
use crate::error::TrainerError;
use crate::lanes::{LaneStep, Sessions};
use crate::model::{LaneTask, Network};
use crate::nn::Optimizer;
use crate::popularity::Popularity;
use crate::seed::Stream;

impl Passes<'_> {
    /// One pass over all sessions. The loss is that of an event.
    pub(super) fn lane_pass(
        &self,
        task: &dyn LaneTask,
        network: &Network,
        optimizer: &mut Optimizer,
        epoch: u32,
    ) -> Result<Passed, TrainerError> {
        let training = network.layers.training();
        let (rate, lanes) = (training.rate(epoch), training.batch.get());
        let sessions = Sessions::of(self.part);
        let counts = counts(&sessions.items, self.catalog.items);
        let drawn = task.drawn();
        let popularity = Popularity::new(&counts, drawn.alpha);
        let log_counts: Vec<f32> = counts.iter().map(|&count| (count.max(1) as f32).ln()).collect();
        let log_counts = Tensor::from_slice(&log_counts).to_device(self.part.items.device());
        let mut generator = Stream::Negatives.generator(self.seed, epoch);
        let mut negatives = Vec::new();
        let mut states = Tensor::zeros([i64::from(lanes), task.width()], (Kind::Float, log_counts.device()));
        let mut pass = UnderWay::new(epoch, training, sessions.targets(), log_counts.device());
        for turn in sessions.walk(lanes as usize) {
            popularity.draw(&mut generator, drawn.count, &mut negatives);
            if turn.inputs.len() + negatives.len() < 2 {
                break; // The last session is alone, and nothing is drawn that its events could be compared with.
            }
            let step = LaneStep::new(&turn, &negatives, &log_counts);
            let (loss, after) = task.step(&step, &step.carry(&states), &log_counts);
            // The mean is that of the lanes at the start, also when fewer are left.
            (&loss * training.batch_loss.of_sum(lanes.into())).backward();
            training.clip_gradient(&network.parameters);
            states = after.detach();
            optimizer.step(&network.parameters, &task.touched(&step), rate, training.weight_decay);
            pass.add(&loss, turn.inputs.len())?;
        }
        pass.end()
    }
}
