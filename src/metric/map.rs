//! MAP@K: mean average precision. The precision at the place of each target, averaged over the targets.

use super::Metric;

/// With one target the average has one term, the precision at its place: `AP@K = 1 / rank if rank <= K, else 0`.
///
/// It then equals MRR@K, which the next-item columns of KSR's tables also show.
pub(super) const MAP: Metric =
    Metric { name: "map", title: "MAP", higher_is_better: true, value: super::mrr::MRR.value };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_one_target_the_value_is_the_precision_at_its_place() {
        // At place 4 of the list one of four items is a target.
        assert_eq!([1.0, 4.0, 11.0].map(|rank| (MAP.value)(rank, 10)), [1.0, 0.25, 0.0]);
    }
}
