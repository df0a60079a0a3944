//! Passes over the sessions. A step that needs counts over the whole log reads it once more, with the steps before it
//! applied; so memory grows with users and items, never with events.

use std::collections::HashSet;

use crate::data::marks::{Counts, Marks};
use super::step::{Core, Step};
use super::transform::Transform;
use crate::artifact::table::{TableReader, Text};
use crate::data::items;
use crate::data::links::Links;
use crate::data::names::OPERATIONS;
use crate::data::sessions::{Session, SessionReader};
use crate::engine::stage::{StageError, Task};

/// How many sessions pass between two looks at whether the run is to stop.
const BREATH: u64 = 1 << 12;

/// The sessions that are filtered, read as often as the steps need.
pub(super) struct Passes<'a, 'b> {
    task: &'a Task<'b>,
    operations: Text,
    count: u32,
}

impl<'a, 'b> Passes<'a, 'b> {
    /// Prepares to read the sessions of a task.
    pub(super) fn new(task: &'a Task<'b>) -> Result<Self, StageError> {
        Ok(Self { task, operations: OPERATIONS.read(task.input("from"))?, count: 0 })
    }

    /// How many times the sessions were read.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Reads all sessions and gives each to `visit`.
    pub(super) fn read(
        &mut self,
        what: &str,
        visit: &mut dyn FnMut(&mut Session) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        self.count += 1;
        let mut reader = SessionReader::open(self.task.input("from"))?;
        let total = reader.events() as u64;
        let what = format!("events, pass {}: {what}", self.count);
        let (mut session, mut done, mut sessions) = (Session::default(), 0, 0_u64);
        while reader.read(&mut session)? {
            done += session.steps.len() as u64;
            sessions += 1;
            if sessions.is_multiple_of(BREATH) {
                self.task.step(done, total, what.as_str());
                if (self.task.stop)() {
                    return Err(StageError::Interrupted);
                }
            }
            visit(&mut session)?;
        }
        self.task.step(total, total, what);
        Ok(())
    }

    /// Lets every step know what it needs to know.
    pub(super) fn resolve(&mut self, steps: &[Step]) -> Result<Vec<Transform>, StageError> {
        let mut chain: Vec<Transform> = Vec::with_capacity(steps.len());
        for step in steps {
            let next = match (Transform::of(step, &self.operations)?, step) {
                (Some(transform), _) => transform,
                (None, Step::MinItemCount(least)) => {
                    Transform::Items(self.counts(step, &chain)?.items.within(least.get(), u32::MAX))
                }
                (None, Step::DropSessionsWithRareItems(least)) => {
                    Transform::Whole(self.counts(step, &chain)?.items.within(least.get(), u32::MAX))
                }
                (None, Step::MinUserCount(least)) => {
                    Transform::Users(self.counts(step, &chain)?.users.within(least.get(), u32::MAX))
                }
                (None, Step::MaxUserCount(most)) => {
                    Transform::Users(self.counts(step, &chain)?.users.within(1, most.get()))
                }
                (None, Step::Core(core)) => self.core(step, *core, &chain)?,
                (None, _) => Transform::Items(self.linked()?),
            };
            chain.push(next);
        }
        Ok(chain)
    }

    fn counts(&mut self, step: &Step, chain: &[Transform]) -> Result<Both, StageError> {
        let mut counts = Both::default();
        self.read(&format!("counts for `{}`", step.label()), &mut |session| {
            if passes(session, chain) {
                counts.users.add(session.user, session.steps.len());
                session.steps.iter().for_each(|event| counts.items.add(event.item, 1));
            }
            Ok(())
        })?;
        Ok(counts)
    }

    /// The largest part of the log in which users and items have enough events: those that do not go, until none goes.
    fn core(&mut self, step: &Step, core: Core, chain: &[Transform]) -> Result<Transform, StageError> {
        let (users, items) = (core.users.get(), core.items.get());
        let mut chain = chain.to_vec();
        let begin = chain.len();
        loop {
            let counts = self.counts(step, &chain)?;
            let enough = counts.users.all_reach(users) && counts.items.all_reach(items);
            chain.truncate(begin);
            chain.push(Transform::Core {
                users: counts.users.within(users, u32::MAX),
                items: counts.items.within(items, u32::MAX),
            });
            if enough {
                return Ok(chain.remove(begin));
            }
        }
    }

    /// The items that have an entity.
    fn linked(&self) -> Result<Marks, StageError> {
        let links = Links::read(self.task.input("links"))?;
        let linked: HashSet<&str> = links.item.iter().flatten().collect();
        let path = self.task.input("from").join(items::FILE);
        let (mut marks, mut number) = (Marks::default(), 0);
        for piece in TableReader::open_columns(&path, &items::SCHEMA, &["item"])? {
            for name in piece?.text("item").iter() {
                if name.is_some_and(|name| linked.contains(name)) {
                    marks.add(number);
                }
                number += 1;
            }
        }
        Ok(marks)
    }
}

/// Events of each user and of each item.
#[derive(Default)]
struct Both {
    users: Counts,
    items: Counts,
}

/// Applies the steps one after the other; false once nothing is left.
fn passes(session: &mut Session, chain: &[Transform]) -> bool {
    for transform in chain {
        transform.apply(session);
        if session.steps.is_empty() {
            return false;
        }
    }
    true
}
