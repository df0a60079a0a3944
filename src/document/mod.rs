//! A YAML file as the person wrote it: its typed content, and the line and column of each value by its path.
//!
//! The only room that names a YAML crate. `serde_yaml` reads the values; `saphyr_parser` is asked for places, and only
//! when a message has to point at one. What is laid over a file, a part of it or an argument, keeps its own place.

mod layer;
mod places;
mod unique;
mod wording;

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, did_you_mean};
use layer::Layer;
use places::{Node, Span};
use unique::Unique;

pub use layer::Setting;
pub use wording::{type_in_words, value_in_words};

/// A step of a path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a map.
    Key(String),
    /// An index of a list.
    Index(usize),
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Self::Key(name.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Where a value stands in a document.
pub type Path = Vec<Step>;

/// A path from keys alone.
pub fn keys<const N: usize>(names: [&str; N]) -> Path {
    names.iter().map(|name| Step::Key((*name).to_owned())).collect()
}

/// Which part of an entry a message points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// A YAML file that has been read.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file as the person named it.
    pub path: Utf8PathBuf,
    /// Its text.
    pub text: String,
    /// Its content, with all that was laid over it.
    pub value: Value,
    /// True when some key of it is written twice.
    ambiguous: bool,
    /// What was laid over it, in order.
    layers: Vec<Layer>,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// A located message when the file is missing or is not YAML.
    pub fn read(path: &Utf8Path) -> Result<Self, Diagnostic> {
        let text = fs_err::read_to_string(path).map_err(|error| {
            Diagnostic::new(format!("cannot read `{path}`: {}", root_cause(&error)))
                .help("check the path; paths are relative to the folder you are in")
        })?;
        Self::parse(path, text)
    }

    /// Reads a text that came from this path.
    ///
    /// # Errors
    /// A located message when the text is not YAML.
    pub fn parse(path: &Utf8Path, text: String) -> Result<Self, Diagnostic> {
        let (value, ambiguous) = match serde_yaml::from_str::<Unique>(&text) {
            Ok(Unique(value)) => (Ok(value), false),
            // Of a key that is written twice the last value is taken; `written_twice` tells of it.
            Err(error) => (serde_yaml::from_str::<Value>(&text), unique::is_ours(&error)),
        };
        match value {
            Ok(value) => Ok(Self { path: path.to_owned(), text, value, ambiguous, layers: Vec::new() }),
            Err(error) => {
                let mut diagnostic = Diagnostic::new(format!("this is not valid YAML: {error}"))
                    .help("check the indentation and the brackets just before this place");
                if let Some(at) = error.location() {
                    diagnostic = located(diagnostic, path, &text, Span::new(at.line(), at.column(), 1));
                }
                Err(diagnostic)
            }
        }
    }

    /// A message for each key that is written twice in one map.
    pub fn written_twice(&self) -> Vec<Diagnostic> {
        if !self.ambiguous {
            return Vec::new();
        }
        let found = Node::read(&self.text).map(|root| root.written_twice()).unwrap_or_default();
        let message = |(name, first, second): (String, Span, Span)| {
            let diagnostic = Diagnostic::new(format!("`{name}` is written twice"));
            located(diagnostic, &self.path, &self.text, second).help(format!(
                "it stands in line {} already; keep one, since the second would replace the first",
                first.line
            ))
        };
        found.into_iter().map(message).collect()
    }

    /// The document with a part of its own file laid over it: maps merge key by key, `null` takes away, everything
    /// else is replaced.
    #[must_use]
    pub fn with_piece(&self, at: &[Step]) -> Self {
        let mut laid = self.clone();
        let piece = at.iter().try_fold(&self.value, |value, step| match step {
            Step::Key(name) => value.get(name),
            Step::Index(index) => value.get(index),
        });
        if let Some(piece) = piece {
            layer::merge(&mut laid.value, piece);
            laid.layers.push(Layer::Piece { at: at.to_vec() });
        }
        laid
    }

    /// Sets one value; `option` is the name of the argument that the setting came from.
    ///
    /// # Errors
    /// A message that points into the argument when its path leads through something that holds no keys.
    pub fn set(&mut self, option: &'static str, setting: &Setting) -> Result<(), Diagnostic> {
        let at = setting.apply(&mut self.value, option)?;
        self.layers.push(Layer::Argument { option, setting: setting.clone(), at });
        Ok(())
    }

    /// The content as a typed value.
    ///
    /// # Errors
    /// Located messages, with the field meant where a name is mistyped.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Vec<Diagnostic>> {
        let (mut errors, mut taken): (Vec<Diagnostic>, Vec<Path>) = (Vec::new(), Vec::new());
        let mut value = self.value.clone();
        loop {
            let (path, message) = match complaint::<T>(&value) {
                Ok(typed) if errors.is_empty() => return Ok(typed),
                Ok(_) => return Err(errors),
                Err(complaint) => complaint,
            };
            let at = self.culprit(path.clone(), &message);
            // What is missing only because it was taken out below is no mistake of the person.
            if taken.iter().any(|gone| gone.starts_with(&path))
                && !matches!(unknown_name(&message), Some(("field", ..)))
            {
                return Err(errors);
            }
            errors.push(self.explained(path, message));
            // Without what is wrong, the rest may say more.
            if !layer::take_out(&mut value, &at) {
                return Err(errors);
            }
            taken.push(at);
        }
    }

    /// A changed copy of the content as a typed value; messages point at the original.
    ///
    /// # Errors
    /// A located message, with the field meant where a name is mistyped.
    pub fn typed_from<T: DeserializeOwned>(&self, value: &Value) -> Result<T, Diagnostic> {
        complaint(value).map_err(|(path, message)| self.explained(path, message))
    }

    /// The path of what a complaint is about: for a name that is not known, of that name.
    fn culprit(&self, mut path: Path, message: &str) -> Path {
        // serde gives the path of the map or, for a map's own keys, of the key itself.
        if let Some((_, typed, _)) = unknown_name(message)
            && path.last() != Some(&Step::Key(typed.clone()))
        {
            path.push(Step::Key(typed));
        }
        path
    }

    /// What serde says of a path, for people.
    fn explained(&self, mut path: Path, message: String) -> Diagnostic {
        if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            path.push(Step::Key(name.to_owned()));
            return self.error(&path, Part::Key, message);
        }
        if let Some((message, help)) = wording::wrong_type(&message) {
            let diagnostic = self.error(&path, Part::Value, message);
            return match help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            };
        }
        let Some((noun, typed, known)) = unknown_name(&message) else {
            return self.error(&path, Part::Value, message);
        };
        let mut path = self.culprit(path, &message);
        let part = if self.find(&path, Part::Key).is_some() { Part::Key } else { Part::Value };
        if part == Part::Value {
            path.pop();
        }
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = match did_you_mean(&typed, names.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known here: {}", names.join(", ")),
        };
        self.error(&path, part, format!("unknown {noun} `{typed}`")).help(help)
    }

    /// A message about the value, or the key, at a path.
    pub fn error(&self, path: &[Step], part: Part, message: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::new(message);
        // A path that was made up on the way (a default, say) points at the nearest thing that is written down.
        for length in (0..=path.len()).rev() {
            let part = if length == path.len() { part } else { Part::Key };
            match self.find(&path[..length], part) {
                Some(Place::File(span)) => return located(diagnostic, &self.path, &self.text, span),
                Some(Place::Argument { option, text, span }) => {
                    return diagnostic.argument(option, text, span.column - 1, span.width);
                }
                None => {}
            }
        }
        diagnostic.at(self.path.as_str(), 1, 1)
    }

    /// True when something is written at a path.
    pub fn has(&self, path: &[Step]) -> bool {
        self.find(path, Part::Value).is_some()
    }

    /// True when something at a path comes from what was laid over the file.
    pub fn laid_over(&self, path: &[Step]) -> bool {
        let Some(root) = Node::read(&self.text) else { return false };
        let gives = |layer: &Layer| !matches!(layer.find(&root, path, Part::Key), layer::Found::Nothing);
        self.layers.iter().any(gives)
    }

    /// Where the value or key at a path is written, in the topmost layer that gives it.
    fn find(&self, path: &[Step], part: Part) -> Option<Place<'_>> {
        let root = Node::read(&self.text)?;
        let mut found = None;
        for layer in self.layers.iter().rev() {
            match layer.find(&root, path, part) {
                layer::Found::Map(place) => found = Some(place),
                layer::Found::Value(place) => return found.or(Some(place)),
                layer::Found::Replaced => return found,
                layer::Found::Nothing => {}
            }
        }
        match root.walk(path) {
            // Of a map that layers were merged into, its own beginning is shown.
            Ok(Some(entry)) if entry.node.is_map() || found.is_none() => Some(Place::File(entry.span(part))),
            _ => found,
        }
    }
}

/// Where something is written.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    File(Span),
    Argument { option: &'static str, text: &'a str, span: Span },
}

/// A typed value, or what serde says and of which path.
fn complaint<T: DeserializeOwned>(value: &Value) -> Result<T, (Path, String)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let step = |segment: &serde_path_to_error::Segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(Step::Index(*index)),
            serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
            serde_path_to_error::Segment::Enum { variant } => Some(Step::Key(variant.clone())),
            serde_path_to_error::Segment::Unknown => None,
        };
        (error.path().iter().filter_map(step).collect(), error.inner().to_string())
    })
}

fn located(diagnostic: Diagnostic, path: &Utf8Path, text: &str, span: Span) -> Diagnostic {
    let source = text.lines().nth(span.line.saturating_sub(1)).unwrap_or_default();
    diagnostic.at(path.as_str(), span.line.max(1), span.column.max(1)).source(source, span.width)
}

/// Takes serde's message about an unknown field or variant apart: what it is, what was typed, what is known.
fn unknown_name(message: &str) -> Option<(&'static str, String, Vec<String>)> {
    let (noun, rest) = if let Some(rest) = message.strip_prefix("unknown field ") {
        ("field", rest)
    } else {
        ("name", message.strip_prefix("unknown variant ")?)
    };
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    let typed = quoted.next()?;
    Some((noun, typed, quoted.collect()))
}

/// The system's words for what went wrong, without the path that the message already names.
fn root_cause(error: &std::io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| std::io::Error::from_raw_os_error(code).to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors matter")]
    struct Toy {
        stages: BTreeMap<String, Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only the errors matter")]
    enum Kind {
        Train(Train),
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors matter")]
    struct Train {
        epochs: u32,
    }

    fn complaint(text: &str) -> Diagnostic {
        match Document::parse("a.yaml".into(), text.to_owned()) {
            Ok(document) => document.typed::<Toy>().unwrap_err().remove(0),
            Err(diagnostic) => diagnostic,
        }
    }

    fn place(diagnostic: &Diagnostic) -> String {
        diagnostic.location.as_ref().unwrap().to_string()
    }

    #[test]
    fn a_mistyped_field_is_pointed_at_and_the_right_one_offered() {
        let shown = complaint("stages:\n  a:\n    train:\n      epoch: 3\n");
        assert_eq!(place(&shown), "a.yaml:4:7");
        assert_eq!(shown.message, "unknown field `epoch`");
        assert_eq!(shown.help.as_deref(), Some("did you mean `epochs`?"));
    }

    #[test]
    fn a_mistyped_stage_kind_is_pointed_at() {
        let shown = complaint("stages:\n  a:\n    trian: {epochs: 3}\n");
        assert_eq!(place(&shown), "a.yaml:3:5");
        assert_eq!(shown.help.as_deref(), Some("did you mean `train`?"));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_pointed_at() {
        let shown = complaint("stages:\n  a: { train: { epochs: ten } }\n");
        assert_eq!(place(&shown), "a.yaml:2:25");
        assert_eq!(shown.message, "must be a whole number from 0, is \"ten\"");
    }

    #[test]
    fn broken_yaml_is_pointed_at() {
        let shown = complaint("stages:\n  a: [1, 2\n  b: 3\n");
        assert!(place(&shown).starts_with("a.yaml:"), "{shown}");
        assert!(shown.message.starts_with("this is not valid YAML"), "{shown}");
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_a_document_or_a_message(text in "[ -~\n]{0,80}") {
            if let Ok(document) = Document::parse("a.yaml".into(), text) {
                let _ = document.typed::<Toy>();
            }
        }
    }
}
