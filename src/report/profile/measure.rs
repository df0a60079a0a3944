//! What a profile shows, measured in one pass over the sessions and one over the samples. Memory grows with items and
//! users only.

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::artifact::table::TableReader;
use crate::data::events::{Clock, Meta};
use crate::data::names;
use crate::data::samples;
use crate::data::sessions::Session;
use crate::data::statistics::{CountedSessions, Pace, Source, Statistics};
use crate::data::vocabulary::{ITEMS, Vocabulary};
use crate::engine::stage::StageError;

/// Positions in a session, and lengths of an input, that are told one by one; what lies beyond is told together.
pub(super) const POSITIONS: usize = 30;

/// What was measured.
pub struct Measures {
    /// The statistics of the data set, all that there are.
    pub statistics: Statistics,
    /// What the times of the log count.
    pub clock: Clock,
    /// Sessions by their length in events.
    pub lengths: BTreeMap<u64, u64>,
    /// The events of each item, most first.
    pub items: Vec<u64>,
    /// The events of each user that the log names, most first.
    pub users: Vec<u64>,
    /// The events of each operation, most first.
    pub operations: Vec<(String, u64)>,
    /// The distances of events that follow each other in a session, in the log's clock.
    pub gaps: BTreeMap<i64, u64>,
    /// Events and those of them that repeat an item.
    pub repeats: Repeats,
    /// Events by day, counted from 1970-01-01; none where the log has no clock.
    pub days: BTreeMap<i64, u64>,
    /// The samples of each part; none without a dataset.
    pub parts: Vec<PartSamples>,
    /// The test samples by the length of their input, from 1; the last stands for all that are longer.
    pub targets: Vec<Samples>,
}

/// Events that repeat an item of their session.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Repeats {
    /// Events after the first of a session.
    pub after_first: u64,
    /// Those on the item of the event before.
    pub in_a_row: u64,
    /// Those with item and operation of the event before.
    pub same_operation: u64,
    /// Those on an item that stood anywhere before.
    pub again: u64,
    /// By the place in the session, from the second: events there, and those on an item that stood before. The last
    /// stands for all that come later.
    pub by_place: Vec<(u64, u64)>,
}

/// Samples, and what their targets are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Samples {
    /// How many.
    pub all: u64,
    /// Those whose target stands in their input.
    pub repeated: u64,
    /// Those whose target stands in no training session.
    pub cold: u64,
}

/// The samples of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSamples {
    /// `train`, `valid` or `test`.
    pub name: String,
    /// Its samples.
    pub samples: Samples,
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Gaps of this many or more are put together by their first two digits, so that few numbers are kept.
const EXACT_GAPS: i64 = 100;

impl Measures {
    /// Measures what the folders of sealed artifacts hold; there must be one of sessions.
    ///
    /// # Errors
    /// When a file cannot be read, or the pace says stop.
    pub fn of(folders: &BTreeMap<Source, &Utf8Path>, sessions: &Utf8Path, pace: Pace<'_>) -> Result<Self, StageError> {
        let statistics = Statistics::count(folders, pace)?;
        let dataset = folders.get(&Source::Dataset).copied();
        let items = dataset.map(|folder| Vocabulary::read(&folder.join("items.parquet"), &ITEMS)).transpose()?;
        let mut pass = Pass::default();
        let mut reader = CountedSessions::open(sessions, items.as_ref())?;
        let mut session = Session::default();
        while reader.read(&mut session)? {
            pass.add(&session);
            if pass.session.is_multiple_of(1 << 14) {
                let (done, total) = reader.progress();
                pace(done, total, "events profiled")?;
            }
        }
        let names = names::OPERATIONS.read(sessions)?;
        let named = |(number, count): (usize, &u64)| (names.at(number).to_owned(), *count);
        let mut operations: Vec<(String, u64)> =
            pass.operations.iter().enumerate().filter(|(_, count)| **count > 0).map(named).collect();
        operations.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let (parts, targets) = dataset.map(targets).transpose()?.unwrap_or_default();
        let clock = Meta::read(sessions)?.clock;
        Ok(Self {
            statistics,
            clock,
            lengths: pass.lengths,
            items: most_first(pass.items),
            users: most_first(pass.users),
            operations,
            gaps: pass.gaps,
            repeats: pass.repeats,
            days: if clock == Clock::Seconds { pass.days } else { BTreeMap::new() },
            parts,
            targets,
        })
    }
}

fn most_first(counts: Vec<u64>) -> Vec<u64> {
    let mut counts: Vec<u64> = counts.into_iter().filter(|count| *count > 0).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

/// What one pass over the sessions counts.
#[derive(Default)]
struct Pass {
    lengths: BTreeMap<u64, u64>,
    items: Vec<u64>,
    users: Vec<u64>,
    operations: Vec<u64>,
    gaps: BTreeMap<i64, u64>,
    repeats: Repeats,
    days: BTreeMap<i64, u64>,
    /// For each item the last session, by its place in the pass, that had it: from 1.
    last: Vec<u32>,
    session: u32,
}

impl Pass {
    fn add(&mut self, session: &Session) {
        self.session = self.session.wrapping_add(1);
        *self.lengths.entry(session.steps.len() as u64).or_default() += 1;
        count(&mut self.users, session.user, session.steps.len() as u64);
        for (place, step) in session.steps.iter().enumerate() {
            count(&mut self.items, step.item, 1);
            count(&mut self.operations, step.operation, 1);
            *self.days.entry(step.time.div_euclid(DAY)).or_default() += 1;
            let again = self.stood_before(step.item);
            let Some(before) = place.checked_sub(1).map(|before| session.steps[before]) else { continue };
            *self.gaps.entry(rounded(step.time - before.time)).or_default() += 1;
            let (repeats, in_a_row) = (&mut self.repeats, before.item == step.item);
            repeats.after_first += 1;
            repeats.in_a_row += u64::from(in_a_row);
            repeats.same_operation += u64::from(in_a_row && before.operation == step.operation);
            repeats.again += u64::from(again);
            let at = (place - 1).min(POSITIONS - 1);
            if at >= repeats.by_place.len() {
                repeats.by_place.resize(at + 1, (0, 0));
            }
            repeats.by_place[at].0 += 1;
            repeats.by_place[at].1 += u64::from(again);
        }
    }

    /// Whether an item was met in this session; it is from now on.
    fn stood_before(&mut self, item: i32) -> bool {
        let Ok(at) = usize::try_from(item) else { return false };
        if at >= self.last.len() {
            self.last.resize(at + 1, 0);
        }
        std::mem::replace(&mut self.last[at], self.session) == self.session
    }
}

fn count(counts: &mut Vec<u64>, number: i32, more: u64) {
    let Ok(at) = usize::try_from(number) else { return };
    if at >= counts.len() {
        counts.resize(at + 1, 0);
    }
    counts[at] += more;
}

/// A gap with all but its first two digits zero, where it is long.
fn rounded(gap: i64) -> i64 {
    let mut unit = 1;
    while gap.abs() / unit >= EXACT_GAPS {
        unit *= 10;
    }
    gap / unit * unit
}

/// The samples of a dataset by part, and those of the test by the length of their input.
fn targets(folder: &Utf8Path) -> Result<(Vec<PartSamples>, Vec<Samples>), StageError> {
    let (mut parts, mut targets): (Vec<PartSamples>, Vec<Samples>) = Default::default();
    let columns = ["part", "position", "in_session", "cold"];
    for piece in TableReader::open_columns(&folder.join(samples::FILE), &samples::SCHEMA, &columns)? {
        let mut piece = piece?;
        let (names, positions) = (piece.text("part"), piece.int32("position"));
        let (repeated, cold) = (piece.bool("in_session"), piece.bool("cold"));
        for row in 0..names.len() {
            let name = names.at(row);
            if parts.last().is_none_or(|part| part.name != name) {
                parts.push(PartSamples { name: name.to_owned(), samples: Samples::default() });
            }
            let add = |samples: &mut Samples| {
                samples.all += 1;
                samples.repeated += u64::from(repeated[row]);
                samples.cold += u64::from(cold[row]);
            };
            parts.last_mut().into_iter().for_each(|part| add(&mut part.samples));
            if name == "test" {
                let at = usize::try_from(positions[row]).unwrap_or(0).saturating_sub(1).min(POSITIONS - 1);
                if at >= targets.len() {
                    targets.resize(at + 1, Samples::default());
                }
                add(&mut targets[at]);
            }
        }
    }
    Ok((parts, targets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sessions::Step;

    #[test]
    fn repeats_are_told_apart_by_where_the_item_stood_before() {
        let mut pass = Pass::default();
        let step = |(item, operation, time)| Step { time, row: 0, item, operation };
        let steps = [(5, 0, 0), (5, 0, 10), (5, 1, 10), (7, 0, 99), (5, 0, 100 + 2345)].map(step).to_vec();
        pass.add(&Session { number: 0, user: 2, part: None, opened: (0, 0), steps });
        pass.add(&Session {
            number: 1,
            user: -1,
            part: None,
            opened: (0, 0),
            steps: vec![step((7, 0, -1)), step((5, 0, 5))],
        });
        let repeats = &pass.repeats;
        assert_eq!((repeats.after_first, repeats.in_a_row, repeats.same_operation, repeats.again), (5, 2, 1, 3));
        assert_eq!(repeats.by_place, [(2, 1), (1, 1), (1, 0), (1, 1)]);
        assert_eq!(pass.gaps, BTreeMap::from([(0, 1), (6, 1), (10, 1), (89, 1), (2300, 1)]));
        assert_eq!(pass.days, BTreeMap::from([(-1, 1), (0, 6)]));
        assert_eq!((most_first(pass.items), most_first(pass.users)), (vec![5, 2], vec![5]));
        assert_eq!(pass.lengths, BTreeMap::from([(2, 1), (5, 1)]));
    }
}
