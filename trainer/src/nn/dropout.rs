//! Dropout (Srivastava et al., JMLR 2014), inverted: what is left is scaled up while training, so that scoring needs nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::model::Mode;

/// The share of numbers that is set to zero while training, from 0 to 1, 1 excluded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
pub struct Dropout(f64);

impl Dropout {
    /// `share` of the numbers.
    ///
    /// # Panics
    /// When it is no share: a bug of the caller.
    #[must_use]
    pub const fn of(share: f64) -> Self {
        assert!(share >= 0.0 && share < 1.0, "a share is at least 0 and below 1");
        Self(share)
    }

    /// `x` of any shape; under `Mode::Train` each number is zero with the chance of the share, else divided by what is
    /// left of 1. Which ones are zero is drawn by libtorch's generator.
    pub fn apply(self, x: &Tensor, mode: Mode) -> Tensor {
        x.dropout(self.0, mode == Mode::Train)
    }
}

impl TryFrom<f64> for Dropout {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        if (0.0..1.0).contains(&share) { Ok(Self(share)) } else { Err(format!("dropout of {share} is not in [0, 1)")) }
    }
}

impl From<Dropout> for f64 {
    fn from(dropout: Dropout) -> Self {
        dropout.0
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn a_quarter_is_dropped_the_rest_is_scaled_and_scoring_changes_nothing() {
        tch::manual_seed(1);
        let x = Tensor::ones([100_000], (Kind::Float, Device::Cpu));
        let dropout = Dropout::of(0.25);
        assert!(dropout.apply(&x, Mode::Score).equal(&x));
        let dropped = Vec::<f32>::try_from(dropout.apply(&x, Mode::Train)).expect("floats");
        assert!(dropped.iter().all(|&number| number == 0.0 || number == 1.0 / 0.75));
        let zeros = dropped.iter().filter(|&&number| number == 0.0).count();
        // The standard deviation of the count is sqrt(100,000 / 4 * 3 / 4) = 137.
        assert!(zeros.abs_diff(25_000) < 5 * 137, "{zeros}");
    }

    #[test]
    fn a_share_of_one_or_more_or_below_zero_is_refused() {
        for wrong in ["1.0", "-0.1", "7"] {
            let error = serde_json::from_str::<Dropout>(wrong).expect_err("no share");
            assert!(error.to_string().contains("not in [0, 1)"), "{error}");
        }
        assert_eq!(serde_json::from_str::<Dropout>("0.5").expect("a share"), Dropout::of(0.5));
    }
}
