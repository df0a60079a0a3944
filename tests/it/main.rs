//! The integration tests of `sr-pipe`: one binary, one module a subject.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod audits;
mod breakdowns;
mod cache;
mod cachekeep;
mod chain;
mod checking;
mod contract;
mod data;
mod errors;
mod faults;
mod figures;
mod floors;
mod formats;
mod grids;
mod knowledge;
mod maps;
mod pages;
mod planning;
mod promises;
mod readable;
mod records;
mod running;
mod samples;
mod schemas;
mod scratch;
mod serving;
mod sessions;
mod showing;
mod synth;
mod tables;
mod toy;
mod training;
mod variants;
mod watching;
