//! How a gradient model is trained: the part of its config that every such model has.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::nn::{OptimizerKind, Parameters};

/// The settings of the training loop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// The most passes over the training samples.
    pub epochs: NonZeroU32,
    /// Samples a step; sessions side by side for a model that walks over them.
    pub batch: NonZeroU32,
    /// How parameters are moved.
    pub optimizer: OptimizerKind,
    /// The optimizer's rate in the first epoch.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// L2 penalty `lambda_2`: times a parameter it is added to the gradient of each parameter that the optimizer moves.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// How the rate falls.
    pub schedule: Schedule,
    /// How the losses of a batch of sessions are put together.
    pub batch_loss: BatchLoss,
    /// How a gradient of a batch of sessions that is too long is shortened.
    pub clip: Clip,
    /// Training stops after this many epochs without a new best.
    pub patience: NonZeroU32,
    /// Which epochs without a new best count.
    pub patience_counts: Patience,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: positive(50),
            batch: positive(128),
            optimizer: OptimizerKind::Adam,
            learning_rate: 1e-3,
            weight_decay: 1e-5,
            schedule: Schedule::Constant,
            batch_loss: BatchLoss::Mean,
            clip: Clip::None,
            patience: positive(10),
            patience_counts: Patience::InTotal,
        }
    }
}

/// How the losses of a batch are put together, before its gradient is taken; the loss that is said is always the mean.
/// Adam and Adagrad move the same for both but for their epsilon, which counts where gradients are small, and for `clip`;
/// plain descent moves by the gradient itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BatchLoss {
    /// By their mean.
    Mean,
    /// By their sum.
    Sum,
}

impl BatchLoss {
    /// What the summed losses of `size` samples are multiplied by.
    #[must_use]
    pub fn of_sum(self, size: i64) -> f64 {
        match self {
            Self::Mean => 1.0 / size as f64,
            Self::Sum => 1.0,
        }
    }
}

/// How a gradient that is too long is shortened, before the optimizer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Clip {
    /// Not at all.
    None,
    /// That of each weight by itself, to this length.
    EachTensor(#[schemars(extend("exclusiveMinimum" = 0))] f64),
}

/// How the learning rate falls from epoch to epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not.
    Constant,
    /// It falls in steps.
    Step(Step),
}

/// The rate is multiplied by `factor` after the first `first` epochs, and again after each `every` epochs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// What the rate is multiplied by.
    #[schemars(range(min = 0.0))]
    pub factor: f64,
    /// Epochs before the first fall.
    pub first: u32,
    /// Epochs from one fall to the next.
    pub every: NonZeroU32,
}

impl Default for Step {
    /// The schedule of SR-GNN, whose code steps its scheduler before the epoch: two epochs, then each three.
    fn default() -> Self {
        Self { factor: 0.1, first: 2, every: positive(3) }
    }
}

/// Which epochs without a new best count against the patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Patience {
    /// All of them, as in the published codes of SR-GNN and MKM-SR, which never set the count back.
    InTotal,
    /// Those since the last new best.
    InARow,
}

/// A default that is not 0.
pub(super) const fn positive(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("a default is positive")
}

impl Training {
    /// Shortens the gradients, where this config asks for it.
    pub fn clip_gradient(&self, parameters: &Parameters) {
        if let Clip::EachTensor(longest) = self.clip {
            parameters.clip_each_gradient(longest);
        }
    }

    /// Turns the gradient of the mean loss of `size` sessions into the one that this config asks for.
    pub fn prepare_gradient(&self, parameters: &Parameters, size: i64) {
        if self.batch_loss == BatchLoss::Sum {
            parameters.scale_gradients(size as f64);
        }
        self.clip_gradient(parameters);
    }

    /// The learning rate of `epoch`, counted from 1.
    #[must_use]
    pub fn rate(&self, epoch: u32) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Step(Step { factor, first, every }) => {
                let falls = if epoch <= first { 0 } else { 1 + (epoch - first - 1) / every };
                self.learning_rate * factor.powi(i32::try_from(falls).unwrap_or(i32::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_srgnn_falls_after_two_epochs_and_then_after_each_three() {
        let schedule = Schedule::Step(Step { factor: 0.5, ..Step::default() });
        let training = Training { learning_rate: 1.0, schedule, ..Training::default() };
        let rates: Vec<f64> = (1..=9).map(|epoch| training.rate(epoch)).collect();
        assert_eq!(rates, [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]);
    }
}
