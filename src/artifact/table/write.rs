//! Writing a table: zstd, statistics, its sort order and its identity in the file.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field as ArrowField, Schema as ArrowSchema};
use camino::{Utf8Path, Utf8PathBuf};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::column::{Column, Text};
use super::{IDENTITY_KEY, Schema, TableError, Type, data_type, identity, parquet_error};

/// Rows of a row group: what a reader holds at a time.
const ROW_GROUP: usize = 1 << 20;

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
        let declared = schema.columns.iter().map(|(name, of, _)| (*name, *of));
        let columns: Vec<(&str, Type)> =
            declared.chain(further.iter().map(|name| (*name, Type::OptionalText))).collect();
        let fields: Vec<ArrowField> =
            columns.iter().map(|(name, of)| ArrowField::new(*name, data_type(*of), of.is_optional())).collect();
        let metadata = HashMap::from([(IDENTITY_KEY.to_owned(), identity(schema))]);
        let arrow = Arc::new(ArrowSchema::new_with_metadata(fields, metadata));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .set_sorting_columns(sorting(schema));
        for (name, of) in columns {
            properties = packing(properties, name, of);
        }
        let file = fs_err::File::create(path)?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&arrow), Some(properties.build()))
            .map_err(|e| parquet_error(path, e))?;
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

/// Numbers as differences in as few bits as they need: a dictionary of them would only be built to be given up.
fn packing(properties: WriterPropertiesBuilder, name: &str, of: Type) -> WriterPropertiesBuilder {
    let path = ColumnPath::from(name);
    match of {
        Type::Int64 | Type::Int32 | Type::OptionalInt32 => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
        Type::Text | Type::OptionalText | Type::Float64 | Type::Bool => properties,
    }
}

fn sorting(schema: &Schema) -> Option<Vec<SortingColumn>> {
    let place = |wanted: &&str| schema.columns.iter().position(|(name, ..)| name == wanted);
    let columns: Vec<SortingColumn> = schema
        .sorted
        .iter()
        .filter_map(place)
        .map(|column| SortingColumn {
            column_idx: i32::try_from(column).unwrap_or(i32::MAX),
            descending: false,
            nulls_first: true,
        })
        .collect();
    (!columns.is_empty()).then_some(columns)
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
