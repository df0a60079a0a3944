//! An experiment that shows maps of item vectors: what a file may say of them, and what can be wrong with that.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::ExperimentFile;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Part, keys};

/// The kind of stage whose maps are shown.
pub(super) const MAPS: &str = "map_vectors";

/// Maps of item vectors, one figure a data set: the values of one axis beside each other, those of another below.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapsSpec {
    /// The heading, in the figures and in the report.
    pub title: String,
    /// The axis whose values stand beside each other: what the vectors were learned from.
    pub across: String,
    /// The axis whose values stand below each other: how the vectors became points.
    pub down: String,
    /// Names to print for values of these axes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: BTreeMap<String, String>,
}

impl ExperimentFile {
    /// The maps of its report, if it is of maps.
    pub fn maps(&self) -> Option<&MapsSpec> {
        self.experiment.report.as_ref()?.maps.as_ref()
    }

    /// What is wrong with a report of maps. `known` are the axes of the grid with their values.
    pub(super) fn maps_errors(&self, known: &BTreeMap<String, Vec<String>>) -> Vec<Diagnostic> {
        let Some(maps) = self.maps() else { return Vec::new() };
        let mut errors = Vec::new();
        for (field, help) in [
            ("metrics", "metrics need ranks, and maps have none"),
            ("rows", "the maps have a table of their own"),
            ("columns", "the maps have a table of their own"),
            ("breakdowns", "they tell ranks apart, and maps have none"),
            ("figures", "they draw metrics"),
            ("statistics", "make an experiment of each"),
            ("paper", "maps are not compared with printed numbers"),
        ] {
            let path = keys(["report", field]);
            if self.document.has(&path) {
                let error = self.document.error(&path, Part::Key, format!("a report of `maps` has no `{field}`"));
                errors.push(error.help(format!("take it out: {help}")));
            }
        }
        if !self.experiment.claims.is_empty() {
            let error = self.document.error(&keys(["claims"]), Part::Key, "a report of `maps` tests no claim");
            errors.push(error.help("claims compare metrics of test samples"));
        }
        if !known.is_empty() {
            let axes: Vec<&str> = known.keys().map(String::as_str).collect();
            for (field, axis) in [("across", &maps.across), ("down", &maps.down)] {
                if !known.contains_key(axis) {
                    let error = self.document.error(
                        &keys(["report", "maps", field]),
                        Part::Value,
                        format!("unknown axis `{axis}`"),
                    );
                    errors.push(error.help(suggestion(axis, &axes)));
                }
            }
            if maps.across == maps.down {
                let message = format!("axis `{}` cannot go both ways", maps.down);
                let error = self.document.error(&keys(["report", "maps", "down"]), Part::Value, message);
                errors.push(error.help("name the axis whose values stand below each other"));
            }
            let shown = ["dataset", maps.across.as_str(), maps.down.as_str()];
            for (axis, _) in known.iter().filter(|(axis, values)| !shown.contains(&axis.as_str()) && values.len() > 1) {
                let message = format!("a report of `maps` has no place for the values of axis `{axis}`");
                let error = self.document.error(&keys(["grid"]), Part::Key, message);
                errors.push(error.help(format!("leave `{axis}` one value, or show it `across` or `down`")));
            }
        }
        for (name, pipeline) in &self.pipelines {
            if pipeline.stages_of(MAPS).count() != 1 {
                let message = format!("the pipeline of `{name}` has no `{MAPS}` stage, or more than one");
                let error = self.document.error(&keys(["datasets", name, "pipeline"]), Part::Value, message);
                errors.push(error.help("a report of `maps` shows what one such stage makes in each cell"));
            }
        }
        errors
    }
}
