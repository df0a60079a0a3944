//! `statistics.json`: what papers print of a data set, as named numbers in a fixed order.

mod count;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::write_json;

pub use count::{CountedSessions, Pace};

/// The name of the file in an artifact.
pub const FILE: &str = "statistics.json";

/// The version of its form.
const VERSION: u32 = 1;

/// What a number is, which decides how it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// So many for each.
    Mean,
    /// A part of a whole, from 0 to 1.
    Share,
}

/// What a number is counted from: an input of the `statistics` stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The log.
    Events,
    /// Its sessions, filtered or not.
    Sessions,
    /// What they were split into.
    Dataset,
    /// The triples of the items.
    Knowledge,
}

impl Source {
    /// Every input.
    pub const ALL: [Self; 4] = [Self::Events, Self::Sessions, Self::Dataset, Self::Knowledge];

    /// The name of the input.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Sessions => "sessions",
            Self::Dataset => "dataset",
            Self::Knowledge => "knowledge",
        }
    }
}

/// A statistic: its name, and what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistic {
    /// The name by which a report asks for it.
    pub name: &'static str,
    /// What it is.
    pub unit: Unit,
    /// The inputs that it needs.
    pub needs: &'static [Source],
    /// How it is counted, as a report explains it.
    pub words: &'static str,
}

const fn statistic(name: &'static str, unit: Unit, needs: &'static [Source], words: &'static str) -> Statistic {
    Statistic { name, unit, needs, words }
}

/// Every statistic, in the order of the file.
///
/// Where sessions and a dataset are given, an event counts when the dataset knows its item: cold items that were dropped
/// do not count. Sessions count whole, also where the dataset cuts long ones.
pub const STATISTICS: &[Statistic] = &[
    statistic("log events", Unit::Count, &[Source::Events], "events of the log, before anything is filtered"),
    statistic("log items", Unit::Count, &[Source::Events], "items that the log has an event of"),
    statistic("log users", Unit::Count, &[Source::Events], "users that the log names in an event"),
    statistic("log operations", Unit::Count, &[Source::Events], "operations that the log has an event of"),
    statistic("sessions", Unit::Count, &[Source::Sessions], "sessions with at least one event that counts"),
    statistic("events", Unit::Count, &[Source::Sessions], "events (micro-behaviors, interactions) of these sessions"),
    statistic("mean session length", Unit::Mean, &[Source::Sessions], "events divided by sessions"),
    statistic(
        "mean macro length",
        Unit::Mean,
        &[Source::Sessions],
        "the same where events in a row on one item count once",
    ),
    statistic("longest session", Unit::Count, &[Source::Sessions], "events of the longest session"),
    statistic("items", Unit::Count, &[Source::Sessions], "items of these events"),
    statistic("item frequency", Unit::Mean, &[Source::Sessions], "events divided by items"),
    statistic("operations", Unit::Count, &[Source::Sessions], "operations of these events"),
    statistic("users", Unit::Count, &[Source::Sessions], "users of these sessions"),
    statistic("sessions of a user", Unit::Mean, &[Source::Sessions], "sessions of a named user, divided by users"),
    statistic("events of a user", Unit::Mean, &[Source::Sessions], "events of a named user, divided by users"),
    statistic(
        "repeats in a row",
        Unit::Share,
        &[Source::Sessions],
        "events on the item of the event before, of all events but the first of each session",
    ),
    statistic("train sessions", Unit::Count, &[Source::Dataset], "sessions in the training set"),
    statistic("valid sessions", Unit::Count, &[Source::Dataset], "sessions held out to pick the epoch"),
    statistic("test sessions", Unit::Count, &[Source::Dataset], "sessions in the test set"),
    statistic(
        "dataset events",
        Unit::Count,
        &[Source::Dataset],
        "events of the dataset's sessions, after long ones are cut: what models see",
    ),
    statistic("train samples", Unit::Count, &[Source::Dataset], "pairs of input and target in the training set"),
    statistic("valid samples", Unit::Count, &[Source::Dataset], "pairs of input and target held out to pick the epoch"),
    statistic("test samples", Unit::Count, &[Source::Dataset], "pairs of input and target in the test set"),
    statistic("candidates", Unit::Count, &[Source::Dataset], "items that can be recommended"),
    statistic(
        "cold test events",
        Unit::Share,
        &[Source::Sessions, Source::Dataset],
        "events of test sessions on items that no training or validation session has, of all events of test sessions; \
         sessions whole, before long ones are cut",
    ),
    statistic(
        "cold test targets",
        Unit::Share,
        &[Source::Dataset],
        "test samples whose target stands in no training session as models see it, of all test samples",
    ),
    statistic(
        "repeated test targets",
        Unit::Share,
        &[Source::Dataset],
        "test samples whose target stands in their own input, of all test samples",
    ),
    statistic("triples", Unit::Count, &[Source::Knowledge], "triples of head, relation and tail"),
    statistic("entities", Unit::Count, &[Source::Knowledge], "entities that some triple names, items among them"),
    statistic("relations", Unit::Count, &[Source::Knowledge], "relations that some triple names"),
];

/// The statistic of a name.
pub fn statistic_named(name: &str) -> Option<&'static Statistic> {
    STATISTICS.iter().find(|statistic| statistic.name == name)
}

/// The value of a statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// How many.
    Count(u64),
    /// So many for each.
    Mean(f64),
    /// A part of a whole, from 0 to 1.
    Share(f64),
    /// Nothing can be said, and why.
    Unknown(String),
}

impl Value {
    /// `part` of `whole`; unknown where the whole is nothing.
    pub fn share(part: u64, whole: u64, of: &str) -> Self {
        if whole == 0 { Self::Unknown(format!("there are no {of}")) } else { Self::Share(part as f64 / whole as f64) }
    }

    /// `all` for each of `among`; unknown where those are none.
    pub fn mean(all: u64, among: u64, of: &str) -> Self {
        if among == 0 { Self::Unknown(format!("there are no {of}")) } else { Self::Mean(all as f64 / among as f64) }
    }

    /// The number, where there is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(*count as f64),
            Self::Mean(number) | Self::Share(number) => Some(*number),
            Self::Unknown(_) => None,
        }
    }
}

/// A statistic with its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// The file: every statistic once, in the order of [`STATISTICS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// The version of its form.
    pub version: u32,
    /// The numbers.
    pub numbers: Vec<Number>,
}

impl Statistics {
    /// Puts values in their order; `given` are the inputs that there were, and a statistic that needs more is unknown.
    pub fn of(given: &[Source], value: impl Fn(&Statistic) -> Option<Value>) -> Self {
        let number = |statistic: &Statistic| {
            let lacks: Vec<String> = statistic
                .needs
                .iter()
                .filter(|need| !given.contains(need))
                .map(|need| format!("`{}`", need.name()))
                .collect();
            let value = if lacks.is_empty() { value(statistic) } else { None };
            let unknown = || Value::Unknown(format!("no {} is given", lacks.join(" and no ")));
            Number { name: statistic.name.to_owned(), value: value.unwrap_or_else(unknown) }
        };
        Self { version: VERSION, numbers: STATISTICS.iter().map(number).collect() }
    }

    /// The value of a statistic, where this version has it.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.numbers.iter().find(|number| number.name == name).map(|number| &number.value)
    }

    /// Reads the file of an artifact.
    ///
    /// # Errors
    /// When it is missing or not of this form.
    pub fn read(folder: &Utf8Path) -> std::io::Result<Self> {
        let read: Self = serde_json::from_slice(&fs_err::read(folder.join(FILE))?)?;
        if read.version == VERSION {
            return Ok(read);
        }
        let message = format!("`{}` is of version {}, not {VERSION}", folder.join(FILE), read.version);
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message))
    }

    /// Writes the file of an artifact.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Utf8Path) -> std::io::Result<()> {
        write_json(&folder.join(FILE), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statistic_stands_in_the_file_and_says_why_it_has_no_number() {
        let some = Statistics::of(&[Source::Sessions], |statistic| match statistic.name {
            "sessions" => Some(Value::Count(3)),
            _ => Some(Value::mean(6, 0, "users")),
        });
        let names: Vec<&str> = some.numbers.iter().map(|number| number.name.as_str()).collect();
        assert_eq!(names, STATISTICS.iter().map(|statistic| statistic.name).collect::<Vec<_>>());
        assert_eq!(some.value("sessions"), Some(&Value::Count(3)));
        assert_eq!(some.value("users"), Some(&Value::Unknown("there are no users".to_owned())));
        let lacking = "no `dataset` is given".to_owned();
        assert_eq!(some.value("cold test events"), Some(&Value::Unknown(lacking)));
    }

    #[test]
    fn names_are_told_apart() {
        let names: std::collections::BTreeSet<&str> = STATISTICS.iter().map(|statistic| statistic.name).collect();
        assert_eq!(names.len(), STATISTICS.len());
        assert!(STATISTICS.iter().all(|statistic| statistic_named(statistic.name) == Some(statistic)));
    }

    #[test]
    fn the_file_comes_back_as_it_was_written_and_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let mut written = Statistics::of(&[Source::Knowledge], |_| Some(Value::Count(1 << 40)));
        written.write(folder).unwrap();
        assert_eq!(Statistics::read(folder).unwrap(), written);
        written.version = 2;
        written.write(folder).unwrap();
        assert!(Statistics::read(folder).unwrap_err().to_string().contains("version 2"));
    }
}
