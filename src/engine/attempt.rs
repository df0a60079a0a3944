//! One attempt at a node: a folder of its own, the stage in a thread of its own, its progress.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use tokio::sync::mpsc;

use super::execute::Executor;
use super::graph::NodeId;
use super::outcome::{Outcome, RunEvent};
use super::stage::{Fault, Progress, Share, Stage, StageError, Taken, Task};
use crate::artifact::StoreError;
use crate::record::RecordError;
use crate::unit::Span;

/// Why a node came to no good end.
#[derive(Debug, thiserror::Error)]
pub(super) enum NodeError {
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the stage panicked: {0}\nhelp: this is a bug in `sr-pipe`; the log has the details")]
    Panic(String),
}

impl NodeError {
    /// The message at length: with the line and a caret, where there is a line.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Stage(StageError::Data(diagnostic)) => diagnostic.render(false),
            Self::Io(error) | Self::Store(StoreError::Io(error)) | Self::Stage(StageError::Io(error))
                if error.kind() == std::io::ErrorKind::StorageFull =>
            {
                format!("{error}\nhelp: make room; the same command goes on from here")
            }
            other => other.to_string(),
        }
    }

    /// What is to blame.
    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::Stage(error) => error.fault(),
            _ => Fault::Stage,
        }
    }
}

/// One attempt, ready to be made.
pub(super) struct Trial<'a> {
    pub(super) id: NodeId,
    pub(super) stage: &'a Arc<dyn Stage>,
    pub(super) inputs: &'a BTreeMap<String, Outcome>,
    pub(super) attempt: i64,
    /// Earlier attempts at the same key, the newest first.
    pub(super) earlier: &'a [i64],
    pub(super) log: &'a Utf8Path,
    pub(super) threads: usize,
    pub(super) share: Share,
}

/// What an attempt left.
pub(super) struct Made {
    /// How it ended: the folder of its output.
    pub(super) ended: Result<Utf8PathBuf, NodeError>,
    /// Counts and remarks.
    pub(super) notes: BTreeMap<String, Value>,
    /// What it took.
    pub(super) taken: Taken,
}

impl Executor {
    /// One attempt: its folders, the stage in a thread of its own, its progress.
    pub(super) async fn attempt(&self, trial: Trial<'_>) -> Result<Made, NodeError> {
        let folder = self.attempt_folder(trial.attempt);
        let (output, scratch) = (folder.join("output"), folder.join("scratch"));
        // Where records were lost, attempts are numbered anew: what an earlier one of this number left is not ours.
        if folder.exists() {
            fs_err::remove_dir_all(&folder)?;
        }
        fs_err::create_dir_all(&output)?;
        fs_err::create_dir_all(&scratch)?;
        fs_err::create_dir_all(self.state.join("logs"))?;
        self.adopt_checkpoint(trial.earlier, &scratch)?;

        let (sender, mut progress) = mpsc::unbounded_channel();
        let stage = Arc::clone(trial.stage);
        let inputs: std::io::Result<BTreeMap<String, Utf8PathBuf>> = trial
            .inputs
            .iter()
            .map(|(name, outcome)| Ok((name.clone(), laid_out(&folder.join("inputs"), name, outcome)?)))
            .collect();
        let inputs = inputs?;
        let (stop, began, most) = (self.stop.clone(), Instant::now(), trial.share.limits.time);
        let late = move || most.is_some_and(|most| began.elapsed() >= most.duration());
        let (threads, share) = (trial.threads, trial.share);
        let (output_of_task, log) = (output.clone(), trial.log.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let send = |news| drop(sender.send(news));
            let stopped = || stop.stopped() || late();
            let task = Task {
                inputs,
                output: output_of_task,
                scratch,
                log,
                threads,
                share,
                progress: &send,
                stop: &stopped,
                notes: Mutex::default(),
                taken: Mutex::default(),
            };
            // A panic in a stage is that stage's failure alone.
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| stage.run(&task)));
            let result = match result {
                Ok(Err(StageError::Interrupted)) if !stop.stopped() && late() => Ok(Err(over_time(most))),
                result => result,
            };
            let notes = task.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
            let taken = task.taken.into_inner().unwrap_or_else(PoisonError::into_inner);
            (result, notes, taken)
        });
        while let Some(news) = progress.recv().await {
            match news {
                Progress::Step { done, total, message } => {
                    self.tell(RunEvent::Progress { node: trial.id, done, total, message });
                }
                Progress::Event(event) => {
                    let epoch = event["epoch"].as_i64().unwrap_or_default();
                    self.records.add_epoch(trial.attempt, epoch, &event).await?;
                    self.tell(RunEvent::Epoch { node: trial.id, event });
                }
            }
        }
        let (result, notes, taken) = work.await.map_err(|error| NodeError::Panic(error.to_string()))?;
        let ended = match result {
            Ok(Ok(())) => Ok(output),
            Ok(Err(error)) => Err(error.into()),
            Err(payload) => {
                let words = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let words = words.or_else(|| payload.downcast_ref::<String>().cloned());
                Err(NodeError::Panic(words.unwrap_or_else(|| "no message".into())))
            }
        };
        Ok(Made { ended, notes, taken })
    }

    /// Copies the newest checkpoint of an earlier attempt at the same key. A copy: an orphan of that attempt may
    /// still be writing there, and a checkpoint is renamed into place whole, so a copy is always a whole one.
    fn adopt_checkpoint(&self, earlier: &[i64], scratch: &Utf8Path) -> std::io::Result<()> {
        for attempt in earlier {
            let from = self.attempt_folder(*attempt).join("scratch/checkpoint");
            if !from.is_dir() {
                continue;
            }
            tracing::debug!(%from, "goes on from the checkpoint of an earlier attempt");
            let to = scratch.join("checkpoint");
            fs_err::create_dir_all(&to)?;
            for entry in fs_err::read_dir(&from)? {
                let entry = entry?;
                if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    match fs_err::copy(entry.path(), to.as_std_path().join(entry.file_name())) {
                        // An orphan renamed it a moment ago.
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                        copied => drop(copied?),
                    }
                }
            }
            return Ok(());
        }
        Ok(())
    }

    pub(super) fn attempt_folder(&self, attempt: i64) -> Utf8PathBuf {
        self.state.join(format!("attempts/{attempt}"))
    }
}

/// The folder with the files of an input; for files outside the project, one with links to them alone.
fn laid_out(inputs: &Utf8Path, name: &str, outcome: &Outcome) -> std::io::Result<Utf8PathBuf> {
    let Some(links) = &outcome.links else { return Ok(outcome.folder.clone()) };
    let folder = inputs.join(name);
    fs_err::create_dir_all(&folder)?;
    for link in links {
        let place = folder.join(&link.name);
        if let Some(parent) = place.parent() {
            fs_err::create_dir_all(parent)?;
        }
        match fs_err::os::unix::fs::symlink(&link.to, &place) {
            // Named twice.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            linked => linked?,
        }
    }
    Ok(folder)
}

/// The message for a stage that took too long.
fn over_time(most: Option<Span>) -> StageError {
    let most = most.map(|most| most.to_string()).unwrap_or_default();
    StageError::Limit {
        message: format!("the stage was ended after {most}, its limit of time"),
        help: "raise `time` in the stage's `limits`, or give it less to do; a training goes on from its checkpoint"
            .into(),
        fault: Fault::Stage,
    }
}
