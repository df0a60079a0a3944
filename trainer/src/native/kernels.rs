//! Kernels on plain blocks of memory of the host.

use tch::{Device, Kind, Tensor};

unsafe extern "C" {
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
