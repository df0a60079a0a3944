//! All weights of a model in one flat tensor and all gradients in another, so that one kernel clears or updates them.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::{Initializer, Written};
use crate::error::TrainerError;
use crate::native;

/// Each weight begins at a multiple of this many numbers, so that it is aligned as libtorch would align it.
const ALIGNMENT: i64 = 16;

/// The weights of a model and their gradients; the layers hold views of them.
#[derive(Debug)]
pub struct Parameters {
    named: Vec<(String, Tensor)>,
    values: Tensor,
    gradients: Tensor,
    /// Where each weight begins in the flat tensors.
    starts: Vec<i64>,
    /// Stretches (start, length) of the flat tensors that belong to no table.
    plain: Vec<(i64, i64)>,
    of_second_task: i64,
}

impl Parameters {
    /// Moves the weights that `initializer` made to `device`, into one flat tensor. Layers built from them follow.
    #[must_use]
    pub fn gather(initializer: Initializer, device: Device) -> Self {
        let Initializer { weights: mut named, tables, .. } = initializer;
        let total = named.iter().map(|(_, weight)| aligned(weight)).sum();
        let values = Tensor::zeros([total], (Kind::Float, device));
        let gradients = values.zeros_like();
        let (mut start, mut starts, mut plain) = (0, Vec::new(), Vec::<(i64, i64)>::new());
        for (place, (_, weight)) in named.iter_mut().enumerate() {
            let shape = weight.size();
            let length = weight.numel() as i64;
            let mut view = values.narrow(0, start, length).reshape(&shape);
            tch::no_grad(|| view.copy_(weight));
            weight.set_data(&view);
            native::set_gradient(weight, &gradients.narrow(0, start, length).reshape(&shape));
            starts.push(start);
            match plain.last_mut() {
                _ if tables.contains(&place) => {}
                Some((first, length)) if *first + *length == start => *length += aligned(weight),
                _ => plain.push((start, aligned(weight))),
            }
            start += aligned(weight);
        }
        Self { named, values, gradients, starts, plain, of_second_task: 0 }
    }

    /// The stretch of `flat`, a tensor as long as `values`, that belongs to the weight at `place`, in its shape.
    pub(super) fn part(&self, flat: &Tensor, place: usize) -> Tensor {
        let weight = &self.named[place].1;
        flat.narrow(0, self.starts[place], weight.numel() as i64).view_(weight.size())
    }

    /// Stretches (start, length) of the flat tensors that belong to no table.
    pub(super) fn plain(&self) -> &[(i64, i64)] {
        &self.plain
    }

    /// Each weight by name, in the order in which it was made.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.named.iter().map(|(name, weight)| (name.as_str(), weight))
    }

    /// All weights as one flat tensor.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// All gradients as one flat tensor.
    pub fn gradients(&self) -> &Tensor {
        &self.gradients
    }

    /// The same, where the weights called `names` are those that a second task knows.
    ///
    /// # Panics
    /// When they are not the first that the model made: a bug of the model.
    #[must_use]
    pub fn with_second_task(self, names: &[&str]) -> Self {
        let first = &self.named[..names.len()];
        assert!(first.iter().all(|(name, _)| names.contains(&name.as_str())), "{names:?} do not come first");
        Self { of_second_task: first.iter().map(|(_, weight)| aligned(weight)).sum(), ..self }
    }

    /// How many of the first numbers of the flat tensors belong to the second task; 0 where there is none.
    pub(super) fn of_second_task(&self) -> i64 {
        self.of_second_task
    }

    /// Sets every gradient to zero.
    pub fn clear_gradients(&self) {
        let _ = self.gradients.shallow_clone().zero_();
    }

    /// Sets every gradient to zero, but those of the rows that are `written` over anyway.
    pub(super) fn clear_gradients_but(&self, written: &[Written]) {
        let clear = |begin: i64, end: i64| drop(self.gradients.narrow(0, begin, end - begin).zero_());
        let mut spans: Vec<(i64, i64)> = written.iter().map(|written| self.span(*written)).collect();
        spans.sort_unstable();
        let mut cleared = 0;
        for (begin, end) in spans {
            clear(cleared, begin);
            cleared = end;
        }
        clear(cleared, self.gradients.numel() as i64);
    }

    /// Where the rows of a table begin and end in the flat tensors.
    fn span(&self, Written { place, rows }: Written) -> (i64, i64) {
        let width = self.named[place].1.size()[1];
        let begin = self.starts[place] + width;
        (begin, begin + rows * width)
    }

    /// Multiplies every gradient by `factor`.
    pub fn scale_gradients(&self, factor: f64) {
        let _ = self.gradients.shallow_clone().multiply_scalar_(factor);
    }

    /// Shortens the gradient of each weight by itself to the length `longest`, where it is longer.
    pub fn clip_each_gradient(&self, longest: f64) {
        for (_, weight) in &self.named {
            let mut gradient = weight.grad();
            // g * longest / max(longest, |g|), without a look at the device
            let _ = gradient.multiply_(&(gradient.norm().clamp_min(longest).reciprocal() * longest));
        }
    }

    /// How many numbers the model learns.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.named.iter().map(|(_, weight)| weight.numel() as i64).sum()
    }

    /// Copies of the weights by name.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        self.named.iter().map(|(name, weight)| (name.clone(), weight.detach().copy())).collect()
    }

    /// Takes back what `state` gave.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn restore(&self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        for (name, weight) in &self.named {
            let saved = state.get(name).filter(|saved| saved.size() == weight.size()).ok_or_else(|| {
                let message = format!("the saved model has no weight `{name}` of shape {:?}", weight.size());
                TrainerError::data(message, "evaluate with the dataset and config that the model was trained with")
            })?;
            tch::no_grad(|| weight.shallow_clone().copy_(saved));
        }
        Ok(())
    }
}

/// How many numbers of the flat tensors a weight takes up.
fn aligned(weight: &Tensor) -> i64 {
    (weight.numel() as i64 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Rule;

    #[test]
    fn only_a_gradient_that_is_too_long_is_shortened_and_each_by_itself() {
        let mut init = Initializer::new(1);
        let (long, short) = (init.weight("long", &[2], Rule::Zero), init.weight("short", &[2], Rule::Zero));
        let parameters = Parameters::gather(init, Device::Cpu);
        long.grad().copy_(&Tensor::from_slice(&[3f32, -4.]));
        short.grad().copy_(&Tensor::from_slice(&[0.5f32, 0.]));
        parameters.scale_gradients(2.0);
        parameters.clip_each_gradient(5.0);
        // Twice (3, -4) has length 10 and is halved again; twice (0.5, 0) has length 1.
        let numbers = |weight: &Tensor| Vec::<f32>::try_from(weight.grad()).expect("floats");
        assert_eq!((numbers(&long), numbers(&short)), (vec![3.0, -4.0], vec![1.0, 0.0]));
    }

    #[test]
    fn a_gradient_of_zero_stays_zero() {
        let mut init = Initializer::new(1);
        let weight = init.weight("w", &[2], Rule::Zero);
        Parameters::gather(init, Device::Cpu).clip_each_gradient(1.0);
        assert_eq!(Vec::<f32>::try_from(weight.grad()).expect("floats"), [0.0, 0.0]);
    }
}
