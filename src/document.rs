//! A YAML file as the person wrote it: its typed content, and the line and column of each value by its path.
//!
//! The only module that names a YAML crate. `serde_yaml` reads the values; `saphyr` is asked for places, and only
//! when a message has to point at one.

use camino::{Utf8Path, Utf8PathBuf};
use saphyr::{LoadableYamlNode, MarkedYaml, YamlData};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, did_you_mean};

/// A step of a path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a map.
    Key(String),
    /// An index of a list.
    Index(usize),
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
    /// Its content.
    pub value: Value,
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
        match serde_yaml::from_str::<Value>(&text) {
            Ok(value) => Ok(Self { path: path.to_owned(), text, value }),
            Err(error) => {
                let mut diagnostic = Diagnostic::new(format!("this is not valid YAML: {error}"))
                    .help("check the indentation and the brackets just before this place");
                if let Some(at) = error.location() {
                    diagnostic = located(diagnostic, path, &text, at.line(), at.column(), 1);
                }
                Err(diagnostic)
            }
        }
    }

    /// The content as a typed value.
    ///
    /// # Errors
    /// A located message, with the field meant where a name is mistyped.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        self.typed_from(&self.value)
    }

    /// A changed copy of the content as a typed value; messages point at the original.
    ///
    /// # Errors
    /// A located message, with the field meant where a name is mistyped.
    pub fn typed_from<T: DeserializeOwned>(&self, value: &Value) -> Result<T, Diagnostic> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let mut path: Path = error
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Seq { index } => Some(Step::Index(*index)),
                    serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
                    serde_path_to_error::Segment::Enum { variant } => Some(Step::Key(variant.clone())),
                    serde_path_to_error::Segment::Unknown => None,
                })
                .collect();
            let message = error.inner().to_string();
            let Some((noun, typed, known)) = unknown_name(&message) else {
                return self.error(&path, Part::Value, message);
            };
            // serde gives the path of the map or, for a map's own keys, of the key itself.
            if path.last() != Some(&Step::Key(typed.clone())) {
                path.push(Step::Key(typed.clone()));
            }
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let part = if self.find(&path, Part::Key).is_some() { Part::Key } else { Part::Value };
            if part == Part::Value {
                path.pop();
            }
            let help = match did_you_mean(&typed, names.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("known here: {}", names.join(", ")),
            };
            self.error(&path, part, format!("unknown {noun} `{typed}`")).help(help)
        })
    }

    /// A message about the value, or the key, at a path.
    pub fn error(&self, path: &[Step], part: Part, message: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::new(message);
        // A path that was made up on the way (a default, say) points at the nearest thing that is written down.
        for length in (0..=path.len()).rev() {
            let part = if length == path.len() { part } else { Part::Key };
            if let Some((line, column, width)) = self.find(&path[..length], part) {
                return located(diagnostic, &self.path, &self.text, line, column, width);
            }
        }
        diagnostic.at(self.path.as_str(), 1, 1)
    }

    /// True when something is written at a path.
    pub fn has(&self, path: &[Step]) -> bool {
        self.find(path, Part::Value).is_some()
    }

    /// Line and column (from 1) and width in characters of the value or key at a path.
    fn find(&self, path: &[Step], part: Part) -> Option<(usize, usize, usize)> {
        let documents = MarkedYaml::load_from_str(&self.text).ok()?;
        let mut node = documents.first()?;
        let mut key = None;
        for step in path {
            (key, node) = match (step, &node.data) {
                (Step::Key(name), YamlData::Mapping(map)) => {
                    let (key, value) = map.iter().find(|(key, _)| scalar(key).as_deref() == Some(name))?;
                    (Some(key), value)
                }
                (Step::Index(index), YamlData::Sequence(items)) => (None, items.get(*index)?),
                _ => return None,
            };
        }
        let shown = match (part, key) {
            (Part::Key, Some(key)) => key,
            _ => node,
        };
        let width = scalar(shown).map_or(1, |text| text.chars().count());
        Some((shown.span.start.line(), shown.span.start.col() + 1, width))
    }
}

/// The text of a scalar node as it is compared with keys.
fn scalar(node: &MarkedYaml<'_>) -> Option<String> {
    use saphyr::Scalar;
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text.to_string()),
        YamlData::Value(Scalar::Integer(value)) => Some(value.to_string()),
        YamlData::Value(Scalar::FloatingPoint(value)) => Some(value.to_string()),
        YamlData::Value(Scalar::Boolean(value)) => Some(value.to_string()),
        YamlData::Representation(text, ..) => Some(text.to_string()),
        _ => None,
    }
}

fn located(
    diagnostic: Diagnostic,
    path: &Utf8Path,
    text: &str,
    line: usize,
    column: usize,
    width: usize,
) -> Diagnostic {
    let source = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    diagnostic.at(path.as_str(), line.max(1), column.max(1)).source(source, width)
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
            Ok(document) => document.typed::<Toy>().unwrap_err(),
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
