//! What a model by gradient learns from sessions, and in which order it sees them.

use tch::Tensor;

use crate::batch::Batch;
use crate::lanes::LaneStep;
use crate::nn::Touched;

/// What is minimised over the training part.
pub enum Objective<'a> {
    /// Cross-entropy of the softmax over the whole catalog, on the samples in shuffled batches.
    Catalog,
    /// The target of each sample against drawn items, on the same batches.
    Pairs(&'a dyn PairTask),
    /// The next event of each session against drawn items, on sessions side by side, an event a step. It needs no
    /// samples: each event but the first of a session is a target once an epoch.
    Lanes(&'a dyn LaneTask),
}

/// Learning to score the target of a sample above items that are drawn from all others alike.
pub trait PairTask {
    /// Items drawn for each sample, `n`.
    fn negatives(&self) -> usize;
    /// The loss of all pairs together, a scalar; `negatives` are items `[B, n]`, none the target of its row.
    fn loss(&self, batch: &Batch, negatives: &Tensor) -> Tensor;
    /// The parameters to which `loss` gives a gradient.
    fn touched(&self, batch: &Batch, negatives: &Tensor) -> Touched;
}

/// Learning from sessions side by side; the state of a session is carried from step to step, its gradient is not.
pub trait LaneTask {
    /// The items that are drawn at each step for all lanes.
    fn drawn(&self) -> Drawn;
    /// Width `d` of a session's state.
    fn width(&self) -> i64;
    /// The loss of the `M` lanes together, a scalar, and the states `[M, d]` after the step, from the `states` before it.
    /// `log_counts` `[V + 1]` holds the logarithm of each item's number of events in the training part.
    fn step(&self, step: &LaneStep, states: &Tensor, log_counts: &Tensor) -> (Tensor, Tensor);
    /// The parameters to which the loss of `step` gives a gradient.
    fn touched(&self, step: &LaneStep) -> Touched;
}

/// How many items are drawn at a step, and how: item `j`, which has `c_j` training events, in proportion to `c_j^alpha`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// How many.
    pub count: usize,
    /// `alpha`; 0 for all items of the training part alike, 1 for by popularity.
    pub alpha: f64,
}
