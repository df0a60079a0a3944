//! How many seeds it would take to tell a difference from chance.

use super::{mean_and_deviation, normal};

/// How many pairs a paired test needs to find a mean difference like this one, when differences keep spreading like
/// these: with `d` the mean in units of the sample standard deviation,
///
/// `n = ((z(1 - alpha/2) + z(power)) / d)^2 + z(1 - alpha/2)^2 / 2`, rounded up.
///
/// The first term is the normal approximation (Cohen 1988, 12.2), the second what the t-test costs beyond it with a
/// deviation that is itself estimated (Guenther 1981). The spread is that of the pairs at hand, so with few of them the
/// answer is rough.
///
/// Nothing with fewer than two differences, or where their mean is 0: then no number is enough.
pub fn pairs_needed(differences: &[f64], alpha: f64, power: f64) -> Option<f64> {
    let (mean, deviation) = mean_and_deviation(differences).filter(|(mean, _)| *mean != 0.0)?;
    let (two_sided, one_sided) = (normal::quantile(1.0 - alpha / 2.0), normal::quantile(power));
    // Without a spread the first term is 0.
    Some((((two_sided + one_sided) * deviation / mean).powi(2) + two_sided * two_sided / 2.0).ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_follows_the_formula() {
        // 1.959964 + 0.841621 = 2.801585. Mean 1, deviation sqrt(2): 2 * 7.848879 + 1.920729 = 17.618.
        assert_eq!(pairs_needed(&[0.0, 2.0], 0.05, 0.8), Some(18.0));
        // The sign of the mean does not matter, nor does the unit.
        assert_eq!(pairs_needed(&[0.0, -0.02], 0.05, 0.8), Some(18.0));
        // Mean 2, deviation 1: 7.848879 / 4 + 1.920729 = 3.88.
        assert_eq!(pairs_needed(&[1.0, 2.0, 3.0], 0.05, 0.8), Some(4.0));
    }

    #[test]
    fn differences_that_do_not_spread_need_two_and_those_without_a_mean_cannot_be_told() {
        assert_eq!(pairs_needed(&[0.1, 0.1], 0.05, 0.8), Some(2.0));
        assert_eq!([pairs_needed(&[], 0.05, 0.8), pairs_needed(&[1.0], 0.05, 0.8)], [None; 2]);
        assert_eq!(pairs_needed(&[-1.0, 1.0], 0.05, 0.8), None);
    }
}
