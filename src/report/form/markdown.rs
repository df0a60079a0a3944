//! A page as markdown that reads well raw: tables are padded.

use crate::report::page::{Align, Block, Cell, Column, Content, Mark, Page, Place, Section, Table};
use crate::report::words::{Span, Words, inline};

/// The file.
pub(in crate::report) fn render(page: &Page) -> String {
    let title = format!("# {}", page.title);
    let sections = page.sections.iter().map(section).filter(|section| !section.is_empty());
    [title].into_iter().chain(sections).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// A section under its heading.
pub(in crate::report) fn section(section: &Section) -> String {
    let heading = section.kind.heading().map(|heading| format!("## {heading}"));
    heading.into_iter().chain(section.blocks.iter().flat_map(block)).collect::<Vec<_>>().join("\n\n")
}

/// A block, in one piece or more.
fn block(block: &Block) -> Vec<String> {
    match block {
        Block::Heading(depth, words) => vec![format!("##{} {}", "#".repeat(*depth), written(words))],
        Block::Warning(title, words) => vec![format!("> **{title}.** {}", written(words))],
        Block::Words(words) => {
            // A star at the beginning would open a list.
            let text = written(words);
            vec![text.strip_prefix("* ").map(|rest| format!("\\* {rest}")).unwrap_or(text)]
        }
        Block::Choices(of, clauses) => vec![written(&Words::sentence(of, clauses))],
        Block::Prose(text) => vec![text.trim().to_owned()],
        Block::List(lines) => vec![listed(lines.iter().map(written))],
        Block::Table(table) => vec![grid(table)],
        Block::Footnotes(texts) => {
            let lines = texts.iter().enumerate();
            vec![listed(lines.map(|(at, text)| format!("[{}] {}", at + 1, written(text))))]
        }
        Block::Figure(figure) => {
            let link =
                figure.file.as_ref().map(|(name, _)| format!("![{}]({})", alternative(&figure.title), target(name)));
            let title = inline(figure.title.trim_end_matches('.'));
            let caption = format!("**Figure {}.** {}. {}", figure.number, escaped(&title), written(&figure.caption));
            link.into_iter().chain([caption]).collect()
        }
    }
}

fn listed(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")
}

/// Words with their marks.
fn written(words: &Words) -> String {
    let spans = words.spans().into_iter().map(|span| match span {
        Span::Plain(text) => escaped(text),
        Span::Code(text) => format!("`{}`", text.replace('|', "\\|")),
        Span::Strong(text) => format!("**{}**", escaped(text)),
        Span::Underlined(text) => format!("<u>{}</u>", escaped(text)),
    });
    spans.collect()
}

/// Text in which no bar ends the cell of a table and nothing opens a tag.
pub(in crate::report) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied().unwrap_or(' ');
        match letter {
            '|' => escaped.push_str("\\|"),
            '<' if next.is_ascii_alphabetic() || "/!?".contains(next) => escaped.push_str("&lt;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn grid(grid: &Table) -> String {
    let header: Vec<(String, Align)> = grid.columns.iter().map(|column| (title(column), column.align)).collect();
    let rows: Vec<Vec<String>> = grid.rows.iter().map(|row| row.cells.iter().map(cell).collect()).collect();
    table(&header, &rows)
}

fn title(column: &Column) -> String {
    let group = column.names_group().map(|group| written(group) + " ").unwrap_or_default();
    format!("{group}{}{}", written(&column.title), marked(&column.marks))
}

fn cell(cell: &Cell) -> String {
    let text = match &cell.content {
        Content::Number(number) => {
            let text = number.text();
            let text = match number.place {
                Some(Place::First) => format!("**{text}**"),
                Some(Place::Second) => format!("<u>{text}</u>"),
                None => text,
            };
            text + if number.ahead { " *" } else { "" } + if number.behind { " †" } else { "" }
        }
        Content::Words(words) => written(words),
        other => other.text(),
    };
    text + &marked(&cell.marks)
}

fn marked(marks: &[Mark]) -> String {
    marks.iter().map(|mark| format!(" [{mark}]")).collect()
}

/// What stands in place of a picture that is not shown.
fn alternative(title: &str) -> String {
    escaped(&inline(title).replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]"))
}

/// A file name as the target of a link.
fn target(file: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if file.chars().all(plain) {
        file.to_owned()
    } else {
        format!("<{}>", file.replace('<', "%3C").replace('>', "%3E"))
    }
}

/// A table with its columns padded to one width. Bars of its cells are escaped already.
pub(in crate::report) fn table(header: &[(String, Align)], rows: &[Vec<String>]) -> String {
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
    fn text_of_a_person_breaks_no_table_and_opens_no_tag() {
        assert_eq!(written(&"a | b\nc `d|e` <script> 1 < 2".into()), "a \\| b c `d\\|e` &lt;script> 1 < 2");
        assert_eq!(alternative("a [b]\\"), "a \\[b\\]\\\\");
    }

    #[test]
    fn the_name_of_a_file_cannot_end_its_link() {
        assert_eq!(target("a b)-curves.svg"), "<a b)-curves.svg>");
        assert_eq!(target("a-curves.svg"), "a-curves.svg");
    }
}
