//! `events.parquet`: what users did, one row an event, in the order in which it was read.

use camino::Utf8Path;

use crate::artifact::table::{self, Column, Schema, TableError, TableWriter, Text, Type};

/// Columns of `events.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "events",
    version: 1,
    columns: &[
        ("user", Type::Text),
        ("item", Type::Text),
        ("operation", Type::Text),
        ("time", Type::Int64),
        ("row", Type::Int64),
        ("session", Type::OptionalText),
        ("part", Type::OptionalText),
    ],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "events.parquet";

/// How many events are written together.
const PIECE: usize = 1 << 17;

/// All events.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    /// Who.
    pub user: Text,
    /// What it was done to.
    pub item: Text,
    /// What was done (the micro-behavior).
    pub operation: Text,
    /// When: seconds, the log's own clock read as UTC.
    pub time: Vec<i64>,
    /// The place in the log, from 0; breaks ties of time.
    pub row: Vec<i64>,
    /// The session, where the log gives it.
    pub session: Text,
    /// `train` or `test`, where the publisher has split the log.
    pub part: Text,
}

impl Events {
    /// Reads the table.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn read(path: &Utf8Path) -> Result<Self, TableError> {
        let mut table = table::read(path, &SCHEMA)?;
        Ok(Self {
            user: table.text("user"),
            item: table.text("item"),
            operation: table.text("operation"),
            time: table.int64("time"),
            row: table.int64("row"),
            session: table.text("session"),
            part: table.text("part"),
        })
    }
}

/// One event on its way into the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Who.
    pub user: &'a str,
    /// What it was done to.
    pub item: &'a str,
    /// What was done.
    pub operation: &'a str,
    /// Seconds.
    pub time: i64,
    /// The session, where the log gives it.
    pub session: Option<&'a str>,
    /// `train` or `test`, where the publisher has split the log.
    pub part: Option<&'a str>,
}

/// Writes events one by one and numbers their rows, holding only a piece of the log in memory.
pub struct EventWriter {
    writer: TableWriter,
    rows: i64,
    user: Vec<String>,
    item: Vec<String>,
    operation: Vec<String>,
    time: Vec<i64>,
    session: Vec<Option<String>>,
    part: Vec<Option<String>>,
}

impl EventWriter {
    /// Begins the table.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Utf8Path) -> Result<Self, TableError> {
        Ok(Self {
            writer: TableWriter::create(path, &SCHEMA, &[])?,
            rows: 0,
            user: Vec::new(),
            item: Vec::new(),
            operation: Vec::new(),
            time: Vec::new(),
            session: Vec::new(),
            part: Vec::new(),
        })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, event: Event<'_>) -> Result<(), TableError> {
        self.user.push(event.user.to_owned());
        self.item.push(event.item.to_owned());
        self.operation.push(event.operation.to_owned());
        self.time.push(event.time);
        self.session.push(event.session.map(str::to_owned));
        self.part.push(event.part.map(str::to_owned));
        if self.time.len() == PIECE { self.flush() } else { Ok(()) }
    }

    /// Ends the table; answers how many events it has.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<i64, TableError> {
        self.flush()?;
        self.writer.finish()?;
        Ok(self.rows)
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let first = self.rows;
        let time = std::mem::take(&mut self.time);
        self.rows += i64::try_from(time.len()).unwrap_or(i64::MAX);
        self.writer.append(vec![
            Column::Text(Text::full(self.user.drain(..))),
            Column::Text(Text::full(self.item.drain(..))),
            Column::Text(Text::full(self.operation.drain(..))),
            Column::Int64(time),
            Column::Int64((first..self.rows).collect()),
            Column::Text(self.session.drain(..).collect()),
            Column::Text(self.part.drain(..).collect()),
        ])
    }
}
