//! Events as rows of a log give them, by name; what a format makes of each row.

use super::keys::Key;
use super::known::Values;
use super::raw::{Fault, Row};
use super::reading::Batch;
use crate::data::events::{Given, NONE};

/// An event as a row of the log gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft {
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
pub(super) struct Drafts {
    pub(super) events: Vec<Stored>,
    pub(super) text: Vec<u8>,
    /// Places of the log so far: an event has one, and so has a row without an event.
    pub(super) places: u32,
    /// Rows that have begun.
    pub(super) rows: u32,
    /// What the rows say of their items, for formats that know them from the log.
    pub known: Values,
    /// Events and places before the present row.
    began: (usize, u32),
    joined: Vec<u8>,
}

/// A draft in few bytes, since millions of them change threads.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    pub(super) user: Key,
    pub(super) session: Key,
    pub(super) item: Key,
    pub(super) operation: Key,
    pub(super) time: i64,
    /// The place in the session, or [`NONE`].
    pub(super) order: u32,
    /// The place in the log, from where the batch begins.
    pub(super) place: u32,
    pub(super) part: Option<Given>,
}

/// The operation of a log that names none.
pub(super) const ONLY_OPERATION: &[u8] = b"event";

/// The operation of rows that lack one, in a log that has them.
pub(super) const NO_OPERATION: &[u8] = b"missing";

impl Drafts {
    /// Adds an event.
    #[inline]
    pub(super) fn push(&mut self, draft: Draft) {
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

    /// Passes over a row that is sound but holds no event of an item, and counts it.
    pub(super) fn leave_out(&mut self, why: &'static str) {
        self.places += 1;
        self.known.tally.add(why);
    }

    /// Counts something worth telling.
    pub(super) fn count(&mut self, what: &'static str) {
        self.known.tally.add(what);
    }

    /// The key of the name in a column.
    ///
    /// # Errors
    /// When the field is empty or not of the encoding of the file.
    pub(super) fn key(&mut self, row: &Row<'_>, column: usize) -> Result<Key, Fault> {
        let name = row.name(column)?;
        Ok(self.key_of(name.as_bytes()))
    }

    /// The key of the whole number in a column.
    ///
    /// # Errors
    /// When the field holds anything else.
    #[inline]
    pub(super) fn number(&mut self, row: &Row<'_>, column: usize) -> Result<Key, Fault> {
        match Key::of_number(row.bytes(column)) {
            Some(key) => Ok(key),
            None => Ok(self.key_of(row.digits(column)?)),
        }
    }

    /// The key of the session that the present row is, where a log names its sessions by nothing else.
    pub(super) fn own_session(&self) -> Key {
        Key::of_row(self.rows.saturating_sub(1))
    }

    /// The key of a name.
    #[inline]
    pub(super) fn key_of(&mut self, name: &[u8]) -> Key {
        Key::new(name, &mut self.text)
    }

    /// The key of an item, of which the row goes on to say what is known: a value for each attribute, then
    /// [`Values::settle`].
    pub(super) fn known_item(&mut self, name: &[u8]) -> Key {
        self.known.name(name);
        self.key_of(name)
    }

    /// The same for a name of two parts, with a tab between.
    pub(super) fn known_pair(&mut self, first: &str, second: &str) -> Key {
        let mut joined = std::mem::take(&mut self.joined);
        joined.clear();
        joined.extend_from_slice(first.as_bytes());
        joined.push(b'\t');
        joined.extend_from_slice(second.as_bytes());
        let key = self.known_item(&joined);
        self.joined = joined;
        key
    }
}

impl Batch for Drafts {
    fn begin_row(&mut self) {
        self.began = (self.events.len(), self.places);
        self.rows += 1;
        self.known.begin_row();
    }

    fn undo_row(&mut self) {
        self.events.truncate(self.began.0);
        self.places = self.began.1 + 1;
        self.known.undo_row();
    }

    fn clear(&mut self) {
        self.events.clear();
        self.text.clear();
        self.known.clear();
        (self.places, self.rows, self.began) = (0, 0, (0, 0));
    }
}
