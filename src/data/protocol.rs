//! The protocol: every silent choice of an evaluation, made explicit. Its digest travels with each number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Each choice that changes what a number means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Which part of the data picks the epoch.
    #[serde(default)]
    pub select_on: SelectOn,
    /// Whether one epoch is picked for all metrics, or one for each.
    #[serde(default)]
    pub select_by: SelectBy,
    /// Share of the training sessions, the last ones by end time, that is held out for validation where the split makes
    /// no validation part itself.
    #[serde(default = "tenth")]
    pub validation_share: f64,
    /// What a target's rank is when other candidates score the same.
    #[serde(default)]
    pub ties: Ties,
    /// Whether a model may see the operation of the target.
    #[serde(default)]
    pub target_operation: TargetOperation,
    /// Whether every prefix of a test session is a sample, or only the whole session.
    #[serde(default = "yes")]
    pub test_prefixes: bool,
}

impl Protocol {
    /// The protocol as it enters cache keys. The tie rule is left at its default there: ranks record how many
    /// candidates tie, so another rule gives other numbers without a model being run again.
    ///
    /// # Panics
    /// Never: a protocol is plain data.
    pub fn in_keys(&self) -> Value {
        let protocol = Self { ties: Ties::default(), ..self.clone() };
        serde_json::to_value(protocol).expect("a protocol is plain data")
    }
}

/// Which part of the data picks the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SelectOn {
    /// Sessions held out from training; nothing of the test set is looked at.
    #[default]
    Validation,
    /// The test set itself, as several published codes do. Optimistic.
    Test,
}

/// How the epoch is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SelectBy {
    /// The best MRR@20 picks one epoch for every metric.
    #[default]
    Mrr,
    /// Each metric takes its own best epoch, as the published MKM-SR code does.
    EachMetric,
}

/// What a target's rank is when other candidates score the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// 1 + number above + half the number of ties.
    #[default]
    Mean,
    /// 1 + number above.
    Optimistic,
    /// 1 + number above + number of ties.
    Pessimistic,
}

/// Whether a model may see the operation of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetOperation {
    /// It may not.
    #[default]
    Hidden,
    /// It may, as the published EMBSR code does. A leak.
    Visible,
}

fn tenth() -> f64 {
    0.1
}

fn yes() -> bool {
    true
}
