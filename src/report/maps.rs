//! The report of an experiment that shows maps of item vectors: the maps, and how well groups of items stand apart.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::{self, Audited};
use super::csv::quoted;
use super::figure::map_figures;
use super::markdown::{Align, Footnotes, counted, inline, list, percent, table};
use super::score::Spread;
use super::table::failure;
use super::{Provenance, non_empty, provenance};
use crate::data::map::{Fit, Quality, VectorMap};
use crate::experiment::MapsSpec;
use crate::experiment::types::{Experiment, ReportSpec};

/// What stands where there is no number to print.
const NOTHING: &str = "–";

/// A cell that was to make a map.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// The cell's value on each of its axes.
    pub coordinates: BTreeMap<String, String>,
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub state: MapState,
    /// Whether its data were generated.
    pub synthetic: bool,
    /// The run that made the map; empty where none did.
    pub run: String,
}

/// How a cell ended that was to make a map.
#[derive(Debug, Clone)]
pub enum MapState {
    /// It has one.
    Done(Box<VectorMap>),
    /// One of its stages failed.
    Failed {
        /// What the stage said; the first line is printed.
        message: String,
        /// Where the rest can be read.
        log: Option<String>,
    },
    /// It has none, and nothing failed.
    Missing {
        /// Why: `did not run`.
        why: String,
    },
}

impl Mapped {
    /// Its value on an axis; empty where it has none.
    pub(super) fn value(&self, axis: &str) -> &str {
        self.coordinates.get(axis).map_or("", String::as_str)
    }

    /// Its map, if it has one.
    pub(super) fn map(&self) -> Option<&VectorMap> {
        match &self.state {
            MapState::Done(map) => Some(map),
            MapState::Failed { .. } | MapState::Missing { .. } => None,
        }
    }

    fn why(&self) -> Option<String> {
        match &self.state {
            MapState::Done(_) => None,
            MapState::Failed { message, log } => Some(failure(message, log.as_deref())),
            MapState::Missing { why } => Some(why.clone()),
        }
    }
}

/// All that such a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct MapsReport<'a> {
    /// What its files in `results/` are called, without what follows.
    pub name: &'a str,
    /// What to print.
    pub spec: &'a ReportSpec,
    /// The maps of it.
    pub maps: &'a MapsSpec,
    /// The experiment, for its words.
    pub experiment: &'a Experiment,
    /// The axes of the grid with their values, in its order.
    pub axes: &'a BTreeMap<String, Vec<String>>,
    /// What became of its cells, in the order of the grid.
    pub cells: &'a [Mapped],
    /// What was looked for in their datasets, in the order of the grid.
    pub audits: &'a [Audited],
    /// Where they come from.
    pub provenance: &'a Provenance,
}

impl<'a> MapsReport<'a> {
    /// The report as markdown. The same input gives the same bytes.
    pub fn render(&self) -> String {
        let mut footnotes = Footnotes::default();
        let numbers = self.table(&mut footnotes);
        let mut sections = vec![format!("# {}", self.experiment.title)];
        sections.extend(non_empty(&self.experiment.about));
        sections.push("## Results".to_owned());
        sections.extend(self.warning().map(|warning| format!("> **Synthetic data.** {warning}")));
        sections.push(numbers);
        sections.extend(non_empty(&footnotes.render()));
        sections.push(self.caption());
        sections.extend(self.spec.notes.iter().map(|note| note.trim().to_owned()));
        sections.extend(map_figures(self).into_iter().flat_map(|figure| figure.words));
        sections.extend(audit::render(self.audits));
        sections.push(provenance::render(self.provenance, self.runs()));
        sections.join("\n\n") + "\n"
    }

    /// File name and SVG of each figure. The same input gives the same bytes.
    pub fn render_figures(&self) -> Vec<(String, String)> {
        map_figures(self).into_iter().filter_map(|figure| figure.file).collect()
    }

    /// The same numbers for scripts: one line for each cell, seed and number; shares as fractions.
    pub fn render_csv(&self) -> String {
        let axes = ["dataset", &self.maps.across, &self.maps.down];
        let further = ["seed", "state", "number", "value", "synthetic", "run", "message"];
        let mut lines: Vec<Vec<String>> = vec![axes.into_iter().chain(further).map(str::to_owned).collect()];
        for cell in self.cells {
            let place = axes.map(|axis| cell.value(axis).to_owned());
            let (state, message) = match &cell.state {
                MapState::Done(_) => ("done", ""),
                MapState::Failed { message, .. } => ("failed", message.as_str()),
                MapState::Missing { why } => ("missing", why.as_str()),
            };
            let numbers = cell.map().map_or_else(|| vec![("", String::new())], |map| named(&map.quality));
            for (name, value) in numbers {
                let synthetic = if cell.map().is_some() { cell.synthetic.to_string() } else { String::new() };
                let more = [cell.seed.to_string(), state.to_owned(), name.to_owned(), value, synthetic];
                let last = [cell.run.clone(), message.to_owned()];
                lines.push(place.iter().cloned().chain(more).chain(last).collect());
            }
        }
        lines.iter().map(|line| line.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",") + "\n").collect()
    }

    /// The name that is printed for a value of an axis.
    pub(super) fn title<'b>(&'b self, value: &'b str) -> &'b str {
        self.maps.titles.get(value).map_or(value, String::as_str)
    }

    /// The values of an axis, in the order of the grid.
    pub(super) fn values(&self, axis: &str) -> &'a [String] {
        self.axes.get(axis).map(Vec::as_slice).unwrap_or_default()
    }

    /// The runs that made the maps.
    pub(super) fn runs(&self) -> BTreeSet<&'a str> {
        self.cells.iter().map(|cell| cell.run.as_str()).collect()
    }

    /// The cells of a data set.
    pub(super) fn of(&self, dataset: &str) -> impl Iterator<Item = &'a Mapped> {
        self.cells.iter().filter(move |cell| cell.value("dataset") == dataset)
    }

    /// What must be read before the numbers.
    fn warning(&self) -> Option<String> {
        let generated = |dataset: &&String| self.of(dataset).any(|cell| cell.synthetic && cell.map().is_some());
        let names: Vec<String> = self.values("dataset").iter().filter(generated).map(|name| inline(name)).collect();
        (!names.is_empty()).then(|| {
            format!(
                "{} was generated with planted structure: these maps show that the code finds it, and say nothing about any \
                 real log.",
                list(&names)
            )
        })
    }

    fn table(&self, footnotes: &mut Footnotes) -> String {
        let left = ["data set", &self.maps.across].map(|title| (inline(title), Align::Left));
        let measured = ["items", "groups", "silhouette", "neighbours of the group", "by chance", "between / within"];
        let fits = self.values(&self.maps.down).iter().map(|value| (inline(self.title(value)), Align::Right));
        let right = measured.map(|title| (title.to_owned(), Align::Right));
        let header: Vec<(String, Align)> = left.into_iter().chain(right).chain(fits).collect();
        let mut rows = Vec::new();
        for dataset in self.values("dataset") {
            for across in self.values(&self.maps.across) {
                let cells: Vec<&Mapped> =
                    self.of(dataset).filter(|cell| cell.value(&self.maps.across) == across).collect();
                if !cells.is_empty() {
                    rows.push(self.row(dataset, across, &cells, footnotes));
                }
            }
        }
        table(&header, &rows)
    }

    /// The numbers of the cells of one data set whose vectors were learned alike.
    fn row(&self, dataset: &str, across: &str, cells: &[&Mapped], footnotes: &mut Footnotes) -> Vec<String> {
        // The vectors of a seed are the same whatever the projection, and so is what is measured in their space.
        let mut by_seed: BTreeMap<u64, &VectorMap> = BTreeMap::new();
        cells.iter().filter_map(|cell| Some((cell.seed, cell.map()?))).for_each(|(seed, map)| {
            by_seed.entry(seed).or_insert(map);
        });
        let lacking: BTreeSet<String> = cells.iter().filter_map(|cell| cell.why()).collect();
        let lacking: Vec<String> = lacking.into_iter().map(|why| inline(&why)).collect();
        let mark = (!lacking.is_empty()).then(|| footnotes.mark(format!("{}.", lacking.join("; "))));
        let mut row = vec![inline(dataset), inline(self.title(across)) + &mark.unwrap_or_default()];
        let of = |value: fn(&Quality) -> f64, show: fn(f64) -> String| {
            let values: Vec<f64> = by_seed.values().map(|map| value(&map.quality)).collect();
            spread(&values, show)
        };
        let some = by_seed.values().next();
        row.push(some.map_or_else(|| NOTHING.to_owned(), |map| map.points.len().to_string()));
        row.push(some.map_or_else(|| NOTHING.to_owned(), |map| map.groups().len().to_string()));
        row.push(of(|quality| quality.silhouette, thousandths));
        row.push(of(|quality| quality.same_group, percent));
        row.push(some.map_or_else(|| NOTHING.to_owned(), |map| percent(map.quality.by_chance)));
        row.push(of(|quality| quality.between_within, thousandths));
        for down in self.values(&self.maps.down) {
            let fits = cells.iter().filter(|cell| cell.value(&self.maps.down) == down);
            let fits: Vec<Fit> = fits.filter_map(|cell| Some(cell.map()?.quality.fit)).collect();
            let shown = match fits.first() {
                Some(Fit::Pca { .. }) => {
                    let kept = |fit: &Fit| if let Fit::Pca { variance } = fit { Some(*variance) } else { None };
                    spread(&fits.iter().filter_map(kept).collect::<Vec<_>>(), percent) + " % of variance"
                }
                Some(Fit::TSne { .. }) => {
                    let left =
                        |fit: &Fit| if let Fit::TSne { divergence, .. } = fit { Some(*divergence) } else { None };
                    format!("KL {}", spread(&fits.iter().filter_map(left).collect::<Vec<_>>(), thousandths))
                }
                None => NOTHING.to_owned(),
            };
            row.push(shown);
        }
        row
    }

    fn caption(&self) -> String {
        let seeds: BTreeSet<u64> = self.cells.iter().map(|cell| cell.seed).collect();
        let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
        let over = match &seeds[..] {
            [only] => format!("One seed ({only}), so without a spread"),
            _ => format!("Mean ± sample standard deviation over n = {} seeds ({})", seeds.len(), list(&seeds)),
        };
        let some = self.cells.iter().find_map(Mapped::map);
        let (relation, nearest) = some.map_or(("", 0), |map| (map.quality.relation.as_str(), map.quality.neighbours));
        let mut text = format!("{over}.");
        if some.is_some() {
            let relations: BTreeSet<&str> =
                self.cells.iter().filter_map(Mapped::map).map(|map| map.quality.relation.as_str()).collect();
            let relation = if relations.len() == 1 { inline(relation) } else { "the attribute named below".to_owned() };
            text += &format!(
                " Items are grouped by {relation}: of the largest groups, the items that the training sessions have most \
                 often; an item with several values, or none, is left out. Measured with Euclidean distances in the space \
                 of the vectors, not on the map: silhouette, 1 where groups are tight and apart, 0 where they overlap; \
                 neighbours of the group, the share in per cent of the {} of an item that are of its group, beside the \
                 share by chance; between / within, the mean distance of items of different groups divided by that of items \
                 of one group. The last columns say how well a map shows the vectors: the share of their variance along its \
                 two axes, or the Kullback-Leibler divergence in nats.",
                counted(nearest, "nearest neighbour")
            );
        }
        text
    }
}

/// The numbers of a map by name.
fn named(quality: &Quality) -> Vec<(&'static str, String)> {
    let mut numbers = vec![
        ("silhouette", quality.silhouette.to_string()),
        ("neighbours of the group", quality.same_group.to_string()),
        ("by chance", quality.by_chance.to_string()),
        ("between / within", quality.between_within.to_string()),
    ];
    match quality.fit {
        Fit::Pca { variance } => numbers.push(("variance", variance.to_string())),
        Fit::TSne { divergence, perplexity } => {
            numbers.push(("divergence", divergence.to_string()));
            numbers.push(("perplexity", perplexity.to_string()));
        }
    }
    numbers
}

/// A mean over seeds as it is printed: `0.123 ± 0.004`.
fn spread(values: &[f64], show: fn(f64) -> String) -> String {
    match Spread::of(values) {
        Some(Spread { mean, deviation: Some(deviation) }) => format!("{} ± {}", show(mean), show(deviation)),
        Some(Spread { mean, deviation: None }) => show(mean),
        None => NOTHING.to_owned(),
    }
}

/// A number with three decimals and a minus sign that is one.
fn thousandths(number: f64) -> String {
    format!("{number:.3}").replace('-', "−")
}
