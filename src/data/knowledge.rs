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
    /// Reads the folder.
    ///
    /// # Errors
    /// When a file is missing, damaged or another table.
    pub fn read(folder: &Utf8Path) -> Result<Self, StageError> {
        let meta: Meta =
            serde_json::from_slice(&fs_err::read(folder.join("meta.json"))?).map_err(std::io::Error::from)?;
        let mut entities = table::read(&folder.join("entities.parquet"), &ENTITIES)?;
        let (names, kinds) = (entities.text("entity"), entities.text("kind"));
        let mut triples = table::read(&folder.join("triples.parquet"), &TRIPLES)?;
        let (heads, relations, tails) = (triples.int32("head"), triples.int32("relation"), triples.int32("tail"));
        let triples =
            heads.into_iter().zip(relations).zip(tails).map(|((head, relation), tail)| [head, relation, tail]);
        Ok(Self {
            entities: (0..names.len()).map(|row| (names.at(row).to_owned(), kinds.at(row).to_owned())).collect(),
            relations: meta.relations,
            triples: triples.collect(),
        })
    }

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

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    #[test]
    fn knowledge_comes_back_as_it_was_written() {
        let named = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
        let knowledge = Knowledge {
            entities: vec![named("i", "item"), named("j", "item"), named("7", "brand")],
            relations: vec!["shop".to_owned(), "brand".to_owned()],
            triples: vec![[1, 2, 3], [2, 2, 3]],
        };
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        knowledge.write(folder).unwrap();
        assert_eq!(Knowledge::read(folder).unwrap(), knowledge);
    }
}
