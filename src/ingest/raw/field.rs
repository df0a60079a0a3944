//! Records of a block, and the fields of a record. Bytes are looked at 64 at a time: a mask of the delimiters and line
//! breaks among them leads from field to field.

use memchr::{memchr, memchr_iter};

use super::form::{Delimiter, Form};

/// The bytes within which a quote must close; one that does not is a slip, and only its line is lost.
pub(super) const QUOTE_REACH: usize = 1 << 20;

/// A field in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Field {
    /// Its first byte; after the quote of a quoted one.
    pub start: u32,
    /// The byte after its last; before the quote of a quoted one.
    pub end: u32,
    /// Whether it holds quotes written as two.
    pub doubled: bool,
}

/// A record in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Record {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last, without the line break.
    pub end: usize,
    /// Lines of the block before it.
    pub line: u64,
    /// Where a quote opens that does not close, if one does: the record is then that line.
    pub open_quote: Option<usize>,
}

/// Goes from record to record.
pub(in crate::ingest) struct Records<'b> {
    bytes: &'b [u8],
    delimiter: u8,
    run: usize,
    quoted: bool,
    at: usize,
    line: u64,
    window: usize,
    mask: u64,
}

impl<'b> Records<'b> {
    /// The records of a block, which holds whole ones, from this byte on.
    pub(in crate::ingest) fn new(bytes: &'b [u8], form: &Form<'_>, from: usize) -> Self {
        let (delimiter, run) = form.delimiter.bytes();
        let quoted = form.quoted && form.delimiter != Delimiter::None && memchr(b'"', bytes).is_some();
        let line = memchr_iter(b'\n', &bytes[..from]).count() as u64;
        let mut this = Self { bytes, delimiter, run, quoted, at: from, line, window: 0, mask: 0 };
        this.look_from(from);
        this
    }

    /// Reads the fields of the next record; nothing at the end of the block.
    pub(in crate::ingest) fn next(&mut self, fields: &mut Vec<Field>) -> Option<Record> {
        fields.clear();
        if self.at >= self.bytes.len() {
            return None;
        }
        let (start, line) = (self.at, self.line);
        let mut field_start = start;
        loop {
            let (mut from, mut quoted_end, mut doubled) = (field_start, None, false);
            if self.quoted && self.bytes.get(field_start) == Some(&b'"') {
                let Some(quote) = closing(self.bytes, field_start) else {
                    return Some(self.give_up(start, line, field_start, fields));
                };
                (from, quoted_end, doubled) = (field_start + 1, Some(quote.at), quote.doubled);
                self.line += quote.lines;
                self.look_from(quote.at + 1);
            }
            let end = self.structural();
            let over = self.bytes.get(end).is_none_or(|byte| *byte == b'\n');
            let mut field_end = end;
            if over && field_end > field_start && self.bytes[field_end - 1] == b'\r' {
                field_end -= 1;
            }
            // A field that goes on behind its closing quote is taken as it is written, quotes and all.
            let to = quoted_end.filter(|quote| quote + 1 == field_end);
            if quoted_end.is_some() && to.is_none() {
                from = field_start;
            }
            fields.push(Field {
                start: narrow(from),
                end: narrow(to.unwrap_or(field_end)),
                doubled: doubled && to.is_some(),
            });
            if over {
                self.at = end + 1;
                self.line += 1;
                return Some(Record { start, end: field_end, line, open_quote: None });
            }
            field_start = end + self.run;
        }
    }

    /// Where the next record begins.
    pub(in crate::ingest) fn position(&self) -> usize {
        // Behind a last record without a line break there is nothing.
        self.at.min(self.bytes.len())
    }

    /// The line on which a quote opens that does not close, as a record; reading goes on below it.
    fn give_up(&mut self, start: usize, line: u64, quote: usize, fields: &mut Vec<Field>) -> Record {
        let end = memchr(b'\n', &self.bytes[quote..]).map_or(self.bytes.len(), |at| quote + at);
        self.at = end + 1;
        self.line += 1;
        self.look_from(self.at);
        fields.clear();
        Record { start, end, line, open_quote: Some(quote) }
    }

    /// The next delimiter or line break; the length of the block when there is none.
    fn structural(&mut self) -> usize {
        loop {
            while self.mask == 0 {
                self.window += 64;
                if self.window >= self.bytes.len() {
                    return self.bytes.len();
                }
                self.mask = self.mask_at(self.window);
            }
            let at = self.window + self.mask.trailing_zeros() as usize;
            self.mask &= self.mask - 1;
            if self.run == 1 || self.bytes[at] == b'\n' {
                return at;
            }
            if self.bytes.get(at + 1) == Some(&self.delimiter) {
                self.look_from(at + 2);
                return at;
            }
        }
    }

    /// Looks for delimiters and line breaks from this byte on.
    fn look_from(&mut self, from: usize) {
        self.window = from & !63;
        self.mask =
            if self.window < self.bytes.len() { self.mask_at(self.window) & (u64::MAX << (from & 63)) } else { 0 };
    }

    fn mask_at(&self, window: usize) -> u64 {
        match self.bytes[window..].first_chunk::<64>() {
            Some(chunk) => mask(chunk, self.delimiter),
            None => {
                let mut chunk = [0; 64];
                let rest = &self.bytes[window..];
                chunk[..rest.len()].copy_from_slice(rest);
                // The zeros behind the end are no delimiter of any format.
                mask(&chunk, self.delimiter)
            }
        }
    }
}

fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// One bit for each of 64 bytes: whether it is the delimiter or a line break.
#[cfg(target_arch = "x86_64")]
fn mask(chunk: &[u8; 64], delimiter: u8) -> u64 {
    #[target_feature(enable = "sse2")]
    fn mask(chunk: &[u8; 64], delimiter: u8) -> u64 {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8};
        let (delimiters, breaks) = (_mm_set1_epi8(delimiter.cast_signed()), _mm_set1_epi8(b'\n'.cast_signed()));
        let mut bits = 0;
        for (at, lane) in chunk.as_chunks::<16>().0.iter().enumerate() {
            let both = u128::from_le_bytes(*lane).cast_signed();
            let lane = _mm_set_epi64x((both >> 64) as i64, both as i64);
            let hits = _mm_or_si128(_mm_cmpeq_epi8(lane, delimiters), _mm_cmpeq_epi8(lane, breaks));
            bits |= u64::from(_mm_movemask_epi8(hits).cast_unsigned()) << (16 * at);
        }
        bits
    }
    // SAFETY: SSE2 is part of x86-64.
    unsafe { mask(chunk, delimiter) }
}

/// One bit for each of 64 bytes: whether it is the delimiter or a line break.
#[cfg(not(target_arch = "x86_64"))]
fn mask(chunk: &[u8; 64], delimiter: u8) -> u64 {
    chunk.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(*byte == delimiter || *byte == b'\n'))
}

/// Where a quoted field ends.
pub(super) struct Quote {
    /// The closing quote.
    pub(super) at: usize,
    /// Whether quotes stand in it, as two.
    pub(super) doubled: bool,
    /// Line breaks in it.
    pub(super) lines: u64,
}

/// The quote that closes the one at `open`; nothing when none does within reach.
pub(super) fn closing(bytes: &[u8], open: usize) -> Option<Quote> {
    let reach = &bytes[open + 1..bytes.len().min(open + 1 + QUOTE_REACH)];
    let (mut from, mut doubled) = (0, false);
    loop {
        let at = from + memchr(b'"', &reach[from..])?;
        if reach.get(at + 1) != Some(&b'"') {
            let lines = memchr_iter(b'\n', &reach[..at]).count() as u64;
            return Some(Quote { at: open + 1 + at, doubled, lines });
        }
        (from, doubled) = (at + 2, true);
    }
}

#[cfg(test)]
mod tests;
