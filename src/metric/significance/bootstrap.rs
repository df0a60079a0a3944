//! The bootstrap (Efron 1979): between which bounds a mean difference lies, by drawing test sessions anew.

use super::normal;
use crate::synth::random::Random;

/// How often the sessions are drawn, where that is not too much work.
const RESAMPLES: usize = 10_000;

/// With many sessions fewer rounds do, since there the bounds hardly move from one to the next...
const DRAWS: usize = 100_000_000;

/// ... but never fewer than these.
const LEAST_RESAMPLES: usize = 1_000;

/// The seed of the draws: the same everywhere, so that the same ranks give the same bounds.
const SEED: u64 = 1979;

/// What is drawn as a whole: the samples of one session, since they depend on each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    /// The sum of the differences of its samples.
    pub sum: f64,
    /// How many samples it has.
    pub samples: f64,
}

/// Bounds of a mean difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// Bounds that hold the true mean difference of a sample in a share `level` of all test sets, by the bias-corrected and
/// accelerated bootstrap (Efron 1987) over whole clusters.
///
/// As many clusters as there are get drawn with replacement, 10,000 times (with more than 10,000 clusters less often, as
/// 10^8 draws reach, but at least 1,000 times); each time the estimate is the sum of the differences over the count
/// of samples. Nothing with fewer than two clusters, or where no resample differs from another.
pub fn interval(clusters: &[Cluster], level: f64) -> Option<Interval> {
    if clusters.len() < 2 {
        return None;
    }
    let rounds = (DRAWS / clusters.len()).clamp(LEAST_RESAMPLES, RESAMPLES);
    let mut random = Random::new(SEED);
    let mut replicates: Vec<f64> =
        (0..rounds).map(|_| mean((0..clusters.len()).map(|_| clusters[random.below(clusters.len())]))).collect();
    bounds(&mut replicates, clusters, level)
}

fn mean(clusters: impl Iterator<Item = Cluster>) -> f64 {
    let (sum, samples) = clusters.fold((0.0, 0.0), |(sum, samples), one| (sum + one.sum, samples + one.samples));
    sum / samples
}

/// The bounds of replicates: with `z0 = z(share of them below the estimate)` and the acceleration
/// `a = sum u^3 / (6 (sum u^2)^(3/2))`, where `u` is by how much the estimate without one cluster lies below the mean of
/// these, the bound of a tail is the quantile of the replicates at `Phi(z0 + (z0 + z(tail)) / (1 - a (z0 + z(tail))))`.
fn bounds(replicates: &mut [f64], clusters: &[Cluster], level: f64) -> Option<Interval> {
    replicates.sort_unstable_by(f64::total_cmp);
    if replicates.first() == replicates.last() {
        return None;
    }
    let whole = clusters.iter().fold((0.0, 0.0), |(sum, samples), one| (sum + one.sum, samples + one.samples));
    let estimate = whole.0 / whole.1;
    // Those that are equal count half.
    let smaller = replicates.partition_point(|one| *one < estimate);
    let not_larger = replicates.partition_point(|one| *one <= estimate);
    let bias = normal::quantile((smaller + not_larger) as f64 / (2 * replicates.len()) as f64);
    let without: Vec<f64> = clusters.iter().map(|one| (whole.0 - one.sum) / (whole.1 - one.samples)).collect();
    let center = without.iter().sum::<f64>() / without.len() as f64;
    let (squares, cubes) = without
        .iter()
        .map(|one| center - one)
        .fold((0.0, 0.0), |(squares, cubes), u: f64| (squares + u * u, cubes + u * u * u));
    let acceleration = if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };
    let bound = |tail: f64| {
        let z = bias + normal::quantile(tail);
        quantile(replicates, normal::below(bias + z / (1.0 - acceleration * z)))
    };
    let tail = (1.0 - level) / 2.0;
    let (low, high) = (bound(tail), bound(1.0 - tail));
    (low.is_finite() && high.is_finite()).then_some(Interval { low, high })
}

/// The quantile of sorted values, linear between two of them.
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = at * (sorted.len() - 1) as f64;
    if !place.is_finite() {
        return f64::NAN;
    }
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The bounds of given replicates, for the comparison with other programs.
    pub(in crate::metric::significance) fn of_replicates(mut replicates: Vec<f64>, clusters: &[Cluster]) -> Interval {
        bounds(&mut replicates, clusters, 0.95).unwrap()
    }

    fn single(values: &[f64]) -> Vec<Cluster> {
        values.iter().map(|value| Cluster { sum: *value, samples: 1.0 }).collect()
    }

    #[test]
    fn the_same_sessions_give_the_same_bounds() {
        let clusters = single(&[0.1, 0.4, -0.2, 0.3, 0.0, 0.2]);
        assert_eq!(interval(&clusters, 0.95), interval(&clusters, 0.95));
    }

    #[test]
    fn of_symmetric_values_the_bounds_are_those_of_the_normal_curve() {
        // 0.5 +- 1 in equal numbers, 400 of them: mean 0.5, standard error 1 / 20; 1.96 of these to each side.
        let values: Vec<f64> = (0..400).map(|i| if i % 2 == 0 { 1.5 } else { -0.5 }).collect();
        let Interval { low, high } = interval(&single(&values), 0.95).unwrap();
        assert!((low - 0.402).abs() < 0.006 && (high - 0.598).abs() < 0.006, "{low} to {high}");
    }

    #[test]
    fn sessions_are_drawn_whole() {
        // A hundred samples in ten sessions that agree within: as uncertain as ten samples, not as a hundred.
        let sessions = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
        let clusters: Vec<Cluster> =
            sessions.iter().map(|value| Cluster { sum: 10.0 * value, samples: 10.0 }).collect();
        assert_eq!(interval(&clusters, 0.95), interval(&single(&sessions), 0.95));
    }

    #[test]
    fn the_mean_is_over_samples_so_long_sessions_weigh_more() {
        // Whichever sessions are drawn, each sample of the long one is worth 1 and the lone one of the short one 0.
        let clusters = [Cluster { sum: 3.0, samples: 3.0 }, Cluster { sum: 0.0, samples: 1.0 }];
        assert_eq!(mean(clusters.into_iter()), 0.75);
    }

    #[test]
    fn where_nothing_varies_there_are_no_bounds() {
        assert_eq!(interval(&single(&[0.2; 9]), 0.95), None);
        assert_eq!([interval(&[], 0.95), interval(&single(&[1.0]), 0.95)], [None; 2]);
    }
}
