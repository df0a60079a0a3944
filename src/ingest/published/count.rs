//! Counts the rows of a raw file: one thread unpacks and cuts blocks of whole records, others count what is in them.

use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

use super::Unit;
use crate::engine::stage::StageError;
use crate::ingest::raw::{Block, Form, Header, Meter, RawFile, Records, Spare, blocks};

/// What is in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Rows, or what else is counted.
    pub units: u64,
    /// Rows with another number of fields.
    pub odd: u64,
    /// The line of the first of these, and how many fields it has.
    pub first_odd: Option<(u64, usize)>,
}

impl Counted {
    fn add(&mut self, more: &Self) {
        self.units += more.units;
        self.odd += more.odd;
        self.first_odd = [self.first_odd, more.first_odd].into_iter().flatten().min();
    }

    fn odd(&mut self, line: u64, fields: usize) {
        self.odd += 1;
        let place = (line, fields);
        self.first_odd = Some(self.first_odd.map_or(place, |first| first.min(place)));
    }

    fn count(&mut self, block: &Block, form: &Form<'_>, unit: Unit, width: usize) {
        if block.overlong {
            self.units += 1;
            self.odd(block.line, 1);
            return;
        }
        let (mut records, mut fields) = (Records::new(&block.bytes, form, 0), Vec::new());
        if block.line == 1 && matches!(form.header, Header::Names(_)) {
            records.next(&mut fields);
        }
        while let Some(record) = records.next(&mut fields) {
            if record.start == record.end {
                continue;
            }
            self.units += match unit {
                Unit::Rows => 1,
                Unit::Behaviors => {
                    let words = block.bytes[record.start..record.end].split(|byte| *byte == b' ');
                    words.filter(|word| !word.is_empty()).count() as u64
                }
            };
            if fields.len() != width {
                self.odd(block.line + record.line, fields.len());
            }
        }
    }
}

/// Counts, on so many threads, how many units there are, and which rows do not have `width` fields. `progress` is told
/// how many bytes have been read from disk.
///
/// # Errors
/// A file that cannot be read, is damaged or cut off.
pub(super) fn count(
    file: &RawFile,
    form: &Form<'_>,
    (unit, width): (Unit, usize),
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Counted, StageError> {
    let (meter, spare) = (Meter::default(), Spare::default());
    let (sender, receiver) = sync_channel::<Block>(threads + 1);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let counters: Vec<_> = (0..threads.max(1))
            .map(|_| {
                scope.spawn(|| {
                    let mut counted = Counted::default();
                    loop {
                        let block = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(block) = block else { return counted };
                        counted.count(&block, form, unit, width);
                        spare.give(block.bytes);
                        progress(meter.bytes());
                    }
                })
            })
            .collect();
        let read = file.read(&meter, |stream| blocks(stream, form, &spare, |block| sender.send(block).is_ok()));
        drop(sender);
        let mut all = Counted::default();
        for counter in counters {
            all.add(&counter.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        read.map(|()| all)
    })
}
