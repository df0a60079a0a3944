//! `filter`: takes short sessions and rare items out, once each and in a stated order; counts are not taken again.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::plain;
use super::sessionize::carry_items;
use crate::artifact::ArtifactKind;
use crate::data::sessions::{self, Sessions};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};

/// Takes short sessions and rare items out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the sessions.
    pub from: String,
    /// Shorter sessions are dropped.
    #[serde(default = "two")]
    pub min_session_length: usize,
    /// Events of items with fewer events are dropped.
    #[serde(default = "three")]
    pub min_item_count: usize,
    /// What comes first. Items that are dropped leave sessions that are too short; those are dropped at the end either
    /// way.
    #[serde(default)]
    pub first: First,
}

/// What is filtered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum First {
    /// Sessions, then items (MKM-SR, SR-GNN): events of short sessions do not count for their items.
    #[default]
    Sessions,
    /// Items (EMBSR).
    Items,
}

fn two() -> usize {
    2
}

fn three() -> usize {
    3
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("filter", "1", self, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { name: "from".into(), stage: self.from.clone(), accepts: &[ArtifactKind::Sessions] }]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Sessions
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let from = task.input("from");
        let before = Sessions::read(&from.join(sessions::FILE))?;
        let after = self.filtered(&before);
        for (when, sessions) in [("before", &before), ("after", &after)] {
            task.note(&format!("sessions {when}"), sessions.ranges().len());
            task.note(&format!("events {when}"), sessions.session.len());
            let items: std::collections::HashSet<_> = sessions.item.iter().collect();
            task.note(&format!("items {when}"), items.len());
        }
        if after.session.is_empty() {
            return Err(Diagnostic::new("the filters leave nothing")
                .help("lower `min_session_length` or `min_item_count`, or take more of the log")
                .into());
        }
        after.write(&task.output.join(sessions::FILE))?;
        carry_items(from, &task.output)?;
        Ok(())
    }
}

impl Config {
    fn filtered(&self, sessions: &Sessions) -> Sessions {
        match self.first {
            First::Sessions => self.long(&self.frequent(&self.long(sessions))),
            First::Items => self.long(&self.frequent(sessions)),
        }
    }

    fn long(&self, sessions: &Sessions) -> Sessions {
        let ranges = sessions.ranges().into_iter().filter(|range| range.len() >= self.min_session_length);
        sessions.take(&ranges.flatten().collect::<Vec<_>>())
    }

    fn frequent(&self, sessions: &Sessions) -> Sessions {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for item in sessions.item.iter().flatten() {
            *counts.entry(item).or_default() += 1;
        }
        let rows = 0..sessions.session.len();
        sessions.take(&rows.filter(|row| counts[sessions.item.at(*row)] >= self.min_item_count).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::table::Text;

    /// Sessions of one-letter items.
    fn sessions(items: &[&str]) -> Sessions {
        let events: Vec<(i64, String)> =
            (0..).zip(items).flat_map(|(s, items)| items.chars().map(move |item| (s, item.to_string()))).collect();
        let rows = events.len();
        Sessions {
            session: events.iter().map(|(session, _)| *session).collect(),
            user: Text::full(vec!["u"; rows]),
            item: Text::full(events.iter().map(|(_, item)| item)),
            operation: Text::full(vec!["1"; rows]),
            time: (0..).take(rows).collect(),
            row: (0..).take(rows).collect(),
            part: Text::absent(rows),
        }
    }

    fn left(first: First, items: &[&str]) -> Vec<String> {
        let config = Config { from: String::new(), min_session_length: 2, min_item_count: 3, first };
        let after = config.filtered(&sessions(items));
        after.ranges().into_iter().map(|range| range.map(|row| after.item.at(row)).collect()).collect()
    }

    #[test]
    fn events_of_short_sessions_do_not_count_for_their_items_when_sessions_come_first() {
        // `b` stands three times, once alone in a session.
        let log = ["ab", "aab", "b"];
        assert_eq!(left(First::Sessions, &log), ["aa"]);
        assert_eq!(left(First::Items, &log), ["ab", "aab"]);
    }

    #[test]
    fn sessions_that_the_items_left_too_short_are_dropped_and_items_are_not_counted_again() {
        // Without `x` the first session is gone, and `c` is left twice, fewer than it needed.
        assert_eq!(left(First::Sessions, &["xc", "cac", "aa"]), ["cac", "aa"]);
    }
}
