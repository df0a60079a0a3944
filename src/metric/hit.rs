//! Hit@K: whether the target is among the first K. With one target it is Recall@K; session papers also print it as P@K.

use super::Metric;

/// `Hit@K = 1 if rank <= K, else 0`.
pub(super) const HIT: Metric = Metric {
    name: "hit",
    title: "Hit",
    higher_is_better: true,
    value: |rank, cutoff| if rank <= f64::from(cutoff) { 1.0 } else { 0.0 },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_place_within_the_cutoff_counts_and_the_next_does_not() {
        assert_eq!([1.0, 20.0, 20.5, 21.0].map(|rank| (HIT.value)(rank, 20)), [1.0, 1.0, 0.0, 0.0]);
    }
}
