//! Parquet files for other programs: their columns are known only when they are written, and any value may be missing.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, RecordBatch};
use arrow::datatypes::{Field, Schema};
use camino::Utf8Path;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use super::table::{TableError, parquet_error};

/// A column of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub enum SheetColumn {
    /// Text.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
    /// Yes or no.
    Switch(Vec<Option<bool>>),
}

/// Writes a sheet: columns of one length, by name.
///
/// # Errors
/// When the file cannot be written, or the columns differ in length.
pub fn write(path: &Utf8Path, columns: Vec<(String, SheetColumn)>) -> Result<(), TableError> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|(name, column)| {
            let array: ArrayRef = match column {
                SheetColumn::Text(values) => Arc::new(LargeStringArray::from(values)),
                SheetColumn::Whole(values) => Arc::new(Int64Array::from(values)),
                SheetColumn::Number(values) => Arc::new(Float64Array::from(values)),
                SheetColumn::Switch(values) => Arc::new(BooleanArray::from(values)),
            };
            (Field::new(name, array.data_type().clone(), true), array)
        })
        .unzip();
    let schema = Arc::new(Schema::new(fields));
    let failed = |error: ParquetError| parquet_error(path, error);
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|error| failed(error.into()))?;
    let mut writer = ArrowWriter::try_new(fs_err::File::create(path)?, schema, None).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(())
}
