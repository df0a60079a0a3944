//! The files of `kkbox`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sr_pipe::ingest::Format;

fuzz_target!(|data: &[u8]| sr_pipe_fuzz::run(Format::Kkbox, data));
