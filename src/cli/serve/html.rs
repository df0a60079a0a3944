//! HTML that is safe by its type: markup is ours and fixed, everything else is escaped on its way in.

use std::fmt::Display;

use crate::report::{Svg, escape};

/// A piece of a page.
#[derive(Debug, Clone, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours.
    pub(super) fn raw(mut self, markup: &'static str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Text, also inside the quotes of an attribute.
    pub(super) fn text(mut self, text: impl Display) -> Self {
        self.0.push_str(&escape(&text.to_string()));
        self
    }

    /// Another piece.
    pub(super) fn piece(mut self, piece: &Self) -> Self {
        self.0.push_str(&piece.0);
        self
    }

    /// A picture that `report` drew, with its own words escaped.
    pub(super) fn picture(svg: Svg) -> Self {
        Self(svg.0)
    }

    /// A link.
    pub(super) fn link(self, target: &str, words: impl Display) -> Self {
        self.raw("<a href=\"").text(target).raw("\">").text(words).raw("</a>")
    }

    /// A heading.
    pub(super) fn heading(self, words: impl Display) -> Self {
        self.raw("<h2>").text(words).raw("</h2>\n")
    }

    /// A paragraph.
    pub(super) fn paragraph(self, words: impl Display) -> Self {
        self.raw("<p>").text(words).raw("</p>\n")
    }

    /// Names and values; those without a value are left out.
    pub(super) fn facts(self, facts: &[(&str, String)]) -> Self {
        let known = facts.iter().filter(|(_, value)| !value.is_empty());
        known
            .fold(self.raw("<dl>\n"), |html, (name, value)| {
                html.raw("<dt>").text(name).raw("</dt><dd>").text(value).raw("</dd>\n")
            })
            .raw("</dl>\n")
    }

    /// A table.
    pub(super) fn table(self, header: &[&str], rows: &[Vec<Self>]) -> Self {
        let head = header.iter().fold(self.raw("<div class=\"wide\"><table>\n<thead><tr>"), |html, title| {
            html.raw("<th scope=\"col\">").text(title).raw("</th>")
        });
        let body = rows.iter().fold(head.raw("</tr></thead>\n<tbody>\n"), |html, row| {
            row.iter().fold(html.raw("<tr>"), |html, cell| html.raw("<td>").piece(cell).raw("</td>")).raw("</tr>\n")
        });
        body.raw("</tbody></table></div>\n")
    }

    /// Text that stands as it was written.
    pub(super) fn verbatim(self, text: impl Display) -> Self {
        self.raw("<pre tabindex=\"0\">").text(text).raw("</pre>\n")
    }

    /// The whole page around this; `live` keeps it up to date.
    pub(super) fn page(&self, title: &str, live: bool) -> String {
        let main = if live { "<main data-live>\n" } else { "<main>\n" };
        let head = Self::default()
            .raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
            .text(title)
            .raw("</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n")
            .raw("<script src=\"/live.js\" defer></script>\n</head>\n<body>\n")
            .raw("<nav><a href=\"/\">all runs</a> <span id=\"pulse\" role=\"status\"></span></nav>\n")
            .raw(main)
            .raw("<h1>")
            .text(title)
            .raw("</h1>\n");
        head.piece(self).raw("</main>\n</body>\n</html>\n").0
    }
}

/// A cell of a table.
pub(super) fn text(words: impl Display) -> Html {
    Html::default().text(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_our_own_markup_reaches_a_page() {
        let bad = "<script>alert(1)</script>\" onmouseover=\"x";
        let page = Html::default()
            .link(bad, bad)
            .heading(bad)
            .paragraph(bad)
            .facts(&[("name", bad.to_owned()), ("nothing", String::new())])
            .table(&[bad], &[vec![text(bad)]])
            .verbatim(bad)
            .page(bad, true);
        assert_eq!(page.matches("<script").count(), 1, "the page's own, {page}");
        assert_eq!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onmouseover=&quot;x").count(), 10);
        assert!(!page.contains("nothing") && page.contains("<main data-live>"));
    }
}
