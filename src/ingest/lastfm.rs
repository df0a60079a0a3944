//! Last.fm listening events, told apart by which log is there. LFM-1b: `LFM-1b_LEs.txt`, and where they are there
//! `LFM-1b_tracks.txt` with `LFM-1b_artists.txt`, and `LFM-1b_users.txt`. 1K: the log named after its columns, and
//! `userid-profile.tsv`. Both are parted by tabs without quotes.
//!
//! A track of 1K is its MusicBrainz id; where that is missing, the name of its artist, a tab, and its own name. A row
//! with neither id nor name is left out and counted.

use super::Options;
use super::draft::{Draft, Drafts};
use super::intake::Intake;
use super::keys::Key;
use super::raw::{Fault, Form, RawFile, Row};
use crate::data::events::{Clock, Group};
use crate::engine::stage::{StageError, Task};

const LISTENED: Form<'static> = Form::tsv(&["user", "artist", "album", "track", "time"]).without_header();
const TRACK: Form<'static> = Form::tsv(&["track", "name", "artist"]).without_header();
const ARTIST: Form<'static> = Form::tsv(&["artist", "name"]).without_header();
const USER: &[&str] = &["user_id", "country", "age", "gender", "playcount", "registered_unixtime"];

const LOG_OF_1K: &str = "userid-timestamp-artid-artname-traid-traname.tsv";
const LISTENED_OF_1K: Form<'static> =
    Form::tsv(&["userid", "timestamp", "artid", "artname", "traid", "traname"]).without_header();
const USER_OF_1K: &[&str] = &["#id", "gender", "age", "country", "registered"];

/// The operation: there is no other.
const LISTEN: &[u8] = b"listen";

/// Reads the files.
///
/// # Errors
/// A missing file, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let mut intake = Intake::create(task, options.bad_rows, Clock::Seconds, Group::User)?;
    let (large, small) = (intake.raw().find("LFM-1b_LEs.txt")?, intake.raw().find(LOG_OF_1K)?);
    match (large, small) {
        (Some(log), None) => read_1b(&mut intake, &log)?,
        (None, Some(log)) => read_1k(&mut intake, &log)?,
        (Some(_), Some(_)) => return Err(intake.raw().either("LFM-1b_LEs.txt", LOG_OF_1K).into()),
        (None, None) => return Err(intake.raw().neither("LFM-1b_LEs.txt", LOG_OF_1K).into()),
    }
    intake.finish()
}

fn read_1b(intake: &mut Intake<'_>, log: &RawFile) -> Result<(), StageError> {
    let (tracks, users) = (intake.raw().find("LFM-1b_tracks.txt")?, intake.raw().find("LFM-1b_users.txt")?);
    let artists = tracks.is_some().then(|| intake.raw().require("LFM-1b_artists.txt")).transpose()?;
    intake.log(log, &LISTENED, |row, drafts| {
        let (user, item) = (drafts.number(row, 0)?, drafts.number(row, 3)?);
        let (time, operation) = (Some(row.number(4)?), drafts.key_of(LISTEN));
        drafts.push(Draft { user, item, operation, time, session: Key::NONE, order: None, part: None });
        Ok(())
    })?;
    if let (Some(tracks), Some(artists)) = (tracks, artists) {
        let mut named: Vec<(i64, Box<str>)> =
            intake.list(&artists, &ARTIST, |row| Ok((row.number(0)?, row.text(1)?.into())))?;
        named.sort();
        intake.items(&tracks, &TRACK, &["title", "artist"], |row, values| {
            values.name(row.digits(0)?);
            values.push(Some(&row.text(1)?));
            let artist = row.number(2)?;
            let name = named.binary_search_by_key(&artist, |(number, _)| *number).ok().map(|at| &*named[at].1);
            if name.is_none() {
                values.tally.add("tracks of an artist who is not listed");
            }
            values.push(name);
            Ok(())
        })?;
    }
    if let Some(users) = users {
        intake.users(&users, &Form::tsv(USER), &USER[1..], |row, values| {
            values.name(row.digits(0)?);
            for (column, name) in USER.iter().enumerate().skip(1) {
                // What is not known is printed as -1 or n.
                let text = row.text(column)?;
                let unknown = matches!((*name, text.as_ref()), ("age", "-1") | ("gender", "n"));
                values.push(Some(text.as_ref()).filter(|_| !unknown));
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn read_1k(intake: &mut Intake<'_>, log: &RawFile) -> Result<(), StageError> {
    let users = intake.raw().find("userid-profile.tsv")?;
    intake.telling_log(log, &LISTENED_OF_1K, &["title", "artist"], event_of_1k)?;
    if let Some(users) = users {
        intake.users(&users, &Form::tsv(USER_OF_1K), &USER_OF_1K[1..], |row, values| {
            values.name(row.name(0)?.as_bytes());
            for column in 1..USER_OF_1K.len() {
                values.push(Some(&row.text(column)?));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// A row of the log of 1K.
fn event_of_1k(row: &Row<'_>, drafts: &mut Drafts) -> Result<(), Fault> {
    let (user, time) = (drafts.key(row, 0)?, row.clock(1)?);
    let (artist, track, title) = (row.text(3)?, row.text(4)?, row.text(5)?);
    if track.is_empty() && title.is_empty() {
        drafts.leave_out("rows left out: a track without id and name");
        return Ok(());
    }
    let item = if track.is_empty() {
        drafts.count("events of a track without an id, known by its name");
        drafts.known_pair(&artist, &title)
    } else {
        drafts.known_item(track.as_bytes())
    };
    drafts.known.push(Some(&title));
    drafts.known.push(Some(&artist));
    drafts.known.settle();
    let operation = drafts.key_of(LISTEN);
    drafts.push(Draft { user, item, operation, time: Some(time), session: Key::NONE, order: None, part: None });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{Ingested, ingested};
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Ingested, StageError> {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        ingested(Format::Lastfm, &Options::default(), &files)
    }

    fn attribute<'a>(made: &'a Ingested, name: &str) -> Vec<Option<&'a str>> {
        made.items.attributes.iter().find(|(known, _)| known == name).unwrap().1.iter().collect()
    }

    #[test]
    fn lfm_1b_joins_tracks_and_artists() {
        let made = read(&[
            ("LFM-1b_LEs.txt", "31\t500\t7001\t90001\t1388534400\n31\t501\t7002\t90002\t1388534400\n"),
            ("LFM-1b_tracks.txt", "90002\t\"Heroes\"\t501\n90003\tUnheard\t777\n"),
            ("LFM-1b_artists.txt", "777\t\n501\tDavid \"Ziggy\" Bowie\n"),
            ("LFM-1b_users.txt", "user_id\tcountry\tage\tgender\tplaycount\tregistered_unixtime\n31\t\t-1\tn\t10\t9\n"),
        ])
        .unwrap();
        let found: Vec<_> = made.events.iter().map(|e| (e.0.as_str(), e.2.as_str(), e.3.as_str(), e.4)).collect();
        assert_eq!(found, [("31", "90001", "listen", 1_388_534_400), ("31", "90002", "listen", 1_388_534_400)]);
        assert_eq!(attribute(&made, "title"), [None, Some("\"Heroes\""), Some("Unheard")]);
        assert_eq!(attribute(&made, "artist"), [None, Some("David \"Ziggy\" Bowie"), None]);
        let known: Vec<_> = made.people.iter().map(|(name, column)| (name.as_str(), column.get(0))).collect();
        let rest = [("playcount", Some("10")), ("registered_unixtime", Some("9"))];
        assert_eq!(known, [[("country", None), ("age", None), ("gender", None)].as_slice(), &rest].concat());
    }

    #[test]
    fn a_track_of_1k_is_its_id_else_the_names_of_artist_and_track() {
        let log = "u1\t2009-01-02T03:04:05Z\ta1\tSome Artist\tt1\tSome \"Song\nu1\t2009-01-02T03:00:00Z\t\tSome Artist\t\tX\n\
            u2\t2009-01-02T03:00:00Z\ta1\tSome Artist\tt1\tSome \"Song\nu2\t2009-01-02T03:00:00Z\t\tSome Artist\t\t\n";
        let made = read(&[(LOG_OF_1K, log)]).unwrap();
        let found: Vec<_> = made.events.iter().map(|e| (e.0.as_str(), e.2.as_str(), e.4)).collect();
        let time = 1_230_865_445;
        assert_eq!(found, [("u1", "t1", time), ("u1", "Some Artist\tX", time - 245), ("u2", "t1", time - 245)]);
        assert_eq!(attribute(&made, "title"), [Some("Some \"Song"), Some("X")]);
        assert_eq!(attribute(&made, "artist"), [Some("Some Artist"), Some("Some Artist")]);
        assert_eq!(made.notes["events of a track without an id, known by its name"], 1);
        assert_eq!(made.notes["rows left out: a track without id and name"], 1);
    }

    #[test]
    fn tracks_without_artists_are_refused() {
        let error = read(&[("LFM-1b_LEs.txt", ""), ("LFM-1b_tracks.txt", "")]).unwrap_err().to_string();
        assert!(error.contains("`LFM-1b_artists.txt`"), "{error}");
    }
}
