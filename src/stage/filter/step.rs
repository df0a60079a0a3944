//! The steps of a filter as a pipeline writes them, and what each needs to know before it can be applied.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::moment::Moment;
use crate::diagnostic::Diagnostic;

/// One step. A session that a step leaves without events is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Drops sessions with fewer events.
    MinSessionLength(NonZeroU32),
    /// Drops the events of items with fewer events.
    MinItemCount(NonZeroU32),
    /// Drops sessions, whole, that have an item with fewer events (HUP, EMBSR).
    DropSessionsWithRareItems(NonZeroU32),
    /// Drops users with fewer events, and all that they did.
    MinUserCount(NonZeroU32),
    /// Drops users with more events, and all that they did.
    MaxUserCount(NonZeroU32),
    /// Drops users and items with fewer events, again and again until all have that many (KSR). It is the largest part of
    /// the log in which they have.
    Core(Core),
    /// Keeps the events of these operations, named as the log names them.
    Operations(Vec<String>),
    /// Keeps the first events of a session, this many at most.
    KeepFirst(NonZeroU32),
    /// Keeps the last events of a session, this many at most.
    KeepLast(NonZeroU32),
    /// Of events in a row that are the same, keeps the first.
    MergeRepeats(Same),
    /// Drops the last event of a session while its item is that of the event before it (HUP, EMBSR).
    CutTrailingRepeats,
    /// Of the events of an item in a session, keeps the last. In sessions cut `by: user` this leaves one event for each
    /// user and item (KSR).
    KeepLastOccurrence,
    /// Keeps the items that have an entity in the artifact that `links` names (KSR).
    Linked,
    /// Keeps what lies between two moments.
    Between(Between),
}

/// How many events users and items must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Events of a user.
    pub users: NonZeroU32,
    /// Events of an item.
    pub items: NonZeroU32,
}

/// What makes two events in a row the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Same {
    /// The item: what is left are the macro items of EMBSR.
    Item,
    /// The item and the operation.
    ItemAndOperation,
}

/// Two moments by the log's own clock read as UTC; at least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The first moment that is kept, as `2018-03-01` or `2018-03-01T12:30:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    /// The first moment that is not kept any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// What is kept or dropped.
    #[serde(default)]
    pub of: Of,
}

/// What a stretch of time keeps or drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Single events.
    #[default]
    Events,
    /// Whole sessions: those that lie in it from their first event to their last.
    Sessions,
}

impl Between {
    /// The first second that is kept.
    pub(super) fn from(self) -> i64 {
        self.from.map_or(i64::MIN, Moment::seconds)
    }

    /// Whether a time is not past the end.
    pub(super) fn has(self, time: i64) -> bool {
        time >= self.from() && self.until.is_none_or(|until| time < until.seconds())
    }
}

impl Step {
    /// The step as notes and messages name it: `min_session_length 2`, `core users 10, items 10`.
    pub fn label(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => {
                fields.iter().map(|(name, value)| format!("{name} {}", words(value))).collect::<Vec<_>>().join(" ")
            }
            Ok(value) => words(&value),
            Err(_) => String::new(),
        }
    }

    /// Whether it looks at who acts.
    pub(super) fn needs_users(&self) -> bool {
        matches!(self, Self::MinUserCount(_) | Self::MaxUserCount(_) | Self::Core(_))
    }

    /// Whether it looks at times.
    pub(in crate::stage) fn needs_clock(&self) -> bool {
        matches!(self, Self::Between(_))
    }

    /// The complaint about a step that looks at the times of a log without a clock.
    pub(in crate::stage) fn lacks_clock(&self) -> Diagnostic {
        let message = format!("`{}` looks at times, and the log has no clock but the order of its rows", self.label());
        Diagnostic::new(message).help("take the step out")
    }

    /// Whether each session is all that it looks at.
    pub(in crate::stage) fn is_local(&self) -> bool {
        match self {
            Self::MinItemCount(_)
            | Self::DropSessionsWithRareItems(_)
            | Self::MinUserCount(_)
            | Self::MaxUserCount(_)
            | Self::Core(_)
            | Self::Linked => false,
            Self::MinSessionLength(_)
            | Self::Operations(_)
            | Self::KeepFirst(_)
            | Self::KeepLast(_)
            | Self::MergeRepeats(_)
            | Self::CutTrailingRepeats
            | Self::KeepLastOccurrence
            | Self::Between(_) => true,
        }
    }

    /// What is wrong with the step by itself, and what to do.
    pub(in crate::stage) fn complaint(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Operations(names) if names.is_empty() => {
                Some(("`operations` keeps no operation", "name those that stay, or take the step out"))
            }
            Self::Between(Between { from: None, until: None, .. }) => {
                Some(("`between` has no bound", "give it `from`, `until` or both"))
            }
            Self::Between(Between { from: Some(from), until: Some(until), .. }) if from >= until => {
                Some(("`between` ends before it begins", "let `until` be later than `from`"))
            }
            _ => None,
        }
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name} {}", words(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(value: Value) -> Result<Step, serde_json::Error> {
        serde_json::from_value(value)
    }

    #[test]
    fn steps_are_named_as_they_are_written() {
        let label = |value: Value| step(value).unwrap().label();
        assert_eq!(label(json!({ "min_session_length": 2 })), "min_session_length 2");
        assert_eq!(label(json!({ "core": { "users": 10, "items": 5 } })), "core users 10, items 5");
        assert_eq!(label(json!("cut_trailing_repeats")), "cut_trailing_repeats");
        assert_eq!(label(json!({ "operations": ["a b", "c"] })), "operations a b, c");
        let between = json!({ "between": { "from": "2005-01-01", "of": "sessions" } });
        assert_eq!(label(between), "between from 2005-01-01T00:00:00, of sessions");
    }

    #[test]
    fn steps_that_could_do_nothing_are_refused() {
        assert!(step(json!({ "min_item_count": 0 })).is_err());
        assert!(step(json!({ "core": { "users": 10 } })).is_err());
        assert!(step(json!({ "operations": [] })).unwrap().complaint().is_some());
        assert!(step(json!({ "between": {} })).unwrap().complaint().is_some());
        let upside_down = json!({ "between": { "from": "2005-01-02", "until": "2005-01-02" } });
        assert!(step(upside_down).unwrap().complaint().is_some());
    }
}
