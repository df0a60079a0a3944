//! The affine map.

use tch::Tensor;

use super::{Initializer, Rule};

/// `y = x W^T + b`.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// A map from `input` to `output` numbers, with a bias.
    pub fn new(init: &mut Initializer, name: &str, input: i64, output: i64, rule: Rule) -> Self {
        let weight = init.weight(&format!("{name}.weight"), &[output, input], rule);
        Self { weight, bias: Some(init.weight(&format!("{name}.bias"), &[output], rule)) }
    }

    /// A map from `input` to `output` numbers, without a bias.
    pub fn without_bias(init: &mut Initializer, name: &str, input: i64, output: i64, rule: Rule) -> Self {
        Self { weight: init.weight(&format!("{name}.weight"), &[output, input], rule), bias: None }
    }

    /// `[n, input]` to `[n, output]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.linear(&self.weight, self.bias.as_ref())
    }

    /// `W`, `[output, input]`.
    pub(super) fn weight(&self) -> &Tensor {
        &self.weight
    }
}
