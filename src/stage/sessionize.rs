//! `sessionize`: cuts what each user did into sessions.

use polars::prelude::{DataFrame, IntoLazy, NamedFrom, Series, SortMultipleOptions, col, lit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::artifact::table::Text;
use crate::data::events::{self, Events};
use crate::data::sessions::{self, Sessions};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
use crate::unit::Span;

/// Cuts events into sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the events.
    pub from: String,
    /// Where a session ends.
    #[serde(default)]
    pub by: By,
    /// With `by: gap`, how long a user may pause: a longer pause begins a new session, one of just this length does not.
    #[serde(default = "hour")]
    pub gap: Span,
}

fn hour() -> Span {
    Span::of_seconds(3600)
}

/// Where a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// After a pause.
    #[default]
    Gap,
    /// Where the log says so.
    Given,
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("sessionize", "1", self, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { name: "from".into(), stage: self.from.clone(), accepts: &[ArtifactKind::Events] }]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Sessions
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let from = task.input("from");
        let events = Events::read(&from.join(events::FILE))?;
        if self.by == By::Given && events.session.missing() > 0 {
            return Err(Diagnostic::new("the events say of no session that they belong to it")
                .help("use `by: gap`")
                .into());
        }
        let order = match self.by {
            By::Gap => by_gap(&events, self.gap.seconds()),
            By::Given => by_name(&events),
        };
        let sessions = number(&events, &order.map_err(frame_error)?, self.by);
        task.note("sessions", sessions.ranges().len());
        task.note("events", sessions.session.len());
        sessions.write(&task.output.join(sessions::FILE))?;
        carry_items(from, &task.output)?;
        Ok(())
    }
}

/// Copies the items of one artifact into the next.
pub(super) fn carry_items(from: &camino::Utf8Path, to: &camino::Utf8Path) -> std::io::Result<()> {
    use crate::data::items::FILE;
    fs_err::copy(from.join(FILE), to.join(FILE)).map(|_| ())
}

/// Events in an order in which each session stands together, and where a session begins.
type Order = Vec<(usize, bool)>;

/// Each user's events by time; a session begins with the user and after each pause.
fn by_gap(events: &Events, gap: i64) -> polars::error::PolarsResult<Order> {
    let begins = col("key").neq(col("key").shift(lit(1))).or(col("time").diff(lit(1), Default::default()).gt(lit(gap)));
    in_order(events, &events.user, begins)
}

/// Each given session's events by time.
fn by_name(events: &Events) -> polars::error::PolarsResult<Order> {
    // A publisher may number the sessions of each part from the start.
    let key = events.session.iter().zip(events.part.iter());
    let key: Text =
        key.map(|(session, part)| Some(format!("{}\t{}", part.unwrap_or(""), session.unwrap_or("")))).collect();
    in_order(events, &key, col("key").neq(col("key").shift(lit(1))))
}

fn in_order(events: &Events, key: &Text, begins: polars::prelude::Expr) -> polars::error::PolarsResult<Order> {
    let place: Vec<u32> = (0..).take(events.time.len()).collect();
    let names: Vec<Option<&str>> = key.iter().collect();
    let columns = vec![
        Series::new("key".into(), names).into(),
        Series::new("time".into(), &events.time).into(),
        Series::new("row".into(), &events.row).into(),
        Series::new("place".into(), place).into(),
    ];
    let sorted = DataFrame::new(events.time.len(), columns)?
        .lazy()
        .sort(["key", "time", "row"], SortMultipleOptions::default())
        .select([col("place"), begins.fill_null(lit(true)).alias("begins")])
        .collect()?;
    let places = sorted.column("place")?.u32()?.into_no_null_iter().map(|place| place as usize);
    let begins = sorted.column("begins")?.bool()?.iter().map(|begins| begins.unwrap_or(true));
    Ok(places.zip(begins).collect())
}

/// Numbers the sessions by the time, then the row, of their first event, and puts them in that order.
fn number(events: &Events, order: &Order, by: By) -> Sessions {
    let mut sessions: Vec<Vec<usize>> = Vec::new();
    for (place, begins) in order {
        match sessions.last_mut() {
            Some(session) if !begins => session.push(*place),
            _ => sessions.push(vec![*place]),
        }
    }
    sessions.sort_by_key(|session| (events.time[session[0]], events.row[session[0]]));
    let rows: Vec<usize> = sessions.iter().flatten().copied().collect();
    let numbers = (0_i64..).zip(&sessions).flat_map(|(number, session)| session.iter().map(move |_| number));
    Sessions {
        session: numbers.collect(),
        user: events.user.take(&rows),
        item: events.item.take(&rows),
        operation: events.operation.take(&rows),
        time: rows.iter().map(|row| events.time[*row]).collect(),
        row: rows.iter().map(|row| events.row[*row]).collect(),
        // Sessions cut anew may cross the publisher's split.
        part: if by == By::Given { events.part.take(&rows) } else { Text::absent(rows.len()) },
    }
}

fn frame_error(error: polars::error::PolarsError) -> StageError {
    Diagnostic::new(format!("the events cannot be sorted: {error}")).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Events of (user, time), in the order of the log.
    fn log(events: &[(u8, i64)]) -> Events {
        let text = |of: fn(&(u8, i64)) -> String| Text::full(events.iter().map(of));
        Events {
            user: text(|(user, _)| format!("u{user}")),
            item: text(|(user, time)| format!("{user}-{time}")),
            operation: text(|_| "1".into()),
            time: events.iter().map(|(_, time)| *time).collect(),
            row: (0..).take(events.len()).collect(),
            session: text(|(user, _)| user.to_string()),
            part: text(|(_, time)| if *time < 5 { "train".into() } else { "test".into() }),
        }
    }

    fn cut(events: &[(u8, i64)], gap: i64) -> Sessions {
        let events = log(events);
        number(&events, &by_gap(&events, gap).unwrap(), By::Gap)
    }

    #[test]
    fn a_pause_of_just_the_gap_stays_in_the_session_and_a_longer_one_does_not() {
        assert_eq!(cut(&[(1, 0), (1, 3600)], 3600).session, [0, 0]);
        assert_eq!(cut(&[(1, 0), (1, 3601)], 3600).session, [0, 1]);
    }

    #[test]
    fn another_user_is_another_session_and_sessions_are_numbered_by_their_beginning() {
        let sessions = cut(&[(2, 50), (1, 10), (2, 5), (1, 20)], 3600);
        assert_eq!(sessions.session, [0, 0, 1, 1]);
        assert_eq!(sessions.user.iter().collect::<Vec<_>>(), [Some("u2"), Some("u2"), Some("u1"), Some("u1")]);
        assert_eq!(sessions.time, [5, 50, 10, 20]);
    }

    #[test]
    fn events_of_one_second_keep_the_order_of_the_log() {
        assert_eq!(cut(&[(1, 7), (2, 7), (1, 7)], 10).row, [0, 2, 1]);
    }

    #[test]
    fn given_sessions_are_kept_apart_by_part() {
        let events = log(&[(1, 0), (1, 9), (1, 1)]);
        let sessions = number(&events, &by_name(&events).unwrap(), By::Given);
        assert_eq!(sessions.session, [0, 0, 1]);
        assert_eq!(sessions.part.iter().collect::<Vec<_>>(), [Some("train"), Some("train"), Some("test")]);
    }

    proptest! {
        #[test]
        fn every_event_is_in_one_session_and_only_longer_pauses_part_them(
            events in proptest::collection::vec((0_u8..4, 0_i64..400), 0..60), gap in 0_i64..80,
        ) {
            let sessions = cut(&events, gap);
            let mut rows = sessions.row.clone();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..).take(events.len()).collect::<Vec<i64>>());
            let mut last_of_user = std::collections::BTreeMap::new();
            for range in sessions.ranges() {
                let user = sessions.user.at(range.start).to_owned();
                for at in range.clone().skip(1) {
                    prop_assert_eq!(sessions.user.at(at), &user);
                    let pause = sessions.time[at] - sessions.time[at - 1];
                    prop_assert!((0..=gap).contains(&pause));
                }
                if let Some(end) = last_of_user.insert(user, sessions.time[range.end - 1]) {
                    prop_assert!(sessions.time[range.start] - end > gap);
                }
            }
        }
    }
}
