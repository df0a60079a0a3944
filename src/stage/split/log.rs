//! Sessions in memory, flat: 14 bytes an event and 48 a session. They stand in the order in which they began before any filter.

use std::ops::Range;

use crate::data::dataset::Events;
use crate::data::events::Given;
use crate::data::sessions::{Session, SessionReader, Step};
use crate::engine::stage::{StageError, Task};
use crate::stage::filter::Transform;

/// How many sessions are read between two looks at whether the run is to stop.
const BREATH: usize = 1 << 12;

/// A session: a stretch of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Its number in the sessions artifact.
    pub(super) number: i32,
    /// Who: a row of `users.parquet`, or missing.
    pub(super) user: i32,
    /// Its part, where the publisher has split the log.
    pub(super) part: Option<Given>,
    /// The place of its first event.
    pub(super) start: usize,
    /// How many events.
    pub(super) length: u32,
    /// The time and the row of the event with which it began before any filter.
    opened: (i64, i64),
}

impl Held {
    /// The places of its events.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.length as usize
    }
}

/// All sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Log {
    /// Their events; items and operations are rows of the key tables.
    pub(super) events: Events,
    /// The sessions, in the order in which they began before any filter; of two that began at one time, the one that is
    /// first in the log.
    pub(super) sessions: Vec<Held>,
}

impl Log {
    /// Reads the sessions of a task.
    pub(super) fn read(task: &Task<'_>) -> Result<Self, StageError> {
        let mut reader = SessionReader::open(task.input("from"))?;
        let total = reader.events();
        let mut log = Self::default();
        log.events.items.reserve_exact(total);
        log.events.operations.reserve_exact(total);
        log.events.times.reserve_exact(total);
        let mut session = Session::default();
        while reader.read(&mut session)? {
            log.push(&session);
            if log.sessions.len().is_multiple_of(BREATH) {
                task.step(log.events.items.len() as u64, total as u64, "events");
                if (task.stop)() {
                    return Err(StageError::Interrupted);
                }
            }
        }
        log.order();
        Ok(log)
    }

    /// Adds a session with its events.
    pub(super) fn push(&mut self, session: &Session) {
        self.sessions.push(Held {
            number: session.number,
            user: session.user,
            part: session.part,
            start: self.events.items.len(),
            length: u32::try_from(session.steps.len()).unwrap_or(u32::MAX),
            opened: session.opened,
        });
        for event in &session.steps {
            self.events.items.push(event.item);
            self.events.operations.push(u16::try_from(event.operation).unwrap_or(u16::MAX));
            self.events.times.push(event.time);
        }
    }

    /// Puts the sessions into the order in which they began.
    pub(super) fn order(&mut self) {
        self.sessions.sort_unstable_by_key(|session| session.opened);
    }

    /// The time at which a session ends.
    pub(super) fn end(&self, session: &Held) -> i64 {
        self.events.times[session.range().end - 1]
    }

    /// Takes events out of a session in the way of a filter. What is left may be nothing.
    pub(super) fn transform(&mut self, index: usize, chain: &[Transform], session: &mut Session) {
        let held = &mut self.sessions[index];
        session.number = held.number;
        session.user = held.user;
        session.part = held.part;
        session.steps.clear();
        session.steps.extend(held.range().map(|place| Step {
            time: self.events.times[place],
            // The steps that may come here look at no rows.
            row: held.opened.1,
            item: self.events.items[place],
            operation: i32::from(self.events.operations[place]),
        }));
        chain.iter().for_each(|transform| transform.apply(session));
        for (place, event) in (held.start..).zip(&session.steps) {
            self.events.times[place] = event.time;
            self.events.items[place] = event.item;
            self.events.operations[place] = u16::try_from(event.operation).unwrap_or(u16::MAX);
        }
        held.length = u32::try_from(session.steps.len()).unwrap_or(held.length);
    }

    /// Takes out those events of a session from the position `from` on whose item `keep` refuses. Answers how many of
    /// its first `cut` events are left, and how many events are gone in all.
    pub(super) fn retain(&mut self, index: usize, from: u32, cut: u32, keep: impl Fn(i32) -> bool) -> (u32, u64) {
        let held = &mut self.sessions[index];
        let (mut to, mut cut_left) = (held.start + from as usize, cut);
        for place in held.start + from as usize..held.start + held.length as usize {
            if keep(self.events.items[place]) {
                self.events.items[to] = self.events.items[place];
                self.events.operations[to] = self.events.operations[place];
                self.events.times[to] = self.events.times[place];
                to += 1;
            } else if place < held.start + cut as usize {
                cut_left -= 1;
            }
        }
        let length = u32::try_from(to - held.start).unwrap_or(held.length);
        let gone = u64::from(held.length - length);
        held.length = length;
        (cut_left, gone)
    }
}
