//! Key tables: what a log calls its users, its operations and its sessions. Everywhere else they stand as numbers, which
//! are the rows of these tables from 0; so no stage but the first and the last handles their text.

use camino::Utf8Path;

use super::{events, items};
use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};

/// A key table: its file, its schema.
#[derive(Debug, Clone, Copy)]
pub struct KeyTable {
    /// The name of the file in an artifact.
    pub file: &'static str,
    /// Its columns.
    pub schema: Schema,
}

/// Who acts, with what is known of them; without rows where the log names nobody.
pub const USERS: KeyTable = KeyTable {
    file: "users.parquet",
    schema: Schema {
        name: "users",
        version: 1,
        columns: &[("user", Type::Text, "the user as the log writes it; its number is its row, from 0")],
        sorted: &[],
        open: true,
    },
};

/// Who sells items, with what is known of them; only where a log comes with a table of shops.
pub const SHOPS: KeyTable = KeyTable {
    file: "shops.parquet",
    schema: Schema {
        name: "shops",
        version: 1,
        columns: &[("shop", Type::Text, "the shop as the items' attribute `shop` names it")],
        sorted: &[],
        open: true,
    },
};

/// What can be done to an item (micro-behaviors).
pub const OPERATIONS: KeyTable = KeyTable {
    file: "operations.parquet",
    schema: Schema {
        name: "operations",
        version: 1,
        columns: &[("operation", Type::Text, "the operation as the log writes it; its number is its row, from 0")],
        sorted: &[],
        open: false,
    },
};

/// Sessions as the log names them; without rows where it names none.
pub const GIVEN_SESSIONS: KeyTable = KeyTable {
    file: "given_sessions.parquet",
    schema: Schema {
        name: "given sessions",
        version: 1,
        columns: &[("session", Type::Text, "the session as the log writes it; its number is its row, from 0")],
        sorted: &[],
        open: false,
    },
};

impl KeyTable {
    /// Reads the names, by number.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn read(&self, folder: &Utf8Path) -> Result<Text, TableError> {
        Ok(table::read(&folder.join(self.file), &self.schema)?.text(self.schema.columns[0].0))
    }

    /// Writes names in the order of their numbers.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &Utf8Path, names: Text) -> Result<(), TableError> {
        self.write_with(folder, names, Vec::new())
    }

    /// Writes names and what is known of each.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_with(
        &self,
        folder: &Utf8Path,
        names: Text,
        attributes: Vec<(String, Text)>,
    ) -> Result<(), TableError> {
        table::write(&folder.join(self.file), &self.schema, vec![Column::Text(names)], attributes)
    }
}

/// Copies what stays the same from one artifact of a log to the next: key tables, items, and what the log is.
///
/// # Errors
/// When a file cannot be copied.
pub fn carry(from: &Utf8Path, to: &Utf8Path) -> std::io::Result<()> {
    for file in [USERS.file, OPERATIONS.file, GIVEN_SESSIONS.file, items::FILE, events::META] {
        fs_err::copy(from.join(file), to.join(file))?;
    }
    Ok(())
}
