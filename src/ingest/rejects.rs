//! Bad rows: the first one stops the reading (`strict`), or each is written to `rejected.parquet` with its reason, up to
//! a share of the rows of a file (`quarantine`). None is dropped in silence.

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::raw::{Columns, Fault, RawFile};
use crate::artifact::table::{Column, Schema, TableError, TableWriter, Text, Type};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::StageError;

/// Columns of `rejected.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "rejected rows",
    version: 1,
    columns: &[
        ("file", Type::Text, "the raw file, as the publisher names it"),
        ("line", Type::Int64, "the line on which the fault stands, from 1; where there are no lines, the row"),
        ("column", Type::Int64, "the character of the line at which it begins, from 1"),
        ("reason", Type::Text, "what is wrong"),
        ("text", Type::Text, "the line, its first 1,000 characters"),
    ],
    sorted: &[],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "rejected.parquet";

/// Characters of a line that are kept.
const KEPT: usize = 1000;

/// Rows that are written together.
const PIECE: usize = 4096;

/// What becomes of rows that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadRows {
    /// The first one stops the reading, with its file, line, column and text.
    #[default]
    Strict,
    /// Each is written to `rejected.parquet` with the reason, and reading goes on.
    Quarantine(Quarantine),
}

impl BadRows {
    /// Whether the first bad row stops the reading.
    pub fn is_strict(&self) -> bool {
        *self == Self::Strict
    }
}

/// How many rows may be bad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// The share of the rows of each file, from 0 to 1; with more the stage fails.
    pub at_most: f64,
}

/// A row that cannot be read, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadRow {
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// Characters that are meant.
    pub width: usize,
    /// The line.
    pub text: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do now.
    pub help: String,
}

impl BadRow {
    /// The place and the words of a fault. `record` is the text of the row, which begins on `line`; `field` is where the
    /// fault's column stands in it.
    pub(super) fn new(
        fault: &Fault,
        columns: &Columns,
        record: &[u8],
        line: u64,
        field: std::ops::Range<usize>,
    ) -> Self {
        let start = field.start.min(record.len());
        let end = field.end.clamp(start, record.len());
        let (line_start, breaks) = record[..start].iter().enumerate().fold((0, 0), |(from, breaks), (at, byte)| {
            if *byte == b'\n' { (at + 1, breaks + 1) } else { (from, breaks) }
        });
        let text = record[line_start..].split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        let shown = |bytes: &[u8], most: usize| String::from_utf8_lossy(bytes).chars().take(most).collect::<String>();
        let message = match fault.column {
            Some(column) => {
                format!("`{}` in `{}` {}", shown(&record[start..end], 60), columns.names[column], fault.problem)
            }
            None => fault.problem.to_string(),
        };
        Self {
            line: line + breaks,
            column: String::from_utf8_lossy(&record[line_start..start]).chars().count() as u64 + 1,
            width: String::from_utf8_lossy(&record[start..end]).lines().next().unwrap_or_default().chars().count(),
            text: shown(text, KEPT),
            message,
            help: fault.help.to_string(),
        }
    }

    fn diagnostic(&self, file: &RawFile) -> Diagnostic {
        let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Diagnostic::new(self.message.as_str())
            .at(file.shown.as_str(), place(self.line), place(self.column))
            .source(self.text.as_str(), self.width)
            .help(self.help.as_str())
    }
}

/// Keeps to the policy and counts.
pub(super) struct Rejects {
    policy: BadRows,
    writer: TableWriter,
    held: Vec<(String, BadRow)>,
    total: u64,
    first: Option<Diagnostic>,
    of_file: u64,
}

impl Rejects {
    /// Begins the table of rejected rows.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) fn create(policy: BadRows, output: &Utf8Path) -> Result<Self, TableError> {
        let writer = TableWriter::create(&output.join(FILE), &SCHEMA, &[])?;
        Ok(Self { policy, writer, held: Vec::new(), total: 0, first: None, of_file: 0 })
    }

    /// Takes a bad row of a file.
    ///
    /// # Errors
    /// Where the policy is to stop; or when the table cannot be written.
    pub(super) fn take(&mut self, file: &RawFile, row: BadRow) -> Result<(), StageError> {
        if self.policy == BadRows::Strict {
            return Err(row.diagnostic(file).into());
        }
        if self.of_file == 0 {
            self.first = Some(row.diagnostic(file));
        }
        self.of_file += 1;
        self.total += 1;
        self.held.push((file.name.clone(), row));
        if self.held.len() == PIECE { Ok(self.flush()?) } else { Ok(()) }
    }

    /// Ends a file with this many rows; answers how many of them were bad.
    ///
    /// # Errors
    /// When more of them were bad than may be.
    pub(super) fn end_file(&mut self, file: &RawFile, rows: u64) -> Result<u64, StageError> {
        let bad = std::mem::take(&mut self.of_file);
        let first = self.first.take();
        let BadRows::Quarantine(Quarantine { at_most }) = self.policy else { return Ok(bad) };
        if bad as f64 <= at_most * rows as f64 {
            return Ok(bad);
        }
        let share = 100.0 * bad as f64 / rows as f64;
        let message = format!(
            "{bad} of {rows} rows of `{}` cannot be read: {share:.3} %, and {} % may be",
            file.shown,
            100.0 * at_most
        );
        // The place of the first one, whose own words say what is wrong.
        let mut diagnostic = first.unwrap_or_else(|| Diagnostic::new(""));
        diagnostic.message = format!("{message}; the first: {}", diagnostic.message);
        let help = "mend the file, or raise `at_most` under `bad_rows`";
        let help = diagnostic.help.take().map_or_else(|| help.to_owned(), |own| format!("{own}; or {help}"));
        Err(diagnostic.help(help).into())
    }

    /// Ends the table; answers how many rows it has.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn finish(mut self) -> Result<u64, TableError> {
        self.flush()?;
        self.writer.finish()?;
        Ok(self.total)
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.writer.append(vec![
            Column::Text(Text::full(held.iter().map(|(file, _)| file))),
            Column::Int64(held.iter().map(|(_, row)| whole(row.line)).collect()),
            Column::Int64(held.iter().map(|(_, row)| whole(row.column)).collect()),
            Column::Text(Text::full(held.iter().map(|(_, row)| &row.message))),
            Column::Text(Text::full(held.iter().map(|(_, row)| &row.text))),
        ])
    }
}
