//! The profile of a data set: how long its sessions are, how its items are spread, what is done and when, what repeats,
//! what is cold. One page, as markdown and as HTML with plots; the same data give the same bytes.

mod html;
mod markdown;
mod measure;
mod page;
mod plot;

use std::collections::BTreeMap;

pub use measure::{Measures, PartSamples, Repeats, Samples};

/// A profile with what a reader must know of the data.
pub struct Profile<'a> {
    /// What people call the data set.
    pub name: &'a str,
    /// Whether the data were generated.
    pub synthetic: bool,
    /// What was measured.
    pub measures: &'a Measures,
    /// The stages that were read, each with the digest of what it made.
    pub stages: &'a BTreeMap<String, String>,
    /// `sr-pipe 0.1.0`.
    pub tool_version: &'a str,
}

impl Profile<'_> {
    /// The page as markdown: its tables, without plots.
    pub fn markdown(&self) -> String {
        markdown::render(&page::of(self))
    }

    /// The page as one HTML file: tables and plots.
    pub fn html(&self) -> String {
        html::render(&page::of(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::events::Clock;
    use crate::data::statistics::{Source, Statistics, Value};

    /// A log of rows without users: one session of three events.
    fn measures() -> Measures {
        Measures {
            statistics: Statistics::of(&[Source::Sessions], |_| Some(Value::Count(3))),
            clock: Clock::Rows,
            lengths: BTreeMap::from([(3, 1)]),
            items: vec![2, 1],
            users: Vec::new(),
            operations: vec![("a|b <c>".to_owned(), 3)],
            gaps: BTreeMap::from([(1, 1), (2000, 1)]),
            repeats: Repeats {
                after_first: 2,
                in_a_row: 1,
                same_operation: 1,
                again: 1,
                by_place: vec![(1, 1), (1, 0)],
            },
            days: BTreeMap::new(),
            parts: Vec::new(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn what_a_log_does_not_say_is_told_in_its_place() {
        let (measures, stages) = (measures(), BTreeMap::from([("kept".to_owned(), "d1d1".to_owned())]));
        let profile =
            Profile { name: "d", synthetic: true, measures: &measures, stages: &stages, tool_version: "sr-pipe 0" };
        let page = profile.markdown();
        for part in [
            "# Profile of d\n\n> Synthetic data: ",
            "Not known here: log events (no `events` is given);",
            "## Users\n\nThe log does not say who acts.",
            "## Rows of the log between events of a session",
            "| 2,000 to 9,999 |     1 | 50.00 % |",
            "## Events over time\n\nThe log has no clock but the order of its rows.",
            "| a\\|b &lt;c> |",
            "| stage kept | d1d1      |",
        ] {
            assert!(page.contains(part), "no `{part}` in:\n{page}");
        }
        assert!(!page.contains("## Targets"), "there is no dataset");
        let html = profile.html();
        assert!(html.contains("a|b &lt;c&gt;") && !html.contains("<c>"), "{html}");
        for (open, close) in [("<section>", "</section>"), ("<table>", "</table>"), ("<svg ", "</svg>")] {
            assert_eq!(html.matches(open).count(), html.matches(close).count());
        }
    }
}
