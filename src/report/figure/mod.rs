//! Figures of an experiment: what each shows, as an SVG file and in words for the page that shows it.

mod chart;
mod maps;
mod series;
#[cfg(test)]
mod tests;

use chart::{Chart, Form, number};
use series::{Line, Point, Series};

pub(super) use maps::map_figures;

use super::Report;
use super::layout::Combinations;
use super::page::{Block, Figure, Kind, Origin, Section};
use super::words::{Words, inline, list};
use crate::data::protocol::SelectOn;
use crate::experiment::{Drawing, FigureSpec};
use crate::metric::{MetricAt, MetricError};

/// The section of a report, with the figures in the order of the experiment file; nothing where it lists none.
///
/// # Errors
/// When a metric cannot be read.
pub(super) fn section(
    report: &Report<'_>,
    combinations: &Combinations<'_>,
    origin: &Origin,
) -> Result<Option<Section>, MetricError> {
    let mut blocks = Vec::new();
    for (at, spec) in report.spec.figures.iter().enumerate() {
        blocks.push(Block::Figure(figure(report, combinations, origin, spec, spec.metric.parse()?, at + 1)));
    }
    Ok((!blocks.is_empty()).then_some(Section { kind: Kind::Figures, blocks }))
}

fn figure(
    report: &Report<'_>,
    combinations: &Combinations<'_>,
    origin: &Origin,
    spec: &FigureSpec,
    metric: MetricAt,
    number: usize,
) -> Figure {
    let series = Series::of(report, combinations, spec, metric);
    let title = spec.title.trim();
    let mut words = Vec::new();
    if series.panels.is_empty() {
        words.push("Nothing on record to draw yet.".to_owned());
        words.extend(series.remarks);
        return Figure { number, title: title.to_owned(), caption: words.join(" ").into(), file: None };
    }
    let (x, y, form) = axes(report, spec, metric);
    let warning = (!series.synthetic.is_empty())
        .then(|| format!("Synthetic data, generated with planted structure: {}.", list(&series.synthetic)));
    let shown = match spec.draw {
        Drawing::Bars => format!("{y}, {}.", series.over),
        Drawing::Curves | Drawing::Sweep(_) | Drawing::Breakdown(_) => format!("{y}, by {x}, {}.", series.over),
    };
    words.push(shown);
    words.extend(seen(spec, metric, &series));
    words.extend(warning.clone());
    words.extend(series.remarks.iter().cloned());
    let caption = Words::new(words.join(" "));
    let (description, origin) = (caption.plain(), origin.lines());
    let chart = Chart {
        title,
        warning,
        description: &description,
        origin: &origin,
        form,
        x: &x,
        y: &y,
        panels: &series.panels,
    };
    let file = format!("{}-{}.svg", report.name, spec.name);
    Figure { number, title: title.to_owned(), caption, file: Some((file, chart.svg())) }
}

/// The titles of the axes, and what is drawn between them.
fn axes(report: &Report<'_>, spec: &FigureSpec, metric: MetricAt) -> (String, String, Form) {
    let tested = format!("{} in per cent", metric.title());
    match &spec.draw {
        Drawing::Bars => (String::new(), tested, Form::Bars),
        Drawing::Sweep(sweep) => (sweep.axis.clone(), tested, Form::Values(sweep.scale)),
        Drawing::Breakdown(breakdown) => (breakdown.split().axis.to_owned(), tested, Form::Groups),
        Drawing::Curves => {
            let part = match report.protocol.select_on {
                SelectOn::Validation => "validation",
                SelectOn::Test => "test set",
            };
            ("epoch".to_owned(), format!("{tested}, {part}"), Form::Epochs)
        }
    }
}

/// The best of each panel in words; of a breakdown, the best of each group.
fn seen(spec: &FigureSpec, metric: MetricAt, series: &Series) -> Option<String> {
    let order = |point: &Point| if metric.metric.higher_is_better { -point.mean } else { point.mean };
    let groups: Vec<Option<&str>> = match &spec.draw {
        Drawing::Breakdown(breakdown) => breakdown.split().ticks.iter().copied().map(Some).collect(),
        _ => vec![None],
    };
    let places = series.panels.iter().flat_map(|panel| groups.iter().map(move |group| (panel, *group)));
    let best = places.filter_map(|(panel, group)| {
        let points = panel.lines.iter().flat_map(|line| line.points.iter().map(move |point| (line, point)));
        let points = points.filter(|(_, point)| group.is_none_or(|group| point.label == group));
        let (line, point): (&Line, &Point) =
            points.min_by(|(_, one), (_, other)| order(one).total_cmp(&order(other)))?;
        let place = match &spec.draw {
            Drawing::Bars => String::new(),
            Drawing::Curves => format!(" after epoch {}", point.label),
            Drawing::Sweep(sweep) => format!(" at {} = {}", sweep.axis, point.label),
            Drawing::Breakdown(_) => format!(" at `{}`", point.label),
        };
        let panel = panel.heading.as_ref().map(|heading| format!(" ({heading})")).unwrap_or_default();
        Some(inline(&format!("{}{panel} with {}{place}", line.name, number(point))))
    });
    let best: Vec<String> = best.collect();
    (!best.is_empty()).then(|| format!("Best: {}.", best.join("; ")))
}
