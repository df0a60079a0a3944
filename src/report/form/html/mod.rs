//! A page as one HTML file: every number, figure and claim, and behind each number the runs that it comes from. All of it
//! can be read without a script; the script sorts tables and shows runs in place.

mod source;

use std::fmt::Write;

use crate::report::canvas::escape;
use crate::report::frame::Document;
use crate::report::page::{Align, Block, Cell, Column, Content, Figure, Kind, Mark, Page, Place, Section, Table};
use crate::report::words::{Span, Words};

/// A name of a row with more letters than this is set in several lines.
const LONG_NAME: usize = 40;

/// The file.
pub(super) fn render(page: &Page) -> String {
    let mut body = String::new();
    let headings = page.sections.iter().filter_map(|section| Some((anchor(section.kind), section.kind.heading()?)));
    let mut headings: Vec<(&str, &str)> = headings.collect();
    headings.push(("cells", source::HEADING));
    let links = headings.iter().map(|(id, heading)| format!("<li><a href=\"#{id}\">{heading}</a></li>"));
    let links: String = links.collect();
    // What the experiment asks stands before the way to the rest.
    let (about, others): (Vec<&Section>, Vec<&Section>) =
        page.sections.iter().partition(|section| section.kind == Kind::About);
    about.iter().flat_map(|section| &section.blocks).for_each(|block| write_block(&mut body, "about", block));
    let _ = write!(body, "<nav aria-label=\"Sections\"><ul>{links}</ul></nav>\n<main>\n");
    others.into_iter().for_each(|section| write_section(&mut body, section));
    source::write_all(&mut body, &page.sources);
    body.push_str(
        "</main>\n<dialog id=\"runs\" aria-labelledby=\"runs-title\">\
         <form method=\"dialog\"><button>Close</button></form><div></div></dialog>\n",
    );
    let (style, script) = (include_str!("page.css"), Some(include_str!("page.js")));
    Document { title: &page.title, style, body: &body, script }.html()
}

/// What a section is called in links.
fn anchor(kind: Kind) -> &'static str {
    match kind {
        Kind::About => "about",
        Kind::Results => "results",
        Kind::Breakdowns => "breakdowns",
        Kind::Figures => "figures",
        Kind::Audits => "audits",
        Kind::Claims => "claims",
        Kind::Provenance => "provenance",
    }
}

fn write_section(html: &mut String, section: &Section) {
    let id = anchor(section.kind);
    let heading = section.kind.heading().unwrap_or_default();
    let _ = writeln!(
        html,
        "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n<h2 id=\"{id}-heading\">{heading}</h2>"
    );
    section.blocks.iter().for_each(|block| write_block(html, id, block));
    html.push_str("</section>\n");
}

/// A block; `section` is what links to its footnotes begin with.
fn write_block(html: &mut String, section: &str, block: &Block) {
    match block {
        Block::Heading(depth, words) => {
            let level = depth + 2;
            let _ = writeln!(html, "<h{level}>{}</h{level}>", written(words));
        }
        Block::Warning(title, words) => {
            let _ = writeln!(html, "<p class=\"warning\"><strong>{title}.</strong> {}</p>", written(words));
        }
        Block::Words(words) => {
            let _ = writeln!(html, "<p>{}</p>", written(words));
        }
        Block::Prose(text) => {
            for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
                let _ = writeln!(html, "<p>{}</p>", written(&Words::new(paragraph)));
            }
        }
        Block::Choices(of, clauses) => {
            let _ = writeln!(html, "<h3>{}</h3>\n{}", written(of), listed(clauses));
        }
        Block::List(lines) => html.push_str(&listed(lines)),
        Block::Table(table) => write_table(html, section, table),
        Block::Footnotes(texts) => {
            html.push_str("<ol class=\"notes\">\n");
            for (at, text) in texts.iter().enumerate() {
                let _ = writeln!(html, "<li id=\"{section}-note-{}\">{}</li>", at + 1, written(text));
            }
            html.push_str("</ol>\n");
        }
        Block::Figure(figure) => write_figure(html, figure),
    }
}

fn listed(lines: &[Words]) -> String {
    let lines: String = lines.iter().map(|line| format!("<li>{}</li>\n", written(line))).collect();
    format!("<ul>\n{lines}</ul>\n")
}

fn write_figure(html: &mut String, figure: &Figure) {
    let svg = figure.file.as_ref().map_or("", |(_, svg)| svg);
    let title = escape(figure.title.trim_end_matches('.'));
    let _ = writeln!(
        html,
        "<figure>\n{svg}<figcaption><strong>Figure {}.</strong> {title}. {}</figcaption>\n</figure>",
        figure.number,
        written(&figure.caption)
    );
}

fn write_table(html: &mut String, section: &str, table: &Table) {
    let name = match table.path.is_empty() {
        true => format!("Table of {section}"),
        false => format!("Table of {section}: {}", table.path.join(", ")),
    };
    let _ = writeln!(html, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">", escape(&name));
    // A list of facts has no other order than its own.
    let sortable =
        if table.columns.iter().any(|column| column.align == Align::Right) { " class=\"sortable\"" } else { "" };
    let _ = write!(html, "<table{sortable}>\n<thead>\n");
    write_groups(html, table);
    html.push_str("<tr>");
    for (at, column) in table.columns.iter().enumerate() {
        let class = if column.align == Align::Right { " class=\"number\"" } else { "" };
        let name = match &column.group {
            Some(group) => format!("{} {}", group.plain(), column.title.plain()),
            None => column.title.plain(),
        };
        let (title, marks) = (written(&column.title), notes(section, &column.marks));
        let name = escape(&name);
        let _ = write!(
            html,
            "<th scope=\"col\"{class} data-column=\"{at}\" data-name=\"{name}\"><span class=\"title\">{title}</span>{marks}</th>"
        );
    }
    html.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &table.rows {
        html.push_str(if row.apart { "<tr class=\"apart\">" } else { "<tr>" });
        for (column, cell) in table.columns.iter().zip(&row.cells) {
            write_cell(html, section, column, cell, std::ptr::eq(column, &table.columns[0]));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
}

/// The line of the groups of columns; nothing where there are none.
fn write_groups(html: &mut String, table: &Table) {
    if table.columns.iter().all(|column| column.group.is_none()) {
        return;
    }
    html.push_str("<tr>");
    for group in table.columns.chunk_by(|one, next| one.group == next.group) {
        let _ = match &group[0].group {
            Some(words) => write!(html, "<th scope=\"colgroup\" colspan=\"{}\">{}</th>", group.len(), written(words)),
            None => write!(html, "<td colspan=\"{}\"></td>", group.len()),
        };
    }
    html.push_str("</tr>\n");
}

fn write_cell(html: &mut String, section: &str, column: &Column, cell: &Cell, names: bool) {
    let marks = notes(section, &cell.marks);
    let linked = |text: String| match cell.source {
        Some(source) => format!("<a class=\"runs\" href=\"#cell-{source}\">{text}</a>"),
        None => text,
    };
    let _ = match &cell.content {
        Content::Words(words) if names => {
            let class = if words.plain().chars().count() > LONG_NAME { " class=\"words\"" } else { "" };
            write!(html, "<th scope=\"row\"{class}>{}{marks}</th>", written(words))
        }
        Content::Words(words) => {
            let class = if column.align == Align::Right { " class=\"number\"" } else { "" };
            write!(html, "<td{class}>{}{marks}</td>", written(words))
        }
        Content::Number(number) => {
            let text = escape(&number.text());
            let text = match text.split_once(" ± ") {
                Some((mean, deviation)) => format!("{mean} <span class=\"deviation\">± {deviation}</span>"),
                None => text,
            };
            let (open, close) = match number.place {
                Some(Place::First) => ("<strong>", "</strong>"),
                Some(Place::Second) => ("<u>", "</u>"),
                None => ("", ""),
            };
            let ahead =
                if number.ahead { " <abbr title=\"ahead of the second by more than chance\">*</abbr>" } else { "" };
            let behind = if number.behind { " <abbr title=\"not ahead of the best floor\">†</abbr>" } else { "" };
            let (value, text) = (number.value, linked(text));
            write!(html, "<td class=\"number\" data-value=\"{value}\">{open}{text}{close}{ahead}{behind}{marks}</td>")
        }
        Content::Nothing => write!(html, "<td class=\"number gap\">–{marks}</td>"),
        Content::Missing | Content::Failed => {
            write!(html, "<td class=\"number gap\">{}{marks}</td>", linked(cell.content.text()))
        }
    };
}

/// Links to footnotes.
fn notes(section: &str, marks: &[Mark]) -> String {
    let link =
        |mark: &Mark| format!("<sup><a href=\"#{section}-note-{mark}\" aria-label=\"note {mark}\">[{mark}]</a></sup>");
    marks.iter().map(link).collect()
}

/// Words with their marks.
fn written(words: &Words) -> String {
    let spans = words.spans().into_iter().map(|span| match span {
        Span::Plain(text) => escape(text),
        Span::Code(text) => format!("<code>{}</code>", escape(text)),
        Span::Strong(text) => format!("<strong>{}</strong>", escape(text)),
        Span::Underlined(text) => format!("<u>{}</u>", escape(text)),
    });
    spans.collect()
}
