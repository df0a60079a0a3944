//! The table of an experiment that counts its data sets: statistics by data sets, the paper's numbers beside ours.

use std::collections::BTreeSet;

use super::audit::{self, Audited};
use super::csv::quoted;
use super::markdown::{Align, Footnotes, counted, inline, list, percent, points, table, thousands};
use super::table::failure;
use super::{Provenance, non_empty, provenance};
use crate::data::statistics::{Statistic, Statistics, Unit, Value, statistic_named};
use crate::experiment::types::{Experiment, ReportSpec};

/// What stands where there is no number to print.
const NOTHING: &str = "–";

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
    /// The report as markdown. The same input gives the same bytes.
    pub fn render(&self) -> String {
        let rows: Vec<&Statistic> = self.rows();
        let mut footnotes = Footnotes::default();
        let results = self.table(&rows, &mut footnotes);
        let mut sections = vec![format!("# {}", self.experiment.title)];
        sections.extend(non_empty(&self.experiment.about));
        sections.push("## Results".to_owned());
        sections.extend(self.warning());
        sections.push(results);
        sections.extend(non_empty(&footnotes.render()));
        sections.push(self.caption());
        let definitions = rows.iter().map(|row| format!("- {}: {}.", row.name, row.words));
        sections.push(definitions.collect::<Vec<_>>().join("\n"));
        sections.extend(self.spec.notes.iter().map(|note| note.trim().to_owned()));
        sections.extend(audit::render(self.audits));
        let runs: BTreeSet<&str> = self.columns.iter().map(|column| column.run.as_str()).collect();
        sections.push(provenance::render(self.provenance, runs));
        sections.join("\n\n") + "\n"
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

    fn table(&self, rows: &[&Statistic], footnotes: &mut Footnotes) -> String {
        let mut header = vec![("statistic".to_owned(), Align::Left)];
        let mut lines: Vec<Vec<String>> = rows.iter().map(|row| vec![row.name.to_owned()]).collect();
        for column in self.columns {
            let beside_paper = rows.iter().any(|row| self.printed(column, row).is_some());
            header.push((inline(&column.name), Align::Right));
            if beside_paper {
                header.extend([("paper".to_owned(), Align::Right), ("Δ".to_owned(), Align::Right)]);
            }
            for (line, row) in lines.iter_mut().zip(rows) {
                line.push(self.cell(column, row, footnotes));
                if beside_paper {
                    let paper = self.printed(column, row);
                    let ours = number(column, row).map(|ours| ours * whole(row.unit));
                    let shown = |number: f64| shown(row.unit, number);
                    line.push(paper.map_or_else(|| NOTHING.to_owned(), shown));
                    let difference = ours.zip(paper).map(|(ours, paper)| difference(row.unit, ours - paper));
                    line.push(difference.unwrap_or_else(|| NOTHING.to_owned()));
                }
            }
        }
        table(&header, &lines)
    }

    /// A number as it is printed, or what stands in its place, marked with why.
    fn cell(&self, column: &Counted, row: &Statistic, footnotes: &mut Footnotes) -> String {
        let why = |column: &Counted| match &column.state {
            CountedState::Done(statistics) => match statistics.value(row.name) {
                Some(Value::Unknown(why)) => Some((NOTHING, why.clone())),
                Some(_) => None,
                None => Some((NOTHING, "counted by a version that did not know this statistic".to_owned())),
            },
            CountedState::Failed { message, log } => Some(("failed", failure(message, log.as_deref()))),
            CountedState::Missing { why } => Some(("missing", why.clone())),
        };
        match (why(column), number(column, row)) {
            (None, value) => shown(row.unit, value.unwrap_or_default() * whole(row.unit)),
            (Some(reason), _) => {
                // Data sets that lack it for one reason share a remark.
                let alike = self.columns.iter().filter(|other| why(other).as_ref() == Some(&reason));
                let names: Vec<String> = alike.map(|column| inline(&column.name)).collect();
                let (word, reason) = reason;
                word.to_owned() + &footnotes.mark(format!("{}: {}.", list(&names), inline(&reason)))
            }
        }
    }

    /// The number that the paper printed; shares in per cent.
    fn printed(&self, column: &Counted, row: &Statistic) -> Option<f64> {
        self.spec.paper.as_ref()?.statistics.get(&column.name)?.get(row.name).copied()
    }

    /// What must be read before the table.
    fn warning(&self) -> Option<String> {
        let counted = |column: &&Counted| column.synthetic && matches!(column.state, CountedState::Done(_));
        let names: Vec<String> = self.columns.iter().filter(counted).map(|column| inline(&column.name)).collect();
        let was = if names.len() == 1 { "was" } else { "were" };
        (!names.is_empty()).then(|| {
            format!(
                "> **Synthetic data.** {} {was} generated in the layout of the raw files: \
                 these counts show that the files are read, and say nothing about any real log.",
                list(&names)
            )
        })
    }

    fn caption(&self) -> String {
        let done = self.columns.iter().filter(|column| matches!(column.state, CountedState::Done(_))).count();
        let mut text = format!("{} of {} counted.", done, counted(self.columns.len(), "data set"));
        if let Some(paper) = &self.spec.paper {
            text += &format!(
                " Beside our numbers: `paper`, the number printed in {}; `Δ`, ours less the paper's, of shares in points.",
                inline(&paper.source)
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

/// What a number is multiplied with to be printed: shares are printed in per cent.
fn whole(unit: Unit) -> f64 {
    if unit == Unit::Share { 100.0 } else { 1.0 }
}

/// A number as it is printed: `12,195`, `5.227`, `28.80 %`; of a share, `number` is in per cent.
pub(super) fn shown(unit: Unit, number: f64) -> String {
    match unit {
        Unit::Count => grouped(&format!("{number:.0}")),
        Unit::Mean => grouped(&format!("{number:.3}")),
        Unit::Share => format!("{} %", percent(number / 100.0)),
    }
}

/// A difference of numbers as they are printed, always with its sign: `+54`, `−0.103`, `0` where nothing is left of it.
fn difference(unit: Unit, difference: f64) -> String {
    if unit == Unit::Share {
        return points(difference);
    }
    let digits = shown(unit, difference.abs());
    if digits.chars().all(|digit| ['0', '.'].contains(&digit)) {
        return digits;
    }
    format!("{}{digits}", if difference < 0.0 { "−" } else { "+" })
}

/// `12195.5` with its thousands set apart: `12,195.5`.
fn grouped(number: &str) -> String {
    match number.split_once('.') {
        Some((whole, part)) => format!("{}.{part}", thousands(whole)),
        None => thousands(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_by_what_they_count() {
        assert_eq!(shown(Unit::Count, 7_377_418.0), "7,377,418");
        assert_eq!(shown(Unit::Mean, 1234.5678), "1,234.568");
        assert_eq!(shown(Unit::Share, 28.801), "28.80 %");
    }

    #[test]
    fn a_difference_has_its_sign_and_none_has_nothing() {
        assert_eq!([54.0, -1054.0, 0.0].map(|count| difference(Unit::Count, count)), ["+54", "−1,054", "0"]);
        assert_eq!([0.149, -0.103, 0.0004].map(|mean| difference(Unit::Mean, mean)), ["+0.149", "−0.103", "0.000"]);
        assert_eq!(difference(Unit::Share, -11.65), "−11.65");
    }
}
