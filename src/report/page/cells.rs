//! What stands in the cells of a table: a number with its marks, words, or why there is nothing.

use crate::data::statistics::Unit;
use crate::report::words::{Words, percent, points, thousands};

/// The number of a footnote, from 1.
pub type Mark = usize;

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What stands in it.
    pub content: Content,
    /// Its footnotes.
    pub marks: Vec<Mark>,
    /// Where its number comes from, or should: a place among the sources of the page.
    pub source: Option<usize>,
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A number.
    Number(Number),
    /// Words.
    Words(Words),
    /// There is no number to print, and none is expected.
    Nothing,
    /// There should be a number; a footnote says why there is none.
    Missing,
    /// There should be a number; a footnote says what failed.
    Failed,
}

/// A number and its marks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// The number, or the mean over the seeds. Metrics and shares are fractions.
    pub value: f64,
    /// The sample standard deviation over the seeds; nothing with one.
    pub deviation: Option<f64>,
    /// Between which two numbers it lies with a probability of 95 %.
    pub bounds: Option<[f64; 2]>,
    /// How it is printed.
    pub print: Print,
    /// Which of its column it is.
    pub place: Option<Place>,
    /// Whether it is ahead of the second by more than chance.
    pub ahead: bool,
    /// Whether it is not ahead of the best floor.
    pub behind: bool,
}

/// A place that is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The best.
    First,
    /// The second.
    Second,
}

impl Place {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "best",
            Self::Second => "second",
        }
    }
}

/// How a number is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Print {
    /// A fraction in per cent: `20.63`.
    Percent,
    /// A difference of fractions in points, with its sign: `+1.68`.
    Points,
    /// A fraction of another number, with its sign: `+4.21 %`.
    Relative,
    /// A statistic: `12,195`, `5.227`, `28.80 %`.
    Statistic(Unit),
    /// A difference of statistics, with its sign.
    Difference(Unit),
    /// A probability: `0.012`, `< 0.001`.
    Probability,
    /// A number between -1 and 1 or a little beyond, with its sign: `+0.62`.
    Effect,
    /// A number with three decimals: `0.123`, `−0.020`.
    Thousandths,
}

impl Number {
    /// A number without marks.
    pub fn new(value: f64, print: Print) -> Self {
        Self { value, deviation: None, bounds: None, print, place: None, ahead: false, behind: false }
    }

    /// As it is printed, without marks: `20.63 ± 0.41`, `+1.68 [+0.20, +3.11]`.
    pub fn text(&self) -> String {
        let written = |value: f64| self.print.text(value);
        let deviation = self.deviation.map(|deviation| format!(" ± {}", written(deviation)));
        let bounds = self.bounds.map(|[low, high]| format!(" [{}, {}]", written(low), written(high)));
        written(self.value) + &deviation.unwrap_or_default() + &bounds.unwrap_or_default()
    }
}

impl Print {
    fn text(self, value: f64) -> String {
        match self {
            Self::Percent => percent(value),
            Self::Points => points(100.0 * value),
            Self::Relative => format!("{} %", points(100.0 * value)),
            Self::Statistic(unit) => statistic(unit, value),
            Self::Difference(unit) => difference(unit, value),
            // No false zero.
            Self::Probability if value < 0.001 => "< 0.001".to_owned(),
            Self::Probability => format!("{value:.3}"),
            Self::Effect => points(value),
            Self::Thousandths => format!("{value:.3}").replace('-', "−"),
        }
    }
}

impl Content {
    /// What is printed, without marks.
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.text(),
            Self::Words(words) => words.plain(),
            Self::Nothing => "–".to_owned(),
            Self::Missing => "missing".to_owned(),
            Self::Failed => "failed".to_owned(),
        }
    }
}

impl Cell {
    /// A cell without footnotes.
    pub fn new(content: Content) -> Self {
        Self { content, marks: Vec::new(), source: None }
    }

    /// Words.
    pub fn words(words: impl Into<Words>) -> Self {
        Self::new(Content::Words(words.into()))
    }

    /// A number without marks; the dash where there is none.
    pub fn number(value: Option<f64>, print: Print) -> Self {
        Self::new(value.map_or(Content::Nothing, |value| Content::Number(Number::new(value, print))))
    }

    /// The same cell with a footnote more.
    #[must_use]
    pub fn marked(mut self, mark: Option<Mark>) -> Self {
        self.marks.extend(mark);
        self
    }

    /// The same cell with its source.
    #[must_use]
    pub fn from(mut self, source: Option<usize>) -> Self {
        self.source = source;
        self
    }
}

/// A statistic as it is printed; a share is a fraction.
pub(in crate::report) fn statistic(unit: Unit, number: f64) -> String {
    match unit {
        Unit::Count => grouped(&format!("{number:.0}")),
        Unit::Mean => grouped(&format!("{number:.3}")),
        Unit::Share => format!("{} %", percent(number)),
    }
}

/// A difference of statistics as it is printed, always with its sign: `+54`, `−0.103`, `0` where nothing is left of it; of
/// shares, in points.
fn difference(unit: Unit, difference: f64) -> String {
    if unit == Unit::Share {
        return points(100.0 * difference);
    }
    let digits = statistic(unit, difference.abs());
    if digits.chars().all(|digit| ['0', '.'].contains(&digit)) {
        return digits;
    }
    format!("{}{digits}", if difference < 0.0 { "−" } else { "+" })
}

/// `12195.5` with its thousands set apart: `12,195.5`.
fn grouped(number: &str) -> String {
    match number.split_once('.') {
        Some((whole, part)) => format!("{}.{part}", thousands(whole)),
        None => thousands(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_by_what_they_count() {
        assert_eq!(statistic(Unit::Count, 7_377_418.0), "7,377,418");
        assert_eq!(statistic(Unit::Mean, 1234.5678), "1,234.568");
        assert_eq!(statistic(Unit::Share, 0.288_01), "28.80 %");
        assert_eq!(Number::new(0.0421, Print::Relative).text(), "+4.21 %");
        assert_eq!([0.04, 0.0004].map(|p| Number::new(p, Print::Probability).text()), ["0.040", "< 0.001"]);
    }

    #[test]
    fn a_difference_has_its_sign_and_none_has_nothing() {
        assert_eq!([54.0, -1054.0, 0.0].map(|count| difference(Unit::Count, count)), ["+54", "−1,054", "0"]);
        assert_eq!([0.149, -0.103, 0.0004].map(|mean| difference(Unit::Mean, mean)), ["+0.149", "−0.103", "0.000"]);
        assert_eq!(difference(Unit::Share, -0.1165), "−11.65");
    }
}
