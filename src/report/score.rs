//! From a cell's ranks to numbers: which selection a metric reads, and means over samples and seeds.

use crate::data::breakdown::Split;
use crate::data::protocol::Ties;
use crate::data::ranks::{Rank, Ranks};
use crate::experiment::types::ReportSpec;
use crate::metric::{MetricAt, MetricError, rank};

use super::CellRanks;

/// The metrics of a table.
pub(super) fn metrics(spec: &ReportSpec) -> Result<Vec<MetricAt>, MetricError> {
    spec.metrics.iter().map(|written| written.parse()).collect()
}

/// The selection that a metric reads: the one of its own name, else `best`.
fn selection(ranks: &Ranks, metric: MetricAt) -> Option<(&str, &[Rank])> {
    let own = metric.to_string();
    [own.as_str(), "best"]
        .into_iter()
        .find_map(|name| ranks.selections.get_key_value(name))
        .map(|(name, ranks)| (name.as_str(), ranks.as_slice()))
        .filter(|(_, ranks)| !ranks.is_empty())
}

/// The metric over all test samples, 0 to 1; nothing when there are none.
pub fn value_of(ranks: &Ranks, metric: MetricAt, ties: Ties) -> Option<f64> {
    let (_, ranks) = selection(ranks, metric)?;
    Some(mean(ranks.iter().map(|r| metric.value(rank(r.above, r.ties, ties)))))
}

impl CellRanks {
    /// The selection that a metric reads.
    pub(super) fn selection(&self, metric: MetricAt) -> Option<(&str, &[Rank])> {
        selection(&self.ranks, metric)
    }

    /// The metric over all test samples, 0 to 1; nothing when there are none.
    pub(super) fn mean(&self, metric: MetricAt, ties: Ties) -> Option<f64> {
        value_of(&self.ranks, metric, ties)
    }

    /// The metric over the test samples of one group, 0 to 1; nothing when there are none, or when the samples are gone.
    pub(super) fn mean_in(&self, metric: MetricAt, ties: Ties, split: &Split, group: usize) -> Option<f64> {
        let samples = self.samples.as_deref()?;
        let (_, ranks) = self.selection(metric)?;
        let belongs = |r: &&Rank| {
            let sample = usize::try_from(r.sample).ok().and_then(|at| samples.get(at));
            sample.is_some_and(|sample| (split.group_of)(sample) == group)
        };
        let values: Vec<f64> =
            ranks.iter().filter(belongs).map(|r| metric.value(rank(r.above, r.ties, ties))).collect();
        (!values.is_empty()).then(|| mean(values.into_iter()))
    }

    /// How many test samples each group has; nothing when the samples are gone.
    pub(super) fn sizes(&self, split: &Split) -> Option<Vec<usize>> {
        let mut sizes = vec![0; split.groups.len()];
        self.samples.as_deref()?.iter().for_each(|sample| sizes[(split.group_of)(sample)] += 1);
        Some(sizes)
    }

    /// How much the metric owes to the rule for ties: optimistic less pessimistic.
    pub(super) fn tie_gap(&self, metric: MetricAt) -> Option<f64> {
        Some((self.mean(metric, Ties::Optimistic)? - self.mean(metric, Ties::Pessimistic)?).abs())
    }
}

/// A mean over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// The mean.
    pub(super) mean: f64,
    /// The sample standard deviation (divided by n - 1); nothing with one seed.
    pub(super) deviation: Option<f64>,
}

impl Spread {
    /// Nothing when there are no values.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let center = mean(values.iter().copied());
        let squares: f64 = values.iter().map(|v| (v - center).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt());
        Some(Self { mean: center, deviation })
    }
}

/// The mean of at least one value.
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    values.sum::<f64>() / count as f64
}
