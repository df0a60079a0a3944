//! What a format fills: events by name, which become numbers in the order in which sessions are cut, and tables of what
//! is known of items and users.

use super::draft::Drafts;
use super::keys::{FETCHED, Key, Keys};
use super::known::{Known, Repeats, Values};
use super::raw::{Fault, Form, RawFile, RawFolder, Row};
use super::reading::{Counted, Listed, read};
use super::rejects::{BadRows, Rejects};
use super::tally::Tally;
use crate::artifact::table::{self, Column, Schema};
use crate::data::events::{self, Clock, Event, EventWriter, Group, Meta, NONE};
use crate::data::items;
use crate::data::names::{GIVEN_SESSIONS, KeyTable, OPERATIONS, USERS};
use crate::data::order::Sorter;
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};

/// A log on its way into tables.
pub(super) struct Intake<'t> {
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
    /// What the log itself says of its items.
    told: Option<Known>,
    tally: Tally,
    sorter: Sorter,
    /// Places of the log so far.
    row: u64,
    /// Rows of the log's files so far, where each may hold several events.
    lines: u64,
}

impl<'t> Intake<'t> {
    /// Begins the output of a task: what the log's clock counts, and by what its events stand together.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub(super) fn create(
        task: &'t Task<'t>,
        bad_rows: BadRows,
        clock: Clock,
        group: Group,
    ) -> Result<Self, StageError> {
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
            told: None,
            tally: Tally::default(),
            sorter: Sorter::new(group, &task.scratch),
            row: 0,
            lines: 0,
        })
    }

    /// The raw files.
    pub(super) fn raw(&self) -> &RawFolder {
        &self.raw
    }

    /// Leaves a count or a remark in the manifest.
    pub(super) fn note(&self, name: &str, value: impl Into<serde_json::Value>) {
        self.task.note(name, value);
    }

    /// Reads a file of events.
    ///
    /// # Errors
    /// See [`read`]; also a log of more than 4,294,967,294 rows.
    pub(super) fn log(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        parse: impl Fn(&Row<'_>, &mut Drafts) -> Result<(), Fault> + Sync,
    ) -> Result<Counted, StageError> {
        self.telling_log(file, form, &[], parse)
    }

    /// Reads a file of events that says of its items what else stands in tables of their own: `parse` gives a value for
    /// each of these attributes. Every file of one log has the same ones.
    ///
    /// # Errors
    /// See [`Intake::log`].
    pub(super) fn telling_log(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        attributes: &[&str],
        parse: impl Fn(&Row<'_>, &mut Drafts) -> Result<(), Fault> + Sync,
    ) -> Result<Counted, StageError> {
        let Self { task, rejects, clock, users, items, operations, sessions, sorter, row, lines, told, tally, .. } =
            self;
        let told = told.get_or_insert_with(|| Known::new(attributes));
        let mut disputed = 0;
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
            let mut own = (None, NONE);
            for (at, draft) in drafts.events.iter().enumerate() {
                if at.is_multiple_of(FETCHED) {
                    let next = || drafts.events[at..].iter().take(FETCHED);
                    users.fetch(next().map(|draft| draft.user), &drafts.text);
                    items.fetch(next().map(|draft| draft.item), &drafts.text);
                    sessions.fetch(next().map(|draft| draft.session), &drafts.text);
                }
                let place = first + u64::from(draft.place);
                let session = match draft.session.row() {
                    // A session that is a row is named by it, from 1.
                    Some(at) => {
                        if own.0 != Some(at) {
                            let name = (*lines + u64::from(at) + 1).to_string();
                            let mut text = Vec::new();
                            let key = Key::new(name.as_bytes(), &mut text);
                            own = (Some(at), sessions.number(key, &text));
                        }
                        own.1
                    }
                    None => named(sessions, draft.session),
                };
                let operation = named(operations, draft.operation);
                sorter.push(Event {
                    time: if *clock == Clock::Rows { place.cast_signed() } else { draft.time },
                    row: place as u32,
                    user: named(users, draft.user),
                    session,
                    item: named(items, draft.item),
                    order: draft.order,
                    operation: u16::try_from(operation).unwrap_or(u16::MAX),
                    part: draft.part,
                })?;
            }
            *lines += u64::from(drafts.rows);
            disputed += told.take(&drafts.known, items).disputed;
            tally.merge(&drafts.known.tally);
            Ok(())
        };
        let counted = read(task, file, form, rejects, parse, take)?;
        if disputed > 0 {
            task.note(&format!("items of which rows of {} say different things", file.name), disputed);
        }
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
    pub(super) fn items(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        attributes: &[&str],
        parse: impl Fn(&Row<'_>, &mut Values) -> Result<(), Fault> + Sync,
    ) -> Result<(), StageError> {
        let (mut keys, mut known) = (std::mem::take(&mut self.items), Known::new(attributes));
        self.know(file, form, &mut known, &mut keys, "items", parse)?;
        self.items = keys;
        self.known_items.push(known);
        Ok(())
    }

    /// Reads a file of what is known of users: `parse` gives a name and then a value for each attribute.
    ///
    /// # Errors
    /// See [`read`].
    pub(super) fn users(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        attributes: &[&str],
        parse: impl Fn(&Row<'_>, &mut Values) -> Result<(), Fault> + Sync,
    ) -> Result<(), StageError> {
        let (mut keys, mut known) = (std::mem::take(&mut self.users), Known::new(attributes));
        self.know(file, form, &mut known, &mut keys, "users", parse)?;
        self.users = keys;
        self.known_users.push(known);
        Ok(())
    }

    /// Reads a file of what is known of things that are neither items nor users, and writes their table: `parse` gives a
    /// name and then a value for each attribute.
    ///
    /// # Errors
    /// See [`read`].
    pub(super) fn others(
        &mut self,
        table: &KeyTable,
        file: &RawFile,
        form: &Form<'_>,
        attributes: &[&str],
        parse: impl Fn(&Row<'_>, &mut Values) -> Result<(), Fault> + Sync,
    ) -> Result<(), StageError> {
        let (mut keys, mut known) = (Keys::default(), Known::new(attributes));
        self.know(file, form, &mut known, &mut keys, table.schema.name, parse)?;
        let attributes = known.columns(keys.len());
        Ok(table.write_with(&self.task.output, keys.names(), attributes)?)
    }

    /// The number of an item that another table than the log's names.
    pub(super) fn item(&mut self, name: &str) -> u32 {
        let mut text = Vec::new();
        let key = Key::new(name.as_bytes(), &mut text);
        self.items.number(key, &text)
    }

    /// Writes a table that is whole as it is.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, file: &str, schema: &Schema, columns: Vec<Column>) -> Result<(), StageError> {
        Ok(table::write(&self.task.output.join(file), schema, columns, Vec::new())?)
    }

    /// Takes what is known of items from elsewhere than the rows of one file.
    pub(super) fn know_items(&mut self, attributes: &[&str], values: &Values) {
        let mut known = Known::new(attributes);
        known.take(values, &mut self.items);
        self.known_items.push(known);
    }

    /// Reads a file into a list of a value for each row, which must fit into memory.
    ///
    /// # Errors
    /// See [`read`].
    pub(super) fn list<T: Send>(
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
    pub(super) fn finish(self) -> Result<(), StageError> {
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
        let attributes =
            self.told.into_iter().chain(self.known_items).flat_map(|known| known.columns(numbers)).collect();
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
        self.tally.note(task);
        task.note("rejected rows", self.rejects.finish()?);
        Ok(())
    }

    /// Reads what is known of names that have numbers.
    fn know(
        &mut self,
        file: &RawFile,
        form: &Form<'_>,
        known: &mut Known,
        keys: &mut Keys,
        what: &str,
        parse: impl Fn(&Row<'_>, &mut Values) -> Result<(), Fault> + Sync,
    ) -> Result<(), StageError> {
        let (mut repeats, tally) = (Repeats::default(), &mut self.tally);
        let counted = read(self.task, file, form, &mut self.rejects, parse, |values: &mut Values| {
            let more = known.take(values, keys);
            repeats.rows += more.rows;
            repeats.disputed += more.disputed;
            tally.merge(&values.tally);
            Ok(())
        })?;
        keys.check(what)?;
        self.note(&format!("rows of {}", file.name), counted.rows);
        if repeats.rows > 0 {
            self.note(&format!("rows of {} that name again what an earlier one named", file.name), repeats.rows);
        }
        if repeats.disputed > 0 {
            self.note(&format!("names of which rows of {} say different things", file.name), repeats.disputed);
        }
        Ok(())
    }
}
