//! Triples of a knowledge base before they belong to a dataset: `triples.parquet` in the order of the source, and the key
//! tables of its numbers, `entities.parquet` and `relations.parquet`.

use camino::Utf8Path;

use crate::artifact::table::{self, Column, Schema, TableError, TableReader, TableWriter, Text, Type};

/// Columns of `entities.parquet`.
pub const ENTITIES: Schema = Schema {
    name: "entities of a knowledge base",
    version: 1,
    columns: &[
        ("entity", Type::Text, "its name there; its number is its row, from 0; a literal as N-Triples write it"),
        ("literal", Type::Bool, "whether it is a literal: a text, a number or a date"),
    ],
    sorted: &[],
    open: false,
};

/// Columns of `relations.parquet`.
pub const RELATIONS: Schema = Schema {
    name: "relations of a knowledge base",
    version: 1,
    columns: &[
        ("relation", Type::Text, "its name there; its number is its row, from 0"),
        ("triples", Type::Int64, "how many triples have it"),
    ],
    sorted: &[],
    open: false,
};

/// Columns of `triples.parquet`.
pub const TRIPLES: Schema = Schema {
    name: "triples of a knowledge base",
    version: 1,
    columns: &[
        ("head", Type::Int32, "a row of entities.parquet"),
        ("relation", Type::Int32, "a row of relations.parquet"),
        ("tail", Type::Int32, "a row of entities.parquet"),
    ],
    sorted: &[],
    open: false,
};

/// The name of the table of triples in an artifact.
pub const FILE: &str = "triples.parquet";

/// The name of the table of entities in an artifact.
pub const ENTITIES_FILE: &str = "entities.parquet";

/// The name of the table of relations in an artifact.
pub const RELATIONS_FILE: &str = "relations.parquet";

/// Triples that are written together.
const PIECE: usize = 1 << 16;

/// The relations by which a base says of what type something is: those of Freebase, in both directions, and that of RDF.
pub const TYPE_RELATIONS: [&str; 3] =
    ["type.object.type", "type.type.instance", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"];

/// Whether triples of a relation say of what type something is.
pub fn is_type(relation: &[u8]) -> bool {
    TYPE_RELATIONS.iter().any(|name| name.as_bytes() == relation)
}

/// Writes triples as they come, and the key tables at the end.
pub struct TripleWriter {
    writer: TableWriter,
    piece: [Vec<i32>; 3],
    counts: Vec<i64>,
}

impl TripleWriter {
    /// Begins the tables of an artifact.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(folder: &Utf8Path) -> Result<Self, TableError> {
        let writer = TableWriter::create(&folder.join(FILE), &TRIPLES, &[])?;
        Ok(Self { writer, piece: [const { Vec::new() }; 3], counts: Vec::new() })
    }

    /// Adds head, relation and tail, by numbers below 2^31.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, triple: [u32; 3]) -> Result<(), TableError> {
        let relation = triple[1] as usize;
        if relation >= self.counts.len() {
            self.counts.resize(relation + 1, 0);
        }
        self.counts[relation] += 1;
        for (column, number) in self.piece.iter_mut().zip(triple) {
            column.push(number.cast_signed());
        }
        if self.piece[0].len() == PIECE { self.flush() } else { Ok(()) }
    }

    /// Ends the tables with the names of all numbers; answers how many triples there are.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(
        mut self,
        folder: &Utf8Path,
        entities: Text,
        literals: Vec<bool>,
        relations: Text,
    ) -> Result<i64, TableError> {
        self.flush()?;
        self.writer.finish()?;
        let total = self.counts.iter().sum();
        let entities = vec![Column::Text(entities), Column::Bool(literals)];
        table::write(&folder.join(ENTITIES_FILE), &ENTITIES, entities, Vec::new())?;
        let relations = vec![Column::Text(relations), Column::Int64(self.counts)];
        table::write(&folder.join(RELATIONS_FILE), &RELATIONS, relations, Vec::new())?;
        Ok(total)
    }

    fn flush(&mut self) -> Result<(), TableError> {
        self.writer.append(self.piece.iter_mut().map(|column| Column::Int32(std::mem::take(column))).collect())
    }
}

/// The key tables of triples.
#[derive(Debug, Clone, PartialEq)]
pub struct Names {
    /// Entities by number.
    pub entities: Text,
    /// By number of the entity: whether it is a literal.
    pub literals: Vec<bool>,
    /// Relations by number.
    pub relations: Text,
}

impl Names {
    /// Reads the key tables of an artifact.
    ///
    /// # Errors
    /// When a file is missing, damaged or another table.
    pub fn read(folder: &Utf8Path) -> Result<Self, TableError> {
        let mut entities = table::read(&folder.join(ENTITIES_FILE), &ENTITIES)?;
        let mut relations = table::read(&folder.join(RELATIONS_FILE), &RELATIONS)?;
        Ok(Self {
            entities: entities.text("entity"),
            literals: entities.bool("literal"),
            relations: relations.text("relation"),
        })
    }
}

/// Reads triples piece by piece.
pub struct TripleReader(TableReader);

impl TripleReader {
    /// Opens the table of an artifact.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn open(folder: &Utf8Path) -> Result<Self, TableError> {
        Ok(Self(TableReader::open(&folder.join(FILE), &TRIPLES)?))
    }

    /// How many triples the table has.
    pub fn rows(&self) -> usize {
        self.0.rows()
    }
}

impl Iterator for TripleReader {
    type Item = Result<Vec<[u32; 3]>, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.0.next()?;
        Some(piece.map(|mut piece| {
            let [heads, relations, tails] = ["head", "relation", "tail"].map(|name| piece.int32(name));
            let numbers = heads.into_iter().zip(relations).zip(tails);
            numbers.map(|((head, relation), tail)| [head, relation, tail].map(i32::cast_unsigned)).collect()
        }))
    }
}
