//! `samples.parquet` of a dataset: what each sample is, for breakdowns of results.

use camino::Utf8Path;

use crate::artifact::table::{Column, Schema, TableError, TableReader, TableWriter, Text, Type};

/// Columns of `samples.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "samples",
    version: 1,
    columns: &[
        ("part", Type::Text, "`train`, `valid` or `test`"),
        ("sample", Type::Int64, "the number in its part, from 0"),
        ("session", Type::Int64, "the number of the session in the sessions artifact"),
        ("target", Type::Int32, "the item to predict, by its number in the vocabulary"),
        ("position", Type::Int32, "how many events the input has"),
        ("in_session", Type::Bool, "whether the target stands in the input"),
        ("cold", Type::Bool, "whether the target stands in no training session"),
    ],
    sorted: &[],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "samples.parquet";

/// How many samples are written together.
const PIECE: usize = 1 << 16;

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Its number in its part, from 0: the order of the trainer's arrays.
    pub sample: i64,
    /// The session's number, as in the sessions artifact.
    pub session: i64,
    /// The item to predict, by its number in the vocabulary.
    pub target: i32,
    /// How many events the input has.
    pub position: i32,
    /// Whether the target stands in the input.
    pub in_session: bool,
    /// Whether the target stands in no training session.
    pub cold: bool,
}

/// Reads the samples of one part; those of the others are passed over.
///
/// # Errors
/// When the file is missing, damaged or another table.
pub fn read_part(folder: &Utf8Path, part: &str) -> Result<Vec<Sample>, TableError> {
    let mut found = Vec::new();
    for piece in TableReader::open(&folder.join(FILE), &SCHEMA)? {
        let mut piece = piece?;
        let names = piece.text("part");
        let (samples, sessions) = (piece.int64("sample"), piece.int64("session"));
        let (targets, positions) = (piece.int32("target"), piece.int32("position"));
        let (repeated, cold) = (piece.bool("in_session"), piece.bool("cold"));
        found.extend((0..names.len()).filter(|row| names.at(*row) == part).map(|row| Sample {
            sample: samples[row],
            session: sessions[row],
            target: targets[row],
            position: positions[row],
            in_session: repeated[row],
            cold: cold[row],
        }));
    }
    Ok(found)
}

/// Writes samples one by one.
pub struct SampleWriter {
    table: TableWriter,
    parts: Vec<&'static str>,
    piece: Vec<Sample>,
}

impl SampleWriter {
    /// Begins the table of an artifact.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(folder: &Utf8Path) -> Result<Self, TableError> {
        let table = TableWriter::create(&folder.join(FILE), &SCHEMA, &[])?;
        Ok(Self { table, parts: Vec::new(), piece: Vec::new() })
    }

    /// Adds a sample of a part.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, part: &'static str, sample: Sample) -> Result<(), TableError> {
        self.parts.push(part);
        self.piece.push(sample);
        if self.piece.len() == PIECE { self.flush() } else { Ok(()) }
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), TableError> {
        self.flush()?;
        self.table.finish()
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let (parts, piece) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.piece));
        self.table.append(vec![
            Column::Text(Text::full(parts)),
            Column::Int64(piece.iter().map(|sample| sample.sample).collect()),
            Column::Int64(piece.iter().map(|sample| sample.session).collect()),
            Column::Int32(piece.iter().map(|sample| sample.target).collect()),
            Column::Int32(piece.iter().map(|sample| sample.position).collect()),
            Column::Bool(piece.iter().map(|sample| sample.in_session).collect()),
            Column::Bool(piece.iter().map(|sample| sample.cold).collect()),
        ])
    }
}
