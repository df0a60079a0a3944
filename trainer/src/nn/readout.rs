//! The soft attention of SR-GNN and MKM-SR that turns the events of a session into one vector.

use tch::Tensor;

use super::{Initializer, Linear, Rule, gather, scatter_sum};
use crate::batch::Batch;

/// `alpha_t = q . sig(W_1 m_L + b_1 + W_2 m_t + b_2)`, `s = W_3 [sum of alpha_t m_t ; m_L] + b_3`.
#[derive(Debug)]
pub struct Readout {
    of_last: Linear,
    of_each: Linear,
    weigh: Linear,
    merge: Linear,
}

impl Readout {
    /// From events of width `input` to a session vector of width `d`; `q` has a bias where the authors' code has one.
    pub fn new(init: &mut Initializer, input: i64, d: i64, bias_of_q: bool, rule: Rule) -> Self {
        let weigh = if bias_of_q { Linear::new } else { Linear::without_bias };
        Self {
            of_last: Linear::new(init, "readout.w1", input, input, rule),
            of_each: Linear::new(init, "readout.w2", input, input, rule),
            weigh: weigh(init, "readout.q", input, 1, rule),
            merge: Linear::new(init, "readout.w3", 2 * input, d, rule),
        }
    }

    /// Events `m` `[P, input]` to session vectors `[B, d]`.
    #[must_use]
    pub fn forward(&self, batch: &Batch, m: &Tensor) -> Tensor {
        let last = m.index_select(0, &batch.last); // [B, input]
        let of_last = gather(&self.of_last.forward(&last), &batch.rows); // [P, input]
        let alpha = self.weigh.forward(&(of_last + self.of_each.forward(m)).sigmoid()); // [P, 1]
        let global = scatter_sum(&(alpha * m), &batch.rows, batch.size); // [B, input]
        self.merge.forward(&Tensor::cat(&[global, last], 1))
    }
}
