//! MRR@K: how near the top the target stands, as the reciprocal of its rank.

use super::Metric;

/// `MRR@K = 1 / rank if rank <= K, else 0`.
pub(super) const MRR: Metric = Metric {
    name: "mrr",
    title: "MRR",
    higher_is_better: true,
    value: |rank, cutoff| if rank <= f64::from(cutoff) { 1.0 / rank } else { 0.0 },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_reciprocal_of_the_rank() {
        assert_eq!([1.0, 2.0, 2.5, 4.0, 5.0].map(|rank| (MRR.value)(rank, 4)), [1.0, 0.5, 0.4, 0.25, 0.0]);
    }
}
