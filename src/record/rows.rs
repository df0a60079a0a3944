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
    /// What the command line chose of the experiment: profile, cells, seeds, values.
    pub choices: &'a Value,
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
    /// Its digest.
    pub protocol_digest: String,
    /// What the command line chose of the experiment.
    pub choices: Value,
    /// The earlier run that ended in every cell and stage as this one, whose rows stand for both.
    pub same_as: Option<i64>,
    /// Versions, git commit, host.
    pub environment: Value,
    /// Number of cells on record.
    pub cells: i64,
    /// Number of stages that were really executed.
    pub attempts: i64,
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
    /// What the key was made from.
    pub fingerprint: &'a Value,
}

/// An attempt on record.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// Its number.
    pub id: i64,
    /// The run that made it.
    pub run: i64,
    /// The key of the stage.
    pub key: String,
    /// The stage as it is shown.
    pub label: String,
    /// The kind of stage.
    pub kind: String,
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
    /// How long it took, where it came to a result.
    pub seconds: Option<f64>,
    /// How many threads it was given.
    pub threads: Option<i64>,
    /// The ids of the GPUs that it was given.
    pub gpus: Option<String>,
    /// The most memory that its processes had together, in bytes.
    pub peak_memory: Option<i64>,
    /// The most memory that it had on a GPU, in bytes.
    pub peak_gpu_memory: Option<i64>,
    /// Seconds by phase.
    pub phases: Option<Value>,
    /// The attempt of the same run that it tried again.
    pub retries: Option<i64>,
    /// What the key was made from, where no result says so.
    pub fingerprint: Option<Value>,
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

/// The name of a stage in its pipeline, from the label under which it is shown: `model` of `d/m/seed=1 · model`.
pub fn stage_name(label: &str) -> &str {
    label.rsplit_once(" · ").map_or(label, |(_, name)| name)
}
