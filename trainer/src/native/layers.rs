//! Parts of a network whose gradient autograd gets from us.

use std::ffi::c_char;

use tch::{Device, Kind, Tensor};
use torch_sys::C_tensor;

use super::{check, pointer};

unsafe extern "C" {
    fn sr_set_gradient(leaf: *mut C_tensor, gradient: *mut C_tensor) -> *mut c_char;
    fn sr_lookup(out: *mut *mut C_tensor, table: *mut C_tensor, ids: *mut C_tensor) -> *mut c_char;
    fn sr_gru(
        out: *mut *mut C_tensor,
        x: *mut C_tensor,
        sizes: *mut C_tensor,
        w_ih: *mut C_tensor,
        w_hh: *mut C_tensor,
        b_ih: *mut C_tensor,
        b_hh: *mut C_tensor,
    ) -> *mut c_char;
    fn sr_cross_entropy(
        s: *mut C_tensor,
        table: *mut C_tensor,
        gradient: *mut C_tensor,
        bias: *mut C_tensor,
        bias_gradient: *mut C_tensor,
        places: *mut C_tensor,
        ds: *mut C_tensor,
        loss: *mut f64,
    ) -> *mut c_char;
    fn sr_softmax(scores: *mut C_tensor, places: *mut C_tensor, share: *mut C_tensor, loss: *mut f64) -> *mut c_char;
}

/// Makes `gradient` the place where autograd adds the gradient of `leaf`.
pub fn set_gradient(leaf: &Tensor, gradient: &Tensor) {
    // SAFETY: both pointers are live tensors; the callee copies the reference.
    check(unsafe { sr_set_gradient(pointer(leaf), pointer(gradient)) });
}

/// Rows `ids` `[n]` of `table` `[rows, d]`. The backward pass adds straight into the gradient that `set_gradient` gave.
pub fn lookup(table: &Tensor, ids: &Tensor) -> Tensor {
    let mut out = std::ptr::null_mut();
    // SAFETY: live tensors in; on success `out` is a new tensor that the returned value owns.
    unsafe {
        check(sr_lookup(&raw mut out, pointer(table), pointer(ids)));
        Tensor::from_ptr(out)
    }
}

/// States `[P, d]` of a gated recurrent unit with `weights` (`[3 d, in]`, `[3 d, d]`, `[3 d]`, `[3 d]`) over packed inputs
/// `x` `[P, in]` on the host, from zero states; `step_sizes` `[T]` says how many sessions reach each step.
pub fn gru(x: &Tensor, step_sizes: &Tensor, weights: &[Tensor; 4]) -> Tensor {
    let [w_ih, w_hh, b_ih, b_hh] = weights.each_ref().map(pointer);
    let mut out = std::ptr::null_mut();
    // SAFETY: live tensors in, whose form the callee checks; on success `out` is a new tensor that the returned value
    // owns.
    unsafe {
        check(sr_gru(&raw mut out, pointer(x), pointer(step_sizes), w_ih, w_hh, b_ih, b_hh));
        Tensor::from_ptr(out)
    }
}

/// A table of floats and its gradient, rows and columns alike, each in one piece.
#[derive(Debug)]
pub struct Learned {
    /// The table.
    pub values: Tensor,
    /// Its gradient.
    pub gradient: Tensor,
}

/// For scores `s . e_j`, plus `b_j` where there are biases: the mean cross-entropy of the targets at `places` (`[B]` int64
/// from 0), a scalar, and its gradient `[B, d]` with respect to `s` `[B, d]`, all on the host. The gradients of `table`
/// `[V, d]` and `bias` `[V, 1]` are written anew.
pub fn cross_entropy(s: &Tensor, table: &Learned, bias: Option<&Learned>, places: &Tensor) -> (Tensor, Tensor) {
    let optional = |tensor: Option<&Tensor>| tensor.map_or(std::ptr::null_mut(), pointer);
    let (ds, mut loss) = (s.empty_like(), 0.0);
    // SAFETY: live tensors, whose form the callee checks; it changes the content of gradients and `ds` and writes a number.
    check(unsafe {
        sr_cross_entropy(
            pointer(s),
            pointer(&table.values),
            pointer(&table.gradient),
            optional(bias.map(|bias| &bias.values)),
            optional(bias.map(|bias| &bias.gradient)),
            pointer(places),
            pointer(&ds),
            &raw mut loss,
        )
    });
    (Tensor::from(loss as f32), ds)
}

/// Turns scores `[B, V]` on the host into `exp(score - largest of the row)`, in place; gives the mean cross-entropy of the
/// targets at `places` (`[B]` int64 from 0), a scalar, and one over the sum of each row, `[B, 1]`.
pub fn softmax(scores: &Tensor, places: &Tensor) -> (Tensor, Tensor) {
    let rows = scores.size()[0];
    let share = Tensor::empty([rows, 1], (Kind::Float, Device::Cpu));
    let mut loss = 0.0;
    // SAFETY: live tensors, whose form the callee checks; it changes the content of scores and shares and writes a number.
    check(unsafe { sr_softmax(pointer(scores), pointer(places), pointer(&share), &raw mut loss) });
    (Tensor::from((loss / rows as f64) as f32), share)
}
