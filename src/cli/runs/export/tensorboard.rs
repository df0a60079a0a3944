//! TensorBoard's event files, written by hand: one folder a cell, one scalar a number and epoch.
//!
//! A file is a list of TFRecords: length (8 bytes, little-endian), masked CRC-32C of the length, the bytes, masked
//! CRC-32C of the bytes. Each record is a protocol buffer `Event { double wall_time = 1; int64 step = 2; string
//! file_version = 3; Summary summary = 5 }` with `Summary { Value value = 1 { string tag = 1; float simple_value = 2 } }`.

use camino::Utf8Path;

use super::super::search::Found;
use super::curve::{ended, finals, millis, points};
use super::path_part;
use crate::metric::MetricAt;
use crate::project::write_atomically;
use crate::record::Details;

/// Writes `EXPERIMENT/run-N/CELL/events.out.tfevents.TIME.sr-pipe` for each cell.
pub(super) fn write(
    folder: &Utf8Path,
    details: &Details,
    found: &[Found<'_>],
    metrics: &[MetricAt],
) -> std::io::Result<()> {
    for found in found {
        let run = &found.run.run;
        let experiment = Utf8Path::new(&run.experiment).file_stem().unwrap_or_default();
        let mut place = folder.join(path_part(experiment)).join(format!("run-{}", run.id));
        place.extend(found.cell.name.split('/').map(path_part));
        let began = millis(&run.started);
        let mut bytes = record(&event(began, 0, &Content::Version));
        let curve = points(details, found.run, found.cell);
        let last = curve.last().map_or(0, |point| point.step);
        for point in curve {
            let tag = format!("epoch/{}", point.name);
            bytes.extend(record(&event(point.time, point.step, &Content::Scalar(&tag, point.value))));
        }
        for (name, value) in finals(&found.row, metrics) {
            let tag = format!("test/{name}");
            bytes.extend(record(&event(ended(found.run), last, &Content::Scalar(&tag, value))));
        }
        let name = format!("events.out.tfevents.{:010}.sr-pipe", began / 1000);
        write_atomically(&place.join(name), &bytes)?;
    }
    Ok(())
}

/// What an event says.
enum Content<'a> {
    /// The form of the file; the first event.
    Version,
    /// A tag and its value.
    Scalar(&'a str, f64),
}

/// Kinds of fields in a protocol buffer: how the bytes after a field's number are to be read.
const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const LENGTH: u8 = 2;
const FOUR_BYTES: u8 = 5;

fn event(time: i64, step: i64, content: &Content<'_>) -> Vec<u8> {
    let mut bytes = vec![field(1, EIGHT_BYTES)];
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
    bytes.extend((time as f64 / 1000.0).to_le_bytes());
    if step != 0 {
        bytes.push(field(2, VARINT));
        varint(step.cast_unsigned(), &mut bytes);
    }
    match content {
        Content::Version => nested(3, b"brain.Event:2", &mut bytes),
        Content::Scalar(tag, value) => {
            let mut scalar = Vec::new();
            nested(1, tag.as_bytes(), &mut scalar);
            scalar.push(field(2, FOUR_BYTES));
            #[expect(clippy::cast_possible_truncation, reason = "TensorBoard keeps single precision")]
            scalar.extend((*value as f32).to_le_bytes());
            let mut summary = Vec::new();
            nested(1, &scalar, &mut summary);
            nested(5, &summary, &mut bytes);
        }
    }
    bytes
}

/// The byte that begins a field of a number below 16.
fn field(number: u8, kind: u8) -> u8 {
    number << 3 | kind
}

/// A field with its length before it.
fn nested(number: u8, inner: &[u8], into: &mut Vec<u8>) {
    into.push(field(number, LENGTH));
    varint(inner.len() as u64, into);
    into.extend(inner);
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(bytes.len() + 16);
    record.extend(length);
    record.extend(masked(&length).to_le_bytes());
    record.extend(bytes);
    record.extend(masked(bytes).to_le_bytes());
    record
}

/// TFRecord masks its check sums, since a check sum of bytes that hold check sums is weak.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}
