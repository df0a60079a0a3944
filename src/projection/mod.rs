//! Vectors of many numbers as points in the plane, and how well groups of them stand apart.
//!
//! Numbers alone: nothing here knows what a vector is of. The same input gives the same output; no chance is drawn.

mod groups;
mod pca;
mod tsne;

pub use groups::{Apartness, apartness};
pub use pca::{Components, pca};
pub use tsne::{Neighbourhood, TSne, tsne};

/// Vectors of one width, one a row `[n, d]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    width: usize,
    values: Vec<f64>,
}

impl Rows {
    /// Rows of `width` numbers out of `values`, row after row.
    ///
    /// # Panics
    /// When `width` is 0, or `values` are no whole rows.
    pub fn new(width: usize, values: Vec<f64>) -> Self {
        assert!(width > 0 && values.len().is_multiple_of(width), "{} values are no rows of {width}", values.len());
        Self { width, values }
    }

    /// How many numbers a row has, `d`.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows, `n`.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A row, `[d]`.
    pub fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.width..(at + 1) * self.width]
    }

    /// The squared Euclidean distances between all rows, `[n, n]`.
    fn squared_distances(&self) -> Vec<f64> {
        let n = self.len();
        let mut squares = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let square = self.row(i).iter().zip(self.row(j)).map(|(one, other)| (one - other).powi(2)).sum();
                squares[i * n + j] = square;
                squares[j * n + i] = square;
            }
        }
        squares
    }
}
