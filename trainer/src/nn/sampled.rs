//! Losses of a batch whose targets are compared with each other and with drawn items (Hidasi and Karatzoglou, CIKM 2018).
//!
//! Scores are `[M, C]`: the first `M` columns are the targets of the `M` rows, the rest are drawn items that all rows
//! share. The diagonal is right, all else is wrong, even where a drawn item happens to be the target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

/// Keeps a logarithm from zero, as the authors have it.
const TINY: f64 = 1e-24;

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SampledLoss {
    /// Cross-entropy of the softmax over the columns.
    CrossEntropy(SampledCrossEntropy),
    /// BPR-max: the target against the wrong columns, each weighed by how well it scores.
    BprMax(BprMax),
}

/// Settings of the cross-entropy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SampledCrossEntropy {
    /// How much of the logarithm of a column's chance to be there is taken off its score, `logQ`; 0 for none.
    #[schemars(range(min = 0.0))]
    pub logq: f64,
}

impl Default for SampledCrossEntropy {
    fn default() -> Self {
        Self { logq: 1.0 }
    }
}

/// Settings of BPR-max.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BprMax {
    /// `alpha` of the exponential linear unit that scores pass through; 0 leaves them as they are.
    #[schemars(range(min = 0.0))]
    pub elu: f64,
    /// What the squares of the wrong scores count, `bpreg`.
    #[schemars(range(min = 0.0))]
    pub regularization: f64,
}

impl Default for BprMax {
    fn default() -> Self {
        Self { elu: 1.0, regularization: 0.9 }
    }
}

impl SampledLoss {
    /// The sum of the losses of the rows of `scores` `[M, C]`, a scalar. `log_frequency` `[C]` is, up to a constant, the
    /// logarithm of how often an item comes to stand in each column; only the correction reads it.
    pub fn sum(&self, scores: &Tensor, log_frequency: impl FnOnce() -> Tensor) -> Tensor {
        match *self {
            Self::CrossEntropy(SampledCrossEntropy { logq }) => {
                let log_p = if logq > 0.0 {
                    (scores - log_frequency() * logq).log_softmax(-1, None::<Kind>)
                } else {
                    scores.log_softmax(-1, None::<Kind>)
                };
                // -log(p + 1e-24) of the authors, for every p that a float tells from zero.
                -log_p.diagonal(0, 0, 1).sum(Kind::Float)
            }
            Self::BprMax(BprMax { elu, regularization }) => {
                let r = if elu > 0.0 {
                    scores.relu() + scores.clamp_max(0.0).expm1() * elu
                } else {
                    scores.shallow_clone()
                };
                // w_ij = softmax over j != i of r_ij; the gradient flows through it.
                let right = Tensor::eye_m(scores.size()[0], scores.size()[1], (Kind::Bool, scores.device()));
                let w = r.masked_fill(&right, f64::NEG_INFINITY).softmax(-1, None::<Kind>);
                let target = r.diagonal(0, 0, 1).unsqueeze(1); // [M, 1]
                let over = |x: &Tensor| (&w * x).sum_dim_intlist(-1, false, Kind::Float); // [M]
                let ahead = (over(&(target - &r).sigmoid()) + TINY).log();
                (over(&r.square()) * regularization - ahead).sum(Kind::Float)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::golden::{golden, tensor};

    #[test]
    fn losses_of_three_rows_are_those_of_the_authors() {
        let Some(golden) = golden("gru4rec_losses") else { return };
        let scores = tensor(&golden["R"]);
        let items: Vec<i64> = serde_json::from_value(golden["targets_then_extra"].clone()).expect("items");
        let log_count = tensor(&golden["P0_counts"]).log().index_select(0, &Tensor::from_slice(&items));
        let alpha = golden["sample_alpha"].as_f64().expect("a number");
        let log_frequency = Tensor::cat(&[log_count.narrow(0, 0, 3), log_count.narrow(0, 3, 2) * alpha], 0);
        let bpr_max = |elu, regularization| SampledLoss::BprMax(BprMax { elu, regularization });
        let cross_entropy = |logq| SampledLoss::CrossEntropy(SampledCrossEntropy { logq });
        for (name, loss) in [
            ("ce_logq0", cross_entropy(0.0)),
            ("ce_logq1", cross_entropy(1.0)),
            ("bprmax_elu0_bpreg0", bpr_max(0.0, 0.0)),
            ("bprmax_elu0.5_bpreg1", bpr_max(0.5, 1.0)),
            ("bprmax_elu1_bpreg0.9", bpr_max(1.0, 0.9)),
        ] {
            let expected = golden["values_summed_over_rows_before_dividing_by_batch"][name].as_f64().expect("a number");
            let found = loss.sum(&scores, || log_frequency.shallow_clone()).double_value(&[]);
            assert!((found - expected).abs() < 1e-5, "{name}: {found}, not {expected}");
        }
    }
}
