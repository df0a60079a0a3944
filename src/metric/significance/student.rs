//! Student's paired t-test (1908): whether the mean of a few paired differences, one a seed, is not zero.

use std::f64::consts::PI;

use super::mean_and_deviation;

/// The result of a paired t-test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Student {
    /// The mean of the differences in units of its standard error.
    pub t: f64,
    /// Degrees of freedom: pairs less one.
    pub freedom: u32,
    /// Two-sided probability of a `t` at least as far from 0 if the true mean is 0.
    pub p: f64,
}

/// `t = mean / (deviation / sqrt(n))` with `n - 1` degrees of freedom.
///
/// Nothing with fewer than two differences, or where all are the same: then there is no spread to measure with.
pub fn paired(differences: &[f64]) -> Option<Student> {
    let (mean, deviation) = mean_and_deviation(differences).filter(|(_, deviation)| *deviation > 0.0)?;
    let t = mean / (deviation / (differences.len() as f64).sqrt());
    let freedom = u32::try_from(differences.len() - 1).ok()?;
    Some(Student { t, freedom, p: two_sided(t, freedom) })
}

/// `P(|T| >= |t|)` by the finite series for whole degrees of freedom `v` (Abramowitz and Stegun 1964, 26.7.3 and
/// 26.7.4): with `theta = atan(|t| / sqrt(v))` and `c = cos^2 theta`,
/// - even `v`: `1 - sin theta (1 + c 1/2 + c^2 (1 3)/(2 4) + ... to c^((v-2)/2))`,
/// - odd `v`: `1 - 2/pi (theta + sin theta cos theta (1 + c 2/3 + c^2 (2 4)/(3 5) + ... to c^((v-3)/2)))`, without the
///   second term at `v = 1`.
fn two_sided(t: f64, freedom: u32) -> f64 {
    let theta = libm::atan(t.abs() / f64::from(freedom).sqrt());
    let (sine, cosine) = (libm::sin(theta), libm::cos(theta));
    let even = freedom.is_multiple_of(2);
    // The first factor is 1/2 or 2/3, each next one has both parts larger by two.
    let (terms, first) = if even { (freedom / 2, 1.0) } else { ((freedom - 1) / 2, 2.0) };
    let (mut term, mut sum) = (1.0, 0.0);
    for k in 0..terms {
        sum += term;
        let part = first + 2.0 * f64::from(k);
        term *= cosine * cosine * part / (part + 1.0);
    }
    let within = if even { sine * sum } else { 2.0 / PI * (theta + sine * cosine * sum) };
    (1.0 - within).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_critical_values_hold() {
        // Tables of the distribution, two-sided 0.05: 12.706, 4.303, 3.182, 2.776, 2.228 and 2.042.
        for (freedom, t) in [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (10, 2.228), (30, 2.042)] {
            assert!((two_sided(t, freedom) - 0.05).abs() < 1e-4, "{freedom}: {}", two_sided(t, freedom));
            assert_eq!(two_sided(-t, freedom), two_sided(t, freedom));
        }
        assert_eq!([1, 2, 5].map(|freedom| two_sided(0.0, freedom)), [1.0; 3]);
    }

    #[test]
    fn a_case_by_hand() {
        // 1, 2, 3: mean 2, deviation 1, so t = 2 sqrt(3), and with two degrees of freedom p = 1 - t / sqrt(2 + t^2).
        let test = paired(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(test.freedom, 2);
        assert!((test.t - 12.0_f64.sqrt()).abs() < 1e-15);
        assert!((test.p - (1.0 - (12.0_f64 / 14.0).sqrt())).abs() < 1e-15);
    }

    #[test]
    fn without_a_spread_there_is_no_test() {
        assert_eq!([paired(&[]), paired(&[0.3]), paired(&[0.3, 0.3])], [None; 3]);
        // The mean of three times 0.1 is not 0.1, by the last bit.
        assert_eq!([paired(&[0.1; 3]), paired(&[-0.7; 10])], [None; 2]);
    }
}
