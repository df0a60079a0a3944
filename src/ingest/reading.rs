//! Reads a raw file on several threads: one unpacks and cuts blocks, others turn rows into values, and the caller takes
//! the values in the order of the file.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::raw::{Block, Columns, Fault, Field, Form, Header, LONGEST, Meter, RawFile, Records, Row, Spare, blocks};
use super::rejects::{BadRow, Rejects};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};

/// What the rows of a block become.
pub trait Batch: Default + Send {
    /// A row begins.
    fn begin_row(&mut self);
    /// The row that began last cannot be read: nothing of it stays.
    fn undo_row(&mut self);
    /// The values have been taken; the room that they had may serve others.
    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A value for each row.
pub struct Listed<T> {
    /// The values, in the order of the rows.
    pub values: Vec<T>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T: Send> Batch for Listed<T> {
    fn begin_row(&mut self) {}

    // A row has its value only once it has been read.
    fn undo_row(&mut self) {}
}

/// Rows of a file, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Rows without the header, blank lines apart.
    pub rows: u64,
    /// Those that could not be read.
    pub bad: u64,
}

struct Parsed<T> {
    rows: u64,
    bad: Vec<BadRow>,
    batch: T,
}

/// Reads every row of a file: `parse` turns a row into values on any thread, `take` is given them in the file's order.
///
/// # Errors
/// A file that cannot be read, a header without a column that is needed, more bad rows than the policy allows, what
/// `take` says, or that the run is to stop.
pub fn read<T: Batch>(
    task: &Task<'_>,
    file: &RawFile,
    form: &Form<'_>,
    rejects: &mut Rejects,
    parse: impl Fn(&Row<'_>, &mut T) -> Result<(), Fault> + Sync,
    mut take: impl FnMut(&mut T) -> Result<(), StageError>,
) -> Result<Counted, StageError> {
    let meter = Meter::default();
    let workers = task.threads.saturating_sub(1).max(1);
    let mut rows = 0;
    // Room that was used once is used again: asking the system for it anew costs as much as the reading.
    let (spare_batches, spare_blocks) = (Mutex::new(Vec::<T>::new()), Spare::default());
    let mut accept = |mut parsed: Parsed<T>, rejects: &mut Rejects| {
        rows += parsed.rows;
        parsed.bad.into_iter().try_for_each(|row| rejects.take(file, row))?;
        take(&mut parsed.batch)?;
        parsed.batch.clear();
        lock(&spare_batches).push(parsed.batch);
        if (task.stop)() {
            return Err(StageError::Interrupted);
        }
        task.step(meter.bytes().min(file.size), file.size, format!("bytes of `{}`", file.name));
        Ok(())
    };
    std::thread::scope(|scope| {
        let (block_sender, block_receiver) = sync_channel::<(u64, Block)>(workers + 1);
        let (meter, spare_batches, spare_blocks) = (&meter, &spare_batches, &spare_blocks);
        let reader = scope.spawn(move || {
            file.read(meter, |stream| {
                let mut index = 0;
                blocks(stream, form, spare_blocks, |block| {
                    index += 1;
                    block_sender.send((index, block)).is_ok()
                })
            })
        });
        // The header is in the first block.
        let Ok((_, first)) = block_receiver.recv() else {
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            return match form.header {
                Header::Names(names) => Err(empty(file, names).into()),
                Header::Absent(_) => Ok(()),
            };
        };
        let (columns, from) = columns(file, form, &first)?;
        accept(parse_block(&first, from, form, &columns, T::default(), &parse), rejects)?;
        spare_blocks.give(first.bytes);

        let block_receiver = Arc::new(Mutex::new(block_receiver));
        let columns = Arc::new(columns);
        let (batch_sender, batch_receiver) = sync_channel::<(u64, Parsed<T>)>(workers + 1);
        for _ in 0..workers {
            let (sender, receiver) = (batch_sender.clone(), Arc::clone(&block_receiver));
            let (columns, parse) = (Arc::clone(&columns), &parse);
            scope.spawn(move || {
                while let Some((index, block)) = next(&receiver) {
                    let batch = lock(spare_batches).pop().unwrap_or_default();
                    let parsed = parse_block(&block, 0, form, &columns, batch, parse);
                    spare_blocks.give(block.bytes);
                    if sender.send((index, parsed)).is_err() {
                        return;
                    }
                }
            });
        }
        // Each thread ends once nobody waits for what it makes; so none waits for ever after a failure here.
        drop((batch_sender, block_receiver));
        let taken = in_order(&batch_receiver, |parsed| accept(parsed, rejects));
        drop(batch_receiver);
        taken?;
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let bad = rejects.end_file(file, rows)?;
    Ok(Counted { rows, bad })
}

fn next(receiver: &Mutex<Receiver<(u64, Block)>>) -> Option<(u64, Block)> {
    lock(receiver).recv().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives what comes in any order on in the order of its numbers, which begin at 2.
fn in_order<T>(
    receiver: &Receiver<(u64, Parsed<T>)>,
    mut accept: impl FnMut(Parsed<T>) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let (mut early, mut wanted) = (BTreeMap::new(), 2);
    for (index, parsed) in receiver {
        early.insert(index, parsed);
        while let Some(parsed) = early.remove(&wanted) {
            accept(parsed)?;
            wanted += 1;
        }
    }
    Ok(())
}

/// Finds the columns, and where the first row begins.
fn columns(file: &RawFile, form: &Form<'_>, block: &Block) -> Result<(Columns, usize), StageError> {
    let names = match form.header {
        Header::Absent(names) => return Ok((Columns::in_order(names), 0)),
        Header::Names(names) => names,
    };
    let (mut records, mut fields) = (Records::new(&block.bytes, form, 0), Vec::new());
    let Some(record) = records.next(&mut fields) else { return Err(empty(file, names).into()) };
    let name = |field: &Field| {
        String::from_utf8_lossy(&block.bytes[field.start as usize..field.end as usize]).trim().to_owned()
    };
    let header: Vec<String> = fields.iter().map(name).collect();
    let text = String::from_utf8_lossy(&block.bytes[record.start..record.end]).into_owned();
    let columns = Columns::in_header(names, &header).map_err(|error| {
        let width = text.chars().count();
        error.at(file.shown.as_str(), 1, 1).source(text, width)
    })?;
    Ok((columns, records.position()))
}

fn empty(file: &RawFile, names: &[&str]) -> Diagnostic {
    Diagnostic::new(format!("`{}` is empty", file.shown))
        .at(file.shown.as_str(), 1, 1)
        .help(format!("it should begin with a header that names `{}`", names.join("`, `")))
}

fn parse_block<T: Batch>(
    block: &Block,
    from: usize,
    form: &Form<'_>,
    columns: &Columns,
    batch: T,
    parse: &impl Fn(&Row<'_>, &mut T) -> Result<(), Fault>,
) -> Parsed<T> {
    let mut parsed = Parsed { rows: 0, bad: Vec::new(), batch };
    if block.overlong {
        let fault = Fault::of_row(
            format!("the row is longer than {LONGEST} bytes"),
            "no file of this format has such a row: take it out, or fetch the file again",
        );
        parsed.rows = 1;
        parsed.bad.push(BadRow::new(&fault, columns, &block.bytes, block.line, 0..1));
        parsed.batch.begin_row();
        parsed.batch.undo_row();
        return parsed;
    }
    let bytes = block.bytes.as_slice();
    let (mut records, mut fields) = (Records::new(bytes, form, from), Vec::new());
    while let Some(record) = records.next(&mut fields) {
        if record.start == record.end {
            continue;
        }
        parsed.rows += 1;
        parsed.batch.begin_row();
        let read =
            Row::new(bytes, &record, &fields, columns, form.encoding).and_then(|row| parse(&row, &mut parsed.batch));
        let Err(fault) = read else { continue };
        parsed.batch.undo_row();
        let place = fault.column.and_then(|column| fields.get(columns.places[column]));
        let (start, end) = match (place, record.open_quote) {
            (Some(field), _) => (field.start as usize, field.end as usize),
            (None, Some(quote)) => (quote, quote + 1),
            (None, None) => (record.start, record.end),
        };
        let field = start - record.start..end - record.start;
        parsed.bad.push(BadRow::new(
            &fault,
            columns,
            &bytes[record.start..record.end],
            block.line + record.line,
            field,
        ));
    }
    parsed
}
