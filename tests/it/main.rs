//! The integration tests of `sr-pipe`: one binary, one module a subject.

mod floors;
