//! What a figure shows: panels of lines of points, taken from the cells of the grid.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::breakdown::Split;
use crate::experiment::{Drawing, FigureSpec};
use crate::metric::MetricAt;
use crate::report::caption::over_seeds;
use crate::report::comparable::differences;
use crate::report::layout::{Combination, Combinations};
use crate::report::score::Spread;
use crate::report::words::{code, inline, list};
use crate::report::{CellRanks, Epoch, Report};
use crate::unit::thousands;

/// More names than this nobody reads in a caption.
const MOST_NAMES: usize = 8;

/// Where a point stands along its line, and its number over the seeds, in per cent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// The epoch, or the value of the axis; 0 for a bar.
    pub(super) x: f64,
    /// The same as the grid writes it.
    pub(super) label: String,
    pub(super) mean: f64,
    /// Nothing with one seed.
    pub(super) deviation: Option<f64>,
}

/// A line, or the one point of a bar.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Its place among all lines of the figure, which decides how it is drawn in each panel.
    pub(super) place: usize,
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

/// The lines that share their axes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Panel {
    /// What sets it apart; nothing when it is the only one.
    pub(super) heading: Option<String>,
    /// Not one of them is without points.
    pub(super) lines: Vec<Line>,
}

/// What a figure shows, and what it does not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    /// Not one of them is without lines.
    pub(super) panels: Vec<Panel>,
    /// One sentence each.
    pub(super) remarks: Vec<String>,
    /// Data sets in it that were generated.
    pub(super) synthetic: Vec<String>,
    /// Over how many seeds its numbers are, and which.
    pub(super) over: String,
}

/// What there is of one line in one panel before its numbers are taken.
struct Strand<'a> {
    panel: usize,
    line: &'a str,
    /// `M-SR (Demo)`.
    name: String,
    combinations: Vec<&'a Combination<'a>>,
}

impl Series {
    /// Takes the cells of a figure.
    pub(super) fn of<'a>(
        report: &Report<'a>,
        combinations: &Combinations<'a>,
        spec: &FigureSpec,
        metric: MetricAt,
    ) -> Self {
        let inside = spec.axes();
        let only = |axis: &str, value: &str| {
            spec.only.get(axis).is_none_or(|values| values.iter().any(|known| known.to_string() == value))
        };
        let combinations = combinations.only(|combination| {
            inside.iter().all(|axis| combination.value(axis).is_some())
                && spec.only.keys().all(|axis| combination.value(axis).is_some_and(|value| only(axis, value)))
        });
        // Numbers of two data sets share no panel, unless they are its lines.
        let several =
            |axis: &str| combinations.all.iter().any(|one| one.value(axis) != combinations.all[0].value(axis));
        let apart: Vec<&str> = report
            .points
            .axes
            .keys()
            .map(String::as_str)
            .filter(|axis| {
                !inside.contains(axis) && several(axis) && (*axis == "dataset" || !combinations.decide(&inside, axis))
            })
            .collect();
        let mut headings: Vec<Vec<Option<&str>>> = Vec::new();
        let mut strands: Vec<Strand<'_>> = Vec::new();
        for combination in &combinations.all {
            let Some(line) = combination.value(&spec.lines) else { continue };
            let key: Vec<Option<&str>> = apart.iter().map(|axis| combination.value(axis)).collect();
            let panel = headings.iter().position(|known| *known == key).unwrap_or_else(|| {
                headings.push(key.clone());
                headings.len() - 1
            });
            match strands.iter_mut().find(|strand| (strand.panel, strand.line) == (panel, line)) {
                Some(strand) => strand.combinations.push(combination),
                None => {
                    let heading = heading(report, &apart, &key).map(|words| format!(" ({words})"));
                    let name = inline(&format!("{}{}", report.title(line), heading.unwrap_or_default()));
                    strands.push(Strand { panel, line, name, combinations: vec![combination] });
                }
            }
        }
        let mut told: Vec<(usize, Remarks)> = Vec::new();
        let taken: Vec<(usize, &str, Vec<Point>)> = strands
            .iter()
            .map(|strand| {
                let mut remarks = Remarks::default();
                let points = points(report, spec, metric, strand, &mut remarks);
                told.push((strand.panel, remarks));
                (strand.panel, strand.line, points)
            })
            .filter(|(.., points)| !points.is_empty())
            .collect();
        // What nothing is on record of is told in one sentence, not line by line.
        let bare = |panel: &usize| !taken.is_empty() && taken.iter().all(|(other, ..)| other != panel);
        let mut remarks = Remarks::default();
        told.into_iter().filter(|(panel, _)| !bare(panel)).for_each(|(_, of_line)| remarks.add(of_line));
        remarks.bare =
            (0..headings.len()).filter(bare).filter_map(|at| heading(report, &apart, &headings[at])).collect();
        let order = report.points.axes.get(&spec.lines).into_iter().flatten().map(String::as_str);
        let drawn: Vec<&str> = order.filter(|value| taken.iter().any(|(_, line, _)| line == value)).collect();
        let panels = headings.iter().enumerate().map(|(at, key)| Panel {
            heading: heading(report, &apart, key),
            lines: drawn
                .iter()
                .enumerate()
                .filter_map(|(place, value)| {
                    let (.., points) = taken.iter().find(|(panel, line, _)| (*panel, *line) == (at, *value))?;
                    Some(Line { place, name: report.title(value).to_owned(), points: points.clone() })
                })
                .collect(),
        });
        let panels = panels.filter(|panel| !panel.lines.is_empty()).collect();
        let mut remarks = remarks.sentences(metric);
        remarks.extend(sizes(report, &combinations, spec));
        remarks.extend(strangers(report, &combinations));
        Self { panels, remarks, synthetic: synthetic(report, &combinations), over: over_seeds(&combinations) }
    }
}

/// `Demo`, `Demo, dimension = 100`; nothing when nothing sets panels apart.
fn heading(report: &Report<'_>, apart: &[&str], key: &[Option<&str>]) -> Option<String> {
    let words = apart.iter().zip(key).map(|(axis, value)| match value {
        Some(value) if *axis == "dataset" || *axis == "model" => report.title(value).to_owned(),
        Some(value) => format!("{axis} = {value}"),
        None => format!("no {axis}"),
    });
    (!apart.is_empty()).then(|| words.collect::<Vec<_>>().join(", "))
}

/// The points of a line; what they lack is noted.
fn points(
    report: &Report<'_>,
    spec: &FigureSpec,
    metric: MetricAt,
    strand: &Strand<'_>,
    remarks: &mut Remarks,
) -> Vec<Point> {
    let mut points: Vec<Point> = match &spec.draw {
        Drawing::Curves => strand.combinations.iter().flat_map(|one| curve(one, metric, strand, remarks)).collect(),
        Drawing::Breakdown(breakdown) => {
            let parts = |one: &&Combination<'_>| groups(report, one, breakdown.split(), metric, strand, remarks);
            strand.combinations.iter().flat_map(parts).collect()
        }
        Drawing::Bars | Drawing::Sweep(_) => {
            let tested = |one: &&Combination<'_>| {
                let ranks = one.cells.values().filter_map(|cell| cell.ranks());
                let values: Vec<f64> = ranks.filter_map(|ranks| ranks.mean(metric, report.protocol.ties)).collect();
                let axis = spec.sweep().map(|sweep| sweep.axis.as_str());
                let value = axis.and_then(|axis| one.value(axis)).unwrap_or_default();
                let place = if value.is_empty() { strand.name.clone() } else { format!("{} at {value}", strand.name) };
                remarks.count(&place, values.len(), one.seeds.len());
                point(value.parse().unwrap_or_default(), value.to_owned(), &values)
            };
            strand.combinations.iter().filter_map(tested).collect()
        }
    };
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    points
}

/// A point for each group of test samples that is not empty.
fn groups(
    report: &Report<'_>,
    one: &Combination<'_>,
    split: &Split,
    metric: MetricAt,
    strand: &Strand<'_>,
    remarks: &mut Remarks,
) -> Vec<Point> {
    let told_apart = |cell: &&CellRanks| cell.samples.is_some();
    let cells: Vec<&CellRanks> = one.cells.values().filter_map(|cell| cell.ranks()).filter(told_apart).collect();
    remarks.count(&strand.name, cells.len(), one.seeds.len());
    let point = |(group, tick): (usize, &&str)| {
        let values = cells.iter().filter_map(|cell| cell.mean_in(metric, report.protocol.ties, split, group));
        point(group as f64, (*tick).to_owned(), &values.collect::<Vec<f64>>())
    };
    split.ticks.iter().enumerate().filter_map(point).collect()
}

/// How many targets each group of a breakdown has.
fn sizes(report: &Report<'_>, combinations: &Combinations<'_>, spec: &FigureSpec) -> Option<String> {
    let Drawing::Breakdown(breakdown) = &spec.draw else { return None };
    let mut told: Vec<String> = Vec::new();
    for one in &combinations.all {
        let sizes = one.cells.values().find_map(|cell| cell.ranks()?.sizes(breakdown.split()));
        let Some(sizes) = sizes else { continue };
        let sizes: Vec<String> = sizes.into_iter().map(thousands).collect();
        let name = one.value("dataset").map_or("", |dataset| report.title(dataset));
        let sentence = inline(&format!("{} ({name})", sizes.join(", ")));
        if !told.contains(&sentence) {
            told.push(sentence);
        }
    }
    (!told.is_empty()).then(|| format!("Targets in the groups: {}.", told.join("; ")))
}

/// The epochs that every seed has trained that has trained at all: a mean over those that went on alone would jump.
fn curve(one: &Combination<'_>, metric: MetricAt, strand: &Strand<'_>, remarks: &mut Remarks) -> Vec<Point> {
    let name = metric.to_string();
    let curves: Vec<BTreeMap<u32, f64>> = one
        .cells
        .values()
        .filter(|cell| !cell.curve.is_empty())
        .map(|cell| {
            let number = |epoch: &Epoch| Some((epoch.epoch, (*epoch.metrics.get(&name)?)?));
            cell.curve.iter().filter_map(number).collect()
        })
        .collect();
    if curves.is_empty() && one.cells.values().any(|cell| cell.ranks().is_some()) {
        remarks.without_epochs.push(strand.name.clone());
        return Vec::new();
    }
    if !curves.is_empty() && curves.iter().all(BTreeMap::is_empty) {
        remarks.without_metric.push(strand.name.clone());
        return Vec::new();
    }
    remarks.count(&strand.name, curves.len(), one.seeds.len());
    let Some(first) = curves.first() else { return Vec::new() };
    let last = curves.iter().filter_map(|curve| curve.keys().next_back()).max();
    remarks.cut |= curves.iter().any(|curve| curve.keys().next_back() != last);
    let shared = first.keys().filter(|epoch| curves.iter().all(|curve| curve.contains_key(epoch)));
    let at = |epoch: &u32| {
        let values: Vec<f64> = curves.iter().map(|curve| curve[epoch]).collect();
        point(f64::from(*epoch), epoch.to_string(), &values)
    };
    shared.filter_map(at).collect()
}

/// The mean of values from 0 to 1, in per cent.
fn point(x: f64, label: String, values: &[f64]) -> Option<Point> {
    let spread = Spread::of(values)?;
    Some(Point { x, label, mean: 100.0 * spread.mean, deviation: spread.deviation.map(|deviation| 100.0 * deviation) })
}

/// What lines lack, by what it is.
#[derive(Default)]
struct Remarks {
    without_epochs: Vec<String>,
    without_metric: Vec<String>,
    absent: Vec<String>,
    /// Whole panels without a point.
    bare: Vec<String>,
    partial: Vec<String>,
    /// Whether a seed went on where another had stopped.
    cut: bool,
}

impl Remarks {
    /// Notes how many of the seeds have a number.
    fn count(&mut self, name: &str, found: usize, wanted: usize) {
        match found {
            0 => self.absent.push(name.to_owned()),
            _ if found < wanted => self.partial.push(format!("{name} ({found} of {wanted})")),
            _ => {}
        }
    }

    /// Takes over what another line lacks.
    fn add(&mut self, other: Self) {
        let Self { without_epochs, without_metric, absent, bare, partial, cut } = other;
        self.without_epochs.extend(without_epochs);
        self.without_metric.extend(without_metric);
        self.absent.extend(absent);
        self.bare.extend(bare);
        self.partial.extend(partial);
        self.cut |= cut;
    }

    fn sentences(&self, metric: MetricAt) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.cut {
            sentences.push("A line ends where the first of its seeds stopped.".to_owned());
        }
        for (names, what) in [
            (&self.without_epochs, "Without epochs on record, so not drawn".to_owned()),
            (&self.without_metric, format!("Not measured after each epoch: {} of", metric.title())),
            (&self.absent, "Without a result on record, so not drawn".to_owned()),
            (&self.bare, "Nothing on record to draw of".to_owned()),
            (&self.partial, "Over fewer seeds than the grid gives".to_owned()),
        ] {
            if !names.is_empty() {
                let colon = if what.ends_with(" of") { "" } else { ":" };
                let more = names.len().saturating_sub(MOST_NAMES);
                let mut names = names[..names.len() - more].to_vec();
                names.extend((more > 0).then(|| format!("{more} more")));
                sentences.push(format!("{what}{colon} {}.", list(&names)));
            }
        }
        sentences
    }
}

/// In what cells of one data set differ, though they should not.
fn strangers(report: &Report<'_>, combinations: &Combinations<'_>) -> Vec<String> {
    let mut by_dataset: BTreeMap<&str, Vec<(&str, &CellRanks)>> = BTreeMap::new();
    for one in &combinations.all {
        let name = one.value("model").map_or("the model", |model| report.title(model));
        let cells = one.cells.values().filter_map(|cell| cell.ranks()).map(|ranks| (name, ranks));
        by_dataset.entry(one.value("dataset").unwrap_or_default()).or_default().extend(cells);
    }
    let told = by_dataset.iter().filter_map(|(dataset, cells)| {
        let differing = differences(cells);
        let name = code(&inline(dataset));
        let sentence = format!("The numbers of {name} cannot be compared, they differ in {}.", list(&differing));
        (!differing.is_empty()).then_some(sentence)
    });
    told.collect()
}

fn synthetic(report: &Report<'_>, combinations: &Combinations<'_>) -> Vec<String> {
    let generated =
        |one: &&Combination<'_>| one.cells.values().any(|cell| cell.ranks().is_some_and(|ranks| ranks.synthetic));
    let names: BTreeSet<&str> =
        combinations.all.iter().filter(generated).filter_map(|one| one.value("dataset")).collect();
    names.into_iter().map(|name| report.title(name).to_owned()).collect()
}
