//! `items.parquet`: the items that are known, with their attributes.

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};
use crate::diagnostic::{Diagnostic, suggestion};

/// Columns of `items.parquet`; the attributes follow under their names.
pub const SCHEMA: Schema = Schema {
    name: "items",
    version: 1,
    columns: &[("item", Type::Text, "the item as the log writes it; its number is its row, from 0")],
    sorted: &[],
    open: true,
};

/// The name of the file in an artifact.
pub const FILE: &str = "items.parquet";

/// What becomes of items that stand in test sessions but in no training session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ColdItems {
    /// Their events are taken out of the test sessions.
    #[default]
    Drop,
    /// They stay, and can be recommended.
    Keep,
}

/// All items. An item of the events may be absent: its attributes are then unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Items {
    /// The item, each once.
    pub item: Text,
    /// Attributes by name, in their order; a value may be missing.
    pub attributes: Vec<(String, Text)>,
}

impl Items {
    /// The values of an attribute.
    ///
    /// # Errors
    /// When the items have no such attribute, with those that they have.
    pub fn attribute(&self, name: &str) -> Result<&Text, Diagnostic> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, values)| values).ok_or_else(|| {
            let known: Vec<&str> = self.attributes.iter().map(|(name, _)| name.as_str()).collect();
            Diagnostic::new(format!("the items have no attribute `{name}`")).help(suggestion(name, &known))
        })
    }

    /// Reads the table.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn read(path: &Utf8Path) -> Result<Self, TableError> {
        let mut table = table::read(path, &SCHEMA)?;
        Ok(Self { item: table.text("item"), attributes: table.further() })
    }

    /// Writes the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Utf8Path) -> Result<(), TableError> {
        table::write(path, &SCHEMA, vec![Column::Text(self.item.clone())], self.attributes.clone())
    }
}
