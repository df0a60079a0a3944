//! Events of an artifact as a data frame, with names where the files have numbers: for people to look at.

use camino::Utf8Path;
use polars::error::PolarsError;
use polars::prelude::{DataFrame, DataType, IdxCa, IntoLazy, NamedFrom, NewChunkedArray, Series, col, lit};

use super::events::{Clock, EventReader, Given};
use super::items::{self, Items};
use super::names::{GIVEN_SESSIONS, KeyTable, OPERATIONS, USERS};
use super::sessions::{self, Session, SessionReader};
use crate::artifact::table::Text;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::stage::StageError;

/// Events that are looked at.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// At most so many.
    pub rows: usize,
    /// Those of this user.
    pub user: Option<String>,
    /// Those on this item.
    pub item: Option<String>,
    /// Those of the session of this number, in an artifact of sessions.
    pub session: Option<i32>,
}

/// The first events that are wanted, with their names: `session`, `user`, `item`, `operation`, `time`, `row`, `part`.
/// `session` is its number in an artifact of sessions, and the name that the log gives it in one of events.
///
/// # Errors
/// When a file cannot be read, or a name that is wanted is in no key table.
pub fn events(folder: &Utf8Path, wanted: &Wanted) -> Result<DataFrame, StageError> {
    let items = Items::read(&folder.join(items::FILE))?.item;
    let of = |table: KeyTable| table.read(folder).map_err(StageError::from);
    let (users, operations) = (of(USERS)?, of(OPERATIONS)?);
    let mut kept = lit(true);
    for (name, names, wanted) in [("user", &users, &wanted.user), ("item", &items, &wanted.item)] {
        if let Some(wanted) = wanted {
            kept = kept.and(col(name).eq(lit(number(name, names, wanted)?)));
        }
    }
    let cut = folder.join(sessions::FILE).is_file();
    if let Some(session) = wanted.session {
        if !cut {
            return Err(Diagnostic::new("events that are not cut have no sessions by number")
                .help("name a stage that makes sessions")
                .into());
        }
        kept = kept.and(col("session").eq(lit(session)));
    }
    let mut found: Option<DataFrame> = None;
    let mut take = |piece: Piece| -> Result<bool, StageError> {
        let missing = wanted.rows - found.as_ref().map_or(0, DataFrame::height);
        let piece = piece.frame().and_then(|frame| frame.lazy().filter(kept.clone()).limit(missing as u32).collect());
        let piece = piece.map_err(failed)?;
        let grown = match found.take() {
            Some(found) => found.vstack(&piece).map_err(failed)?,
            None => piece,
        };
        let more = grown.height() < wanted.rows;
        found = Some(grown);
        Ok(more)
    };
    if cut {
        of_sessions(folder, &mut take)?
    } else {
        of_log(folder, &mut take)?
    }
    let frame = found.map_or_else(|| Piece::default().frame().map_err(failed), Ok)?;
    let mut tables = vec![("user", users), ("item", items), ("operation", operations)];
    if !cut {
        tables.push(("session", of(GIVEN_SESSIONS)?));
    }
    named(frame, &tables).map_err(failed)
}

/// Columns of some events.
#[derive(Default)]
struct Piece {
    session: Vec<i32>,
    user: Vec<i32>,
    item: Vec<i32>,
    operation: Vec<i32>,
    time: Vec<i64>,
    row: Vec<i64>,
    part: Vec<Option<&'static str>>,
}

impl Piece {
    fn frame(self) -> Result<DataFrame, PolarsError> {
        let rows = self.time.len();
        let columns = vec![
            Series::new("session".into(), self.session).into(),
            Series::new("user".into(), self.user).into(),
            Series::new("item".into(), self.item).into(),
            Series::new("operation".into(), self.operation).into(),
            Series::new("time".into(), self.time).into(),
            Series::new("row".into(), self.row).into(),
            Series::new("part".into(), self.part).into(),
        ];
        DataFrame::new(rows, columns)
    }

    fn part(part: Option<Given>) -> Option<&'static str> {
        part.map(|part| match part {
            Given::Train => "train",
            Given::Valid => "valid",
            Given::Test => "test",
        })
    }
}

/// Gives events of a log on piece by piece, until no more are wanted.
fn of_log(folder: &Utf8Path, take: &mut dyn FnMut(Piece) -> Result<bool, StageError>) -> Result<(), StageError> {
    for events in EventReader::open(folder)? {
        let mut piece = Piece::default();
        for event in events? {
            piece.session.push(event.session.cast_signed());
            piece.user.push(event.user.cast_signed());
            piece.item.push(event.item.cast_signed());
            piece.operation.push(i32::from(event.operation));
            piece.time.push(event.time);
            piece.row.push(i64::from(event.row));
            piece.part.push(Piece::part(event.part));
        }
        if !take(piece)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Gives events of sessions on piece by piece, until no more are wanted.
fn of_sessions(folder: &Utf8Path, take: &mut dyn FnMut(Piece) -> Result<bool, StageError>) -> Result<(), StageError> {
    const PIECE: usize = 1 << 16;
    let (mut reader, mut session) = (SessionReader::open(folder)?, Session::default());
    let mut piece = Piece::default();
    while reader.read(&mut session)? {
        for step in &session.steps {
            piece.session.push(session.number);
            piece.user.push(session.user);
            piece.item.push(step.item);
            piece.operation.push(step.operation);
            piece.time.push(step.time);
            piece.row.push(step.row);
            piece.part.push(Piece::part(session.part));
        }
        if piece.time.len() >= PIECE && !take(std::mem::take(&mut piece))? {
            return Ok(());
        }
    }
    take(piece).map(|_| ())
}

/// The number of a name.
fn number(what: &str, names: &Text, wanted: &str) -> Result<i32, Diagnostic> {
    if let Some(number) = names.iter().position(|name| name == Some(wanted)) {
        return Ok(i32::try_from(number).unwrap_or(i32::MAX));
    }
    let known: Vec<&str> = names.iter().flatten().take(10_000).collect();
    Err(Diagnostic::new(format!("no {what} is called `{wanted}`")).help(suggestion(wanted, &known)))
}

/// Puts names in the place of numbers.
fn named(mut frame: DataFrame, tables: &[(&str, Text)]) -> Result<DataFrame, PolarsError> {
    for (column, names) in tables {
        let texts: Vec<Option<&str>> = names.iter().collect();
        let texts = Series::new((*column).into(), texts);
        // A number that is missing, -1, is no index.
        let numbers = frame.column(column)?.i32()?.iter();
        let numbers = numbers.map(|number| number.and_then(|number| u32::try_from(number).ok()));
        let indices = IdxCa::from_iter_options((*column).into(), numbers);
        frame.replace(column, texts.take(&indices)?.into())?;
    }
    Ok(frame)
}

fn failed(error: PolarsError) -> StageError {
    Diagnostic::new(format!("the events cannot be put together: {error}")).into()
}

/// The columns of a frame that say something, as text: a header, then rows. Times are told by the clock.
///
/// # Errors
/// When a column is not what [`events`] makes.
pub fn shown(frame: &DataFrame, clock: Clock) -> Result<(Vec<String>, Vec<Vec<String>>), StageError> {
    let (mut header, mut columns) = (Vec::new(), Vec::new());
    for column in frame.columns() {
        if column.null_count() == column.len() && !column.is_empty() {
            continue;
        }
        let name = column.name().as_str();
        let texts: Vec<String> = match (name, clock) {
            ("time", Clock::Seconds) => {
                let times = column.i64().map_err(failed)?;
                times.iter().map(|time| time.map_or_else(String::new, clock_text)).collect()
            }
            _ => {
                let texts = column.cast(&DataType::String).map_err(failed)?;
                let texts = texts.str().map_err(failed)?;
                texts.iter().map(|text| text.unwrap_or("-").to_owned()).collect()
            }
        };
        header.push(name.to_owned());
        columns.push(texts);
    }
    let rows = (0..frame.height()).map(|row| columns.iter().map(|column: &Vec<String>| column[row].clone()).collect());
    Ok((header, rows.collect()))
}

/// `2018-03-05 09:15:02`; the number itself where no calendar has it.
fn clock_text(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => seconds.to_string(),
    }
}
