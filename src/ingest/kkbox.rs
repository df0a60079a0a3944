//! KKBOX (the Kaggle challenge of 2017): `train.csv` (user, song, where in the app), `songs.csv`, and, where they are
//! there, `song_extra_info.csv` (name, ISRC) and `members.csv`. The log has no clock but the order of its rows.
//! `test.csv` is not read: its rows lack the target and repeat users of the log without saying when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Options;
use super::draft::{Draft, Drafts, NO_OPERATION};
use super::intake::Intake;
use super::keys::Key;
use super::known::Values;
use super::raw::{Fault, Form, Row};
use crate::data::events::{Clock, Group};
use crate::engine::stage::{StageError, Task};

const SONG: &[&str] = &["song_id", "artist_name", "genre_ids", "language", "composer", "lyricist", "song_length"];
const EXTRA: &[&str] = &["song_id", "name", "isrc"];
const MEMBER: &[&str] =
    &["msno", "city", "bd", "gender", "registered_via", "registration_init_time", "expiration_date"];

/// Which column of the KKBOX log is the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KkboxOperation {
    /// The tab of the app: 8 operations and a missing one. What the text of MKM-SR names.
    SourceSystemTab,
    /// The screen of the app: 22 operations and a missing one. 23 is the number in Table 1 of MKM-SR, and its early code
    /// reads this column.
    #[default]
    SourceScreenName,
    /// The way by which the song was reached: 12 operations and a missing one.
    SourceType,
}

/// Reads the files.
///
/// # Errors
/// A missing file, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let mut intake = Intake::create(task, options.bad_rows, Clock::Rows, Group::User)?;
    let (train, songs) = (intake.raw().require("train.csv")?, intake.raw().require("songs.csv")?);
    let (extra, members) = (intake.raw().find("song_extra_info.csv")?, intake.raw().find("members.csv")?);
    let operation = match options.kkbox_operation.unwrap_or_default() {
        KkboxOperation::SourceSystemTab => "source_system_tab",
        KkboxOperation::SourceScreenName => "source_screen_name",
        KkboxOperation::SourceType => "source_type",
    };
    intake.note("operation", operation);
    intake.log(&train, &Form::csv(&["msno", "song_id", operation]), event)?;
    let attributes = ["artist", "genre", "language", "composer", "lyricist", "song_length"];
    intake.items(&songs, &Form::csv(SONG), &attributes, song)?;
    if let Some(extra) = extra {
        intake.items(&extra, &Form::csv(EXTRA), &["name", "release_year"], extra_info)?;
    }
    if let Some(members) = members {
        intake.users(&members, &Form::csv(MEMBER), &MEMBER[1..], member)?;
    }
    intake.finish()
}

/// A row of the log. An empty field and the word `null` are the same missing operation.
fn event(row: &Row<'_>, drafts: &mut Drafts) -> Result<(), Fault> {
    let (user, item) = (drafts.key(row, 0)?, drafts.key(row, 1)?);
    let operation = match row.bytes(2) {
        b"" => {
            drafts.count("events with an empty operation");
            drafts.key_of(NO_OPERATION)
        }
        b"null" => {
            drafts.count("events with the operation `null`");
            drafts.key_of(NO_OPERATION)
        }
        _ => drafts.key(row, 2)?,
    };
    drafts.push(Draft { user, item, operation, session: Key::NONE, time: None, order: None, part: None });
    Ok(())
}

/// A song.
fn song(row: &Row<'_>, values: &mut Values) -> Result<(), Fault> {
    values.name(row.name(0)?.as_bytes());
    for (column, name) in SONG.iter().enumerate().skip(1) {
        let text = row.text(column)?;
        // Languages are printed as `52.0` and lengths as whole numbers; in the other columns `.0` may be a name's own.
        let whole = matches!(*name, "language" | "song_length");
        values.push(Some(if whole { text.strip_suffix(".0").unwrap_or(&text) } else { &text }));
    }
    Ok(())
}

/// What else is known of a song.
fn extra_info(row: &Row<'_>, values: &mut Values) -> Result<(), Fault> {
    values.name(row.name(0)?.as_bytes());
    values.push(Some(&row.text(1)?));
    let isrc = row.bytes(2);
    let year = release_year(isrc);
    if isrc.is_empty() {
        values.tally.add("songs without an ISRC");
    } else if year.is_none() {
        values.tally.add("songs whose ISRC tells no year");
    }
    values.push(year.map(|year| year.to_string()).as_deref());
    Ok(())
}

/// The year in a code like `USXYZ1500042`: country, registrant, then two digits of the year. The log ends in 2017, so `18`
/// to `99` are of the 20th century and `00` to `17` of the 21st.
fn release_year(isrc: &[u8]) -> Option<u32> {
    let code: &[u8; 12] = isrc.try_into().ok()?;
    // A few end in a letter; the year is meant all the same.
    let sound = code.iter().all(u8::is_ascii_alphanumeric) && code[5].is_ascii_digit() && code[6].is_ascii_digit();
    let year = u32::from(code[5].wrapping_sub(b'0')) * 10 + u32::from(code[6].wrapping_sub(b'0'));
    sound.then_some(if year > 17 { 1900 + year } else { 2000 + year })
}

/// A user.
fn member(row: &Row<'_>, values: &mut Values) -> Result<(), Fault> {
    values.name(row.name(0)?.as_bytes());
    for column in 1..MEMBER.len() {
        values.push(Some(&row.text(column)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{Ingested, ingested};
    use super::*;

    const TRAIN: &str = "msno,song_id,source_system_tab,source_screen_name,source_type,target\n\
        u/1+=,s1=,search,Search,song,1\nu/1+=,s2=,null,,local-library,0\nu2=,s3=,,Radio,radio,1\n";
    const SONGS: &str = "song_id,song_length,genre_ids,artist_name,composer,lyricist,language\n\
        s1=,201000,465|1259,\"Ann, Bob | Cid\",Eve|  Fay,,52.0\ns2=,100,,\"The \"\"5.0\"\"\",,,-1.0\n";

    fn read(kkbox_operation: Option<KkboxOperation>, files: &[(&str, &str)]) -> Ingested {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        ingested(Format::Kkbox, &Options { kkbox_operation, ..Options::default() }, &files).unwrap()
    }

    #[test]
    fn rows_are_the_clock_and_null_and_empty_are_one_missing_operation() {
        let made = read(Some(KkboxOperation::SourceSystemTab), &[("train.csv", TRAIN), ("songs.csv", SONGS)]);
        assert_eq!((made.meta.clock, made.meta.grouped_by, made.meta.users), (Clock::Rows, Group::User, true));
        let found: Vec<_> = made.events.iter().map(|e| (e.0.as_str(), e.2.as_str(), e.3.as_str(), e.4, e.5)).collect();
        assert_eq!(
            found,
            [("u/1+=", "s1=", "search", 0, 0), ("u/1+=", "s2=", "missing", 1, 1), ("u2=", "s3=", "missing", 2, 2)]
        );
        assert_eq!(made.notes["events with an empty operation"], 1);
        assert_eq!(made.notes["events with the operation `null`"], 1);
    }

    #[test]
    fn the_screen_is_the_operation_unless_another_column_is_named() {
        let files = [("train.csv", TRAIN), ("songs.csv", SONGS)];
        let operations =
            |column| read(column, &files).events.into_iter().map(|event| event.3).collect::<Vec<_>>().join(" ");
        assert_eq!(operations(None), "Search missing Radio");
        assert_eq!(operations(Some(KkboxOperation::SourceType)), "song local-library radio");
    }

    #[test]
    fn songs_bring_attributes_and_extra_info_the_year_over_line_breaks_in_names() {
        let extra = "song_id,name,isrc\ns1=,\"Line one\nline \"\"two\"\"\",USXYZ1700042\ns2=,b,USXYZ1800042\n\
            s3=,c,\ns4=,d,USXYZ15000\n";
        let made = read(None, &[("train.csv", TRAIN), ("songs.csv", SONGS), ("song_extra_info.csv", extra)]);
        let value = |name: &str, item: usize| {
            let (_, column) = made.items.attributes.iter().find(|(known, _)| known == name).unwrap();
            column.get(item)
        };
        assert_eq!(made.items.item.iter().flatten().collect::<Vec<_>>(), ["s1=", "s2=", "s3=", "s4="]);
        assert_eq!((value("artist", 0), value("artist", 1)), (Some("Ann, Bob | Cid"), Some("The \"5.0\"")));
        assert_eq!((value("genre", 0), value("genre", 1), value("genre", 2)), (Some("465|1259"), None, None));
        assert_eq!((value("language", 0), value("language", 1)), (Some("52"), Some("-1")));
        assert_eq!((value("composer", 0), value("lyricist", 0)), (Some("Eve|  Fay"), None));
        assert_eq!(value("name", 0), Some("Line one\nline \"two\""));
        let years: Vec<_> = (0..4).map(|item| value("release_year", item)).collect();
        assert_eq!(years, [Some("2017"), Some("1918"), None, None]);
        assert_eq!(made.notes["songs without an ISRC"], 1);
        assert_eq!(made.notes["songs whose ISRC tells no year"], 1);
    }

    #[test]
    fn letters_of_another_encoding_and_a_quote_that_does_not_close_name_their_place() {
        let header = "song_id,song_length,genre_ids,artist_name,composer,lyricist,language\n";
        for (row, line, column) in
            [(b"s1=,1,,Caf\xe9,,,3".as_slice(), 2, 8), (b"\"a\nb\",1,,\"Ann,,,3", 3, 7), (b"s1=,1,,Ann,,3", 2, 1)]
        {
            let songs = [header.as_bytes(), row, b"\ns2=,1,,Bob,,,3\n"].concat();
            let files = [("train.csv", TRAIN.as_bytes()), ("songs.csv", songs.as_slice())];
            let result = ingested(Format::Kkbox, &Options::default(), &files);
            let Err(StageError::Data(error)) = result else { panic!("{result:?}") };
            let at = error.location.unwrap();
            assert!(at.file.ends_with("songs.csv"));
            assert_eq!((at.line, at.column), (line, column), "{}", error.message);
        }
    }

    #[test]
    fn members_are_users_whether_they_act_or_not() {
        let members = "msno,city,bd,gender,registered_via,registration_init_time,expiration_date\r\n\
            u9=,1,0,,7,20110820,19700101\r\nu2=,13,-43,female,9,20150628,20170622\r\n";
        let made = read(None, &[("train.csv", TRAIN), ("songs.csv", SONGS), ("members.csv", members)]);
        assert_eq!(made.users.iter().flatten().collect::<Vec<_>>(), ["u/1+=", "u2=", "u9="]);
    }
}
