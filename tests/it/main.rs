//! The integration tests of `sr-pipe`: one binary, one module a subject.

mod cache;
mod data;
mod errors;
mod floors;
mod schemas;
mod scratch;
mod training;
