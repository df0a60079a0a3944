//! The numbers of this room held against SciPy's: `tests/reference/significance.py` made the file that is read here.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bootstrap::{Cluster, Interval, interval, tests::of_replicates};
use super::effect::{d_z, rank_biserial};
use super::power::pairs_needed;
use super::wilcoxon::wilcoxon;
use super::{normal, student};

#[derive(Deserialize)]
struct Reference {
    wilcoxon: BTreeMap<String, Ranked>,
    student: BTreeMap<String, Paired>,
    bootstrap: BTreeMap<String, Drawn>,
    power: Vec<Powered>,
    quantiles: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct Ranked {
    differences: Vec<f64>,
    differing: usize,
    positive: f64,
    negative: f64,
    p: f64,
    rank_biserial: f64,
    d_z: f64,
}

#[derive(Deserialize)]
struct Paired {
    differences: Vec<f64>,
    t: f64,
    freedom: u32,
    p: f64,
}

#[derive(Deserialize)]
struct Drawn {
    sums: Vec<f64>,
    samples: Vec<f64>,
    replicates: Vec<f64>,
    of_replicates: [f64; 2],
    own: [f64; 2],
}

#[derive(Deserialize)]
struct Powered {
    d_z: f64,
    pairs: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../../tests/reference/significance.json")).unwrap()
}

#[track_caller]
fn same(case: &str, value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-9 * expected.abs() + 1e-300, "{case}: {value} is not {expected}");
}

#[test]
fn the_signed_rank_test_gives_scipys_sums_and_p_with_ties_zeros_few_and_many_pairs() {
    for (case, expected) in reference().wilcoxon {
        let test = wilcoxon(&expected.differences);
        let sums = (expected.differing, expected.positive, expected.negative);
        assert_eq!((test.differing, test.positive, test.negative), sums, "{case}");
        same(&case, test.p, expected.p);
        same(&case, rank_biserial(&test), expected.rank_biserial);
        same(&case, d_z(&expected.differences).unwrap(), expected.d_z);
    }
}

#[test]
fn the_paired_t_test_gives_scipys_t_and_p() {
    for (case, expected) in reference().student {
        let test = student::paired(&expected.differences).unwrap();
        assert_eq!(test.freedom, expected.freedom, "{case}");
        same(&case, test.t, expected.t);
        same(&case, test.p, expected.p);
    }
}

#[test]
fn of_the_same_replicates_the_bootstrap_takes_scipys_bounds_and_of_its_own_nearly_so() {
    for (case, expected) in reference().bootstrap {
        let pairs = expected.sums.into_iter().zip(expected.samples);
        let clusters: Vec<Cluster> = pairs.map(|(sum, samples)| Cluster { sum, samples }).collect();
        let Interval { low, high } = of_replicates(expected.replicates, &clusters);
        same(&case, low, expected.of_replicates[0]);
        same(&case, high, expected.of_replicates[1]);
        // With 10,000 resamples a bound is off by about a hundredth of the width, and more in the tail of skewed values.
        let own = interval(&clusters, 0.95).unwrap();
        let width = expected.own[1] - expected.own[0];
        for (bound, scipys) in [own.low, own.high].into_iter().zip(expected.own) {
            assert!((bound - scipys).abs() < 0.04 * width, "{case}: {bound} is not about {scipys}");
        }
    }
}

#[test]
fn the_number_of_pairs_by_the_normal_curve_is_at_most_one_off_the_exact_one() {
    for Powered { d_z, pairs } in reference().power {
        // Two differences with this mean in units of their deviation.
        let apart = std::f64::consts::FRAC_1_SQRT_2;
        let needed = pairs_needed(&[d_z - apart, d_z + apart], 0.05, 0.8).unwrap();
        assert!((needed - pairs).abs() <= 1.0, "{d_z}: {needed}, exactly {pairs}");
    }
}

#[test]
fn the_quantiles_of_the_normal_curve_are_scipys() {
    for [p, z] in reference().quantiles {
        assert!((normal::quantile(p) - z).abs() < 1e-9, "{p}");
    }
}
