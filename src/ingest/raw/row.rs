//! A row as a format sees it: fields by column, typed, and what is wrong with one in words.

use std::borrow::Cow;
use std::ops::Range;

use super::field::{Field, Record};
use super::form::{Columns, Encoding};
use crate::ingest::time;

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct Fault {
    /// The column, by its number in the form; nothing when it is the row as a whole.
    pub column: Option<usize>,
    /// The bytes of the field that are meant, without blanks at its ends; nothing when it is the whole field.
    pub within: Option<Range<usize>>,
    /// `is not a time`, to be read behind the field; a whole sentence where no column is named.
    pub problem: Cow<'static, str>,
    /// What to do now.
    pub help: Cow<'static, str>,
}

impl Fault {
    /// Something wrong with a field.
    pub(in crate::ingest) fn of(column: usize, problem: &'static str, help: &'static str) -> Self {
        Self { column: Some(column), within: None, problem: problem.into(), help: help.into() }
    }

    /// Something wrong with the row as a whole.
    pub(in crate::ingest) fn of_row(problem: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> Self {
        Self { column: None, within: None, problem: problem.into(), help: help.into() }
    }

    /// The same with the bytes of the field that are meant.
    #[must_use]
    pub(in crate::ingest) fn within(self, bytes: Range<usize>) -> Self {
        Self { within: Some(bytes), ..self }
    }
}

/// What a bad number should become.
const CORRECT: &str = "correct the field or take the row out";

/// A row.
#[derive(Clone, Copy)]
pub(in crate::ingest) struct Row<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) fields: &'b [Field],
    pub(super) columns: &'b Columns,
    pub(super) encoding: Encoding,
}

impl<'b> Row<'b> {
    /// The row of a record, if it has as many fields as it should.
    ///
    /// # Errors
    /// When it has more or fewer, or a quote in it does not close.
    pub(in crate::ingest) fn new(
        bytes: &'b [u8],
        record: &Record,
        fields: &'b [Field],
        columns: &'b Columns,
        encoding: Encoding,
    ) -> Result<Self, Fault> {
        if record.open_quote.is_some() {
            return Err(Fault::of_row("a quote opens here and does not close", "close the quote or take the row out"));
        }
        if fields.len() != columns.width {
            let than = if columns.headed { "the header" } else { "a row of this file should have" };
            return Err(Fault::of_row(
                format!("the row has {} fields, {than} {}", fields.len(), columns.width),
                "complete the row or take it out; a file that was cut off in transfer often ends like this",
            ));
        }
        Ok(Self { bytes, fields, columns, encoding })
    }

    /// How many columns were asked for.
    pub(in crate::ingest) fn width(&self) -> usize {
        self.columns.places.len()
    }

    /// The bytes of a field, without blanks at its ends. Quotes written as two are still two.
    #[inline]
    pub(in crate::ingest) fn bytes(&self, column: usize) -> &'b [u8] {
        let field = self.fields[self.columns.places[column]];
        let bytes = &self.bytes[field.start as usize..field.end as usize];
        match bytes {
            [first, .., last] if *first > b' ' && *last > b' ' => bytes,
            _ => bytes.trim_ascii(),
        }
    }

    /// The text of a field, without blanks at its ends.
    ///
    /// # Errors
    /// When it is not of the encoding of the file.
    pub(in crate::ingest) fn text(&self, column: usize) -> Result<Cow<'b, str>, Fault> {
        let bytes = self.bytes(column);
        let text = match self.encoding {
            Encoding::Utf8 => Cow::Borrowed(
                std::str::from_utf8(bytes)
                    .map_err(|_| Fault::of(column, "is not UTF-8", "convert the file to UTF-8"))?,
            ),
            Encoding::Latin1 if bytes.is_ascii() => Cow::Borrowed(std::str::from_utf8(bytes).unwrap_or_default()),
            Encoding::Latin1 => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        };
        let doubled = self.fields[self.columns.places[column]].doubled;
        Ok(if doubled { Cow::Owned(text.replace("\"\"", "\"")) } else { text })
    }

    /// The text of a field that must not be empty.
    ///
    /// # Errors
    /// When it is empty, or not of the encoding of the file.
    pub(in crate::ingest) fn name(&self, column: usize) -> Result<Cow<'b, str>, Fault> {
        let text = self.text(column)?;
        if text.is_empty() { Err(Fault::of(column, "is empty", CORRECT)) } else { Ok(text) }
    }

    /// A field that holds a whole number, as its digits. Publishers print some of them with `.0`, which is cut off.
    ///
    /// # Errors
    /// When it holds anything else.
    #[inline]
    pub(in crate::ingest) fn digits(&self, column: usize) -> Result<&'b [u8], Fault> {
        let bytes = self.bytes(column);
        let digits = bytes.strip_suffix(b".0").unwrap_or(bytes);
        let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
        if unsigned.is_empty() || !unsigned.iter().all(u8::is_ascii_digit) {
            return Err(Fault::of(column, "is not a whole number", CORRECT));
        }
        Ok(digits)
    }

    /// A field that holds a whole number or nothing, as its digits.
    ///
    /// # Errors
    /// When it holds anything else.
    pub(in crate::ingest) fn optional_digits(&self, column: usize) -> Result<Option<&'b [u8]>, Fault> {
        if self.bytes(column).is_empty() { Ok(None) } else { self.digits(column).map(Some) }
    }

    /// A field that holds a whole number.
    ///
    /// # Errors
    /// When it holds anything else, or one past 64 bits.
    #[inline]
    pub(in crate::ingest) fn number(&self, column: usize) -> Result<i64, Fault> {
        let digits = self.digits(column)?;
        let (negative, digits) = match digits.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, digits),
        };
        let value =
            digits.iter().try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_add(i64::from(digit - b'0')));
        let value = value.ok_or_else(|| Fault::of(column, "is too large a number", CORRECT))?;
        Ok(if negative { -value } else { value })
    }

    /// A field that holds a time like `2018-03-05 09:15:02`, with or without a fraction, as seconds since 1970 of the
    /// log's own clock.
    ///
    /// # Errors
    /// When it holds anything else.
    #[inline]
    pub(in crate::ingest) fn clock(&self, column: usize) -> Result<i64, Fault> {
        time::seconds(self.bytes(column))
            .ok_or_else(|| Fault::of(column, "is not a time", "times look like `2018-03-05 09:15:02`"))
    }
}
