//! Tests of the trainer from outside: what every model must do, and the contract that `sr-pipe` relies on.

mod conformance;
mod contract;
mod dataset;
mod process;
mod restart;
mod safetensors;
