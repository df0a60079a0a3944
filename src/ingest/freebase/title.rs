//! When two titles are the same: one rule for the names of a knowledge base, and one more for the titles of a catalog.

/// Articles that catalogs put behind a comma: `Title, The`.
const ARTICLES: &[&str] = &[
    "the", "a", "an", "la", "le", "les", "l'", "un", "une", "el", "los", "las", "una", "il", "lo", "gli", "i", "o",
    "os", "as", "der", "die", "das", "ein", "eine", "den", "det", "de", "het",
];

/// What two names have in common when they are the same: their letters and digits in lower case, with one blank between
/// words. An apostrophe parts no words, `&` is the word `and`, everything else parts them.
pub(super) fn name_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    let mut part = false;
    let mut push = |letters: &mut dyn Iterator<Item = char>, part: &mut bool| {
        if std::mem::take(part) && !key.is_empty() {
            key.push(' ');
        }
        key.extend(letters);
    };
    for letter in name.chars() {
        match letter {
            '\'' | '’' | 'ʼ' => {}
            '&' => {
                part = true;
                push(&mut "and".chars(), &mut part);
                part = true;
            }
            letter if letter.is_alphanumeric() => push(&mut letter.to_lowercase(), &mut part),
            _ => part = true,
        }
    }
    key
}

/// The key of a title as catalogs write it, `Title, The (1995)`: a year in brackets at its end is cut off, and an article
/// behind the last comma goes to the front.
pub(super) fn title_key(title: &str) -> String {
    article_first(without_year(title))
}

/// The key of a title without all brackets at its end, if it has any beside a year: `Title, The (Other Title) (1995)`.
pub(super) fn bare_title_key(title: &str) -> Option<String> {
    let (mut bare, _) = last_brackets(without_year(title))?;
    while let Some((before, _)) = last_brackets(bare) {
        bare = before;
    }
    Some(article_first(bare))
}

fn without_year(title: &str) -> &str {
    let title = title.trim();
    last_brackets(title).filter(|(_, inner)| year(inner).is_some()).map_or(title, |(before, _)| before)
}

fn article_first(title: &str) -> String {
    if let Some((before, article)) = title.rsplit_once(',') {
        let article = article.trim().to_lowercase();
        if ARTICLES.contains(&article.as_str()) {
            let blank = if article.ends_with('\'') { "" } else { " " };
            return name_key(&format!("{article}{blank}{before}"));
        }
    }
    name_key(title)
}

/// The year of a text: the four digits with which the brackets at its end begin, as in `Title (1995)`; without brackets
/// there, the four digits with which the text begins, as in `1995-03`.
pub(super) fn year(text: &str) -> Option<u32> {
    let text = text.trim();
    let inner = last_brackets(text).map_or(text, |(_, inner)| inner);
    let (digits, rest) = inner.split_at_checked(4)?;
    let ends = !rest.starts_with(|next: char| next.is_alphanumeric());
    (ends && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// What stands before the brackets at the end of a text, and in them; nothing where nothing stands before them.
fn last_brackets(text: &str) -> Option<(&str, &str)> {
    let (before, inner) = text.strip_suffix(')')?.rsplit_once('(')?;
    let before = before.trim_end();
    (!before.is_empty()).then_some((before, inner))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn titles_of_a_catalog_meet_the_names_of_a_base() {
        for (title, name) in [
            ("Toy Story (1995)", "Toy Story"),
            ("Title, The (1995)", "The Title"),
            ("Misérables, Les (1995)", "Les misérables"),
            ("Ombre, L' (1961)", "L'ombre"),
            ("Romeo & Juliet (1968)", "Romeo and Juliet"),
            ("Dr. Strangelove (1963)", "Dr Strangelove"),
            ("(500) Days (2009)", "(500) Days"),
            ("2001: A Space Odyssey (1968)", "2001 - a space odyssey"),
            ("I, the Jury (1953)", "I, The Jury"),
            ("Mommy’s Boy", "Mommy's Boy"),
        ] {
            assert_eq!(title_key(title), name_key(name), "{title}");
        }
    }

    #[test]
    fn brackets_without_a_year_belong_to_the_title_unless_it_is_asked_without_them() {
        assert_eq!(title_key("Frantic (Live)"), "frantic live");
        assert_eq!(bare_title_key("Frantic (Live) (1999)").as_deref(), Some("frantic"));
        let both = "City of Lost Children, The (Cité des enfants perdus, La)";
        assert_eq!(bare_title_key(both).as_deref(), Some("the city of lost children"));
        assert_eq!((bare_title_key("Frantic (1999)"), bare_title_key("(Live)")), (None, None));
        assert_eq!(title_key("(1995)"), "1995");
        assert_eq!(name_key(" ... "), "");
    }

    #[test]
    fn a_year_stands_in_the_last_brackets_or_at_the_beginning() {
        for (text, found) in [
            ("Toy Story (1995)", Some(1995)),
            ("1999-03", Some(1999)),
            ("1999", Some(1999)),
            ("Series (1995-1998)", Some(1995)),
            ("2001: A Space Odyssey (1968)", Some(1968)),
            ("19995", None),
            ("Film (Live)", None),
            ("", None),
            ("199", None),
        ] {
            assert_eq!(year(text), found, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_key_with_single_blanks_inside(text in any::<String>()) {
            for key in [name_key(&text), title_key(&text)] {
                prop_assert!(!key.contains("  ") && key.trim() == key, "{key:?}");
            }
            bare_title_key(&text);
            year(&text);
        }
    }
}
