//! Tests of the trainer from outside: what every model must do, and the contract that `sr-pipe` relies on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

mod chance;
mod conformance;
mod contract;
mod dataset;
mod embedding;
mod knowledge;
mod learning;
mod parameters;
mod process;
mod profile;
mod restart;
mod safetensors;
mod score;
