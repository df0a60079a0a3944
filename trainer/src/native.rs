//! What tch does not wrap or libtorch does not have: the fused Adam step, gradients as views, a look-up with a direct
//! gradient, a step of descent on rows.

use std::ffi::{CStr, c_char, c_int};

use tch::Tensor;
use torch_sys::C_tensor;

unsafe extern "C" {
    fn sr_free(message: *mut c_char);
    fn sr_version() -> *const c_char;
    fn sr_leave(code: c_int) -> !;
    fn sr_prepare();
    fn sr_set_gradient(leaf: *mut C_tensor, gradient: *mut C_tensor) -> *mut c_char;
    fn sr_lookup(out: *mut *mut C_tensor, table: *mut C_tensor, ids: *mut C_tensor) -> *mut c_char;
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

/// Panics with the message of a failed call, as tch's plain operators do.
fn check(message: *mut c_char) {
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

/// Makes `gradient` the place where autograd adds the gradient of `leaf`.
pub fn set_gradient(leaf: &Tensor, gradient: &Tensor) {
    // SAFETY: both pointers are live tensors; the callee copies the reference.
    check(unsafe { sr_set_gradient(leaf.as_ptr().cast_mut(), gradient.as_ptr().cast_mut()) });
}

/// Rows `ids` `[n]` of `table` `[rows, d]`. The backward pass adds straight into the gradient that `set_gradient` gave.
pub fn lookup(table: &Tensor, ids: &Tensor) -> Tensor {
    let mut out = std::ptr::null_mut();
    // SAFETY: live tensors in; on success `out` is a new tensor that the returned value owns.
    unsafe {
        check(sr_lookup(&raw mut out, table.as_ptr().cast_mut(), ids.as_ptr().cast_mut()));
        Tensor::from_ptr(out)
    }
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
            values.as_ptr().cast_mut(),
            gradients.as_ptr().cast_mut(),
            first.as_ptr().cast_mut(),
            second.as_ptr().cast_mut(),
            steps.as_ptr().cast_mut(),
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
    let pointer = |tensor: &Tensor| tensor.as_ptr().cast_mut();
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
