//! Breakdowns of a result: into which group each test sample falls.
//!
//! A further one is a variant of [`Breakdown`] and its arm in [`Breakdown::split`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::samples::Sample;

/// A way to tell test samples apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Breakdown {
    /// By whether the target stands in the input of its sample, so that it is enough to repeat the session.
    InSession,
    /// By whether the target stands in no training session, so that nothing was learned of it.
    Cold,
}

/// How samples are told apart.
#[derive(Debug)]
pub struct Split {
    /// The name, as experiments write it.
    pub name: &'static str,
    /// What it asks of a sample, as a heading.
    pub title: &'static str,
    /// The groups, in the order of their columns: what is said of a target in one.
    pub groups: &'static [&'static str],
    /// The place of a sample's group.
    pub group_of: fn(&Sample) -> usize,
}

impl Breakdown {
    /// How it tells samples apart.
    pub fn split(self) -> &'static Split {
        match self {
            Self::InSession => &Split {
                name: "in-session",
                title: "Targets that stand in the session's input, and those that do not",
                groups: &["in session", "not in session"],
                group_of: |sample| usize::from(!sample.in_session),
            },
            Self::Cold => &Split {
                name: "cold",
                title: "Warm targets, and cold ones: those that no training session holds",
                groups: &["warm", "cold"],
                group_of: |sample| usize::from(sample.cold),
            },
        }
    }

    /// The name, as experiments write it.
    pub fn name(self) -> &'static str {
        self.split().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sample_falls_into_the_group_that_is_said_of_it() {
        let group = |breakdown: Breakdown, in_session: bool, cold: bool| {
            let split = breakdown.split();
            split.groups[(split.group_of)(&Sample { sample: 0, session: 0, target: 1, position: 1, in_session, cold })]
        };
        assert_eq!([true, false].map(|said| group(Breakdown::InSession, said, true)), ["in session", "not in session"]);
        assert_eq!([true, false].map(|said| group(Breakdown::Cold, true, said)), ["cold", "warm"]);
    }

    #[test]
    fn a_breakdown_is_written_by_its_name() {
        for breakdown in [Breakdown::InSession, Breakdown::Cold] {
            assert_eq!(serde_json::json!(breakdown), breakdown.name());
        }
    }
}
