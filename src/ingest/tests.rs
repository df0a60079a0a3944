//! Runs a format over files that are given as bytes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

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
    pub(super) items: Items,
    pub(super) users: Text,
    pub(super) meta: Meta,
    /// File, line, column, reason of each rejected row.
    pub(super) rejected: Vec<(String, i64, i64, String)>,
    pub(super) notes: BTreeMap<String, Value>,
}

/// Runs a format over files.
pub(super) fn ingested(format: Format, options: &Options, files: &[(&str, &[u8])]) -> Result<Ingested, StageError> {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    let (raw, output) = (root.join("raw"), root.join("output"));
    for (name, text) in files {
        let path = raw.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    fs_err::create_dir_all(&output).unwrap();
    let task = Task {
        inputs: BTreeMap::from([("from".to_owned(), raw)]),
        output: output.clone(),
        scratch: root.clone(),
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
        meta: Meta::read(output).unwrap(),
        rejected: rejected.collect(),
        notes: BTreeMap::new(),
        users,
        items,
    }
}
