//! What tch does not wrap or libtorch does not have: the fused Adam step, gradients as views, a look-up with a direct
//! gradient, a step of descent on rows, and kernels of ours on the host.

use std::ffi::{CStr, c_char, c_int};

use tch::{Device, Kind, Tensor};
use torch_sys::C_tensor;

unsafe extern "C" {
    fn sr_free(message: *mut c_char);
    fn sr_version() -> *const c_char;
    fn sr_leave(code: c_int) -> !;
    fn sr_prepare();
    fn sr_prepare_gpu();
    fn sr_peak_gpu_memory(index: i64, bytes: *mut i64) -> *mut c_char;
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
    fn sr_mlp_scores(
        a: *const f32,
        c: *const f32,
        v: *const f32,
        out: *mut f32,
        sessions: i64,
        width: i64,
        items: i64,
        threads: i64,
    );
    fn sr_mlp_gradients(
        a: *const f32,
        c: *const f32,
        dz: *const f32,
        da: *mut f32,
        dc: *mut f32,
        sessions: i64,
        width: i64,
        items: i64,
        threads: i64,
    );
    fn sr_stand_floats(
        scores: *const f32,
        targets: *const i64,
        rows: i64,
        items: i64,
        threads: i64,
        above: *mut i64,
        same: *mut i64,
        wrong: *mut i64,
    );
    fn sr_stand_doubles(
        scores: *const f64,
        targets: *const i64,
        rows: i64,
        items: i64,
        threads: i64,
        above: *mut i64,
        same: *mut i64,
        wrong: *mut i64,
    );
    fn sr_skip_gram_step(
        v: *mut f32,
        u: *mut f32,
        width: i64,
        tokens: *const i64,
        count: i64,
        rate: f32,
        change: *mut f32,
    );
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

/// States `[P, d]` of a gated recurrent unit with `weights` (`[3 d, in]`, `[3 d, d]`, `[3 d]`, `[3 d]`) over packed inputs
/// `x` `[P, in]` on the host, from zero states; `step_sizes` `[T]` says how many sessions reach each step.
pub fn gru(x: &Tensor, step_sizes: &Tensor, weights: &[Tensor; 4]) -> Tensor {
    let pointer = |tensor: &Tensor| tensor.as_ptr().cast_mut();
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
    let pointer = |tensor: &Tensor| tensor.as_ptr().cast_mut();
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
    let (pointer, mut loss) = (|tensor: &Tensor| tensor.as_ptr().cast_mut(), 0.0);
    // SAFETY: live tensors, whose form the callee checks; it changes the content of scores and shares and writes a number.
    check(unsafe { sr_softmax(pointer(scores), pointer(places), pointer(&share), &raw mut loss) });
    (Tensor::from((loss / rows as f64) as f32), share)
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

/// Float tensors on the host as a kernel of ours reads and writes them: row by row, without gaps.
struct Floats(Tensor);

impl Floats {
    fn of(tensor: &Tensor, shape: [i64; 2]) -> Self {
        assert_eq!((tensor.device(), tensor.kind()), (Device::Cpu, Kind::Float), "a kernel for floats on the host");
        assert_eq!(tensor.numel() as i64, shape[0] * shape[1], "{tensor:?} for {shape:?}");
        Self(tensor.contiguous())
    }

    fn read(&self) -> *const f32 {
        self.0.data_ptr().cast()
    }

    fn write(&mut self) -> *mut f32 {
        self.0.data_ptr().cast()
    }
}

/// Scores `[B, V]`, `sum over k of v_k relu(a_bk + c_kj)`, of `a` `[B, d]`, `c` `[d, V]` and `v` of length `d`.
///
/// # Panics
/// When the shapes do not fit together or a tensor is not of floats on the host.
pub fn mlp_scores(a: &Tensor, c: &Tensor, v: &Tensor) -> Tensor {
    let (sessions, width, items) = (a.size()[0], a.size()[1], c.size()[1]);
    let mut out = Floats(Tensor::empty([sessions, items], (Kind::Float, Device::Cpu)));
    let (a, c, v) = (Floats::of(a, [sessions, width]), Floats::of(c, [width, items]), Floats::of(v, [1, width]));
    // SAFETY: four live blocks of floats of the sizes that are said; `out` is written whole and read by nobody else.
    unsafe { sr_mlp_scores(a.read(), c.read(), v.read(), out.write(), sessions, width, items, threads()) };
    out.0
}

/// For the gradient `dz` `[B, V]` of such scores: the sums of `dz_bj` where `a_bk > -c_kj`, over `j` `[B, d]` and over `b`
/// `[d, V]`. Times `v_k` they are the gradients of `a` and `c`.
///
/// # Panics
/// When the shapes do not fit together or a tensor is not of floats on the host.
pub fn mlp_gradients(a: &Tensor, c: &Tensor, dz: &Tensor) -> (Tensor, Tensor) {
    let (sessions, width, items) = (a.size()[0], a.size()[1], c.size()[1]);
    let mut da = Floats(Tensor::zeros([threads(), sessions, width], (Kind::Float, Device::Cpu)));
    let mut dc = Floats(Tensor::empty([width, items], (Kind::Float, Device::Cpu)));
    let (a, c, dz) =
        (Floats::of(a, [sessions, width]), Floats::of(c, [width, items]), Floats::of(dz, [sessions, items]));
    // SAFETY: five live blocks of floats of the sizes that are said, `da` one for each thread; `da` and `dc` are read by
    // nobody else.
    unsafe {
        sr_mlp_gradients(a.read(), c.read(), dz.read(), da.write(), dc.write(), sessions, width, items, threads());
    };
    (da.0.sum_dim_intlist(0, false, Kind::Float), dc.0)
}

/// For scores `[B, V]` on the host and the place of each row's target, `[B]` int64 from 0: how many of the row are above
/// the target's, how many equal it (its own among them), how many are no number. `[B]` int64 each.
///
/// # Panics
/// When the scores are not float32 or float64 on the host, or a place is outside its row.
pub fn stand(scores: &Tensor, places: &Tensor) -> [Tensor; 3] {
    let (rows, items) = scores.size2().expect("scores have two dimensions");
    let places = Vec::<i64>::try_from(places).expect("places are whole numbers");
    assert_eq!((scores.device(), places.len() as i64), (Device::Cpu, rows), "scores on the host, a target a row");
    assert!(places.iter().all(|place| (0..items).contains(place)), "a target is outside of {items} items");
    let scores = scores.contiguous();
    let mut counts = [0, 1, 2].map(|_| vec![0i64; places.len()]);
    let [above, same, wrong] = &mut counts;
    let (targets, threads) = (places.as_ptr(), threads());
    let (above, same, wrong) = (above.as_mut_ptr(), same.as_mut_ptr(), wrong.as_mut_ptr());
    // SAFETY: a live block of `rows * items` numbers of the kind that is said, `rows` places inside their rows, and three
    // blocks of `rows` counts that nobody else uses.
    unsafe {
        match scores.kind() {
            Kind::Float => {
                sr_stand_floats(scores.data_ptr().cast(), targets, rows, items, threads, above, same, wrong);
            }
            Kind::Double => {
                sr_stand_doubles(scores.data_ptr().cast(), targets, rows, items, threads, above, same, wrong);
            }
            kind => panic!("scores are float32 or float64, not {kind:?}"),
        }
    }
    counts.map(|counts| Tensor::from_slice(&counts))
}

fn threads() -> i64 {
    i64::from(tch::get_num_threads().max(1))
}

/// What the length of the vectors of `skip_gram_step` is a multiple of.
pub const SKIP_GRAM_LANES: usize = 16;

/// One step of skip-gram, with the rate `rate`, up the gradient of `ln sig(u_o . v)` for the first of `tokens` and
/// `ln sig(-u_n . v)` for the others, of which each is a row of `u`. `change` is scratch; rows are as long as `v` and it.
///
/// # Panics
/// When the lengths do not fit together or a token has no row.
pub fn skip_gram_step(v: &mut [f32], u: &mut [f32], tokens: &[i64], rate: f32, change: &mut [f32]) {
    let (width, rows) = (v.len(), u.len() / v.len());
    assert!(width.is_multiple_of(SKIP_GRAM_LANES) && change.len() == width && u.len() == rows * width);
    assert!(tokens.iter().all(|&token| usize::try_from(token).is_ok_and(|token| token < rows)), "{tokens:?} of {rows}");
    let (width, count) = (width.cast_signed() as i64, tokens.len().cast_signed() as i64);
    // SAFETY: three blocks of floats that nobody else uses and that the callee leaves neither to the left nor to the
    // right, since each token is a row of `u`.
    unsafe {
        sr_skip_gram_step(v.as_mut_ptr(), u.as_mut_ptr(), width, tokens.as_ptr(), count, rate, change.as_mut_ptr());
    }
}
