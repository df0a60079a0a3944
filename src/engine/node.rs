//! One node brought to its end: its key, its lock, as many attempts as it may have, its result sealed and on record.

use std::collections::BTreeMap;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use super::attempt::{Made, NodeError, Trial};
use super::execute::Executor;
use super::fingerprint::Fingerprint;
use super::graph::{Graph, Node, NodeId};
use super::lock;
use super::outcome::{NodeState, Outcome, RunEvent};
use super::stage::{Fault, Share, StageError};
use crate::artifact::Sealing;
use crate::hash::ContentHash;
use crate::record::{Attempt, Given, Measured, NewResult, RunState};

/// A node that has its place and is to be brought to its end.
pub(super) struct Turn {
    pub(super) id: NodeId,
    pub(super) inputs: BTreeMap<String, Outcome>,
    pub(super) threads: usize,
    pub(super) gpus: Vec<String>,
    /// Since when it has waited for somebody else who computed the same key.
    pub(super) waits_since: Option<Instant>,
}

/// What became of a turn.
pub(super) enum Tried {
    /// The node is at its end; true when it really ran.
    Ended(NodeState, bool),
    /// Somebody else computes this key now.
    Elsewhere(ContentHash),
}

/// A result as the attempt that made it leaves it.
struct Fresh<'a> {
    manifest: &'a Value,
    key: ContentHash,
    label: &'a str,
    attempt: i64,
}

impl Executor {
    /// Runs a node, or finds its result.
    pub(super) async fn bring_to_end(&self, graph: &Graph, turn: &Turn) -> Tried {
        let mut log = Utf8PathBuf::new();
        match self.try_node(&graph.nodes[turn.id], turn, &mut log).await {
            Ok(tried) => tried,
            Err(NodeError::Stage(StageError::Interrupted)) => Tried::Ended(NodeState::Interrupted, false),
            Err(_) if self.stop.stopped() => Tried::Ended(NodeState::Interrupted, false),
            Err(error) => {
                let message = error.to_string();
                self.tell(RunEvent::Failed { node: turn.id, message: error.shown(), log: log.clone() });
                Tried::Ended(NodeState::Failed { message, log }, true)
            }
        }
    }

    async fn try_node(&self, node: &Node, turn: &Turn, log: &mut Utf8PathBuf) -> Result<Tried, NodeError> {
        let id = turn.id;
        let identity = &node.member.identity;
        let contents = turn.inputs.iter().map(|(name, outcome)| (name.as_str(), outcome.object)).collect();
        let fingerprint = Fingerprint::new(identity, contents);
        let key = fingerprint.key();
        let done = |object, really| {
            let outcome = Outcome::sealed(&self.store, Some(key), &object);
            Ok(Tried::Ended(NodeState::Done(outcome), really))
        };

        if let Some(object) = self.sound_result(id, &key).await? {
            self.tell(RunEvent::Reused(id));
            return done(object, false);
        }
        let Some(_lock) = lock::acquire(&self.state, &key)? else { return Ok(Tried::Elsewhere(key)) };
        // Another process may have finished it in between.
        if let Some(object) = self.sound_result(id, &key).await? {
            self.tell(RunEvent::Reused(id));
            return done(object, false);
        }
        tracing::debug!(node = node.label, %key, "runs");
        let waited = turn.waits_since.map_or(0.0, |since| since.elapsed().as_secs_f64());
        let mut earlier = self.records.attempts_at(&key).await?;
        let retries = self.retries.or(node.member.handling.retries).unwrap_or_else(|| node.member.stage.retries());
        let manifest = fingerprint.to_json();
        let (mut retried, mut evaluation) = (None, 1.0);
        for again in (0..=retries).rev() {
            let attempt =
                Attempt { run: self.run, key, label: &node.label, kind: identity.kind, fingerprint: &manifest };
            let attempt = self.records.start_attempt(&attempt).await?;
            let given = Given { threads: turn.threads, gpus: &turn.gpus, retries: retried };
            self.records.note_given(attempt, &given).await?;
            *log = self.state.join(format!("logs/{attempt}.log"));
            self.tell(RunEvent::Started {
                node: id,
                attempt,
                log: log.clone(),
                threads: turn.threads,
                gpus: turn.gpus.clone(),
            });
            let trial = Trial {
                id,
                stage: &node.member.stage,
                inputs: &turn.inputs,
                attempt,
                earlier: &earlier,
                log,
                threads: turn.threads,
                share: Share { gpus: turn.gpus.clone(), limits: node.member.handling.limits, evaluation },
            };
            let began = Instant::now();
            let made = self.attempt(trial).await;
            let seconds = began.elapsed().as_secs_f64();
            let fresh = Fresh { manifest: &manifest, key, label: &node.label, attempt };
            let ended = self.keep(node, made, &fresh, [waited, seconds]).await;
            earlier.insert(0, attempt);
            let error = match ended {
                Ok(object) => {
                    for spent in &earlier {
                        clear_away(&self.attempt_folder(*spent));
                    }
                    self.tell(RunEvent::Finished { node: id, attempt, seconds });
                    return done(object, true);
                }
                Err(error) => error,
            };
            let stopped = self.stop.stopped() || matches!(error, NodeError::Stage(StageError::Interrupted));
            let state = if stopped { RunState::Interrupted } else { RunState::Failed };
            append(log, &format!("{}\n", error.shown()))?;
            self.records.fail_attempt(attempt, state, &error.to_string()).await?;
            // What the next attempt can go on from is kept; the unfinished output is not.
            clear_away(&self.attempt_folder(attempt).join("output"));
            if stopped {
                return Err(StageError::Interrupted.into());
            }
            match error.fault() {
                Fault::Memory if again > 0 => evaluation /= 2.0,
                Fault::Lost if again > 0 => {}
                _ => return Err(error),
            }
            retried = Some(attempt);
            self.tell(RunEvent::Retrying { node: id, attempt, message: error.shown(), log: log.clone() });
        }
        unreachable!("the last attempt ends the loop")
    }

    /// Puts what an attempt took on record, seals its output and puts that on record too.
    async fn keep(
        &self,
        node: &Node,
        made: Result<Made, NodeError>,
        fresh: &Fresh<'_>,
        [wait, run]: [f64; 2],
    ) -> Result<ContentHash, NodeError> {
        let Made { ended, notes, taken } = made?;
        let began = Instant::now();
        let sealed = ended.and_then(|output| {
            let sealing = if node.member.stage.external() { Sealing::Copy } else { Sealing::Move };
            Ok(self.store.seal(&output, node.member.stage.output().name(), sealing)?)
        });
        let phases = json!({ "wait": wait, "run": run, "seal": began.elapsed().as_secs_f64() });
        let measured = Measured { memory: taken.memory, gpu_memory: taken.gpu_memory, phases: &phases };
        self.records.note_measured(fresh.attempt, &measured).await?;
        let (object, manifest) = sealed?;
        let stamps = self
            .store
            .check_files(&object, &manifest.files, |path, _| {
                // Hashed while it was sealed, a moment ago.
                manifest.files.iter().find(|entry| entry.path == path).map(|entry| entry.hash)
            })
            .map_err(|damage| std::io::Error::other(damage.to_string()))?;
        let result = NewResult {
            key: fresh.key,
            label: fresh.label,
            fingerprint: fresh.manifest,
            object,
            manifest: &manifest,
            stamps: &stamps,
            notes: &notes,
            seconds: run,
            attempt: fresh.attempt,
        };
        self.records.add_result(result).await?;
        tracing::debug!(node = fresh.label, %object, seconds = run, "sealed and on record");
        Ok(object)
    }

    /// A result on record whose object is sound. A damaged object is dropped, and forgotten with all that led to it.
    async fn sound_result(&self, id: NodeId, key: &ContentHash) -> Result<Option<ContentHash>, NodeError> {
        let Some(result) = self.records.result(key).await? else { return Ok(None) };
        self.store.mark([result.object])?;
        match self.store.check(&result.object, |_, _| None) {
            Ok(_) => Ok(Some(result.object)),
            Err(damage) => {
                self.tell(RunEvent::Healed { node: id, message: damage.to_string() });
                self.store.discard(&result.object)?;
                self.records.forget_object(&result.object).await?;
                Ok(None)
            }
        }
    }
}

/// Removes a folder that is of no more use. Failing costs room and nothing else: an orphan may be writing there still.
fn clear_away(path: &Utf8Path) {
    if let Err(error) = fs_err::remove_dir_all(path)
        && path.exists()
    {
        tracing::debug!(%error, "left behind");
    }
}

fn append(path: &Utf8Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    fs_err::OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}
