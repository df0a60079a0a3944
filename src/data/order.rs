//! Puts the events of a log of any size into the order in which sessions are cut. What fits into the buffer is sorted
//! there; more is written to the attempt's scratch folder in sorted runs, which are merged at the end.

use std::io::{BufReader, BufWriter, Read, Seek, Write};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;

use super::events::{Event, Given, Group, NONE};

/// Events that are held: 128 MB of them, and as much again while they are sorted.
const HELD: usize = 1 << 22;

/// The bytes of an event in a run.
const WIDTH: usize = 31;

/// Bytes that are read from a run or written to one at a time.
const BUFFER: usize = WIDTH << 12;

/// What decides where an event stands: what stands together; the place that the log gives, else the time; the row.
type Key = (u64, i64, u32);

/// Takes the events of a log and gives them back in the order of sessions.
pub struct Sorter {
    by: Group,
    held: Vec<Event>,
    /// Whether the events that are held came by row, so that a sort that keeps the order of equals will do.
    by_row: bool,
    limit: usize,
    scratch: Utf8PathBuf,
    runs: Vec<File>,
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
            runs: Vec::new(),
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
        Ok(Sorted::Merged(Merge::new(self.runs, self.by)?))
    }

    fn spill(&mut self) -> std::io::Result<()> {
        self.sort();
        let path = self.scratch.join(format!("run-{}", self.runs.len()));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        // Nothing but this process needs the name; without it the file is gone with the process.
        fs_err::remove_file(&path)?;
        let mut writer = BufWriter::with_capacity(BUFFER, file);
        for (_, index) in &self.digits.sorted {
            writer.write_all(&to_bytes(&self.held[*index as usize]))?;
        }
        self.runs.push(writer.into_inner().map_err(std::io::IntoInnerError::into_error)?);
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
    runs: Vec<BufReader<File>>,
    /// The head of each run with its key; nothing where the run is over.
    heads: Vec<Option<(Key, Event)>>,
    /// The winner of each match; the heads stand below, from index `heads.len()` on.
    winners: Vec<usize>,
}

impl Merge {
    fn new(files: Vec<File>, by: Group) -> std::io::Result<Self> {
        let mut runs = Vec::with_capacity(files.len());
        let mut heads = Vec::with_capacity(files.len());
        for mut file in files {
            file.rewind()?;
            let mut run = BufReader::with_capacity(BUFFER, file);
            heads.push(read(&mut run)?.map(|event| (key(&event, by), event)));
            runs.push(run);
        }
        let mut this = Self { by, winners: vec![0; runs.len()], runs, heads };
        (1..this.winners.len()).rev().for_each(|at| this.play(at));
        Ok(this)
    }

    /// The run that stands at a place of the tree.
    fn at(&self, place: usize) -> usize {
        if place >= self.heads.len() { place - self.heads.len() } else { self.winners[place] }
    }

    fn play(&mut self, place: usize) {
        let (left, right) = (self.at(2 * place), self.at(2 * place + 1));
        let wins = match (&self.heads[left], &self.heads[right]) {
            (Some((ours, _)), Some((theirs, _))) => ours <= theirs,
            (ours, _) => ours.is_some(),
        };
        self.winners[place] = if wins { left } else { right };
    }

    fn next(&mut self) -> std::io::Result<Option<Event>> {
        let run = if self.heads.len() == 1 { 0 } else { self.winners[1] };
        let Some((_, event)) = self.heads[run] else { return Ok(None) };
        self.heads[run] = read(&mut self.runs[run])?.map(|event| (key(&event, self.by), event));
        let mut place = (run + self.heads.len()) / 2;
        while place > 0 {
            self.play(place);
            place /= 2;
        }
        Ok(Some(event))
    }
}

/// What stands together, as a number: sessions of different parts never do.
fn group(event: &Event, by: Group) -> u64 {
    match by {
        Group::User => u64::from(event.user),
        Group::Session => u64::from(event.session) << 2 | event.part.map_or(3, |part| part as u64),
    }
}

fn key(event: &Event, by: Group) -> Key {
    (group(event, by), place(event, by), event.row)
}

fn place(event: &Event, by: Group) -> i64 {
    if by == Group::Session && event.order != NONE { i64::from(event.order) } else { event.time }
}

fn to_bytes(event: &Event) -> [u8; WIDTH] {
    let mut bytes = [0; WIDTH];
    bytes[..8].copy_from_slice(&event.time.to_le_bytes());
    for (at, number) in [event.row, event.user, event.session, event.item, event.order].into_iter().enumerate() {
        bytes[8 + 4 * at..12 + 4 * at].copy_from_slice(&number.to_le_bytes());
    }
    bytes[28..30].copy_from_slice(&event.operation.to_le_bytes());
    bytes[30] = event.part.map_or(3, |part| part as u8);
    bytes
}

fn read(run: &mut impl Read) -> std::io::Result<Option<Event>> {
    let mut bytes = [0; WIDTH];
    match run.read_exact(&mut bytes) {
        Ok(()) => {}
        // Runs hold whole events.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let time = u64::from(number(0)) | u64::from(number(4)) << 32;
    Ok(Some(Event {
        time: time.cast_signed(),
        row: number(8),
        user: number(12),
        session: number(16),
        item: number(20),
        order: number(24),
        operation: u16::from_le_bytes([bytes[28], bytes[29]]),
        part: match bytes[30] {
            0 => Some(Given::Train),
            1 => Some(Given::Valid),
            2 => Some(Given::Test),
            _ => None,
        },
    }))
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
