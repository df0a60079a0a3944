//! The field's tables, typed: events, items, sessions, samples, ranks; and the files that a trainer reads.

pub mod audit;
pub mod breakdown;
pub mod comments;
pub mod dataset;
pub mod events;
pub mod frame;
pub mod items;
pub mod knowledge;
pub mod links;
pub mod map;
pub mod marks;
pub mod names;
pub mod order;
pub mod protocol;
pub mod ranks;
pub mod rule;
pub mod samples;
pub mod sessions;
pub mod statistics;
pub mod tensors;
pub mod triples;
pub mod vocabulary;

use camino::Utf8Path;
use serde::Serialize;

use crate::artifact::table::TableError;
use crate::diagnostic::Diagnostic;
use crate::engine::stage::StageError;

/// Writes a value as JSON that people can read, with a line break at its end.
///
/// # Errors
/// When the file cannot be written.
pub fn write_json(path: &Utf8Path, value: &impl Serialize) -> std::io::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    fs_err::write(path, text)
}

impl From<TableError> for StageError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Io(error) => Self::Io(error),
            TableError::Parquet { .. } | TableError::Mismatch { .. } => Diagnostic::new(error.to_string())
                .help("the file was changed after it was written, or by another version; try `sr-pipe cache verify`")
                .into(),
        }
    }
}
