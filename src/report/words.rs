//! Words and numbers as people read them, before they have a form: each renderer writes the same words in its own marks.

pub(super) use crate::unit::thousands;

/// A line of words. Backticks stand round what is literally so (a name, a digest, a path), `**` round what is strong, `<u>`
/// and `</u>` round what is underlined; a mark that has no other end is a letter like any other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Words(String);

/// A piece of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span<'a> {
    /// As it is.
    Plain(&'a str),
    /// Literally so.
    Code(&'a str),
    /// Strong.
    Strong(&'a str),
    /// Underlined.
    Underlined(&'a str),
}

/// The marks with which a piece begins and ends.
const MARKS: [(&str, &str); 3] = [("`", "`"), ("**", "**"), ("<u>", "</u>")];

impl Words {
    /// Text on one line, whatever breaks it had.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(inline(text.as_ref()))
    }

    /// The pieces, in order; none of them is empty.
    pub fn spans(&self) -> Vec<Span<'_>> {
        let (mut spans, mut rest, mut plain) = (Vec::new(), self.0.as_str(), 0);
        while plain < rest.len() {
            let found = MARKS.iter().enumerate().find_map(|(kind, (begin, end))| {
                let inside = rest[plain..].strip_prefix(begin)?;
                let until = inside.find(end).filter(|until| *until > 0)?;
                Some((kind, &inside[..until], plain + begin.len() + until + end.len()))
            });
            let Some((kind, inside, after)) = found else {
                plain += rest[plain..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            spans.extend((plain > 0).then(|| Span::Plain(&rest[..plain])));
            spans.push([Span::Code, Span::Strong, Span::Underlined][kind](inside));
            (rest, plain) = (&rest[after..], 0);
        }
        spans.extend((!rest.is_empty()).then_some(Span::Plain(rest)));
        spans
    }

    /// The words without marks.
    pub fn plain(&self) -> String {
        let text = self.spans().into_iter().map(|span| match span {
            Span::Plain(text) | Span::Code(text) | Span::Strong(text) | Span::Underlined(text) => text,
        });
        text.collect()
    }

    /// Clauses after what they belong to, as one sentence.
    pub(super) fn sentence(of: &Self, clauses: &[Self]) -> Self {
        let clauses: Vec<&str> = clauses.iter().map(|clause| clause.0.as_str()).collect();
        Self(format!("{}: {}.", of.0, clauses.join("; ")))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Text of a person on one line.
pub(super) fn inline(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text between backticks.
pub(super) fn code(text: &str) -> String {
    format!("`{text}`")
}

/// The first 12 characters of a digest: enough to tell two apart, short enough to read.
pub(super) fn short(digest: &str) -> &str {
    digest.char_indices().nth(12).map_or(digest, |(end, _)| &digest[..end])
}

/// A fraction in per cent with two decimals.
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.2}", 100.0 * fraction)
}

/// A difference in points, always with its sign: `+1.68`, `−0.12`, and `0.00` when nothing is left of it.
pub(super) fn points(difference: f64) -> String {
    match format!("{difference:+.2}").as_str() {
        "+0.00" | "-0.00" => "0.00".to_owned(),
        signed => signed.replace('-', "−"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 seed`, `2 seeds`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_for_people() {
        assert_eq!([0, 999, 1000, 12195, 1_234_567].map(thousands), ["0", "999", "1,000", "12,195", "1,234,567"]);
        assert_eq!([1.684, -0.12, 0.001, -0.001].map(points), ["+1.68", "−0.12", "0.00", "0.00"]);
        assert_eq!(percent(0.206_31), "20.63");
    }

    #[test]
    fn marks_part_words_and_those_without_an_end_are_letters() {
        let words = Words::new("a `b|c` **d** <u>e</u> f` ** <u>é``");
        let spans = words.spans();
        let plain = |at: usize| matches!(spans[at], Span::Plain(_));
        assert_eq!([spans[1], spans[3], spans[5]], [Span::Code("b|c"), Span::Strong("d"), Span::Underlined("e")]);
        // A backtick takes the next one for its end; nothing stands between the last two.
        assert_eq!(spans[6..], [Span::Plain(" f"), Span::Code(" ** <u>é"), Span::Plain("`")]);
        assert!(plain(0) && plain(2) && plain(4), "{spans:?}");
        assert_eq!(words.plain(), "a b|c d e f ** <u>é`");
        assert_eq!(Words::new("** <u>").spans(), [Span::Plain("** <u>")]);
    }

    #[test]
    fn words_stand_on_one_line() {
        assert_eq!(Words::new(" a \n b ").plain(), "a b");
    }
}
