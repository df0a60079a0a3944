//! The table of an experiment that counts its data sets: statistics by data sets, the paper's numbers beside ours.

use std::collections::BTreeMap;

use super::audit::{self, Audited};
use super::csv::quoted;
use super::page::{
    Align, Block, Cell, Column, Content, Footnotes, Holds, Kind, Made, Number, Origin, Page, Print, Row, Section, Seed,
    Source, State, Table,
};
use super::table::failure;
use super::words::{Words, counted, inline, list};
use super::{Provenance, prose, provenance};
use crate::data::statistics::{Statistic, Statistics, Unit, Value, statistic_named};
use crate::experiment::types::{Experiment, ReportSpec};

/// A data set that was to be counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Its value on the axis of the columns.
    pub name: String,
    /// How the counting ended.
    pub state: CountedState,
    /// Whether its data were generated.
    pub synthetic: bool,
    /// The run that counted; empty where none did.
    pub run: String,
    /// What it was counted with and from.
    pub made: Option<Made>,
}

/// How the counting of a data set ended.
#[derive(Debug, Clone)]
pub enum CountedState {
    /// It was counted.
    Done(Statistics),
    /// One of its stages failed.
    Failed {
        /// What the stage said; the first line is printed.
        message: String,
        /// Where the rest can be read.
        log: Option<String>,
    },
    /// It was not counted, and nothing failed.
    Missing {
        /// Why: `did not run`.
        why: String,
    },
}

/// All that such a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct StatisticsReport<'a> {
    /// What its files in `results/` are called, without what follows.
    pub name: &'a str,
    /// What to print.
    pub spec: &'a ReportSpec,
    /// The experiment, for its words.
    pub experiment: &'a Experiment,
    /// The data sets, in the order of the grid.
    pub columns: &'a [Counted],
    /// What was looked for in their datasets, in the order of the grid.
    pub audits: &'a [Audited],
    /// Where the numbers come from.
    pub provenance: &'a Provenance,
}

impl StatisticsReport<'_> {
    /// The page of the report.
    pub fn page(&self) -> Page {
        let rows: Vec<&Statistic> = self.rows();
        let mut footnotes = Footnotes::default();
        let table = Block::Table(self.table(&rows, &mut footnotes));
        let mut results: Vec<Block> = self.warning().into_iter().chain([table]).collect();
        results.extend(footnotes.block());
        results.push(Block::Words(self.caption().into()));
        let definitions = rows.iter().map(|row| format!("{}: {}.", row.name, row.words).into());
        results.push(Block::List(definitions.collect()));
        results.extend(self.spec.notes.iter().filter_map(|note| prose(note)));
        let origin = Origin::of(self.provenance, self.columns.iter().map(|column| column.run.as_str()));
        let about = Section { kind: Kind::About, blocks: prose(&self.experiment.about).into_iter().collect() };
        let results = Section { kind: Kind::Results, blocks: results };
        let last = provenance::section(&origin);
        Page {
            name: self.name.to_owned(),
            title: self.experiment.title.clone(),
            sections: [about, results].into_iter().chain(audit::section(self.audits)).chain([last]).collect(),
            sources: self.columns.iter().map(|column| self.source(column)).collect(),
            claims: Vec::new(),
            audits: audit::found(self.audits),
            protocol: None,
            origin,
        }
    }

    fn source(&self, column: &Counted) -> Source {
        let (state, reason, log) = match &column.state {
            CountedState::Done(_) => (State::Done, None, None),
            CountedState::Failed { message, log } => (State::Failed, Some(message.clone()), log.clone()),
            CountedState::Missing { why } => (State::Missing, Some(why.clone()), None),
        };
        let values = self.rows().into_iter().filter_map(|row| Some((row.name.to_owned(), number(column, row)?)));
        let (run, made) = (column.run.clone(), column.made.clone());
        let seed = Seed { seed: None, state, reason, log, values: values.collect(), run, made, curve: Vec::new() };
        let coordinates = BTreeMap::from([(self.spec.columns.clone(), column.name.clone())]);
        Source { name: column.name.as_str().into(), coordinates, seeds: vec![seed] }
    }

    /// The same numbers for scripts: one line for each data set and statistic, shares as fractions.
    pub fn render_csv(&self) -> String {
        let header = "dataset statistic unit state value paper synthetic run message";
        let mut lines = vec![header.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>()];
        for column in self.columns {
            for row in self.rows() {
                let (state, value, message) = match &column.state {
                    CountedState::Done(statistics) => match statistics.value(row.name) {
                        Some(Value::Unknown(why)) => ("unknown", None, why.as_str()),
                        Some(value) => ("done", value.number(), ""),
                        None => ("unknown", None, ""),
                    },
                    CountedState::Failed { message, .. } => ("failed", None, message.as_str()),
                    CountedState::Missing { why } => ("missing", None, why.as_str()),
                };
                let unit = match row.unit {
                    Unit::Count => "count",
                    Unit::Mean => "mean",
                    Unit::Share => "share",
                };
                let paper = self.printed(column, row).map(|paper| paper / whole(row.unit));
                let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
                let synthetic = if state == "missing" { String::new() } else { column.synthetic.to_string() };
                let fields = [&column.name, row.name, unit, state, &number(value), &number(paper), &synthetic];
                let fields = fields.into_iter().chain([column.run.as_str(), message]);
                lines.push(fields.map(str::to_owned).collect());
            }
        }
        lines.iter().map(|line| line.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",") + "\n").collect()
    }

    /// The statistics of the table.
    fn rows(&self) -> Vec<&'static Statistic> {
        self.spec.statistics.iter().filter_map(|name| statistic_named(name)).collect()
    }

    fn table(&self, rows: &[&Statistic], footnotes: &mut Footnotes) -> Table {
        let mut columns = vec![Column::new("statistic", Align::Left, Holds::Names)];
        let mut lines: Vec<Row> = rows.iter().map(|row| Row::named(row.name, Cell::words(row.name))).collect();
        for (at, column) in self.columns.iter().enumerate() {
            let holds = Holds::Ours { column: column.name.clone(), metric: None, group: None };
            columns.push(Column::new(column.name.as_str(), Align::Right, holds));
            let beside_paper = rows.iter().any(|row| self.printed(column, row).is_some());
            if beside_paper {
                columns.push(Column::new("paper", Align::Right, Holds::Paper));
                columns.push(Column::new("Δ", Align::Right, Holds::Difference));
            }
            for (line, row) in lines.iter_mut().zip(rows) {
                line.cells.push(self.cell(column, row, footnotes).from(Some(at)));
                if beside_paper {
                    let paper = self.printed(column, row).map(|paper| paper / whole(row.unit));
                    line.cells.push(Cell::number(paper, Print::Statistic(row.unit)));
                    let difference = number(column, row).zip(paper).map(|(ours, paper)| ours - paper);
                    line.cells.push(Cell::number(difference, Print::Difference(row.unit)));
                }
            }
        }
        Table { path: Vec::new(), columns, rows: lines }
    }

    /// A number, or what stands in its place, marked with why.
    fn cell(&self, column: &Counted, row: &Statistic, footnotes: &mut Footnotes) -> Cell {
        let why = |column: &Counted| match &column.state {
            CountedState::Done(statistics) => match statistics.value(row.name) {
                Some(Value::Unknown(why)) => Some((Content::Nothing, why.clone())),
                Some(_) => None,
                None => Some((Content::Nothing, "counted by a version that did not know this statistic".to_owned())),
            },
            CountedState::Failed { message, log } => Some((Content::Failed, failure(message, log.as_deref()))),
            CountedState::Missing { why } => Some((Content::Missing, why.clone())),
        };
        match (why(column), number(column, row)) {
            (None, value) => {
                let number = Number::new(value.unwrap_or_default(), Print::Statistic(row.unit));
                Cell::new(Content::Number(number))
            }
            (Some(reason), _) => {
                // Data sets that lack it for one reason share a remark.
                let alike = self.columns.iter().filter(|other| why(other).as_ref() == Some(&reason));
                let names: Vec<String> = alike.map(|column| inline(&column.name)).collect();
                let (content, reason) = reason;
                Cell::new(content).marked(Some(footnotes.mark(format!("{}: {reason}.", list(&names)))))
            }
        }
    }

    /// The number that the paper printed; shares in per cent.
    fn printed(&self, column: &Counted, row: &Statistic) -> Option<f64> {
        self.spec.paper.as_ref()?.statistics.get(&column.name)?.get(row.name).copied()
    }

    /// What must be read before the table.
    fn warning(&self) -> Option<Block> {
        let counted = |column: &&Counted| column.synthetic && matches!(column.state, CountedState::Done(_));
        let names: Vec<String> = self.columns.iter().filter(counted).map(|column| inline(&column.name)).collect();
        let was = if names.len() == 1 { "was" } else { "were" };
        let words = format!(
            "{} {was} generated in the layout of the raw files: \
             these counts show that the files are read, and say nothing about any real log.",
            list(&names)
        );
        (!names.is_empty()).then(|| Block::Warning("Synthetic data", Words::new(words)))
    }

    fn caption(&self) -> String {
        let done = self.columns.iter().filter(|column| matches!(column.state, CountedState::Done(_))).count();
        let mut text = format!("{} of {} counted.", done, counted(self.columns.len(), "data set"));
        if let Some(paper) = &self.spec.paper {
            text += &format!(
                " Beside our numbers: `paper`, the number printed in {}; `Δ`, ours less the paper's, of shares in points.",
                paper.source
            );
        }
        text + " An event counts where the dataset knows its item, so dropped cold items do not; sessions count whole. \
                What is counted:"
    }
}

/// The number of a data set; a share as a fraction.
fn number(column: &Counted, row: &Statistic) -> Option<f64> {
    match &column.state {
        CountedState::Done(statistics) => statistics.value(row.name)?.number(),
        CountedState::Failed { .. } | CountedState::Missing { .. } => None,
    }
}

/// What a fraction is multiplied with to stand in a paper: shares are printed in per cent.
fn whole(unit: Unit) -> f64 {
    if unit == Unit::Share { 100.0 } else { 1.0 }
}
