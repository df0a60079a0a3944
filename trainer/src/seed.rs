//! The only source of chance beside the draw of initial weights: permutations that depend on (seed, stream, epoch)
//! alone, so that a resumed run needs no generator state.

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..bound` by multiplication; the bias is below `bound / 2^64`.
    fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the upper half of a 128-bit product")
    }
}

/// What a permutation is for; each stream is independent of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The order of training samples.
    Samples,
    /// The order of knowledge triples.
    Triples,
}

/// The order in which the `count` things of `stream` are visited in `epoch`.
#[must_use]
pub fn permutation(seed: u64, stream: Stream, epoch: u32, count: usize) -> Vec<i64> {
    let salt: u64 = match stream {
        Stream::Samples => 1,
        Stream::Triples => 2,
    };
    // Each part passes through the mixer, so that neighbouring seeds and epochs share nothing.
    let mut generator = SplitMix(SplitMix(seed).next() ^ SplitMix((salt << 32) | u64::from(epoch)).next());
    let mut order: Vec<i64> = (0i64..).take(count).collect();
    for last in (1..count).rev() {
        let other = generator.below(last as u64 + 1);
        order.swap(last, usize::try_from(other).expect("an index below a length"));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_first_value() {
        // First output of SplitMix64 seeded with 0, from its reference implementation.
        assert_eq!(SplitMix(0).next(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn a_permutation_visits_each_index_once_and_depends_on_all_its_arguments() {
        let base = permutation(1, Stream::Samples, 1, 100);
        let mut sorted = base.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<i64>>());
        assert_eq!(base, permutation(1, Stream::Samples, 1, 100));
        assert_ne!(base, permutation(2, Stream::Samples, 1, 100));
        assert_ne!(base, permutation(1, Stream::Triples, 1, 100));
        assert_ne!(base, permutation(1, Stream::Samples, 2, 100));
    }
}
