//! Reading a table, whole or piece by piece; it is checked against its schema first.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Schema as ArrowSchema};
use camino::{Utf8Path, Utf8PathBuf};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::column::{Column, Text};
use super::{IDENTITY_KEY, Schema, TableError, Type, data_type, identity, parquet_error};

/// Rows of a piece.
const PIECE: usize = 1 << 16;

/// A table that has been read, or a piece of one: its columns by name.
#[derive(Debug)]
pub struct Table {
    rows: usize,
    columns: BTreeMap<String, Column>,
    further: Vec<String>,
}

impl Table {
    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

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

    /// Takes a column of 32-bit numbers out; [`super::MISSING`] stands where one is missing.
    ///
    /// # Panics
    /// When the schema declares no such column.
    pub fn int32(&mut self, name: &str) -> Vec<i32> {
        match self.columns.remove(name) {
            Some(Column::Int32(values) | Column::OptionalInt32(values)) => values,
            other => panic!("the schema declares no int32 `{name}`: {other:?}"),
        }
    }

    /// Takes a column of 64-bit floating-point numbers out.
    ///
    /// # Panics
    /// When the schema declares no such column.
    pub fn float64(&mut self, name: &str) -> Vec<f64> {
        match self.columns.remove(name) {
            Some(Column::Float64(values)) => values,
            other => panic!("the schema declares no float64 `{name}`: {other:?}"),
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

/// A table on disk that is read piece by piece, so that it need not fit into memory.
pub struct TableReader {
    path: Utf8PathBuf,
    rows: usize,
    arrow: Arc<ArrowSchema>,
    declared: usize,
    pieces: ParquetRecordBatchReader,
}

impl TableReader {
    /// Opens a table; every column is read.
    ///
    /// # Errors
    /// When there is no such file, it is damaged, or it is another table.
    pub fn open(path: &Utf8Path, schema: &Schema) -> Result<Self, TableError> {
        Self::open_some(path, schema, None)
    }

    /// Opens a table of which only the named columns are read.
    ///
    /// # Errors
    /// When there is no such file, it is damaged, or it is another table.
    pub fn open_columns(path: &Utf8Path, schema: &Schema, columns: &[&str]) -> Result<Self, TableError> {
        Self::open_some(path, schema, Some(columns))
    }

    fn open_some(path: &Utf8Path, schema: &Schema, columns: Option<&[&str]>) -> Result<Self, TableError> {
        let file = fs_err::File::open(path)?.into_file();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| parquet_error(path, e))?;
        let whole = Arc::clone(builder.schema());
        check(&whole, schema).map_err(|problem| TableError::Mismatch {
            path: path.to_owned(),
            table: identity(schema),
            problem,
        })?;
        let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        let mask = columns.map_or_else(ProjectionMask::all, |names| {
            ProjectionMask::columns(builder.parquet_schema(), names.iter().copied())
        });
        let declared = columns.map_or(schema.columns.len(), <[&str]>::len);
        let pieces =
            builder.with_projection(mask).with_batch_size(PIECE).build().map_err(|e| parquet_error(path, e))?;
        let arrow = arrow::array::RecordBatchReader::schema(&pieces);
        Ok(Self { path: path.to_owned(), rows, arrow, declared, pieces })
    }

    /// How many rows the table has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn table(&self, rows: usize, columns: &[ArrayRef]) -> Table {
        let named = self.arrow.fields().iter().zip(columns);
        let columns =
            named.map(|(field, array)| (field.name().clone(), Column::from_arrow(array, field.is_nullable())));
        let further = self.arrow.fields().iter().skip(self.declared).map(|field| field.name().clone());
        Table { rows, columns: columns.collect(), further: further.collect() }
    }
}

impl Iterator for TableReader {
    type Item = Result<Table, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.pieces.next()?;
        Some(match batch {
            Ok(batch) => Ok(self.table(batch.num_rows(), batch.columns())),
            Err(error) => Err(parquet_error(&self.path, error.into())),
        })
    }
}

/// Reads a whole table and checks it against its schema.
///
/// # Errors
/// When there is no such file, it is damaged, or it is another table.
pub fn read(path: &Utf8Path, schema: &Schema) -> Result<Table, TableError> {
    let mut reader = TableReader::open(path, schema)?;
    let batches: Vec<RecordBatch> =
        reader.pieces.by_ref().collect::<Result<_, _>>().map_err(|e| parquet_error(path, e.into()))?;
    let mut columns = Vec::new();
    for (index, field) in reader.arrow.fields().iter().enumerate() {
        let pieces: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
        columns.push(match pieces[..] {
            [] => arrow::array::new_empty_array(field.data_type()),
            _ => concat(&pieces).map_err(|e| parquet_error(path, e.into()))?,
        });
    }
    Ok(reader.table(reader.rows, &columns))
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
    let declared = declared.iter().map(|(name, of, _)| (*name, *of));
    for (field, (name, of)) in found.iter().zip(declared.chain(further)) {
        if field.name() != name || !is(field.data_type(), of) {
            return Err(format!("column `{}` of {} stands where `{name}` should", field.name(), field.data_type()));
        }
        if field.is_nullable() != of.is_optional() {
            let may = if field.is_nullable() { "may" } else { "can never" };
            return Err(format!("column `{name}` {may} be missing"));
        }
    }
    Ok(())
}

fn is(found: &DataType, of: Type) -> bool {
    *found == data_type(of)
}
