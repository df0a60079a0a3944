//! A page as one HTML file: no script, nothing fetched, its own light, dark and printed colours.

use std::fmt::Write;

use super::page::{Grid, Page};
use crate::report::canvas::escape;
use crate::report::ink;
use crate::report::markdown::Align;

/// Colours that the colour-blind can tell apart (Okabe and Ito), on paper and in the dark.
const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1b1b1b; --soft: #565656; --grid: #d8d8d8; --paper: #ffffff; \
--warning: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --soft: #a6a6a6; --grid: #3d3d3d; --paper: #161616; \
--warning: #e69f00; } }
@media print { :root { --ink: #000000; --soft: #444444; --grid: #cccccc; --paper: #ffffff; \
--warning: #d55e00; } section { break-inside: avoid; } }
body { margin: 2rem auto; padding: 0 1rem; max-width: 46rem; background: var(--paper); color: var(--ink); \
font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.4rem; }
table { border-collapse: collapse; font-size: 0.9rem; margin: 1rem 0; }
th, td { padding: 0.2rem 0.9rem 0.2rem 0; text-align: left; vertical-align: top; \
border-bottom: 1px solid var(--grid); }
th { color: var(--soft); font-weight: 600; }
td:first-child { white-space: nowrap; }
.number { white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; }
.warning { border-left: 4px solid var(--warning); padding-left: 0.8rem; }
svg { width: 100%; height: auto; margin: 0.6rem 0; }
";

/// The file.
pub(super) fn render(page: &Page) -> String {
    let title = escape(&page.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        ink::rules("svg"),
    );
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
    html.push_str("</body>\n</html>\n");
    html
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
