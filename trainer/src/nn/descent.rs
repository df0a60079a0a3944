//! Descent on the rows that a step touched: plain, or with Adagrad's rates and momentum as the authors of GRU4Rec have it.
//!
//! A row that a step did not touch stays as it is: it neither coasts on its momentum nor decays, and costs nothing.

use tch::Tensor;

use super::{Parameters, Touched};
use crate::native::{self, DescentState};

/// Added to the sum of squares before its root is taken, as in the authors' code; libtorch's own Adagrad adds it after.
const EPSILON: f64 = 1e-6;

/// `acc += g^2`, `v = mu v - rate g / sqrt(acc + epsilon)`, `theta += v` (Adagrad), or `theta -= rate g` (plain).
#[derive(Debug)]
pub struct Descent {
    /// Sums of squared gradients, flat, from 0; none for plain descent.
    squares: Option<Tensor>,
    /// The last moves, flat, from 0; none without momentum.
    velocity: Option<Tensor>,
    momentum: f64,
}

impl Descent {
    /// Plain descent.
    #[must_use]
    pub fn plain() -> Self {
        Self { squares: None, velocity: None, momentum: 0.0 }
    }

    /// Adagrad with `momentum`, before its first step.
    #[must_use]
    pub fn adagrad(parameters: &Parameters, momentum: f64) -> Self {
        let zeros = || parameters.values().zeros_like();
        Self { squares: Some(zeros()), velocity: (momentum > 0.0).then(zeros), momentum }
    }

    /// Moves what `touched` names, and leaves the gradients of it zero. `weight_decay` times the parameter is added to
    /// the gradient of each parameter that is moved.
    pub fn step(&mut self, parameters: &Parameters, touched: &Touched, rate: f64, weight_decay: f64) {
        let device = parameters.values().device();
        // A stretch is a table of one row.
        let whole = Tensor::from_slice(&[0i64]).to_device(device);
        let stretch = |start: i64, length: i64| {
            let part = |flat: &Tensor| flat.narrow(0, start, length).view_([1, length]);
            self.descend(parameters, part, &whole, rate, weight_decay);
        };
        match touched {
            Touched::All(_) => stretch(0, parameters.values().numel() as i64),
            Touched::SecondTask => stretch(0, parameters.of_second_task()),
            Touched::Rows(tables) => {
                for &(start, length) in parameters.plain() {
                    stretch(start, length);
                }
                for rows in tables {
                    let part = |flat: &Tensor| parameters.part(flat, rows.place);
                    self.descend(parameters, part, &rows.ids, rate, weight_decay);
                }
            }
        }
    }

    /// Moves the rows `ids` of the part that `part` cuts out of a flat tensor.
    fn descend(
        &self,
        parameters: &Parameters,
        part: impl Fn(&Tensor) -> Tensor,
        ids: &Tensor,
        rate: f64,
        weight_decay: f64,
    ) {
        let state = DescentState {
            values: part(parameters.values()),
            gradients: part(parameters.gradients()),
            squares: self.squares.as_ref().map(&part),
            velocity: self.velocity.as_ref().map(&part),
            ids,
        };
        if native::serve(ids) {
            native::descend(&state, rate, self.momentum, EPSILON, weight_decay);
        } else {
            self.descend_by_tensors(&state, rate, weight_decay);
        }
    }

    /// The same by operations of libtorch. Each repeat of a row is given the same numbers, so the order of writing is
    /// of no account.
    fn descend_by_tensors(&self, state: &DescentState<'_>, rate: f64, weight_decay: f64) {
        tch::no_grad(|| {
            let rows = |of: &Tensor| of.index_select(0, state.ids);
            let put = |of: &Tensor, rows: &Tensor| {
                let _ = of.shallow_clone().index_copy_(0, state.ids, rows);
            };
            let value = rows(&state.values);
            let mut change = rows(&state.gradients) + &value * weight_decay;
            if let Some(squares) = &state.squares {
                let sum = rows(squares) + change.square();
                put(squares, &sum);
                change /= (sum + EPSILON).sqrt();
            }
            change *= -rate;
            if let Some(velocity) = &state.velocity {
                change += rows(velocity) * self.momentum;
                put(velocity, &change);
            }
            put(&state.values, &(value + change));
            let _ = state.gradients.shallow_clone().index_fill_(0, state.ids, 0.0);
        });
    }

    /// What it remembers, by name.
    pub(super) fn state(&self) -> Vec<(&'static str, &Tensor)> {
        let squares = self.squares.as_ref().map(|squares| ("adagrad/squares", squares));
        let velocity = self.velocity.as_ref().map(|velocity| ("adagrad/velocity", velocity));
        squares.into_iter().chain(velocity).collect()
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::nn::golden::{assert_close, golden, tensor};
    use crate::nn::{Initializer, Rule, Table};

    /// A table of three rows of width 2 and a plain weight of one number, all 1 but for the padding.
    fn parameters() -> (Table, Tensor, Parameters) {
        let mut init = Initializer::new(1);
        let (table, plain) = (Table::new(&mut init, "t", 3, 2, Rule::Zero), init.weight("p", &[1], Rule::Zero));
        let parameters = Parameters::gather(init, Device::Cpu);
        let _ = parameters.values().shallow_clone().fill_(1.0);
        (table, plain, parameters)
    }

    fn flat(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(tensor.detach().flatten(0, -1)).expect("floats")
    }

    #[test]
    fn three_steps_of_adagrad_with_momentum_give_the_numbers_of_the_authors() {
        let Some(golden) = golden("adagrad_momentum") else { return };
        let number = |name: &str| golden[name].as_f64().expect("a number");
        for by_tensors in [false, true] {
            let values = tensor(&golden["theta0"]).unsqueeze(0);
            let (squares, velocity) = (values.zeros_like(), values.zeros_like());
            let descent = Descent { squares: None, velocity: None, momentum: number("momentum") };
            let steps = golden["grads"].as_array().expect("a list");
            for (gradient, expected) in steps.iter().zip(golden["theta_after_each_step"].as_array().expect("a list")) {
                let state = DescentState {
                    values: values.shallow_clone(),
                    gradients: tensor(gradient).unsqueeze(0),
                    squares: Some(squares.shallow_clone()),
                    velocity: Some(velocity.shallow_clone()),
                    ids: &Tensor::from_slice(&[0i64]),
                };
                if by_tensors {
                    descent.descend_by_tensors(&state, number("lr"), 0.0);
                } else {
                    native::descend(&state, number("lr"), descent.momentum, EPSILON, 0.0);
                }
                assert_close(&values, &tensor(expected).unsqueeze(0));
                assert_eq!(flat(&state.gradients), [0.0, 0.0]);
            }
        }
    }

    #[test]
    fn a_row_that_a_step_does_not_touch_neither_coasts_nor_decays() {
        let (table, plain, parameters) = parameters();
        let mut descent = Descent::adagrad(&parameters, 0.5);
        let mut step = |ids: &[i64], gradient: f64| {
            let ids = Tensor::from_slice(ids);
            let rows = table.rows(&ids);
            (rows.sum(tch::Kind::Float) * gradient + plain.sum(tch::Kind::Float) * gradient).backward();
            descent.step(&parameters, &Touched::Rows(vec![table.touched(&ids)]), 0.1, 0.0);
            (flat(&table.first(3)), flat(&plain)[0])
        };
        // The first step of Adagrad is the rate against the sign; row 2 is looked up twice and moves once.
        let (rows, other) = step(&[2, 2], 1.0);
        assert_near(&rows, &[1.0, 1.0, 0.9, 0.9, 1.0, 1.0]);
        assert_near(&[other], &[0.9]);
        // Row 2 rests though it has momentum; the plain weight has a second gradient: 0.5 * -0.1 - 0.1 / sqrt(2).
        let (rows, other) = step(&[3], 1.0);
        assert_near(&rows, &[1.0, 1.0, 0.9, 0.9, 0.9, 0.9]);
        assert_near(&[other], &[0.9 - 0.05 - 0.1 / 2f32.sqrt()]);
        // Without a gradient a touched row coasts, each repeat of its id or not.
        let (rows, _) = step(&[2, 2, 3], 0.0);
        assert_near(&rows, &[1.0, 1.0, 0.85, 0.85, 0.85, 0.85]);
        assert!(parameters.gradients().abs().max().double_value(&[]) == 0.0, "a gradient is left");
    }

    #[test]
    fn plain_descent_adds_the_gradients_of_a_row_and_decays_it_once() {
        let (table, _, parameters) = parameters();
        let ids = Tensor::from_slice(&[1i64, 3, 1]);
        for native in [true, false] {
            let _ = parameters.values().shallow_clone().fill_(1.0);
            table.rows(&ids).sum(tch::Kind::Float).backward();
            let mut descent = Descent::plain();
            if native {
                descent.step(&parameters, &Touched::Rows(vec![table.touched(&ids)]), 0.1, 0.5);
            } else {
                let state = DescentState {
                    values: parameters.part(parameters.values(), 0),
                    gradients: parameters.part(parameters.gradients(), 0),
                    squares: None,
                    velocity: None,
                    ids: &ids,
                };
                descent.descend_by_tensors(&state, 0.1, 0.5);
            }
            // Row 1: 1 - 0.1 (2 + 0.5); row 3: 1 - 0.1 (1 + 0.5).
            assert_near(&flat(&table.first(3)), &[0.75, 0.75, 1.0, 1.0, 0.85, 0.85]);
            assert!(table.first_gradient(3).abs().max().double_value(&[]) == 0.0, "a gradient is left");
        }
    }

    fn assert_near(found: &[f32], expected: &[f32]) {
        let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5);
        assert!(near && found.len() == expected.len(), "{found:?}, not {expected:?}");
    }
}
