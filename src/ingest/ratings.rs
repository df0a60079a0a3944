//! Ratings of items, in the formats that have them: they count as events of one kind, or each rating is an operation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::draft::Drafts;
use super::keys::Key;
use super::raw::{Fault, Row};

/// What a rating is to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ratings {
    /// Nothing: that an item was rated is an event (`rate`), as KSR counts it.
    #[default]
    Ignored,
    /// The operation: `4` or `3.5`, so that `filter` can keep some of them.
    Operations,
}

impl Drafts {
    /// The operation of a row with a rating, which is checked either way.
    ///
    /// # Errors
    /// When the field is no number like `4` or `3.5`.
    pub(super) fn rated(&mut self, row: &Row<'_>, column: usize, ratings: Ratings) -> Result<Key, Fault> {
        let rating = row.bytes(column);
        let (whole, part) = match memchr::memchr(b'.', rating) {
            Some(at) => (&rating[..at], &rating[at + 1..]),
            None => (rating, b"0".as_slice()),
        };
        if [whole, part].iter().any(|digits| digits.is_empty() || !digits.iter().all(u8::is_ascii_digit)) {
            return Err(Fault::of(column, "is no rating", "ratings look like `4` or `3.5`"));
        }
        Ok(match ratings {
            Ratings::Ignored => self.key_of(b"rate"),
            Ratings::Operations => self.key_of(rating.strip_suffix(b".0").unwrap_or(rating)),
        })
    }
}
