//! Figures of an experiment: what a file may say of them, and what can be wrong with that.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::AxisValue;
use super::load::ExperimentFile;
use crate::data::breakdown::Breakdown;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Part, Path, keys};
use crate::metric::MetricAt;

/// A figure, drawn as an SVG file beside the report from what is on record; no model runs again.
///
/// Data sets, and all other axes that do not follow from the lines, get a panel for each of their values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FigureSpec {
    /// Its name in the name of its file, in small letters, digits and hyphens: `curves` makes `results/NAME-curves.svg`.
    pub name: String,
    /// The heading, in the figure and in the report.
    pub title: String,
    /// What is drawn: `curves`, `bars`, `sweep: { axis: lambda, scale: log }`, or `breakdown: session-length`.
    pub draw: Drawing,
    /// The metric with its cut-off: `mrr@20`. Curves have the metrics that the trainer measures after each epoch.
    pub metric: String,
    /// The axis that has a line, or a bar, for each of its values.
    #[serde(default = "model_axis")]
    pub lines: String,
    /// Axes with the values that are drawn; without it, all cells that have the axes of the figure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, Vec<AxisValue>>,
}

fn model_axis() -> String {
    "model".into()
}

/// What a figure draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Drawing {
    /// The metric after each epoch, on the part of the data that picks the epoch: the mean over seeds, in a band of one
    /// standard deviation to each side.
    Curves,
    /// The metric on the test set, one bar a value, with whiskers of one standard deviation.
    Bars,
    /// The metric on the test set by the value of a numeric axis, with bands as curves have.
    Sweep(Sweep),
    /// The metric by groups of test samples: a line goes from group to group.
    Breakdown(Breakdown),
}

/// The axis along which a sweep goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The axis of the grid; its values are numbers.
    pub axis: String,
    /// How its values are spaced.
    #[serde(default)]
    pub scale: Spacing,
}

/// How the values of an axis are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// By their difference.
    #[default]
    Linear,
    /// By their ratio; all of them are above 0.
    Log,
}

impl FigureSpec {
    /// The axis along which it goes, if it is a sweep.
    pub fn sweep(&self) -> Option<&Sweep> {
        match &self.draw {
            Drawing::Sweep(sweep) => Some(sweep),
            Drawing::Curves | Drawing::Bars | Drawing::Breakdown(_) => None,
        }
    }

    /// The axes that a cell must have to be in it.
    pub fn axes(&self) -> Vec<&str> {
        [self.lines.as_str()].into_iter().chain(self.sweep().map(|sweep| sweep.axis.as_str())).collect()
    }
}

impl ExperimentFile {
    /// What is wrong with the figures. `known` are the axes of the grid with their values; none where it has no cell.
    pub(super) fn figure_errors(&self, known: &BTreeMap<String, Vec<String>>) -> Vec<Diagnostic> {
        let figures = self.experiment.report.as_ref().map(|report| &report.figures[..]).unwrap_or_default();
        let (mut errors, mut names) = (Vec::new(), BTreeSet::new());
        for (index, figure) in figures.iter().enumerate() {
            let mut tell = |place: Path, part: Part, message: String, help: String| {
                let path = [vec!["report".into(), "figures".into(), index.into()], place].concat();
                errors.push(self.document.error(&path, part, message).help(help));
            };
            let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
            if figure.name.is_empty() || !figure.name.chars().all(plain) {
                let message = format!("`{}` cannot be part of the name of a file", figure.name);
                let help = "use small letters, digits and hyphens: `training-curves`".to_owned();
                tell(keys(["name"]), Part::Value, message, help);
            } else if !names.insert(figure.name.as_str()) {
                let message = format!("figure `{}` is named twice", figure.name);
                tell(keys(["name"]), Part::Value, message, "give it another name: it is part of its file's".into());
            }
            if let Err(error) = figure.metric.parse::<MetricAt>() {
                tell(keys(["metric"]), Part::Value, error.to_string(), error.help());
            }
            if known.is_empty() {
                continue;
            }
            let axes: Vec<&str> = known.keys().map(String::as_str).collect();
            if !known.contains_key(&figure.lines) {
                let message = format!("unknown axis `{}`", figure.lines);
                tell(keys(["lines"]), Part::Value, message, suggestion(&figure.lines, &axes));
            }
            if let Some(Sweep { axis, scale }) = figure.sweep() {
                let path = keys(["draw", "sweep", "axis"]);
                match known.get(axis) {
                    None => tell(path, Part::Value, format!("unknown axis `{axis}`"), suggestion(axis, &axes)),
                    Some(_) if *axis == figure.lines => {
                        let message = format!("a sweep along `{axis}` cannot have a line for each of its values");
                        tell(path, Part::Value, message, "name another axis under `lines`: `lines: dataset`".into());
                    }
                    Some(values) => {
                        let only: Option<Vec<String>> =
                            figure.only.get(axis).map(|only| only.iter().map(ToString::to_string).collect());
                        let drawn = |value: &&String| only.as_ref().is_none_or(|only| only.contains(*value));
                        let values: Vec<&String> = values.iter().filter(drawn).collect();
                        let number = |value: &&String| value.parse::<f64>().is_ok_and(f64::is_finite);
                        let above = |value: &&String| value.parse::<f64>().is_ok_and(|number| number > 0.0);
                        if let Some(word) = values.iter().copied().find(|value| !number(value)) {
                            let message = format!("axis `{axis}` has the value `{word}`, which is no number");
                            tell(path, Part::Value, message, "draw `bars` with this axis as `lines`".into());
                        } else if let Some(value) =
                            values.iter().copied().find(|value| *scale == Spacing::Log && !above(value))
                        {
                            let message = format!("axis `{axis}` has the value {value}, which has no logarithm");
                            tell(path, Part::Value, message, "take `scale: linear`, or leave it out: `only`".into());
                        }
                    }
                }
            }
            for (axis, values) in &figure.only {
                let Some(there) = known.get(axis) else {
                    let message = format!("unknown axis `{axis}`");
                    tell(keys(["only", axis]), Part::Key, message, suggestion(axis, &axes));
                    continue;
                };
                let there: Vec<&str> = there.iter().map(String::as_str).collect();
                for (at, value) in values.iter().map(ToString::to_string).enumerate() {
                    if !there.contains(&value.as_str()) {
                        let place = [keys(["only", axis]), vec![at.into()]].concat();
                        let message = format!("axis `{axis}` has no value `{value}`");
                        tell(place, Part::Value, message, suggestion(&value, &there));
                    }
                }
            }
        }
        errors
    }
}
