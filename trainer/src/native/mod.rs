//! What tch does not wrap or libtorch does not have: our C++ of `trainer/native/`. Only here and in the recorder of
//! `profile/` does foreign code begin.

mod kernels;
mod layers;
mod process;
mod steps;

use std::ffi::{CStr, c_char};

use tch::{Device, Tensor};
use torch_sys::C_tensor;

pub use kernels::{SKIP_GRAM_LANES, mlp_gradients, mlp_scores, skip_gram_step, stand};
pub use layers::{Learned, cross_entropy, gru, lookup, set_gradient, softmax};
pub use process::{leave, peak_gpu_memory, prepare, prepare_gpu, version};
pub use steps::{AdamState, DescentState, descend, fused_adam};

unsafe extern "C" {
    fn sr_free(message: *mut c_char);
}

/// Panics with the message of a failed call, as tch's plain operators do.
pub(crate) fn check(message: *mut c_char) {
    if message.is_null() {
        return;
    }
    // SAFETY: the callee returns null or a null-terminated string that belongs to us.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        sr_free(message);
        text
    };
    panic!("libtorch: {text}");
}

/// What stands for a tensor on the other side. The callee changes at most its content.
fn pointer(tensor: &Tensor) -> *mut C_tensor {
    tensor.as_ptr().cast_mut()
}

/// Whether our kernels take what lies where `tensor` does: on the CPU. Elsewhere operations of libtorch do their work.
pub fn serve(tensor: &Tensor) -> bool {
    #[cfg(test)]
    if tests::STAND_ASIDE.get() {
        return false;
    }
    tensor.device() == Device::Cpu
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        pub(super) static STAND_ASIDE: Cell<bool> = const { Cell::new(false) };
    }

    /// `work` of this thread by operations of libtorch alone, as on a GPU.
    pub(crate) fn without_kernels<R>(work: impl FnOnce() -> R) -> R {
        STAND_ASIDE.set(true);
        let done = work();
        STAND_ASIDE.set(false);
        done
    }
}
