//! Breakdowns of a result: into which group each test sample falls.
//!
//! A further one is a variant of [`Breakdown`] and its arm in [`Breakdown::split`].

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dataset::{ARRAYS, Meta};
use super::samples::{self, Sample};
use super::tensors::TensorFile;
use crate::artifact::table::TableError;

/// A way to tell test samples apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Breakdown {
    /// By whether the target stands in the input of its sample, so that it is enough to repeat the session.
    InSession,
    /// By whether the target stands in no training session, so that nothing was learned of it.
    Cold,
    /// By how many events the input of the sample has.
    SessionLength,
    /// By how many events of the training sessions are of the target.
    Popularity,
}

/// The target of a test sample, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its sample.
    pub sample: Sample,
    /// How many events of the training sessions are of it.
    pub trained: u64,
}

/// Reads the targets of a dataset's test part, each at the place of its sample's number.
///
/// # Errors
/// When a file of the dataset is missing, damaged or another table.
pub fn targets(dataset: &Utf8Path) -> Result<Vec<Target>, TableError> {
    let mut trained = vec![0; Meta::read(dataset)?.items + 1];
    for item in TensorFile::open(&dataset.join(ARRAYS))?.values("train.items")? {
        if let Some(count) = usize::try_from(item?).ok().and_then(|item| trained.get_mut(item)) {
            *count += 1;
        }
    }
    let known = |sample: Sample| {
        let trained = usize::try_from(sample.target).ok().and_then(|target| trained.get(target));
        Target { sample, trained: trained.copied().unwrap_or_default() }
    };
    Ok(samples::read_part(dataset, "test")?.into_iter().map(known).collect())
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
    /// What the groups differ in, as the title of an axis.
    pub axis: &'static str,
    /// The groups along that axis.
    pub ticks: &'static [&'static str],
    /// The place of a sample's group.
    pub group_of: fn(&Target) -> usize,
}

impl Breakdown {
    /// How it tells samples apart.
    pub fn split(self) -> &'static Split {
        match self {
            Self::InSession => &Split {
                name: "in-session",
                title: "Targets that stand in the session's input, and those that do not",
                groups: &["in session", "not in session"],
                axis: "whether the target stands in the session's input",
                ticks: &["it does", "it does not"],
                group_of: |target| usize::from(!target.sample.in_session),
            },
            Self::Cold => &Split {
                name: "cold",
                title: "Warm targets, and cold ones: those that no training session holds",
                groups: &["warm", "cold"],
                axis: "the target",
                ticks: &["warm", "cold"],
                group_of: |target| usize::from(target.sample.cold),
            },
            Self::SessionLength => &Split {
                name: "session-length",
                title: "Targets by the length of the session's input, in events",
                groups: &["after 1", "after 2", "after 3-5", "after 6-10", "after more"],
                axis: "events in the session's input",
                ticks: &["1", "2", "3–5", "6–10", "more"],
                group_of: |target| match target.sample.position {
                    ..=1 => 0,
                    2 => 1,
                    3..=5 => 2,
                    6..=10 => 3,
                    11.. => 4,
                },
            },
            Self::Popularity => &Split {
                name: "popularity",
                title: "Targets by their popularity: how many events of training sessions are of them",
                groups: &["unseen", "seen 1-2", "seen 3-9", "seen 10-99", "seen 100-999", "seen 1000 or more"],
                axis: "training events of the target",
                ticks: &["0", "1–2", "3–9", "10–99", "100–999", "1000 +"],
                group_of: |target| match target.trained {
                    0 => 0,
                    1..=2 => 1,
                    3..=9 => 2,
                    10..=99 => 3,
                    100..=999 => 4,
                    1000.. => 5,
                },
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

    /// What is said of a target.
    fn said(breakdown: Breakdown, of: Target) -> &'static str {
        let split = breakdown.split();
        split.groups[(split.group_of)(&of)]
    }

    const PLAIN: Target = Target {
        sample: Sample { sample: 0, session: 0, target: 1, position: 1, in_session: false, cold: false },
        trained: 1,
    };

    #[test]
    fn each_sample_falls_into_the_group_that_is_said_of_it() {
        let group = |breakdown: Breakdown, in_session: bool, cold: bool| {
            said(breakdown, Target { sample: Sample { in_session, cold, ..PLAIN.sample }, ..PLAIN })
        };
        assert_eq!([true, false].map(|said| group(Breakdown::InSession, said, true)), ["in session", "not in session"]);
        assert_eq!([true, false].map(|said| group(Breakdown::Cold, true, said)), ["cold", "warm"]);
    }

    #[test]
    fn lengths_and_counts_fall_into_their_groups_at_both_ends() {
        let long =
            |position| said(Breakdown::SessionLength, Target { sample: Sample { position, ..PLAIN.sample }, ..PLAIN });
        let lengths = [1, 2, 3, 5, 6, 10, 11, 900].map(long);
        let expected =
            ["after 1", "after 2", "after 3-5", "after 3-5", "after 6-10", "after 6-10", "after more", "after more"];
        assert_eq!(lengths, expected);
        let counts = [0, 1, 2, 3, 9, 10, 99, 100, 999, 1000]
            .map(|trained| said(Breakdown::Popularity, Target { trained, ..PLAIN }));
        let expected = [
            "unseen",
            "seen 1-2",
            "seen 1-2",
            "seen 3-9",
            "seen 3-9",
            "seen 10-99",
            "seen 10-99",
            "seen 100-999",
            "seen 100-999",
            "seen 1000 or more",
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn a_breakdown_is_written_by_its_name() {
        for breakdown in [Breakdown::InSession, Breakdown::Cold, Breakdown::SessionLength, Breakdown::Popularity] {
            assert_eq!(serde_json::json!(breakdown), breakdown.name());
        }
    }
}
