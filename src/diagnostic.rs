//! Errors written for the person who made them: what is wrong, where (file:line:column), what to do now.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A place in a text file, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file as the person named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One located message. Text: a lowercase fragment, no full stop, backticks round literals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// Where it is wrong.
    pub location: Option<Location>,
    /// The text of the line at `location`, for the caret.
    pub source_line: Option<String>,
    /// How many characters the caret covers; at least one.
    pub width: usize,
    /// What to do now.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A message without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), location: None, source_line: None, width: 1, help: None }
    }

    /// Adds the place: file, line and column from 1.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: usize, column: usize) -> Self {
        self.location = Some(Location { file: file.into(), line, column });
        self
    }

    /// Adds the text of the line, and how many characters of it are meant.
    #[must_use]
    pub fn source(mut self, line: impl Into<String>, width: usize) -> Self {
        self.source_line = Some(line.into());
        self.width = width.max(1);
        self
    }

    /// Adds a place in an argument of the command line: its option, its text, and the part that is meant.
    #[must_use]
    pub fn argument(self, option: &str, text: &str, from: usize, width: usize) -> Self {
        let column = option.chars().count() + 2 + from;
        self.at("the command line", 1, column).source(format!("{option} {text}"), width)
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message as it is shown in a terminal, with the line, a caret and the help.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let title = Level::ERROR.primary_title(self.message.as_str());
        let mut group = match (&self.location, &self.source_line) {
            (Some(at), Some(text)) => {
                let start = byte_of_column(text, at.column);
                let end = byte_of_column(text, at.column + self.width).max(start);
                title.element(
                    Snippet::source(text.as_str())
                        .path(at.file.as_str())
                        .line_start(at.line)
                        .annotation(AnnotationKind::Primary.span(start..end)),
                )
            }
            (Some(at), None) => Group::with_title(title).element(Level::NOTE.with_name("at").message(at.to_string())),
            (None, _) => Group::with_title(title),
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group]).to_string()
    }
}

/// The byte at which a column (from 1, in characters) begins; the end of the text when past it.
fn byte_of_column(text: &str, column: usize) -> usize {
    text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at)
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.location {
            write!(f, "{at}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The known name nearest to a mistyped one, if one is near enough to be meant.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| *distance <= (name.len().max(typed.len()) / 3).max(1))
        .min()
        .map(|(_, name)| name)
}

/// `; did you mean x?` when a near name exists, else the list of what is known.
pub fn suggestion(typed: &str, known: &[&str]) -> String {
    match did_you_mean(typed, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known: {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_located_message_shows_file_line_column_caret_and_help() {
        let shown = Diagnostic::new("unknown field `epoch`")
            .at("a.yaml", 3, 5)
            .source("    epoch: 3", 5)
            .help("did you mean `epochs`?")
            .render(false);
        assert!(shown.contains("a.yaml:3:5"), "{shown}");
        assert!(shown.contains("^^^^^"), "{shown}");
        assert!(shown.contains("did you mean `epochs`?"), "{shown}");
    }

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("mkmsr", ["m-sr", "mkm-sr", "sknn"]), Some("mkm-sr"));
        assert_eq!(did_you_mean("transformer", ["m-sr", "mkm-sr"]), None);
    }
}
