//! NARM (Li et al., CIKM 2017).
//!
//! The idea: a recurrent network reads the session; its last state says what the user does, an attention over all its
//! states what the user is after, and a bilinear map compares both with each item.
//!
//! **Deviations from the paper, as the authors' code has it:** the weights of the attention go through a softmax over the
//! session's events (`attention: raw` for the paper's form).
//! **Deviations from the code, as the paper has it:** ordinary sigmoids in place of piecewise linear ones.
//! **Deviations from both:** the recurrent unit is libtorch's, with the reset gate after the product.
//! Dropout is inverted, the same in expectation. Sessions are whole; the code cuts them, those to test on too, after 19
//! events. The padding is no candidate.
//! Used by: Table 2 of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Catalog, Gradient, GradientConfig, Mode, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::nn::{
    Dropout, Gru, GruRules, Initializer, Linear, Rule, Scorer, Table, gather, scatter_sum, session_softmax,
};

/// Settings of NARM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `H` of the recurrent network.
    pub dimension: NonZeroU32,
    /// Width `D` of item embeddings.
    pub embedding_dimension: NonZeroU32,
    /// How the weights of the attention are scaled.
    pub attention: Attention,
    /// What is dropped while training.
    pub dropout: Dropouts,
    /// The training loop.
    pub training: Training,
}

/// How the weights of the attention are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Attention {
    /// By a softmax over the events of the session (the authors' code).
    Softmax,
    /// Not at all (the paper).
    Raw,
}

/// What is dropped while training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dropouts {
    /// Of the item embeddings that the recurrent network reads.
    pub items: Dropout,
    /// Of the session's representation `c`.
    pub session: Dropout,
}

impl Default for Dropouts {
    fn default() -> Self {
        Self { items: Dropout::of(0.25), session: Dropout::of(0.5) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dimension: positive(100),
            embedding_dimension: positive(50),
            attention: Attention::Softmax,
            dropout: Dropouts::default(),
            training: Training { epochs: positive(30), batch: positive(512), weight_decay: 0.0, ..Training::default() },
        }
    }
}

/// The layers of NARM. With `x_t` the embedding of the `t`-th of `L` items of a session:
/// 1. `h_t = GRU(x_t, h_(t-1))`
/// 2. `alpha_t = softmax over t of v . sig(A_1 h_L + A_2 h_t)`
/// 3. `c = [h_L ; sum over t of alpha_t h_t]`
/// 4. `s_j = e_j . B c`
#[derive(Debug)]
pub struct Narm {
    config: Config,
    items: i64,
    embedding: Table,
    gru: Gru,
    /// `A_1`, on the last state.
    of_last: Linear,
    /// `A_2`, on each state.
    of_each: Linear,
    /// `v`.
    weigh: Linear,
    /// `B`, `[D, 2H]`.
    bilinear: Linear,
}

impl GradientConfig for Config {
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError> {
        let (h, d) = (i64::from(self.dimension.get()), i64::from(self.embedding_dimension.get()));
        // The code divides by the first size of each matrix as it is written there.
        let normal = |size: i64| Rule::Normal((2.0 / size as f64).sqrt());
        let gru = GruRules { input: normal(d), state: Rule::Orthogonal, bias: Rule::Zero };
        Ok(Box::new(Narm {
            config: self.clone(),
            items: catalog.items,
            embedding: Table::new(weights, "embedding", catalog.items, d, normal(catalog.items)),
            gru: Gru::with_rules(weights, "gru", d, h, gru),
            of_last: Linear::without_bias(weights, "attention.a1", h, h, normal(h)),
            of_each: Linear::without_bias(weights, "attention.a2", h, h, normal(h)),
            weigh: Linear::without_bias(weights, "attention.v", h, 1, normal(1)),
            bilinear: Linear::without_bias(weights, "bilinear", 2 * h, d, normal(d)),
        }))
    }
}

impl Gradient for Narm {
    fn training(&self) -> &Training {
        &self.config.training
    }

    fn represent(&self, batch: &Batch, mode: Mode) -> Tensor {
        let Dropouts { items, session } = self.config.dropout;
        let x = items.apply(&self.embedding.rows(&batch.items), mode); // [P, D]
        let h = self.gru.forward(batch, &x); // eq. 1, [P, H]
        let last = h.index_select(0, &batch.last); // [B, H]
        let of_last = gather(&self.of_last.forward(&last), &batch.rows); // [P, H]
        let alpha = self.weigh.forward(&(of_last + self.of_each.forward(&h)).sigmoid()); // eq. 2, [P, 1]
        let alpha = match self.config.attention {
            Attention::Softmax => session_softmax(batch, &alpha),
            Attention::Raw => alpha,
        };
        let local = scatter_sum(&(alpha * h), &batch.rows, batch.size); // [B, H]
        let c = session.apply(&Tensor::cat(&[last, local], 1), mode); // eq. 3, [B, 2H]
        self.bilinear.forward(&c) // [B, D]
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::Dot { table: &self.embedding, items: self.items } // eq. 4
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tch::Tensor;

    use crate::batch::{Batch, tests::part};
    use crate::model::tests::given;
    use crate::nn::golden::assert_close;

    /// Scores of the items 1 and 2, embedded as 1 and -2, after the clicks 1, 2; width 1 throughout.
    fn scores(attention: &str) -> Tensor {
        let weights: [(&str, &[f32]); 9] = [
            ("embedding", &[0., 1., -2.]),
            ("gru.w_ih", &[0.5, -1., 2.]),
            ("gru.w_hh", &[1., 0.25, -0.5]),
            ("gru.b_ih", &[0., 0.1, 0.2]),
            ("gru.b_hh", &[0., 0., 0.3]),
            ("attention.a1.weight", &[1.5]),
            ("attention.a2.weight", &[-2.]),
            ("attention.v.weight", &[4.]),
            ("bilinear.weight", &[3., 7.]),
        ];
        let config = json!({ "dimension": 1, "embedding_dimension": 1, "attention": attention });
        let model = given("narm", &config, 2, &weights);
        model.scores(&Batch::gather(&part(&[&[(1, 1), (2, 1), (1, 1)]], 2, 1), &[0]))
    }

    /// The same by the equations; `scale` turns the two weights of the attention into those that are used.
    fn by_hand(scale: fn([f64; 2]) -> [f64; 2]) -> Tensor {
        let sig = |a: f64| 1.0 / (1.0 + (-a).exp());
        let step = |h: f64, x: f64| {
            let (r, z) = (sig(0.5 * x + h), sig(-x + 0.1 + 0.25 * h));
            let n = (2.0 * x + 0.2 + r * (-0.5 * h + 0.3)).tanh();
            (1.0 - z) * n + z * h
        };
        let h_1 = step(0.0, 1.0);
        let h_2 = step(h_1, -2.0);
        let alpha = scale([h_1, h_2].map(|h| 4.0 * sig(1.5 * h_2 - 2.0 * h)));
        let (global, local) = (h_2, alpha[0] * h_1 + alpha[1] * h_2);
        let s = 3.0 * global + 7.0 * local;
        Tensor::from_slice(&[s as f32, -2.0 * s as f32]).unsqueeze(0)
    }

    #[test]
    fn the_scores_of_a_session_of_two_clicks_by_hand() {
        let softmax = |a: [f64; 2]| a.map(|one| one.exp() / (a[0].exp() + a[1].exp()));
        assert_close(&scores("softmax"), &by_hand(softmax));
        assert_close(&scores("raw"), &by_hand(|a| a));
    }
}
