//! Adam over the flat parameters of a model, in one pass over memory.

use tch::{Kind, Tensor};

use super::{Parameters, Written};
use crate::native::{AdamState, fused_adam};

/// The moments of Adam and the number of its steps.
///
/// A model with a second task has steps of that task alone, which move only the parameters that the task knows, as
/// PyTorch leaves alone what has no gradient. These parameters count their steps by themselves.
#[derive(Debug)]
pub struct Adam {
    /// Running mean of the gradients, flat.
    pub first: Tensor,
    /// Running mean of their squares, flat.
    pub second: Tensor,
    /// How many steps were taken, `[2]` floats: of the second task's parameters, and of the others.
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
            steps: Tensor::zeros([2], (Kind::Float, values.device())),
        }
    }

    /// Moves the parameters against their gradients and leaves the gradients zero for the next step, but for those that
    /// are `rewritten` by it. `weight_decay` is L2: it is added to the gradient of every parameter, whether the batch
    /// touched it or not.
    pub fn step(&mut self, parameters: &Parameters, rate: f64, weight_decay: f64, rewritten: &[Written]) {
        let (total, beginning) = (parameters.values().size()[0], parameters.of_second_task());
        self.update(parameters, 0, (0, beginning), rate, weight_decay);
        self.update(parameters, 1, (beginning, total - beginning), rate, weight_decay);
        parameters.clear_gradients_but(rewritten);
    }

    /// The same for the parameters of the second task alone.
    pub fn step_of_second_task(&mut self, parameters: &Parameters, rate: f64, weight_decay: f64) {
        let span = (0, parameters.of_second_task());
        self.update(parameters, 0, span, rate, weight_decay);
        let _ = parameters.gradients().narrow(0, span.0, span.1).zero_();
    }

    fn update(&mut self, parameters: &Parameters, counter: i64, span: (i64, i64), rate: f64, weight_decay: f64) {
        let (start, length) = span;
        if length == 0 {
            return;
        }
        let part = |flat: &Tensor| flat.narrow(0, start, length);
        let (values, gradients) = (part(parameters.values()), part(parameters.gradients()));
        let (first, second, mut steps) = (part(&self.first), part(&self.second), self.steps.get(counter));
        steps += 1;
        let state = AdamState { values: &values, gradients: &gradients, first: &first, second: &second, steps: &steps };
        fused_adam(&state, rate, weight_decay);
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
        Adam::new(&parameters).step(&parameters, 0.1, 0.01, &[]);
        let expected = Tensor::from_slice(&[0.9f32, -1.9, 2.9]);
        assert!(weight.detach().allclose(&expected, 1e-5, 1e-5, false), "{weight}");
        assert_eq!(f64::try_from(parameters.gradients().abs().sum(Kind::Float)).expect("a number"), 0.0);
    }

    #[test]
    fn a_step_of_the_second_task_leaves_the_other_parameters_and_their_count_of_steps_alone() {
        let mut init = Initializer::new(1);
        let (shared, own) = (init.weight("shared", &[2], Rule::Zero), init.weight("own", &[2], Rule::Zero));
        let parameters = Parameters::gather(init, tch::Device::Cpu).with_second_task(&["shared"]);
        let _ = parameters.values().shallow_clone().fill_(1.0);
        let mut adam = Adam::new(&parameters);
        for _ in 0..5 {
            let _ = shared.grad().fill_(1.0);
            adam.step_of_second_task(&parameters, 0.1, 0.01);
        }
        let is = |weight: &Tensor, value: f64| f64::try_from((weight - value).abs().max()).expect("a number") < 1e-3;
        // Five steps of a constant gradient are about five times the rate; the other weight neither learns nor decays.
        assert!(is(&shared, 0.5) && is(&own, 1.0), "{shared} {own}");
        // Its first own step is a first step: by the rate, however many steps the second task has taken.
        let _ = own.grad().fill_(-3.0);
        adam.step(&parameters, 0.1, 0.0, &[]);
        assert!(is(&own, 1.1), "{own}");
    }
}
