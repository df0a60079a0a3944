//! `sessions.parquet` of a sessions artifact: session after session, each with its events in order. Sessions stand in
//! the order of their numbers: those of a user together, by time.

use camino::Utf8Path;

use super::events::{Given, part};
use crate::artifact::table::{Column, MISSING, Schema, TableError, TableReader, TableWriter, Type};

/// Columns of `sessions.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "sessions",
    version: 2,
    columns: &[
        ("session", Type::Int32, "the number of the session; it stays the same through all filters"),
        ("user", Type::OptionalInt32, "who: a row of users.parquet"),
        ("item", Type::Int32, "what it was done to: a row of items.parquet"),
        ("operation", Type::Int32, "what was done: a row of operations.parquet"),
        ("time", Type::Int64, "when: seconds, or the row where the log has no clock"),
        ("row", Type::Int64, "the place in the log, from 0"),
        ("part", Type::OptionalInt32, "where the publisher has split the log: 0 train, 1 valid, 2 test"),
    ],
    sorted: &["session"],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "sessions.parquet";

/// How many events are written together.
const PIECE: usize = 1 << 16;

/// One event of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub time: i64,
    /// The place in the log.
    pub row: i64,
    /// What it was done to: a row of `items.parquet`.
    pub item: i32,
    /// What was done: a row of `operations.parquet`.
    pub operation: i32,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Session {
    /// Its number.
    pub number: i32,
    /// Who: a row of `users.parquet`, or [`MISSING`].
    pub user: i32,
    /// Its part, where the publisher has split the log.
    pub part: Option<Given>,
    /// Its events, in order; at least one.
    pub steps: Vec<Step>,
}

impl Session {
    /// The time and the row of its first event: sessions are put in this order where time decides.
    pub fn start(&self) -> (i64, i64) {
        self.steps.first().map_or((0, 0), |step| (step.time, step.row))
    }

    /// The time of its last event.
    pub fn end(&self) -> i64 {
        self.steps.last().map_or(0, |step| step.time)
    }
}

/// Reads sessions one by one; only a piece of the table is held.
pub struct SessionReader {
    table: TableReader,
    piece: Piece,
    at: usize,
}

#[derive(Default)]
struct Piece {
    session: Vec<i32>,
    user: Vec<i32>,
    item: Vec<i32>,
    operation: Vec<i32>,
    time: Vec<i64>,
    row: Vec<i64>,
    part: Vec<i32>,
}

impl SessionReader {
    /// Opens the table of an artifact.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn open(folder: &Utf8Path) -> Result<Self, TableError> {
        let table = TableReader::open(&folder.join(FILE), &SCHEMA)?;
        Ok(Self { table, piece: Piece::default(), at: 0 })
    }

    /// How many events the table has.
    pub fn events(&self) -> usize {
        self.table.rows()
    }

    /// Reads the next session into `session`; false at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self, session: &mut Session) -> Result<bool, TableError> {
        session.steps.clear();
        loop {
            if self.at == self.piece.session.len() && !self.turn()? {
                return Ok(!session.steps.is_empty());
            }
            let (piece, first) = (&self.piece, self.at);
            if session.steps.is_empty() {
                session.number = piece.session[first];
                session.user = piece.user[first];
                session.part = part(piece.part[first]);
            }
            while self.at < piece.session.len() && piece.session[self.at] == session.number {
                let at = self.at;
                session.steps.push(Step {
                    time: piece.time[at],
                    row: piece.row[at],
                    item: piece.item[at],
                    operation: piece.operation[at],
                });
                self.at += 1;
            }
            if self.at < piece.session.len() {
                return Ok(true);
            }
        }
    }

    /// Goes to the next piece; false at the end.
    fn turn(&mut self) -> Result<bool, TableError> {
        let Some(table) = self.table.next() else { return Ok(false) };
        let mut table = table?;
        self.piece = Piece {
            session: table.int32("session"),
            user: table.int32("user"),
            item: table.int32("item"),
            operation: table.int32("operation"),
            time: table.int64("time"),
            row: table.int64("row"),
            part: table.int32("part"),
        };
        self.at = 0;
        Ok(true)
    }
}

/// Writes sessions one by one.
pub struct SessionWriter {
    table: TableWriter,
    piece: Piece,
}

impl SessionWriter {
    /// Begins the table of an artifact.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(folder: &Utf8Path) -> Result<Self, TableError> {
        Ok(Self { table: TableWriter::create(&folder.join(FILE), &SCHEMA, &[])?, piece: Piece::default() })
    }

    /// Adds a session.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, session: &Session) -> Result<(), TableError> {
        for step in &session.steps {
            self.push_step(session.number, session.user, session.part, *step)?;
        }
        Ok(())
    }

    /// Adds an event to the session of this number, which is the last one or a new one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push_step(&mut self, session: i32, user: i32, part: Option<Given>, step: Step) -> Result<(), TableError> {
        let piece = &mut self.piece;
        piece.session.push(session);
        piece.user.push(user);
        piece.item.push(step.item);
        piece.operation.push(step.operation);
        piece.time.push(step.time);
        piece.row.push(step.row);
        piece.part.push(part.map_or(MISSING, |part| part as i32));
        if piece.time.len() == PIECE { self.flush() } else { Ok(()) }
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), TableError> {
        self.flush()?;
        self.table.finish()
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let piece = std::mem::take(&mut self.piece);
        self.table.append(vec![
            Column::Int32(piece.session),
            Column::OptionalInt32(piece.user),
            Column::Int32(piece.item),
            Column::Int32(piece.operation),
            Column::Int64(piece.time),
            Column::Int64(piece.row),
            Column::OptionalInt32(piece.part),
        ])
    }
}
