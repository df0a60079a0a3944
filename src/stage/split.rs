//! `split`: sessions to a dataset of train, valid and test, with its vocabulary and samples.
//!
//! A session is in the test set when its last event is: sessions that begin before the boundary and end at or after it
//! are test sessions whole. This is how the published Demo set of MKM-SR is cut.

use std::collections::HashSet;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::plain;
use super::share;
use crate::artifact::ArtifactKind;
use crate::data::dataset::{self, Meta, Part, PartSession, Prefixes};
use crate::data::items::ColdItems;
use crate::data::protocol::{Protocol, SelectOn};
use crate::data::samples::{self, Samples};
use crate::data::sessions::{self, Sessions};
use crate::data::vocabulary::{ITEMS, OPERATIONS, Vocabulary};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};

/// Splits sessions and makes samples. The protocol decides whether a part is held out for validation, and whether each
/// prefix of a test session is a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the sessions.
    pub from: String,
    /// What people call the dataset.
    #[serde(default = "unnamed")]
    pub name: String,
    /// What decides which sessions are the test set.
    #[serde(default)]
    pub by: By,
    /// The share of the log, its end, that is the test set; not used with `by: given`.
    #[serde(default = "share::tenth", deserialize_with = "share::read")]
    pub test_share: f64,
    /// What becomes of items that stand in test sessions but in no training session. Kept, they have a number and can be
    /// recommended.
    #[serde(default)]
    pub cold_items: ColdItems,
    /// The quantile of training session lengths (linear between two lengths, rounded down) that is the maximum length;
    /// longer sessions keep their last events. `null` cuts nothing.
    #[serde(default = "most", deserialize_with = "share::read_optional")]
    pub max_length_quantile: Option<f64>,
    /// Whether every prefix of a training session is a sample, or only the longest.
    #[serde(default = "yes")]
    pub train_prefixes: bool,
}

/// What decides which sessions are the test set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The boundary is the time before which `1 - test_share` of the events lie.
    #[default]
    Events,
    /// The boundary is the time before which `1 - test_share` of the sessions end.
    Sessions,
    /// The publisher.
    Given,
}

fn unnamed() -> String {
    "dataset".into()
}

fn most() -> Option<f64> {
    Some(0.99)
}

fn yes() -> bool {
    true
}

/// The stage: its config, and the experiment's protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What the pipeline says.
    pub config: Config,
    /// What the experiment says.
    pub protocol: Protocol,
}

impl Stage for Split {
    fn identity(&self) -> Identity {
        // Only these choices of the protocol change the dataset; the others must not make it anew.
        let select_on = self.protocol.select_on;
        let share = (select_on == SelectOn::Validation).then_some(self.protocol.validation_share);
        let protocol = serde_json::json!({
            "select_on": select_on, "validation_share": share, "test_prefixes": self.protocol.test_prefixes,
        });
        Identity { protocol: Some(protocol), ..plain("split", "1", &self.config, &self.inputs()) }
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { name: "from".into(), stage: self.config.from.clone(), accepts: &[ArtifactKind::Sessions] }]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Dataset
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let sessions = Sessions::read(&task.input("from").join(sessions::FILE))?;
        let built = self.build(&sessions)?;
        let folder = &task.output;
        dataset::write_meta(folder, &built.meta)?;
        dataset::write_samples(folder, &built.parts)?;
        dataset::write_sessions(folder, &built.parts)?;
        built.items.write(&folder.join("items.parquet"), &ITEMS)?;
        built.operations.write(&folder.join("operations.parquet"), &OPERATIONS)?;
        built.samples.write(&folder.join(samples::FILE))?;
        task.note("items", built.items.len());
        task.note("operations", built.operations.len());
        task.note("max length", built.meta.max_length);
        for (part, (name, samples)) in built.parts.iter().zip(&built.samples.parts) {
            task.note(&format!("{name} sessions"), part.sessions.len());
            task.note(&format!("{name} samples"), samples.len());
        }
        task.note("cold test samples", built.samples.part("test").iter().filter(|sample| sample.cold).count());
        task.note("test events dropped", built.dropped);
        Ok(())
    }
}

/// A dataset before it is written.
struct Built {
    meta: Meta,
    parts: Vec<Part>,
    items: Vocabulary,
    operations: Vocabulary,
    samples: Samples,
    /// Test events of cold items that were dropped.
    dropped: usize,
}

/// The rows of each session on both sides of the split.
struct Sides {
    trained: Vec<Range<usize>>,
    tested: Vec<Range<usize>>,
}

impl Split {
    fn build(&self, sessions: &Sessions) -> Result<Built, Diagnostic> {
        let config = &self.config;
        let Sides { trained, tested } = self.sides(sessions)?;
        let known: HashSet<&str> = trained.iter().cloned().flatten().map(|row| sessions.item.at(row)).collect();
        let warm = |row: &usize| config.cold_items == ColdItems::Keep || known.contains(sessions.item.at(*row));
        let tested_rows: Vec<Vec<usize>> = tested.iter().map(|range| range.clone().filter(warm).collect()).collect();
        let dropped =
            tested.iter().map(ExactSizeIterator::len).sum::<usize>() - tested_rows.iter().map(Vec::len).sum::<usize>();
        let trained_rows: Vec<Vec<usize>> = trained.into_iter().map(Iterator::collect).collect();

        let lengths: Vec<usize> = trained_rows.iter().map(Vec::len).collect();
        let limit = config.max_length_quantile.map_or(usize::MAX, |quantile| length_quantile(lengths, quantile));
        if trained_rows.is_empty() || limit < 2 {
            return Err(Diagnostic::new("no training session has two events")
                .help("put a `filter` stage before this one, or take more of the log"));
        }

        // Operations are few and sorted by name; items are numbered as they are met, training sessions first.
        let (mut items, mut operations) = (Vocabulary::default(), Vocabulary::default());
        let names: std::collections::BTreeSet<&str> = sessions.operation.iter().flatten().collect();
        names.into_iter().for_each(|name| _ = operations.add(name));
        let mut number = |rows: Vec<Vec<usize>>| -> Vec<PartSession> {
            // A session that gives no sample is not part of the dataset, but its items are part of the vocabulary.
            let numbered = rows.into_iter().filter_map(|rows| {
                let numbers: Vec<i32> = rows.iter().map(|row| items.add(sessions.item.at(*row))).collect();
                let cut = rows.len().saturating_sub(limit);
                let kept = &rows[cut..];
                (kept.len() >= 2).then(|| PartSession {
                    session: sessions.session[kept[0]],
                    user: sessions.user.at(kept[0]).to_owned(),
                    items: numbers[cut..].to_vec(),
                    operations: kept.iter().filter_map(|row| operations.number(sessions.operation.at(*row))).collect(),
                    times: kept.iter().map(|row| sessions.time[*row]).collect(),
                })
            });
            numbered.collect()
        };
        let train = number(trained_rows);
        let test = number(tested_rows);
        let (train, valid) = match self.protocol.select_on {
            SelectOn::Validation => hold_out(train, self.protocol.validation_share),
            SelectOn::Test => (train, Vec::new()),
        };
        let of = |all: bool| if all { Prefixes::All } else { Prefixes::Longest };
        let evaluated = of(self.protocol.test_prefixes);
        let parts = vec![
            Part { name: "train", sessions: train, prefixes: of(config.train_prefixes) },
            Part { name: "valid", sessions: valid, prefixes: evaluated },
            Part { name: "test", sessions: test, prefixes: evaluated },
        ];
        let needed = |part: &&Part| part.name != "valid" || self.protocol.select_on == SelectOn::Validation;
        if let Some(empty) = parts.iter().filter(needed).find(|part| part.sessions.is_empty()) {
            return Err(Diagnostic::new(format!("no session of two events is left for `{}`", empty.name))
                .help("change `test_share` or the protocol's `validation_share`, or take more of the log"));
        }

        let seen: HashSet<i32> = parts[0].sessions.iter().flat_map(|session| &session.items).copied().collect();
        let samples =
            Samples { parts: parts.iter().map(|part| (part.name.to_owned(), part.describe(&seen))).collect() };
        let longest = parts.iter().flat_map(|part| &part.sessions).map(|session| session.items.len()).max();
        let meta = Meta {
            version: 1,
            name: config.name.clone(),
            items: items.len(),
            operations: operations.len(),
            max_length: longest.unwrap_or(0),
            test_samples: dataset::samples_digest(&parts[2], &items, &operations),
        };
        Ok(Built { meta, parts, items, operations, samples, dropped })
    }

    /// The rows of training and of test sessions.
    fn sides(&self, sessions: &Sessions) -> Result<Sides, Diagnostic> {
        let ranges = sessions.ranges();
        let ends: Vec<i64> = ranges.iter().map(|range| sessions.time[range.end - 1]).collect();
        let boundary = match self.config.by {
            By::Events => boundary(sessions.time.clone(), self.config.test_share),
            By::Sessions => boundary(ends.clone(), self.config.test_share),
            By::Given => {
                let side = |range: &Range<usize>| sessions.part.get(range.start);
                if let Some(other) = ranges.iter().map(side).find(|part| !matches!(part, Some("train" | "test"))) {
                    return Err(Diagnostic::new(match other {
                        Some(other) => format!("a session is in the part `{other}`, neither `train` nor `test`"),
                        None => "the sessions do not say in which part they are".to_owned(),
                    })
                    .help("use `by: events` or `by: sessions`"));
                }
                let (trained, tested) = ranges.into_iter().partition(|range| side(range) == Some("train"));
                return Ok(Sides { trained, tested });
            }
        };
        let (mut trained, mut tested) = (Vec::new(), Vec::new());
        for (range, end) in ranges.into_iter().zip(ends) {
            if boundary.is_some_and(|boundary| end >= boundary) { tested.push(range) } else { trained.push(range) }
        }
        Ok(Sides { trained, tested })
    }
}

/// The first time of the last `share` of times; none when that is no time at all.
fn boundary(mut times: Vec<i64>, share: f64) -> Option<i64> {
    times.sort_unstable();
    times.get(part_of(times.len(), 1.0 - share)).copied()
}

/// The whole part of a share of a count. A count that only rounding keeps from being whole is whole.
fn part_of(count: usize, share: f64) -> usize {
    (count as f64 * share + 1e-9).floor() as usize
}

/// The quantile of lengths, linear between two of them, rounded down; 0 without lengths.
fn length_quantile(mut lengths: Vec<usize>, quantile: f64) -> usize {
    lengths.sort_unstable();
    let Some(last) = lengths.len().checked_sub(1) else { return 0 };
    let place = last as f64 * quantile;
    let (low, high) = (lengths[place.floor() as usize] as f64, lengths[place.ceil() as usize] as f64);
    (low + (high - low) * place.fract() + 1e-9).floor() as usize
}

/// Takes the last `share` of the sessions out, by the time of their end, then by number; both keep their order.
fn hold_out(sessions: Vec<PartSession>, share: f64) -> (Vec<PartSession>, Vec<PartSession>) {
    let end = |session: &PartSession| (session.times.last().copied(), session.session);
    let mut ends: Vec<_> = sessions.iter().map(end).collect();
    ends.sort_unstable();
    match ends.get(part_of(ends.len(), 1.0 - share)).copied() {
        Some(first_held) => sessions.into_iter().partition(|session| end(session) < first_held),
        None => (sessions, Vec::new()),
    }
}

#[cfg(test)]
mod tests;
