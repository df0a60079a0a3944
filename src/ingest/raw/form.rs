//! How the text of a raw file is laid out: what parts fields, whether they are quoted, which columns there are.

use crate::diagnostic::{Diagnostic, suggestion};

/// The layout of a file.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Form<'a> {
    /// What parts the fields of a row.
    pub delimiter: Delimiter,
    /// Whether a field that begins with `"` ends at the next lone one, and may hold delimiters, line breaks and, as two,
    /// the quote itself (RFC 4180). Elsewhere in a field the quote is a character like any other.
    pub quoted: bool,
    /// How letters are written.
    pub encoding: Encoding,
    /// Where the columns are named.
    pub header: Header<'a>,
}

/// What parts fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Delimiter {
    /// A byte.
    Byte(u8),
    /// `::`, as in MovieLens 1M.
    TwoColons,
    /// Nothing: the line is one field.
    None,
}

impl Delimiter {
    /// The byte that is looked for, and how many of it part two fields.
    pub(super) fn bytes(self) -> (u8, usize) {
        match self {
            Self::Byte(byte) => (byte, 1),
            Self::TwoColons => (b':', 2),
            Self::None => (b'\n', 1),
        }
    }
}

/// How letters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Encoding {
    /// UTF-8.
    Utf8,
    /// ISO-8859-1: each byte is the character of its number.
    Latin1,
}

/// Where the columns are named.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) enum Header<'a> {
    /// In the first row; these must be there, in whatever order, and others may be.
    Names(&'a [&'a str]),
    /// Nowhere: these are the columns, in this order.
    Absent(&'a [&'a str]),
}

impl<'a> Form<'a> {
    /// Comma, quotes, and a header with at least these columns.
    pub(in crate::ingest) const fn csv(names: &'a [&'a str]) -> Self {
        Self { delimiter: Delimiter::Byte(b','), quoted: true, encoding: Encoding::Utf8, header: Header::Names(names) }
    }

    /// Tab, no quotes, and a header with at least these columns.
    pub(in crate::ingest) const fn tsv(names: &'a [&'a str]) -> Self {
        Self { delimiter: Delimiter::Byte(b'\t'), quoted: false, ..Self::csv(names) }
    }

    /// The same without a header: the columns are these, in this order.
    #[must_use]
    pub(in crate::ingest) const fn without_header(self) -> Self {
        match self.header {
            Header::Names(names) | Header::Absent(names) => Self { header: Header::Absent(names), ..self },
        }
    }

    /// The names of the columns that a format reads.
    pub(in crate::ingest) fn names(&self) -> &'a [&'a str] {
        match self.header {
            Header::Names(names) | Header::Absent(names) => names,
        }
    }
}

/// Where the columns of a file stand.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Columns {
    /// Names, for messages.
    pub names: Vec<String>,
    /// Where each stands in a row.
    pub places: Vec<usize>,
    /// How many fields a row has.
    pub width: usize,
    /// What a file without a header has is known by its columns, the other by its header; for messages.
    pub headed: bool,
}

impl Columns {
    /// The columns of a file without a header.
    pub(in crate::ingest) fn in_order(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            places: (0..names.len()).collect(),
            width: names.len(),
            headed: false,
        }
    }

    /// The columns of a file with this header.
    ///
    /// # Errors
    /// When the header lacks one, with what comes closest.
    pub(in crate::ingest) fn in_header(names: &[&str], header: &[String]) -> Result<Self, Diagnostic> {
        let mut places = Vec::new();
        for name in names {
            let Some(place) = header.iter().position(|column| column == name) else {
                let known: Vec<&str> = header.iter().map(String::as_str).collect();
                return Err(
                    Diagnostic::new(format!("the header has no column `{name}`")).help(suggestion(name, &known))
                );
            };
            places.push(place);
        }
        Ok(Self { places, width: header.len(), headed: true, ..Self::in_order(names) })
    }
}
