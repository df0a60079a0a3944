//! Metrics: what a target's rank is worth. Every number of a table comes from ranks through this list.
//!
//! A new metric is one file and one line in [`METRICS`].

pub mod hit;
pub mod map;
pub mod mrr;
pub mod ndcg;
pub mod significance;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::data::protocol::Ties;
use crate::diagnostic::did_you_mean;

/// What one target's rank is worth, cut off at `K`; a metric of a test set is the mean over its samples.
#[derive(Debug)]
pub struct Metric {
    /// The name in experiment files: `hit`.
    pub name: &'static str,
    /// The name in tables: `Hit`.
    pub title: &'static str,
    /// Whether a larger value is a better model.
    pub higher_is_better: bool,
    /// The value of a rank (from 1, halves when ties count as half) at a cut-off; 0 to 1.
    pub value: fn(rank: f64, cutoff: u32) -> f64,
}

/// The metrics, in the order in which messages list them.
pub static METRICS: [Metric; 4] = [hit::HIT, mrr::MRR, ndcg::NDCG, map::MAP];

/// A metric with its cut-off, as an experiment writes it: `hit@20`.
#[derive(Debug, Clone, Copy)]
pub struct MetricAt {
    /// The metric.
    pub metric: &'static Metric,
    /// Ranks beyond this are worth nothing.
    pub cutoff: u32,
}

impl MetricAt {
    /// What a target at this rank is worth.
    pub fn value(&self, rank: f64) -> f64 {
        (self.metric.value)(rank, self.cutoff)
    }

    /// The name in tables: `Hit@20`.
    pub fn title(&self) -> String {
        format!("{}@{}", self.metric.title, self.cutoff)
    }
}

impl fmt::Display for MetricAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.metric.name, self.cutoff)
    }
}

/// A metric that cannot be read. `Display` says what is wrong, [`MetricError::help`] what to write.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetricError {
    /// The name stands in no line of [`METRICS`].
    #[error("unknown metric `{name}`")]
    UnknownName {
        /// What was written before the `@`.
        name: String,
        /// The known metric that was probably meant.
        near: Option<&'static str>,
    },
    /// What follows the `@` is no whole number from 1, or there is no `@`.
    #[error("metric `{written}` has no cut-off")]
    NoCutoff {
        /// The whole text.
        written: String,
        /// The metric's name.
        name: &'static str,
    },
}

impl MetricError {
    /// The next step for the person who wrote it.
    pub fn help(&self) -> String {
        match self {
            Self::UnknownName { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::UnknownName { near: None, .. } => {
                format!("known: {}", METRICS.each_ref().map(|m| format!("`{}`", m.name)).join(", "))
            }
            Self::NoCutoff { name, .. } => format!("write a whole number from 1 after an `@`: `{name}@20`"),
        }
    }
}

impl FromStr for MetricAt {
    type Err = MetricError;

    fn from_str(written: &str) -> Result<Self, MetricError> {
        let (name, cutoff) = written.split_once('@').unwrap_or((written, ""));
        let Some(metric) = METRICS.iter().find(|m| m.name == name) else {
            let near = did_you_mean(name, METRICS.iter().map(|m| m.name));
            return Err(MetricError::UnknownName { name: name.to_owned(), near });
        };
        match cutoff.parse() {
            Ok(cutoff) if cutoff > 0 => Ok(Self { metric, cutoff }),
            _ => Err(MetricError::NoCutoff { written: written.to_owned(), name: metric.name }),
        }
    }
}

/// The rank of a target, from 1, when `above` candidates score higher and `ties` others the same.
pub fn rank(above: i32, ties: i32, how: Ties) -> f64 {
    let tied_above = match how {
        Ties::Optimistic => 0.0,
        Ties::Mean => f64::from(ties) / 2.0,
        Ties::Pessimistic => f64::from(ties),
    };
    1.0 + f64::from(above) + tied_above
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_metric_survives_being_written_and_read() {
        for metric in &METRICS {
            let written = format!("{}@20", metric.name);
            let read: MetricAt = written.parse().unwrap();
            assert_eq!(read.to_string(), written);
            assert_eq!(read.title(), format!("{}@20", metric.title));
        }
    }

    #[test]
    fn an_unknown_metric_offers_the_near_name() {
        let error = "ndgc@20".parse::<MetricAt>().unwrap_err();
        assert_eq!(error.to_string(), "unknown metric `ndgc`");
        assert_eq!(error.help(), "did you mean `ndcg`?");
        let far = "precision@20".parse::<MetricAt>().unwrap_err();
        assert_eq!(far.help(), "known: `hit`, `mrr`, `ndcg`, `map`");
    }

    #[test]
    fn a_metric_without_a_usable_cutoff_says_what_to_write() {
        for written in ["hit", "hit@", "hit@0", "hit@-1", "hit@x", "hit@20@5"] {
            let error = written.parse::<MetricAt>().unwrap_err();
            assert_eq!(error.to_string(), format!("metric `{written}` has no cut-off"));
            assert_eq!(error.help(), "write a whole number from 1 after an `@`: `hit@20`");
        }
    }

    #[test]
    fn ties_stand_below_above_or_half_way() {
        // Two candidates score higher, three others the same: places 3 to 6 are shared.
        assert_eq!(rank(2, 3, Ties::Optimistic), 3.0);
        assert_eq!(rank(2, 3, Ties::Mean), 4.5);
        assert_eq!(rank(2, 3, Ties::Pessimistic), 6.0);
    }

    #[test]
    fn a_model_that_scores_all_the_same_hits_nothing_in_the_mean() {
        // 100 candidates, all tied: rank 50.5, far outside 20.
        let hit: MetricAt = "hit@20".parse().unwrap();
        assert_eq!(hit.value(rank(0, 99, Ties::Mean)), 0.0);
        assert_eq!(hit.value(rank(0, 99, Ties::Optimistic)), 1.0);
    }

    fn any_metric() -> impl Strategy<Value = MetricAt> {
        (0..METRICS.len(), 1..200_u32).prop_map(|(i, cutoff)| MetricAt { metric: &METRICS[i], cutoff })
    }

    proptest! {
        #[test]
        fn a_value_lies_between_0_and_1(metric in any_metric(), above in 0..1000_i32, ties in 0..50_i32) {
            let value = metric.value(rank(above, ties, Ties::Mean));
            prop_assert!((0.0..=1.0).contains(&value), "{value}");
        }

        #[test]
        fn a_better_rank_is_never_worth_less(metric in any_metric(), above in 0..300_i32, further in 0..300_i32) {
            let (near, far) = (metric.value(rank(above, 0, Ties::Mean)), metric.value(rank(above + further, 0, Ties::Mean)));
            let falls = near >= far;
            prop_assert!(falls == metric.metric.higher_is_better || near == far);
        }

        #[test]
        fn first_place_is_worth_1_and_a_rank_beyond_the_cutoff_nothing(metric in any_metric(), further in 1..100_u32) {
            prop_assert_eq!(metric.value(1.0), 1.0);
            prop_assert_eq!(metric.value(f64::from(metric.cutoff + further)), 0.0);
        }

        #[test]
        fn the_rank_with_half_the_ties_lies_between_the_other_two(above in 0..1000_i32, ties in 0..50_i32) {
            let [low, middle, high] = [Ties::Optimistic, Ties::Mean, Ties::Pessimistic].map(|how| rank(above, ties, how));
            prop_assert!(low <= middle && middle <= high);
            prop_assert_eq!(low + high, 2.0 * middle);
        }
    }
}
