//! The tables of a sessions artifact: `events.parquet`, where the events of a session stand together and in order, and
//! `sessions.parquet`, which says where one session ends and the next begins. Sessions stand in the order of their
//! numbers: those of a user together, by time.

use camino::Utf8Path;

use super::events::{self, Event, EventWriter, Given, Group, NONE, part};
use crate::artifact::table::{Column, MISSING, Schema, TableError, TableReader, TableWriter, Type};

/// Columns of `sessions.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "sessions",
    version: 4,
    columns: &[
        ("session", Type::Int32, "the number of the session; it stays the same through all filters"),
        ("user", Type::OptionalInt32, "who: a row of users.parquet"),
        ("part", Type::OptionalInt32, "where the publisher has split the log: 0 train, 1 valid, 2 test"),
        ("first", Type::Int64, "the row of events.parquet at which it begins, from 0"),
        ("length", Type::Int32, "how many rows of events.parquet are its events"),
        ("start", Type::Int64, "the time of its first event: seconds, or the row where the log has no clock"),
        ("end", Type::Int64, "the time of its last event"),
        ("opened", Type::Int64, "the time at which it began before any filter; by it, sessions are put in order"),
        ("opened_row", Type::Int64, "the row of the log at which it began before any filter"),
    ],
    sorted: &["session"],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "sessions.parquet";

/// How many sessions are written together.
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
    /// The time and the row of the event with which it began before any filter: sessions are put in this order where time
    /// decides, so that a filter that takes a first event moves none.
    pub opened: (i64, i64),
    /// Its events, in order; at least one.
    pub steps: Vec<Step>,
}

impl Session {
    /// The time of its first event.
    pub fn start(&self) -> i64 {
        self.steps.first().map_or(0, |step| step.time)
    }

    /// The time of its last event.
    pub fn end(&self) -> i64 {
        self.steps.last().map_or(0, |step| step.time)
    }
}

/// Reads sessions one by one; only a piece of the tables is held.
pub struct SessionReader {
    index: TableReader,
    events: TableReader,
    bounds: Bounds,
    at_session: usize,
    steps: Steps,
    at_step: usize,
}

/// Sessions without their events.
#[derive(Default)]
struct Bounds {
    session: Vec<i32>,
    user: Vec<i32>,
    part: Vec<i32>,
    length: Vec<i32>,
    opened: Vec<i64>,
    opened_row: Vec<i64>,
}

#[derive(Default)]
struct Steps {
    item: Vec<i32>,
    operation: Vec<i32>,
    time: Vec<i64>,
    row: Vec<i64>,
}

impl SessionReader {
    /// Opens the tables of an artifact.
    ///
    /// # Errors
    /// When a file is missing, damaged or another table.
    pub fn open(folder: &Utf8Path) -> Result<Self, TableError> {
        let columns = ["session", "user", "part", "length", "opened", "opened_row"];
        let index = TableReader::open_columns(&folder.join(FILE), &SCHEMA, &columns)?;
        let columns = ["item", "operation", "time", "row"];
        let events = TableReader::open_columns(&folder.join(events::FILE), &events::SCHEMA, &columns)?;
        let (bounds, steps) = (Bounds::default(), Steps::default());
        Ok(Self { index, events, bounds, at_session: 0, steps, at_step: 0 })
    }

    /// How many events there are.
    pub fn events(&self) -> usize {
        self.events.rows()
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.index.rows()
    }

    /// Reads the next session into `session`; false at the end.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(&mut self, session: &mut Session) -> Result<bool, TableError> {
        if self.at_session == self.bounds.session.len() && !self.turn_bounds()? {
            return Ok(false);
        }
        let at = self.at_session;
        self.at_session += 1;
        session.number = self.bounds.session[at];
        session.user = self.bounds.user[at];
        session.part = part(self.bounds.part[at]);
        session.opened = (self.bounds.opened[at], self.bounds.opened_row[at]);
        session.steps.clear();
        let mut missing = usize::try_from(self.bounds.length[at]).unwrap_or_default();
        while missing > 0 {
            if self.at_step == self.steps.time.len() && !self.turn_steps()? {
                break;
            }
            let steps = &self.steps;
            let end = steps.time.len().min(self.at_step + missing);
            session.steps.extend((self.at_step..end).map(|at| Step {
                time: steps.time[at],
                row: steps.row[at],
                item: steps.item[at],
                operation: steps.operation[at],
            }));
            missing -= end - self.at_step;
            self.at_step = end;
        }
        Ok(true)
    }

    fn turn_bounds(&mut self) -> Result<bool, TableError> {
        let Some(table) = self.index.next() else { return Ok(false) };
        let mut table = table?;
        self.bounds = Bounds {
            session: table.int32("session"),
            user: table.int32("user"),
            part: table.int32("part"),
            length: table.int32("length"),
            opened: table.int64("opened"),
            opened_row: table.int64("opened_row"),
        };
        self.at_session = 0;
        Ok(true)
    }

    fn turn_steps(&mut self) -> Result<bool, TableError> {
        let Some(table) = self.events.next() else { return Ok(false) };
        let mut table = table?;
        self.steps = Steps {
            item: table.int32("item"),
            operation: table.int32("operation"),
            time: table.int64("time"),
            row: table.int64("row"),
        };
        self.at_step = 0;
        Ok(true)
    }
}

/// Writes where sessions begin and end, for events that stand in their order already.
pub struct BoundsWriter {
    table: TableWriter,
    bounds: Bounds,
    first: Vec<i64>,
    times: [Vec<i64>; 2],
    events: i64,
}

/// A session without its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Its number.
    pub number: i32,
    /// Who, or [`MISSING`].
    pub user: i32,
    /// Its part, where the publisher has split the log.
    pub part: Option<Given>,
    /// How many events it has.
    pub length: i32,
    /// The time of its first event.
    pub start: i64,
    /// The time of its last event.
    pub end: i64,
    /// The time and the row of the event with which it began before any filter.
    pub opened: (i64, i64),
}

impl BoundsWriter {
    /// Begins the table of an artifact.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(folder: &Utf8Path) -> Result<Self, TableError> {
        let table = TableWriter::create(&folder.join(FILE), &SCHEMA, &[])?;
        Ok(Self { table, bounds: Bounds::default(), first: Vec::new(), times: Default::default(), events: 0 })
    }

    /// Adds the next session.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, bound: Bound) -> Result<(), TableError> {
        self.bounds.session.push(bound.number);
        self.bounds.user.push(bound.user);
        self.bounds.part.push(bound.part.map_or(MISSING, |part| part as i32));
        self.bounds.length.push(bound.length);
        self.first.push(self.events);
        self.times[0].push(bound.start);
        self.times[1].push(bound.end);
        self.bounds.opened.push(bound.opened.0);
        self.bounds.opened_row.push(bound.opened.1);
        self.events += i64::from(bound.length);
        if self.first.len() == PIECE { self.flush() } else { Ok(()) }
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
        let bounds = std::mem::take(&mut self.bounds);
        let [start, end] = std::mem::take(&mut self.times);
        self.table.append(vec![
            Column::Int32(bounds.session),
            Column::OptionalInt32(bounds.user),
            Column::OptionalInt32(bounds.part),
            Column::Int64(std::mem::take(&mut self.first)),
            Column::Int32(bounds.length),
            Column::Int64(start),
            Column::Int64(end),
            Column::Int64(bounds.opened),
            Column::Int64(bounds.opened_row),
        ])
    }
}

/// Writes sessions one by one.
pub struct SessionWriter {
    events: EventWriter,
    bounds: BoundsWriter,
}

impl SessionWriter {
    /// Begins the tables of an artifact.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn create(folder: &Utf8Path) -> Result<Self, TableError> {
        // Events of sessions stand by session; which columns that sorts depends on how sessions were cut.
        let events = EventWriter::create(&folder.join(events::FILE), Group::Session)?;
        Ok(Self { events, bounds: BoundsWriter::create(folder)? })
    }

    /// Adds a session. The session that the log itself names and the place in it are told by the events of the log,
    /// and are not kept here.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn push(&mut self, session: &Session) -> Result<(), TableError> {
        for step in &session.steps {
            self.events.push(Event {
                time: step.time,
                row: u32::try_from(step.row).unwrap_or(NONE),
                user: session.user.cast_unsigned(),
                session: NONE,
                item: step.item.cast_unsigned(),
                order: NONE,
                operation: u16::try_from(step.operation).unwrap_or(u16::MAX),
                part: session.part,
            })?;
        }
        self.bounds.push(Bound {
            number: session.number,
            user: session.user,
            part: session.part,
            length: i32::try_from(session.steps.len()).unwrap_or(i32::MAX),
            start: session.start(),
            end: session.end(),
            opened: session.opened,
        })
    }

    /// Ends the tables.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self) -> Result<(), TableError> {
        self.events.finish()?;
        self.bounds.finish()
    }
}
