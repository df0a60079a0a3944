//! What of a source decides numbers: its code, without comments, line lengths and the tests at its end.
//! So a word that is set right, or a test that is added, trains nothing again.

/// The part of `source`, of Rust or C++, that a digest covers.
pub(crate) fn deciding(source: &str) -> String {
    let source = without_tests(source);
    without_comments(source).unwrap_or_else(|| source.to_owned())
}

/// The code without the module of tests at its end; whole where anything stands behind that module.
fn without_tests(source: &str) -> &str {
    let heads = ["\n#[cfg(test)]\nmod tests {\n", "\n#[cfg(test)]\npub(crate) mod tests {\n"];
    let Some((start, head)) = heads.into_iter().find_map(|head| Some((source.find(head)?, head))) else {
        return source;
    };
    let mut outermost = source[start + head.len()..].lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
    match (outermost.next(), outermost.next()) {
        (Some("}"), None) => &source[..start],
        _ => source,
    }
}

/// The code with each gap, of blanks and comments, as one line break or one blank.
/// None where a literal or a comment has no end, and for raw strings of C++, which this does not read.
fn without_comments(source: &str) -> Option<String> {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while !rest.is_empty() {
        let (skipped, next) = rest.split_at(gap(rest)?);
        if !skipped.is_empty() {
            // A line break may end a directive of C++, so it is kept apart from a blank.
            code.push(if skipped.contains('\n') { '\n' } else { ' ' });
        }
        let (kept, next) = next.split_at(token(next)?);
        code.push_str(kept);
        rest = next;
    }
    Some(code.trim().to_owned())
}

/// The length of the blanks and comments that `text` begins with.
fn gap(text: &str) -> Option<usize> {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = &rest[block(rest)?..];
        } else {
            return Some(text.len() - rest.len());
        }
    }
}

/// The length of a block comment, in which others may stand.
fn block(text: &str) -> Option<usize> {
    let (mut at, mut depth) = (0, 0);
    loop {
        if text[at..].starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if text[at..].starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
        } else {
            at += text[at..].chars().next()?.len_utf8();
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The length of the literal, word or sign that `text` begins with; 0 at its end.
fn token(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return Some(0) };
    match first {
        '"' => quoted(text, '"'),
        '\'' => match (chars.next(), chars.next()) {
            (Some('\\'), _) => quoted(text, '\''),
            (Some(letter), Some('\'')) => Some(2 + letter.len_utf8()),
            // A lifetime of Rust, or what parts the digits of C++.
            _ => Some(1),
        },
        _ if word_letter(first) => {
            let length = text.find(|letter| !word_letter(letter)).unwrap_or(text.len());
            match &text[..length] {
                "r" | "br" | "cr" => Some(length + raw(&text[length..])?),
                "R" | "LR" | "uR" | "UR" | "u8R" if text[length..].starts_with('"') => None,
                _ => Some(length),
            }
        }
        _ => Some(first.len_utf8()),
    }
}

fn word_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The length of a literal between two `mark`s, in which a backslash escapes.
fn quoted(text: &str, mark: char) -> Option<usize> {
    let mut letters = text.char_indices().skip(1);
    loop {
        match letters.next()? {
            (_, '\\') => _ = letters.next()?,
            (at, letter) if letter == mark => return Some(at + 1),
            _ => {}
        }
    }
}

/// The length of what follows the `r` of a raw string of Rust; 0 where none follows.
fn raw(text: &str) -> Option<usize> {
    let hashes = text.len() - text.trim_start_matches('#').len();
    if !text[hashes..].starts_with('"') {
        return Some(0);
    }
    let end = format!("\"{}", &text[..hashes]);
    Some(hashes + 1 + text[hashes + 1..].find(&end)? + end.len())
}

#[cfg(test)]
mod tests {
    use super::deciding;

    #[test]
    fn comments_blank_lines_and_indentation_decide_nothing() {
        let bare = "fn f<'a>(x: &'a str) -> char {\n'\\''\n}";
        let told = "//! On top.\n\n/// Says\n/// twice.\nfn f<'a>(x: &'a str)  -> char { // here\n    '\\'' /* and /* within */ */\n}\n";
        assert_eq!(deciding(told), deciding(bare));
        assert_eq!(deciding(bare), bare);
    }

    #[test]
    fn what_looks_like_a_comment_within_a_literal_decides() {
        for (one, other) in [
            ("let a = \"// one\";", "let a = \"// two\";"),
            ("let a = \"\\\"// one\";", "let a = \"\\\"// two\";"),
            ("let a = r#\"\" // one\"#;", "let a = r#\"\" // two\"#;"),
            ("let a = ('\"', 1); // \"", "let a = ('\"', 2); // \""),
            ("auto a = R\"(\" // one)\";", "auto a = R\"(\" // two)\";"),
            ("int a = 1'000'000, b = 1;", "int a = 1'000'000, b = 2;"),
            ("let a = \"one  two\";", "let a = \"one two\";"),
        ] {
            assert_ne!(deciding(one), deciding(other), "{one}");
        }
    }

    #[test]
    fn words_stay_apart_and_signs_stay_together() {
        assert_ne!(deciding("let ab = c;"), deciding("let a b = c;"));
        assert_ne!(deciding("a - -b"), deciding("a--b"));
        assert_eq!(deciding("let/* a */b"), "let b");
        assert_eq!(deciding("#define A // one\nint b;"), "#define A\nint b;");
    }

    #[test]
    fn tests_at_the_end_decide_nothing_but_code_behind_them_does() {
        let code = "fn f() {}\n";
        let tested = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";
        assert_eq!(deciding(tested), deciding(code));
        assert_ne!(deciding(&format!("{tested}\nfn h() {{}}\n")), deciding(code));
    }

    #[test]
    fn a_source_that_cannot_be_read_counts_whole() {
        let open = "let a = 1; // one\nlet b = \"open";
        assert_eq!(deciding(open), open);
    }
}
