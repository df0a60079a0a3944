//! Puts the events of a log of any size into the order in which sessions are cut. What fits into the buffer is sorted
//! there; more is written to the attempt's scratch folder in sorted runs, which are merged at the end.

mod merge;
mod run;

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;

use super::events::{Event, Group, NONE};
use merge::Merge;
use run::{Layout, Run, WORD};

/// Events that are held, 16 MB of them: few enough to be put in order within the processor's caches.
const HELD: usize = 1 << 19;

/// Events that are fetched at a time from where they are held.
const FETCHED: usize = 1 << 8;

/// What decides where an event stands: what stands together; the place that the log gives, else the time; the row.
type Key = (u64, i64, u32);

/// The same as what stands together and the place in one number, and the row.
type Number = (u128, u32);

/// Takes the events of a log and gives them back in the order of sessions.
pub struct Sorter {
    by: Group,
    held: Vec<Event>,
    /// Whether the events that are held came by row, so that a sort that keeps the order of equals will do.
    by_row: bool,
    limit: usize,
    scratch: Utf8PathBuf,
    /// The file of all runs, once there is one.
    file: Option<File>,
    runs: Vec<Run>,
    bytes: Vec<u8>,
    digits: Digits,
}

impl Sorter {
    /// A sorter that may write into `scratch`.
    pub fn new(by: Group, scratch: &Utf8Path) -> Self {
        Self {
            by,
            held: Vec::new(),
            by_row: true,
            limit: HELD,
            scratch: scratch.to_owned(),
            file: None,
            runs: Vec::new(),
            bytes: Vec::new(),
            digits: Digits::default(),
        }
    }

    /// Adds an event; fastest by row.
    ///
    /// # Errors
    /// When a run cannot be written.
    pub fn push(&mut self, event: Event) -> std::io::Result<()> {
        self.by_row &= self.held.last().is_none_or(|last| last.row < event.row);
        self.held.push(event);
        if self.held.len() == self.limit { self.spill() } else { Ok(()) }
    }

    /// Answers the events in their order.
    ///
    /// # Errors
    /// When a run cannot be written or read.
    pub fn finish(mut self) -> std::io::Result<Sorted> {
        if self.runs.is_empty() {
            self.sort();
            let order = self.digits.indices().collect::<Vec<usize>>().into_iter();
            return Ok(Sorted::Held { events: self.held, order });
        }
        if !self.held.is_empty() {
            self.spill()?;
        }
        let Some(file) = self.file else { unreachable!("runs are in a file") };
        Ok(Sorted::Merged(Merge::new(file, self.runs, self.by)?))
    }

    fn spill(&mut self) -> std::io::Result<()> {
        self.sort();
        let layout = Layout::of(&self.held);
        let width = layout.width();
        self.bytes.resize(width * self.held.len() + 2 * WORD, 0);
        let mut at = 0;
        // Events are fetched many at a time, so that the processor waits for them together.
        let mut fetched = Vec::with_capacity(FETCHED);
        let mut indices = self.digits.indices();
        while indices.len() > 0 {
            fetched.clear();
            fetched.extend(indices.by_ref().take(FETCHED).map(|index| self.held[index]));
            for event in &fetched {
                layout.write(event, &mut self.bytes[at..]);
                at += width;
            }
        }
        if self.file.is_none() {
            let path = self.scratch.join("runs");
            self.file = Some(File::options().read(true).write(true).create_new(true).open(&path)?);
            // Nothing but this process needs the name; without it the file is gone with the process.
            fs_err::remove_file(&path)?;
        }
        let start = self.runs.last().map_or(0, |run| run.bytes.end);
        if let Some(file) = &mut self.file {
            file.write_all(&self.bytes[..at])?;
        }
        self.runs.push(Run { bytes: start..start + at as u64, layout });
        self.held.clear();
        self.by_row = true;
        Ok(())
    }

    /// Puts the order of what is held into `digits.sorted`.
    fn sort(&mut self) {
        let (events, by, digits) = (&mut self.held, self.by, &mut self.digits);
        digits.sorted.clear();
        let mut bounds = (i64::MAX, i64::MIN, 0);
        for event in &*events {
            let place = place(event, by);
            bounds = (bounds.0.min(place), bounds.1.max(place), bounds.2.max(group(event, by)));
        }
        let (low, high, last_group) = bounds;
        let width = |most: u64| u64::BITS - most.leading_zeros();
        let (place_bits, group_bits) = (width(high.abs_diff(low)), width(last_group));
        if !self.by_row || INDEX_BITS + place_bits + group_bits > u64::BITS {
            events.sort_unstable_by_key(|event| key(event, by));
            digits.sorted.extend((0..).take(events.len()));
            return;
        }
        digits.sorted.extend((0..).zip(&*events).map(|(index, event)| {
            let place = place(event, by).abs_diff(low);
            (group(event, by) << place_bits | place) << INDEX_BITS | index
        }));
        digits.sort(place_bits + group_bits);
    }
}

/// Bits of a place among the events that are held.
const INDEX_BITS: u32 = HELD.ilog2();

/// Keys, each above the index that it goes with, sorted digit by digit from the lowest.
#[derive(Default)]
struct Digits {
    sorted: Vec<u64>,
    spare: Vec<u64>,
}

impl Digits {
    /// Sorts by `bits` above the index; equals keep their order.
    fn sort(&mut self, bits: u32) {
        const DIGIT: u32 = 11;
        self.spare.clear();
        self.spare.resize(self.sorted.len(), 0);
        for shift in (INDEX_BITS..INDEX_BITS + bits).step_by(DIGIT as usize) {
            let digit = |key: u64| (key >> shift) as usize & ((1 << DIGIT) - 1);
            let mut ends = [0_usize; 1 << DIGIT];
            self.sorted.iter().for_each(|key| ends[digit(*key)] += 1);
            let mut sum = 0;
            for end in &mut ends {
                sum += std::mem::replace(end, sum);
            }
            for key in &self.sorted {
                let end = &mut ends[digit(*key)];
                self.spare[*end] = *key;
                *end += 1;
            }
            std::mem::swap(&mut self.sorted, &mut self.spare);
        }
    }

    /// The indices in the order of their keys.
    fn indices(&self) -> impl ExactSizeIterator<Item = usize> {
        self.sorted.iter().map(|key| *key as usize & (HELD - 1))
    }
}

/// Events in the order of sessions.
pub enum Sorted {
    /// They all fit into memory.
    Held {
        /// The events.
        events: Vec<Event>,
        /// Which of them comes next.
        order: std::vec::IntoIter<usize>,
    },
    /// They come from runs on disk.
    Merged(Merge),
}

impl Iterator for Sorted {
    type Item = std::io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Held { events, order } => order.next().map(|index| Ok(events[index])),
            Self::Merged(merge) => merge.next().transpose(),
        }
    }
}

/// What stands together, as a number: sessions of different parts never do.
fn group(event: &Event, by: Group) -> u64 {
    match by {
        Group::User => u64::from(event.user),
        Group::Session => u64::from(event.session) << 2 | event.part.map_or(3, |part| part as u64),
    }
}

/// The key in as few numbers as compare fastest.
fn number(event: &Event, by: Group) -> Number {
    let (group, place, row) = key(event, by);
    // With the sign turned over, the order of places is that of their bits.
    let place = place.cast_unsigned() ^ 1 << 63;
    (u128::from(group) << 64 | u128::from(place), row)
}

fn key(event: &Event, by: Group) -> Key {
    (group(event, by), place(event, by), event.row)
}

fn place(event: &Event, by: Group) -> i64 {
    if by == Group::Session && event.order != NONE { i64::from(event.order) } else { event.time }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::events::Given;

    fn event() -> impl Strategy<Value = Event> {
        let part = prop_oneof![Just(None), Just(Some(Given::Train)), Just(Some(Given::Test))];
        let number = prop_oneof![4 => 0_u32..5, 1 => Just(NONE)];
        let time = prop_oneof![4 => 0_i64..9, 1 => any::<i64>()];
        (time, number.clone(), number.clone(), 0_u32..9, number, 0_u16..4, part).prop_map(
            |(time, user, session, item, order, operation, part)| Event {
                time,
                row: 0,
                user,
                session,
                item,
                order,
                operation,
                part,
            },
        )
    }

    proptest! {
        #[test]
        fn runs_on_disk_and_memory_give_the_order_of_a_plain_sort(
            mut events in proptest::collection::vec(event(), 0..80), limit in 1_usize..30, by_user: bool, mixed: bool,
        ) {
            (0..).zip(&mut events).for_each(|(row, event)| event.row = row);
            if mixed {
                events.reverse();
            }
            let by = if by_user { Group::User } else { Group::Session };
            let folder = tempfile::tempdir().unwrap();
            let scratch = Utf8Path::from_path(folder.path()).unwrap();
            let mut expected = events.clone();
            expected.sort_by_key(|event| key(event, by));
            for limit in [limit, HELD] {
                let mut sorter = Sorter { limit, ..Sorter::new(by, scratch) };
                events.iter().for_each(|event| sorter.push(*event).unwrap());
                let found: Vec<Event> = sorter.finish().unwrap().map(Result::unwrap).collect();
                prop_assert_eq!(&found, &expected);
            }
        }
    }
}
