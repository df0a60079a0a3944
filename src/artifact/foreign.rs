//! Parquet files of other programs, read piece by piece as text: whatever a column holds becomes what a text file
//! would hold, so that one reader of rows serves both.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::{Array, ArrayRef, AsArray, LargeBinaryArray, make_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use camino::{Utf8Path, Utf8PathBuf};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::table::{TableError, parquet_error};

/// Rows of a piece.
const PIECE: usize = 1 << 13;

/// Why a Parquet file of another program cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// The file cannot be read, or is damaged.
    #[error(transparent)]
    Table(#[from] TableError),
    /// It has no column of this name.
    #[error("`{path}` has no column `{column}`")]
    NoColumn {
        /// The file.
        path: Utf8PathBuf,
        /// The name that was asked for.
        column: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// A column holds what no field of a text file could.
    #[error("`{column}` of `{path}` holds {held}, which cannot be read as a name, a number or a time")]
    NoText {
        /// The file.
        path: Utf8PathBuf,
        /// The column.
        column: String,
        /// Its type, as Arrow calls it.
        held: String,
    },
}

/// Rows as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextPiece {
    bytes: Vec<u8>,
    /// Row after row, for each column where its text ends; a comma stands behind each.
    ends: Vec<usize>,
    /// Rows with a value that is too long to be read, by their place in the piece.
    pub overlong: Vec<usize>,
    columns: usize,
    rows: usize,
}

impl TextPiece {
    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The bytes of a row, and for each column where in them its text stands.
    pub fn row(&self, row: usize) -> (&[u8], impl Iterator<Item = std::ops::Range<usize>>) {
        let ends = &self.ends[row * self.columns..(row + 1) * self.columns];
        let start = if row == 0 { 0 } else { self.ends[row * self.columns - 1] + 1 };
        let starts = std::iter::once(start).chain(ends.iter().map(|end| end + 1));
        let end = ends.last().copied().unwrap_or(start);
        (&self.bytes[start..end], starts.zip(ends).map(move |(from, to)| from - start..to - start))
    }
}

/// Reads some columns of a Parquet file.
pub struct ForeignReader {
    path: Utf8PathBuf,
    rows: u64,
    longest: usize,
    /// For each column that was asked for, its place among those that are read.
    places: Vec<usize>,
    /// Nothing behind an error: what comes after it makes no sense.
    pieces: Option<ParquetRecordBatchReader>,
}

/// What the Parquet reader makes of a file. Of some damages it makes a panic, which is then an error like any other.
fn guarded<T>(path: &Utf8Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, TableError> {
    let panicked = |_| Err(ParquetError::General("a page holds what its column cannot".into()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(panicked).map_err(|error| parquet_error(path, error))
}

impl ForeignReader {
    /// Opens a file of which these columns are read, each value of at most so many bytes.
    ///
    /// # Errors
    /// A file that is no Parquet or is damaged, a column that it lacks, or one that cannot be text.
    pub fn open(path: &Utf8Path, columns: &[&str], longest: usize) -> Result<Self, ForeignError> {
        let file = fs_err::File::open(path).map_err(TableError::from)?.into_file();
        let builder = guarded(path, || ParquetRecordBatchReaderBuilder::try_new(file))?;
        let schema = builder.schema();
        let mut wanted = Vec::new();
        for column in columns {
            let Some((at, field)) = schema.column_with_name(column) else {
                let known = schema.fields().iter().map(|field| field.name().clone()).collect();
                return Err(ForeignError::NoColumn { path: path.to_owned(), column: (*column).to_owned(), known });
            };
            if readable(field.data_type()).is_none() {
                let held = field.data_type().to_string();
                return Err(ForeignError::NoText { path: path.to_owned(), column: (*column).to_owned(), held });
            }
            wanted.push(at);
        }
        let mut read = wanted.clone();
        read.sort_unstable();
        read.dedup();
        let places = wanted.iter().filter_map(|at| read.binary_search(at).ok()).collect();
        let rows = builder.metadata().file_metadata().num_rows().unsigned_abs();
        let mask = ProjectionMask::roots(builder.parquet_schema(), read);
        let pieces = guarded(path, || builder.with_projection(mask).with_batch_size(PIECE).build())?;
        Ok(Self { path: path.to_owned(), rows, longest, places, pieces: Some(pieces) })
    }

    /// How many rows the file has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn piece(&self, columns: &[ArrayRef], rows: usize) -> Result<TextPiece, ForeignError> {
        let as_text = |array: &ArrayRef| {
            let Some(as_bytes) = readable(array.data_type()) else { return Ok(None) };
            // Numbers and times become text first, text becomes the bytes that it is.
            let text = if as_bytes { array.clone() } else { cast(&without_zone(array)?, &DataType::LargeUtf8)? };
            let bytes = cast(&text, &DataType::LargeBinary)?;
            let number = array.data_type().is_floating();
            Ok(Some((bytes.as_binary::<i64>().clone(), number)))
        };
        let cast: Result<Vec<Option<(LargeBinaryArray, bool)>>, arrow::error::ArrowError> =
            columns.iter().map(as_text).collect();
        let columns = cast.map_err(|error| parquet_error(&self.path, error.into()))?;
        let mut piece = TextPiece { columns: self.places.len(), rows, ..TextPiece::default() };
        for row in 0..rows {
            for place in &self.places {
                if let Some((values, number)) = columns[*place].as_ref().filter(|(values, _)| values.is_valid(row)) {
                    let value = values.value(row);
                    // A program that has no missing whole numbers writes `7.0` for 7.
                    let value = if *number { value.strip_suffix(b".0").unwrap_or(value) } else { value };
                    if value.len() <= self.longest {
                        piece.bytes.extend_from_slice(value);
                    } else if piece.overlong.last() != Some(&row) {
                        piece.overlong.push(row);
                    }
                }
                piece.ends.push(piece.bytes.len());
                piece.bytes.push(b',');
            }
        }
        Ok(piece)
    }
}

impl Iterator for ForeignReader {
    type Item = Result<TextPiece, ForeignError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut pieces = self.pieces.take()?;
        match guarded(&self.path, || Ok(pieces.next().transpose()?)) {
            Ok(None) => None,
            Ok(Some(batch)) => {
                self.pieces = Some(pieces);
                Some(self.piece(batch.columns(), batch.num_rows()))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// A time with a zone is kept as the moment that it is: the same number, read as UTC.
fn without_zone(array: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    let DataType::Timestamp(unit, Some(_)) = array.data_type() else { return Ok(array.clone()) };
    let data = array.to_data().into_builder().data_type(DataType::Timestamp(*unit, None)).build()?;
    Ok(make_array(data))
}

/// Whether a type can be read as text, and whether it is bytes already.
fn readable(of: &DataType) -> Option<bool> {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(true),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Some(true),
        DataType::Dictionary(_, value) => readable(value),
        DataType::Boolean | DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Some(false),
        DataType::Decimal128(..) | DataType::Decimal256(..) => Some(false),
        of => of.is_numeric().then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMillisecondArray,
    };
    use arrow::datatypes::{Field, Int32Type, Schema};
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn written(columns: Vec<(&str, ArrayRef)>) -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("t.parquet")).unwrap();
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
        let mut writer = ArrowWriter::try_new(fs_err::File::create(&path).unwrap(), schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        (folder, path)
    }

    fn rows(path: &Utf8Path, columns: &[&str]) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for piece in ForeignReader::open(path, columns, 100).unwrap() {
            let piece = piece.unwrap();
            for row in 0..piece.rows() {
                let (bytes, fields) = piece.row(row);
                found.push(fields.map(|at| String::from_utf8(bytes[at].to_vec()).unwrap()).collect());
            }
        }
        found
    }

    #[test]
    fn numbers_times_and_dictionaries_become_text_and_what_is_missing_empty() {
        let clock = TimestampMillisecondArray::from(vec![Some(1_396_867_869_277), None]).with_timezone("Asia/Taipei");
        let kind: DictionaryArray<Int32Type> = vec!["view", "cart"].into_iter().collect();
        let (_folder, path) = written(vec![
            ("user", Arc::new(Float64Array::from(vec![Some(7.0), None])) as ArrayRef),
            ("item", Arc::new(Int64Array::from(vec![-3, 12]))),
            ("name", Arc::new(StringArray::from(vec!["a,b\n", "é"]))),
            ("kind", Arc::new(kind)),
            ("time", Arc::new(clock)),
        ]);
        let found = rows(&path, &["time", "item", "user", "name", "kind", "item"]);
        assert_eq!(found[0], ["2014-04-07T10:51:09.277", "-3", "7", "a,b\n", "view", "-3"]);
        assert_eq!(found[1], ["", "12", "", "é", "cart", "12"]);
    }

    #[test]
    fn a_column_that_is_not_there_or_holds_lists_is_told() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
        let (_folder, path) = written(vec![("items", Arc::new(list) as ArrayRef)]);
        let error = |column: &str| match ForeignReader::open(&path, &[column], 100) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("opened"),
        };
        assert!(error("item").contains("no column `item`"), "{}", error("item"));
        assert!(error("items").contains("holds List"), "{}", error("items"));
    }

    #[test]
    fn a_value_that_is_too_long_is_told_and_the_rest_is_read() {
        let long = "x".repeat(101);
        let (_folder, path) =
            written(vec![("item", Arc::new(StringArray::from(vec![long.as_str(), "b"])) as ArrayRef)]);
        let piece = ForeignReader::open(&path, &["item"], 100).unwrap().next().unwrap().unwrap();
        assert_eq!((piece.overlong.as_slice(), piece.row(1).0), ([0].as_slice(), b"b".as_slice()));
    }
}
