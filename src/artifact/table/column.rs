//! Columns in memory: text kept as one stretch of bytes, and numbers as plain vectors.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, LargeStringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

/// What stands in memory where a number that may be missing is missing.
pub const MISSING: i32 = -1;

/// A column of text, kept as one stretch of bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Text(pub(super) LargeStringArray);

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
    /// Whole numbers from 0; [`MISSING`] where there is none.
    OptionalInt32(Vec<i32>),
    /// Numbers of 64 bits.
    Float64(Vec<f64>),
    /// Yes or no.
    Bool(Vec<bool>),
}

impl Column {
    pub(super) fn into_arrow(self) -> ArrayRef {
        match self {
            Self::Text(text) => Arc::new(text.0),
            Self::Int64(values) => Arc::new(Int64Array::from(values)),
            Self::Int32(values) => Arc::new(Int32Array::from(values)),
            Self::OptionalInt32(values) => {
                let there = NullBuffer::from_iter(values.iter().map(|value| *value >= 0));
                Arc::new(Int32Array::new(values.into(), Some(there)))
            }
            Self::Float64(values) => Arc::new(Float64Array::from(values)),
            Self::Bool(values) => Arc::new(BooleanArray::from(values)),
        }
    }

    /// The column of an array whose type has been checked.
    pub(super) fn from_arrow(array: &ArrayRef, optional: bool) -> Self {
        match array.data_type() {
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values().to_vec()),
            DataType::Int32 if optional => {
                let array = array.as_primitive::<Int32Type>();
                let mut values = array.values().to_vec();
                if let Some(there) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
                    values.iter_mut().zip(there).for_each(|(value, there)| {
                        if !there {
                            *value = MISSING;
                        }
                    });
                }
                Self::OptionalInt32(values)
            }
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().values().to_vec()),
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>().values().to_vec()),
            DataType::Boolean => Self::Bool(array.as_boolean().values().iter().collect()),
            _ => Self::Text(Text(array.as_string::<i64>().clone())),
        }
    }
}
