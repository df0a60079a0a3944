//! From ranks to the printed table: a page that says what stands where, and the forms in which it is written down.
//!
//! Everything here is pure: what a report says about clocks, commits and files is given to it as values.

mod audit;
mod breakdown;
mod canvas;
mod caption;
mod claims;
mod comparable;
mod csv;
mod drift;
mod figure;
pub mod form;
mod frame;
mod ink;
pub mod judge;
mod layout;
pub mod maps;
pub mod page;
pub mod profile;
mod provenance;
mod score;
mod small_curve;
mod sources;
pub mod statistics;
mod table;
mod words;

pub use audit::Audited;
pub use canvas::escape;
pub use drift::{Drift, Moved, drift};
pub use score::value_of;
pub use small_curve::{Svg, small_curve};
pub use words::{Span, Words};

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use crate::data::breakdown::Target;
use crate::data::protocol::Protocol;
use crate::data::ranks::Ranks;
use crate::experiment::Points;
use crate::experiment::types::{Experiment, ReportSpec};
use crate::metric::MetricError;

use page::{Block, Kind, Made, Origin, Page, Section};

/// One cell of the grid with one seed, and how it ended.
#[derive(Debug, Clone)]
pub struct CellResult {
    /// The cell's value on each of its axes.
    pub coordinates: BTreeMap<String, String>,
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub state: CellState,
    /// The epochs of its training; none where it learned nothing in epochs.
    pub curve: Vec<Epoch>,
    /// What it was made with and from; nothing where that is not on record.
    pub made: Option<Made>,
}

/// An epoch of a training, as its `curve.jsonl` holds it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: u32,
    /// Metrics on the part of the data that picks the epoch, from 0 to 1; nothing where the trainer measured no number.
    #[serde(default)]
    pub metrics: BTreeMap<String, Option<f64>>,
}

impl CellResult {
    /// Its ranks, if it ended well.
    pub fn ranks(&self) -> Option<&CellRanks> {
        match &self.state {
            CellState::Done(ranks) => Some(ranks),
            CellState::Failed { .. } | CellState::Missing { .. } => None,
        }
    }
}

/// How a cell ended.
#[derive(Debug, Clone)]
pub enum CellState {
    /// It has ranks.
    Done(Box<CellRanks>),
    /// One of its stages failed.
    Failed {
        /// What the stage said; the first line is printed.
        message: String,
        /// Where the rest can be read.
        log: Option<String>,
    },
    /// It has no result, and nothing failed.
    Missing {
        /// Why: `did not run`.
        why: String,
    },
}

/// The ranks of a cell, and what must agree before they may be compared with another cell's.
#[derive(Debug, Clone)]
pub struct CellRanks {
    /// The ranks by selection.
    pub ranks: Ranks,
    /// The targets of the test samples that were ranked, each at the place of its sample's number; kept where a report
    /// tells them apart, and nothing where their dataset is gone.
    pub samples: Option<Arc<[Target]>>,
    /// Digest of the protocol under which they came to be.
    pub protocol_digest: String,
    /// Digest of the list of test samples.
    pub test_samples: String,
    /// Whether the data were generated.
    pub synthetic: bool,
    /// Whether a stage on the way to them is `frozen`: they may be of other settings than those of the experiment now.
    pub frozen: bool,
    /// The run that made them.
    pub run: String,
}

/// Where the numbers come from. Printed at the end, read nowhere here.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The experiment file as the person named it.
    pub experiment_file: String,
    /// Digest of the experiment file.
    pub experiment_digest: String,
    /// Digest of the protocol.
    pub protocol_digest: String,
    /// Digest of each data set, by its name.
    pub datasets: BTreeMap<String, String>,
    /// `sr-pipe 0.1.0`.
    pub tool_version: String,
    /// The commit under which the newest result was made, where there is one: `54a736…`, or `54a736… with changes`.
    pub git_commit: Option<String>,
    /// Those of the other results.
    pub other_commits: Vec<String>,
    /// The command that makes the results.
    pub command: String,
    /// When the newest result was made.
    pub date: String,
}

/// All that a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// What its files in `results/` are called, without what follows.
    pub name: &'a str,
    /// What to print.
    pub spec: &'a ReportSpec,
    /// The experiment, for its words and its claims.
    pub experiment: &'a Experiment,
    /// Its grid, written out.
    pub points: &'a Points,
    /// The experiment's protocol, resolved.
    pub protocol: &'a Protocol,
    /// Names to print instead of axis values: `m-sr` as `M-SR`.
    pub titles: &'a BTreeMap<String, String>,
    /// The models that are plain rules: every other one has to beat them.
    pub floors: &'a BTreeSet<String>,
    /// What became of its cells, in any order.
    pub cells: &'a [CellResult],
    /// What was looked for in their datasets, in the order of the grid.
    pub audits: &'a [Audited],
    /// Where they come from.
    pub provenance: &'a Provenance,
}

impl<'a> Report<'a> {
    /// The name that is printed for an axis value.
    fn title(&self, value: &'a str) -> &'a str {
        self.titles.get(value).map_or(value, String::as_str)
    }

    /// The optional data sets of which no cell has a result and none failed: their raw files are absent, or they were not
    /// chosen.
    fn absent(&self) -> BTreeSet<&'a str> {
        let ran = |name: &str| {
            let mut cells =
                self.cells.iter().filter(|cell| cell.coordinates.get("dataset").is_some_and(|own| own == name));
            cells.any(|cell| !matches!(cell.state, CellState::Missing { .. }))
        };
        let optional = self.experiment.datasets.iter().filter(|(_, dataset)| dataset.optional);
        optional.map(|(name, _)| name.as_str()).filter(|name| !ran(name)).collect()
    }
}

/// The page of a report. The same input gives the same page.
///
/// # Errors
/// When a metric of the experiment cannot be read.
pub fn page(report: &Report<'_>) -> Result<Page, MetricError> {
    let metrics = score::metrics(report.spec)?;
    let combinations = layout::Combinations::of(report);
    let runs = report.cells.iter().filter_map(CellResult::ranks).map(|ranks| &*ranks.run);
    let origin = Origin::of(report.provenance, runs);
    let mut results = caption::warnings(report);
    results.extend(table::blocks(report, &combinations, &metrics));
    results.extend(caption::paragraphs(report, &combinations, &metrics));
    results.extend(report.spec.notes.iter().filter_map(|note| prose(note)));
    let mut sections = vec![
        Section { kind: Kind::About, blocks: prose(&report.experiment.about).into_iter().collect() },
        Section { kind: Kind::Results, blocks: results },
    ];
    sections.extend(breakdown::section(report, &combinations, &metrics));
    sections.extend(figure::section(report, &combinations, &origin)?);
    sections.extend(audit::section(report.audits));
    let (claims, verdicts) = claims::of(report, &combinations)?;
    sections.extend(verdicts);
    sections.push(provenance::section(&origin));
    Ok(Page {
        name: report.name.to_owned(),
        title: report.experiment.title.clone(),
        sections,
        sources: sources::of(report, &combinations, &metrics),
        claims,
        audits: audit::found(report.audits),
        protocol: Some(serde_json::json!(report.protocol)),
        origin,
    })
}

/// The same numbers for scripts: one line for each cell, seed and metric, and for each group of samples where they are
/// broken down; values as fractions, not per cent.
///
/// # Errors
/// When a metric of the experiment cannot be read.
pub fn render_csv(report: &Report<'_>) -> Result<String, MetricError> {
    Ok(csv::render(report, &score::metrics(report.spec)?))
}

/// Paragraphs of the experiment's author; nothing where there are none.
fn prose(text: &str) -> Option<Block> {
    (!text.trim().is_empty()).then(|| Block::Prose(text.trim().to_owned()))
}
