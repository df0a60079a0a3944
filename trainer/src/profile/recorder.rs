//! What libtorch did between two moments: its operations on the host, and what they started on a GPU.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};

use crate::native::check;

unsafe extern "C" {
    fn sr_profile_begin(gpu: bool) -> *mut c_char;
    fn sr_profile_end(take: Take, to: *mut c_void) -> *mut c_char;
}

type Take = extern "C" fn(*mut c_void, *const c_char, bool, u64, u64, u64);

/// A stretch of time in which something ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// The operation, kernel or copy.
    pub(super) name: String,
    /// On the GPU, not on the host.
    pub(super) on_gpu: bool,
    /// The thread of the host.
    pub(super) thread: u64,
    /// Nanoseconds, by whatever clock.
    pub(super) begin: u64,
    /// Likewise.
    pub(super) end: u64,
}

/// Everything that libtorch does while `work` runs, of the GPU too where `gpu` says so, and what `work` gives.
pub(super) fn record<T>(gpu: bool, work: impl FnOnce() -> T) -> (T, Vec<Span>) {
    // SAFETY: settings of this thread.
    check(unsafe { sr_profile_begin(gpu) });
    let outcome = work();
    let mut spans: Vec<Span> = Vec::new();
    // SAFETY: `keep` gets back the list that stands here, and nobody else has it while the call lasts.
    check(unsafe { sr_profile_end(keep, (&raw mut spans).cast()) });
    (outcome, spans)
}

extern "C" fn keep(to: *mut c_void, name: *const c_char, on_gpu: bool, thread: u64, begin: u64, end: u64) {
    // SAFETY: `to` is the list of `record`, and `name` a string that lives as long as this call.
    let (spans, name) = unsafe { (&mut *to.cast::<Vec<Span>>(), CStr::from_ptr(name)) };
    spans.push(Span { name: name.to_string_lossy().into_owned(), on_gpu, thread, begin, end });
}

/// How often something ran, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// How often.
    pub(super) calls: u64,
    /// Nanoseconds, without those of what it called.
    pub(super) own: u64,
}

/// The operations of the host by name. Time counts once, for the innermost.
pub(super) fn shares(spans: &[Span]) -> BTreeMap<String, Share> {
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    let mut host: Vec<&Span> = spans.iter().filter(|span| !span.on_gpu).collect();
    // A caller begins before what it calls, or together with it and ends later.
    host.sort_by_key(|span| (span.thread, span.begin, std::cmp::Reverse(span.end)));
    let mut open: Vec<&Span> = Vec::new();
    for span in host {
        open.retain(|caller| caller.thread == span.thread && caller.end >= span.end && caller.end > span.begin);
        let length = span.end - span.begin;
        if let Some(caller) = open.last() {
            let share = shares.get_mut(&caller.name).expect("a caller is counted before what it calls");
            share.own = share.own.saturating_sub(length);
        }
        let share = shares.entry(span.name.clone()).or_default();
        share.calls += 1;
        share.own += length;
        open.push(span);
    }
    shares
}

/// Nanoseconds in which at least one of the `spans` ran.
pub(super) fn covered<'a>(spans: impl Iterator<Item = &'a Span>) -> u64 {
    let mut stretches: Vec<(u64, u64)> = spans.map(|span| (span.begin, span.end)).collect();
    stretches.sort_unstable();
    let (mut sum, mut reached) = (0, 0);
    for (begin, end) in stretches {
        sum += end.saturating_sub(begin.max(reached));
        reached = reached.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str, thread: u64, begin: u64, end: u64) -> Span {
        Span { name: name.into(), on_gpu: false, thread, begin, end }
    }

    #[test]
    fn time_counts_for_the_innermost_operation_of_its_own_thread() {
        let spans = [
            span("outer", 1, 0, 100),
            span("inner", 1, 10, 30),
            span("inner", 1, 30, 40),
            span("deep", 1, 12, 20),
            span("elsewhere", 2, 5, 50),
            span("after", 1, 100, 107),
            Span { on_gpu: true, ..span("kernel", 1, 0, 1000) },
        ];
        let found = shares(&spans);
        let share = |calls, own| Share { calls, own };
        assert_eq!(found["outer"], share(1, 70));
        assert_eq!(found["inner"], share(2, 22));
        assert_eq!(found["deep"], share(1, 8));
        assert_eq!(found["elsewhere"], share(1, 45));
        assert_eq!(found["after"], share(1, 7));
        assert!(!found.contains_key("kernel"));
    }

    #[test]
    fn what_overlaps_is_covered_once() {
        let spans = [span("a", 1, 10, 20), span("b", 1, 15, 30), span("c", 1, 16, 18), span("d", 1, 40, 41)];
        assert_eq!(covered(spans.iter()), 21);
        assert_eq!(covered([].iter()), 0);
    }

    #[test]
    fn a_product_of_two_matrices_is_seen() {
        let (_, spans) = record(false, || {
            let matrix = tch::Tensor::ones([8, 8], (tch::Kind::Float, tch::Device::Cpu));
            (matrix.matmul(&matrix), matrix.matmul(&matrix))
        });
        assert_eq!(shares(&spans)["aten::mm"].calls, 2, "{spans:?}");
    }
}
