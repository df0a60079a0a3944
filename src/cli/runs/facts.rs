//! All that is on record of a cell in one run as one flat row, field by field: what is searched, shown and exported.

use std::collections::{BTreeMap, HashMap};

use camino::Utf8Path;
use serde_json::{Map, Value, json};

use crate::artifact::Store;
use crate::cli::say;
use crate::data::protocol::Protocol;
use crate::data::ranks::Ranks;
use crate::hash::ContentHash;
use crate::metric::MetricAt;
use crate::record::{AttemptRow, CellDetail, Details, RunDetail, StageDetail};
use crate::report::value_of;

/// Makes rows, and remembers what many cells share.
pub(super) struct Facts<'a> {
    details: &'a Details,
    store: &'a Store,
    metrics: Vec<MetricAt>,
    /// Values of the metrics by object and digest of the protocol, which has the rule for ties.
    values: HashMap<(String, String), Vec<Option<f64>>>,
    /// Fields of configs by key and stage.
    configs: HashMap<String, Vec<(String, Value)>>,
}

impl<'a> Facts<'a> {
    /// Rows over these details, with these metrics where the ranks are in the store.
    pub(super) fn new(details: &'a Details, store: &'a Store, metrics: Vec<MetricAt>) -> Self {
        Self { details, store, metrics, values: HashMap::new(), configs: HashMap::new() }
    }

    /// The row of a cell, without the metrics.
    pub(super) fn row(&mut self, run: &RunDetail, cell: &CellDetail) -> Map<String, Value> {
        let stages = run.stages_of(cell);
        let mut row = Map::new();
        row.insert("run".into(), json!(run.run.id));
        row.insert("experiment".into(), json!(run.run.experiment));
        row.insert("cell".into(), json!(cell.name));
        row.insert("seed".into(), json!(cell.seed));
        row.insert("state".into(), json!(cell.state));
        for (axis, value) in &cell.coordinates {
            // An axis may have the name of a field.
            let name = if row.contains_key(axis) || FIELDS.contains(&axis.as_str()) {
                format!("axis.{axis}")
            } else {
                axis.clone()
            };
            row.insert(name, json!(value));
        }
        row.insert("started".into(), json!(run.run.started));
        row.insert("finished".into(), json!(run.run.finished));
        row.insert("key".into(), json!(cell.key));
        row.insert("object".into(), json!(cell.object));
        row.insert("experiment_digest".into(), json!(run.run.digest));
        row.insert("protocol_digest".into(), json!(run.run.protocol_digest));
        self.effort(&stages, &mut row);
        self.made_in(run, cell, &mut row);
        flatten("protocol", &run.run.protocol, &mut row);
        flatten("choices", &run.run.choices, &mut row);
        for stage in stages {
            for (field, value) in self.config(stage) {
                row.entry(field.clone()).or_insert_with(|| value.clone());
            }
        }
        row
    }

    /// Time, memory and attempts of all stages of a cell, whichever run made them, and its curve.
    fn effort(&self, stages: &[&StageDetail], row: &mut Map<String, Value>) {
        let makers: Vec<(&str, &AttemptRow)> = stages
            .iter()
            .filter_map(|stage| Some((stage.name(), self.details.maker(stage.key.as_deref()?)?)))
            .collect();
        let most = |of: fn(&AttemptRow) -> Option<i64>| makers.iter().filter_map(|(_, attempt)| of(attempt)).max();
        let seconds: f64 = makers.iter().filter_map(|(_, attempt)| attempt.seconds).sum();
        row.insert("seconds".into(), json!(seconds));
        row.insert("threads".into(), json!(most(|attempt| attempt.threads)));
        row.insert("peak_memory".into(), json!(most(|attempt| attempt.peak_memory)));
        row.insert("peak_gpu_memory".into(), json!(most(|attempt| attempt.peak_gpu_memory)));
        let gpus = makers.iter().rev().find_map(|(_, attempt)| attempt.gpus.clone());
        row.insert("gpus".into(), json!(gpus));
        let keys = stages.iter().filter_map(|stage| stage.key.as_deref());
        let tries: usize = keys.clone().filter_map(|key| self.details.attempts.get(key)).map(Vec::len).sum();
        row.insert("attempts".into(), json!(tries));
        for (stage, attempt) in &makers {
            row.insert(format!("seconds.{stage}"), json!(attempt.seconds));
        }
        for key in keys {
            let curve = self.details.curve(key);
            let Some(last) = curve.last() else { continue };
            row.insert("epochs".into(), json!(curve.len()));
            row.insert("epoch.loss".into(), last["loss"].clone());
            let mut best: BTreeMap<&String, f64> = BTreeMap::new();
            for (name, value) in curve.iter().filter_map(|event| event["metrics"].as_object()).flatten() {
                if let Some(value) = value.as_f64() {
                    let so_far = best.entry(name).or_insert(value);
                    *so_far = so_far.max(value);
                }
            }
            row.extend(best.into_iter().map(|(name, value)| (format!("epoch.{name}"), json!(value))));
        }
    }

    /// Where and with what the cell's result was made: that may be an earlier run.
    fn made_in(&self, run: &RunDetail, cell: &CellDetail, row: &mut Map<String, Value>) {
        let maker = cell.key.as_deref().and_then(|key| self.details.maker(key));
        row.insert("made_in".into(), json!(maker.map(|attempt| attempt.run)));
        let made_with = maker.and_then(|attempt| self.details.environment(attempt.run));
        for (field, value) in made_with.unwrap_or(&run.run.environment).as_object().into_iter().flatten() {
            row.entry(field.clone()).or_insert_with(|| value.clone());
        }
    }

    /// The fields of a stage's config: hyper-parameters as `config.training.epochs`, all else as `config.STAGE.FIELD`.
    fn config(&mut self, stage: &StageDetail) -> &[(String, Value)] {
        let Some(key) = &stage.key else { return &[] };
        let details = self.details;
        self.configs.entry(format!("{key} {}", stage.name())).or_insert_with(|| {
            let mut fields = Map::new();
            let config = details.fingerprint(key).map(|fingerprint| &fingerprint["config"]);
            for (name, value) in config.and_then(Value::as_object).into_iter().flatten() {
                if name == "hyper_parameters" {
                    flatten("config", value, &mut fields);
                } else {
                    flatten(&format!("config.{}.{name}", stage.name()), value, &mut fields);
                }
            }
            fields.into_iter().collect()
        })
    }

    /// Adds the metrics of the test set: the numbers of the report. Null where the ranks are not in the store.
    pub(super) fn add_metrics(&mut self, run: &RunDetail, cell: &CellDetail, row: &mut Map<String, Value>) {
        // Without the protocol's rule for ties there is no number.
        let ties = serde_json::from_value::<Protocol>(run.run.protocol.clone()).map(|protocol| protocol.ties).ok();
        let values = cell.object.as_ref().map(|object| {
            self.values.entry((object.clone(), run.run.protocol_digest.clone())).or_insert_with(|| {
                let ranks = object.parse::<ContentHash>().ok().and_then(|object| {
                    let path = self.store.files(&object).join("ranks.parquet");
                    path.is_file().then(|| readable(&path)).flatten()
                });
                self.metrics.iter().map(|metric| value_of(ranks.as_ref()?, *metric, ties?)).collect()
            })
        });
        for (place, metric) in self.metrics.iter().enumerate() {
            row.insert(metric.to_string(), json!(values.as_ref().and_then(|values| values[place])));
        }
    }
}

/// Fields that every row has, beside the axes; an axis of such a name is `axis.NAME`.
pub(super) const FIELDS: [&str; 31] = [
    "run",
    "experiment",
    "cell",
    "seed",
    "state",
    "started",
    "finished",
    "key",
    "object",
    "experiment_digest",
    "protocol_digest",
    "seconds",
    "threads",
    "peak_memory",
    "peak_gpu_memory",
    "gpus",
    "attempts",
    "epochs",
    "made_in",
    "sr_pipe",
    "trainer",
    "libtorch",
    "devices",
    "git_commit",
    "git_dirty",
    "git_diff",
    "host",
    "system",
    "cpu",
    "cores",
    "memory",
];

/// The fields of a value, each under its path; lists stay as they are.
pub(super) fn flatten(path: &str, value: &Value, into: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&format!("{path}.{name}"), value, into);
            }
        }
        other => {
            into.insert(path.to_owned(), other.clone());
        }
    }
}

/// A value in a table or a file of text: words bare, nothing where it is missing.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The ranks in a file; one that cannot be read is told, and its numbers are missing.
fn readable(path: &Utf8Path) -> Option<Ranks> {
    match Ranks::read(path) {
        Ok(ranks) => Some(ranks),
        Err(error) => {
            say(&format!(
                "warning: `{path}` cannot be read, so its metrics are missing: {error}\nhelp: `sr-pipe cache verify` tells what is damaged"
            ));
            None
        }
    }
}
