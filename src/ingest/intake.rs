//! What a format fills: events by name, which become numbers in the order in which sessions are cut, and tables of what
//! is known of items and users.

use super::keys::{Key, Keys};
use super::raw::{Fault, Form, RawFile, RawFolder, Row};
use super::reading::{Batch, Counted, Listed, read};
use super::rejects::{BadRows, Rejects};
use crate::artifact::table::{self, Column, Text};
use crate::data::events::{self, Clock, Event, EventWriter, Given, Group, Meta, NONE};
use crate::data::items;
use crate::data::names::{GIVEN_SESSIONS, OPERATIONS, USERS};
use crate::data::order::Sorter;
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};

/// An event as a row of the log gives it.
#[derive(Debug, Clone, Copy)]
pub struct Draft {
    /// Who, or [`Key::NONE`].
    pub user: Key,
    /// The session, or [`Key::NONE`].
    pub session: Key,
    /// What it was done to.
    pub item: Key,
    /// What was done.
    pub operation: Key,
    /// Seconds; nothing where the log has no clock.
    pub time: Option<i64>,
    /// The place in the session, where the log gives it.
    pub order: Option<u32>,
    /// The part, where the publisher has split the log.
    pub part: Option<Given>,
}

/// The events of some rows.
#[derive(Default)]
pub struct Drafts {
    events: Vec<Stored>,
    text: Vec<u8>,
    /// Places of the log so far: an event has one, and so has a row that cannot be read.
    places: u32,
    began: (usize, u32),
}

/// A draft in few bytes, since millions of them change threads.
#[derive(Clone, Copy)]
struct Stored {
    user: Key,
    session: Key,
    item: Key,
    operation: Key,
    time: i64,
    order: u32,
    place: u32,
    part: Option<Given>,
}

impl Drafts {
    /// Adds an event.
    #[inline]
    pub fn push(&mut self, draft: Draft) {
        self.events.push(Stored {
            user: draft.user,
            session: draft.session,
            item: draft.item,
            operation: draft.operation,
            time: draft.time.unwrap_or_default(),
            order: draft.order.unwrap_or(NONE),
            place: self.places,
            part: draft.part,
        });
        self.places += 1;
    }

    /// The key of the name in a column.
    ///
    /// # Errors
    /// When the field is empty or not of the encoding of the file.
    pub fn key(&mut self, row: &Row<'_>, column: usize) -> Result<Key, Fault> {
        let name = row.name(column)?;
        Ok(self.key_of(name.as_bytes()))
    }

    /// The key of the whole number in a column.
    ///
    /// # Errors
    /// When the field holds anything else.
    #[inline]
    pub fn number(&mut self, row: &Row<'_>, column: usize) -> Result<Key, Fault> {
        match Key::of_number(row.bytes(column)) {
            Some(key) => Ok(key),
            None => Ok(self.key_of(row.digits(column)?)),
        }
    }

    /// The key of a name.
    #[inline]
    pub fn key_of(&mut self, name: &[u8]) -> Key {
        Key::new(name, &mut self.text)
    }
}

impl Batch for Drafts {
    fn begin_row(&mut self) {
        self.began = (self.events.len(), self.places);
    }

    fn undo_row(&mut self) {
        self.events.truncate(self.began.0);
        self.places = self.began.1 + 1;
    }

    fn clear(&mut self) {
        self.events.clear();
        self.text.clear();
        (self.places, self.began) = (0, (0, 0));
    }
}

/// What is known of some items or users: one value for each attribute of a row.
#[derive(Default)]
pub struct Values {
    keys: Vec<Key>,
    long: Vec<u8>,
    text: String,
    /// For each value where its text ends; [`ABSENT`] where there is none.
    ends: Vec<usize>,
    began: (usize, usize, usize),
}

const ABSENT: usize = usize::MAX;

impl Values {
    /// Begins what is known of a name.
    pub fn name(&mut self, name: &[u8]) {
        self.keys.push(Key::new(name, &mut self.long));
    }

    /// Adds the next attribute; empty text is a missing value.
    pub fn push(&mut self, value: Option<&str>) {
        match value {
            Some(value) if !value.is_empty() => {
                self.text.push_str(value);
                self.ends.push(self.text.len());
            }
            _ => self.ends.push(ABSENT),
        }
    }
}

impl Batch for Values {
    fn begin_row(&mut self) {
        self.began = (self.keys.len(), self.ends.len(), self.text.len());
    }

    fn undo_row(&mut self) {
        self.keys.truncate(self.began.0);
        self.ends.truncate(self.began.1);
        self.text.truncate(self.began.2);
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.long.clear();
        self.text.clear();
        self.ends.clear();
    }
}

/// Columns of text in the order of a file, and which row belongs to which number.
struct Known {
    names: Vec<String>,
    text: Vec<String>,
    ends: Vec<Vec<usize>>,
    /// By number: the row, or [`NONE`].
    rows: Vec<u32>,
    count: u32,
}

impl Known {
    fn new(names: &[&str]) -> Self {
        let columns = names.len();
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            text: vec![String::new(); columns],
            ends: vec![Vec::new(); columns],
            rows: Vec::new(),
            count: 0,
        }
    }

    /// Adds values; answers how many rows name what an earlier row named. The first row stands.
    fn take(&mut self, values: &Values, keys: &mut Keys) -> u64 {
        let (mut from, mut again, width) = (0, 0, self.names.len());
        for (row, key) in values.keys.iter().enumerate() {
            let number = keys.number(*key, &values.long) as usize;
            if number >= self.rows.len() {
                self.rows.resize(number + 1, NONE);
            }
            let first = self.rows[number] == NONE;
            if first {
                self.rows[number] = self.count;
                self.count += 1;
            } else {
                again += 1;
            }
            for column in 0..width {
                let end = values.ends[row * width + column];
                if first && end != ABSENT {
                    self.text[column].push_str(&values.text[from..end]);
                    self.ends[column].push(self.text[column].len());
                } else if first {
                    self.ends[column].push(ABSENT);
                }
                if end != ABSENT {
                    from = end;
                }
            }
        }
        again
    }

    /// The columns by number.
    fn columns(self, numbers: usize) -> Vec<(String, Text)> {
        let Self { names, text, ends, rows, .. } = self;
        let columns = names.into_iter().zip(text.iter().zip(&ends)).map(|(name, (text, ends))| {
            // A value begins where the last one before it ended.
            let mut starts = Vec::with_capacity(ends.len());
            let mut start = 0;
            for end in ends {
                starts.push(start);
                if *end != ABSENT {
                    start = *end;
                }
            }
            let value = |number: usize| {
                let row = *rows.get(number).filter(|row| **row != NONE)? as usize;
                (ends[row] != ABSENT).then(|| &text[starts[row]..ends[row]])
            };
            (name, (0..numbers).map(value).collect())
        });
        columns.collect()
    }
}

/// A log on its way into tables.
pub struct Intake<'t> {
    task: &'t Task<'t>,
    raw: RawFolder,
    rejects: Rejects,
    clock: Clock,
    group: Group,
    users: Keys,
    items: Keys,
    operations: Keys,
    sessions: Keys,
    known_items: Vec<Known>,
    known_users: Vec<Known>,
    sorter: Sorter,
    row: u64,
}

impl<'t> Intake<'t> {
    /// Begins the output of a task: what the log's clock counts, and by what its events stand together.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn create(task: &'t Task<'t>, bad_rows: BadRows, clock: Clock, group: Group) -> Result<Self, StageError> {
        Ok(Self {
            task,
            raw: RawFolder::new(task.input("from")),
            rejects: Rejects::create(bad_rows, &task.output)?,
            clock,
            group,
            users: Keys::default(),
            items: Keys::default(),
            operations: Keys::default(),
            sessions: Keys::default(),
            known_items: Vec::new(),
            known_users: Vec::new(),
            sorter: Sorter::new(group, &task.scratch),
            row: 0,
        })
    }

    /// The raw files.
    pub fn raw(&self) -> &RawFolder {
        &self.raw
    }

    /// Leaves a count or a remark in the manifest.
    pub fn note(&self, name: &str, value: impl Into<serde_json::Value>) {
        self.task.note(name, value);
    }

    /// Reads a file of events.
    ///
    /// # Errors
    /// See [`read`]; also a log of more than 4,294,967,294 rows.
    pub fn log(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        parse: impl Fn(&Row<'_>, &mut Drafts) -> Result<(), Fault> + Sync,
    ) -> Result<Counted, StageError> {
        let Self { task, rejects, clock, users, items, operations, sessions, sorter, row, .. } = self;
        let take = |drafts: &mut Drafts| {
            let first = *row;
            *row += u64::from(drafts.places);
            if *row >= u64::from(NONE) {
                let message = format!("`{}` leads past 4,294,967,294 rows", file.shown);
                return Err(Diagnostic::new(message).help("take a part of the log").into());
            }
            let named = |keys: &mut Keys, key: Key| {
                if key == Key::NONE { NONE } else { keys.number(key, &drafts.text) }
            };
            for draft in &drafts.events {
                let place = first + u64::from(draft.place);
                let operation = named(operations, draft.operation);
                sorter.push(Event {
                    time: if *clock == Clock::Rows { place.cast_signed() } else { draft.time },
                    row: place as u32,
                    user: named(users, draft.user),
                    session: named(sessions, draft.session),
                    item: named(items, draft.item),
                    order: draft.order,
                    operation: u16::try_from(operation).unwrap_or(u16::MAX),
                    part: draft.part,
                })?;
            }
            Ok(())
        };
        let counted = read(task, file, form, rejects, parse, take)?;
        self.users.check("users")?;
        self.items.check("items")?;
        self.sessions.check("sessions")?;
        if self.operations.len() > usize::from(u16::MAX) {
            let message = format!("`{}` has more than 65,535 operations", file.shown);
            return Err(Diagnostic::new(message).help("is another column meant?").into());
        }
        self.note(&format!("rows of {}", file.name), counted.rows);
        Ok(counted)
    }

    /// Reads a file of what is known of items: `parse` gives a name and then a value for each attribute.
    ///
    /// # Errors
    /// See [`read`].
    pub fn items(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        attributes: &[&str],
        parse: impl Fn(&Row<'_>, &mut Values) -> Result<(), Fault> + Sync,
    ) -> Result<Counted, StageError> {
        let mut known = Known::new(attributes);
        let counted = know(self.task, file, form, &mut self.rejects, &mut known, &mut self.items, parse)?;
        self.known_items.push(known);
        Ok(counted)
    }

    /// Reads a file of what is known of users: `parse` gives a name and then a value for each attribute.
    ///
    /// # Errors
    /// See [`read`].
    pub fn users(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        attributes: &[&str],
        parse: impl Fn(&Row<'_>, &mut Values) -> Result<(), Fault> + Sync,
    ) -> Result<Counted, StageError> {
        let mut known = Known::new(attributes);
        let counted = know(self.task, file, form, &mut self.rejects, &mut known, &mut self.users, parse)?;
        self.known_users.push(known);
        Ok(counted)
    }

    /// Takes what is known of items from elsewhere than the rows of one file.
    pub fn know_items(&mut self, attributes: &[&str], values: &Values) {
        let mut known = Known::new(attributes);
        known.take(values, &mut self.items);
        self.known_items.push(known);
    }

    /// Reads a file into a list of a value for each row, which must fit into memory.
    ///
    /// # Errors
    /// See [`read`].
    pub fn list<T: Send>(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        parse: impl Fn(&Row<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<Vec<T>, StageError> {
        let mut all = Vec::new();
        let parse = |row: &Row<'_>, listed: &mut Listed<T>| parse(row).map(|value| listed.values.push(value));
        read(self.task, file, form, &mut self.rejects, parse, |listed| {
            all.append(&mut listed.values);
            Ok(())
        })?;
        Ok(all)
    }

    /// Ends the output.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self) -> Result<(), StageError> {
        let (task, folder) = (self.task, &self.task.output);
        let acting = self.users.len();
        let mut writer = EventWriter::create(&folder.join(events::FILE), self.group)?;
        let (mut events, mut named) = (0_u64, 0_u64);
        for event in self.sorter.finish()? {
            let event = event?;
            events += 1;
            named += u64::from(event.user != NONE);
            writer.push(event)?;
            if events.is_multiple_of(1 << 20) {
                task.step(events, self.row, "events in order");
                if (task.stop)() {
                    return Err(StageError::Interrupted);
                }
            }
        }
        writer.finish()?;
        let numbers = self.items.len();
        let attributes = self.known_items.into_iter().flat_map(|known| known.columns(numbers)).collect();
        let names = vec![Column::Text(self.items.names())];
        table::write(&folder.join(items::FILE), &items::SCHEMA, names, attributes)?;
        let known = self.known_users.into_iter().flat_map(|known| known.columns(acting)).collect();
        USERS.write_with(folder, self.users.names(), known)?;
        OPERATIONS.write(folder, self.operations.names())?;
        GIVEN_SESSIONS.write(folder, self.sessions.names())?;
        let meta = Meta { version: 1, clock: self.clock, grouped_by: self.group, users: named == events };
        meta.write(folder)?;
        task.note("events", events);
        task.note("items", numbers);
        task.note("users", acting);
        task.note("rejected rows", self.rejects.finish()?);
        Ok(())
    }
}

/// Reads what is known of names that have numbers.
fn know(
    task: &Task<'_>,
    file: &RawFile,
    form: &Form<'_>,
    rejects: &mut Rejects,
    known: &mut Known,
    keys: &mut Keys,
    parse: impl Fn(&Row<'_>, &mut Values) -> Result<(), Fault> + Sync,
) -> Result<Counted, StageError> {
    let mut again = 0;
    let counted = read(task, file, form, rejects, parse, |values| {
        again += known.take(values, keys);
        Ok(())
    })?;
    task.note(&format!("rows of {}", file.name), counted.rows);
    if again > 0 {
        task.note(&format!("rows of {} that name again what an earlier one named", file.name), again);
    }
    Ok(counted)
}
