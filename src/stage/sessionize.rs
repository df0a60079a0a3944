//! `sessionize`: cuts the events of a log into sessions. The log passes through in the order that sessions need, so
//! memory does not grow with it.

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::events::{self, Clock, EventReader, EventWriter, Group, Meta, Place};
use crate::data::names::carry;
use crate::data::order::Sorter;
use crate::data::sessions::{Bound, BoundsWriter};
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
        plain("sessionize", "3", &filled, &self.inputs())
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
        let mut cut =
            Cut { config: self, by, last: None, bound: None, number: 0, writer: BoundsWriter::create(&task.output)? };
        let total = EventReader::open(from)?.rows() as u64;
        let mut done = 0;
        let mut pace = |more: usize, what: &str| {
            done += more as u64;
            task.step(done, total, what);
            if (task.stop)() { Err(StageError::Interrupted) } else { Ok(()) }
        };
        if by == meta.grouped_by {
            // The events stand as sessions need them; only the bounds are new.
            for places in events::places(from)? {
                let places = places?;
                places.iter().try_for_each(|place| cut.push(*place))?;
                pace(places.len(), "events")?;
            }
            fs_err::copy(from.join(events::FILE), task.output.join(events::FILE))?;
        } else {
            let mut sorter = Sorter::new(by, &task.scratch);
            for events in EventReader::open(from)? {
                let events = events?;
                events.iter().try_for_each(|event| sorter.push(*event))?;
                pace(events.len(), "events put in order")?;
            }
            let mut writer = EventWriter::create(&task.output.join(events::FILE), by)?;
            for event in sorter.finish()? {
                let event = event?;
                cut.push(event.place())?;
                writer.push(event)?;
            }
            writer.finish()?;
        }
        let sessions = cut.finish()?;
        carry(from, &task.output)?;
        Meta { grouped_by: by, ..meta }.write(&task.output)?;
        task.note("sessions", sessions);
        task.note("events", total);
        Ok(())
    }
}

/// Events on their way into sessions.
struct Cut<'a> {
    config: &'a Config,
    by: Group,
    last: Option<Place>,
    bound: Option<Bound>,
    number: i32,
    writer: BoundsWriter,
}

impl Cut<'_> {
    fn push(&mut self, place: Place) -> Result<(), StageError> {
        let begins = self.last.is_none_or(|last| self.begins(&last, &place));
        self.last = Some(place);
        match &mut self.bound {
            Some(bound) if !begins => {
                bound.length += 1;
                bound.end = place.time;
            }
            _ => self.begin(place)?,
        }
        Ok(())
    }

    fn begin(&mut self, place: Place) -> Result<(), StageError> {
        self.end()?;
        self.bound = Some(Bound {
            number: self.number,
            user: place.user.cast_signed(),
            // Sessions cut anew may cross the publisher's split.
            part: if self.by == Group::Session { place.part } else { None },
            length: 1,
            start: place.time,
            end: place.time,
            opened: (place.time, place.row),
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), StageError> {
        if let Some(bound) = self.bound.take() {
            self.writer.push(bound)?;
            self.number = self.number.checked_add(1).ok_or_else(|| {
                Diagnostic::new("the log has more than 2,147,483,647 sessions").help("take a part of the log")
            })?;
        }
        Ok(())
    }

    /// Ends the last session; answers how many there are.
    fn finish(mut self) -> Result<i32, StageError> {
        self.end()?;
        self.writer.finish()?;
        Ok(self.number)
    }

    /// Whether an event begins a session, given the one before it.
    fn begins(&self, last: &Place, place: &Place) -> bool {
        if self.by == Group::Session {
            // A publisher may number the sessions of each part from the start.
            return (last.session, last.part) != (place.session, place.part);
        }
        last.user != place.user
            || match self.config.by {
                By::Gap => place.time.abs_diff(last.time) > self.config.pause().seconds().unsigned_abs(),
                By::RowGap => place.row.abs_diff(last.row) > self.config.row_gap().map_or(u64::MAX, u64::from),
                By::Day => place.time.div_euclid(DAY) != last.time.div_euclid(DAY),
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
