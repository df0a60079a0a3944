//! `sessionize`: cuts the events of a log into sessions. The log passes through in the order that sessions need, so
//! memory does not grow with it.

use std::ops::ControlFlow;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::artifact::table::MISSING;
use crate::data::events::{Clock, Event, EventReader, Group, Meta, NONE};
use crate::data::names::carry;
use crate::data::order::Sorter;
use crate::data::sessions::{SessionWriter, Step};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
use crate::unit::Span;

/// Cuts events into sessions.
///
/// Events of one time keep the order of the log. A session that the log gives is ordered by the place that the log
/// gives to its events, where it gives one, else by time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the events.
    pub from: String,
    /// Where a session ends.
    #[serde(default)]
    pub by: By,
    /// With `by: gap`, how long a user may pause: a longer pause begins a new session, one of just this length does not.
    /// An hour when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Span>,
    /// With `by: row-gap`, how many rows of the log may lie between two events of a user: a distance of more begins a
    /// new session. 2,000 when left out, as MKM-SR cuts KKBOX.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
}

/// Where a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// After a pause of the user.
    #[default]
    Gap,
    /// After a distance in the rows of the log, for logs without a clock.
    RowGap,
    /// With the day, by the log's own clock read as UTC.
    Day,
    /// Never: all that a user does is one session.
    User,
    /// Where the log says so.
    Given,
}

/// Checks what only the fields together can tell.
///
/// # Errors
/// A threshold of another way to cut.
pub fn resolve(config: Config) -> Result<std::sync::Arc<dyn Stage>, Vec<Complaint>> {
    let idle = [("gap", config.gap.is_some(), By::Gap, "gap"), ("rows", config.rows.is_some(), By::RowGap, "row-gap")];
    let complaints: Vec<Complaint> = idle
        .into_iter()
        .filter(|(_, set, by, _)| *set && config.by != *by)
        .map(|(field, _, _, by)| Complaint {
            field: vec![field.into()],
            message: format!("`{field}` is used with `by: {by}` only"),
            help: Some(format!("take it out, or cut `by: {by}`")),
        })
        .collect();
    if complaints.is_empty() { Ok(std::sync::Arc::new(config)) } else { Err(complaints) }
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        // With the thresholds that hold, whether written or not.
        let filled = Self { gap: (self.by == By::Gap).then(|| self.pause()), rows: self.row_gap(), ..self.clone() };
        plain("sessionize", "2", &filled, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { name: "from".into(), stage: self.from.clone(), accepts: &[ArtifactKind::Events] }]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Sessions
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let from = task.input("from");
        let meta = Meta::read(from)?;
        self.check(&meta)?;
        let by = if self.by == By::Given { Group::Session } else { Group::User };
        let mut cut = Cut { config: self, by, last: None, number: -1, writer: SessionWriter::create(&task.output)? };
        let reader = EventReader::open(from)?;
        let total = reader.rows() as u64;
        let mut done = 0;
        let mut pace = |more: usize, what: &str| {
            done += more as u64;
            task.step(done, total, what);
            if (task.stop)() { Err(StageError::Interrupted) } else { Ok(()) }
        };
        if by == meta.grouped_by {
            for events in reader {
                let events = events?;
                events.iter().try_for_each(|event| cut.push(event))?;
                pace(events.len(), "events")?;
            }
        } else {
            sort_anew(reader, by, &task.scratch, &mut cut, &mut pace)?;
        }
        let sessions = i64::from(cut.number) + 1;
        cut.writer.finish()?;
        task.note("sessions", sessions);
        task.note("events", total);
        carry(from, &task.output)?;
        Ok(())
    }
}

/// Puts the log into the order that these sessions need, where it stands in another.
fn sort_anew(
    reader: EventReader,
    by: Group,
    scratch: &Utf8Path,
    cut: &mut Cut<'_>,
    pace: &mut dyn FnMut(usize, &str) -> Result<(), StageError>,
) -> Result<(), StageError> {
    // Events that share the place in a session are put in the order of the log, so the log is needed in that order.
    let mut sorter = Sorter::new(by, scratch);
    for events in reader {
        let events = events?;
        events.iter().try_for_each(|event| sorter.push(*event))?;
        pace(events.len(), "events put in order")?;
    }
    for event in sorter.finish()? {
        cut.push(&event?)?;
    }
    Ok(())
}

/// Events on their way into sessions.
struct Cut<'a> {
    config: &'a Config,
    by: Group,
    last: Option<Event>,
    number: i32,
    writer: SessionWriter,
}

impl Cut<'_> {
    fn push(&mut self, event: &Event) -> Result<(), StageError> {
        if self.last.is_none_or(|last| self.begins(&last, event)) {
            self.number = self.number.checked_add(1).ok_or_else(|| {
                Diagnostic::new("the log has more than 2,147,483,648 sessions").help("take a part of the log")
            })?;
        }
        self.last = Some(*event);
        let step = Step {
            time: event.time,
            row: i64::from(event.row),
            item: event.item.cast_signed(),
            operation: i32::from(event.operation),
        };
        let user = if event.user == NONE { MISSING } else { event.user.cast_signed() };
        // Sessions cut anew may cross the publisher's split.
        let part = if self.by == Group::Session { event.part } else { None };
        Ok(self.writer.push_step(self.number, user, part, step)?)
    }

    /// Whether an event begins a session, given the one before it.
    fn begins(&self, last: &Event, event: &Event) -> bool {
        if self.by == Group::Session {
            // A publisher may number the sessions of each part from the start.
            return (last.session, last.part) != (event.session, event.part);
        }
        last.user != event.user
            || match self.config.by {
                By::Gap => event.time.abs_diff(last.time) > self.config.pause().seconds().unsigned_abs(),
                By::RowGap => event.row.abs_diff(last.row) > self.config.row_gap().unwrap_or(u32::MAX),
                By::Day => event.time.div_euclid(DAY) != last.time.div_euclid(DAY),
                By::User | By::Given => false,
            }
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;

impl Config {
    fn pause(&self) -> Span {
        self.gap.unwrap_or(Span::of_seconds(3600))
    }

    fn row_gap(&self) -> Option<u32> {
        (self.by == By::RowGap).then(|| self.rows.unwrap_or(2000))
    }

    /// Refuses what the log cannot give.
    fn check(&self, meta: &Meta) -> Result<(), Diagnostic> {
        let problem = match self.by {
            By::Given if meta.grouped_by != Group::Session => ControlFlow::Break((
                "the events say of no session that they belong to it",
                "use `by: gap`, `by: day` or `by: row-gap`",
            )),
            By::Gap | By::RowGap | By::Day | By::User if !meta.users => {
                ControlFlow::Break(("the log does not say who acts", "use `by: given`"))
            }
            By::Gap | By::Day if meta.clock == Clock::Rows => {
                ControlFlow::Break(("the log has no clock but the order of its rows", "use `by: row-gap`"))
            }
            _ => ControlFlow::Continue(()),
        };
        match problem {
            ControlFlow::Break((message, help)) => Err(Diagnostic::new(message).help(help)),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}
