//! What an experiment file may say. These types are the file's schema; nothing else reads the YAML.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::claims::Claim;
use super::figures::FigureSpec;
use super::grid::{AxisValue, Grid};
use super::maps::MapsSpec;
use crate::data::breakdown::Breakdown;
use crate::data::protocol::Protocol;

/// An experiment: pipelines, a grid over them, a protocol, and what to report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The heading of the report.
    pub title: String,
    /// What the experiment asks, in a sentence or two.
    #[serde(default)]
    pub about: String,
    /// The data sets, by the name that the grid's `dataset` axis uses.
    pub datasets: BTreeMap<String, DatasetSpec>,
    /// Hyper-parameters by model; only what differs from the model's defaults.
    #[serde(default)]
    pub models: BTreeMap<String, Map<String, Value>>,
    /// Models under other settings, by names of their own: values of the `model` axis like the models themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<String, Variant>,
    /// The cells.
    pub grid: Grid,
    /// Pieces of an experiment by name, to be laid over this file with `--profile NAME`: maps merge key by key, `null`
    /// takes away, everything else is replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<String, Map<String, Value>>,
    /// `paper`, `published-code`, or each choice spelled out.
    #[serde(default)]
    pub protocol: ProtocolChoice,
    /// Where the trainer is, if not beside `sr-pipe`: any program that speaks the trainer's contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trainer: Option<String>,
    /// What to print; without it the cells run and no table is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportSpec>,
    /// Sentences to test on the results.
    #[serde(default)]
    pub claims: Vec<Claim>,
}

/// A model under other settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The model.
    pub of: String,
    /// Its name in tables; without it the name of the variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Hyper-parameters, laid over those that `models` has for the model.
    #[serde(default)]
    pub config: Map<String, Value>,
}

/// A data set: a pipeline and what to fill into its `${name}` places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetSpec {
    /// The pipeline file, relative to this file.
    pub pipeline: String,
    /// Values for the pipeline's `${name}` places, beside the cell's own axes.
    #[serde(default)]
    pub with: BTreeMap<String, Value>,
    /// Whether a run goes on without it, and says so, where its raw files are absent. Otherwise such a run does not
    /// begin.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
}

fn is_false(switch: &bool) -> bool {
    !switch
}

/// A protocol by name, or spelled out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolChoice {
    /// Nothing of the test set is looked at before the end.
    #[default]
    Paper,
    /// What the released code of MKM-SR does: the test set picks the epoch, for each metric by itself.
    PublishedCode,
    /// Each choice spelled out; what is left out is as in `paper`.
    Custom(Protocol),
}

/// The table of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportSpec {
    /// The axis whose values are the rows.
    #[serde(default = "model_axis")]
    pub rows: String,
    /// The axis whose values are the columns.
    #[serde(default = "dataset_axis")]
    pub columns: String,
    /// Metrics with their cut-off: `hit@20`, `mrr@20`.
    #[serde(default = "usual_metrics")]
    pub metrics: Vec<String>,
    /// Ways to tell the test samples apart: each makes a further table under the main one, with the metrics of each group
    /// of samples. They come from the ranks that are kept; no model runs again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breakdowns: Vec<Breakdown>,
    /// Figures, each an SVG file beside the report, in the order in which the report shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<FigureSpec>,
    /// Instead of metrics, statistics of the data sets by name: `sessions`, `mean session length`. They are the rows, and
    /// only the stages run that the `statistics` stages of the pipelines need, and their `audit` stages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<String>,
    /// A value of the axis of the rows, the proposed model: a last row says by how much it improves on the best other row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub improvement: Option<AxisValue>,
    /// By how many points a metric may move before `sr-pipe report --check` says so; without it, by the standard deviation
    /// of the number that it is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub tolerance: Option<f64>,
    /// Instead of metrics, maps of item vectors: only the stages run that the `map_vectors` stages of the pipelines need, and
    /// their `audit` stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maps: Option<MapsSpec>,
    /// Numbers printed in the paper, to stand beside ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<PaperNumbers>,
    /// Remarks printed under the table, one paragraph each.
    #[serde(default)]
    pub notes: Vec<String>,
}

fn model_axis() -> String {
    "model".into()
}

fn dataset_axis() -> String {
    "dataset".into()
}

fn usual_metrics() -> Vec<String> {
    vec!["hit@20".into(), "mrr@20".into()]
}

/// Numbers printed in a paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaperNumbers {
    /// Where they are printed: `MKM-SR (SIGIR 2020), Table 2`.
    pub source: String,
    /// In per cent: column, then row, then metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, BTreeMap<String, BTreeMap<String, f64>>>,
    /// Column, then statistic; shares in per cent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statistics: BTreeMap<String, BTreeMap<String, f64>>,
}
