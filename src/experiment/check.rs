//! What can be wrong with an experiment whose file is well formed: names that nothing has, values that do nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::load::ExperimentFile;
use super::points::{Mistake, Points};
use super::settings::Choices;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Part, Path, keys};
use crate::metric::MetricAt;
use crate::stage::Complaint;
use crate::stage::hyper_parameters::configure;
use crate::stage::trainer::{ModelDescription, Trainer};

impl ExperimentFile {
    /// What can be told from the experiment file and its pipelines alone. `plain` is the grid of the file without what
    /// was chosen: what fits that one is no mistake when a choice leaves less of the grid.
    pub(super) fn own_errors(&self, mut mistakes: Vec<Mistake>, plain: Option<&Points>) -> Vec<Diagnostic> {
        mistakes.retain(|mistake| plain.is_none() || !mistake.idle || self.document.laid_over(&mistake.path));
        let mut known = self.points.axes.clone();
        for (axis, values) in plain.into_iter().flat_map(|plain| &plain.axes) {
            let here = known.entry(axis.clone()).or_default();
            let more: Vec<String> = values.iter().filter(|value| !here.contains(value)).cloned().collect();
            here.extend(more);
        }
        let located = |mistake: Mistake| {
            let mut error = self.document.error(&mistake.path, mistake.part, mistake.message);
            error.help = mistake.help;
            error
        };
        let mut errors: Vec<Diagnostic> = mistakes.into_iter().map(located).collect();
        errors.extend(self.dataset_errors());
        errors.extend(self.idle_errors());
        errors.extend(self.place_errors());
        let share = self.protocol().validation_share;
        if !(0.0..1.0).contains(&share) {
            let path = keys(["protocol", "custom", "validation_share"]);
            errors.push(self.document.error(&path, Part::Value, "must be at least 0 and below 1"));
        }
        errors.extend(match (self.counts(), self.maps()) {
            (true, _) => self.statistics_errors(&known),
            (false, Some(_)) => self.maps_errors(&known),
            (false, None) => self.report_errors(&known),
        });
        errors
    }

    /// Cells without a data set, and data sets that are not there.
    fn dataset_errors(&self) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let datasets: Vec<&str> = self.experiment.datasets.keys().map(String::as_str).collect();
        let mut missing = |path: Path, part: Part, what: &str| {
            let error = self.document.error(&path, part, format!("{what} has no `dataset` axis"));
            errors.push(error.help(format!("add `dataset: [{}]`", datasets.join(", "))));
        };
        for block in self.experiment.grid.blocks() {
            let combines = !(block.product.is_empty() && block.zip.is_empty());
            if combines && !block.product.contains_key("dataset") && !block.zip.contains_key("dataset") {
                let part = if block.product.is_empty() { "zip" } else { "product" };
                let what = block.group.map_or_else(|| "the grid".to_owned(), |name| format!("group `{name}`"));
                missing(block.path(&[part.into()]), Part::Key, &what);
            }
            for (index, single) in block.include.iter().enumerate() {
                if !single.values.contains_key("dataset") {
                    missing(block.path(&["include".into(), index.into()]), Part::Value, "this cell");
                }
            }
        }
        for (path, value) in self.experiment.grid.named("dataset") {
            let name = value.to_string();
            if !self.experiment.datasets.contains_key(&name) {
                let error = self.document.error(&path, Part::Value, format!("unknown data set `{name}`"));
                errors.push(error.help(suggestion(&name, &datasets)));
            }
        }
        errors
    }

    /// What would do nothing, and so was mistyped: values and axes that no pipeline asks for.
    fn idle_errors(&self) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        for (name, dataset) in &self.experiment.datasets {
            let Some(pipeline) = self.pipelines.get(name) else { continue };
            let places = pipeline.all_places();
            for value in dataset.with.keys().filter(|value| !places.contains(value.as_str())) {
                let known: Vec<&str> = places.iter().copied().collect();
                let path = keys(["datasets", name, "with", value]);
                let error = self.document.error(&path, Part::Key, format!("the pipeline has no place `${{{value}}}`"));
                errors.push(error.help(suggestion(value, &known)));
            }
        }
        let choices = Choices::of(&self.experiment);
        let of_pipelines = self.pipelines.values().flat_map(|pipeline| pipeline.all_places());
        let places: BTreeSet<&str> = of_pipelines.chain(choices.places()).collect();
        for block in self.experiment.grid.blocks() {
            for (part, axes) in [("product", block.product), ("zip", block.zip)] {
                for (axis, values) in axes {
                    let path = block.path(&[part.into(), axis.as_str().into()]);
                    let asked = axis == "dataset" || places.contains(axis.as_str());
                    // Of one value it is a name; cells that differ in nothing else would be told as different.
                    if asked || (values.len() < 2 && !self.document.laid_over(&path)) {
                        continue;
                    }
                    let known: Vec<&str> = places.iter().copied().chain(["dataset"]).collect();
                    let message = format!("no pipeline has a place `${{{axis}}}` for this axis, and no model");
                    errors.push(self.document.error(&path, Part::Key, message).help(suggestion(axis, &known)));
                }
            }
        }
        errors
    }

    fn report_errors(&self, known: &BTreeMap<String, Vec<String>>) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let axes: Vec<&str> = known.keys().map(String::as_str).collect();
        let mut metric_error = |path: Path, name: &str| {
            if let Err(error) = name.parse::<MetricAt>() {
                errors.push(self.document.error(&path, Part::Value, error.to_string()).help(error.help()));
            }
        };
        if let Some(report) = &self.experiment.report {
            for (index, name) in report.metrics.iter().enumerate() {
                metric_error(vec!["report".into(), "metrics".into(), index.into()], name);
            }
        }
        for (index, claim) in self.experiment.claims.iter().enumerate() {
            metric_error(vec!["claims".into(), index.into(), "metric".into()], &claim.metric);
        }
        let breakdowns = self.experiment.report.as_ref().map(|report| &report.breakdowns[..]).unwrap_or_default();
        for (index, breakdown) in breakdowns.iter().enumerate() {
            if breakdowns[..index].contains(breakdown) {
                let path = ["report".into(), "breakdowns".into(), index.into()];
                let message = format!("breakdown `{}` is named twice", breakdown.name());
                errors.push(self.document.error(&path, Part::Value, message).help("take one out"));
            }
        }
        errors.extend(self.figure_errors(known));
        // A grid without a cell has no axes, and says so itself.
        if axes.is_empty() {
            return errors;
        }
        if let Some(report) = &self.experiment.report {
            for (field, axis) in [("rows", &report.rows), ("columns", &report.columns)] {
                if !axes.contains(&axis.as_str()) {
                    let path = keys(["report", field]);
                    let error = self.document.error(&path, Part::Value, format!("unknown axis `{axis}`"));
                    errors.push(error.help(suggestion(axis, &axes)));
                }
            }
            let rows = known.get(&report.rows);
            if let (Some(row), Some(rows)) = (report.improvement.as_ref().map(ToString::to_string), rows)
                && !rows.contains(&row)
            {
                let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
                let message = format!("axis `{}` has no value `{row}`", report.rows);
                let error = self.document.error(&keys(["report", "improvement"]), Part::Value, message);
                errors.push(error.help(suggestion(&row, &rows)));
            }
            if report.tolerance.is_some_and(|points| points < 0.0) {
                let message = "a tolerance cannot be below 0";
                let error = self.document.error(&keys(["report", "tolerance"]), Part::Value, message);
                errors.push(error.help("give points: 0.5 lets 20.63 become 21.13"));
            }
            if report.paper.as_ref().is_some_and(|paper| !paper.statistics.is_empty()) {
                let path = keys(["report", "paper", "statistics"]);
                let error = self.document.error(&path, Part::Key, "the report has no `statistics` to stand beside");
                errors.push(error.help("name them under `report`, or give numbers of metrics under `values`"));
            }
        }
        errors.extend(self.claim_errors(known));
        errors
    }

    /// What only the trainer knows: models and hyper-parameters. Located in the experiment file.
    pub fn model_errors(&self, trainer: &Trainer) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let named = |name: &str| {
            trainer.model(name).map_err(|complaint| {
                let known = trainer.description.models.iter().map(|model| &model.name);
                let known: Vec<&str> = known.chain(self.experiment.variants.keys()).map(String::as_str).collect();
                (complaint.message, suggestion(name, &known))
            })
        };
        for (path, value) in self.experiment.grid.named("model") {
            let name = value.to_string();
            if let (false, Err((message, help))) = (self.experiment.variants.contains_key(&name), named(&name)) {
                errors.push(self.document.error(&path, Part::Value, message).help(help));
            }
        }
        for (name, overrides) in &self.experiment.models {
            match named(name) {
                Err((message, help)) => {
                    errors.push(self.document.error(&keys(["models", name]), Part::Key, message).help(help));
                }
                Ok(model) => {
                    let variants = self.experiment.variants.iter().filter(|(_, variant)| variant.of == *name);
                    let users: Vec<&str> =
                        variants.map(|(variant, _)| variant.as_str()).chain([name.as_str()]).collect();
                    errors.extend(self.config_errors(model, overrides, &["models", name], &users));
                }
            }
        }
        for (name, variant) in &self.experiment.variants {
            if trainer.model(name).is_ok() {
                let message = format!("`{name}` is a model of the trainer");
                let error = self.document.error(&keys(["variants", name]), Part::Key, message);
                errors.push(error.help("give the variant a name of its own, or set the model's values under `models`"));
            }
            match named(&variant.of) {
                Err((message, help)) => {
                    errors.push(self.document.error(&keys(["variants", name, "of"]), Part::Value, message).help(help));
                }
                Ok(model) => {
                    errors.extend(self.config_errors(model, &variant.config, &["variants", name, "config"], &[name]));
                }
            }
        }
        errors
    }

    /// What is wrong with hyper-parameters that stand at `place`, as the cells of `users` have them.
    fn config_errors(
        &self,
        model: &ModelDescription,
        overrides: &Map<String, Value>,
        place: &[&str],
        users: &[&str],
    ) -> Vec<Diagnostic> {
        let filled = self.as_filled(overrides, users);
        let complaints =
            filled.iter().flat_map(|one| configure(&model.defaults, &model.schema, one).err().into_iter().flatten());
        let located = |complaint: Complaint| {
            let fields = place.iter().copied().chain(complaint.field.iter().map(String::as_str));
            let path: Path = fields.map(Into::into).collect();
            let part = if complaint.message.starts_with("unknown") { Part::Key } else { Part::Value };
            let mut error = self.document.error(&path, part, complaint.message);
            error.help = complaint.help;
            error
        };
        let mut once: Vec<Diagnostic> = Vec::new();
        for error in complaints.map(located) {
            if !once.contains(&error) {
                once.push(error);
            }
        }
        once
    }
}
