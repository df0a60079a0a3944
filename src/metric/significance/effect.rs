//! Effect sizes: how large a difference is, beside how sure one can be of it.

use super::mean_and_deviation;
use super::wilcoxon::Wilcoxon;

/// The matched-pairs rank-biserial correlation (Kerby 2014, "The simple difference formula"):
/// `r = (W+ - W-) / (W+ + W-)`, the share of the rank sum in favour less the share against.
///
/// From -1, where every difference that there is is negative, to 1; 0 where nothing differs. As in the test, pairs
/// that do not differ are left out.
pub fn rank_biserial(test: &Wilcoxon) -> f64 {
    let total = test.positive + test.negative;
    if total > 0.0 { (test.positive - test.negative) / total } else { 0.0 }
}

/// Cohen's `d_z` (1988, section 2.3.5): the mean of the paired differences in units of their sample standard deviation.
///
/// Nothing with fewer than two differences, or where all are the same.
pub fn d_z(differences: &[f64]) -> Option<f64> {
    mean_and_deviation(differences).filter(|(_, deviation)| *deviation > 0.0).map(|(mean, deviation)| mean / deviation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::significance::wilcoxon::wilcoxon;

    #[test]
    fn the_rank_biserial_correlation_is_the_simple_difference_of_shares() {
        // Ranks 1 to 4, W+ = 8, W- = 2: 0.8 - 0.2. A pair without a difference changes nothing.
        assert!((rank_biserial(&wilcoxon(&[1.0, -2.0, 3.0, 4.0, 0.0])) - 0.6).abs() < 1e-15);
        let all = [[0.1, 0.2], [-0.1, -0.2], [0.0, 0.0]].map(|differences| rank_biserial(&wilcoxon(&differences)));
        assert_eq!(all, [1.0, -1.0, 0.0]);
    }

    #[test]
    fn d_z_is_the_mean_in_units_of_the_deviation() {
        // 1, 2, 3: mean 2, deviation 1.
        assert_eq!(d_z(&[1.0, 2.0, 3.0]), Some(2.0));
        assert_eq!(d_z(&[-1.0, -2.0, -3.0]), Some(-2.0));
        assert_eq!([d_z(&[]), d_z(&[1.0]), d_z(&[0.5, 0.5])], [None; 3]);
    }
}
