//! Markdown that reads well raw: padded tables, and numbers and words as they are printed.

pub(super) use crate::unit::thousands;

/// On which side a column of a table is flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A table with its columns padded to one width.
pub(super) fn table(header: &[(String, Align)], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(i, (title, _))| rows.iter().map(|row| width(&row[i])).chain([width(title), 3]).max().unwrap_or(3))
        .collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).zip(header).map(|((cell, wanted), (_, align))| {
            let space = " ".repeat(wanted - width(cell));
            match align {
                Align::Left => format!("{cell}{space}"),
                Align::Right => format!("{space}{cell}"),
            }
        });
        format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule = header.iter().zip(&widths).map(|((_, align), width)| match align {
        Align::Left => "-".repeat(*width),
        Align::Right => format!("{}:", "-".repeat(width - 1)),
    });
    let mut lines = vec![line(header.iter().map(|(title, _)| title.as_str()).collect())];
    lines.push(format!("| {} |", rule.collect::<Vec<_>>().join(" | ")));
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Text of a person for a cell of a table or a line of a list: one line, and no bar that would end the cell.
pub(super) fn inline(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Text between backticks.
pub(super) fn code(text: &str) -> String {
    format!("`{text}`")
}

/// The first 12 characters of a digest: enough to tell two apart, short enough to read.
pub(super) fn short(digest: &str) -> &str {
    digest.char_indices().nth(12).map_or(digest, |(end, _)| &digest[..end])
}

/// A fraction in per cent with two decimals.
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.2}", 100.0 * fraction)
}

/// A difference in points, always with its sign: `+1.68`, `−0.12`, and `0.00` when nothing is left of it.
pub(super) fn points(difference: f64) -> String {
    match format!("{difference:+.2}").as_str() {
        "+0.00" | "-0.00" => "0.00".to_owned(),
        signed => signed.replace('-', "−"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 seed`, `2 seeds`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// Remarks under a table, numbered in the order of their marks; equal remarks share a mark.
#[derive(Debug, Default)]
pub(super) struct Footnotes {
    texts: Vec<String>,
}

impl Footnotes {
    /// The mark of a remark, with the space before it: ` [1]`.
    pub(super) fn mark(&mut self, text: String) -> String {
        let at = self.texts.iter().position(|known| *known == text).unwrap_or_else(|| {
            self.texts.push(text);
            self.texts.len() - 1
        });
        format!(" [{}]", at + 1)
    }

    /// The remarks as a list; empty when there are none.
    pub(super) fn render(&self) -> String {
        let lines = self.texts.iter().enumerate().map(|(i, text)| format!("- [{}] {text}", i + 1));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_padded_to_one_width_and_numbers_stand_flush_right() {
        let header = [("model".to_owned(), Align::Left), ("hit".to_owned(), Align::Right)];
        let rows = [vec!["SR-GNN".to_owned(), "1.00".to_owned()], vec!["é".to_owned(), "22.00".to_owned()]];
        let expected = "| model  |   hit |\n| ------ | ----: |\n| SR-GNN |  1.00 |\n| é      | 22.00 |";
        assert_eq!(table(&header, &rows), expected);
    }

    #[test]
    fn numbers_are_printed_for_people() {
        assert_eq!([0, 999, 1000, 12195, 1_234_567].map(thousands), ["0", "999", "1,000", "12,195", "1,234,567"]);
        assert_eq!([1.684, -0.12, 0.001, -0.001].map(points), ["+1.68", "−0.12", "0.00", "0.00"]);
        assert_eq!(percent(0.206_31), "20.63");
    }

    #[test]
    fn text_of_a_person_cannot_break_a_table() {
        assert_eq!(inline("a | b\nc"), "a \\| b c");
    }

    #[test]
    fn equal_remarks_share_a_mark() {
        let mut footnotes = Footnotes::default();
        let marks = ["one", "two", "one"].map(|text| footnotes.mark(text.to_owned()));
        assert_eq!(marks, [" [1]", " [2]", " [1]"]);
        assert_eq!(footnotes.render(), "- [1] one\n- [2] two");
    }
}
