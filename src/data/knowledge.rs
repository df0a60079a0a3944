//! The knowledge folder of the trainer's contract: entities, relations, triples.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::dataset::write_meta;
use super::tensors::{self, Tensor};
use crate::artifact::table::{self, Column, Schema, Text, Type};
use crate::engine::stage::StageError;

/// Columns of `entities.parquet`.
pub const ENTITIES: Schema = Schema {
    name: "entities",
    version: 1,
    columns: &[
        ("id", Type::Int32, "the number under which a trainer knows it, from 1; the items of the dataset come first"),
        ("entity", Type::Text, "its name"),
        (
            "kind",
            Type::Text,
            "`item`, or the attribute whose value it is, or `entity` or `literal` of a knowledge base",
        ),
    ],
    sorted: &[],
    open: false,
};

/// Columns of `triples.parquet`.
pub const TRIPLES: Schema = Schema {
    name: "triples",
    version: 1,
    columns: &[
        ("head", Type::Int32, "an entity"),
        ("relation", Type::Int32, "a relation, by its number from 1"),
        ("tail", Type::Int32, "an entity"),
    ],
    sorted: &[],
    open: false,
};

/// `meta.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The version of the folder's form.
    pub version: u32,
    /// How many entities; numbered from 1, the items of the dataset first.
    pub entities: usize,
    /// The relations, numbered from 1.
    pub relations: Vec<String>,
}

/// Triples over the items of a dataset and the values of their attributes, or the entities of a knowledge base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// Name and kind (`item`, or the attribute whose value it is, or `entity` or `literal` of a knowledge base) of each
    /// entity, by number from 1.
    pub entities: Vec<(String, String)>,
    /// The relations, by number from 1.
    pub relations: Vec<String>,
    /// Head, relation, tail.
    pub triples: Vec<[i32; 3]>,
}

impl Knowledge {
    /// Writes the folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Utf8Path) -> Result<(), StageError> {
        let column = |at: usize| -> Vec<i32> { self.triples.iter().map(|triple| triple[at]).collect() };
        let numbers = (1..).take(self.entities.len()).collect();
        let entities = vec![
            Column::Int32(numbers),
            Column::Text(Text::full(self.entities.iter().map(|(name, _)| name))),
            Column::Text(Text::full(self.entities.iter().map(|(_, kind)| kind))),
        ];
        table::write(&folder.join("entities.parquet"), &ENTITIES, entities, Vec::new())?;
        let triples = vec![Column::Int32(column(0)), Column::Int32(column(1)), Column::Int32(column(2))];
        table::write(&folder.join("triples.parquet"), &TRIPLES, triples, Vec::new())?;
        let names = ["head", "relation", "tail"];
        let arrays: Vec<_> =
            names.iter().enumerate().map(|(at, name)| ((*name).to_owned(), Tensor::Int32(column(at)))).collect();
        tensors::write(&folder.join("triples.safetensors"), &arrays)?;
        let meta = Meta { version: 1, entities: self.entities.len(), relations: self.relations.clone() };
        write_meta(folder, &meta)?;
        Ok(())
    }
}
