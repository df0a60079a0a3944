//! `events.parquet`: what users did, one row an event, as numbers of the key tables. The rows stand in the order in
//! which sessions are cut: by session where the log gives sessions, else by user; then by time.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use crate::artifact::table::{Column, MISSING, Schema, Table, TableError, TableReader, TableWriter, Type};

/// Columns of `events.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "events",
    version: 2,
    columns: &[
        ("user", Type::OptionalInt32, "who: a row of users.parquet"),
        ("session", Type::OptionalInt32, "the session, where the log gives it: a row of given_sessions.parquet"),
        ("item", Type::Int32, "what it was done to: a row of items.parquet"),
        ("operation", Type::Int32, "what was done (the micro-behavior): a row of operations.parquet"),
        ("time", Type::Int64, "when: seconds, the log's own clock read as UTC; the row where the log has no clock"),
        ("order", Type::OptionalInt32, "the place in its session, where the log gives it"),
        ("row", Type::Int64, "the place in the log, from 0; breaks ties of time"),
        ("part", Type::OptionalInt32, "where the publisher has split the log: 0 train, 1 valid, 2 test"),
    ],
    sorted: &["user", "time", "row"],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "events.parquet";

/// The name of the file that says what the log is.
pub const META: &str = "events.json";

/// A number that is missing.
pub const NONE: u32 = u32::MAX;

/// How many events are written together.
const PIECE: usize = 1 << 16;

/// What the log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The version of this file's form.
    pub version: u32,
    /// What `time` counts.
    pub clock: Clock,
    /// What stands together.
    pub grouped_by: Group,
    /// Whether the log says who acts.
    pub users: bool,
}

impl Meta {
    /// Reads it from an artifact of the log.
    ///
    /// # Errors
    /// When the file is missing or not of this form.
    pub fn read(folder: &Utf8Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&fs_err::read(folder.join(META))?)?)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &Utf8Path) -> std::io::Result<()> {
        super::write_json(&folder.join(META), self)
    }
}

/// What the times of a log count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Seconds.
    Seconds,
    /// The rows of the log, which has no other clock.
    Rows,
}

/// By what events stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// By user.
    User,
    /// By the session that the log gives.
    Session,
}

/// The parts into which a publisher has split a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// For training.
    Train = 0,
    /// For picking an epoch.
    Valid = 1,
    /// For testing.
    Test = 2,
}

/// One event, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub time: i64,
    /// The place in the log, from 0.
    pub row: u32,
    /// Who, or [`NONE`].
    pub user: u32,
    /// The given session, or [`NONE`].
    pub session: u32,
    /// What it was done to.
    pub item: u32,
    /// The place in its session where the log gives it, or [`NONE`].
    pub order: u32,
    /// What was done.
    pub operation: u16,
    /// The part where the publisher has split the log.
    pub part: Option<Given>,
}

/// Writes events that come in their order.
pub struct EventWriter {
    writer: TableWriter,
    piece: Vec<Event>,
}

impl EventWriter {
    /// Begins the table of events that stand together in this way.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Utf8Path, by: Group) -> Result<Self, TableError> {
        // Sessions that the log gives stand in the order in which they were met, which no column of the file tells.
        let sorted: &[&str] = if by == Group::User { SCHEMA.sorted } else { &[] };
        let schema = Schema { sorted, ..SCHEMA };
        Ok(Self { writer: TableWriter::create(path, &schema, &[])?, piece: Vec::with_capacity(PIECE) })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, event: Event) -> Result<(), TableError> {
        self.piece.push(event);
        if self.piece.len() == PIECE { self.flush() } else { Ok(()) }
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), TableError> {
        self.flush()?;
        self.writer.finish()
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let numbers = |of: fn(&Event) -> u32| self.piece.iter().map(of).map(signed).collect();
        let columns = vec![
            Column::OptionalInt32(numbers(|event| event.user)),
            Column::OptionalInt32(numbers(|event| event.session)),
            Column::Int32(numbers(|event| event.item)),
            Column::Int32(self.piece.iter().map(|event| i32::from(event.operation)).collect()),
            Column::Int64(self.piece.iter().map(|event| event.time).collect()),
            Column::OptionalInt32(numbers(|event| event.order)),
            Column::Int64(self.piece.iter().map(|event| i64::from(event.row)).collect()),
            Column::OptionalInt32(
                self.piece.iter().map(|event| event.part.map_or(MISSING, |part| part as i32)).collect(),
            ),
        ];
        self.piece.clear();
        self.writer.append(columns)
    }
}

/// `-1` for a number that is missing. Numbers stay below 2^31: the key tables see to it.
fn signed(number: u32) -> i32 {
    if number == NONE { MISSING } else { number.cast_signed() }
}

/// Reads events piece by piece.
pub struct EventReader(TableReader);

impl EventReader {
    /// Opens the table of an artifact.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn open(folder: &Utf8Path) -> Result<Self, TableError> {
        Ok(Self(TableReader::open(&folder.join(FILE), &SCHEMA)?))
    }

    /// How many events the table has.
    pub fn rows(&self) -> usize {
        self.0.rows()
    }
}

impl Iterator for EventReader {
    type Item = Result<Vec<Event>, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map(|mut piece| events(&mut piece)))
    }
}

/// Where an event stands: all that cuts a log into sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Who, or [`NONE`].
    pub user: u32,
    /// The given session, or [`NONE`].
    pub session: u32,
    /// The part where the publisher has split the log.
    pub part: Option<Given>,
    /// When.
    pub time: i64,
    /// The place in the log, from 0.
    pub row: i64,
}

impl Event {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { user: self.user, session: self.session, part: self.part, time: self.time, row: i64::from(self.row) }
    }
}

/// Reads where events stand piece by piece, and nothing else of them.
///
/// # Errors
/// When the file is missing, damaged or another table.
pub fn places(folder: &Utf8Path) -> Result<impl Iterator<Item = Result<Vec<Place>, TableError>>, TableError> {
    let columns = ["user", "session", "time", "row", "part"];
    let pieces = TableReader::open_columns(&folder.join(FILE), &SCHEMA, &columns)?;
    Ok(pieces.map(|piece| {
        let mut piece = piece?;
        let (users, sessions, parts) = (piece.int32("user"), piece.int32("session"), piece.int32("part"));
        let (times, rows) = (piece.int64("time"), piece.int64("row"));
        let place = |at: usize| Place {
            user: users[at].cast_unsigned(),
            session: sessions[at].cast_unsigned(),
            part: part(parts[at]),
            time: times[at],
            row: rows[at],
        };
        Ok((0..times.len()).map(place).collect())
    }))
}

fn events(piece: &mut Table) -> Vec<Event> {
    let (users, sessions, items) = (piece.int32("user"), piece.int32("session"), piece.int32("item"));
    let (operations, times, orders) = (piece.int32("operation"), piece.int64("time"), piece.int32("order"));
    let (rows, parts) = (piece.int64("row"), piece.int32("part"));
    let event = |at: usize| Event {
        time: times[at],
        row: u32::try_from(rows[at]).unwrap_or(NONE),
        // A missing number is -1, whose bits are those of `NONE`.
        user: users[at].cast_unsigned(),
        session: sessions[at].cast_unsigned(),
        item: items[at].cast_unsigned(),
        order: orders[at].cast_unsigned(),
        operation: u16::try_from(operations[at]).unwrap_or(u16::MAX),
        part: part(parts[at]),
    };
    (0..times.len()).map(event).collect()
}

/// The part of a number in a table.
pub(super) fn part(number: i32) -> Option<Given> {
    match number {
        0 => Some(Given::Train),
        1 => Some(Given::Valid),
        2 => Some(Given::Test),
        _ => None,
    }
}
