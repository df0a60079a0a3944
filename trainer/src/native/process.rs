//! What a process of the trainer needs of libtorch and of the C library.

use std::ffi::{CStr, c_char, c_int};

use tch::Device;

use super::check;

unsafe extern "C" {
    fn sr_version() -> *const c_char;
    fn sr_leave(code: c_int) -> !;
    fn sr_prepare();
    fn sr_prepare_gpu();
    fn sr_peak_gpu_memory(index: i64, bytes: *mut i64) -> *mut c_char;
}

/// The version of libtorch that the trainer was built with, such as `2.11.0`.
#[must_use]
pub fn version() -> String {
    // SAFETY: a constant string of the C++ side.
    unsafe { CStr::from_ptr(sr_version()) }.to_string_lossy().into_owned()
}

/// Ends the process at once, without any handler.
pub fn leave(code: i32) -> ! {
    // SAFETY: `_exit` has no requirement.
    unsafe { sr_leave(code) }
}

/// Sets the allocator and the float unit of this process and thread up for training.
pub fn prepare() {
    // SAFETY: two calls of the C library and one of libtorch, without arguments of ours.
    unsafe { sr_prepare() }
}

/// Sets libtorch up for training on a GPU, so that the same work gives the same numbers where it can. The GPU half of
/// libtorch is open, and has computed nothing yet.
pub fn prepare_gpu() {
    // SAFETY: settings of libtorch, and one of the environment: the only other thread waits for the end of input.
    unsafe { sr_prepare_gpu() }
}

/// The most bytes that libtorch has held of the memory of `device`, where that is a GPU.
#[must_use]
pub fn peak_gpu_memory(device: Device) -> Option<u64> {
    let Device::Cuda(index) = device else { return None };
    let mut bytes = 0;
    // SAFETY: the callee writes one number.
    check(unsafe { sr_peak_gpu_memory(i64::try_from(index).ok()?, &raw mut bytes) });
    u64::try_from(bytes).ok()
}
