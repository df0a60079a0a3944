//! Cuts a stream of bytes into blocks of whole records, so that they can be read side by side. Line breaks inside quotes
//! end no record.

use std::io::Read;
use std::sync::{Mutex, PoisonError};

use memchr::{memchr, memchr_iter, memrchr};

use super::field::{QUOTE_REACH, closing};
use super::form::{Delimiter, Form};
use crate::engine::stage::StageError;

/// The bytes of a block, about: large enough to be worth a turn, small enough to stay near the processor.
const BLOCK: usize = 1 << 20;

/// The longest record that is read.
pub const LONGEST: usize = 1 << 24;

/// Whole records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Their bytes.
    pub bytes: Vec<u8>,
    /// The line of the file on which they begin, from 1.
    pub line: u64,
    /// True for the beginning of a record that is longer than [`LONGEST`]; the rest of it is passed over.
    pub overlong: bool,
}

/// Room that was used for a block once and may be used again.
#[derive(Debug, Default)]
pub struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    /// Gives room back.
    pub fn give(&self, bytes: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }

    fn take(&self) -> Vec<u8> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        bytes.clear();
        bytes
    }
}

/// Cuts a stream into blocks and gives them to `take`, one after the other, until it answers false.
///
/// # Errors
/// When the stream cannot be read.
pub fn blocks(
    stream: &mut dyn Read,
    form: &Form<'_>,
    spare: &Spare,
    mut take: impl FnMut(Block) -> bool,
) -> Result<(), StageError> {
    let mut cutter = Cutter { stream, held: Vec::new(), over: false, spare };
    let quoted = form.quoted && form.delimiter != Delimiter::None;
    let delimiter = form.delimiter.bytes().0;
    let mut line = 1;
    cutter.fill(BLOCK)?;
    if cutter.held.starts_with(b"\xef\xbb\xbf") {
        cutter.held.drain(..3);
    }
    let mut wanted = BLOCK;
    loop {
        cutter.fill(wanted)?;
        if cutter.held.is_empty() {
            return Ok(());
        }
        let whole = match (cutter.over, quoted) {
            // What is left at the end of the file is whole, with or without a line break.
            (true, _) => cutter.held.len(),
            (false, true) => quoted_end(&cutter.held, delimiter),
            (false, false) => memrchr(b'\n', &cutter.held).map_or(0, |at| at + 1),
        };
        let overlong = whole == 0 && cutter.held.len() >= LONGEST;
        if whole == 0 && !overlong {
            wanted = cutter.held.len() * 2;
            continue;
        }
        let end = if overlong { LONGEST } else { whole };
        wanted = BLOCK;
        let bytes = cutter.cut(end);
        let lines = memchr_iter(b'\n', &bytes).count() as u64;
        if !take(Block { bytes, line, overlong }) {
            return Ok(());
        }
        line += lines;
        if overlong && cutter.pass_line()? {
            line += 1;
        }
    }
}

struct Cutter<'a> {
    stream: &'a mut dyn Read,
    held: Vec<u8>,
    over: bool,
    spare: &'a Spare,
}

impl Cutter<'_> {
    /// Reads until so many bytes are held or the stream is over.
    fn fill(&mut self, wanted: usize) -> Result<(), StageError> {
        while !self.over && self.held.len() < wanted {
            let missing = wanted - self.held.len();
            self.held.reserve(missing);
            let read = (&mut *self.stream).take(missing as u64).read_to_end(&mut self.held)?;
            self.over = read < missing;
        }
        Ok(())
    }

    /// Takes the first bytes out.
    fn cut(&mut self, end: usize) -> Vec<u8> {
        let mut rest = self.spare.take();
        rest.extend_from_slice(&self.held[end..]);
        self.held.truncate(end);
        std::mem::replace(&mut self.held, rest)
    }

    /// Passes over the rest of a line; false when the stream ends in it.
    fn pass_line(&mut self) -> Result<bool, StageError> {
        loop {
            if let Some(at) = memchr(b'\n', &self.held) {
                self.held.drain(..=at);
                return Ok(true);
            }
            self.held.clear();
            self.fill(BLOCK)?;
            if self.held.is_empty() {
                return Ok(false);
            }
        }
    }
}

/// The end of the last whole record: quotes open at the start of a field only, and close within reach. The readers of
/// fields decide in the same way, so that both see the same records. 0 when there is none.
fn quoted_end(bytes: &[u8], delimiter: u8) -> usize {
    let (mut from, mut end) = (0, 0);
    loop {
        let quote = memchr(b'"', &bytes[from..]).map(|at| from + at);
        if let Some(at) = memrchr(b'\n', &bytes[from..quote.unwrap_or(bytes.len())]) {
            end = from + at + 1;
        }
        let Some(open) = quote else { return end };
        if open > 0 && bytes[open - 1] != delimiter && bytes[open - 1] != b'\n' {
            from = open + 1;
            continue;
        }
        from = match closing(bytes, open) {
            // A quote on the last byte may yet be doubled.
            Some(quote) if quote.at + 1 == bytes.len() => return end,
            Some(quote) => quote.at + 1,
            None if bytes.len() - open <= QUOTE_REACH => return end,
            None => match memchr(b'\n', &bytes[open..]) {
                Some(at) => {
                    end = open + at + 1;
                    end
                }
                None => return end,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::field::Records;
    use super::*;

    const CSV: Form<'static> = Form::csv(&["a"]);

    /// The records of a stream that is read in blocks cut after every `block` bytes, about.
    fn records(text: &[u8], form: &Form<'_>) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        blocks(&mut &*text, form, &Spare::default(), |block| {
            let (mut records, mut fields) = (Records::new(&block.bytes, form, 0), Vec::new());
            while let Some(record) = records.next(&mut fields) {
                found.push((block.line + record.line, block.bytes[record.start..record.end].to_vec()));
            }
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn a_line_break_in_quotes_ends_no_record_and_counts_as_a_line() {
        let text = b"a,\"b\nc\"\r\nd,e\n\"f\"\"\n\",g";
        let found = records(text, &CSV);
        let shown: Vec<(u64, &str)> =
            found.iter().map(|(line, bytes)| (*line, std::str::from_utf8(bytes).unwrap())).collect();
        assert_eq!(shown, [(1, "a,\"b\nc\""), (3, "d,e"), (4, "\"f\"\"\n\",g")]);
    }

    #[test]
    fn a_quote_that_never_closes_costs_its_line_only() {
        let found = records(b"a,\"b\nc,d\ne,f\n", &CSV);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(records(b"\xef\xbb\xbfa,b\n", &CSV), [(1, b"a,b".to_vec())]);
    }

    #[test]
    fn records_longer_than_the_longest_are_told_and_what_follows_is_read() {
        let mut text = vec![b'x'; LONGEST + 5];
        text.extend_from_slice(b"\nshort\n");
        let mut found = Vec::new();
        blocks(&mut &*text, &CSV, &Spare::default(), |block| {
            found.push((block.line, block.overlong, block.bytes.len()));
            true
        })
        .unwrap();
        assert_eq!(found, [(1, true, LONGEST), (2, false, 6)]);
    }

    proptest! {
        /// What the blocks hold is the stream, byte for byte, and their line numbers are those of the stream.
        #[test]
        fn blocks_lose_nothing_and_count_lines(text in proptest::collection::vec(
            prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b'x'), Just(0xc3_u8)], 0..200,
        )) {
            for form in [CSV, Form::tsv(&["a"])] {
                let mut joined = Vec::new();
                let mut lines = Vec::new();
                blocks(&mut &*text, &form, &Spare::default(), |block| {
                    lines.push((joined.len(), block.line));
                    joined.extend_from_slice(&block.bytes);
                    true
                }).unwrap();
                prop_assert_eq!(&joined, &text);
                for (at, line) in lines {
                    prop_assert_eq!(memchr_iter(b'\n', &text[..at]).count() as u64 + 1, line);
                }
            }
        }
    }
}
