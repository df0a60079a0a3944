//! Counting: sessions pass through one by one; memory grows with items, users and, by one byte each, with the sessions of
//! a dataset.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::{Source, Statistic, Statistics, Value};
use crate::artifact::table::TableReader;
use crate::data::events::EventReader;
use crate::data::marks::Marks;
use crate::data::sessions::{Session, SessionReader};
use crate::data::vocabulary::{ITEMS, Vocabulary};
use crate::data::{dataset, items, knowledge, samples};
use crate::engine::stage::StageError;

/// Takes how far the counting is: events done, events in all, of what. Its error ends the counting.
pub type Pace<'a> = &'a mut dyn FnMut(u64, u64, &str) -> Result<(), StageError>;

impl Statistics {
    /// Counts what the folders of sealed artifacts hold.
    ///
    /// # Errors
    /// When a file cannot be read, or the pace says stop.
    pub fn count(folders: &BTreeMap<Source, &Utf8Path>, pace: Pace<'_>) -> Result<Self, StageError> {
        let folder = |source: Source| folders.get(&source).copied();
        let log = folder(Source::Events).map(|folder| Log::of(folder, pace)).transpose()?;
        let parts = folder(Source::Dataset).map(Parts::of).transpose()?;
        let tally = folder(Source::Sessions).map(|folder| Tally::of(folder, parts.as_ref(), pace)).transpose()?;
        let triples = folder(Source::Knowledge).map(Triples::of).transpose()?;
        let given: Vec<Source> = folders.keys().copied().collect();
        Ok(Self::of(&given, |statistic: &Statistic| {
            let name = statistic.name;
            let from_log = log.as_ref().and_then(|log| log.value(name));
            let from_sessions = || tally.as_ref().and_then(|tally| tally.value(name, parts.as_ref()));
            let from_parts = || parts.as_ref().and_then(|parts| parts.value(name));
            let from_triples = || triples.as_ref().and_then(|triples| triples.value(name));
            from_log.or_else(from_sessions).or_else(from_parts).or_else(from_triples)
        }))
    }
}

/// How many; unknown where the log names none.
fn named(count: u64, what: &str) -> Value {
    if count == 0 { Value::Unknown(format!("the log names no {what}")) } else { Value::Count(count) }
}

/// What the log has.
struct Log {
    events: u64,
    items: Marks,
    users: Marks,
    operations: Marks,
}

impl Log {
    fn of(folder: &Utf8Path, pace: Pace<'_>) -> Result<Self, StageError> {
        let reader = EventReader::open(folder)?;
        let total = reader.rows() as u64;
        let mut this =
            Self { events: 0, items: Marks::default(), users: Marks::default(), operations: Marks::default() };
        for piece in reader {
            let piece = piece?;
            for event in &piece {
                this.items.add(event.item.cast_signed());
                this.users.add(event.user.cast_signed());
                this.operations.add(i32::from(event.operation));
            }
            this.events += piece.len() as u64;
            pace(this.events, total, "events of the log")?;
        }
        Ok(this)
    }

    fn value(&self, name: &str) -> Option<Value> {
        Some(match name {
            "log events" => Value::Count(self.events),
            "log items" => Value::Count(self.items.count()),
            "log users" => named(self.users.count(), "user"),
            "log operations" => Value::Count(self.operations.count()),
            _ => return None,
        })
    }
}

/// The parts of a dataset, by their place here.
const PARTS: [&str; 3] = ["train", "valid", "test"];

/// The place of a part among [`PARTS`]; one beyond them for a session in no part.
const NOWHERE: u8 = PARTS.len() as u8;

/// What a dataset has.
struct Parts {
    items: Vocabulary,
    sessions: [u64; PARTS.len()],
    samples: [u64; PARTS.len()],
    /// Events of the sessions as the dataset holds them.
    events: u64,
    /// Test samples whose target is cold.
    cold: u64,
    /// Test samples whose target stands in their input.
    repeated: u64,
    /// The part of each session, by its number.
    part: Vec<u8>,
    /// Whether a session stands in more than one part.
    several: bool,
}

impl Parts {
    fn of(folder: &Utf8Path) -> Result<Self, StageError> {
        let mut this = Self {
            items: Vocabulary::read(&folder.join("items.parquet"), &ITEMS)?,
            sessions: [0; PARTS.len()],
            samples: [0; PARTS.len()],
            events: 0,
            cold: 0,
            repeated: 0,
            part: Vec::new(),
            several: false,
        };
        let place = |name: &str| PARTS.iter().position(|part| *part == name);
        let sessions = folder.join("sessions.parquet");
        for piece in TableReader::open_columns(&sessions, &dataset::SESSIONS, &["part", "session", "length"])? {
            let mut piece = piece?;
            let (parts, numbers, lengths) = (piece.text("part"), piece.int64("session"), piece.int32("length"));
            for (row, number) in numbers.into_iter().enumerate() {
                let Some(part) = place(parts.at(row)) else { continue };
                this.sessions[part] += 1;
                this.events += u64::try_from(lengths[row]).unwrap_or_default();
                let Ok(number) = usize::try_from(number) else { continue };
                if number >= this.part.len() {
                    this.part.resize(number + 1, NOWHERE);
                }
                let part = part as u8;
                this.several |= ![NOWHERE, part].contains(&this.part[number]);
                this.part[number] = part;
            }
        }
        let samples = folder.join(samples::FILE);
        for piece in TableReader::open_columns(&samples, &samples::SCHEMA, &["part", "in_session", "cold"])? {
            let mut piece = piece?;
            let (parts, repeated, cold) = (piece.text("part"), piece.bool("in_session"), piece.bool("cold"));
            for row in 0..parts.len() {
                let Some(part) = place(parts.at(row)) else { continue };
                this.samples[part] += 1;
                if PARTS[part] == "test" {
                    this.cold += u64::from(cold[row]);
                    this.repeated += u64::from(repeated[row]);
                }
            }
        }
        Ok(this)
    }

    /// The part of a session.
    fn part(&self, session: i32) -> Option<&'static str> {
        let part = self.part.get(usize::try_from(session).ok()?)?;
        PARTS.get(usize::from(*part)).copied()
    }

    fn value(&self, name: &str) -> Option<Value> {
        let [train, valid, test] = self.samples;
        Some(match name {
            "train sessions" => Value::Count(self.sessions[0]),
            "valid sessions" => Value::Count(self.sessions[1]),
            "test sessions" => Value::Count(self.sessions[2]),
            "dataset events" if self.several => {
                Value::Unknown("the split cuts sessions in two, and what comes before stands in both".to_owned())
            }
            "dataset events" => Value::Count(self.events),
            "train samples" => Value::Count(train),
            "valid samples" => Value::Count(valid),
            "test samples" => Value::Count(test),
            "candidates" => Value::Count(self.items.len() as u64),
            "cold test targets" => Value::share(self.cold, test, "test samples"),
            "repeated test targets" => Value::share(self.repeated, test, "test samples"),
            _ => return None,
        })
    }
}

/// What sessions have.
#[derive(Default)]
struct Tally {
    sessions: u64,
    events: u64,
    macro_items: u64,
    longest: u64,
    items: Marks,
    operations: Marks,
    users: Marks,
    /// Sessions and events of users that are named.
    of_users: (u64, u64),
    /// Items of training and validation sessions.
    trained: Marks,
    /// Events of test sessions, by item.
    tested: Vec<u64>,
}

impl Tally {
    fn of(folder: &Utf8Path, parts: Option<&Parts>, pace: Pace<'_>) -> Result<Self, StageError> {
        let mut reader = CountedSessions::open(folder, parts.map(|parts| &parts.items))?;
        let (mut this, mut session) = (Self::default(), Session::default());
        while reader.read(&mut session)? {
            this.add(&session, parts.and_then(|parts| parts.part(session.number)));
            if this.sessions.is_multiple_of(1 << 14) {
                let (done, total) = reader.progress();
                pace(done, total, "events of sessions")?;
            }
        }
        Ok(this)
    }

    fn add(&mut self, session: &Session, part: Option<&str>) {
        let length = session.steps.len() as u64;
        self.sessions += 1;
        self.events += length;
        self.longest = self.longest.max(length);
        self.users.add(session.user);
        if session.user >= 0 {
            self.of_users = (self.of_users.0 + 1, self.of_users.1 + length);
        }
        let mut before = None;
        for step in &session.steps {
            self.macro_items += u64::from(before.replace(step.item) != Some(step.item));
            self.items.add(step.item);
            self.operations.add(step.operation);
            match part {
                Some("test") => self.test(step.item),
                Some(_) => self.trained.add(step.item),
                None => {}
            }
        }
    }

    /// Counts an event of a test session.
    fn test(&mut self, item: i32) {
        let Ok(at) = usize::try_from(item) else { return };
        if at >= self.tested.len() {
            self.tested.resize(at + 1, 0);
        }
        self.tested[at] += 1;
    }

    fn value(&self, name: &str, parts: Option<&Parts>) -> Option<Value> {
        let users = self.users.count();
        Some(match name {
            "sessions" => Value::Count(self.sessions),
            "events" => Value::Count(self.events),
            "mean session length" => Value::mean(self.events, self.sessions, "sessions"),
            "mean macro length" => Value::mean(self.macro_items, self.sessions, "sessions"),
            "longest session" => Value::Count(self.longest),
            "items" => Value::Count(self.items.count()),
            "item frequency" => Value::mean(self.events, self.items.count(), "items"),
            "operations" => Value::Count(self.operations.count()),
            "users" => named(users, "user"),
            "sessions of a user" => Value::mean(self.of_users.0, users, "users in the log"),
            "events of a user" => Value::mean(self.of_users.1, users, "users in the log"),
            "repeats in a row" => {
                Value::share(self.events - self.macro_items, self.events - self.sessions, "events after a first one")
            }
            "cold test events" if parts.is_some_and(|parts| parts.several) => {
                Value::Unknown("the split cuts sessions in two, so that no event is only of the test".to_owned())
            }
            "cold test events" => {
                let all = self.tested.iter().sum();
                let cold = (0..).zip(&self.tested).filter(|(item, _)| !self.trained.has(*item));
                Value::share(cold.map(|(_, events)| events).sum(), all, "test sessions")
            }
            _ => return None,
        })
    }
}

/// Sessions with the events that count: all, or those of items that a dataset knows.
pub struct CountedSessions {
    reader: SessionReader,
    known: Option<Vec<bool>>,
    done: u64,
}

impl CountedSessions {
    /// Opens the sessions of an artifact; `items` are those of the dataset.
    ///
    /// # Errors
    /// When a file is missing, damaged or another table.
    pub fn open(folder: &Utf8Path, items: Option<&Vocabulary>) -> Result<Self, StageError> {
        let known = items.map(|items| known_items(folder, items)).transpose()?;
        Ok(Self { reader: SessionReader::open(folder)?, known, done: 0 })
    }

    /// How many events were passed, and how many there are, counted or not.
    pub fn progress(&self) -> (u64, u64) {
        (self.done, self.reader.events() as u64)
    }

    /// Reads the next session with at least one event that counts; false at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self, session: &mut Session) -> Result<bool, StageError> {
        while self.reader.read(session)? {
            self.done += session.steps.len() as u64;
            if let Some(known) = &self.known {
                session.steps.retain(|step| usize::try_from(step.item).is_ok_and(|item| known[item]));
            }
            if !session.steps.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// For each item of the sessions whether a dataset knows it.
fn known_items(sessions: &Utf8Path, vocabulary: &Vocabulary) -> Result<Vec<bool>, StageError> {
    let mut known = Vec::new();
    for piece in TableReader::open_columns(&sessions.join(items::FILE), &items::SCHEMA, &["item"])? {
        let names = piece?.text("item");
        known.extend(names.iter().map(|name| vocabulary.number(name.unwrap_or_default()).is_some()));
    }
    Ok(known)
}

/// What a knowledge graph has.
#[derive(Default)]
struct Triples {
    triples: u64,
    entities: Marks,
    relations: Marks,
}

impl Triples {
    fn of(folder: &Utf8Path) -> Result<Self, StageError> {
        let mut this = Self::default();
        for piece in TableReader::open(&folder.join("triples.parquet"), &knowledge::TRIPLES)? {
            let mut piece = piece?;
            this.triples += piece.rows() as u64;
            for column in ["head", "tail"] {
                piece.int32(column).into_iter().for_each(|entity| this.entities.add(entity));
            }
            piece.int32("relation").into_iter().for_each(|relation| this.relations.add(relation));
        }
        Ok(this)
    }

    fn value(&self, name: &str) -> Option<Value> {
        Some(match name {
            "triples" => Value::Count(self.triples),
            "entities" => Value::Count(self.entities.count()),
            "relations" => Value::Count(self.relations.count()),
            _ => return None,
        })
    }
}
