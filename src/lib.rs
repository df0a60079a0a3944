//! `sr-pipe`: the experiments of session-based recommendation papers, from raw logs to the printed table.
//!
//! The modules stand in floor order: each may use only those above it in this list.
//! `tests/it/floors.rs` holds that rule.

pub mod hash;
pub mod unit;
pub mod diagnostic;
pub mod project;
pub mod document;
pub mod process;
pub mod artifact;
pub mod record;
pub mod engine;
pub mod data;
pub mod ingest;
pub mod synth;
pub mod metric;
pub mod projection;
pub mod stage;
pub mod pipeline;
pub mod experiment;
pub mod report;
pub mod cli;
