//! Adam over the flat parameters of a model, in one pass over memory.

use tch::{Kind, Tensor};

use super::Parameters;
use crate::native::{AdamState, fused_adam};

/// The moments of Adam and the number of its steps.
#[derive(Debug)]
pub struct Adam {
    /// Running mean of the gradients, flat.
    pub first: Tensor,
    /// Running mean of their squares, flat.
    pub second: Tensor,
    /// How many steps were taken, a float scalar.
    pub steps: Tensor,
}

impl Adam {
    /// No step taken yet.
    #[must_use]
    pub fn new(parameters: &Parameters) -> Self {
        let values = parameters.values();
        Self {
            first: values.zeros_like(),
            second: values.zeros_like(),
            steps: Tensor::zeros([], (Kind::Float, values.device())),
        }
    }

    /// Moves the parameters against their gradients and leaves the gradients zero for the next step. `weight_decay` is
    /// L2: it is added to the gradient of every parameter, whether the batch touched it or not.
    pub fn step(&mut self, parameters: &Parameters, rate: f64, weight_decay: f64) {
        self.steps += 1;
        let Self { first, second, steps } = self;
        let (values, gradients) = (parameters.values(), parameters.gradients());
        fused_adam(&AdamState { values, gradients, first, second, steps }, rate, weight_decay);
        parameters.clear_gradients();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Initializer, Rule};

    #[test]
    fn the_first_step_moves_each_parameter_by_the_rate_against_its_gradient() {
        // With g' = g + l2 * theta, m / sqrt(v) = sign(g') after the bias correction.
        let mut init = Initializer::new(1);
        let weight = init.weight("w", &[3], Rule::Zero);
        let parameters = Parameters::gather(init, tch::Device::Cpu);
        tch::no_grad(|| weight.shallow_clone().copy_(&Tensor::from_slice(&[1f32, -2., 3.])));
        weight.grad().copy_(&Tensor::from_slice(&[0.5f32, -0.25, 0.0]));
        Adam::new(&parameters).step(&parameters, 0.1, 0.01);
        let expected = Tensor::from_slice(&[0.9f32, -1.9, 2.9]);
        assert!(weight.detach().allclose(&expected, 1e-5, 1e-5, false), "{weight}");
        assert_eq!(f64::try_from(parameters.gradients().abs().sum(Kind::Float)).expect("a number"), 0.0);
    }
}
