//! Every raw format through the `ingest` stage: on the heads of the real files where they are there, in every container,
//! and with the traps that only whole files have.

mod containers;
mod engine;
mod heads;
mod made_up;
mod own_data;

use std::collections::BTreeMap;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use sr_pipe::artifact::table::{self, Text};
use sr_pipe::data::events::{Event, EventReader};
use sr_pipe::data::items::{self, Items};
use sr_pipe::data::names::{OPERATIONS, USERS};
use sr_pipe::data::protocol::Protocol;
use sr_pipe::engine::stage::{Share, StageError, Task};
use sr_pipe::stage::{Settings, StageConfig, Surroundings};

/// Raw files in a temporary folder, and what becomes of them.
struct Raw {
    folder: tempfile::TempDir,
}

/// What a format made of them.
struct Made {
    events: Vec<Event>,
    items: Items,
    operations: Text,
    users: Text,
    notes: BTreeMap<String, Value>,
}

impl Raw {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn root(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().to_owned()).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.root().join("raw").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// Runs `ingest` with these fields of its config.
    fn ingest(&self, config: Value) -> Result<Made, StageError> {
        let mut config = config;
        config["from"] = "raw".into();
        let config: StageConfig = serde_json::from_value(serde_json::json!({ "ingest": config })).unwrap();
        let protocol: Protocol = serde_json::from_value(serde_json::json!({ "select_on": "validation" })).unwrap();
        let (models, surroundings) = (BTreeMap::new(), Surroundings::default());
        let settings =
            Settings { seed: 1, protocol: &protocol, trainer: None, models: &models, surroundings: &surroundings };
        let stage = config.resolve(&settings).unwrap_or_else(|complaints| panic!("{complaints:?}"));
        let output = tempfile::tempdir_in(self.folder.path()).unwrap();
        let output = Utf8PathBuf::from_path_buf(output.keep()).unwrap();
        let task = Task {
            inputs: BTreeMap::from([("from".to_owned(), self.root().join("raw"))]),
            output: output.clone(),
            scratch: self.root(),
            log: self.root().join("log"),
            threads: 3,
            share: Share::default(),
            progress: &|_| {},
            stop: &|| false,
            notes: Mutex::default(),
            taken: Mutex::default(),
        };
        stage.run(&task)?;
        Ok(Made {
            events: EventReader::open(&output).unwrap().flat_map(Result::unwrap).collect(),
            items: Items::read(&output.join(items::FILE)).unwrap(),
            operations: OPERATIONS.read(&output).unwrap(),
            users: table::read(&output.join(USERS.file), &USERS.schema).unwrap().text("user"),
            notes: task.notes.into_inner().unwrap(),
        })
    }
}

impl Made {
    fn note(&self, name: &str) -> u64 {
        self.notes.get(name).and_then(Value::as_u64).unwrap_or_else(|| panic!("no note `{name}`: {:?}", self.notes))
    }

    /// The attribute of an item.
    fn attribute(&self, name: &str, item: &str) -> Option<&str> {
        let (_, column) = self.items.attributes.iter().find(|(known, _)| known == name).unwrap();
        let row = self.items.item.iter().position(|known| known == Some(item)).unwrap();
        column.get(row)
    }

    /// How many events have an operation.
    fn with_operation(&self, name: &str) -> usize {
        let number = self.operations.iter().position(|known| known == Some(name));
        self.events.iter().filter(|event| Some(usize::from(event.operation)) == number).count()
    }
}

/// A folder of real files, or a printed line and nothing.
fn real(folder: &str) -> Option<Utf8PathBuf> {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(folder);
    if !path.is_dir() {
        eprintln!("skipped: the real files are not at {path}");
        return None;
    }
    Some(path)
}

/// Real files under the names of their publisher.
fn raw_of(folder: &str, files: &[(&str, &str)]) -> Option<Raw> {
    let from = real(folder)?;
    let raw = Raw::new();
    for (there, name) in files {
        raw.write(name, &std::fs::read(from.join(there)).unwrap());
    }
    Some(raw)
}
