//! A sorted run of events on disk, packed by what its events have in common.

use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::data::events::{Event, Given};

/// Bytes that are read from a run at a time.
const BUFFER: usize = 1 << 16;

/// A sorted run in the file of runs.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) bytes: Range<u64>,
    pub(super) layout: Layout,
}

/// Reads a run from the file of all.
pub(super) struct RunReader {
    file: Arc<std::fs::File>,
    rest: Range<u64>,
    layout: Layout,
    /// Whole events, and a word of room after them.
    buffer: Vec<u8>,
    at: usize,
}

impl RunReader {
    pub(super) fn new(file: &Arc<std::fs::File>, run: Run) -> Self {
        Self { file: Arc::clone(file), rest: run.bytes, layout: run.layout, buffer: vec![0; WORD], at: 0 }
    }

    pub(super) fn next(&mut self) -> std::io::Result<Option<Event>> {
        let width = self.layout.width();
        if self.at + WORD == self.buffer.len() {
            let wanted = (self.rest.end - self.rest.start).min((BUFFER / width * width) as u64);
            if wanted == 0 {
                return Ok(None);
            }
            self.buffer.resize(wanted as usize + WORD, 0);
            self.file.read_exact_at(&mut self.buffer[..wanted as usize], self.rest.start)?;
            self.rest.start += wanted;
            self.at = 0;
        }
        let event = self.layout.read(&self.buffer[self.at..]);
        self.at += width;
        Ok(Some(event))
    }
}

/// Bytes of a word that fields are packed into.
pub(super) const WORD: usize = size_of::<u128>();

/// How the events of a run are written: each field as what it is above its least, in as many bits as its greatest takes.
/// Time, row and user are packed into one word, the others into a second one; only their used bytes are written.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    least: [u64; FIELDS],
    bits: [u32; FIELDS],
}

/// Fields of an event, and how many of them stand in the first word.
const FIELDS: usize = 8;
const FIRST: usize = 3;

impl Layout {
    pub(super) fn of(events: &[Event]) -> Self {
        let mut least = fields(&events[0]);
        let mut most = least;
        for event in events {
            for (at, value) in fields(event).into_iter().enumerate() {
                least[at] = least[at].min(value);
                most[at] = most[at].max(value);
            }
        }
        Self { least, bits: std::array::from_fn(|at| u64::BITS - (most[at] - least[at]).leading_zeros()) }
    }

    /// Bytes of each word.
    fn words(&self) -> (usize, usize) {
        let bytes = |bits: &[u32]| bits.iter().sum::<u32>().div_ceil(8) as usize;
        (bytes(&self.bits[..FIRST]), bytes(&self.bits[FIRST..]))
    }

    /// Bytes of an event; one at least.
    pub(super) fn width(&self) -> usize {
        let (first, second) = self.words();
        (first + second).max(1)
    }

    /// Writes an event to the beginning of `bytes`, where two words have room.
    pub(super) fn write(&self, event: &Event, bytes: &mut [u8]) {
        let fields = fields(event);
        let pack = |range: Range<usize>| {
            let (mut word, mut shift) = (0_u128, 0);
            for at in range {
                word |= u128::from(fields[at] - self.least[at]) << shift;
                shift += self.bits[at];
            }
            word.to_le_bytes()
        };
        let first = self.words().0;
        bytes[..WORD].copy_from_slice(&pack(0..FIRST));
        bytes[first..first + WORD].copy_from_slice(&pack(FIRST..FIELDS));
    }

    /// Reads the event at the beginning of `bytes`, which go on for a word after it.
    fn read(&self, bytes: &[u8]) -> Event {
        let mut fields = self.least;
        let mut unpack = |range: Range<usize>, bytes: &[u8]| {
            let mut word = bytes.first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes));
            for at in range {
                let bits = self.bits[at];
                fields[at] += word as u64 & u64::MAX.checked_shr(u64::BITS - bits).unwrap_or_default();
                word >>= bits;
            }
        };
        unpack(0..FIRST, bytes);
        unpack(FIRST..FIELDS, &bytes[self.words().0..]);
        event(fields)
    }
}

/// The fields of an event as numbers. The sign of a time is turned over, so that the order of times is that of numbers.
fn fields(event: &Event) -> [u64; FIELDS] {
    [
        event.time.cast_unsigned() ^ 1 << 63,
        event.row.into(),
        event.user.into(),
        event.session.into(),
        event.item.into(),
        event.order.into(),
        event.operation.into(),
        event.part.map_or(3, |part| part as u64),
    ]
}

/// The event of such fields.
fn event(fields: [u64; FIELDS]) -> Event {
    let [time, row, user, session, item, order, operation, part] = fields;
    Event {
        time: (time ^ 1 << 63).cast_signed(),
        row: row as u32,
        user: user as u32,
        session: session as u32,
        item: item as u32,
        order: order as u32,
        operation: operation as u16,
        part: [Given::Train, Given::Valid, Given::Test].get(part as usize).copied(),
    }
}
