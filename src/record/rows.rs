//! What goes into the records and what comes out: runs, cells, attempts, epochs.

use serde_json::Value;

use crate::hash::ContentHash;

/// How a run, a cell or an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Under way, or killed before it could say so.
    Running,
    /// All that was asked is there.
    Done,
    /// Something failed.
    Failed,
    /// Not tried, since something that it needs failed.
    Blocked,
    /// Stopped by a person or the system.
    Interrupted,
}

impl RunState {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A run that begins.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// The experiment file, from the project's root.
    pub experiment: &'a str,
    /// Digest of the experiment file and its pipelines.
    pub digest: ContentHash,
    /// The protocol.
    pub protocol: &'a Value,
    /// The command as it was typed.
    pub command: &'a str,
    /// Versions, git commit, host.
    pub environment: &'a Value,
}

/// A run on record.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// Its number.
    pub id: i64,
    /// The experiment file, from the project's root.
    pub experiment: String,
    /// When it began.
    pub started: String,
    /// When it ended, if it did.
    pub finished: Option<String>,
    /// How it stands.
    pub state: String,
    /// The command as it was typed.
    pub command: String,
    /// Digest of the experiment file and its pipelines.
    pub digest: String,
    /// The protocol.
    pub protocol: Value,
    /// Versions, git commit, host.
    pub environment: Value,
    /// Number of cells on record.
    pub cells: i64,
    /// Number of stages that were really executed.
    pub attempts: i64,
}

/// How a cell ended, to be put on record.
#[derive(Debug, Clone)]
pub struct CellEnd {
    /// Its name.
    pub name: String,
    /// Its value on each axis.
    pub coordinates: Value,
    /// Its seed.
    pub seed: u64,
    /// How it stands.
    pub state: RunState,
    /// Key and object of the stage that it ends in.
    pub result: Option<(ContentHash, ContentHash)>,
}

/// A cell on record.
#[derive(Debug, Clone)]
pub struct CellRow {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: String,
    /// The key of the stage that it ends in.
    pub key: Option<String>,
    /// The object that it ends in.
    pub object: Option<String>,
}

/// An attempt that begins.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The run that makes it.
    pub run: i64,
    /// The key of the stage.
    pub key: ContentHash,
    /// The stage as it is shown.
    pub label: &'a str,
    /// The kind of stage.
    pub kind: &'a str,
}

/// An attempt on record.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// Its number.
    pub id: i64,
    /// The stage as it is shown.
    pub label: String,
    /// How it stands.
    pub state: String,
    /// When it began.
    pub started: String,
    /// When it ended, if it did.
    pub finished: Option<String>,
    /// Its log, inside the state folder.
    pub log: String,
    /// What went wrong.
    pub error: Option<String>,
    /// Counts and remarks that the stage left with its result.
    pub notes: Value,
}

/// An epoch on record.
#[derive(Debug, Clone)]
pub struct EpochRow {
    /// The attempt that trained it.
    pub attempt: i64,
    /// The trainer's event.
    pub event: Value,
}

/// What made a result.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeBy {
    /// The attempt; a later one has a higher number.
    pub attempt: i64,
    /// When it ended.
    pub finished: String,
    /// The run that it belonged to.
    pub run: i64,
    /// Versions, git commit, host.
    pub environment: Value,
}

impl PartialOrd for MadeBy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for MadeBy {}

impl Ord for MadeBy {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.attempt.cmp(&other.attempt)
    }
}

/// How long a stage took when its result was made.
#[derive(Debug, Clone, PartialEq)]
pub struct StageSeconds {
    /// The stage as it is shown.
    pub label: String,
    /// The kind of stage.
    pub kind: String,
    /// Seconds.
    pub seconds: f64,
}
