//! In what a file differs from the one that was published, in words.

use super::Unit;
use crate::unit::thousands;

/// Something in which a file is not as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It cannot be read, and why.
    Unreadable(String),
    /// It is a table of Parquet.
    Parquet,
    /// It has no first row.
    Empty,
    /// Its header is another from some column on.
    Header {
        /// The column, from 1.
        column: usize,
        /// What is published there.
        published: Option<&'static str>,
        /// What stands there.
        found: Option<String>,
        /// Whether all columns that are published stand somewhere in the header.
        complete: bool,
        /// Where it stands.
        place: Place,
    },
    /// Its first row has another number of fields, in a file without a header.
    Fields {
        /// How many it has.
        found: usize,
        /// What the published ones are.
        published: Vec<&'static str>,
        /// The row.
        place: Place,
    },
    /// A field of its first row looks like something else, in a file without a header.
    Field {
        /// The field, from 1.
        column: usize,
        /// What it should be.
        name: &'static str,
        /// What that looks like.
        like: &'static str,
        /// Where it stands.
        place: Place,
    },
    /// Rows do not have as many fields as they should.
    Widths {
        /// How many such rows there are.
        rows: u64,
        /// The line on which the first begins, from 1.
        line: u64,
        /// How many fields that one has.
        found: usize,
        /// How many it should have.
        wanted: usize,
    },
    /// It holds more or less than was published.
    Count {
        /// What is counted.
        unit: Unit,
        /// How much it holds.
        counted: u64,
        /// How much was published.
        published: u64,
    },
    /// It is larger or smaller than it was published.
    Size {
        /// Its bytes.
        bytes: u64,
        /// The bytes as published.
        published: u64,
    },
}

/// A place in the first row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The row.
    pub text: String,
    /// The character at which the place begins, from 0.
    pub at: usize,
    /// How many characters it covers.
    pub width: usize,
}

impl Problem {
    /// What is wrong, for a person.
    pub fn words(&self) -> String {
        match self {
            Self::Unreadable(why) => format!("it cannot be read: {why}"),
            Self::Parquet => "it is a table of Parquet, not the published text".to_owned(),
            Self::Empty => "it is empty".to_owned(),
            Self::Header { column, published, found, complete, .. } => {
                let known = if *complete { "; all columns are there, and stages find them by name" } else { "" };
                match (published, found) {
                    (Some(published), Some(found)) => {
                        format!("column {column} of the header is `{found}`, published `{published}`{known}")
                    }
                    (Some(published), None) => {
                        format!("the header ends before column {column}, published `{published}`{known}")
                    }
                    (None, found) => format!(
                        "the header has a column {column}, `{}`, which is not published{known}",
                        found.as_deref().unwrap_or_default()
                    ),
                }
            }
            Self::Fields { found, published, .. } => format!(
                "the first row has {found} field{}, published {}: {}",
                if *found == 1 { "" } else { "s" },
                published.len(),
                published.join(", ")
            ),
            Self::Field { column, name, like, .. } => {
                format!("field {column} of the first row should be the {name}, like `{like}`")
            }
            Self::Widths { rows: 1, line, found, wanted } => {
                format!("the row on line {} has {found} fields, not {wanted}", thousands(line))
            }
            Self::Widths { rows, line, found, wanted } => format!(
                "{} rows do not have {wanted} fields; the first is on line {}, with {found}",
                thousands(rows),
                thousands(line)
            ),
            Self::Count { unit, counted, published } => format!(
                "{} {}, published {}: {}",
                thousands(counted),
                if *counted == 1 { unit.words().trim_end_matches('s') } else { unit.words() },
                thousands(published),
                if counted < published {
                    "a part of the file, or another version"
                } else {
                    "another version, or rows that stand twice"
                }
            ),
            Self::Size { bytes, published } => format!(
                "{} bytes, published {}: {}",
                thousands(bytes),
                thousands(published),
                if bytes < published { "a part of the file, or another version" } else { "another version" }
            ),
        }
    }

    /// Where it is, if that is in the first row.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Header { place, .. } | Self::Fields { place, .. } | Self::Field { place, .. } => Some(place),
            _ => None,
        }
    }
}
