//! STAMP (Liu et al., KDD 2018).
//!
//! The idea: no recurrence; an attention that knows the last click and the mean of all clicks weighs the clicks, and the
//! product of what they and the last click become, entry by entry, is compared with each item.
//!
//! **Deviations from the paper, as the authors' code has it:** the mean of the clicks is added to what the attention
//! gives; no layer has a bias; the scores have no sigmoid around them, and the loss is the softmax cross-entropy, summed
//! over the batch; item vectors are shortened to length 1 where they are read (not where they are compared), and the
//! gradient of each weight to 150. For Diginetica the authors took 1.5 and 110.
//! **Deviations from the code:** a batch has prefixes of any sessions; theirs has sessions of one length, first with one
//! click, then with two, and so on. Adam's epsilon is added where its paper has it, after the correction of the moments.
//! Used by: Table 2 of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{BatchLoss, Catalog, Clip, Gradient, GradientConfig, Mode, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::nn::{Initializer, Linear, Rule, Scorer, Table, gather, scatter_sum, session_mean};

/// Settings of STAMP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of item embeddings and of all layers.
    pub dimension: NonZeroU32,
    /// What happens to the vectors of the clicks as they are read.
    pub lookup: Lookup,
    /// The training loop.
    pub training: Training,
}

/// What happens to the vectors of the clicks as they are read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lookup {
    /// Nothing (the paper).
    Whole,
    /// Those that are longer than this are shortened to it (the authors' code).
    Shortened(#[schemars(extend("exclusiveMinimum" = 0))] f64),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dimension: positive(100),
            lookup: Lookup::Shortened(1.0),
            training: Training {
                epochs: positive(10),
                batch: positive(512),
                learning_rate: 0.003,
                weight_decay: 0.0,
                batch_loss: BatchLoss::Sum,
                clip: Clip::EachTensor(150.0),
                ..Training::default()
            },
        }
    }
}

/// The layers of STAMP. With `x_t` the vector of the `t`-th of `L` clicks and `*` entry by entry:
/// 1. `m_t = x_L`, `m_s = mean over t of x_t`
/// 2. `alpha_t = w_0 . sig(W_1 x_t + W_2 m_t + W_3 m_s)`
/// 3. `m_a = sum over t of alpha_t x_t + m_s`
/// 4. `h_s = tanh(W_s m_a)`, `h_t = tanh(W_t m_t)`
/// 5. `s_j = sum of h_s * h_t * e_j`
#[derive(Debug)]
pub struct Stamp {
    config: Config,
    items: i64,
    embedding: Table,
    /// `W_1`, on each click.
    of_each: Linear,
    /// `W_2`, on the last click.
    of_last: Linear,
    /// `W_3`, on the mean of the clicks.
    of_mean: Linear,
    /// `w_0`.
    weigh: Linear,
    /// `W_s`.
    memory: Linear,
    /// `W_t`.
    trigger: Linear,
}

impl GradientConfig for Config {
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError> {
        let d = i64::from(self.dimension.get());
        let (embedding, rule) = (Rule::Normal(0.002), Rule::Normal(0.05));
        Ok(Box::new(Stamp {
            config: self.clone(),
            items: catalog.items,
            embedding: Table::new(weights, "embedding", catalog.items, d, embedding),
            of_each: Linear::without_bias(weights, "attention.w1", d, d, rule),
            of_last: Linear::without_bias(weights, "attention.w2", d, d, rule),
            of_mean: Linear::without_bias(weights, "attention.w3", d, d, rule),
            weigh: Linear::without_bias(weights, "attention.w0", d, 1, rule),
            memory: Linear::without_bias(weights, "memory", d, d, rule),
            trigger: Linear::without_bias(weights, "trigger", d, d, rule),
        }))
    }
}

impl Gradient for Stamp {
    fn training(&self) -> &Training {
        &self.config.training
    }

    fn represent(&self, batch: &Batch, _mode: Mode) -> Tensor {
        let x = self.embedding.rows(&batch.items); // [P, d]
        let x = match self.config.lookup {
            Lookup::Whole => x,
            Lookup::Shortened(length) => &x * (length / x.norm_scalaropt_dim(2, [-1], true).clamp_min(length)),
        };
        let m_t = x.index_select(0, &batch.last); // eq. 1, [B, d]
        let m_s = session_mean(batch, &x); // [B, d]
        let of_session = self.of_last.forward(&m_t) + self.of_mean.forward(&m_s); // [B, d]
        let a = (self.of_each.forward(&x) + gather(&of_session, &batch.rows)).sigmoid(); // [P, d]
        let alpha = self.weigh.forward(&a); // eq. 2, [P, 1]
        let m_a = scatter_sum(&(alpha * x), &batch.rows, batch.size) + m_s; // eq. 3, [B, d]
        let h_s = self.memory.forward(&m_a).tanh(); // eq. 4, [B, d]
        let h_t = self.trigger.forward(&m_t).tanh(); // [B, d]
        h_s * h_t // [B, d]
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::Dot { table: &self.embedding, items: self.items } // eq. 5
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tch::Tensor;

    use crate::batch::{Batch, tests::part};
    use crate::model::tests::given;
    use crate::nn::golden::assert_close;

    /// Scores of the items 1 to 3, embedded as 2, -0.5 and 3, after the clicks 1, 2.
    fn scores(lookup: &serde_json::Value) -> Tensor {
        let weights: [(&str, &[f32]); 7] = [
            ("embedding", &[0., 2., -0.5, 3.]),
            ("attention.w1.weight", &[1.]),
            ("attention.w2.weight", &[2.]),
            ("attention.w3.weight", &[4.]),
            ("attention.w0.weight", &[0.5]),
            ("memory.weight", &[3.]),
            ("trigger.weight", &[-1.]),
        ];
        let model = given("stamp", &json!({ "dimension": 1, "lookup": lookup }), 3, &weights);
        model.scores(&Batch::gather(&part(&[&[(1, 1), (2, 1), (3, 1)]], 3, 1), &[0]))
    }

    /// The same by the equations, the clicks being read as `x_1` and -0.5.
    fn by_hand(x_1: f64) -> Tensor {
        let sig = |a: f64| 1.0 / (1.0 + (-a).exp());
        let (x_t, m_s) = (-0.5, (x_1 - 0.5) / 2.0);
        let alpha = |x: f64| 0.5 * sig(1.0 * x + 2.0 * x_t + 4.0 * m_s);
        let m_a = alpha(x_1) * x_1 + alpha(x_t) * x_t + m_s;
        let h = (3.0 * m_a).tanh() * (-x_t).tanh();
        Tensor::from_slice(&[2.0, -0.5, 3.0].map(|x_j| (h * x_j) as f32)).unsqueeze(0)
    }

    #[test]
    fn the_scores_of_a_session_of_two_clicks_by_hand() {
        assert_close(&scores(&json!("whole")), &by_hand(2.0));
    }

    #[test]
    fn long_vectors_are_shortened_where_they_are_read_and_not_where_they_are_compared() {
        assert_close(&scores(&json!({ "shortened": 1.0 })), &by_hand(1.0));
        assert_close(&scores(&json!({ "shortened": 2.5 })), &by_hand(2.0));
    }
}
