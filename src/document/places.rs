//! Where everything in a YAML text stands: a tree of places, with keys that are written twice kept.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

use super::{Part, Step};

/// Line and column, from 1, and width in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) width: usize,
}

impl Span {
    pub(super) fn new(line: usize, column: usize, width: usize) -> Self {
        Self { line, column, width }
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    span: Span,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Scalar(String),
    List(Vec<Node>),
    /// Keys and values by turns, as they are written.
    Map(Vec<Node>),
}

/// What was found at a path; the entry of a map has its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    key: Option<&'a Node>,
    pub(super) node: &'a Node,
}

impl Entry<'_> {
    pub(super) fn span(&self, part: Part) -> Span {
        match (part, self.key) {
            (Part::Key, Some(key)) => key.span,
            _ => self.node.span,
        }
    }
}

/// A path that leads through something which has no such keys: a scalar, or a list where a map was expected.
pub(super) struct NoWay;

impl Node {
    /// The first document of a text; nothing when that is not YAML.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut open: Vec<(Self, usize)> = Vec::new();
        let mut anchored: HashMap<usize, Content> = HashMap::new();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.ok()?;
            let at = |width| Span::new(span.start.line(), span.start.col() + 1, width);
            let done = match event {
                Event::Scalar(text, _, anchor, _) => {
                    let node = Self { span: at(text.chars().count()), content: Content::Scalar(text.into_owned()) };
                    (node, anchor)
                }
                Event::Alias(anchor) => {
                    let content = anchored.get(&anchor).cloned().unwrap_or(Content::Scalar(String::new()));
                    (Self { span: at(1), content }, 0)
                }
                Event::SequenceStart(anchor, _) => {
                    open.push((Self { span: at(1), content: Content::List(Vec::new()) }, anchor));
                    continue;
                }
                Event::MappingStart(anchor, _) => {
                    open.push((Self { span: at(1), content: Content::Map(Vec::new()) }, anchor));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => open.pop()?,
                _ => continue,
            };
            let (node, anchor) = done;
            if anchor > 0 {
                anchored.insert(anchor, node.content.clone());
            }
            match open.last_mut() {
                Some((Self { content: Content::List(items) | Content::Map(items), .. }, _)) => items.push(node),
                _ => return Some(node),
            }
        }
        None
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.content, Content::Map(_))
    }

    /// What stands at a path; nothing where a map lacks the key or a list the item.
    pub(super) fn walk(&self, path: &[Step]) -> Result<Option<Entry<'_>>, NoWay> {
        let mut entry = Entry { key: None, node: self };
        for step in path {
            let next = match (step, &entry.node.content) {
                (Step::Key(name), Content::Map(entries)) => {
                    // Of a key that is written twice the last one counts.
                    let found = entries.chunks_exact(2).rfind(|pair| pair[0].is(name));
                    found.map(|pair| Entry { key: Some(&pair[0]), node: &pair[1] })
                }
                (Step::Index(index), Content::List(items)) => items.get(*index).map(|node| Entry { key: None, node }),
                _ => return Err(NoWay),
            };
            let Some(next) = next else { return Ok(None) };
            entry = next;
        }
        Ok(Some(entry))
    }

    /// The keys that come again in one map: the name, where it stands first, and where again.
    pub(super) fn written_twice(&self) -> Vec<(String, Span, Span)> {
        let (mut found, mut open) = (Vec::new(), vec![self]);
        while let Some(node) = open.pop() {
            match &node.content {
                Content::Scalar(_) => {}
                Content::List(items) => open.extend(items),
                Content::Map(entries) => {
                    let mut first: HashMap<&str, Span> = HashMap::new();
                    for pair in entries.chunks_exact(2) {
                        if let Content::Scalar(name) = &pair[0].content {
                            let seen = *first.entry(name).or_insert(pair[0].span);
                            if seen != pair[0].span {
                                found.push((name.clone(), seen, pair[0].span));
                            }
                        }
                        open.push(&pair[1]);
                    }
                }
            }
        }
        found.sort_by_key(|(_, _, second)| (second.line, second.column));
        found
    }

    fn is(&self, name: &str) -> bool {
        matches!(&self.content, Content::Scalar(text) if text == name)
    }
}
