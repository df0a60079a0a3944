//! Wilcoxon's signed-rank test (1945): whether paired differences lean to one side by more than chance.

use super::{SAME, normal};

/// Up to this many differences the null distribution is counted out; beyond, a normal curve stands for it.
const EXACT_UP_TO: usize = 50;

/// The result of a signed-rank test over pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wilcoxon {
    /// Pairs that differ; the others are dropped before ranking, as Wilcoxon did.
    pub differing: usize,
    /// Sum of the ranks of the positive differences, `W+`.
    pub positive: f64,
    /// Sum of the ranks of the negative differences, `W-`.
    pub negative: f64,
    /// Two-sided probability of so lopsided a split of the ranks if signs were tossed by a fair coin.
    pub p: f64,
}

/// Wilcoxon's signed-rank test (1945) of paired differences.
///
/// Zero differences are dropped; the sizes of the others are ranked, equal sizes sharing the mean of their places;
/// `W+` and `W-` sum the ranks by sign. With at most 50 differences `p = min(1, 2 P(W <= min(W+, W-)))`, where the
/// distribution of `W` is counted over all sign patterns of the ranks at hand, ties included. With more,
/// `z = (|W+ - n(n+1)/4| - 1/2) / sigma`, `sigma^2 = n(n+1)(2n+1)/24 - sum over ties (t^3 - t)/48`, and
/// `p = 2 (1 - Phi(z))`.
pub fn wilcoxon(differences: &[f64]) -> Wilcoxon {
    let mut differing: Vec<f64> = differences.iter().copied().filter(|d| d.abs() > SAME).collect();
    differing.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = differing.len();
    let (mut positive, mut negative, mut tie_term) = (0.0, 0.0, 0.0);
    // Twice each rank is a whole number, which the exact count needs.
    let mut doubled_ranks = Vec::with_capacity(n);
    let mut first = 0;
    for tied in differing.chunk_by(|a, b| b.abs() - a.abs() <= SAME) {
        let last = first + tied.len();
        // Places first + 1 to last share their mean.
        let doubled_rank = first + 1 + last;
        let rank = doubled_rank as f64 / 2.0;
        for d in tied {
            *(if *d > 0.0 { &mut positive } else { &mut negative }) += rank;
            doubled_ranks.push(doubled_rank);
        }
        tie_term += (tied.len() as f64).powi(3) - tied.len() as f64;
        first = last;
    }
    let p = if n <= EXACT_UP_TO {
        exact(&doubled_ranks, f64::min(positive, negative))
    } else {
        by_normal_curve(n as f64, positive, tie_term)
    };
    Wilcoxon { differing: n, positive, negative, p }
}

/// `min(1, 2 P(W <= smaller))` over all equally likely sign patterns.
fn exact(doubled_ranks: &[usize], smaller: f64) -> f64 {
    let total: usize = doubled_ranks.iter().sum();
    // chance[s]: the probability that the doubled ranks with a positive sign sum to s.
    let mut chance = vec![0.0; total + 1];
    chance[0] = 1.0;
    let mut reached = 0;
    for rank in doubled_ranks {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = if sum >= *rank { chance[sum - rank] } else { 0.0 };
            chance[sum] = (chance[sum] + with) / 2.0;
        }
    }
    let tail: f64 = chance.iter().enumerate().take_while(|(sum, _)| *sum as f64 <= 2.0 * smaller).map(|(_, c)| c).sum();
    (2.0 * tail).min(1.0)
}

/// `2 (1 - Phi(z))` with continuity and ties corrected; `tie_term` is the sum of `t^3 - t`.
fn by_normal_curve(n: f64, positive: f64, tie_term: f64) -> f64 {
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - tie_term / 48.0;
    let z = ((positive - n * (n + 1.0) / 4.0).abs() - 0.5).max(0.0) / variance.sqrt();
    2.0 * normal::above(z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn near(value: f64, expected: f64, within: f64) {
        assert!((value - expected).abs() <= within, "{value} is not {expected}");
    }

    #[test]
    fn five_gains_and_no_loss_are_one_pattern_in_32_on_each_side() {
        let result = wilcoxon(&[0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!((result.differing, result.positive, result.negative), (5, 15.0, 0.0));
        near(result.p, 2.0 / 32.0, 1e-15);
    }

    #[test]
    fn a_small_case_counted_by_hand() {
        // Ranks 1 to 4, W- = 2. Sums of at most 2: {}, {1}, {2}: 3 patterns of 16.
        let result = wilcoxon(&[1.0, -2.0, 3.0, 4.0]);
        assert_eq!((result.positive, result.negative), (8.0, 2.0));
        near(result.p, 2.0 * 3.0 / 16.0, 1e-15);
    }

    #[test]
    fn the_printed_critical_values_for_ten_pairs_hold() {
        // Tables of the test: with n = 10, W = 8 is significant at 0.05 two-sided and W = 9 is not.
        let with_losses = |losses: &[usize]| {
            let signed: Vec<f64> =
                (1..=10).map(|rank| if losses.contains(&rank) { -(rank as f64) } else { rank as f64 }).collect();
            wilcoxon(&signed)
        };
        let (eight, nine) = (with_losses(&[8]), with_losses(&[9]));
        assert_eq!((eight.negative, nine.negative), (8.0, 9.0));
        // 25 and 33 subsets of 1 to 10 sum to at most 8 and 9: partitions into distinct parts 1,1,1,2,2,3,4,5,6,8.
        near(eight.p, 2.0 * 25.0 / 1024.0, 1e-15);
        near(nine.p, 2.0 * 33.0 / 1024.0, 1e-15);
    }

    #[test]
    fn pairs_that_do_not_differ_are_dropped() {
        assert_eq!(wilcoxon(&[0.0, 1.0, 0.0, -2.0, 3.0, 4.0]), wilcoxon(&[1.0, -2.0, 3.0, 4.0]));
        let nothing = wilcoxon(&[0.0; 7]);
        assert_eq!((nothing.differing, nothing.p), (0, 1.0));
    }

    #[test]
    fn sizes_that_differ_in_the_last_bit_only_are_tied() {
        let sum = 0.1 + 0.2;
        assert_ne!(sum, 0.3);
        // Both take rank 1.5; of the four patterns the two mixed ones are as lopsided as this or less.
        let result = wilcoxon(&[sum, -0.3]);
        assert_eq!((result.positive, result.negative, result.p), (1.5, 1.5, 1.0));
    }

    #[test]
    fn ties_enter_the_exact_count_with_their_shared_rank() {
        // Sizes 1, 1, 2: ranks 1.5, 1.5, 3, W- = 1.5. Sums of at most 1.5: {}, and each 1.5 alone: 3 of 8.
        let result = wilcoxon(&[1.0, -1.0, 2.0]);
        assert_eq!(result.negative, 1.5);
        near(result.p, 2.0 * 3.0 / 8.0, 1e-15);
    }

    #[test]
    fn with_equal_sizes_the_normal_curve_has_the_corrected_variance() {
        // 60 gains and 40 losses of one size: each rank 50.5, W+ = 3030, mean 2525. Variance: 100*101*201/24 -
        // (100^3 - 100)/48 = 84,587.5 - 20,831.25 = 63,756.25 = 252.5^2. z = 504.5 / 252.5 = 1.998; a normal table gives
        // 1 - Phi(2.00) = 0.02275 and a density of 0.054 there, so p = 2 (0.02275 + 0.0020 * 0.054) = 0.0457.
        let differences: Vec<f64> = (0..100).map(|i| if i < 60 { 1.0 } else { -1.0 }).collect();
        let result = wilcoxon(&differences);
        assert_eq!(result.positive, 3030.0);
        near(result.p, 0.0457, 0.0001);
    }

    #[test]
    fn the_exact_count_and_the_normal_curve_agree_where_they_meet() {
        // Ranks 1 to 50 without ties: W+ + W- = 1275.
        let doubled_ranks: Vec<usize> = (1..=50).map(|rank| 2 * rank).collect();
        for negative in [300.0, 400.0, 500.0, 637.0] {
            near(exact(&doubled_ranks, negative), by_normal_curve(50.0, 1275.0 - negative, 0.0), 0.003);
        }
    }

    proptest! {
        #[test]
        fn swapping_the_sides_swaps_the_sums_and_keeps_p(d in prop::collection::vec(-20..20_i32, 0..120)) {
            let forth: Vec<f64> = d.iter().map(|d| f64::from(*d)).collect();
            let back: Vec<f64> = forth.iter().map(|d| -d).collect();
            let (a, b) = (wilcoxon(&forth), wilcoxon(&back));
            prop_assert_eq!((a.positive, a.negative, a.p), (b.negative, b.positive, b.p));
            prop_assert!((0.0..=1.0).contains(&a.p));
        }

        #[test]
        fn the_order_of_the_pairs_does_not_matter(
            (d, shuffled) in prop::collection::vec(-20..20_i32, 0..120)
                .prop_flat_map(|d| (Just(d.clone()), Just(d).prop_shuffle()))
        ) {
            let [a, b] = [d, shuffled].map(|d| wilcoxon(&d.iter().map(|d| f64::from(*d)).collect::<Vec<_>>()));
            prop_assert_eq!(a, b);
        }
    }
}
