//! Holm's correction (1979): p-values of several tests, as if each had been the only one.

/// Holm's step-down correction (1979): p-values as if each had been the only test, in the order given.
///
/// The `i`-th smallest of `m` is multiplied by `m - i + 1`; none may come out below a smaller one, nor above 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (i, at) in order.into_iter().enumerate() {
        largest = largest.max(p[at] * (p.len() - i) as f64).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
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
    fn holm_multiplies_the_smallest_by_all_and_the_largest_by_one() {
        // Sorted 0.01, 0.02, 0.04: times 3, 2, 1 gives 0.03, 0.04, 0.04.
        let adjusted = holm(&[0.04, 0.01, 0.02]);
        for (value, expected) in adjusted.iter().zip([0.04, 0.03, 0.04]) {
            near(*value, expected, 1e-15);
        }
    }

    #[test]
    fn holm_never_turns_the_order_round_and_stops_at_one() {
        // Sorted 0.02, 0.025, 0.9: 0.06, then 0.05 lifted to 0.06, then 0.9.
        let adjusted = holm(&[0.9, 0.025, 0.02]);
        for (value, expected) in adjusted.iter().zip([0.9, 0.06, 0.06]) {
            near(*value, expected, 1e-15);
        }
        assert_eq!(holm(&[0.8, 0.7]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn a_corrected_p_is_never_smaller_and_follows_its_test(
            (p, order) in prop::collection::vec(0.0..=1.0, 1..12)
                .prop_flat_map(|p| { let n = p.len(); (Just(p), Just((0..n).collect::<Vec<_>>()).prop_shuffle()) })
        ) {
            let adjusted = holm(&p);
            for (raw, adjusted) in p.iter().zip(&adjusted) {
                prop_assert!(adjusted >= raw && *adjusted <= 1.0);
            }
            let moved: Vec<f64> = order.iter().map(|i| p[*i]).collect();
            let expected: Vec<f64> = order.iter().map(|i| adjusted[*i]).collect();
            prop_assert_eq!(holm(&moved), expected);
        }
    }
}
