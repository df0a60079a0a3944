//! Runs a format over files that are given as bytes, and every format over bytes that nobody meant.

mod sound;

use std::collections::BTreeMap;
use std::sync::Mutex;

use camino::Utf8Path;
use proptest::prelude::*;
use serde_json::Value;
use sound::{MAPPING, sound};

use super::*;
use crate::artifact::table::{self, Text};
use crate::data::events::{EventReader, Meta, NONE};
use crate::data::items::Items;
use crate::data::names::{GIVEN_SESSIONS, OPERATIONS, USERS};
use crate::engine::stage::Share;

/// What a format made, with names instead of numbers.
#[derive(Debug)]
pub(super) struct Ingested {
    /// (user, session, item, operation, time, row), in the order of the rows.
    pub(super) events: Vec<(String, String, String, String, i64, u32)>,
    /// The part of each event.
    pub(super) parts: Vec<Option<crate::data::events::Given>>,
    /// The place of each event in its session.
    pub(super) orders: Vec<Option<u32>>,
    pub(super) items: Items,
    pub(super) users: Text,
    /// What is known of users.
    pub(super) people: Vec<(String, Text)>,
    pub(super) meta: Meta,
    /// File, line, column, reason of each rejected row.
    pub(super) rejected: Vec<(String, i64, i64, String)>,
    pub(super) notes: BTreeMap<String, Value>,
}

/// Runs a format over files.
pub(super) fn ingested(format: Format, options: &Options, files: &[(&str, &[u8])]) -> Result<Ingested, StageError> {
    let folder = tempfile::tempdir().unwrap();
    ingested_into(Utf8Path::from_path(folder.path()).unwrap(), format, options, files)
}

/// Runs a format over files; what it makes lies in `output` of the folder.
pub(super) fn ingested_into(
    root: &Utf8Path,
    format: Format,
    options: &Options,
    files: &[(&str, &[u8])],
) -> Result<Ingested, StageError> {
    let (raw, output) = (root.join("raw"), root.join("output"));
    for (name, text) in files {
        let path = raw.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    fs_err::create_dir_all(&raw).unwrap();
    fs_err::create_dir_all(&output).unwrap();
    let task = Task {
        inputs: BTreeMap::from([("from".to_owned(), raw)]),
        output: output.clone(),
        scratch: root.to_owned(),
        log: root.join("log"),
        threads: 3,
        share: Share::default(),
        progress: &|_| {},
        stop: &|| false,
        notes: Mutex::default(),
        taken: Mutex::default(),
    };
    format.ingest(&task, options)?;
    let notes = task.notes.into_inner().unwrap();
    Ok(Ingested { notes, ..made(&output) })
}

/// What lies in an artifact of events.
fn made(output: &Utf8Path) -> Ingested {
    let items = Items::read(&output.join(crate::data::items::FILE)).unwrap();
    let [users, operations, sessions] = [USERS, OPERATIONS, GIVEN_SESSIONS].map(|table| table.read(output).unwrap());
    let people = table::read(&output.join(USERS.file), &USERS.schema).unwrap().further();
    let name =
        |names: &Text, number: u32| if number == NONE { "-".into() } else { names.at(number as usize).to_owned() };
    let mut read: Vec<_> = EventReader::open(output).unwrap().flat_map(Result::unwrap).collect();
    read.sort_by_key(|event| event.row);
    let events = read.iter().map(|event| {
        (
            name(&users, event.user),
            name(&sessions, event.session),
            name(&items.item, event.item),
            name(&operations, event.operation.into()),
            event.time,
            event.row,
        )
    });
    let mut table = table::read(&output.join(REJECTED), &REJECTED_SCHEMA).unwrap();
    let (files, lines, columns) = (table.text("file"), table.int64("line"), table.int64("column"));
    let reasons = table.text("reason");
    let rejected =
        (0..lines.len()).map(|row| (files.at(row).to_owned(), lines[row], columns[row], reasons.at(row).to_owned()));
    Ingested {
        events: events.collect(),
        parts: read.iter().map(|event| event.part).collect(),
        orders: read.iter().map(|event| Some(event.order).filter(|order| *order != NONE)).collect(),
        meta: Meta::read(output).unwrap(),
        rejected: rejected.collect(),
        notes: BTreeMap::new(),
        users,
        people,
        items,
    }
}

fn table() -> TableMapping {
    serde_json::from_str(MAPPING).unwrap()
}

/// A stretch of a file and what is put in its place.
fn edit() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let byte = prop_oneof![prop::sample::select(b"\"\"\n\r,;\t:|+.-0".to_vec()), any::<u8>(),];
    (any::<prop::sample::Index>(), 0..6_usize, proptest::collection::vec(byte, 0..8))
}

#[test]
fn sound_files_are_read_by_every_format() {
    let options = Options { table: Some(table()), ..Options::default() };
    for format in Format::ALL {
        for files in sound(*format) {
            let made = ingested(*format, &options, &files).unwrap_or_else(|error| panic!("{format:?}: {error}"));
            assert!(!made.events.is_empty() && !made.items.item.is_empty(), "{format:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Whatever stands in the files, a format ends with an answer: what it read, or what is wrong.
    #[test]
    fn no_bytes_make_a_format_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), edit()), 0..6),
        strict in any::<bool>(),
    ) {
        let bad_rows = if strict { BadRows::Strict } else { BadRows::Quarantine(Quarantine { at_most: 1.0 }) };
        let options = Options { bad_rows, table: Some(table()), ..Options::default() };
        for format in Format::ALL {
            for files in sound(*format) {
                let mut files: Vec<(&str, Vec<u8>)> =
                    files.into_iter().map(|(name, bytes)| (name, bytes.to_vec())).collect();
                for (file, (at, length, bytes)) in &edits {
                    let place = file.index(files.len());
                    let text = &mut files[place].1;
                    let start = at.index(text.len() + 1);
                    let end = (start + length).min(text.len());
                    text.splice(start..end, bytes.iter().copied());
                }
                let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
                match ingested(*format, &options, &files) {
                    Ok(_) | Err(StageError::Data(_)) => {}
                    // A file that begins as an archive does and is none.
                    Err(StageError::Io(error)) => prop_assert!(error.to_string().contains("help"), "{error}"),
                    Err(error) => prop_assert!(false, "{format:?}: {error}"),
                }
            }
        }
    }
}
