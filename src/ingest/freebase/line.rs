//! A line of a Freebase dump as a statement. Three layouts are read, whichever a line has: N-Triples as in the last dump
//! (tabs, ` .` at the end), N-Triples as in BaseKB (`.` without a tab before it), and the older quadruples (`/m/0abc`, four
//! columns). Names lose their namespace and have `.` between their parts: `m.0abc`, `film.film.directed_by`.

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use super::super::raw::Fault;

/// The namespaces in which names of Freebase stand.
const NAMESPACES: [&[u8]; 2] = [b"http://rdf.freebase.com/ns/", b"http://rdf.basekb.com/ns/"];

const TRUNCATED: &str = "complete the line or take it out; a file that was cut off in transfer often ends like this";

/// A statement: what a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Statement<'l> {
    /// Of what something is said.
    pub subject: Name<'l>,
    /// The relation.
    pub relation: Name<'l>,
    /// What is said.
    pub object: Object<'l>,
}

/// The third part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Object<'l> {
    /// Something that has a name.
    Name(Name<'l>),
    /// A text, a number or a date.
    Literal(Literal<'l>),
}

/// The name of an entity, a type or a relation, as the line writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Name<'l> {
    text: &'l [u8],
    /// What follows it in the relation of a quadruple that gives a key: the namespace of the key.
    more: &'l [u8],
    /// Whether it is a name of Freebase, whose parts `/` may part.
    own: bool,
}

impl<'l> Name<'l> {
    fn own(text: &'l [u8]) -> Self {
        Self { text, more: b"", own: true }
    }

    /// What stands in an IRI: without its namespace if that is one of Freebase, else whole.
    pub(in crate::ingest) fn of_iri(iri: &'l [u8]) -> Self {
        let own = NAMESPACES.iter().find_map(|namespace| iri.strip_prefix(*namespace));
        own.map_or(Self { text: iri, more: b"", own: false }, Self::own)
    }

    /// The name with `.` between its parts; `buffer` is used where the line writes it otherwise.
    pub(in crate::ingest) fn plain<'a>(&'a self, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        if !self.own || (self.more.is_empty() && memchr(b'/', self.text).is_none()) {
            return self.text;
        }
        buffer.clear();
        let parts = self.text.iter().chain(self.more);
        buffer.extend(parts.map(|byte| if *byte == b'/' { b'.' } else { *byte }));
        buffer
    }
}

/// A literal, as the line writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Literal<'l> {
    /// N-Triples: the text between the quotes with its escapes, and what follows them, `@en` or `^^<…>` or nothing.
    Quoted {
        /// Between the quotes.
        text: &'l [u8],
        /// Behind them.
        suffix: &'l [u8],
    },
    /// A quadruple: the text as it is, and its language if it has one.
    Bare {
        /// The text.
        text: &'l [u8],
        /// `en`, say; empty without one.
        language: &'l [u8],
    },
}

impl<'l> Literal<'l> {
    /// Its language; empty where it has none.
    pub(in crate::ingest) fn language(&self) -> &'l [u8] {
        match self {
            Self::Quoted { suffix, .. } => suffix.strip_prefix(b"@").unwrap_or_default(),
            Self::Bare { language, .. } => language,
        }
    }

    /// What it says, without escapes.
    ///
    /// # Errors
    /// When it is not UTF-8, or an escape is none of N-Triples.
    pub(in crate::ingest) fn text(&self) -> Result<Cow<'l, str>, Fault> {
        match self {
            Self::Quoted { text, .. } => unescaped(utf8(text)?),
            Self::Bare { text, .. } => utf8(text).map(Cow::Borrowed),
        }
    }

    /// Writes it as N-Triples do.
    pub(in crate::ingest) fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Quoted { text, suffix } => {
                to.push(b'"');
                to.extend_from_slice(text);
                to.push(b'"');
                to.extend_from_slice(suffix);
            }
            Self::Bare { text, language } => {
                to.push(b'"');
                for byte in *text {
                    if *byte == b'"' {
                        to.push(b'\\');
                    }
                    to.push(*byte);
                }
                to.push(b'"');
                if !language.is_empty() {
                    to.push(b'@');
                    to.extend_from_slice(language);
                }
            }
        }
    }
}

/// Bytes as text.
///
/// # Errors
/// When they are not UTF-8.
pub(in crate::ingest) fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| Fault::of_row("the line is not UTF-8", "convert the file to UTF-8"))
}

/// Reads a line; nothing for one that says nothing: a comment, or blanks.
///
/// # Errors
/// When the line is of no layout, cut off, or wrong in one of its parts.
pub(in crate::ingest) fn statement(line: &[u8]) -> Result<Option<Statement<'_>>, Fault> {
    match line.first() {
        None | Some(b'#') => Ok(None),
        Some(b'/') => quadruple(line).map(Some),
        _ => {
            let (subject, rest) = named(line, "subject")?;
            let (relation, rest) = named(rest, "relation")?;
            let object = object(ended(rest)?)?;
            Ok(Some(Statement { subject, relation, object }))
        }
    }
}

/// The bytes of an N-Triples line up to the end of its subject.
pub(in crate::ingest) fn subject_token(line: &[u8]) -> Option<&[u8]> {
    if line.first() != Some(&b'<') {
        return None;
    }
    let end = memchr(b'>', line)? + 1;
    matches!(line.get(end), Some(b'\t' | b' ')).then(|| &line[..end])
}

/// The name of Freebase that an N-Triples line ends with, if its object is one. The end alone is looked at, so that most
/// lines of a dump need not be read.
///
/// # Errors
/// When the line does not end as it should.
pub(in crate::ingest) fn named_object(line: &[u8]) -> Result<Option<Name<'_>>, Fault> {
    let Some(inner) = ended(line)?.strip_suffix(b">") else { return Ok(None) };
    let Some(open) = memrchr(b'<', inner) else { return Ok(None) };
    let iri = &inner[open + 1..];
    Ok(NAMESPACES.iter().find_map(|namespace| iri.strip_prefix(*namespace)).map(Name::own))
}

/// A line without the full stop at its end.
fn ended(line: &[u8]) -> Result<&[u8], Fault> {
    match line.strip_suffix(b".") {
        Some(rest) => Ok(rest.trim_ascii_end()),
        None => Err(Fault::of_row("the line does not end with `.`", TRUNCATED)),
    }
}

/// An IRI or a blank node, and what follows it.
fn named<'l>(line: &'l [u8], what: &'static str) -> Result<(Name<'l>, &'l [u8]), Fault> {
    let (name, rest) = match line.first() {
        Some(b'<') => {
            let end = memchr(b'>', line)
                .ok_or_else(|| Fault::of_row(format!("the {what} of the line does not end with `>`"), TRUNCATED))?;
            (Name::of_iri(&line[1..end]), &line[end + 1..])
        }
        Some(b'_') if line.get(1) == Some(&b':') => {
            let end = line.iter().position(|byte| matches!(byte, b'\t' | b' ')).unwrap_or(line.len());
            (Name { text: &line[..end], more: b"", own: false }, &line[end..])
        }
        _ => {
            return Err(Fault::of_row(
                format!("the {what} of the line begins neither with `<` (N-Triples) nor with `/` (quadruples)"),
                "the file should be a dump of Freebase, N-Triples or quadruples",
            ));
        }
    };
    if name.text.is_empty() {
        return Err(Fault::of_row(format!("the {what} of the line has no name"), "complete the line or take it out"));
    }
    Ok((name, rest.trim_ascii_start()))
}

fn object(text: &[u8]) -> Result<Object<'_>, Fault> {
    if text.first() != Some(&b'"') {
        let (name, rest) = named(text, "object")?;
        if rest.is_empty() {
            return Ok(Object::Name(name));
        }
        return Err(Fault::of_row("something stands between the object of the line and its `.`", TRUNCATED));
    }
    let mut from = 1;
    let close = loop {
        let Some(at) = memchr::memchr2(b'"', b'\\', &text[from..]).map(|at| from + at) else {
            return Err(Fault::of_row("the quote of a literal does not close", TRUNCATED));
        };
        if text[at] == b'"' {
            break at;
        }
        from = (at + 2).min(text.len());
    };
    let suffix = &text[close + 1..];
    let known = match suffix {
        [] => true,
        [b'@', language @ ..] => {
            !language.is_empty() && language.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        }
        [b'^', b'^', b'<', .., b'>'] => true,
        _ => false,
    };
    if !known {
        return Err(Fault::of_row(
            "a literal is followed by neither `@` and a language nor `^^` and a type",
            "quotes inside a literal are written `\\\"`",
        ));
    }
    Ok(Object::Literal(Literal::Quoted { text: &text[1..close], suffix }))
}

/// Source, property, destination, value: the value is a name (only a destination), a text in a language (`/lang/en` is the
/// destination), a key in a namespace (the destination, which becomes part of the relation), or any other value.
fn quadruple(line: &[u8]) -> Result<Statement<'_>, Fault> {
    let mut columns = line.split(|byte| *byte == b'\t');
    let mut next = || columns.next();
    let (source, property, destination, value) = (next(), next(), next(), next());
    let (Some(source), Some(property), Some(destination), None) = (source, property, destination, next()) else {
        let count = line.split(|byte| *byte == b'\t').count();
        return Err(Fault::of_row(format!("the line has {count} columns, a quadruple has 4"), TRUNCATED));
    };
    let (subject, mut relation) = (path(source, "source")?, path(property, "property")?);
    // A line that ends in a tab has lost it with the blanks at its end.
    let object = match (destination, value.unwrap_or_default()) {
        (b"", text) => Object::Literal(Literal::Bare { text, language: b"" }),
        (destination, b"") => Object::Name(path(destination, "destination")?),
        (destination, text) => match destination.strip_prefix(b"/lang/") {
            Some(language) => Object::Literal(Literal::Bare { text, language }),
            None => {
                path(destination, "destination")?;
                relation.more = destination;
                Object::Literal(Literal::Bare { text, language: b"" })
            }
        },
    };
    Ok(Statement { subject, relation, object })
}

/// A name of Freebase in the form of its own interface: `/m/0abc`.
fn path<'l>(text: &'l [u8], what: &'static str) -> Result<Name<'l>, Fault> {
    match text.strip_prefix(b"/") {
        Some(text) if !text.is_empty() => Ok(Name::own(text)),
        _ => Err(Fault::of_row(
            format!("the {what} of a quadruple does not begin with `/`"),
            "complete the line or take it out",
        )),
    }
}

/// Text without the escapes of N-Triples.
fn unescaped(text: &str) -> Result<Cow<'_, str>, Fault> {
    let Some(first) = text.find('\\') else { return Ok(Cow::Borrowed(text)) };
    let complaint =
        || Fault::of_row("a literal has an escape that N-Triples do not know", "write it as `\\\\`, or take it out");
    let mut plain = text[..first].to_owned();
    let mut rest = &text[first..];
    while let Some(escaped) = rest.strip_prefix('\\') {
        let kind = escaped.chars().next().ok_or_else(complaint)?;
        let digits = match kind {
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let end = kind.len_utf8() + digits;
        plain.push(match kind {
            't' => '\t',
            'b' => '\u{8}',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            '"' | '\'' | '\\' => kind,
            'u' | 'U' => escaped
                .get(1..end)
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32)
                .ok_or_else(complaint)?,
            _ => return Err(complaint()),
        });
        rest = &escaped[end..];
        let next = rest.find('\\').unwrap_or(rest.len());
        plain.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Ok(Cow::Owned(plain))
}

#[cfg(test)]
mod tests;
