//! The trainer of `sr-pipe`: models, losses, batches, training and scoring on libtorch.
//!
//! It speaks the contract of `docs/contract.md`. The modules stand in four floors, ground first: each may use those of
//! its own floor and of the floors above it in this list.

pub mod error;
pub mod native;
pub mod popularity;
pub mod seed;

pub mod batch;
pub mod dataset;
pub mod event;
pub mod lanes;
pub mod vectors;

pub mod count;
pub mod model;
pub mod nn;

pub mod describe;
pub mod device;
pub mod embed;
pub mod evaluate;
pub mod job;
pub mod profile;
pub mod score;
pub mod shape;
pub mod train;
