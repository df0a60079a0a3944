//! A step that knows all that it needs to know: what it does to one session.

use std::collections::HashSet;

use crate::data::marks::Marks;
use super::step::{Between, Of, Same, Step};
use crate::artifact::table::Text;
use crate::data::sessions::Session;
use crate::diagnostic::{Diagnostic, suggestion};

/// What a step does to one session; it only takes events out.
#[derive(Debug, Clone)]
pub(in crate::stage) enum Transform {
    MinLength(usize),
    First(usize),
    Last(usize),
    Merge(Same),
    CutTrailingRepeats,
    LastOccurrence,
    Between(Between),
    /// Keeps the events of these operations.
    Operations(Marks),
    /// Keeps the events of these items.
    Items(Marks),
    /// Keeps sessions that have these items only.
    Whole(Marks),
    /// Keeps the sessions of these users.
    Users(Marks),
    /// Keeps the events that these users have on these items.
    Core {
        users: Marks,
        items: Marks,
    },
}

impl Transform {
    /// The transform of a step that needs to know nothing but the names of the operations, by number; none for a step
    /// that needs counts over the whole log, or the links.
    ///
    /// # Errors
    /// An operation that the log does not have.
    pub(in crate::stage) fn of(step: &Step, operations: &Text) -> Result<Option<Self>, Diagnostic> {
        Ok(Some(match step {
            Step::MinSessionLength(least) => Self::MinLength(least.get() as usize),
            Step::KeepFirst(most) => Self::First(most.get() as usize),
            Step::KeepLast(most) => Self::Last(most.get() as usize),
            Step::MergeRepeats(same) => Self::Merge(*same),
            Step::CutTrailingRepeats => Self::CutTrailingRepeats,
            Step::KeepLastOccurrence => Self::LastOccurrence,
            Step::Between(between) => Self::Between(*between),
            Step::Operations(names) => Self::Operations(numbers(names, operations)?),
            Step::MinItemCount(_)
            | Step::DropSessionsWithRareItems(_)
            | Step::MinUserCount(_)
            | Step::MaxUserCount(_)
            | Step::Core(_)
            | Step::Linked => return Ok(None),
        }))
    }

    /// Takes events out of a session, all of them if it is to go.
    pub(in crate::stage) fn apply(&self, session: &mut Session) {
        let events = &mut session.steps;
        match self {
            Self::MinLength(least) => {
                if events.len() < *least {
                    events.clear();
                }
            }
            Self::First(most) => events.truncate(*most),
            Self::Last(most) => _ = events.drain(..events.len().saturating_sub(*most)),
            Self::Merge(same) => events.dedup_by(|next, kept| {
                next.item == kept.item && (*same == Same::Item || next.operation == kept.operation)
            }),
            Self::CutTrailingRepeats => {
                while let [.., before, last] = &events[..]
                    && before.item == last.item
                {
                    events.pop();
                }
            }
            Self::LastOccurrence => {
                let mut seen = HashSet::with_capacity(events.len());
                let last: Vec<bool> = events.iter().rev().map(|event| seen.insert(event.item)).collect();
                let mut last = last.into_iter().rev();
                events.retain(|_| last.next().unwrap_or(true));
            }
            Self::Between(between) => match between.of {
                Of::Events => events.retain(|event| between.has(event.time)),
                Of::Sessions => {
                    if !events.iter().all(|event| between.has(event.time)) {
                        events.clear();
                    }
                }
            },
            Self::Operations(kept) => events.retain(|event| kept.has(event.operation)),
            Self::Items(kept) => events.retain(|event| kept.has(event.item)),
            Self::Whole(kept) => {
                if !events.iter().all(|event| kept.has(event.item)) {
                    events.clear();
                }
            }
            Self::Users(kept) => {
                if !kept.has(session.user) {
                    events.clear();
                }
            }
            Self::Core { users, items } => {
                if users.has(session.user) {
                    events.retain(|event| items.has(event.item));
                } else {
                    events.clear();
                }
            }
        }
    }
}

/// The numbers of operations by their names.
fn numbers(names: &[String], operations: &Text) -> Result<Marks, Diagnostic> {
    let mut kept = Marks::default();
    for name in names {
        let Some((number, _)) = (0..).zip(operations.iter()).find(|(_, known)| *known == Some(name)) else {
            let known: Vec<&str> = operations.iter().flatten().collect();
            return Err(Diagnostic::new(format!("the log has no operation `{name}`")).help(suggestion(name, &known)));
        };
        kept.add(number);
    }
    Ok(kept)
}
