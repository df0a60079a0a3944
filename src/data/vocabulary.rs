//! `items.parquet` and `operations.parquet` of a dataset: the numbers under which a trainer knows names. 0 is padding.

use std::collections::HashMap;

use camino::Utf8Path;

use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};

/// Columns of a dataset's `items.parquet`.
pub const ITEMS: Schema = Schema {
    name: "item vocabulary",
    version: 1,
    columns: &[
        ("id", Type::Int32, "the number under which a trainer knows it, from 1"),
        ("item", Type::Text, "the item as the log writes it"),
    ],
    sorted: &[],
    open: false,
};

/// Columns of a dataset's `operations.parquet`.
pub const OPERATIONS: Schema = Schema {
    name: "operation vocabulary",
    version: 1,
    columns: &[
        ("id", Type::Int32, "the number under which a trainer knows it, from 1"),
        ("operation", Type::Text, "the operation as the log writes it"),
    ],
    sorted: &[],
    open: false,
};

/// Names numbered from 1, in the order in which they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    names: Vec<String>,
    numbers: HashMap<String, i32>,
}

impl Vocabulary {
    /// The number of a name, which is added if it is new.
    ///
    /// # Panics
    /// Past 2^31 names.
    pub fn add(&mut self, name: &str) -> i32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.names.push(name.to_owned());
        let number = i32::try_from(self.names.len()).expect("numbers of names fit 31 bits");
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The number of a name, if it has one.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.numbers.get(name).copied()
    }

    /// The names, by number from 1.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many names; also the highest number.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True without names.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Reads a table of one of the schemas above.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn read(path: &Utf8Path, schema: &Schema) -> Result<Self, TableError> {
        let names = table::read(path, schema)?.text(schema.columns[1].0);
        let mut vocabulary = Self::default();
        for name in names.iter() {
            vocabulary.add(name.unwrap_or_default());
        }
        Ok(vocabulary)
    }

    /// Writes a table of one of the schemas above.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Utf8Path, schema: &Schema) -> Result<(), TableError> {
        let numbers = (1..).take(self.len()).collect();
        table::write(path, schema, vec![Column::Int32(numbers), Column::Text(Text::full(&self.names))], Vec::new())
    }
}
