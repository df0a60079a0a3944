//! A page as LaTeX: its tables of results, breakdowns and claims, each with its caption and its footnotes below it, and
//! after them what a reader has to know. They compile in any class, with `booktabs` and `graphicx`.

use crate::report::page::{Align, Block, Cell, Column, Content, Kind, Mark, Page, Place, Section, Table};
use crate::report::words::{Span, Words, inline};

/// A column of words is set in lines of its own where the longest entry has more letters than this.
const LONG_WORDS: usize = 32;

/// What all columns that are set in lines of their own have of the line together.
const SHARE_OF_WORDS: f64 = 0.6;

/// A table that is wider than the line is made smaller, and no other.
const FIT: &str = "\\providecommand{\\srpfit}[1]{\\sbox0{#1}\\ifdim\\wd0>\\linewidth\\resizebox{\\linewidth}{!}{\\usebox0}\\else\\usebox0\\fi}";

/// A table with more columns is set in small letters, over the whole width of the page.
const MOST_COLUMNS: usize = 8;

/// The file: a comment that says what made it, then the tables.
pub(super) fn render(page: &Page) -> String {
    let mut lines = vec![
        "% Tables for \\input{...}; the preamble needs \\usepackage{booktabs,graphicx}.".to_owned(),
        "% What made them:".to_owned(),
    ];
    lines.extend(page.origin.lines().into_iter().map(|line| format!("%   {line}")));
    lines.extend([String::new(), FIT.to_owned()]);
    let mut written = Written { page, tables: 0, written: Vec::new() };
    for section in &page.sections {
        if matches!(section.kind, Kind::Results | Kind::Breakdowns | Kind::Claims) {
            written.section(section);
        }
    }
    lines.extend(written.written.into_iter().map(|part| format!("\n{part}")));
    lines.join("\n") + "\n"
}

/// The tables as far as they are written, and the words after those of a section.
struct Written<'a> {
    page: &'a Page,
    tables: usize,
    written: Vec<String>,
}

impl Written<'_> {
    /// The tables of a section. What stands before the first belongs to each caption; the other words follow the last
    /// table, outside of it, since what floats cannot be broken over pages.
    fn section(&mut self, section: &Section) {
        let (mut warnings, mut headings, mut below) = (Vec::new(), Vec::new(), Vec::new());
        let mut tables: Vec<(String, &Table)> = Vec::new();
        let mut footnotes: &[Words] = &[];
        for block in &section.blocks {
            match block {
                Block::Heading(depth, words) => {
                    headings.truncate(depth - 1);
                    headings.push(text(words));
                }
                Block::Warning(title, words) => warnings.push(format!("\\emph{{{title}:}} {}", text(words))),
                Block::Table(table) => tables.push((headings.join(", "), table)),
                Block::Words(words) => below.push(text(words)),
                Block::Choices(of, clauses) => below.push(text(&Words::sentence(of, clauses))),
                Block::List(lines) => below.extend(lines.iter().map(text)),
                Block::Prose(prose) => below.extend(prose.split("\n\n").map(|words| text(&Words::new(words)))),
                Block::Footnotes(texts) => footnotes = texts,
                Block::Figure(_) => {}
            }
        }
        for (heading, table) in tables {
            let mut caption = escaped(&inline(self.page.title.trim_end_matches('.')));
            if section.kind == Kind::Claims {
                caption += ": claims";
            }
            if !heading.is_empty() {
                caption = format!("{caption}: {heading}");
            }
            let caption = caption.trim_end_matches('.').to_owned() + ".";
            let caption: Vec<String> = [caption].into_iter().chain(warnings.iter().cloned()).collect();
            let notes: Vec<String> = marks_of(table)
                .into_iter()
                .filter_map(|mark| Some(format!("{}{}", superscript(&[mark]), text(footnotes.get(mark - 1)?))))
                .collect();
            self.table(&caption.join(" "), table, &notes);
        }
        if !below.is_empty() {
            let lines = below.iter().map(|words| format!("  \\noindent {words}\\par"));
            self.written
                .push(Vec::from_iter(["{\\footnotesize".to_owned()].into_iter().chain(lines)).join("\n") + "\n}");
        }
    }

    fn table(&mut self, caption: &str, table: &Table, notes: &[String]) {
        let label = |name: &str| -> String {
            name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
        };
        self.tables += 1;
        let number = if self.tables == 1 { String::new() } else { format!("-{}", self.tables) };
        let widths = widths(table);
        let columns: String = table.columns.iter().zip(&widths).map(|(column, width)| set(column, *width)).collect();
        // A wide table goes over both columns of a page, in small letters.
        let wide = table.columns.len() > MOST_COLUMNS;
        let (environment, letters) =
            if wide { ("table*", "\\scriptsize\\setlength{\\tabcolsep}{3pt}") } else { ("table", "") };
        let mut lines = vec![
            format!("\\begin{{{environment}}}[tb]"),
            format!("  \\centering{letters}"),
            format!("  \\caption{{{caption}}}"),
            format!("  \\label{{tab:{}{number}}}", label(&self.page.name)),
            format!("  \\srpfit{{\\begin{{tabular}}{{{columns}}}"),
            "    \\toprule".to_owned(),
        ];
        lines.extend(groups(table));
        lines.push(row(table.columns.iter().map(|column| text(&column.title) + &superscript(&column.marks))));
        lines.push("    \\midrule".to_owned());
        for one in &table.rows {
            lines.push(row(one.cells.iter().zip(&widths).map(|(one, width)| match width {
                Some(_) => format!("{{\\raggedright {}\\par}}", cell(one)),
                None => cell(one),
            })));
        }
        lines.extend(["    \\bottomrule", "  \\end{tabular}}"].map(str::to_owned));
        if !notes.is_empty() {
            lines.extend(["", "  \\smallskip", "  \\begin{minipage}{\\linewidth}\\footnotesize"].map(str::to_owned));
            lines.extend(notes.iter().map(|note| format!("    {note}\\par")));
            lines.push("  \\end{minipage}".to_owned());
        }
        lines.push(format!("\\end{{{environment}}}"));
        self.written.push(lines.join("\n"));
    }
}

/// For each column, its share of the line where its words are set in lines of their own: the longer they are, the more.
fn widths(table: &Table) -> Vec<Option<f64>> {
    let long: Vec<Option<usize>> = (0..table.columns.len())
        .map(|at| {
            let cells = table.rows.iter().filter_map(|row| row.cells.get(at));
            let longest = cells.map(|cell| cell.content.text().chars().count()).max().unwrap_or(0);
            (table.columns[at].align == Align::Left && longest > LONG_WORDS).then_some(longest)
        })
        .collect();
    // Two columns, one with words four times as long: the root keeps the other wide enough for its own words.
    let weight = |longest: usize| (longest as f64).sqrt();
    let all: f64 = long.iter().flatten().map(|longest| weight(*longest)).sum();
    long.into_iter().map(|longest| Some(SHARE_OF_WORDS * weight(longest?) / all)).collect()
}

/// How a column is set.
fn set(column: &Column, width: Option<f64>) -> String {
    match (column.align, width) {
        (Align::Right, _) => "r".to_owned(),
        (Align::Left, Some(width)) => format!("p{{{width:.2}\\linewidth}}"),
        (Align::Left, None) => "l".to_owned(),
    }
}

/// The line of the groups of columns, with rules under them; nothing where there are none.
fn groups(table: &Table) -> Vec<String> {
    if table.columns.iter().all(|column| column.group.is_none()) {
        return Vec::new();
    }
    let (mut cells, mut rules, mut at) = (Vec::new(), Vec::new(), 1);
    for group in table.columns.chunk_by(|one, next| one.group == next.group) {
        let end = at + group.len() - 1;
        match &group[0].group {
            Some(words) => {
                cells.push(format!("\\multicolumn{{{}}}{{c}}{{{}}}", group.len(), text(words)));
                rules.push(format!("\\cmidrule(lr){{{at}-{end}}}"));
            }
            None => cells.extend(group.iter().map(|_| String::new())),
        }
        at = end + 1;
    }
    vec![row(cells.into_iter()), format!("    {}", rules.join(" "))]
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("    {} \\\\", cells.collect::<Vec<_>>().join(" & "))
}

fn cell(cell: &Cell) -> String {
    let text = match &cell.content {
        Content::Number(number) => {
            let text = escaped(&number.text());
            let text = match number.place {
                Some(Place::First) => format!("\\textbf{{{text}}}"),
                Some(Place::Second) => format!("\\underline{{{text}}}"),
                None => text,
            };
            text + if number.ahead { "{*}" } else { "" } + if number.behind { "$^\\dagger$" } else { "" }
        }
        Content::Words(words) => text(words),
        other => escaped(&other.text()),
    };
    text + &superscript(&cell.marks)
}

/// The footnotes of a table, in the order of their numbers.
fn marks_of(table: &Table) -> std::collections::BTreeSet<Mark> {
    let columns = table.columns.iter().flat_map(|column| &column.marks);
    let cells = table.rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.marks);
    columns.chain(cells).copied().collect()
}

fn superscript(marks: &[Mark]) -> String {
    let marks: Vec<String> = marks.iter().map(ToString::to_string).collect();
    if marks.is_empty() { String::new() } else { format!("\\textsuperscript{{{}}}", marks.join(",")) }
}

/// Words with their marks.
fn text(words: &Words) -> String {
    let spans = words.spans().into_iter().map(|span| match span {
        Span::Plain(text) => escaped(text),
        Span::Code(text) => format!("\\texttt{{{}}}", escaped(text)),
        Span::Strong(text) => format!("\\textbf{{{}}}", escaped(text)),
        Span::Underlined(text) => format!("\\underline{{{}}}", escaped(text)),
    });
    spans.collect()
}

/// Text in which nothing is a command. A bracket or a star after the end of a row would be one.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '[' | ']' | '*' => escaped.extend(['{', letter, '}']),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '"' => escaped.push_str("''"),
            '±' => escaped.push_str("$\\pm$"),
            '−' => escaped.push_str("$-$"),
            '–' => escaped.push_str("--"),
            '…' => escaped.push_str("\\dots{}"),
            'Δ' => escaped.push_str("$\\Delta$"),
            '†' => escaped.push_str("$^\\dagger$"),
            '×' => escaped.push_str("$\\times$"),
            '·' => escaped.push_str("$\\cdot$"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
