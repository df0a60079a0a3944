//! `links.parquet`: which entity of a knowledge base an item is.

use camino::Utf8Path;

use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};

/// Columns of `links.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "links",
    version: 1,
    columns: &[
        ("item", Type::Text, "the item as the log writes it"),
        ("entity", Type::Text, "the entity as the knowledge base writes it"),
    ],
    sorted: &[],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "links.parquet";

/// Items and their entities, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Links {
    /// The item.
    pub item: Text,
    /// Its entity.
    pub entity: Text,
}

impl Links {
    /// Reads the table of an artifact.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn read(folder: &Utf8Path) -> Result<Self, TableError> {
        let mut table = table::read(&folder.join(FILE), &SCHEMA)?;
        Ok(Self { item: table.text("item"), entity: table.text("entity") })
    }

    /// Writes the table of an artifact.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(self, folder: &Utf8Path) -> Result<(), TableError> {
        table::write(&folder.join(FILE), &SCHEMA, vec![Column::Text(self.item), Column::Text(self.entity)], Vec::new())
    }
}
