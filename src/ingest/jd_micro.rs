//! JD micro-behaviours (Appliances, Computers): one session a line, its micro-behaviours parted by a blank, each
//! `sku+behaviour+category+interval+dwell`. Sessions have no name but their line, nobody's name, and no time: the order
//! of the rows is all there is, so such a log is split at random. Interval and dwell are checked and not kept.

use super::Options;
use super::draft::{Draft, Drafts};
use super::intake::Intake;
use super::keys::Key;
use super::raw::{Delimiter, Fault, Form, Row};
use crate::data::events::{Clock, Group};
use crate::engine::stage::{StageError, Task};

const LINE: Form<'static> =
    Form { delimiter: Delimiter::None, quoted: false, ..Form::csv(&["session"]).without_header() };

/// Reads one file, which has had several names: the only one that is there, unless it is named.
///
/// # Errors
/// No file or several, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let mut intake = Intake::create(task, options.bad_rows, Clock::Rows, Group::Session)?;
    let file = intake.raw().chosen(options.file.as_deref())?;
    intake.telling_log(&file, &LINE, &["category"], session)?;
    intake.finish()
}

/// A session.
fn session(row: &Row<'_>, drafts: &mut Drafts) -> Result<(), Fault> {
    let line = row.bytes(0);
    let session = drafts.own_session();
    let mut told: [&[u8]; 2] = [b"", b""];
    for (start, behaviour) in words(line) {
        let fields = fields(behaviour).ok_or_else(|| {
            let help = "micro-behaviours look like `5550001+5+753+12+40`: sku, behaviour, category, interval, dwell";
            Fault::of(0, "is no micro-behaviour", help).within(start..start + behaviour.len())
        })?;
        let [sku, operation, category, ..] = fields;
        if !matches!(operation, b"1" | b"2" | b"3" | b"4" | b"5" | b"6" | b"7" | b"8" | b"9" | b"10") {
            let at = start + sku.len() + 1;
            let fault = Fault::of(0, "is no type of behaviour", "there are ten, from 1 Home2Product to 10 Order");
            return Err(fault.within(at..at + operation.len()));
        }
        let item = if told == [sku, category] { drafts.key_of(sku) } else { drafts.known_item(sku) };
        if told != [sku, category] {
            drafts.known.push(std::str::from_utf8(category).ok());
            drafts.known.settle();
            told = [sku, category];
        }
        let operation = drafts.key_of(operation);
        drafts.push(Draft { user: Key::NONE, session, item, operation, time: None, order: None, part: None });
    }
    Ok(())
}

/// The words of a line, with where each begins.
fn words(line: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    let words = line.split(|byte| *byte == b' ').map(move |word| {
        let start = at;
        at += word.len() + 1;
        (start, word)
    });
    words.filter(|(_, word)| !word.is_empty())
}

/// The five whole numbers of a micro-behaviour.
fn fields(behaviour: &[u8]) -> Option<[&[u8]; 5]> {
    let mut fields: [&[u8]; 5] = [&[]; 5];
    let mut parts = behaviour.split(|byte| *byte == b'+');
    for field in &mut fields {
        *field = parts.next().filter(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))?;
    }
    parts.next().is_none().then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{Ingested, ingested};
    use super::*;

    fn read(text: &str) -> Result<Ingested, StageError> {
        ingested(Format::JdMicro, &Options::default(), &[("JD_Applicances", text.as_bytes())])
    }

    #[test]
    fn each_line_is_a_session_and_the_category_becomes_an_attribute() {
        let made = read(
            "5550001+5+753+12+40 5550001+6+753+28+40 77700000001+5+672+9+9\r\n\
             5550001+10+753+3+15  5550002+7+754+12+15 \n",
        )
        .unwrap();
        let found: Vec<_> =
            made.events.iter().map(|e| (e.0.as_str(), e.1.as_str(), e.2.as_str(), e.3.as_str(), e.4)).collect();
        assert_eq!(
            found,
            [
                ("-", "1", "5550001", "5", 0),
                ("-", "1", "5550001", "6", 1),
                ("-", "1", "77700000001", "5", 2),
                ("-", "2", "5550001", "10", 3),
                ("-", "2", "5550002", "7", 4)
            ]
        );
        assert_eq!((made.meta.clock, made.meta.grouped_by, made.meta.users), (Clock::Rows, Group::Session, false));
        let (name, category) = &made.items.attributes[0];
        assert_eq!((name.as_str(), category.get(0), category.get(1)), ("category", Some("753"), Some("672")));
    }

    #[test]
    fn a_sku_of_two_categories_is_counted_and_the_first_stands() {
        let made = read("1+5+7+1+1 1+5+8+1+1 1+5+7+1+1 2+5+8+1+1\n1+5+9+1+1\n").unwrap();
        assert_eq!(made.notes["items of which rows of JD_Applicances say different things"], 1);
        assert_eq!(made.items.attributes[0].1.iter().collect::<Vec<_>>(), [Some("7"), Some("8")]);
    }

    #[test]
    fn a_behaviour_that_is_none_is_told_where_it_stands() {
        for (line, column, shown) in [
            ("1+5+7+1+1 1+11+7+1+1", 13, "`11`"),
            ("1+5+7+1+1 1+5+x+1+1", 11, "`1+5+x+1+1`"),
            (" 1+5+7+1", 2, "`1+5+7+1`"),
            ("1+5+7+1+1+1", 1, "`1+5+7+1+1+1`"),
        ] {
            let Err(StageError::Data(error)) = read(&format!("1+5+7+1+1\n{line}\n")) else { panic!("{line}") };
            let at = error.location.as_ref().unwrap();
            assert_eq!((at.line, at.column), (2, column), "{line}");
            assert!(error.message.starts_with(shown), "{}", error.message);
        }
    }

    #[test]
    fn one_file_is_read_whatever_its_name_and_two_are_refused() {
        let error = ingested(Format::JdMicro, &Options::default(), &[("a", b"1+5+7+1+1"), ("b/c", b"")]).unwrap_err();
        assert!(error.to_string().contains("there are `a`, `b/c`"), "{error}");
        let named = Options { file: Some("a".into()), ..Options::default() };
        assert_eq!(ingested(Format::JdMicro, &named, &[("a", b"1+5+7+1+1"), ("b", b"")]).unwrap().events.len(), 1);
        let error = ingested(Format::JdMicro, &Options::default(), &[]).unwrap_err();
        assert!(error.to_string().contains("there is none"), "{error}");
    }
}
