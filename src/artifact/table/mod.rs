//! Parquet tables with a declared schema: name, version and columns are checked when a table is written and when it
//! is read, so that a stage never meets a table that it was not written for.

mod column;
mod read;
mod write;

use arrow::datatypes::DataType;
use camino::{Utf8Path, Utf8PathBuf};
use parquet::errors::ParquetError;

pub use column::{Column, MISSING, Text};
pub use read::{Table, TableReader, read};
pub use write::{TableWriter, write};

/// The metadata key that carries a table's name and version.
const IDENTITY_KEY: &str = "sr-pipe.table";

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text.
    Text,
    /// UTF-8 text that may be missing.
    OptionalText,
    /// Whole numbers of 64 bits.
    Int64,
    /// Whole numbers of 32 bits.
    Int32,
    /// Whole numbers of 32 bits, from 0, that may be missing.
    OptionalInt32,
    /// Numbers of 64 bits.
    Float64,
    /// Yes or no.
    Bool,
}

impl Type {
    /// Whether a value may be missing.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::OptionalText | Self::OptionalInt32)
    }

    /// The name of the type in Arrow, for `schemas/tables/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text | Self::OptionalText => "large_utf8",
            Self::Int64 => "int64",
            Self::Int32 | Self::OptionalInt32 => "int32",
            Self::Float64 => "double",
            Self::Bool => "bool",
        }
    }
}

/// The declared shape of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// What the table is: `events`.
    pub name: &'static str,
    /// Goes up when the columns change.
    pub version: u32,
    /// The columns, in their order: name, type, and what they hold.
    pub columns: &'static [(&'static str, Type, &'static str)],
    /// The columns by which the rows are sorted.
    pub sorted: &'static [&'static str],
    /// Whether further columns of optional text may follow (the attributes of items, say).
    pub open: bool,
}

/// Why a table could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file system refused; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Not a Parquet file, or a damaged one.
    #[error("cannot read or write `{path}` as Parquet: {source}")]
    Parquet {
        /// The file.
        path: Utf8PathBuf,
        /// What the Parquet reader or writer says.
        source: Box<ParquetError>,
    },
    /// A Parquet file, but another table.
    #[error("`{path}` is not the table `{table}`: {problem}")]
    Mismatch {
        /// The file.
        path: Utf8PathBuf,
        /// What was asked for: name and version.
        table: String,
        /// What differs.
        problem: String,
    },
}

fn data_type(of: Type) -> DataType {
    match of {
        Type::Text | Type::OptionalText => DataType::LargeUtf8,
        Type::Int64 => DataType::Int64,
        Type::Int32 | Type::OptionalInt32 => DataType::Int32,
        Type::Float64 => DataType::Float64,
        Type::Bool => DataType::Boolean,
    }
}

fn identity(schema: &Schema) -> String {
    format!("{} {}", schema.name, schema.version)
}

pub(in crate::artifact) fn parquet_error(path: &Utf8Path, source: ParquetError) -> TableError {
    TableError::Parquet { path: path.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: Schema = Schema {
        name: "flags",
        version: 1,
        columns: &[
            ("item", Type::Text, ""),
            ("count", Type::Int64, ""),
            ("id", Type::Int32, ""),
            ("cold", Type::Bool, ""),
            ("place", Type::Float64, ""),
        ],
        sorted: &[],
        open: true,
    };

    fn columns() -> Vec<Column> {
        vec![
            Column::Text(Text::full(["a", "é,\n\""])),
            Column::Int64(vec![i64::MIN, 7]),
            Column::Int32(vec![-1, i32::MAX]),
            Column::Bool(vec![true, false]),
            Column::Float64(vec![-0.1, f64::MIN_POSITIVE]),
        ]
    }

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("t.parquet")).unwrap();
        (folder, path)
    }

    #[test]
    fn a_table_comes_back_as_it_was_written() {
        let (_folder, path) = folder();
        let brand: Text = [None, Some("b")].into_iter().collect();
        write(&path, &FLAGS, columns(), vec![("brand".into(), brand.clone())]).unwrap();
        let mut table = read(&path, &FLAGS).unwrap();
        assert_eq!(table.further(), [("brand".to_owned(), brand)]);
        assert_eq!(table.text("item").iter().collect::<Vec<_>>(), [Some("a"), Some("é,\n\"")]);
        assert_eq!(table.int64("count"), [i64::MIN, 7]);
        assert_eq!(table.int32("id"), [-1, i32::MAX]);
        assert_eq!(table.bool("cold"), [true, false]);
        assert_eq!(table.float64("place"), [-0.1, f64::MIN_POSITIVE]);
    }

    #[test]
    fn a_table_without_rows_can_be_read() {
        let (_folder, path) = folder();
        TableWriter::create(&path, &FLAGS, &[]).unwrap().finish().unwrap();
        assert!(read(&path, &FLAGS).unwrap().text("item").is_empty());
    }

    #[test]
    fn many_row_groups_are_read_as_one_table() {
        let (_folder, path) = folder();
        let mut writer = TableWriter::create(&path, &FLAGS, &[]).unwrap();
        for _ in 0..3000 {
            writer.append(columns()).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(read(&path, &FLAGS).unwrap().int64("count").len(), 6000);
    }

    #[test]
    fn another_table_another_version_and_another_column_are_refused() {
        let (_folder, path) = folder();
        write(&path, &FLAGS, columns(), Vec::new()).unwrap();
        let problem = |schema: &Schema| read(&path, schema).unwrap_err().to_string();
        assert!(problem(&Schema { name: "events", ..FLAGS }).contains("it says that it is `flags 1`"));
        assert!(problem(&Schema { version: 2, ..FLAGS }).contains("`flags 2`"));
        let other =
            [("item", Type::Text, ""), ("count", Type::Int32, ""), ("id", Type::Int32, ""), ("cold", Type::Bool, "")];
        let leaked: &'static [(&str, Type, &str)] = Box::leak(Box::new(other));
        assert!(problem(&Schema { columns: leaked, ..FLAGS }).contains("column `count`"));
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let ((_a, first), (_b, second)) = (folder(), folder());
        write(&first, &FLAGS, columns(), Vec::new()).unwrap();
        write(&second, &FLAGS, columns(), Vec::new()).unwrap();
        assert_eq!(fs_err::read(&first).unwrap(), fs_err::read(&second).unwrap());
    }
}
