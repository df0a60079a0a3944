//! Draws initial weights on the host from a seed, so that they are the same on every device.

use std::collections::BTreeSet;

use tch::Tensor;

use crate::seed::Draw;

/// The distribution of a weight before training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Uniform between minus and plus this.
    Uniform(f64),
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// All zero.
    Zero,
    /// A stack of square blocks, each an orthogonal matrix, all such matrices being equally likely; for `[n d, d]`.
    Orthogonal,
}

impl Rule {
    /// Uniform within `sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, AISTATS 2010).
    #[must_use]
    pub fn glorot(fan_in: i64, fan_out: i64) -> Self {
        Self::Uniform((6.0 / (fan_in + fan_out) as f64).sqrt())
    }
}

/// Makes the weights of a model one after the other; the order decides the numbers.
#[derive(Debug)]
pub struct Initializer {
    /// Nothing for weights that stay zero.
    draw: Option<Draw>,
    pub(super) weights: Vec<(String, Tensor)>,
    /// Which of the weights are tables, by their place.
    pub(super) tables: BTreeSet<usize>,
}

impl Initializer {
    /// Starts to draw from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { draw: Some(Draw::weights(seed)), ..Self::blank() }
    }

    /// Draws nothing: weights are zero, until others are read into them.
    #[must_use]
    pub fn blank() -> Self {
        Self { draw: None, weights: Vec::new(), tables: BTreeSet::new() }
    }

    /// A weight called `name`, which needs a gradient.
    pub fn weight(&mut self, name: &str, shape: &[i64], rule: Rule) -> Tensor {
        self.add(name, shape, rule, 0)
    }

    /// A table `[rows + 1, d]` whose row 0, the padding, is zero; and its place among the weights.
    pub(super) fn table(&mut self, name: &str, rows: i64, d: i64, rule: Rule) -> (usize, Tensor) {
        let place = self.weights.len();
        self.tables.insert(place);
        (place, self.add(name, &[rows + 1, d], rule, usize::try_from(d).expect("a width")))
    }

    fn add(&mut self, name: &str, shape: &[i64], rule: Rule, zeros: usize) -> Tensor {
        let count = usize::try_from(shape.iter().product::<i64>()).expect("a shape has no negative size");
        let mut values = vec![0f32; count];
        if let Some(draw) = &mut self.draw {
            fill(&mut values[zeros..], draw, rule);
            if rule == Rule::Orthogonal {
                let width = usize::try_from(shape[shape.len() - 1]).expect("a width");
                values.chunks_mut(width * width).for_each(|block| orthogonalize(block, width));
            }
        }
        let weight = Tensor::from_slice(&values).reshape(shape).set_requires_grad(true);
        self.weights.push((name.to_owned(), weight.shallow_clone()));
        weight
    }
}

fn fill(values: &mut [f32], draw: &mut Draw, rule: Rule) {
    for value in values {
        *value = match rule {
            Rule::Uniform(bound) => draw.uniform(bound),
            Rule::Normal(deviation) => draw.normal(deviation),
            Rule::Zero => 0.0,
            Rule::Orthogonal => draw.normal(1.0),
        };
    }
}

/// Gram and Schmidt's method on the rows of a matrix of normal numbers `[rows, width]`, rows no more than `width`. It is
/// done in double precision, and each row twice, so that the rows are orthogonal to the last digit kept.
fn orthogonalize(block: &mut [f32], width: usize) {
    let mut done: Vec<Vec<f64>> = Vec::new();
    for row in block.chunks_mut(width) {
        let mut vector: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
        for earlier in done.iter().chain(&done) {
            let along = dot(&vector, earlier);
            vector.iter_mut().zip(earlier).for_each(|(value, other)| *value -= along * other);
        }
        let length = dot(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
        row.iter_mut().zip(&vector).for_each(|(value, &exact)| *value = exact as f32);
        done.push(vector);
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn each_block_of_an_orthogonal_weight_keeps_lengths_and_no_two_are_the_same() {
        let weight = Initializer::new(1).weight("w", &[3 * 20, 20], Rule::Orthogonal).detach();
        let eye = Tensor::eye(20, (Kind::Float, Device::Cpu));
        for block in 0..3 {
            let u = weight.narrow(0, 20 * block, 20);
            assert!(u.matmul(&u.tr()).allclose(&eye, 0.0, 1e-6, false), "{u}");
        }
        assert!(!weight.narrow(0, 0, 20).allclose(&weight.narrow(0, 20, 20), 0.0, 0.1, false));
    }
}
