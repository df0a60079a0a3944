//! Tables of a page: columns that say what they hold, rows, and footnotes shared by the tables of a section.

use super::cells::{Cell, Mark};
use crate::report::words::Words;

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// What sets it apart from the others of its section, outermost first: a breakdown, values of further axes.
    pub path: Vec<String>,
    /// Its columns; the first has the titles of the rows.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// The columns beside it with the same group stand together under it: the data set.
    pub group: Option<Words>,
    /// Its title under that.
    pub title: Words,
    /// Its footnotes.
    pub marks: Vec<Mark>,
    /// On which side it is flush.
    pub align: Align,
    /// What it holds.
    pub holds: Holds,
}

/// What a column holds, for scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// The names of the rows.
    Names,
    /// Our numbers of a value on the axis of the columns: of a metric, and of a group of samples where they are broken
    /// down; or the statistics of a data set.
    Ours {
        /// The value on the axis.
        column: String,
        /// The metric: `hit@20`; nothing for statistics.
        metric: Option<String>,
        /// The group of samples.
        group: Option<String>,
    },
    /// What the paper printed for the numbers before it.
    Paper,
    /// Ours less the paper's.
    Difference,
    /// Something else, which the title says.
    Other,
}

/// On which side a column of a table is flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A row.
#[derive(Debug, Clone)]
pub struct Row {
    /// What scripts call it: the value on the axis of the rows.
    pub key: String,
    /// Its cells, one for each column.
    pub cells: Vec<Cell>,
    /// Whether it speaks of the columns, and is no value like the other rows.
    pub apart: bool,
}

impl Column {
    /// A column that no group holds.
    pub fn new(title: impl Into<Words>, align: Align, holds: Holds) -> Self {
        Self { group: None, title: title.into(), marks: Vec::new(), align, holds }
    }

    /// Whether the group belongs to the title where no group stands above it: it does before our own numbers.
    pub fn names_group(&self) -> Option<&Words> {
        self.group.as_ref().filter(|_| matches!(self.holds, Holds::Ours { .. }))
    }
}

impl Row {
    /// A row that begins with its name.
    pub fn named(key: impl Into<String>, name: Cell) -> Self {
        Self { key: key.into(), cells: vec![name], apart: false }
    }
}

/// Remarks under a table, numbered in the order of their marks; equal remarks share a mark.
#[derive(Debug, Default)]
pub struct Footnotes {
    texts: Vec<Words>,
}

impl Footnotes {
    /// The mark of a remark.
    pub fn mark(&mut self, text: impl Into<Words>) -> Mark {
        let text = text.into();
        let at = self.texts.iter().position(|known| *known == text).unwrap_or_else(|| {
            self.texts.push(text);
            self.texts.len() - 1
        });
        at + 1
    }

    /// The remarks as a block; nothing when there are none.
    pub fn block(self) -> Option<super::Block> {
        (!self.texts.is_empty()).then_some(super::Block::Footnotes(self.texts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_remarks_share_a_mark() {
        let mut footnotes = Footnotes::default();
        assert_eq!(["one", "two", "one"].map(|text| footnotes.mark(text)), [1, 2, 1]);
        assert_eq!(footnotes.texts, [Words::from("one"), Words::from("two")]);
        assert!(Footnotes::default().block().is_none());
    }
}
