//! From an experiment file to its parts: the file, its pipelines, its protocol; all errors at once.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::types::{Experiment, ProtocolChoice};
use crate::data::protocol::{Protocol, SelectBy, SelectOn, Ties};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Document, Part, Step, keys};
use crate::hash::ContentHash;
use crate::metric::MetricAt;
use crate::pipeline::PipelineFile;
use crate::stage::hyper_parameters::configure;
use crate::stage::trainer::Trainer;

/// An experiment file that has been read, with the pipelines that it names.
#[derive(Debug, Clone)]
pub struct ExperimentFile {
    /// The file.
    pub document: Document,
    /// What it says.
    pub experiment: Experiment,
    /// Pipelines by data set.
    pub pipelines: BTreeMap<String, PipelineFile>,
}

impl ExperimentFile {
    /// Reads an experiment and its pipelines.
    ///
    /// # Errors
    /// Everything that is wrong with the files by themselves, each with its place.
    pub fn read(path: &Utf8Path) -> Result<Self, Vec<Diagnostic>> {
        let document = Document::read(path).map_err(|error| vec![error])?;
        let experiment: Experiment = document.typed().map_err(|error| vec![error])?;
        let folder = path.parent().unwrap_or(Utf8Path::new("."));
        let mut errors = Vec::new();
        let mut pipelines = BTreeMap::new();
        for (name, dataset) in &experiment.datasets {
            let file = tidy(&folder.join(&dataset.pipeline));
            match PipelineFile::read(&file) {
                Ok(pipeline) => {
                    pipelines.insert(name.clone(), pipeline);
                }
                Err(error) if error.location.is_none() => {
                    let path = keys(["datasets", name, "pipeline"]);
                    errors.push(
                        document
                            .error(&path, Part::Value, error.message)
                            .help("the path of a pipeline is relative to the experiment file"),
                    );
                }
                Err(error) => errors.push(error),
            }
        }
        let this = Self { document, experiment, pipelines };
        errors.extend(this.own_errors());
        if errors.is_empty() { Ok(this) } else { Err(errors) }
    }

    /// What can be told from the experiment file alone.
    fn own_errors(&self) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let grid = &self.experiment.grid;
        let datasets: Vec<&str> = self.experiment.datasets.keys().map(String::as_str).collect();
        match grid.product.get("dataset") {
            None => errors.push(
                self.document
                    .error(&keys(["grid", "product"]), Part::Key, "the grid has no `dataset` axis")
                    .help(format!("add `dataset: [{}]`", datasets.join(", "))),
            ),
            Some(values) => {
                for (index, value) in values.iter().enumerate() {
                    let name = value.to_string();
                    if !self.experiment.datasets.contains_key(&name) {
                        errors.push(
                            self.document
                                .error(&at_axis("dataset", index), Part::Value, format!("unknown data set `{name}`"))
                                .help(suggestion(&name, &datasets)),
                        );
                    }
                }
            }
        }
        for (axis, values) in &grid.product {
            let path = keys(["grid", "product", axis]);
            if values.is_empty() {
                errors.push(self.document.error(&path, Part::Key, format!("axis `{axis}` has no value")));
            }
            if ["seed", "seeds"].contains(&axis.as_str()) {
                errors.push(
                    self.document.error(&path, Part::Key, "seeds are no axis").help("write `grid.seeds: [1, 2, 3]`"),
                );
            }
        }
        errors.extend(self.idle_errors());
        if grid.seeds.is_empty() {
            errors.push(self.document.error(&keys(["grid", "seeds"]), Part::Key, "there is no seed"));
        }
        let share = self.protocol().validation_share;
        if !(0.0..1.0).contains(&share) {
            let path = keys(["protocol", "custom", "validation_share"]);
            errors.push(self.document.error(&path, Part::Value, "must be at least 0 and below 1"));
        }
        errors.extend(self.report_errors());
        errors
    }

    /// What would do nothing, and so was mistyped: exclusions of cells that are not there, values that no pipeline
    /// asks for.
    fn idle_errors(&self) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let product = &self.experiment.grid.product;
        let axes: Vec<&str> = product.keys().map(String::as_str).collect();
        for (index, out) in self.experiment.grid.exclude.iter().enumerate() {
            for (axis, value) in out {
                let mut path = keys(["grid", "exclude"]);
                path.extend([Step::Index(index), Step::Key(axis.clone())]);
                match product.get(axis) {
                    None => errors.push(
                        self.document
                            .error(&path, Part::Key, format!("unknown axis `{axis}`"))
                            .help(suggestion(axis, &axes)),
                    ),
                    Some(values) if !values.contains(value) => errors.push(self.document.error(
                        &path,
                        Part::Value,
                        format!("axis `{axis}` has no value `{value}`"),
                    )),
                    Some(_) => {}
                }
            }
        }
        for (name, dataset) in &self.experiment.datasets {
            let Some(pipeline) = self.pipelines.get(name) else { continue };
            let places = pipeline.all_places();
            for value in dataset.with.keys().filter(|value| !places.contains(value.as_str())) {
                let known: Vec<&str> = places.iter().copied().collect();
                errors.push(
                    self.document
                        .error(
                            &keys(["datasets", name, "with", value]),
                            Part::Key,
                            format!("the pipeline has no place `${{{value}}}`"),
                        )
                        .help(suggestion(value, &known)),
                );
            }
        }
        errors
    }

    fn report_errors(&self) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let axes: Vec<&str> = self.experiment.grid.product.keys().map(String::as_str).collect();
        let mut metric_error = |path: &[Step], name: &str| {
            if let Err(error) = name.parse::<MetricAt>() {
                errors.push(self.document.error(path, Part::Value, error.to_string()).help(error.help()));
            }
        };
        if let Some(report) = &self.experiment.report {
            for (index, name) in report.metrics.iter().enumerate() {
                let mut path = keys(["report", "metrics"]);
                path.push(Step::Index(index));
                metric_error(&path, name);
            }
        }
        for (index, claim) in self.experiment.claims.iter().enumerate() {
            metric_error(&[Step::Key("claims".into()), Step::Index(index), Step::Key("metric".into())], &claim.metric);
        }
        if let Some(report) = &self.experiment.report {
            for (field, axis) in [("rows", &report.rows), ("columns", &report.columns)] {
                if !axes.contains(&axis.as_str()) {
                    errors.push(
                        self.document
                            .error(&keys(["report", field]), Part::Value, format!("unknown axis `{axis}`"))
                            .help(suggestion(axis, &axes)),
                    );
                }
            }
        }
        for (index, claim) in self.experiment.claims.iter().enumerate() {
            for (side, values) in [("better", &claim.better), ("than", &claim.than)] {
                for (axis, value) in values {
                    let path = [
                        Step::Key("claims".into()),
                        Step::Index(index),
                        Step::Key(side.into()),
                        Step::Key(axis.clone()),
                    ];
                    match self.experiment.grid.product.get(axis) {
                        None => errors.push(
                            self.document
                                .error(&path, Part::Key, format!("unknown axis `{axis}`"))
                                .help(suggestion(axis, &axes)),
                        ),
                        Some(known) if !known.contains(value) => {
                            let names: Vec<String> = known.iter().map(ToString::to_string).collect();
                            let names: Vec<&str> = names.iter().map(String::as_str).collect();
                            errors.push(
                                self.document
                                    .error(&path, Part::Value, format!("axis `{axis}` has no value `{value}`"))
                                    .help(suggestion(&value.to_string(), &names)),
                            );
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        errors
    }

    /// What only the trainer knows: models and hyper-parameters. Located in the experiment file.
    pub fn model_errors(&self, trainer: &Trainer) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        for (index, value) in self.experiment.grid.product.get("model").into_iter().flatten().enumerate() {
            if let Err(complaint) = trainer.model(&value.to_string()) {
                let mut error = self.document.error(&at_axis("model", index), Part::Value, complaint.message);
                error.help = complaint.help;
                errors.push(error);
            }
        }
        for (name, overrides) in &self.experiment.models {
            match trainer.model(name) {
                Err(complaint) => {
                    let mut error = self.document.error(&keys(["models", name]), Part::Key, complaint.message);
                    error.help = complaint.help;
                    errors.push(error);
                }
                Ok(model) => {
                    for complaint in configure(model, overrides).err().into_iter().flatten() {
                        let mut path = keys(["models", name]);
                        path.extend(complaint.field.iter().cloned().map(Step::Key));
                        let part = if complaint.message.starts_with("unknown") { Part::Key } else { Part::Value };
                        let mut error = self.document.error(&path, part, complaint.message);
                        error.help = complaint.help;
                        errors.push(error);
                    }
                }
            }
        }
        errors
    }

    /// The protocol, each choice spelled out.
    pub fn protocol(&self) -> Protocol {
        let paper = Protocol {
            select_on: SelectOn::Validation,
            select_by: SelectBy::Mrr,
            validation_share: 0.1,
            ties: Ties::Mean,
            target_operation: crate::data::protocol::TargetOperation::Hidden,
            test_prefixes: true,
        };
        match &self.experiment.protocol {
            ProtocolChoice::Paper => paper,
            ProtocolChoice::PublishedCode => {
                Protocol { select_on: SelectOn::Test, select_by: SelectBy::EachMetric, validation_share: 0.0, ..paper }
            }
            ProtocolChoice::Custom(protocol) => protocol.clone(),
        }
    }

    /// Digest of the protocol: two numbers may be compared when theirs is the same.
    pub fn protocol_digest(&self) -> ContentHash {
        ContentHash::of_json(&json!(self.protocol()))
    }

    /// Digest of the experiment and its pipelines as they are written.
    pub fn digest(&self) -> ContentHash {
        let mut texts = vec![json!(self.document.text)];
        texts.extend(self.pipelines.values().map(|pipeline| json!(pipeline.document.text)));
        ContentHash::of_json(&json!(texts))
    }

    /// True when some stage trains: only then is a trainer needed.
    pub fn needs_trainer(&self) -> bool {
        self.pipelines.values().any(|pipeline| {
            let stages = pipeline.document.value["stages"].as_object();
            stages
                .into_iter()
                .flatten()
                .any(|(_, stage)| stage.get("train").is_some() || stage.get("evaluate").is_some())
        })
    }
}

fn at_axis(axis: &str, index: usize) -> Vec<Step> {
    let mut path = keys(["grid", "product", axis]);
    path.push(Step::Index(index));
    path
}

/// `experiments/../pipelines/a.yaml` as a person would write it: `pipelines/a.yaml`.
fn tidy(path: &Utf8Path) -> Utf8PathBuf {
    let mut tidy = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            camino::Utf8Component::ParentDir
                if matches!(tidy.components().next_back(), Some(camino::Utf8Component::Normal(_))) =>
            {
                tidy.pop();
            }
            camino::Utf8Component::CurDir => {}
            other => tidy.push(other),
        }
    }
    tidy
}
