//! `samples.parquet` of a dataset: what each sample is, for breakdowns of results.

use camino::Utf8Path;

use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};

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

/// The samples of all parts: part name and samples, in the order train, valid, test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples {
    /// By part.
    pub parts: Vec<(String, Vec<Sample>)>,
}

impl Samples {
    /// The samples of a part; none where there is no such part.
    pub fn part(&self, name: &str) -> &[Sample] {
        self.parts.iter().find(|(part, _)| part == name).map_or(&[], |(_, samples)| samples)
    }

    /// Reads the table.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn read(path: &Utf8Path) -> Result<Self, TableError> {
        let mut table = table::read(path, &SCHEMA)?;
        let names = table.text("part");
        let (samples, sessions) = (table.int64("sample"), table.int64("session"));
        let (targets, positions) = (table.int32("target"), table.int32("position"));
        let (repeated, cold) = (table.bool("in_session"), table.bool("cold"));
        let mut parts: Vec<(String, Vec<Sample>)> = Vec::new();
        for row in 0..names.len() {
            if parts.last().is_none_or(|(part, _)| part != names.at(row)) {
                parts.push((names.at(row).to_owned(), Vec::new()));
            }
            if let Some((_, part)) = parts.last_mut() {
                part.push(Sample {
                    sample: samples[row],
                    session: sessions[row],
                    target: targets[row],
                    position: positions[row],
                    in_session: repeated[row],
                    cold: cold[row],
                });
            }
        }
        Ok(Self { parts })
    }

    /// Writes the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Utf8Path) -> Result<(), TableError> {
        let rows = || self.parts.iter().flat_map(|(_, samples)| samples);
        let columns = vec![
            Column::Text(Text::full(self.parts.iter().flat_map(|(part, samples)| samples.iter().map(move |_| part)))),
            Column::Int64(rows().map(|sample| sample.sample).collect()),
            Column::Int64(rows().map(|sample| sample.session).collect()),
            Column::Int32(rows().map(|sample| sample.target).collect()),
            Column::Int32(rows().map(|sample| sample.position).collect()),
            Column::Bool(rows().map(|sample| sample.in_session).collect()),
            Column::Bool(rows().map(|sample| sample.cold).collect()),
        ];
        table::write(path, &SCHEMA, columns, Vec::new())
    }
}
