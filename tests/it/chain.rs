//! Stages one after the other in a temporary folder, and small logs written by hand for them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use camino::Utf8PathBuf;
use serde_json::Value;
use sr_pipe::artifact::table::{MISSING, Text};
use sr_pipe::data::events::{Clock, Given, Group, Meta};
use sr_pipe::data::items::Items;
use sr_pipe::data::names::{GIVEN_SESSIONS, OPERATIONS, USERS};
use sr_pipe::data::protocol::Protocol;
use sr_pipe::data::sessions::{Session, SessionReader, SessionWriter, Step};
use sr_pipe::engine::stage::{Share, StageError, Task};
use sr_pipe::stage::{Settings, StageConfig, Surroundings};

/// A chain of stages in a temporary folder.
pub(crate) struct Chain {
    folder: tempfile::TempDir,
    protocol: Value,
}

/// A stage of a pipeline of this project, with `${name}` places filled in.
pub(crate) fn shipped(pipeline: &str, stage: &str, places: &[(&str, &str)]) -> Value {
    let path = Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("pipelines/{pipeline}.yaml"));
    let mut text = std::fs::read_to_string(path).unwrap();
    for (name, value) in places {
        text = text.replace(&format!("\"${{{name}}}\""), value);
    }
    let pipeline: Value = serde_yaml::from_str(&text).unwrap();
    pipeline["stages"][stage].clone()
}

impl Chain {
    pub(crate) fn new(protocol: Value) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), protocol }
    }

    pub(crate) fn output(&self, name: &str) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().join(name)).unwrap()
    }

    /// Runs a stage; its inputs are earlier stages of the chain, or folders by absolute path. Answers its notes.
    pub(crate) fn run(&self, name: &str, stage: Value) -> BTreeMap<String, Value> {
        self.attempt(name, stage).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs a stage that may fail.
    pub(crate) fn attempt(&self, name: &str, stage: Value) -> Result<BTreeMap<String, Value>, StageError> {
        let protocol: Protocol = serde_json::from_value(self.protocol.clone()).unwrap();
        let (models, surroundings) = (BTreeMap::new(), Surroundings::default());
        let settings =
            Settings { seed: 1, protocol: &protocol, trainer: None, models: &models, surroundings: &surroundings };
        let config: StageConfig = serde_json::from_value(stage).unwrap();
        let stage = config.resolve(&settings).unwrap_or_else(|complaints| panic!("`{name}`: {complaints:?}"));
        let output = self.output(name);
        std::fs::create_dir(&output).unwrap();
        let task = Task {
            inputs: stage.inputs().into_iter().map(|input| (input.name, self.output(&input.stage))).collect(),
            output,
            scratch: self.output(""),
            log: self.output("log"),
            threads: 1,
            share: Share::default(),
            progress: &|_| {},
            stop: &|| false,
            notes: Mutex::default(),
            taken: Mutex::default(),
        };
        stage.run(&task)?;
        Ok(task.notes.into_inner().unwrap())
    }

    pub(crate) fn meta(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.output(name).join("meta.json")).unwrap()).unwrap()
    }

    /// Writes sessions as an artifact of this name, numbered as they stand; rows follow each other.
    pub(crate) fn write(&self, name: &str, sessions: &[Logged]) {
        self.write_as(name, sessions, Clock::Seconds);
    }

    /// The same, for a log of this clock.
    pub(crate) fn write_as(&self, name: &str, sessions: &[Logged], clock: Clock) {
        let folder = self.output(name);
        std::fs::create_dir(&folder).unwrap();
        let (mut users, mut items, mut operations) = (Names::default(), Names::default(), Names::default());
        let mut writer = SessionWriter::create(&folder).unwrap();
        let mut rows = 0..;
        for (number, logged) in (0..).zip(sessions) {
            let steps = logged.events.iter().map(|(item, operation, time)| Step {
                time: *time,
                row: rows.next().unwrap(),
                item: items.number(item),
                operation: operations.number(operation),
            });
            let steps: Vec<Step> = steps.collect();
            let opened = steps.first().map(|step| (step.time, step.row)).unwrap();
            let user = if logged.user.is_empty() { MISSING } else { users.number(&logged.user) };
            writer.push(&Session { number, user, part: logged.part, opened, steps }).unwrap();
        }
        writer.finish().unwrap();
        let known = !users.0.is_empty();
        USERS.write(&folder, Text::full(users.0)).unwrap();
        OPERATIONS.write(&folder, Text::full(operations.0)).unwrap();
        GIVEN_SESSIONS.write(&folder, Text::full(Vec::<String>::new())).unwrap();
        let items = Items { item: Text::full(items.0), attributes: Vec::new() };
        items.write(&folder.join("items.parquet")).unwrap();
        Meta { version: 1, clock, grouped_by: Group::User, users: known }.write(&folder).unwrap();
    }

    /// The sessions of an artifact as words of one-letter items.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        let word = |logged: Logged| logged.events.into_iter().map(|(item, ..)| item).collect();
        self.sessions(name).into_iter().map(|(_, logged)| word(logged)).collect()
    }

    /// The sessions of an artifact, by number.
    pub(crate) fn sessions(&self, name: &str) -> Vec<(i32, Logged)> {
        let folder = self.output(name);
        let users = USERS.read(&folder).unwrap();
        let items = Items::read(&folder.join("items.parquet")).unwrap().item;
        let operations = OPERATIONS.read(&folder).unwrap();
        let at = |names: &Text, number: i32| names.at(usize::try_from(number).unwrap_or(usize::MAX)).to_owned();
        let mut reader = SessionReader::open(&folder).unwrap();
        let (mut session, mut found) = (Session::default(), Vec::new());
        while reader.read(&mut session).unwrap() {
            let event = |step: &Step| (at(&items, step.item), at(&operations, step.operation), step.time);
            let events = session.steps.iter().map(event).collect();
            let user = if session.user == MISSING { String::new() } else { at(&users, session.user) };
            found.push((session.number, Logged { user, events, part: session.part }));
        }
        found
    }
}

/// A session written by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    pub(crate) user: String,
    /// Item, operation, time.
    pub(crate) events: Vec<(String, String, i64)>,
    pub(crate) part: Option<Given>,
}

/// A session of one-letter items, one a second from `start`, each with the operation `1`.
pub(crate) fn logged(user: &str, start: i64, items: &str) -> Logged {
    let events = (start..).zip(items.chars()).map(|(time, item)| (item.to_string(), "1".to_owned(), time)).collect();
    Logged { user: user.to_owned(), events, part: None }
}

impl Logged {
    /// With these one-letter operations.
    pub(crate) fn doing(mut self, operations: &str) -> Self {
        assert_eq!(self.events.len(), operations.len());
        self.events.iter_mut().zip(operations.chars()).for_each(|(event, operation)| event.1 = operation.to_string());
        self
    }

    /// At these times.
    pub(crate) fn at(mut self, times: &[i64]) -> Self {
        assert_eq!(self.events.len(), times.len());
        self.events.iter_mut().zip(times).for_each(|(event, time)| event.2 = *time);
        self
    }

    /// In this part of the publisher's.
    pub(crate) fn given(mut self, part: Given) -> Self {
        self.part = Some(part);
        self
    }
}

#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn number(&mut self, name: &str) -> i32 {
        let place = self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        i32::try_from(place).unwrap()
    }
}
