//! Steps of optimizers in one pass over memory.

use std::ffi::c_char;

use tch::Tensor;
use torch_sys::C_tensor;

use super::{check, pointer};

unsafe extern "C" {
    fn sr_fused_adam(
        values: *mut C_tensor,
        gradients: *mut C_tensor,
        first: *mut C_tensor,
        second: *mut C_tensor,
        steps: *mut C_tensor,
        rate: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        epsilon: f64,
    ) -> *mut c_char;
    fn sr_descend(
        values: *mut C_tensor,
        gradients: *mut C_tensor,
        squares: *mut C_tensor,
        velocity: *mut C_tensor,
        ids: *mut C_tensor,
        rate: f64,
        momentum: f64,
        epsilon: f64,
        decay: f64,
    ) -> *mut c_char;
}

/// The tensors that an Adam step reads and writes, all flat, of one length; `steps` is a float scalar.
#[derive(Debug)]
pub struct AdamState<'a> {
    /// The parameters.
    pub values: &'a Tensor,
    /// Their gradients.
    pub gradients: &'a Tensor,
    /// Running mean of the gradients.
    pub first: &'a Tensor,
    /// Running mean of their squares.
    pub second: &'a Tensor,
    /// How many steps there were, this one included.
    pub steps: &'a Tensor,
}

/// One step of Adam (Kingma and Ba, 2015) in one pass, betas 0.9 and 0.999, epsilon 1e-8, with `weight_decay` times
/// the parameter added to its gradient.
pub fn fused_adam(state: &AdamState<'_>, rate: f64, weight_decay: f64) {
    let AdamState { values, gradients, first, second, steps } = state;
    // SAFETY: live tensors; the callee changes their content only.
    check(unsafe {
        sr_fused_adam(
            pointer(values),
            pointer(gradients),
            pointer(first),
            pointer(second),
            pointer(steps),
            rate,
            0.9,
            0.999,
            weight_decay,
            1e-8,
        )
    });
}

/// The tensors that a step of descent reads and writes, all `[n, width]` floats on the host but for `ids`.
#[derive(Debug)]
pub struct DescentState<'a> {
    /// The parameters.
    pub values: Tensor,
    /// Their gradients.
    pub gradients: Tensor,
    /// Sums of their squares; none for plain descent.
    pub squares: Option<Tensor>,
    /// The last moves; none without momentum.
    pub velocity: Option<Tensor>,
    /// The rows to move, int64; repeats count once.
    pub ids: &'a Tensor,
}

/// One step of descent in one pass over the rows; their gradients are zero after it.
pub fn descend(state: &DescentState<'_>, rate: f64, momentum: f64, epsilon: f64, decay: f64) {
    let optional = |tensor: &Option<Tensor>| tensor.as_ref().map_or(std::ptr::null_mut(), pointer);
    let DescentState { values, gradients, squares, velocity, ids } = state;
    // SAFETY: live tensors; the callee checks their form and changes their content only.
    check(unsafe {
        sr_descend(
            pointer(values),
            pointer(gradients),
            optional(squares),
            optional(velocity),
            pointer(ids),
            rate,
            momentum,
            epsilon,
            decay,
        )
    });
}
