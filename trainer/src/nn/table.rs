//! Embedding tables: row 0 is the padding, zero and never looked up.

use tch::Tensor;

use super::{Initializer, Rows, Rule, Written};
use crate::native::{self, Learned};

/// An embedding table `[rows + 1, d]`.
#[derive(Debug)]
pub struct Table {
    /// Its place among the weights of the model.
    place: usize,
    weight: Tensor,
}

impl Table {
    /// A table for the ids `1..=rows`.
    pub fn new(init: &mut Initializer, name: &str, rows: i64, d: i64, rule: Rule) -> Self {
        let (place, weight) = init.table(name, rows, d, rule);
        Self { place, weight }
    }

    /// The rows of `ids` `[n]`, `[n, d]`. Costs nothing per row that is not looked up, in either direction.
    pub fn rows(&self, ids: &Tensor) -> Tensor {
        native::lookup(&self.weight, ids)
    }

    /// Rows 1 to `count` as a view `[count, d]`, outside autograd.
    pub fn first(&self, count: i64) -> Tensor {
        self.weight.detach().narrow(0, 1, count)
    }

    /// The gradient of rows 1 to `count` as a view `[count, d]`.
    pub fn first_gradient(&self, count: i64) -> Tensor {
        self.weight.grad().narrow(0, 1, count)
    }

    /// Both as views, outside autograd.
    pub(super) fn learned(&self, count: i64) -> Learned {
        Learned { values: self.first(count), gradient: self.first_gradient(count) }
    }

    /// Rows 1 to `count` of this table, as those whose gradient is written anew in each step.
    pub(super) fn written(&self, count: i64) -> Written {
        Written { place: self.place, rows: count }
    }

    /// The rows `ids` `[n]` of this table, repeats allowed, as those that have a gradient after a step.
    pub fn touched(&self, ids: &Tensor) -> Rows {
        Rows { place: self.place, ids: ids.shallow_clone() }
    }
}
