//! Lines of a dump of Freebase, in each of its forms.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    sr_pipe::ingest::freebase::read_lines(data);
});
