//! An experiment that counts its data sets: what only such a one can get wrong, and the stages that it needs.

use std::collections::{BTreeMap, BTreeSet};

use super::load::ExperimentFile;
use super::maps::MAPS;
use crate::data::statistics::{STATISTICS, statistic_named};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Part, Path, keys};
use crate::pipeline::PipelineFile;

/// The stage whose numbers are the table, and the one whose findings stand under it.
const GOALS: [&str; 2] = ["statistics", "audit"];

/// The stages that run only where something reads what they make: not every model begins with vectors, and a map is made to
/// be shown.
const SERVING: [&str; 2] = ["learn_vectors", MAPS];

impl ExperimentFile {
    /// Whether its report is of statistics.
    pub fn counts(&self) -> bool {
        self.experiment.report.as_ref().is_some_and(|report| !report.statistics.is_empty())
    }

    /// The stages of a pipeline that the report needs, beside those that they read: of an experiment that neither counts nor
    /// maps, all but those that serve others alone.
    pub(super) fn goals(&self, pipeline: &PipelineFile) -> BTreeSet<String> {
        if self.counts() {
            return GOALS.iter().flat_map(|kind| pipeline.stages_of(kind)).map(str::to_owned).collect();
        }
        if self.maps().is_some() {
            return [MAPS, "audit"].iter().flat_map(|kind| pipeline.stages_of(kind)).map(str::to_owned).collect();
        }
        let serving: BTreeSet<&str> = SERVING.iter().flat_map(|kind| pipeline.stages_of(kind)).collect();
        pipeline.stages().filter(|name| !serving.contains(name)).map(str::to_owned).collect()
    }

    /// What is wrong with a report of statistics. `known` are the axes of the grid with their values.
    pub(super) fn statistics_errors(&self, known: &BTreeMap<String, Vec<String>>) -> Vec<Diagnostic> {
        let Some(report) = &self.experiment.report else { return Vec::new() };
        let mut errors = Vec::new();
        let mut tell = |path: &[crate::document::Step], part: Part, message: String, help: String| {
            errors.push(self.document.error(path, part, message).help(help));
        };
        let names: Vec<&str> = STATISTICS.iter().map(|statistic| statistic.name).collect();
        for (index, name) in report.statistics.iter().enumerate() {
            let path: Path = vec!["report".into(), "statistics".into(), index.into()];
            if statistic_named(name).is_none() {
                tell(&path, Part::Value, format!("unknown statistic `{name}`"), suggestion(name, &names));
            } else if report.statistics[..index].contains(name) {
                tell(&path, Part::Value, format!("statistic `{name}` is named twice"), "take one out".into());
            }
        }
        for (field, help) in [
            ("metrics", "make an experiment of each: metrics need models, and statistics need none"),
            ("rows", "the statistics are the rows"),
            ("breakdowns", "they tell ranks apart, and statistics have none"),
            ("figures", "they draw metrics, and a report of statistics has none"),
            ("improvement", "it compares metrics of models"),
            ("tolerance", "the same files give the same counts"),
            ("maps", "make an experiment of each"),
        ] {
            let path = keys(["report", field]);
            if self.document.has(&path) {
                let message = format!("a report of `statistics` has no `{field}`");
                tell(&path, Part::Key, message, format!("take it out: {help}"));
            }
        }
        if !self.experiment.claims.is_empty() {
            let message = "a report of `statistics` tests no claim".to_owned();
            tell(
                &keys(["claims"]),
                Part::Key,
                message,
                "claims compare metrics: move them to an experiment with models".into(),
            );
        }
        let columns = report.columns.as_str();
        if !known.is_empty() && (known.len() > 1 || !known.contains_key(columns)) {
            let message = format!("a report of `statistics` needs a grid with the axis `{columns}` alone");
            let axes: Vec<String> = known.keys().map(|axis| format!("`{axis}`")).collect();
            let help = format!(
                "this one has {}; a variant of a data set is a data set with other values in its `with`",
                axes.join(", ")
            );
            tell(&keys(["grid"]), Part::Key, message, help);
        }
        let seeds: BTreeSet<u64> = self.points.points.iter().map(|point| point.seed).collect();
        if seeds.len() > 1 {
            let message = "a report of `statistics` takes one seed".to_owned();
            tell(&keys(["grid", "seeds"]), Part::Value, message, "name one: counts have no spread".into());
        }
        for (name, pipeline) in &self.pipelines {
            let found = pipeline.stages_of(GOALS[0]).count();
            if found != 1 {
                let many = if found == 0 { "no `statistics` stage" } else { "more than one `statistics` stage" };
                let message = format!("the pipeline of `{name}` has {many}");
                let help = "add one: `statistics: { statistics: { sessions: STAGE, dataset: STAGE } }`";
                let help = if found == 0 { help } else { "leave the one whose numbers are to be printed" };
                tell(&keys(["datasets", name, "pipeline"]), Part::Value, message, help.into());
            }
        }
        if let Some(paper) = &report.paper {
            if !paper.values.is_empty() {
                let message = "numbers of metrics have no place beside statistics".to_owned();
                tell(
                    &keys(["report", "paper", "values"]),
                    Part::Key,
                    message,
                    "write `statistics` in place of `values`".into(),
                );
            }
            let values: Vec<&str> = known.get(columns).into_iter().flatten().map(String::as_str).collect();
            for (column, numbers) in &paper.statistics {
                if !values.is_empty() && !values.contains(&column.as_str()) {
                    let path = keys(["report", "paper", "statistics", column]);
                    let message = format!("axis `{columns}` has no value `{column}`");
                    tell(&path, Part::Key, message, suggestion(column, &values));
                }
                let listed: Vec<&str> = report.statistics.iter().map(String::as_str).collect();
                for name in numbers.keys().filter(|name| !listed.contains(&name.as_str())) {
                    let path = keys(["report", "paper", "statistics", column, name]);
                    let message = format!("the report does not list the statistic `{name}`");
                    tell(&path, Part::Key, message, suggestion(name, &listed));
                }
            }
        }
        errors
    }
}
