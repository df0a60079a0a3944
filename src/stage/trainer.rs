//! The near side of the contract with a trainer (`docs/contract.md`): ask what it knows, check a config, run a job.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Complaint;
use crate::artifact::{FileStamp, stamp};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::child::last_lines;
use crate::engine::stage::{Fault, Progress, StageError, Taken, Task};
use crate::process::Asked;

/// The version of the contract that this side speaks.
pub const CONTRACT: u32 = 1;

/// What a trainer says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The contract that it speaks.
    pub contract: u32,
    /// Its name and version.
    pub trainer: String,
    /// The numeric library's version.
    pub libtorch: String,
    /// Devices it can use now.
    pub devices: Vec<String>,
    /// The models it knows.
    pub models: Vec<ModelDescription>,
    /// The methods it knows that learn vectors ahead of a model.
    #[serde(default)]
    pub embeddings: Vec<EmbeddingDescription>,
}

/// What a trainer says of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelDescription {
    /// The name in YAML.
    pub name: String,
    /// The name in tables.
    pub title: String,
    /// What sort of model it is.
    pub family: String,
    /// Where it was published.
    pub paper: String,
    /// What it needs beside items.
    pub needs: Needs,
    /// Whether it is a plain rule that learns nothing, which a model has to beat; no, for a trainer that says nothing.
    #[serde(default)]
    pub floor: bool,
    /// The whole config, as it is when nothing is said.
    pub defaults: Value,
    /// JSON Schema of the config.
    pub schema: Value,
    /// Digest of the sources that define the model.
    pub code: String,
}

/// What a trainer says of a method that learns vectors ahead of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingDescription {
    /// The name in YAML.
    pub name: String,
    /// The name in tables.
    pub title: String,
    /// Where it was published.
    pub paper: String,
    /// What it needs beside the sessions.
    #[serde(default)]
    pub needs: EmbeddingNeeds,
    /// The whole config, as it is when nothing is said.
    pub defaults: Value,
    /// JSON Schema of the config.
    pub schema: Value,
    /// Digest of the sources that define the method.
    pub code: String,
}

/// What a method that learns vectors needs beside the sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingNeeds {
    /// Triples.
    #[serde(default)]
    pub knowledge: bool,
}

/// What a model needs beside items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// The operation of each event.
    pub operations: bool,
    /// Triples.
    pub knowledge: bool,
    /// Vectors to begin with; a trainer that says nothing has no such model.
    #[serde(default)]
    pub vectors: bool,
    /// The operation of the target, which a protocol may show; a trainer that says nothing has no such model.
    #[serde(default)]
    pub target_operation: bool,
}

/// A trainer that has been asked what it knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Trainer {
    /// The program.
    pub program: Utf8PathBuf,
    /// What it says of itself.
    pub description: Description,
    /// The file that said so.
    pub stamp: FileStamp,
}

impl Trainer {
    /// Asks a program what it knows.
    ///
    /// # Errors
    /// When it cannot be started, or does not speak this version of the contract.
    pub fn ask(program: &Utf8Path) -> Result<Description, Diagnostic> {
        let failed = |what: String| {
            Diagnostic::new(format!("the trainer `{program}` {what}"))
                .help("build it with `just setup` and `cargo build --workspace`, or name another with `trainer:`")
        };
        let output = Command::new(program)
            .arg("describe")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!("failed at `describe` ({}): {}", output.status, words.trim())));
        }
        let description: Description = serde_json::from_slice(&output.stdout).map_err(|error| {
            failed(format!("answered `describe` with something else than the contract says: {error}"))
        })?;
        if description.contract != CONTRACT {
            return Err(failed(format!("speaks contract {}, not {CONTRACT}", description.contract)));
        }
        Ok(description)
    }

    /// A model by name.
    ///
    /// # Errors
    /// When there is none; with the nearest name.
    pub fn model(&self, name: &str) -> Result<&ModelDescription, Complaint> {
        self.description.models.iter().find(|model| model.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.description.models.iter().map(|model| model.name.as_str()).collect();
            Complaint {
                field: vec!["model".into()],
                message: format!("unknown model `{name}`"),
                help: Some(suggestion(name, &known)),
            }
        })
    }

    /// A method that learns vectors, by name.
    ///
    /// # Errors
    /// When there is none; with the nearest name.
    pub fn embedding(&self, name: &str) -> Result<&EmbeddingDescription, Complaint> {
        self.description.embeddings.iter().find(|method| method.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.description.embeddings.iter().map(|method| method.name.as_str()).collect();
            Complaint {
                field: vec!["method".into()],
                message: format!("unknown method `{name}`"),
                help: Some(suggestion(name, &known)),
            }
        })
    }

    /// Runs `train`, `evaluate` or `embed` on a job; its events go to `task`, its words to the log.
    ///
    /// # Errors
    /// When it fails, or the run is to stop.
    pub fn run(&self, verb: &str, job: &Value, task: &Task<'_>) -> Result<(), StageError> {
        // The digests of its models stand in the keys; another build must not answer for them.
        let (now, then) = (stamp(&self.program)?, self.stamp);
        if (now.device, now.inode, now.size, now.modified) != (then.device, then.inode, then.size, then.modified) {
            return Err(Diagnostic::new(format!("`{}` was built anew while this run was under way", self.program))
                .help("start the run again; what is done is not done again")
                .into());
        }
        let job_file = task.scratch.join(format!("{verb}.json"));
        fs_err::write(&job_file, serde_json::to_string_pretty(job).map_err(std::io::Error::other)?)?;
        let mut command = Command::new(&self.program);
        command.args([verb, job_file.as_str()]);
        let name = format!("`{} {verb}`", self.program.file_name().unwrap_or("trainer"));
        let status = task.child(&name, command, Asked::ByLifeline, |events| relay(events, task))?;
        if status.success() {
            return Ok(());
        }
        Err(StageError::Program {
            program: name,
            outcome: outcome(status),
            tail: last_lines(&task.log),
            fault: if status.code() == Some(4) { Fault::Memory } else { Fault::Stage },
        })
    }
}

/// Turns the trainer's lines into progress.
fn relay(events: impl Read, task: &Task<'_>) -> std::io::Result<()> {
    for line in BufReader::new(events).lines() {
        let line = line?;
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            // Not an event: words on the wrong stream. They are kept where a person looks for them.
            note(task, &line)?;
            continue;
        };
        let number = |name: &str| event[name].as_f64();
        task.took(Taken { memory: event["peak_memory"].as_u64(), gpu_memory: event["peak_gpu_memory"].as_u64() });
        match event["event"].as_str() {
            Some("progress") => {
                let (done, total) = (number("done").unwrap_or(0.0), number("total").unwrap_or(0.0));
                let mut message = String::new();
                let (epoch, epochs) = (number("epoch").unwrap_or(1.0), number("epochs").unwrap_or(1.0));
                if let Some(loss) = number("loss") {
                    message = format!("epoch {epoch}/{epochs}, loss {loss:.3}");
                }
                if let Some(speed) = number("samples_per_second") {
                    message.push_str(&format!("{}{speed:.0} samples/s", if message.is_empty() { "" } else { ", " }));
                }
                let (done, total) = ((epoch - 1.0) * total + done, epochs * total);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of samples")]
                task.step(done as u64, total as u64, message);
            }
            Some("epoch") => {
                note(task, &epoch_in_words(&event))?;
                (task.progress)(Progress::Event(event));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A line in the log of the attempt.
fn note(task: &Task<'_>, line: &str) -> std::io::Result<()> {
    writeln!(fs_err::OpenOptions::new().create(true).append(true).open(&task.log)?, "{line}")
}

/// `epoch 3/20, loss 6.213, hit@20 0.2210, mrr@20 0.0911, 7286 samples/s`, for who reads the log.
fn epoch_in_words(event: &Value) -> String {
    let mut words = vec![format!("epoch {}/{}", event["epoch"], event["epochs"])];
    words.extend(event["loss"].as_f64().map(|loss| format!("loss {loss:.3}")));
    for (metric, value) in event["metrics"].as_object().into_iter().flatten() {
        words.extend(value.as_f64().map(|value| format!("{metric} {value:.4}")));
    }
    words.extend(event["samples_per_second"].as_f64().map(|speed| format!("{speed:.0} samples/s")));
    words.join(", ")
}

fn outcome(status: ExitStatus) -> String {
    let meaning = match status.code() {
        Some(2) => "it could not use the job",
        Some(3) => "the model cannot use these data",
        Some(4) => "out of memory",
        Some(5) => "it was interrupted",
        _ => "it failed",
    };
    format!("exited with code {}: {meaning}", status.code().unwrap_or_default())
}

/// A job's names for the device of a stage and for the share of its batch: what the attempt was given.
pub(super) fn given(job: &mut Value, device: &str, task: &Task<'_>) {
    // The trainer sees only the GPUs that it was given, and counts them from 0.
    job["device"] = if task.share.gpus.is_empty() { device.into() } else { "cuda:0".into() };
    if task.share.evaluation < 1.0 {
        job["evaluation_share"] = task.share.evaluation.into();
    }
}
