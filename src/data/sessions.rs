//! `sessions.parquet` of a sessions artifact: events in the order of their sessions.

use std::ops::Range;

use camino::Utf8Path;

use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};

/// Columns of `sessions.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "sessions",
    version: 1,
    columns: &[
        ("session", Type::Int64),
        ("user", Type::Text),
        ("item", Type::Text),
        ("operation", Type::Text),
        ("time", Type::Int64),
        ("row", Type::Int64),
        ("part", Type::OptionalText),
    ],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "sessions.parquet";

/// All events, session after session; sessions in the order of their numbers, which is that of their beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Sessions {
    /// The session's number.
    pub session: Vec<i64>,
    /// Who.
    pub user: Text,
    /// What it was done to.
    pub item: Text,
    /// What was done.
    pub operation: Text,
    /// When, in seconds.
    pub time: Vec<i64>,
    /// The place in the log.
    pub row: Vec<i64>,
    /// `train` or `test`, where the publisher has split the log.
    pub part: Text,
}

impl Sessions {
    /// Reads the table.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn read(path: &Utf8Path) -> Result<Self, TableError> {
        let mut table = table::read(path, &SCHEMA)?;
        Ok(Self {
            session: table.int64("session"),
            user: table.text("user"),
            item: table.text("item"),
            operation: table.text("operation"),
            time: table.int64("time"),
            row: table.int64("row"),
            part: table.text("part"),
        })
    }

    /// Writes the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(self, path: &Utf8Path) -> Result<(), TableError> {
        let columns = vec![
            Column::Int64(self.session),
            Column::Text(self.user),
            Column::Text(self.item),
            Column::Text(self.operation),
            Column::Int64(self.time),
            Column::Int64(self.row),
            Column::Text(self.part),
        ];
        table::write(path, &SCHEMA, columns, Vec::new())
    }

    /// The rows of each session.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut start = 0;
        for end in 1..=self.session.len() {
            if end == self.session.len() || self.session[end] != self.session[start] {
                ranges.push(start..end);
                start = end;
            }
        }
        ranges
    }

    /// These rows, in this order, under the same session numbers.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        Self {
            session: rows.iter().map(|row| self.session[*row]).collect(),
            user: self.user.take(rows),
            item: self.item.take(rows),
            operation: self.operation.take(rows),
            time: rows.iter().map(|row| self.time[*row]).collect(),
            row: rows.iter().map(|row| self.row[*row]).collect(),
            part: self.part.take(rows),
        }
    }
}
