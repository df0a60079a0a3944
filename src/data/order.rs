//! Puts the events of a log of any size into the order in which sessions are cut. What fits into the buffer is sorted
//! there; more is written to the attempt's scratch folder in sorted runs, which are merged at the end.

use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;

use super::events::{Event, Given, Group, NONE};

/// Events that are held, 16 MB of them: few enough to be put in order within the processor's caches.
const HELD: usize = 1 << 19;

/// Events that are fetched at a time from where they are held.
const FETCHED: usize = 1 << 8;

/// Bytes that are read from a run at a time.
const BUFFER: usize = 1 << 16;

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

/// A sorted run in the file of runs.
#[derive(Debug, Clone)]
struct Run {
    bytes: Range<u64>,
    layout: Layout,
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
            let order = self.digits.sorted.iter().map(|(_, index)| *index).collect::<Vec<u32>>().into_iter();
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
        self.bytes.clear();
        self.bytes.reserve(layout.width() * self.held.len());
        // Events are fetched many at a time, so that the processor waits for them together.
        let mut fetched = Vec::with_capacity(FETCHED);
        for indices in self.digits.sorted.chunks(FETCHED) {
            fetched.clear();
            fetched.extend(indices.iter().map(|(_, index)| self.held[*index as usize]));
            fetched.iter().for_each(|event| layout.write(event, &mut self.bytes));
        }
        if self.file.is_none() {
            let path = self.scratch.join("runs");
            self.file = Some(File::options().read(true).write(true).create_new(true).open(&path)?);
            // Nothing but this process needs the name; without it the file is gone with the process.
            fs_err::remove_file(&path)?;
        }
        let start = self.runs.last().map_or(0, |run| run.bytes.end);
        if let Some(file) = &mut self.file {
            file.write_all(&self.bytes)?;
        }
        self.runs.push(Run { bytes: start..start + self.bytes.len() as u64, layout });
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
        if !self.by_row || place_bits + group_bits > u64::BITS || events.is_empty() {
            events.sort_unstable_by_key(|event| key(event, by));
            digits.sorted.extend((0..).take(events.len()).map(|index| (0, index)));
            return;
        }
        digits.sorted.extend((0..).zip(&*events).map(|(index, event)| {
            let place = place(event, by).abs_diff(low);
            (if place_bits == u64::BITS { place } else { group(event, by) << place_bits | place }, index)
        }));
        digits.sort(place_bits + group_bits);
    }
}

/// Keys of 64 bits, each with the index that it goes with, sorted digit by digit from the lowest.
#[derive(Default)]
struct Digits {
    sorted: Vec<(u64, u32)>,
    spare: Vec<(u64, u32)>,
}

impl Digits {
    /// Sorts by the low `bits` of the keys; equals keep their order.
    fn sort(&mut self, bits: u32) {
        const DIGIT: u32 = 11;
        self.spare.clear();
        self.spare.resize(self.sorted.len(), (0, 0));
        for shift in (0..bits).step_by(DIGIT as usize) {
            let digit = |key: u64| (key >> shift) as usize & ((1 << DIGIT) - 1);
            let mut ends = vec![0_usize; 1 << DIGIT];
            self.sorted.iter().for_each(|(key, _)| ends[digit(*key)] += 1);
            let mut sum = 0;
            for end in &mut ends {
                sum += std::mem::replace(end, sum);
            }
            for entry in &self.sorted {
                let end = &mut ends[digit(entry.0)];
                self.spare[*end] = *entry;
                *end += 1;
            }
            std::mem::swap(&mut self.sorted, &mut self.spare);
        }
    }
}

/// Events in the order of sessions.
pub enum Sorted {
    /// They all fit into memory.
    Held {
        /// The events.
        events: Vec<Event>,
        /// Which of them comes next.
        order: std::vec::IntoIter<u32>,
    },
    /// They come from runs on disk.
    Merged(Merge),
}

impl Iterator for Sorted {
    type Item = std::io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Held { events, order } => order.next().map(|index| Ok(events[index as usize])),
            Self::Merged(merge) => merge.next().transpose(),
        }
    }
}

/// Runs on disk as one, by a tree of matches: its root knows the run with the least head.
pub struct Merge {
    by: Group,
    runs: Vec<RunReader>,
    /// The head of each run; nothing where the run is over.
    heads: Vec<Option<Event>>,
    /// The key of each head, the last of all where the run is over.
    keys: Vec<Number>,
    /// The winner of each match; the heads stand below, from index `heads.len()` on.
    winners: Vec<usize>,
}

const OVER: Number = (u128::MAX, NONE);

impl Merge {
    fn new(file: File, runs: Vec<Run>, by: Group) -> std::io::Result<Self> {
        let file = Arc::new(file.into_file());
        let mut runs: Vec<RunReader> = runs.into_iter().map(|run| RunReader::new(&file, run)).collect();
        let heads = runs.iter_mut().map(RunReader::next).collect::<std::io::Result<Vec<_>>>()?;
        let keys = heads.iter().map(|head| head.as_ref().map_or(OVER, |event| number(event, by))).collect();
        let mut this = Self { by, winners: vec![0; runs.len()], runs, heads, keys };
        (1..this.winners.len()).rev().for_each(|at| this.play(at));
        Ok(this)
    }

    /// The run that stands at a place of the tree.
    fn at(&self, place: usize) -> usize {
        if place >= self.heads.len() { place - self.heads.len() } else { self.winners[place] }
    }

    fn play(&mut self, place: usize) {
        let (left, right) = (self.at(2 * place), self.at(2 * place + 1));
        self.winners[place] = if self.keys[left] <= self.keys[right] { left } else { right };
    }

    fn next(&mut self) -> std::io::Result<Option<Event>> {
        let run = if self.heads.len() == 1 { 0 } else { self.winners[1] };
        let Some(event) = self.heads[run] else { return Ok(None) };
        self.heads[run] = self.runs[run].next()?;
        self.keys[run] = self.heads[run].as_ref().map_or(OVER, |event| number(event, self.by));
        let mut place = (run + self.heads.len()) / 2;
        while place > 0 {
            self.play(place);
            place /= 2;
        }
        Ok(Some(event))
    }
}

/// Reads a run from the file of all.
struct RunReader {
    file: Arc<std::fs::File>,
    rest: Range<u64>,
    layout: Layout,
    buffer: Vec<u8>,
    at: usize,
}

impl RunReader {
    fn new(file: &Arc<std::fs::File>, run: Run) -> Self {
        Self { file: Arc::clone(file), rest: run.bytes, layout: run.layout, buffer: Vec::new(), at: 0 }
    }

    fn next(&mut self) -> std::io::Result<Option<Event>> {
        let width = self.layout.width();
        if self.at == self.buffer.len() {
            let wanted = (self.rest.end - self.rest.start).min((BUFFER / width * width) as u64);
            if wanted == 0 {
                return Ok(None);
            }
            self.buffer.resize(wanted as usize, 0);
            self.file.read_exact_at(&mut self.buffer, self.rest.start)?;
            self.rest.start += wanted;
            self.at = 0;
        }
        let event = self.layout.read(&self.buffer[self.at..self.at + width]);
        self.at += width;
        Ok(Some(event))
    }
}

/// How the events of a run are written: what is the same in all of them stands here instead of in each.
#[derive(Debug, Clone)]
struct Layout {
    first: Event,
    /// Times are written as what they are above this, in 4 bytes; or in full.
    base: Option<i64>,
    session: bool,
    order: bool,
    part: bool,
}

impl Layout {
    fn of(events: &[Event]) -> Self {
        let first = events[0];
        let (low, high) = events
            .iter()
            .fold((first.time, first.time), |(low, high), event| (low.min(event.time), high.max(event.time)));
        Self {
            first,
            base: (high.abs_diff(low) <= u64::from(u32::MAX)).then_some(low),
            session: events.iter().any(|event| event.session != first.session),
            order: events.iter().any(|event| event.order != first.order),
            part: events.iter().any(|event| event.part != first.part),
        }
    }

    /// Bytes of an event.
    fn width(&self) -> usize {
        let time = if self.base.is_some() { 4 } else { 8 };
        time + 14 + 4 * usize::from(self.session) + 4 * usize::from(self.order) + usize::from(self.part)
    }

    fn write(&self, event: &Event, bytes: &mut Vec<u8>) {
        let (mut written, mut at) = ([0; 35], 0);
        let mut number = |number: u32, there: bool| {
            written[at..at + 4].copy_from_slice(&number.to_le_bytes());
            at += if there { 4 } else { 0 };
        };
        let time = event.time.wrapping_sub(self.base.unwrap_or_default()).cast_unsigned();
        number(time as u32, true);
        number((time >> 32) as u32, self.base.is_none());
        number(event.row, true);
        number(event.user, true);
        number(event.item, true);
        number(event.session, self.session);
        number(event.order, self.order);
        written[at..at + 2].copy_from_slice(&event.operation.to_le_bytes());
        written[at + 2] = event.part.map_or(3, |part| part as u8);
        bytes.extend_from_slice(&written[..at + 2 + usize::from(self.part)]);
    }

    fn read(&self, mut bytes: &[u8]) -> Event {
        let mut event = self.first;
        let number = |bytes: &mut &[u8]| {
            let (head, rest) = bytes.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
            *bytes = rest;
            u32::from_le_bytes(*head)
        };
        let low = number(&mut bytes);
        event.time = match self.base {
            Some(base) => base.wrapping_add(i64::from(low)),
            None => (u64::from(low) | u64::from(number(&mut bytes)) << 32).cast_signed(),
        };
        event.row = number(&mut bytes);
        event.user = number(&mut bytes);
        event.item = number(&mut bytes);
        if self.session {
            event.session = number(&mut bytes);
        }
        if self.order {
            event.order = number(&mut bytes);
        }
        let (operation, rest) = bytes.split_first_chunk::<2>().unwrap_or((&[0; 2], &[]));
        (event.operation, bytes) = (u16::from_le_bytes(*operation), rest);
        if self.part {
            event.part = match bytes {
                [0] => Some(Given::Train),
                [1] => Some(Given::Valid),
                [2] => Some(Given::Test),
                _ => None,
            };
        }
        event
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
