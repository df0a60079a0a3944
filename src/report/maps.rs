//! The report of an experiment that shows maps of item vectors: the maps, and how well groups of items stand apart.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::{self, Audited};
use super::csv::quoted;
use super::figure::map_figures;
use super::page::{
    self, Align, Block, Cell, Column, Content, Footnotes, Holds, Kind, Made, Number, Origin, Page, Print, Row, Section,
    Seed, Source, State,
};
use super::score::Spread;
use super::table::failure;
use super::words::{Words, counted, inline, list};
use super::{Provenance, prose, provenance};
use crate::data::map::{Fit, Quality, VectorMap};
use crate::data::statistics::Unit;
use crate::experiment::MapsSpec;
use crate::experiment::types::{Experiment, ReportSpec};

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
    /// What it was made with and from.
    pub made: Option<Made>,
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
    /// The page of the report.
    pub fn page(&self) -> Page {
        let origin = Origin::of(self.provenance, self.cells.iter().map(|cell| cell.run.as_str()));
        let mut footnotes = Footnotes::default();
        let table = Block::Table(self.table(&mut footnotes));
        let mut results: Vec<Block> = self.warning().into_iter().chain([table]).collect();
        results.extend(footnotes.block());
        results.push(Block::Words(self.caption().into()));
        results.extend(self.spec.notes.iter().filter_map(|note| prose(note)));
        let about = Section { kind: Kind::About, blocks: prose(&self.experiment.about).into_iter().collect() };
        let mut sections = vec![about, Section { kind: Kind::Results, blocks: results }];
        let figures: Vec<Block> = map_figures(self, &origin).into_iter().map(Block::Figure).collect();
        if !figures.is_empty() {
            sections.push(Section { kind: Kind::Figures, blocks: figures });
        }
        sections.extend(audit::section(self.audits));
        sections.push(provenance::section(&origin));
        Page {
            name: self.name.to_owned(),
            title: self.experiment.title.clone(),
            sections,
            sources: self.places().into_iter().map(|place| self.source(place)).collect(),
            claims: Vec::new(),
            audits: audit::found(self.audits),
            protocol: None,
            origin,
        }
    }

    /// The cells without their seeds, in the order of the grid.
    fn places(&self) -> Vec<&'a BTreeMap<String, String>> {
        let mut places: Vec<&BTreeMap<String, String>> = Vec::new();
        for cell in self.cells {
            if !places.contains(&&cell.coordinates) {
                places.push(&cell.coordinates);
            }
        }
        places
    }

    fn source(&self, place: &BTreeMap<String, String>) -> Source {
        let seeds = self.cells.iter().filter(|cell| cell.coordinates == *place).map(|cell| {
            let (state, reason, log) = match &cell.state {
                MapState::Done(_) => (State::Done, None, None),
                MapState::Failed { message, log } => (State::Failed, Some(message.clone()), log.clone()),
                MapState::Missing { why } => (State::Missing, Some(why.clone()), None),
            };
            let numbers = cell.map().map_or_else(Vec::new, |map| named(&map.quality));
            let values = numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let (run, made) = (cell.run.clone(), cell.made.clone());
            Seed { seed: Some(cell.seed), state, reason, log, values, run, made, curve: Vec::new() }
        });
        let axes = [&self.maps.across, &self.maps.down].map(|axis| place.get(axis).map_or("", String::as_str));
        let dataset = place.get("dataset").map_or("", String::as_str);
        let name = format!("{}, {} of {dataset}", self.title(axes[0]), self.title(axes[1]));
        Source { name: name.into(), coordinates: place.clone(), seeds: seeds.collect() }
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
            let numbers = cell.map().map(|map| named(&map.quality)).unwrap_or_default();
            let written = numbers.into_iter().map(|(name, value)| (name, value.to_string()));
            let mut numbers: Vec<(&str, String)> = written.collect();
            if numbers.is_empty() {
                numbers.push(("", String::new()));
            }
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

    /// The cells of a data set.
    pub(super) fn of(&self, dataset: &str) -> impl Iterator<Item = &'a Mapped> {
        self.cells.iter().filter(move |cell| cell.value("dataset") == dataset)
    }

    /// What must be read before the numbers.
    fn warning(&self) -> Option<Block> {
        let generated = |dataset: &&String| self.of(dataset).any(|cell| cell.synthetic && cell.map().is_some());
        let names: Vec<String> = self.values("dataset").iter().filter(generated).map(|name| inline(name)).collect();
        let words = format!(
            "{} {} generated with planted structure: these maps show that the code finds it, and say nothing about any \
             real log.",
            list(&names),
            if names.len() == 1 { "was" } else { "were" }
        );
        (!names.is_empty()).then(|| Block::Warning("Synthetic data", Words::new(words)))
    }

    fn table(&self, footnotes: &mut Footnotes) -> page::Table {
        let ours = |title: &str| {
            let holds = Holds::Ours { column: title.to_owned(), metric: Some(title.to_owned()), group: None };
            Column::new(title, Align::Right, holds)
        };
        let mut columns = vec![
            Column::new("data set", Align::Left, Holds::Names),
            Column::new(self.maps.across.as_str(), Align::Left, Holds::Other),
        ];
        let measured = ["items", "groups", "silhouette", "neighbours of the group", "by chance", "between / within"];
        columns.extend(measured.map(ours));
        let fits = self.values(&self.maps.down).iter();
        columns.extend(fits.map(|value| Column::new(self.title(value), Align::Right, Holds::Other)));
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
        page::Table { path: Vec::new(), columns, rows }
    }

    /// The numbers of the cells of one data set whose vectors were learned alike.
    fn row(&self, dataset: &str, across: &str, cells: &[&Mapped], footnotes: &mut Footnotes) -> Row {
        // The vectors of a seed are the same whatever the projection, and so is what is measured in their space.
        let mut by_seed: BTreeMap<u64, &VectorMap> = BTreeMap::new();
        cells.iter().filter_map(|cell| Some((cell.seed, cell.map()?))).for_each(|(seed, map)| {
            by_seed.entry(seed).or_insert(map);
        });
        let lacking: BTreeSet<String> = cells.iter().filter_map(|cell| cell.why()).collect();
        let lacking: Vec<String> = lacking.into_iter().collect();
        let mark = (!lacking.is_empty()).then(|| footnotes.mark(format!("{}.", lacking.join("; "))));
        let mut row = Row::named(format!("{dataset} {across}"), Cell::words(dataset));
        row.cells.push(Cell::words(self.title(across)).marked(mark));
        let of = |value: fn(&Quality) -> f64, print: Print| {
            let values: Vec<f64> = by_seed.values().map(|map| value(&map.quality)).collect();
            spread(&values, print).map_or(Content::Nothing, Content::Number)
        };
        let some = by_seed.values().next();
        let count = |count: Option<usize>| Cell::number(count.map(|count| count as f64), Print::Statistic(Unit::Count));
        row.cells.push(count(some.map(|map| map.points.len())));
        row.cells.push(count(some.map(|map| map.groups().len())));
        row.cells.push(Cell::new(of(|quality| quality.silhouette, Print::Thousandths)));
        row.cells.push(Cell::new(of(|quality| quality.same_group, Print::Percent)));
        row.cells.push(Cell::number(some.map(|map| map.quality.by_chance), Print::Percent));
        row.cells.push(Cell::new(of(|quality| quality.between_within, Print::Thousandths)));
        let places = self.places();
        for down in self.values(&self.maps.down) {
            let here = || cells.iter().filter(|cell| cell.value(&self.maps.down) == down);
            let fits: Vec<Fit> = here().filter_map(|cell| Some(cell.map()?.quality.fit)).collect();
            let source = here().next().and_then(|cell| places.iter().position(|place| **place == cell.coordinates));
            let text = |values: Vec<f64>, print| spread(&values, print).map(|number| number.text()).unwrap_or_default();
            let shown = match fits.first() {
                Some(Fit::Pca { .. }) => {
                    let kept = |fit: &Fit| if let Fit::Pca { variance } = fit { Some(*variance) } else { None };
                    text(fits.iter().filter_map(kept).collect(), Print::Percent) + " % of variance"
                }
                Some(Fit::TSne { .. }) => {
                    let left =
                        |fit: &Fit| if let Fit::TSne { divergence, .. } = fit { Some(*divergence) } else { None };
                    format!("KL {}", text(fits.iter().filter_map(left).collect(), Print::Thousandths))
                }
                None => "–".to_owned(),
            };
            row.cells.push(Cell::words(shown).from(source));
        }
        row
    }

    fn caption(&self) -> String {
        let (all, done) = (|_: &&Mapped| true, |cell: &&Mapped| cell.map().is_some());
        let seeds_of = |counts: fn(&&Mapped) -> bool| -> BTreeSet<u64> {
            self.cells.iter().filter(counts).map(|cell| cell.seed).collect()
        };
        let seeds = Some(seeds_of(done)).filter(|seeds| !seeds.is_empty()).unwrap_or_else(|| seeds_of(all));
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
fn named(quality: &Quality) -> Vec<(&'static str, f64)> {
    let mut numbers = vec![
        ("silhouette", quality.silhouette),
        ("neighbours of the group", quality.same_group),
        ("by chance", quality.by_chance),
        ("between / within", quality.between_within),
    ];
    match quality.fit {
        Fit::Pca { variance } => numbers.push(("variance", variance)),
        Fit::TSne { divergence, perplexity } => {
            numbers.extend([("divergence", divergence), ("perplexity", perplexity)]);
        }
    }
    numbers
}

/// A mean over seeds; nothing where there is none.
fn spread(values: &[f64], print: Print) -> Option<Number> {
    let Spread { mean, deviation } = Spread::of(values)?;
    Some(Number { deviation, ..Number::new(mean, print) })
}
