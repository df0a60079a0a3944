//! Early stopping: which epochs are kept, and when there is no more to hope for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::TrainerError;
use crate::evaluate::{Metric, Ranks};
use crate::job::{Rule, Selection};
use crate::model::{Patience, Training};

/// The metric that picks the epoch under `Rule::Mrr`.
const JUDGE: &str = "mrr@20";

/// Which metrics are computed after each epoch, and which of them keep an epoch.
#[derive(Debug)]
pub struct Judges {
    metrics: Vec<(String, Metric)>,
    /// (name of the kept epoch, metric that it must be best in).
    slots: Vec<(String, String)>,
}

impl Judges {
    /// Reads the metrics that `selection` names.
    ///
    /// # Errors
    /// When a metric is unknown, or none is named.
    pub fn new(selection: &Selection) -> Result<Self, TrainerError> {
        let mut names = selection.metrics.clone();
        let slots = match selection.rule {
            Rule::Mrr => {
                if !names.iter().any(|name| name == JUDGE) {
                    names.push(JUDGE.into());
                }
                vec![("best".to_owned(), JUDGE.to_owned())]
            }
            Rule::EachMetric => names.iter().map(|name| (name.clone(), name.clone())).collect(),
        };
        if slots.is_empty() {
            return Err(TrainerError::job("`selection.metrics` is empty", "name at least one, such as `mrr@20`"));
        }
        let metrics: Result<Vec<_>, TrainerError> =
            names.into_iter().map(|name| Ok((name.clone(), name.parse()?))).collect();
        Ok(Self { metrics: metrics?, slots })
    }

    /// The value of every metric.
    ///
    /// # Errors
    /// When the device fails.
    pub fn measure(&self, ranks: &Ranks) -> Result<BTreeMap<String, f64>, TrainerError> {
        self.metrics.iter().map(|(name, metric)| Ok((name.clone(), metric.mean(ranks)?))).collect()
    }
}

/// What is kept so far. The weights of the kept epochs stand beside it, under the same names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The kept epoch and its metrics, by name.
    pub best: BTreeMap<String, Best>,
    /// Epochs without a new best that count against the patience.
    pub barren: u32,
}

/// A kept epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The epoch, from 1.
    pub epoch: u32,
    /// What it reached.
    pub metrics: BTreeMap<String, f64>,
}

impl Kept {
    /// Compares `epoch` with what is kept, and returns the names under which it is the new best. The first of equals
    /// stays.
    pub fn offer(
        &mut self,
        judges: &Judges,
        training: &Training,
        epoch: u32,
        metrics: &BTreeMap<String, f64>,
    ) -> Vec<String> {
        let mut won = Vec::new();
        for (slot, metric) in &judges.slots {
            if self.best.get(slot).is_none_or(|best| metrics[metric] > best.metrics[metric]) {
                self.best.insert(slot.clone(), Best { epoch, metrics: metrics.clone() });
                won.push(slot.clone());
            }
        }
        match training.patience_counts {
            _ if won.is_empty() => self.barren += 1,
            Patience::InTotal => {}
            Patience::InARow => self.barren = 0,
        }
        won
    }

    /// True when training should stop before its last epoch.
    #[must_use]
    pub fn is_exhausted(&self, training: &Training) -> bool {
        self.barren >= training.patience.get()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::dataset::PartName;

    fn judges(rule: Rule) -> Judges {
        let metrics = vec!["hit@20".to_owned(), "mrr@20".to_owned()];
        Judges::new(&Selection { part: PartName::Valid, rule, metrics }).expect("known metrics")
    }

    fn metrics(hit: f64, mrr: f64) -> BTreeMap<String, f64> {
        BTreeMap::from([("hit@20".to_owned(), hit), ("mrr@20".to_owned(), mrr)])
    }

    fn training(patience: u32, patience_counts: Patience) -> Training {
        Training { patience: NonZeroU32::new(patience).expect("positive"), patience_counts, ..Training::default() }
    }

    #[test]
    fn by_mrr_the_first_of_the_best_epochs_is_kept() {
        let (judges, training) = (judges(Rule::Mrr), training(2, Patience::InTotal));
        let mut kept = Kept::default();
        assert_eq!(kept.offer(&judges, &training, 1, &metrics(0.1, 0.1)), ["best"]);
        assert!(kept.offer(&judges, &training, 2, &metrics(0.9, 0.1)).is_empty());
        assert_eq!(kept.offer(&judges, &training, 3, &metrics(0.2, 0.2)), ["best"]);
        assert_eq!(kept.best["best"].epoch, 3);
        assert!(!kept.is_exhausted(&training));
        assert!(kept.offer(&judges, &training, 4, &metrics(0.2, 0.1)).is_empty());
        assert!(kept.is_exhausted(&training), "two barren epochs in total");
    }

    #[test]
    fn each_metric_keeps_an_epoch_of_its_own_and_a_new_best_renews_patience_in_a_row() {
        let (judges, training) = (judges(Rule::EachMetric), training(2, Patience::InARow));
        let mut kept = Kept::default();
        assert_eq!(kept.offer(&judges, &training, 1, &metrics(0.1, 0.2)), ["hit@20", "mrr@20"]);
        assert!(kept.offer(&judges, &training, 2, &metrics(0.1, 0.2)).is_empty());
        assert_eq!(kept.offer(&judges, &training, 3, &metrics(0.3, 0.1)), ["hit@20"]);
        assert!(kept.offer(&judges, &training, 4, &metrics(0.1, 0.1)).is_empty());
        assert!(!kept.is_exhausted(&training));
        assert_eq!((kept.best["hit@20"].epoch, kept.best["mrr@20"].epoch), (3, 1));
    }
}
