//! Reads a raw file on several threads: one unpacks and cuts blocks, others turn rows into values, and the caller takes
//! the values in the order of the file.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::Utf8Path;

use super::raw::{
    Block, Columns, Encoding, Fault, Field, Form, Header, LONGEST, Meter, PARQUET, RawFile, Record, Records, Row,
    Spare, blocks,
};
use super::rejects::{BadRow, Rejects};
use crate::artifact::foreign::{ForeignError, ForeignReader, TextPiece};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::stage::{StageError, Task};

/// What the rows of a block become.
pub(super) trait Batch: Default + Send {
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
pub(super) struct Listed<T> {
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
pub(super) struct Counted {
    /// Rows without the header, blank lines apart.
    pub rows: u64,
    /// Those that could not be read.
    pub bad: u64,
}

/// Rows on their way to a thread that reads them.
enum Chunk {
    /// Of a text file.
    Text(Block),
    /// Of a table of Parquet, and how many rows stand before them.
    Table(TextPiece, u64),
}

impl Chunk {
    /// Gives the room of a block back.
    fn give_back(self, spare: &Spare) {
        if let Self::Text(block) = self {
            spare.give(block.bytes);
        }
    }
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
pub(super) fn read<T: Batch>(
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
        let (chunk_sender, chunk_receiver) = sync_channel::<(u64, Chunk)>(workers + 1);
        let (meter, spare_batches, spare_blocks) = (&meter, &spare_batches, &spare_blocks);
        let reader = scope.spawn(move || {
            let mut index = 0;
            chunks(file, form, meter, spare_blocks, |chunk| {
                index += 1;
                chunk_sender.send((index, chunk)).is_ok()
            })
        });
        // The header is in the first block.
        let Ok((_, first)) = chunk_receiver.recv() else {
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            return match form.header {
                Header::Names(names) if file.parquet().is_none() => Err(empty(file, names).into()),
                Header::Names(_) | Header::Absent(_) => Ok(()),
            };
        };
        let (columns, from) = match &first {
            Chunk::Text(block) => columns(file, form, block)?,
            Chunk::Table(..) => (Columns::in_order(form.names()), 0),
        };
        accept(parse_chunk(&first, from, form, &columns, T::default(), &parse), rejects)?;
        first.give_back(spare_blocks);

        let chunk_receiver = Arc::new(Mutex::new(chunk_receiver));
        let columns = Arc::new(columns);
        let (batch_sender, batch_receiver) = sync_channel::<(u64, Parsed<T>)>(workers + 1);
        for _ in 0..workers {
            let (sender, receiver) = (batch_sender.clone(), Arc::clone(&chunk_receiver));
            let (columns, parse) = (Arc::clone(&columns), &parse);
            scope.spawn(move || {
                while let Some((index, chunk)) = next(&receiver) {
                    let batch = lock(spare_batches).pop().unwrap_or_default();
                    let parsed = parse_chunk(&chunk, 0, form, &columns, batch, parse);
                    chunk.give_back(spare_blocks);
                    if sender.send((index, parsed)).is_err() {
                        return;
                    }
                }
            });
        }
        // Each thread ends once nobody waits for what it makes; so none waits for ever after a failure here.
        drop((batch_sender, chunk_receiver));
        let taken = in_order(&batch_receiver, |parsed| accept(parsed, rejects));
        drop(batch_receiver);
        taken?;
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let bad = rejects.end_file(file, rows)?;
    Ok(Counted { rows, bad })
}

/// The fields of the first rows of a file, below its header, as they are written.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn first_rows(file: &RawFile, form: &Form<'_>, most: usize) -> Result<Vec<Vec<Vec<u8>>>, StageError> {
    let mut rows = Vec::new();
    let mut fields = Vec::new();
    chunks(file, form, &Meter::default(), &Spare::default(), |chunk| {
        match &chunk {
            Chunk::Text(block) if !block.overlong => {
                let mut records = Records::new(&block.bytes, form, 0);
                if matches!(form.header, Header::Names(_)) {
                    records.next(&mut fields);
                }
                while let Some(record) = records.next(&mut fields).filter(|_| rows.len() < most) {
                    if record.start != record.end {
                        let text = |field: &Field| block.bytes[field.start as usize..field.end as usize].to_vec();
                        rows.push(fields.iter().map(text).collect());
                    }
                }
            }
            Chunk::Text(_) => {}
            Chunk::Table(piece, _) => {
                for row in 0..piece.rows().min(most) {
                    let (bytes, places) = piece.row(row);
                    rows.push(places.map(|at| bytes[at].to_vec()).collect());
                }
            }
        }
        false
    })?;
    Ok(rows)
}

fn next(receiver: &Mutex<Receiver<(u64, Chunk)>>) -> Option<(u64, Chunk)> {
    lock(receiver).recv().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the rows of a file to `take`, chunk after chunk, until it answers false.
fn chunks(
    file: &RawFile,
    form: &Form<'_>,
    meter: &Meter,
    spare: &Spare,
    mut take: impl FnMut(Chunk) -> bool,
) -> Result<(), StageError> {
    match file.parquet() {
        None => file.read(meter, |stream| blocks(stream, form, spare, |block| take(Chunk::Text(block)))),
        Some(path) => {
            let explained = |error| told(path, error);
            let reader = ForeignReader::open(path, form.names(), LONGEST).map_err(explained)?;
            let (total, mut before) = (reader.rows().max(1), 0);
            for piece in reader {
                let piece = piece.map_err(explained)?;
                let first = before;
                before += piece.rows() as u64;
                meter.reach((file.size as f64 * (before as f64 / total as f64)) as u64);
                if !take(Chunk::Table(piece, first)) {
                    break;
                }
            }
            Ok(())
        }
    }
}

/// What is wrong with a table of Parquet.
fn told(path: &Utf8Path, error: ForeignError) -> StageError {
    let help = match &error {
        ForeignError::Table(error) => {
            return Diagnostic::new(format!("`{path}` cannot be read as Parquet: {error}"))
                .help("fetch or write it again; its size tells whether it is whole")
                .into();
        }
        ForeignError::NoColumn { column, known, .. } => {
            suggestion(column, &known.iter().map(String::as_str).collect::<Vec<_>>())
        }
        ForeignError::NoText { .. } => "write it as text, one value a row".to_owned(),
    };
    Diagnostic::new(error.to_string()).help(help).into()
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
    if block.bytes.starts_with(PARQUET) {
        return Err(Diagnostic::new(format!("`{}` is a table of Parquet in a container", file.shown))
            .help("unpack it: Parquet is packed in itself, and is read where it lies")
            .into());
    }
    let names = match form.header {
        Header::Absent(names) => return Ok((Columns::in_order(names), 0)),
        Header::Names(names) => names,
    };
    let (mut records, mut fields) = (Records::new(&block.bytes, form, 0), Vec::new());
    let Some(record) = records.next(&mut fields) else { return Err(empty(file, names).into()) };
    let name = |field: &Field| {
        let bytes = block.bytes[field.start as usize..field.end as usize].trim_ascii();
        match form.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Encoding::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        }
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

fn parse_chunk<T: Batch>(
    chunk: &Chunk,
    from: usize,
    form: &Form<'_>,
    columns: &Columns,
    batch: T,
    parse: &impl Fn(&Row<'_>, &mut T) -> Result<(), Fault>,
) -> Parsed<T> {
    let mut parsed = Parsed { rows: 0, bad: Vec::new(), batch };
    let mut fields = Vec::new();
    match chunk {
        Chunk::Text(block) if block.overlong => parsed.refuse(&overlong(), columns, &block.bytes, block.line, 0..1),
        Chunk::Text(block) => {
            let bytes = block.bytes.as_slice();
            let mut records = Records::new(bytes, form, from);
            while let Some(record) = records.next(&mut fields) {
                if record.start != record.end {
                    let line = block.line + record.line;
                    parsed.take(bytes, &record, &fields, (columns, form.encoding), line, parse);
                }
            }
        }
        Chunk::Table(piece, before) => {
            for row in 0..piece.rows() {
                let (line, (bytes, places)) = (before + row as u64 + 1, piece.row(row));
                if piece.overlong.contains(&row) {
                    parsed.refuse(&overlong(), columns, bytes, line, 0..1);
                    continue;
                }
                fields.clear();
                fields.extend(places.map(|at| Field { start: at.start as u32, end: at.end as u32, doubled: false }));
                let record = Record { start: 0, end: bytes.len(), line: 0, open_quote: None };
                parsed.take(bytes, &record, &fields, (columns, Encoding::Utf8), line, parse);
            }
        }
    }
    parsed
}

fn overlong() -> Fault {
    Fault::of_row(
        format!("the row is longer than {LONGEST} bytes"),
        "no file of this format has such a row: take it out, or fetch the file again",
    )
}

impl<T: Batch> Parsed<T> {
    /// Reads a row, which begins on `line`.
    fn take(
        &mut self,
        bytes: &[u8],
        record: &Record,
        fields: &[Field],
        (columns, encoding): (&Columns, Encoding),
        line: u64,
        parse: &impl Fn(&Row<'_>, &mut T) -> Result<(), Fault>,
    ) {
        self.rows += 1;
        self.batch.begin_row();
        let row = Row::new(bytes, record, fields, columns, encoding);
        let Err(fault) = row.and_then(|row| parse(&row, &mut self.batch)) else { return };
        self.batch.undo_row();
        let place = fault.column.and_then(|column| fields.get(columns.places[column]));
        let at = match (place, record.open_quote) {
            (Some(field), _) => {
                let (start, end) = (field.start as usize, field.end as usize);
                let within = |within: std::ops::Range<usize>| {
                    let start = end - bytes[start..end].trim_ascii_start().len();
                    start + within.start..start + within.end
                };
                fault.within.clone().map_or(start..end, within)
            }
            (None, Some(quote)) => quote..quote + 1,
            (None, None) => record.start..record.end,
        };
        let text = &bytes[record.start..record.end];
        self.bad.push(BadRow::new(&fault, columns, text, line, at.start - record.start..at.end - record.start));
    }

    /// Refuses a row without a look at its fields.
    fn refuse(&mut self, fault: &Fault, columns: &Columns, text: &[u8], line: u64, at: std::ops::Range<usize>) {
        self.rows += 1;
        self.bad.push(BadRow::new(fault, columns, text, line, at));
        self.batch.begin_row();
        self.batch.undo_row();
    }
}
