//! The gated recurrent unit (Cho et al., EMNLP 2014) in libtorch's form, over packed sessions.

use tch::Tensor;

use super::{Initializer, Rule};
use crate::batch::Batch;

/// `r, z = sig(x W + h U + b)`, `n = tanh(x W + b + r * (h U + b))`, `h' = (1 - z) n + z h`, from `h = 0`.
#[derive(Debug)]
pub struct Gru {
    d: i64,
    weights: [Tensor; 4],
}

impl Gru {
    /// A unit of width `d` over inputs of width `input`.
    pub fn new(init: &mut Initializer, name: &str, input: i64, d: i64, rule: Rule) -> Self {
        let mut weight = |part: &str, shape: &[i64]| init.weight(&format!("{name}.{part}"), shape, rule);
        let weights = [
            weight("w_ih", &[3 * d, input]),
            weight("w_hh", &[3 * d, d]),
            weight("b_ih", &[3 * d]),
            weight("b_hh", &[3 * d]),
        ];
        Self { d, weights }
    }

    /// The state after each position: `x` `[P, input]` to `[P, d]`.
    #[must_use]
    pub fn forward(&self, batch: &Batch, x: &Tensor) -> Tensor {
        let start = Tensor::zeros([1, batch.size, self.d], (x.kind(), x.device()));
        let (states, _) = Tensor::gru_data(x, &batch.step_sizes, &start, &self.weights, true, 1, 0.0, true, false);
        states
    }
}
