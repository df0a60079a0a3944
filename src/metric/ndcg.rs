//! NDCG@K: how near the top the target stands, with a logarithmic discount.
//!
//! With one target the ideal list has it first, whose gain is 1, so nothing is left to normalize.

use super::Metric;

/// `NDCG@K = 1 / log2(rank + 1) if rank <= K, else 0`.
pub(super) const NDCG: Metric = Metric {
    name: "ndcg",
    title: "NDCG",
    higher_is_better: true,
    value: |rank, cutoff| if rank <= f64::from(cutoff) { (rank + 1.0).log2().recip() } else { 0.0 },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_discount_is_the_binary_logarithm_of_the_rank_and_one() {
        // Ranks 1, 3 and 7: log2 of 2, 4 and 8.
        let expected = [1.0, 1.0 / 2.0, 1.0 / 3.0, 0.0];
        for (rank, expected) in [1.0, 3.0, 7.0, 15.0].into_iter().zip(expected) {
            assert!(((NDCG.value)(rank, 10) - expected).abs() < 1e-12, "rank {rank}");
        }
    }
}
