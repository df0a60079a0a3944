//! `ranks.parquet`: for each sample, how many candidates stood above the target and beside it. Every metric at every
//! cut-off comes from this table.

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};

/// Columns of `ranks.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "ranks",
    version: 1,
    columns: &[
        ("selection", Type::Text, "the epoch that was kept: `best`, or the metric that picked it"),
        ("sample", Type::Int64, "the sample, from 0 in its part"),
        ("session", Type::Int64, "the session, by its place in its part of the dataset, from 0"),
        ("target", Type::Int32, "the item that followed, by its number in the vocabulary"),
        ("above", Type::Int32, "candidates that scored higher"),
        ("ties", Type::Int32, "other candidates that scored the same"),
        ("candidates", Type::Int32, "how many candidates there were"),
    ],
    sorted: &[],
    open: false,
};

/// The rank of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// The sample, from 0 in its part.
    pub sample: i64,
    /// The session that it was made from, by its place in its part of the dataset, from 0.
    pub session: i64,
    /// The item that followed, by its number in the vocabulary.
    pub target: i32,
    /// Candidates that scored higher.
    pub above: i32,
    /// Other candidates that scored the same.
    pub ties: i32,
    /// How many candidates there were.
    pub candidates: i32,
}

/// The ranks of a part, for each epoch that was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranks {
    /// By the name of the kept epoch (`best`, or the metric that picked it), in the order of the samples.
    pub selections: BTreeMap<String, Vec<Rank>>,
}

impl Ranks {
    /// Reads the table.
    ///
    /// # Errors
    /// When the file is missing, damaged or another table.
    pub fn read(path: &Utf8Path) -> Result<Self, TableError> {
        let mut table = table::read(path, &SCHEMA)?;
        let names = table.text("selection");
        let (samples, sessions) = (table.int64("sample"), table.int64("session"));
        let (targets, above) = (table.int32("target"), table.int32("above"));
        let (ties, candidates) = (table.int32("ties"), table.int32("candidates"));
        let mut selections: BTreeMap<String, Vec<Rank>> = BTreeMap::new();
        for row in 0..names.len() {
            let rank = Rank {
                sample: samples[row],
                session: sessions[row],
                target: targets[row],
                above: above[row],
                ties: ties[row],
                candidates: candidates[row],
            };
            match selections.get_mut(names.at(row)) {
                Some(ranks) => ranks.push(rank),
                None => {
                    selections.insert(names.at(row).to_owned(), vec![rank]);
                }
            }
        }
        Ok(Self { selections })
    }

    /// Writes the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Utf8Path) -> Result<(), TableError> {
        let rows = || self.selections.values().flatten();
        let names = Text::full(self.selections.iter().flat_map(|(name, ranks)| ranks.iter().map(move |_| name)));
        let columns = vec![
            Column::Text(names),
            Column::Int64(rows().map(|rank| rank.sample).collect()),
            Column::Int64(rows().map(|rank| rank.session).collect()),
            Column::Int32(rows().map(|rank| rank.target).collect()),
            Column::Int32(rows().map(|rank| rank.above).collect()),
            Column::Int32(rows().map(|rank| rank.ties).collect()),
            Column::Int32(rows().map(|rank| rank.candidates).collect()),
        ];
        table::write(path, &SCHEMA, columns, Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    #[test]
    fn ranks_come_back_by_the_name_of_the_kept_epoch() {
        let rank = |sample| Rank { sample, session: 5, target: 3, above: 2, ties: 1, candidates: 9 };
        let ranks = Ranks {
            selections: BTreeMap::from([("mrr@20".into(), vec![rank(0), rank(1)]), ("hit@20".into(), vec![rank(0)])]),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("ranks.parquet")).unwrap();
        ranks.write(&path).unwrap();
        assert_eq!(Ranks::read(&path).unwrap(), ranks);
    }
}
