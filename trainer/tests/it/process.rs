//! Runs the real trainer: jobs, what it says, how it ends.

use crate::dataset::{Sessions, write_knowledge};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{fs, thread};
use tempfile::TempDir;

/// How a run of the trainer ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The events that it wrote, one JSON object a line.
    pub(crate) fn events(&self) -> Vec<Value> {
        let event = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in `{line}`"));
        self.stdout.lines().map(event).collect()
    }

    /// Asserts that it came to its end.
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Asserts that it ended with `code` and told a person about `word`.
    pub(crate) fn failed_with(&self, code: i32, word: &str) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stderr.contains(word), "`{word}` is not in: {}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

/// A trainer that is running, with its lifeline held.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lifeline: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    seen: String,
}

impl Running {
    /// Starts a verb on a job.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sr-pipe-trainer"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lifeline = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, lifeline, stdout, seen: String::new() }
    }

    /// Reads events until one named `name` has come `count` times.
    pub(crate) fn wait_for(&mut self, name: &str, count: usize) {
        let mut come = 0;
        while come < count {
            let start = self.seen.len();
            assert_ne!(self.stdout.read_line(&mut self.seen).unwrap(), 0, "ended before {count} `{name}`");
            let event: Value = serde_json::from_str(&self.seen[start..]).unwrap();
            come += usize::from(event["event"] == name);
        }
    }

    /// Waits for its end, with the lifeline as it is.
    pub(crate) fn finish(mut self) -> Outcome {
        let mut words = self.child.stderr.take().unwrap();
        let words = thread::spawn(move || {
            let mut stderr = String::new();
            words.read_to_string(&mut stderr).map(|_| stderr)
        });
        self.stdout.read_to_string(&mut self.seen).unwrap();
        let code = self.child.wait().unwrap().code();
        Outcome { code, stdout: self.seen, stderr: words.join().unwrap().unwrap() }
    }
}

/// A folder with the tiny dataset, its knowledge, and room for outputs.
pub(crate) struct Workplace {
    folder: TempDir,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        Self::with(&Sessions::planted())
    }

    pub(crate) fn with(sessions: &Sessions) -> Self {
        let workplace = Self { folder: tempfile::tempdir().unwrap() };
        sessions.write(&workplace.path("dataset"));
        write_knowledge(&workplace.path("knowledge"));
        workplace
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A training job of `model`; the outputs go to the folder `output`, which is emptied.
    pub(crate) fn train_job(&self, model: &Value, config: &Value, output: &str) -> Value {
        let mut job = json!({
            "contract": 1, "verb": "train", "model": model["name"], "config": config,
            "inputs": { "dataset": self.path("dataset") },
            "selection": { "part": "valid", "rule": "mrr", "metrics": ["hit@20", "mrr@20"] },
            "target_operation": "hidden", "seed": 1, "device": "cpu", "threads": 1,
            "output": self.empty(output), "checkpoint": self.empty(&format!("{output}-checkpoint")),
        });
        if model["needs"]["knowledge"] == true {
            job["inputs"]["knowledge"] = json!(self.path("knowledge"));
        }
        job
    }

    /// The job that ranks a part with what `train` (a training job) left in its output.
    pub(crate) fn evaluate_job(&self, train: &Value, part: &str, output: &str) -> Value {
        let mut job = train.clone();
        let trained = job["output"].take();
        job["verb"] = "evaluate".into();
        job["part"] = part.into();
        job["inputs"]["model"] = trained;
        job["output"] = json!(self.empty(output));
        let keys = job.as_object_mut().unwrap();
        keys.remove("selection");
        keys.remove("checkpoint");
        job
    }

    /// An empty folder.
    pub(crate) fn empty(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Starts the verb that the job names.
    pub(crate) fn start(&self, job: &Value) -> Running {
        let path = self.path("job.json");
        fs::write(&path, job.to_string()).unwrap();
        Running::start(&[job["verb"].as_str().unwrap(), path.to_str().unwrap()])
    }

    /// Runs the verb that the job names to its end.
    pub(crate) fn run(&self, job: &Value) -> Outcome {
        self.start(job).finish()
    }
}

/// What `describe` says.
pub(crate) fn describe() -> Value {
    let outcome = Running::start(&["describe"]).finish().succeeded();
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// The models that `describe` names.
pub(crate) fn models() -> Vec<Value> {
    describe()["models"].as_array().unwrap().clone()
}

/// The models that `describe` names and that learn over epochs.
pub(crate) fn trained_models() -> Vec<Value> {
    models().into_iter().filter(|model| model["defaults"]["training"]["epochs"].is_number()).collect()
}

/// The whole config of a model, small where it has a size: width 8, batches of 16, 4 drawn items, `epochs` epochs.
pub(crate) fn small(defaults: &Value, epochs: u32) -> Value {
    let mut config = defaults.clone();
    for (pointer, value) in
        [("/dimension", 8), ("/negatives", 4), ("/training/epochs", epochs), ("/training/batch", 16)]
    {
        if let Some(place) = config.pointer_mut(pointer) {
            *place = value.into();
        }
    }
    config
}

/// Bytes of a file.
pub(crate) fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
