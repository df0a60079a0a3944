//! Figures of an experiment: what each shows, as an SVG file and in words for the page that links it.

mod chart;
mod maps;
mod series;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chart::{Chart, Form, number};
use series::{Line, Point, Series};

pub(super) use maps::map_figures;

use super::layout::Combinations;
use super::markdown::{inline, list};
use super::{Provenance, Report};
use crate::data::protocol::SelectOn;
use crate::experiment::{Drawing, FigureSpec};
use crate::metric::{MetricAt, MetricError};

/// A figure.
pub(super) struct Figure {
    /// Paragraphs of the report: the first figure brings the heading.
    pub(super) words: Vec<String>,
    /// File name and SVG; nothing as long as there is nothing to draw.
    pub(super) file: Option<(String, String)>,
}

/// The figures in the order of the experiment file.
///
/// # Errors
/// When a metric cannot be read.
pub(super) fn render(report: &Report<'_>, combinations: &Combinations<'_>) -> Result<Vec<Figure>, MetricError> {
    let mut figures = Vec::new();
    for (at, spec) in report.spec.figures.iter().enumerate() {
        let mut figure = figure(report, combinations, spec, spec.metric.parse()?, at + 1);
        if at == 0 {
            figure.words.insert(0, "## Figures".to_owned());
        }
        figures.push(figure);
    }
    Ok(figures)
}

fn figure(
    report: &Report<'_>,
    combinations: &Combinations<'_>,
    spec: &FigureSpec,
    metric: MetricAt,
    number: usize,
) -> Figure {
    let series = Series::of(report, combinations, spec, metric);
    let caption = |words: Vec<String>| format!("**Figure {number}.** {}", words.join(" ").replace('<', "&lt;"));
    let mut words = vec![inline(spec.title.trim().trim_end_matches('.')) + "."];
    if series.panels.is_empty() {
        words.push("Nothing on record to draw yet.".to_owned());
        words.extend(series.remarks);
        return Figure { words: vec![caption(words)], file: None };
    }
    let (x, y, form) = axes(report, spec, metric);
    let warning = (!series.synthetic.is_empty())
        .then(|| format!("Synthetic data: {} was generated with planted structure.", list(&series.synthetic)));
    let shown = match spec.draw {
        Drawing::Bars => format!("{y}, {}.", series.over),
        Drawing::Curves | Drawing::Sweep(_) => format!("{y}, by {x}, {}.", series.over),
    };
    words.push(shown);
    words.extend(seen(spec, metric, &series));
    words.extend(warning.iter().map(|warning| inline(warning)));
    words.extend(series.remarks.iter().cloned());
    let description = words[1..].join(" ");
    let origin = facts(report.provenance, super::runs(report));
    let chart = Chart {
        title: spec.title.trim(),
        warning,
        description: &description,
        origin: &origin,
        form,
        x: &x,
        y: &y,
        panels: &series.panels,
    };
    let file = format!("{}-{}.svg", report.name, spec.name);
    let link = format!("![{}]({})", alternative(&spec.title), target(&file));
    Figure { words: vec![link, caption(words)], file: Some((file, chart.svg())) }
}

/// The titles of the axes, and what is drawn between them.
fn axes(report: &Report<'_>, spec: &FigureSpec, metric: MetricAt) -> (String, String, Form) {
    let tested = format!("{} in per cent", metric.title());
    match &spec.draw {
        Drawing::Bars => (String::new(), tested, Form::Bars),
        Drawing::Sweep(sweep) => (sweep.axis.clone(), tested, Form::Values(sweep.scale)),
        Drawing::Curves => {
            let part = match report.protocol.select_on {
                SelectOn::Validation => "validation",
                SelectOn::Test => "test set",
            };
            ("epoch".to_owned(), format!("{tested}, {part}"), Form::Epochs)
        }
    }
}

/// The best of each panel in words.
fn seen(spec: &FigureSpec, metric: MetricAt, series: &Series) -> Option<String> {
    let order = |point: &Point| if metric.metric.higher_is_better { -point.mean } else { point.mean };
    let best = series.panels.iter().filter_map(|panel| {
        let points = panel.lines.iter().flat_map(|line| line.points.iter().map(move |point| (line, point)));
        let (line, point): (&Line, &Point) =
            points.min_by(|(_, one), (_, other)| order(one).total_cmp(&order(other)))?;
        let place = match &spec.draw {
            Drawing::Bars => String::new(),
            Drawing::Curves => format!(" after epoch {}", point.label),
            Drawing::Sweep(sweep) => format!(" at {} = {}", sweep.axis, point.label),
        };
        let panel = panel.heading.as_ref().map(|heading| format!(" ({heading})")).unwrap_or_default();
        Some(inline(&format!("{}{panel} with {}{place}", line.name, number(point))))
    });
    let best: Vec<String> = best.collect();
    (!best.is_empty()).then(|| format!("Best: {}.", best.join("; ")))
}

/// What made a figure, one fact a line; `runs` are those that made its numbers, an empty name for one that is not known.
fn facts(from: &Provenance, runs: BTreeSet<&str>) -> Vec<String> {
    let commit = from.git_commit.as_deref().unwrap_or("none on record");
    let dirty = if from.git_dirty { ", with changes that are not committed" } else { "" };
    let mut facts = vec![
        format!("command: {}", from.command),
        format!("date: {}", from.date),
        format!("tool: {}", from.tool_version),
        format!("git commit: {commit}{dirty}"),
        format!("experiment: {} {}", from.experiment_file, from.experiment_digest),
        format!("protocol: {}", from.protocol_digest),
    ];
    facts.extend(from.datasets.iter().map(|(name, digest)| format!("data set {name}: {digest}")));
    let runs: Vec<&str> = runs.into_iter().filter(|run| !run.is_empty()).collect();
    facts.push(format!("runs: {}", runs.join(", ")));
    facts
}

/// What stands in place of a picture that is not shown.
fn alternative(title: &str) -> String {
    inline(title).replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace('<', "&lt;")
}

/// A file name as the target of a link.
fn target(file: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if file.chars().all(plain) {
        file.to_owned()
    } else {
        format!("<{}>", file.replace('<', "%3C").replace('>', "%3E"))
    }
}
