//! The integration tests of `sr-pipe`: one binary, one module a subject.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod cache;
mod cachekeep;
mod contract;
mod data;
mod errors;
mod faults;
mod floors;
mod grids;
mod knowledge;
mod planning;
mod promises;
mod records;
mod running;
mod schemas;
mod scratch;
mod training;
mod watching;
