//! What is laid over a document: a part of its own file, or a value that an argument of the command line sets.

use serde_json::{Map, Value};

use super::places::{Entry, Node, Span};
use super::unique::Unique;
use super::{Part, Path, Place, Step};
use crate::diagnostic::Diagnostic;

/// Something laid over a document, and where it is written.
#[derive(Debug, Clone)]
pub(super) enum Layer {
    /// A part of the same file, merged over the whole.
    Piece { at: Path },
    /// An argument that replaced the value at a path.
    Argument { option: &'static str, setting: Setting, at: Path },
}

/// What a layer says of a path.
pub(super) enum Found<'a> {
    /// A map, which layers below may have written first.
    Map(Place<'a>),
    /// A value, or a map that nothing below has a part in.
    Value(Place<'a>),
    /// Nothing, and what layers below said of it is gone.
    Replaced,
    /// Nothing.
    Nothing,
}

impl Layer {
    /// What this layer says of a path; `root` is the file.
    pub(super) fn find<'a>(&'a self, root: &Node, path: &[Step], part: Part) -> Found<'a> {
        match self {
            Self::Piece { at } => {
                let Ok(Some(piece)) = root.walk(at) else { return Found::Nothing };
                match piece.node.walk(path) {
                    Ok(Some(entry)) if entry.node.is_map() => Found::Map(Place::File(entry.span(part))),
                    Ok(Some(entry)) => Found::Value(Place::File(entry.span(part))),
                    Ok(None) => Found::Nothing,
                    Err(_) => Found::Replaced,
                }
            }
            Self::Argument { option, setting, at } => {
                let place = |span| Place::Argument { option, text: &setting.text, span };
                if path.is_empty() {
                    Found::Nothing
                } else if at.starts_with(path) {
                    let key = place(setting.segment(path.len() - 1));
                    match (path.len() == at.len(), part) {
                        (false, _) => Found::Map(key),
                        (true, Part::Key) => Found::Value(key),
                        (true, Part::Value) => Found::Value(place(setting.value_span(None, part))),
                    }
                } else if let Some(rest) = path.strip_prefix(at.as_slice()) {
                    let root = Node::read(setting.value_text());
                    match root.as_ref().and_then(|root| root.walk(rest).ok().flatten()) {
                        Some(entry) => Found::Value(place(setting.value_span(Some(entry), part))),
                        None => Found::Replaced,
                    }
                } else {
                    Found::Nothing
                }
            }
        }
    }
}

/// `models.m-sr.training.epochs=3`: a path of keys (or indices of lists) and a value in YAML.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// As it was typed.
    text: String,
    /// How many bytes of that are the path.
    path: usize,
    value: Value,
}

impl std::str::FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write `models.m-sr.training.epochs=3`; `null` takes a value away";
        let Some((path, value)) = text.split_once('=') else { return Err(format!("there is no `=`; {example}")) };
        if path.split('.').any(str::is_empty) {
            return Err(format!("`{path}` is no path of keys with dots between; {example}"));
        }
        if value.trim().is_empty() {
            return Err(format!("there is no value after `=`; {example}"));
        }
        let read = serde_yaml::from_str::<Unique>(value);
        let Unique(value) = read.map_err(|error| format!("`{value}` is not valid YAML: {error}"))?;
        Ok(Self { text: text.to_owned(), path: path.len(), value })
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Setting {
    /// Sets the value in a document; gives its path there.
    pub(super) fn apply(&self, document: &mut Value, option: &str) -> Result<Path, Diagnostic> {
        let names: Vec<&str> = self.text[..self.path].split('.').collect();
        let mut at: Path = Vec::new();
        let mut place = document;
        for (depth, name) in names.iter().enumerate() {
            let span = self.segment(depth);
            let error =
                |message: String| Diagnostic::new(message).argument(option, &self.text, span.column - 1, span.width);
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            let last = depth + 1 == names.len();
            place = match place {
                Value::Object(map) => {
                    at.push(Step::Key((*name).to_owned()));
                    if last && self.value.is_null() {
                        map.shift_remove(*name);
                        return Ok(at);
                    }
                    map.entry(*name).or_insert(Value::Null)
                }
                Value::Array(items) => {
                    let length = items.len();
                    let item = name.parse().ok().and_then(|index: usize| Some((index, items.get_mut(index)?)));
                    let (index, item) = item.ok_or_else(|| {
                        error(format!("`{name}` is no item of a list of {length}"))
                            .help("items are counted from 0; the whole list can be set: `=[a, b]`")
                    })?;
                    at.push(Step::Index(index));
                    item
                }
                _ => {
                    let before = names[..depth].join(".");
                    return Err(error(format!("`{before}` is a value and holds no `{name}`")));
                }
            };
        }
        *place = self.value.clone();
        Ok(at)
    }

    fn value_text(&self) -> &str {
        &self.text[self.path + 1..]
    }

    /// The place of a name of the path in the argument.
    fn segment(&self, index: usize) -> Span {
        let names: Vec<&str> = self.text[..self.path].split('.').collect();
        let before: usize = names[..index].iter().map(|name| name.chars().count() + 1).sum();
        Span::new(1, before + 1, names[index].chars().count())
    }

    /// The place of the value, or of an entry in it, in the argument.
    fn value_span(&self, entry: Option<Entry<'_>>, part: Part) -> Span {
        let before = self.text[..=self.path].chars().count();
        let whole = Span::new(1, before + 1, self.value_text().chars().count());
        match entry.map(|entry| entry.span(part)) {
            Some(span) if span.line == 1 => Span::new(1, before + span.column, span.width),
            _ => whole,
        }
    }
}

/// Lays a value over another: maps merge key by key, `null` takes away, everything else is replaced.
pub(super) fn merge(under: &mut Value, over: &Value) {
    let Value::Object(entries) = over else {
        *under = over.clone();
        return;
    };
    if !under.is_object() {
        *under = Value::Object(Map::new());
    }
    let Value::Object(map) = under else { return };
    for (key, value) in entries {
        if value.is_null() {
            map.shift_remove(key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Takes the entry of a map out; false where the path does not end in one.
pub(super) fn take_out(value: &mut Value, path: &[Step]) -> bool {
    let Some((Step::Key(name), above)) = path.split_last() else { return false };
    let holder = above.iter().try_fold(value, |value, step| match step {
        Step::Key(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(index),
    });
    holder.and_then(Value::as_object_mut).is_some_and(|map| map.shift_remove(name).is_some())
}
