//! `links.parquet`: which entity of a knowledge base an item is.

use camino::Utf8Path;

use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};

/// Columns of `links.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "links",
    version: 1,
    columns: &[
        ("item", Type::Text, "the item as the log writes it"),
        ("entity", Type::Text, "what the knowledge base calls it; in Freebase `m.0abc12`"),
    ],
    sorted: &[],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "links.parquet";

/// Columns of `ambiguous.parquet`: items of which more than one entity may be meant, a row for each of those.
pub const AMBIGUOUS: Schema = Schema {
    name: "ambiguous links",
    version: 1,
    columns: &[
        ("item", Type::Text, "the item as the log writes it"),
        ("title", Type::Text, "its title, as the items have it"),
        ("entity", Type::Text, "an entity of that name"),
        ("agrees", Type::Text, "the attributes in which entity and item agree, by name, with `|` between"),
    ],
    sorted: &[],
    open: false,
};

/// The name of the file of ambiguous items in an artifact.
pub const AMBIGUOUS_FILE: &str = "ambiguous.parquet";

/// Items and their entities: each item at most once, in the order of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Links {
    /// The items.
    pub item: Text,
    /// The entity of each.
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
        let columns = vec![Column::Text(self.item), Column::Text(self.entity)];
        table::write(&folder.join(FILE), &SCHEMA, columns, Vec::new())
    }
}

/// An item of which more than one entity may be meant, and one of those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The item.
    pub item: String,
    /// Its title.
    pub title: String,
    /// The entity.
    pub entity: String,
    /// The attributes in which they agree, with `|` between.
    pub agrees: String,
}

impl Candidate {
    /// Writes the table of ambiguous items of an artifact.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_all(folder: &Utf8Path, candidates: &[Self]) -> Result<(), TableError> {
        let text = |of: fn(&Self) -> &String| Column::Text(Text::full(candidates.iter().map(of)));
        let columns = vec![
            text(|candidate| &candidate.item),
            text(|candidate| &candidate.title),
            text(|candidate| &candidate.entity),
            text(|candidate| &candidate.agrees),
        ];
        table::write(&folder.join(AMBIGUOUS_FILE), &AMBIGUOUS, columns, Vec::new())
    }
}
