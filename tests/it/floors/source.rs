//! Rust source as the checks of this folder see it: code tokens apart from comments, strings and test modules.

use std::ops::RangeInclusive;

/// A piece of a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// An identifier, a number, `::`, one other character, or the whole of a comment.
    pub(super) text: &'a str,
    /// The line it begins on, from 1.
    pub(super) line: usize,
}

/// A source file, taken apart.
#[derive(Debug, Default)]
pub(super) struct Source<'a> {
    /// Code without comments, strings, characters and lifetimes.
    pub(super) code: Vec<Piece<'a>>,
    /// Comments of every sort.
    pub(super) comments: Vec<Piece<'a>>,
}

impl<'a> Source<'a> {
    /// Takes a file apart. Accepts anything; only valid Rust is taken apart rightly.
    pub(super) fn parse(text: &'a str) -> Self {
        let mut source = Self::default();
        let (mut at, mut line) = (0, 1);
        while at < text.len() {
            let rest = &text[at..];
            let (length, kind) = first_piece(rest);
            let piece = Piece { text: &rest[..length], line };
            match kind {
                Kind::Code => source.code.push(piece),
                Kind::Comment => source.comments.push(piece),
                Kind::Skipped => {}
            }
            line += piece.text.matches('\n').count();
            at += length;
        }
        source
    }

    /// The lines of items under `#[cfg(test)]`.
    pub(super) fn test_lines(&self) -> Vec<RangeInclusive<usize>> {
        const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        let mut ranges = Vec::new();
        for start in 0..self.code.len() {
            if !self.spells(start, &MARK) {
                continue;
            }
            let mut depth = 0_usize;
            for piece in &self.code[start + MARK.len()..] {
                match piece.text {
                    "{" => depth += 1,
                    "}" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 && matches!(piece.text, "}" | ";") {
                    ranges.push(self.code[start].line..=piece.line);
                    break;
                }
            }
        }
        ranges
    }

    /// Whether the code from `start` on reads `words`.
    pub(super) fn spells(&self, start: usize, words: &[&str]) -> bool {
        self.code.len() >= start + words.len() && self.code[start..].iter().zip(words).all(|(a, b)| a.text == *b)
    }

    /// The text of a piece of code, empty past the end.
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.code.get(index).map_or("", |piece| piece.text)
    }

    /// The first words of what a `{a::b, c}` group at `open` names; of a plain path, its first word.
    pub(super) fn heads(&self, open: usize) -> Vec<Piece<'a>> {
        if self.word(open) != "{" {
            return self.code.get(open).copied().into_iter().collect();
        }
        let (mut depth, mut heads) = (0_usize, Vec::new());
        let mut before = "";
        for piece in &self.code[open..] {
            match piece.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 1 && matches!(before, "{" | ",") => heads.push(*piece),
                _ => {}
            }
            if depth == 0 {
                break;
            }
            before = piece.text;
        }
        heads
    }
}

/// Whether a piece is kept, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Skipped,
}

/// Length in bytes and kind of what stands at the beginning of `text`, which is not empty.
fn first_piece(text: &str) -> (usize, Kind) {
    let first = text.chars().next().unwrap_or(' ');
    if text.starts_with("//") {
        return (text.find('\n').unwrap_or(text.len()), Kind::Comment);
    }
    if text.starts_with("/*") {
        return (block_comment(text), Kind::Comment);
    }
    if let Some(length) = string(text) {
        return (length, Kind::Skipped);
    }
    if first == '\'' {
        return (character_or_lifetime(text), Kind::Skipped);
    }
    if text.starts_with("::") {
        return (2, Kind::Code);
    }
    let word = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if word > 0 {
        return (word, Kind::Code);
    }
    (first.len_utf8(), if first.is_whitespace() { Kind::Skipped } else { Kind::Code })
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the string literal at the beginning, prefix and all.
fn string(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|p| {
        text.strip_prefix(p).is_some_and(|rest| {
            let hashes = rest.len() - rest.trim_start_matches('#').len();
            rest[hashes..].starts_with('"') && (hashes == 0 || p.ends_with('r'))
        })
    })?;
    let rest = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = rest.find('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let body = &rest[hashes + 1..];
        let closed = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix.len() + hashes + 1 + closed);
    }
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(prefix.len() + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

fn character_or_lifetime(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    let Some((_, first)) = chars.next() else { return text.len() };
    if first == '\\' {
        chars.next();
        return chars.find(|(_, c)| *c == '\'').map_or(text.len(), |(at, _)| at + 1);
    }
    match chars.next() {
        Some((at, '\'')) => at + 1,
        _ => 1 + text[1..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len() - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        Source::parse(text).code.iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn strings_comments_characters_and_lifetimes_are_not_code() {
        assert_eq!(words("a /* b /* c */ d */ e // f\ng"), ["a", "e", "g"]);
        assert_eq!(words(r##"x "y \" z" r#"k " l"# br"m\" b"n" q"##), ["x", "q"]);
        assert_eq!(
            words(r"f::<'a>('b', '\'', '\u{41}', '\\') 'c: c"),
            ["f", "::", "<", ">", "(", ",", ",", ",", ")", ":", "c"]
        );
    }

    #[test]
    fn raw_names_and_words_that_begin_like_a_string_are_code() {
        assert_eq!(words("r#type b crate"), ["r", "#", "type", "b", "crate"]);
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let source = Source::parse("\"a\nb\" /* c\nd */ e");
        assert_eq!(source.code, [Piece { text: "e", line: 3 }]);
    }

    #[test]
    fn test_modules_are_found_by_their_braces() {
        let source = Source::parse("fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { \"}\"; }\n}\nfn c() {}\n");
        assert_eq!(source.test_lines(), [2..=5]);
        assert_eq!(Source::parse("#[cfg(test)]\nmod tests;\nfn a() {}").test_lines(), [1..=2]);
    }

    #[test]
    fn groups_name_the_head_of_each_member() {
        let source = Source::parse("{a::{x, y}, b, c::d}; e");
        assert_eq!(source.heads(0).iter().map(|p| p.text).collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
