//! The trainer of `sr-pipe`: models, losses, batches, training and scoring on libtorch.
//!
//! It speaks the contract of `docs/contract.md`. Floors, ground first: a module uses only those above it in this list.

pub mod error;
pub mod event;
pub mod seed;
pub mod dataset;
pub mod batch;
pub mod native;
pub mod nn;
pub mod model;
pub mod device;
pub mod job;
pub mod describe;
pub mod evaluate;
pub mod train;
