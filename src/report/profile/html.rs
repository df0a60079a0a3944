//! A page as one HTML file, without a script.

use std::fmt::Write;

use super::page::{Grid, Page};
use crate::report::canvas::escape;
use crate::report::frame::Document;
use crate::report::ink;
use crate::report::page::Align;

/// The file.
pub(super) fn render(page: &Page) -> String {
    let mut html = String::new();
    for warning in &page.warnings {
        let _ = writeln!(html, "<p class=\"warning\">{}</p>", escape(warning));
    }
    for section in &page.sections {
        let _ = writeln!(html, "<section>\n<h2>{}</h2>", escape(&section.heading));
        for paragraph in &section.words {
            let _ = writeln!(html, "<p>{}</p>", escape(paragraph));
        }
        if let Some(plot) = &section.plot {
            html.push_str(&plot.svg(&section.heading));
        }
        section.grids.iter().for_each(|grid| write_grid(&mut html, grid));
        html.push_str("</section>\n");
    }
    Document { title: &page.title, style: &ink::rules("svg"), body: &html, script: None }.html()
}

fn write_grid(html: &mut String, grid: &Grid) {
    let class = |align: Align| if align == Align::Right { " class=\"number\"" } else { "" };
    html.push_str("<table>\n<tr>");
    for (title, align) in &grid.header {
        let _ = write!(html, "<th{}>{}</th>", class(*align), escape(title));
    }
    html.push_str("</tr>\n");
    for row in &grid.rows {
        html.push_str("<tr>");
        for (cell, (_, align)) in row.iter().zip(&grid.header) {
            let _ = write!(html, "<td{}>{}</td>", class(*align), escape(cell));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
}
