//! One attempt at a node: a folder of its own, the stage in a thread of its own, its progress.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use tokio::sync::mpsc;

use super::execute::Executor;
use super::graph::{Graph, NodeId};
use super::outcome::{Outcome, RunEvent};
use super::stage::{Progress, StageError, Task};
use crate::artifact::StoreError;
use crate::record::RecordError;

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
            other => other.to_string(),
        }
    }
}

impl Executor {
    /// One attempt: its folders, the stage in a thread of its own, its progress; gives the output folder.
    pub(super) async fn attempt(
        &self,
        graph: &Graph,
        id: NodeId,
        attempt: i64,
        earlier: &[i64],
        inputs: &BTreeMap<String, Outcome>,
        log: &Utf8Path,
    ) -> Result<(Utf8PathBuf, BTreeMap<String, Value>), NodeError> {
        let folder = self.attempt_folder(attempt);
        let (output, scratch) = (folder.join("output"), folder.join("scratch"));
        fs_err::create_dir_all(&output)?;
        fs_err::create_dir_all(&scratch)?;
        fs_err::create_dir_all(self.state.join("logs"))?;
        self.adopt_checkpoint(earlier, &scratch)?;

        let (sender, mut progress) = mpsc::unbounded_channel();
        let stage = Arc::clone(&graph.nodes[id].member.stage);
        let folders = inputs.iter().map(|(name, outcome)| (name.clone(), outcome.folder.clone())).collect();
        let (threads, stop) = (stage.resources().threads.min(self.threads).max(1), self.stop.clone());
        let (output_of_task, log) = (output.clone(), log.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let send = |news| drop(sender.send(news));
            let stopped = || stop.stopped();
            let task = Task {
                inputs: folders,
                output: output_of_task,
                scratch,
                log,
                threads,
                progress: &send,
                stop: &stopped,
                notes: Mutex::default(),
            };
            // A panic in a stage is that stage's failure alone.
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| stage.run(&task)));
            let notes = task.notes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            (result, notes)
        });
        while let Some(news) = progress.recv().await {
            match news {
                Progress::Step { done, total, message } => {
                    self.tell(RunEvent::Progress { node: id, done, total, message });
                }
                Progress::Event(event) => {
                    let epoch = event["epoch"].as_i64().unwrap_or_default();
                    self.records.add_epoch(attempt, epoch, &event).await?;
                    self.tell(RunEvent::Epoch { node: id, event });
                }
            }
        }
        let (result, notes) = work.await.map_err(|error| NodeError::Panic(error.to_string()))?;
        match result {
            Ok(Ok(())) => Ok((output, notes)),
            Ok(Err(error)) => Err(error.into()),
            Err(payload) => {
                let words = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let words = words.or_else(|| payload.downcast_ref::<String>().cloned());
                Err(NodeError::Panic(words.unwrap_or_else(|| "no message".into())))
            }
        }
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
                if entry.file_type()?.is_file() {
                    fs_err::copy(entry.path(), to.as_std_path().join(entry.file_name()))?;
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
