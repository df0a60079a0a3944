//! The soft attention of SR-GNN and MKM-SR that turns the events of a session into one vector.

use tch::Tensor;

use super::{Initializer, Linear, Rule, gather, scatter_sum};
use crate::batch::Batch;

/// `alpha_t = q . sig(W_1 m_L + b_1 + W_2 m_t + b_2)` (SR-GNN, eq. 6), `s = W_3 [sum of alpha_t m_t ; m_L] + b_3` (eq. 7).
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
    pub fn forward(&self, batch: &Batch, m: &Tensor) -> Tensor {
        let last = m.index_select(0, &batch.last); // [B, input]
        let of_last = gather(&self.of_last.forward(&last), &batch.rows); // [P, input]
        let alpha = self.weigh.forward(&(of_last + self.of_each.forward(m)).sigmoid()); // [P, 1]
        let global = scatter_sum(&(alpha * m), &batch.rows, batch.size); // [B, input]
        self.merge.forward(&Tensor::cat(&[global, last], 1))
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::batch::tests::part;
    use crate::nn::golden::assert_close;

    #[test]
    fn the_vector_of_a_session_of_two_events_by_hand() {
        let mut init = Initializer::new(0);
        let readout = Readout::new(&mut init, 1, 1, true, Rule::Zero);
        // W_1 = 1, b_1 = 0, W_2 = 1, b_2 = -3, q = 2 with bias 1, W_3 = (10, 1), b_3 = 0.5.
        let values: [&[f32]; 8] = [&[1.], &[0.], &[1.], &[-3.], &[2.], &[1.], &[10., 1.], &[0.5]];
        for ((_, weight), value) in init.weights.iter().zip(values) {
            tch::no_grad(|| weight.shallow_clone().copy_(&Tensor::from_slice(value).reshape(weight.size())));
        }
        let part = part(&[&[(1, 1), (2, 1), (9, 1)]], 9, 1);
        let m = Tensor::from_slice(&[1f32, 2.]).reshape([2, 1]);
        let s = readout.forward(&Batch::gather(&part, &[0]), &m);
        // alpha_1 = 2 sig(2 + 1 - 3) + 1 = 2, alpha_2 = 2 sig(2 + 2 - 3) + 1 = 2 sig(1) + 1.
        let alpha_2 = 2.0 / (1.0 + (-1f64).exp()) + 1.0;
        let expected = 10.0 * (2.0 * 1.0 + alpha_2 * 2.0) + 2.0 + 0.5;
        assert_close(&s, &Tensor::full([1, 1], expected, (Kind::Float, Device::Cpu)));
    }
}
