//! Parquet tables with a declared schema: name, version and columns are checked when a table is written and when it
//! is read, so that a stage never meets a table that it was not written for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, LargeStringArray, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field as ArrowField, Int32Type, Int64Type, Schema as ArrowSchema};
use camino::{Utf8Path, Utf8PathBuf};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

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
    /// Yes or no.
    Bool,
}

/// The declared shape of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// What the table is: `events`.
    pub name: &'static str,
    /// Goes up when the columns change.
    pub version: u32,
    /// The columns, in their order.
    pub columns: &'static [(&'static str, Type)],
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

/// A column of text, kept as one stretch of bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Text(LargeStringArray);

impl Text {
    /// A column in which no row is missing.
    pub fn full<S: AsRef<str>>(rows: impl IntoIterator<Item = S>) -> Self {
        Self(LargeStringArray::from_iter_values(rows))
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a row, if it has one.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }

    /// The text of a row in a column that is never missing; empty where it is.
    pub fn at(&self, row: usize) -> &str {
        self.get(row).unwrap_or_default()
    }

    /// The rows, first to last.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter()
    }

    /// How many rows have no text.
    pub fn missing(&self) -> usize {
        self.0.null_count()
    }

    /// These rows, in this order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        rows.iter().map(|row| self.get(*row)).collect()
    }

    /// A column of the same length in which every row is missing.
    pub fn absent(rows: usize) -> Self {
        Self(LargeStringArray::new_null(rows))
    }
}

impl<S: AsRef<str>> FromIterator<Option<S>> for Text {
    fn from_iter<I: IntoIterator<Item = Option<S>>>(rows: I) -> Self {
        Self(rows.into_iter().collect())
    }
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Text, optional or not.
    Text(Text),
    /// Whole numbers of 64 bits.
    Int64(Vec<i64>),
    /// Whole numbers of 32 bits.
    Int32(Vec<i32>),
    /// Yes or no.
    Bool(Vec<bool>),
}

impl Column {
    fn into_arrow(self) -> ArrayRef {
        match self {
            Self::Text(text) => Arc::new(text.0),
            Self::Int64(values) => Arc::new(Int64Array::from(values)),
            Self::Int32(values) => Arc::new(Int32Array::from(values)),
            Self::Bool(values) => Arc::new(BooleanArray::from(values)),
        }
    }

    /// The column of an array whose type has been checked.
    fn from_arrow(array: &ArrayRef) -> Self {
        match array.data_type() {
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values().to_vec()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().values().to_vec()),
            DataType::Boolean => Self::Bool(array.as_boolean().values().iter().collect()),
            _ => Self::Text(Text(array.as_string::<i64>().clone())),
        }
    }
}

/// A table that has been read: its columns by name.
#[derive(Debug)]
pub struct Table {
    columns: BTreeMap<String, Column>,
    further: Vec<String>,
}

impl Table {
    /// Takes a column of text out.
    ///
    /// # Panics
    /// When the schema declares no such column.
    pub fn text(&mut self, name: &str) -> Text {
        match self.columns.remove(name) {
            Some(Column::Text(values)) => values,
            other => panic!("the schema declares no text `{name}`: {other:?}"),
        }
    }

    /// Takes a column of 64-bit numbers out.
    ///
    /// # Panics
    /// When the schema declares no such column.
    pub fn int64(&mut self, name: &str) -> Vec<i64> {
        match self.columns.remove(name) {
            Some(Column::Int64(values)) => values,
            other => panic!("the schema declares no int64 `{name}`: {other:?}"),
        }
    }

    /// Takes a column of 32-bit numbers out.
    ///
    /// # Panics
    /// When the schema declares no such column.
    pub fn int32(&mut self, name: &str) -> Vec<i32> {
        match self.columns.remove(name) {
            Some(Column::Int32(values)) => values,
            other => panic!("the schema declares no int32 `{name}`: {other:?}"),
        }
    }

    /// Takes a column of switches out.
    ///
    /// # Panics
    /// When the schema declares no such column.
    pub fn bool(&mut self, name: &str) -> Vec<bool> {
        match self.columns.remove(name) {
            Some(Column::Bool(values)) => values,
            other => panic!("the schema declares no bool `{name}`: {other:?}"),
        }
    }

    /// Takes the columns out that an open schema leaves to the data, in the order of the file.
    pub fn further(&mut self) -> Vec<(String, Text)> {
        let names = std::mem::take(&mut self.further);
        names.into_iter().map(|name| (name.clone(), self.text(&name))).collect()
    }
}

/// Writes a table in pieces, so that a log of any size passes through.
pub struct TableWriter {
    path: Utf8PathBuf,
    schema: Arc<ArrowSchema>,
    writer: ArrowWriter<fs_err::File>,
}

impl TableWriter {
    /// Begins a table. `further` names the columns that an open schema leaves to the data.
    ///
    /// # Errors
    /// When the file cannot be made.
    ///
    /// # Panics
    /// When `further` is given for a schema that is not open.
    pub fn create(path: &Utf8Path, schema: &Schema, further: &[&str]) -> Result<Self, TableError> {
        assert!(schema.open || further.is_empty(), "the table `{}` takes no further columns", schema.name);
        let declared = schema.columns.iter().copied();
        let fields: Vec<ArrowField> = declared
            .chain(further.iter().map(|name| (*name, Type::OptionalText)))
            .map(|(name, of)| ArrowField::new(name, data_type(of), of == Type::OptionalText))
            .collect();
        let metadata = HashMap::from([(IDENTITY_KEY.to_owned(), identity(schema))]);
        let arrow = Arc::new(ArrowSchema::new_with_metadata(fields, metadata));
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let file = fs_err::File::create(path)?;
        let writer =
            ArrowWriter::try_new(file, Arc::clone(&arrow), Some(properties)).map_err(|e| parquet_error(path, e))?;
        Ok(Self { path: path.to_owned(), schema: arrow, writer })
    }

    /// Adds rows: one column of values for each column of the table, in its order.
    ///
    /// # Errors
    /// When the file cannot be written.
    ///
    /// # Panics
    /// When the columns are not those that were declared, or differ in length.
    pub fn append(&mut self, columns: Vec<Column>) -> Result<(), TableError> {
        let arrays = columns.into_iter().map(Column::into_arrow).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .unwrap_or_else(|error| panic!("rows do not fit the declared schema of `{}`: {error}", self.path));
        self.writer.write(&batch).map_err(|e| parquet_error(&self.path, e))
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> Result<(), TableError> {
        self.writer.close().map_err(|e| parquet_error(&self.path, e))?;
        Ok(())
    }
}

/// Writes a whole table: the declared columns, then the further ones of an open schema.
///
/// # Errors
/// When the file cannot be written.
pub fn write(
    path: &Utf8Path,
    schema: &Schema,
    columns: Vec<Column>,
    further: Vec<(String, Text)>,
) -> Result<(), TableError> {
    let (names, texts): (Vec<String>, Vec<Text>) = further.into_iter().unzip();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut writer = TableWriter::create(path, schema, &names)?;
    writer.append(columns.into_iter().chain(texts.into_iter().map(Column::Text)).collect())?;
    writer.finish()
}

/// Reads a whole table and checks it against its schema.
///
/// # Errors
/// When there is no such file, it is damaged, or it is another table.
pub fn read(path: &Utf8Path, schema: &Schema) -> Result<Table, TableError> {
    let file = fs_err::File::open(path)?.into_file();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| parquet_error(path, e))?;
    let arrow = Arc::clone(builder.schema());
    check(&arrow, schema).map_err(|problem| TableError::Mismatch {
        path: path.to_owned(),
        table: identity(schema),
        problem,
    })?;
    let mut batches = Vec::new();
    for batch in builder.build().map_err(|e| parquet_error(path, e))? {
        batches.push(batch.map_err(|e| parquet_error(path, e.into()))?);
    }
    let mut columns = BTreeMap::new();
    for (index, field) in arrow.fields().iter().enumerate() {
        let pieces: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
        let whole = match pieces[..] {
            [] => arrow::array::new_empty_array(field.data_type()),
            _ => concat(&pieces).map_err(|e| parquet_error(path, e.into()))?,
        };
        columns.insert(field.name().clone(), Column::from_arrow(&whole));
    }
    let further = arrow.fields().iter().skip(schema.columns.len()).map(|field| field.name().clone()).collect();
    Ok(Table { columns, further })
}

fn check(arrow: &ArrowSchema, schema: &Schema) -> Result<(), String> {
    match arrow.metadata().get(IDENTITY_KEY) {
        Some(found) if *found == identity(schema) => {}
        Some(found) => return Err(format!("it says that it is `{found}`")),
        None => return Err("it does not say what it is".into()),
    }
    let (found, declared) = (arrow.fields(), schema.columns);
    if found.len() < declared.len() || (found.len() > declared.len() && !schema.open) {
        return Err(format!("it has {} columns, not {}", found.len(), declared.len()));
    }
    let further = found.iter().skip(declared.len()).map(|field| (field.name().as_str(), Type::OptionalText));
    for (field, (name, of)) in found.iter().zip(declared.iter().copied().chain(further)) {
        if field.name() != name || *field.data_type() != data_type(of) {
            return Err(format!("column `{}` of {} stands where `{name}` should", field.name(), field.data_type()));
        }
        if field.is_nullable() && of != Type::OptionalText {
            return Err(format!("column `{name}` may be missing"));
        }
    }
    Ok(())
}

fn data_type(of: Type) -> DataType {
    match of {
        Type::Text | Type::OptionalText => DataType::LargeUtf8,
        Type::Int64 => DataType::Int64,
        Type::Int32 => DataType::Int32,
        Type::Bool => DataType::Boolean,
    }
}

fn identity(schema: &Schema) -> String {
    format!("{} {}", schema.name, schema.version)
}

pub(super) fn parquet_error(path: &Utf8Path, source: ParquetError) -> TableError {
    TableError::Parquet { path: path.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: Schema = Schema {
        name: "flags",
        version: 1,
        columns: &[("item", Type::Text), ("count", Type::Int64), ("id", Type::Int32), ("cold", Type::Bool)],
        open: true,
    };

    fn columns() -> Vec<Column> {
        vec![
            Column::Text(Text::full(["a", "é,\n\""])),
            Column::Int64(vec![i64::MIN, 7]),
            Column::Int32(vec![-1, i32::MAX]),
            Column::Bool(vec![true, false]),
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
        let other = [("item", Type::Text), ("count", Type::Int32), ("id", Type::Int32), ("cold", Type::Bool)];
        let leaked: &'static [(&str, Type)] = Box::leak(Box::new(other));
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
