//! What a stage is to the engine: an identity that enters the cache key, named inputs, one output, a plain function.

use std::collections::BTreeMap;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::handling::Limits;
use crate::artifact::ArtifactKind;
use crate::diagnostic::Diagnostic;

/// All of a stage that decides its output, apart from the content of its inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The name of the stage kind in YAML.
    pub kind: &'static str,
    /// Goes up when the same config and inputs give other bytes; for training, the model's code digest.
    pub version: String,
    /// The config with its defaults filled in.
    pub config: Value,
    /// The seed, where the stage draws random numbers.
    pub seed: Option<u64>,
    /// The protocol, where the stage depends on it.
    pub protocol: Option<Value>,
    /// What else decides the output: device class, libtorch version, allowed environment variables.
    pub environment: BTreeMap<String, String>,
}

/// A named input of a stage: which stage of the pipeline it comes from, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The name by which `Task::input` finds it; the name of the field in YAML.
    pub name: String,
    /// The stage of the pipeline that makes it.
    pub stage: String,
    /// The kinds of artifact that the stage can read; empty means any.
    pub accepts: &'static [ArtifactKind],
}

/// What a stage needs of the machine while it runs, unless its pipeline says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resources {
    /// Threads it can use to advantage; it is given this many or fewer.
    pub threads: usize,
    /// GPUs; none for a stage that runs on no GPU, whatever its pipeline says.
    pub gpus: Option<f64>,
}

/// A node of the DAG: a pure function from sealed artifacts to a new artifact.
pub trait Stage: Send + Sync {
    /// What enters the cache key.
    fn identity(&self) -> Identity;
    /// The stages whose artifacts it reads.
    fn inputs(&self) -> Vec<Input>;
    /// What it makes.
    fn output(&self) -> ArtifactKind;
    /// What it needs while it runs.
    fn resources(&self) -> Resources {
        Resources { threads: 1, gpus: None }
    }
    /// How often it is tried again after it ran out of memory or its process was lost, unless its pipeline says.
    fn retries(&self) -> u32 {
        0
    }
    /// True when another process writes the output: it is then copied while sealed, so that an orphan of that
    /// process can never write into the sealed bytes.
    fn external(&self) -> bool {
        false
    }
    /// Files outside the project that the stage stands for. Such a stage is never run: its artifact is these files.
    fn source(&self) -> Option<Source> {
        None
    }
    /// Writes the output into `task.output`.
    ///
    /// # Errors
    /// When the inputs cannot be used or the work fails; what was written so far is thrown away.
    fn run(&self, task: &Task<'_>) -> Result<(), StageError>;
}

/// Raw files that lie outside the project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The folder, relative to the data folder unless absolute.
    pub folder: Utf8PathBuf,
    /// The files in it.
    pub files: Vec<Utf8PathBuf>,
    /// What a file may end in beside its name: [`PACKED`] where those that read it unpack it.
    pub endings: &'static [&'static str],
}

/// What a packed file ends in, beside its name.
pub const PACKED: &[&str] = &[".gz", ".zst", ".bz2", ".zip", ".7z"];

impl Source {
    /// Where a file lies under `folder`: under its name, else under its name and the first ending that is there.
    pub fn find(&self, folder: &Utf8Path, file: &Utf8Path) -> Option<Utf8PathBuf> {
        let names = [""].iter().chain(self.endings).map(|ending| Utf8PathBuf::from(format!("{file}{ending}")));
        names.into_iter().find(|name| folder.join(name).is_file())
    }
}

/// How far a stage has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Some of a known amount of work is done.
    Step {
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
        /// What is counted, and anything else worth a glance: `epoch 3/20, loss 6.21, 2310 sessions/s`.
        message: String,
    },
    /// A JSON event of a trainer, kept in the run's record (one epoch, say).
    Event(Value),
}

/// All that a running stage is given.
pub struct Task<'a> {
    /// Folders of the sealed input artifacts, by input name. Read-only.
    pub inputs: BTreeMap<String, Utf8PathBuf>,
    /// The empty folder to write the output into.
    pub output: Utf8PathBuf,
    /// A folder of this attempt for what is not part of the output: job files, checkpoints.
    pub scratch: Utf8PathBuf,
    /// The file that collects what the stage says to people.
    pub log: Utf8PathBuf,
    /// How many threads to use.
    pub threads: usize,
    /// What else it is given of the machine, and how it is held.
    pub share: Share,
    /// Takes progress; cheap, may be called often.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// True once the run is to stop; long loops look at it.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Counts and remarks for the manifest, in the order of their names.
    pub notes: Mutex<BTreeMap<String, Value>>,
    /// What it took.
    pub taken: Mutex<Taken>,
}

/// What an attempt is given of the machine, and how it is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The ids of its GPUs, as `CUDA_VISIBLE_DEVICES` writes them.
    pub gpus: Vec<String>,
    /// What it may use at most.
    pub limits: Limits,
    /// How much of its usual batch an evaluation may hold at a time: less after it ran out of memory.
    pub evaluation: f64,
}

impl Default for Share {
    fn default() -> Self {
        Self { gpus: Vec::new(), limits: Limits::default(), evaluation: 1.0 }
    }
}

/// What an attempt took of the machine, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// The most memory of its processes together, in bytes.
    pub memory: Option<u64>,
    /// The most memory of its GPUs, in bytes.
    pub gpu_memory: Option<u64>,
}

impl Task<'_> {
    /// The folder of a named input.
    ///
    /// # Panics
    /// When the stage asks for an input that it did not declare.
    pub fn input(&self, name: &str) -> &Utf8Path {
        self.inputs.get(name).unwrap_or_else(|| panic!("stage did not declare an input `{name}`"))
    }

    /// Leaves a count or a remark in the manifest of the output.
    pub fn note(&self, name: &str, value: impl Into<Value>) {
        self.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(name.to_owned(), value.into());
    }

    /// Notes what it took; the most of all that is noted stands.
    pub fn took(&self, more: Taken) {
        let mut taken = self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        taken.memory = taken.memory.max(more.memory);
        taken.gpu_memory = taken.gpu_memory.max(more.gpu_memory);
    }

    /// Says how far the work is.
    pub fn step(&self, done: u64, total: u64, message: impl Into<String>) {
        (self.progress)(Progress::Step { done, total, message: message.into() });
    }
}

/// Why a stage failed.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The data or the config cannot be used; located where that is known.
    #[error(transparent)]
    Data(#[from] Box<Diagnostic>),
    /// A file could not be read or written; fs-err's message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Another program failed.
    #[error("{program} {outcome}{}", tail.as_ref().map_or(String::new(), |t| format!("\n{t}")))]
    Program {
        /// Its name.
        program: String,
        /// `exited with code 3 (data the model cannot use)`.
        outcome: String,
        /// The last lines that it said.
        tail: Option<String>,
        /// Whether another attempt may do better.
        fault: Fault,
    },
    /// It took more than its limits allow.
    #[error("{message}\nhelp: {help}")]
    Limit {
        /// Which limit, and how much was used.
        message: String,
        /// What to change.
        help: String,
        /// Whether another attempt may do better.
        fault: Fault,
    },
    /// The person, or the system, asked the run to stop.
    #[error("interrupted")]
    Interrupted,
}

/// What is to blame for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The stage itself: another attempt would end the same.
    Stage,
    /// Memory ran out: another attempt may do, more so a gentler one.
    Memory,
    /// Its process was lost: another attempt may do.
    Lost,
}

impl StageError {
    /// What is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Program { fault, .. } | Self::Limit { fault, .. } => *fault,
            Self::Data(_) | Self::Io(_) | Self::Interrupted => Fault::Stage,
        }
    }
}

impl From<Diagnostic> for StageError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Data(Box::new(diagnostic))
    }
}
