//! The forms of a page, one file each. None of them works anything out: what stands where is decided in the page.

mod html;
mod json;
mod latex;
pub(super) mod markdown;
#[cfg(test)]
mod tests;

use super::page::Page;

/// The version of the JSON form; it goes up when a member changes its meaning or goes away.
pub const JSON_VERSION: u32 = 1;

/// Markdown, for people and for repositories.
pub fn markdown(page: &Page) -> String {
    markdown::render(page)
}

/// HTML, to look closer: one file that needs nothing but a browser.
pub fn html(page: &Page) -> String {
    html::render(page)
}

/// JSON, for programs: everything in full precision.
pub fn json(page: &Page) -> String {
    json::render(page)
}

/// LaTeX, for a paper: tables that need the packages `booktabs` and `graphicx`.
pub fn latex(page: &Page) -> String {
    latex::render(page)
}
