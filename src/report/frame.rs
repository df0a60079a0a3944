//! What every HTML page of ours begins and ends with: one file, nothing fetched, its own light, dark and printed colours.

use super::canvas::escape;
use crate::hash::ContentHash;

/// Colours and letters of every page.
const STYLE: &str = include_str!("frame.css");

/// A page.
pub(super) struct Document<'a> {
    /// Its title, which is its first heading too.
    pub(super) title: &'a str,
    /// Rules beside those that every page has.
    pub(super) style: &'a str,
    /// What follows the heading.
    pub(super) body: &'a str,
    /// What is added to what the page can do without.
    pub(super) script: Option<&'a str>,
}

impl Document<'_> {
    /// The file.
    pub(super) fn html(&self) -> String {
        let (title, body) = (escape(self.title), self.body);
        let style = format!("{STYLE}{}", self.style);
        // A browser runs the script with this word and no other. It is made of all that the page says, so nothing that the
        // page says can have it.
        let word = ContentHash::of(format!("{title}\0{style}\0{body}").as_bytes()).short();
        let script = self.script.map(|script| format!("<script nonce=\"{word}\">\n{script}</script>\n"));
        let scripts = if script.is_some() { format!("'nonce-{word}'") } else { "'none'".to_owned() };
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             img-src data:; script-src {scripts}; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}{}</body>\n</html>\n",
            script.unwrap_or_default(),
        )
    }
}
