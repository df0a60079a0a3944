//! From ranks to the printed table: markdown for people, CSV for scripts.
//!
//! Everything here is pure: what a report says about clocks, commits and files is given to it as values.

mod audit;
mod breakdown;
mod canvas;
mod caption;
mod claims;
mod comparable;
mod csv;
mod figure;
mod ink;
pub mod judge;
mod layout;
pub mod maps;
mod markdown;
pub mod profile;
mod provenance;
mod score;
mod small_curve;
pub mod statistics;
mod table;

pub use audit::Audited;
pub use canvas::escape;
pub use score::value_of;
pub use small_curve::{Svg, small_curve};

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

/// One cell of the grid with one seed, and how it ended.
#[derive(Debug, Clone)]
pub struct CellResult {
    /// The cell's value on each of its axes.
    pub coordinates: BTreeMap<String, String>,
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub state: CellState,
    /// The epochs of its training, kept where a report draws them.
    pub curve: Vec<Epoch>,
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
    /// The commit of the working tree, where there is one.
    pub git_commit: Option<String>,
    /// Whether the working tree differed from that commit.
    pub git_dirty: bool,
    /// The command that made the report.
    pub command: String,
    /// When it was made.
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
}

/// The report as markdown. The same input gives the same bytes.
///
/// # Errors
/// When a metric of the experiment cannot be read.
pub fn render(report: &Report<'_>) -> Result<String, MetricError> {
    let metrics = score::metrics(report.spec)?;
    let combinations = layout::Combinations::of(report);
    let results = table::render(report, &combinations, &metrics);
    let mut sections = vec![format!("# {}", report.experiment.title)];
    sections.extend(non_empty(&report.experiment.about));
    sections.push("## Results".to_owned());
    sections.extend(caption::warnings(report));
    sections.extend(results.tables);
    sections.extend(results.remarks);
    sections.extend(non_empty(&results.footnotes));
    sections.extend(caption::paragraphs(report, &combinations, &metrics));
    sections.extend(report.spec.notes.iter().map(|note| note.trim().to_owned()));
    sections.extend(breakdown::render(report, &combinations, &metrics));
    sections.extend(figure::render(report, &combinations)?.into_iter().flat_map(|figure| figure.words));
    sections.extend(audit::render(report.audits));
    sections.extend(claims::render(report)?);
    sections.push(provenance::render(report.provenance, runs(report)));
    Ok(sections.join("\n\n") + "\n")
}

/// The figures of the report: the name of each file and what is in it. The same input gives the same bytes.
///
/// # Errors
/// When a metric of the experiment cannot be read.
pub fn render_figures(report: &Report<'_>) -> Result<Vec<(String, String)>, MetricError> {
    let rendered = figure::render(report, &layout::Combinations::of(report))?;
    Ok(rendered.into_iter().filter_map(|figure| figure.file).collect())
}

/// The same numbers for scripts: one line for each cell, seed and metric, and for each group of samples where they are
/// broken down; values as fractions, not per cent.
///
/// # Errors
/// When a metric of the experiment cannot be read.
pub fn render_csv(report: &Report<'_>) -> Result<String, MetricError> {
    Ok(csv::render(report, &score::metrics(report.spec)?))
}

/// The runs that made the numbers.
fn runs<'a>(report: &Report<'a>) -> BTreeSet<&'a str> {
    report.cells.iter().filter_map(CellResult::ranks).map(|ranks| ranks.run.as_str()).collect()
}

fn non_empty(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}
