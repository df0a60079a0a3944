//! What moves the parameters after a step: the choice that a config makes, and which parameters a step has touched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Adam, Descent, Parameters};

/// How the parameters are moved against their gradients.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam (Kingma and Ba, 2015) on every parameter at every step.
    #[default]
    Adam,
    /// Adagrad (Duchi et al., 2011) with momentum, on the table rows that a step touched and on all that is no table.
    Adagrad(Momentum),
    /// The gradient times the rate, on the same rows as Adagrad.
    Sgd,
}

/// How much of its last move a parameter repeats.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Momentum {
    /// The share of the last move, `mu`.
    #[schemars(range(min = 0.0))]
    pub momentum: f64,
}

/// Which parameters have a gradient after a step.
#[derive(Debug)]
pub enum Touched {
    /// All of them. The gradient of what is named here need not be cleared: the next step writes over it.
    All(Vec<Written>),
    /// All that is no table, and these rows; a table that is not named has no gradient.
    Rows(Vec<Rows>),
    /// Those that the second task of the model knows.
    SecondTask,
}

/// Rows of one table.
#[derive(Debug)]
pub struct Rows {
    /// The table's place among the weights of the model.
    pub(super) place: usize,
    /// The rows, `[n]` int64, in any order; repeats count once.
    pub(super) ids: Tensor,
}

/// The rows 1 to `rows` of a table, the whole gradient of which each step writes anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The table's place among the weights of the model.
    pub(super) place: usize,
    /// How many rows.
    pub(super) rows: i64,
}

/// An optimizer and what it remembers from step to step.
#[derive(Debug)]
pub enum Optimizer {
    /// Of every parameter.
    Adam(Adam),
    /// Of what a step touched.
    Descent(Descent),
}

impl Optimizer {
    /// The optimizer of `kind`, before its first step.
    #[must_use]
    pub fn new(kind: OptimizerKind, parameters: &Parameters) -> Self {
        match kind {
            OptimizerKind::Adam => Self::Adam(Adam::new(parameters)),
            OptimizerKind::Adagrad(Momentum { momentum }) => Self::Descent(Descent::adagrad(parameters, momentum)),
            OptimizerKind::Sgd => Self::Descent(Descent::plain()),
        }
    }

    /// Moves the parameters against their gradients and leaves every gradient zero for the next step, but those that it
    /// writes over. `weight_decay` is L2, added to the gradient of each parameter that is moved.
    pub fn step(&mut self, parameters: &Parameters, touched: &Touched, rate: f64, weight_decay: f64) {
        match self {
            Self::Adam(adam) => match touched {
                Touched::SecondTask => adam.step_of_second_task(parameters, rate, weight_decay),
                Touched::All(rewritten) => adam.step(parameters, rate, weight_decay, rewritten),
                Touched::Rows(_) => adam.step(parameters, rate, weight_decay, &[]),
            },
            Self::Descent(descent) => descent.step(parameters, touched, rate, weight_decay),
        }
    }

    /// Forgets all steps.
    pub fn forget(&mut self) {
        for (_, state) in self.state() {
            let _ = state.shallow_clone().zero_();
        }
    }

    /// What it remembers, by name; whoever writes into these tensors sets it.
    #[must_use]
    pub fn state(&self) -> Vec<(&'static str, &Tensor)> {
        match self {
            Self::Adam(Adam { first, second, steps }) => {
                vec![("adam/first", first), ("adam/second", second), ("adam/steps", steps)]
            }
            Self::Descent(descent) => descent.state(),
        }
    }
}
