//! The sources of chance: initial weights by the seed, and permutations, drawn items and libtorch's own draws by (seed,
//! stream, epoch) alone, so that a resumed run needs no generator state.

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..bound` by multiplication; the bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.below_with_rest(bound).0
    }

    /// A number as `below` gives it, and a second one, uniform in all of 64 bits up to steps of `bound`, from the same
    /// draw.
    pub fn below_with_rest(&mut self, bound: u64) -> (u64, u64) {
        let wide = u128::from(self.next()) * u128::from(bound);
        ((wide >> 64) as u64, wide as u64)
    }
}

/// The numbers that initial weights are made of.
#[derive(Debug)]
pub struct Draw {
    generator: SplitMix,
    /// Box and Muller's method makes two normal numbers at a time; this is the second.
    spare: Option<f64>,
}

impl Draw {
    /// Starts the stream of weights of `seed`.
    #[must_use]
    pub fn weights(seed: u64) -> Self {
        Self { generator: SplitMix(SplitMix(seed).next()), spare: None }
    }

    /// Uniform in `[0, 1)`, 53 bits.
    fn unit(&mut self) -> f64 {
        (self.generator.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform between `-bound` and `bound`.
    pub fn uniform(&mut self, bound: f64) -> f32 {
        (bound * (2.0 * self.unit() - 1.0)) as f32
    }

    /// Normal with mean 0.
    pub fn normal(&mut self, deviation: f64) -> f32 {
        let standard = self.spare.take().unwrap_or_else(|| {
            let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * self.unit()).sin_cos();
            self.spare = Some(radius * sin);
            radius * cos
        });
        (deviation * standard) as f32
    }
}

/// What chance is for; each stream is independent of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The order of training samples.
    Samples,
    /// The order of knowledge triples.
    Triples,
    /// What libtorch draws while a session pass runs, such as dropout.
    Noise,
    /// The items that targets are compared with.
    Negatives,
}

impl Stream {
    /// The generator of this stream in `epoch`. Each part passes through the mixer, so that neighbouring seeds and
    /// epochs share nothing.
    #[must_use]
    pub fn generator(self, seed: u64, epoch: u32) -> SplitMix {
        let salt: u64 = match self {
            Self::Samples => 1,
            Self::Triples => 2,
            Self::Noise => 3,
            Self::Negatives => 4,
        };
        SplitMix(SplitMix(seed).next() ^ SplitMix((salt << 32) | u64::from(epoch)).next())
    }
}

/// Starts libtorch's generators for `stream` of `epoch`.
pub fn start_libtorch(seed: u64, stream: Stream, epoch: u32) {
    tch::manual_seed(stream.generator(seed, epoch).next().cast_signed());
}

/// The order in which the `count` things of `stream` are visited in `epoch`.
#[must_use]
pub fn permutation(seed: u64, stream: Stream, epoch: u32, count: usize) -> Vec<i64> {
    let mut generator = stream.generator(seed, epoch);
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
    fn drawn_numbers_have_the_moments_of_their_distribution() {
        let mut draw = Draw::weights(3);
        let mut check = |next: fn(&mut Draw) -> f32, deviation: f64| {
            let numbers: Vec<f64> = (0..100_000).map(|_| f64::from(next(&mut draw))).collect();
            let mean = numbers.iter().sum::<f64>() / 1e5;
            let variance = numbers.iter().map(|x| x * x).sum::<f64>() / 1e5;
            // Five standard errors of the mean, and as much for the root of the variance.
            assert!(mean.abs() < 5.0 * deviation / 316.0, "{mean}");
            assert!((variance.sqrt() / deviation - 1.0).abs() < 0.015, "{variance}");
        };
        check(|draw| draw.normal(0.1), 0.1);
        check(|draw| draw.uniform(0.3), 0.3 / 3f64.sqrt());
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
