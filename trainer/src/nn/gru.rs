//! The gated recurrent unit (Cho et al., EMNLP 2014) in libtorch's form, over packed sessions: our own kernel on the host,
//! that of libtorch on a GPU.

use tch::Tensor;

use super::{Initializer, Rule};
use crate::batch::Batch;
use crate::native;

/// `r, z = sig(x W + h U + b)`, `n = tanh(x W + b + r * (h U + b))`, `h' = (1 - z) n + z h`, from `h = 0`.
#[derive(Debug)]
pub struct Gru {
    d: i64,
    weights: [Tensor; 4],
}

/// How the weights of a unit are drawn.
#[derive(Debug, Clone, Copy)]
pub struct GruRules {
    /// `W`, from the input, `[3 d, input]`.
    pub input: Rule,
    /// `U`, from the state, `[3 d, d]`.
    pub state: Rule,
    /// Both biases `b`, `[3 d]`.
    pub bias: Rule,
}

impl Gru {
    /// A unit of width `d` over inputs of width `input`.
    pub fn new(init: &mut Initializer, name: &str, input: i64, d: i64, rule: Rule) -> Self {
        Self::with_rules(init, name, input, d, GruRules { input: rule, state: rule, bias: rule })
    }

    /// A unit of width `d` over inputs of width `input` whose weights are drawn each in their own way.
    pub fn with_rules(init: &mut Initializer, name: &str, input: i64, d: i64, rules: GruRules) -> Self {
        let mut weight = |part: &str, shape: &[i64], rule| init.weight(&format!("{name}.{part}"), shape, rule);
        let weights = [
            weight("w_ih", &[3 * d, input], rules.input),
            weight("w_hh", &[3 * d, d], rules.state),
            weight("b_ih", &[3 * d], rules.bias),
            weight("b_hh", &[3 * d], rules.bias),
        ];
        Self { d, weights }
    }

    /// The state after each position: `x` `[P, input]` to `[P, d]`.
    pub fn forward(&self, batch: &Batch, x: &Tensor) -> Tensor {
        if native::serve(x) {
            return native::gru(x, &batch.step_sizes, &self.weights);
        }
        self.by_libtorch(batch, x)
    }

    fn by_libtorch(&self, batch: &Batch, x: &Tensor) -> Tensor {
        let start = Tensor::zeros([1, batch.size, self.d], (x.kind(), x.device()));
        let (states, _) = Tensor::gru_data(x, &batch.step_sizes, &start, &self.weights, true, 1, 0.0, true, false);
        states
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::batch::tests::part;
    use crate::nn::golden::{assert_close, golden, tensor};

    #[test]
    fn one_cell_gives_the_numbers_of_libtorch() {
        let Some(golden) = golden("gru_cell_libtorch") else { return };
        let parameter = |name: &str| tensor(&golden["params"][name]);
        let [w_ih, w_hh, b_ih, b_hh] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(parameter);
        let h = tensor(&golden["x"]).gru_cell(&tensor(&golden["h"]), &w_ih, &w_hh, Some(&b_ih), Some(&b_hh));
        assert_close(&h, &tensor(&golden["h_new"]));
    }

    #[test]
    fn a_packed_session_gives_the_states_of_its_cells_one_after_the_other() {
        let gru = Gru::new(&mut Initializer::new(1), "gru", 2, 3, Rule::Uniform(0.5));
        let part = part(&[&[(1, 1), (9, 1)], &[(1, 1), (2, 1), (3, 1), (9, 1)]], 9, 1);
        let batch = Batch::gather(&part, &[0, 1]);
        let x = Tensor::from_slice(&[0.1f32, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7, -0.8]).reshape([4, 2]);
        let states = gru.forward(&batch, &x);
        let [w_ih, w_hh, b_ih, b_hh] = &gru.weights;
        let mut h = Tensor::zeros([1, 3], (x.kind(), x.device()));
        // Row 1 is the longer session, so it stands first in each step: positions 0, 2 and 3.
        for position in [0, 2, 3] {
            h = x.narrow(0, position, 1).gru_cell(&h, w_ih, w_hh, Some(b_ih), Some(b_hh));
            assert_close(&states.narrow(0, position, 1), &h.detach());
        }
    }

    /// A unit of `width` over inputs of width 5, a batch of sessions of 1, 4, 4, 9 and 2 events, and inputs for it, all
    /// of `kind` and with gradients.
    fn unit(width: i64, kind: Kind) -> (Gru, Batch, Tensor) {
        let mut gru = Gru::new(&mut Initializer::new(3), "gru", 5, width, Rule::Uniform(0.7));
        gru.weights = gru.weights.map(|weight| weight.detach().to_kind(kind).set_requires_grad(true));
        let session = |events: i32| (1..=events + 1).map(|item| (item, 1)).collect::<Vec<_>>();
        let sessions = [1, 4, 4, 9, 2].map(session);
        let part = part(&sessions.each_ref().map(Vec::as_slice), 10, 1);
        let batch = Batch::gather(&part, &[0, 1, 2, 3, 4]);
        tch::manual_seed(5);
        let x = Tensor::randn([batch.positions(), 5], (kind, Device::Cpu)).set_requires_grad(true);
        (gru, batch, x)
    }

    #[test]
    fn our_kernel_and_its_gradient_agree_with_libtorch() {
        // 17 is one more than the widest register has floats, 3 less than any has.
        for width in [3, 17] {
            let (gru, batch, x) = unit(width, Kind::Float);
            let outer = Tensor::randn([batch.positions(), width], (Kind::Float, Device::Cpu));
            let run = |states: Tensor| {
                let wanted: Vec<&Tensor> = std::iter::once(&x).chain(&gru.weights).collect();
                let gradients = Tensor::run_backward(&[(&states * &outer).sum(Kind::Float)], &wanted, false, false);
                std::iter::once(states.detach()).chain(gradients).collect::<Vec<_>>()
            };
            let (ours, theirs) = (run(gru.forward(&batch, &x)), run(gru.by_libtorch(&batch, &x)));
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert_close(ours, theirs);
            }
        }
    }

    #[test]
    fn the_gradient_of_our_kernel_is_that_of_finite_differences_in_double_precision() {
        let (gru, batch, x) = unit(3, Kind::Double);
        let outer = Tensor::randn([batch.positions(), 3], (Kind::Double, Device::Cpu));
        let loss = || (gru.forward(&batch, &x) * &outer).sum(Kind::Double);
        let wanted: Vec<&Tensor> = std::iter::once(&x).chain(&gru.weights).collect();
        let gradients = Tensor::run_backward(&[loss()], &wanted, false, false);
        for (place, gradient) in wanted.iter().zip(gradients) {
            let direction = Tensor::randn_like(place);
            let step = |by: f64| {
                tch::no_grad(|| {
                    let _ = place.shallow_clone().g_add_(&(&direction * by));
                    loss().double_value(&[])
                })
            };
            let h = 1e-5;
            let (up, down) = (step(h), step(-2.0 * h));
            step(h);
            let (expected, found) =
                ((up - down) / (2.0 * h), (&gradient * &direction).sum(Kind::Double).double_value(&[]));
            assert!((expected - found).abs() < 1e-7 * expected.abs().max(1.0), "{found}, not {expected}");
        }
    }

    #[test]
    fn large_inputs_saturate_and_do_not_overflow() {
        let (gru, batch, x) = unit(17, Kind::Float);
        let states = gru.forward(&batch, &(x.detach() * 1e6));
        assert!(f64::try_from(states.abs().max()).expect("a number") <= 1.0);
        assert_close(&states.detach(), &gru.by_libtorch(&batch, &(x.detach() * 1e6)).detach());
    }
}
