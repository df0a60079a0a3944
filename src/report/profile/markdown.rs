//! A page as markdown.

use super::page::{Grid, Page};
use crate::report::form::markdown::{escaped, table};
use crate::report::words::inline;

/// The file.
pub(super) fn render(page: &Page) -> String {
    let mut parts = vec![format!("# {}", inline(&page.title))];
    parts.extend(page.warnings.iter().map(|warning| format!("> {}", inline(warning))));
    for section in &page.sections {
        parts.push(format!("## {}", inline(&section.heading)));
        parts.extend(section.words.iter().map(|words| inline(words)));
        parts.extend(section.grids.iter().map(grid));
    }
    parts.join("\n\n") + "\n"
}

fn grid(grid: &Grid) -> String {
    let rows: Vec<Vec<String>> =
        grid.rows.iter().map(|row| row.iter().map(|cell| escaped(&inline(cell))).collect()).collect();
    table(&grid.header, &rows)
}
