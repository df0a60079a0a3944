//! Execution: ready nodes run side by side, each in an attempt folder of its own; results are sealed and recorded.
//!
//! What makes it safe to kill at any moment: an attempt writes only into its own folder, an object appears by one
//! rename, a result is one transaction after that, and locks die with their process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::attempt::NodeError;
use super::fingerprint::Fingerprint;
use super::graph::{Graph, NodeId};
use super::lock;
use super::outcome::{NodeState, Outcome, Report, RunEvent, StopSignal};
use super::plan::{Plan, Status};
use super::stage::StageError;
use crate::artifact::{Sealing, Store};
use crate::hash::ContentHash;
use crate::record::{Attempt, NewResult, RecordError, Records, RunState};

/// Runs graphs.
#[derive(Clone)]
pub struct Executor {
    /// The state folder.
    pub state: Utf8PathBuf,
    /// The records.
    pub records: Records,
    /// The store.
    pub store: Store,
    /// The run that this is, in the records.
    pub run: i64,
    /// How many stages may run side by side.
    pub jobs: usize,
    /// How many threads one stage may use.
    pub threads: usize,
    /// Takes what happens.
    pub events: mpsc::UnboundedSender<RunEvent>,
    /// Tells the run to stop.
    pub stop: StopSignal,
}

impl Executor {
    /// Brings every node of a graph to its end. One node that fails costs only what depends on it.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn execute(&self, graph: &Arc<Graph>, plan: &Plan) -> Result<Report, RecordError> {
        for again in &plan.confirmed {
            self.records.confirm_files(&again.object, &again.entries, &again.stamps).await?;
        }
        for (source, object) in &plan.seen {
            self.records.remember_source(&source.folder, &source.files, object).await?;
        }
        let count = graph.nodes.len();
        let mut states: Vec<Option<NodeState>> = vec![None; count];
        let mut waits: Vec<usize> = graph.nodes.iter().map(|node| distinct(&node.inputs).len()).collect();
        let mut readers: Vec<Vec<NodeId>> = vec![Vec::new(); count];
        for (id, node) in graph.nodes.iter().enumerate() {
            for input in distinct(&node.inputs) {
                readers[input].push(id);
            }
        }
        // Nodes that need no work never wait for a free place.
        let works = |id: &NodeId| plan.statuses[*id].works();
        let (mut work, mut free): (BTreeSet<NodeId>, BTreeSet<NodeId>) =
            (0..count).filter(|id| waits[*id] == 0).partition(works);
        let mut running: JoinSet<(NodeId, NodeState, bool)> = JoinSet::new();
        let mut ran = 0;
        loop {
            while let Some(id) =
                free.pop_first().or_else(|| if running.len() < self.jobs { work.pop_first() } else { None })
            {
                let ended = match self.without_work(graph, plan, &states, id) {
                    Some(state) => state,
                    None => {
                        let inputs = graph.nodes[id]
                            .inputs
                            .iter()
                            .filter_map(|(name, input)| match &states[*input] {
                                Some(NodeState::Done(outcome)) => Some((name.clone(), outcome.clone())),
                                _ => None,
                            })
                            .collect();
                        let (this, graph) = (self.clone(), Arc::clone(graph));
                        running.spawn(async move { this.bring_to_end(&graph, id, inputs).await });
                        continue;
                    }
                };
                for next in settle(&mut states, &mut waits, &readers, id, ended) {
                    if works(&next) {
                        work.insert(next)
                    } else {
                        free.insert(next)
                    };
                }
            }
            match running.join_next().await {
                None => break,
                Some(Ok((id, state, really))) => {
                    ran += usize::from(really);
                    for next in settle(&mut states, &mut waits, &readers, id, state) {
                        if works(&next) {
                            work.insert(next)
                        } else {
                            free.insert(next)
                        };
                    }
                }
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        Ok(Report { states: states.into_iter().map(|state| state.unwrap_or(NodeState::Blocked)).collect(), ran })
    }

    /// The end of a node that needs no work: its result is there, or it cannot have one.
    fn without_work(&self, graph: &Graph, plan: &Plan, states: &[Option<NodeState>], id: NodeId) -> Option<NodeState> {
        match &plan.statuses[id] {
            Status::Source { object, folder } => {
                Some(NodeState::Done(Outcome { key: None, object: *object, folder: folder.clone() }))
            }
            // Nothing that runs reads its bytes.
            Status::Absent { key, object } => {
                Some(NodeState::Done(Outcome { key: *key, object: *object, folder: self.store.files(object) }))
            }
            Status::Hit { key, object, .. } => {
                self.tell(RunEvent::Reused(id));
                Some(NodeState::Done(Outcome { key: Some(*key), object: *object, folder: self.store.files(object) }))
            }
            Status::Missing { .. } | Status::Blocked { .. } | Status::Idle => Some(NodeState::Blocked),
            Status::Run { .. } | Status::After { .. } => {
                let inputs = graph.nodes[id].inputs.values().map(|input| &states[*input]);
                if inputs.clone().any(|state| matches!(state, Some(NodeState::Failed { .. } | NodeState::Blocked))) {
                    self.tell(RunEvent::Blocked(id));
                    Some(NodeState::Blocked)
                } else if self.stop.stopped() || inputs.clone().any(|s| matches!(s, Some(NodeState::Interrupted))) {
                    Some(NodeState::Interrupted)
                } else {
                    None
                }
            }
        }
    }

    /// Runs a node, or finds its result; true when it really ran.
    async fn bring_to_end(
        &self,
        graph: &Graph,
        id: NodeId,
        inputs: BTreeMap<String, Outcome>,
    ) -> (NodeId, NodeState, bool) {
        let mut log = Utf8PathBuf::new();
        match self.try_node(graph, id, &inputs, &mut log).await {
            Ok((outcome, really)) => (id, NodeState::Done(outcome), really),
            Err(NodeError::Stage(StageError::Interrupted)) => (id, NodeState::Interrupted, false),
            Err(_) if self.stop.stopped() => (id, NodeState::Interrupted, false),
            Err(error) => {
                let message = error.to_string();
                self.tell(RunEvent::Failed { node: id, message: error.shown(), log: log.clone() });
                (id, NodeState::Failed { message, log }, true)
            }
        }
    }

    async fn try_node(
        &self,
        graph: &Graph,
        id: NodeId,
        inputs: &BTreeMap<String, Outcome>,
        log: &mut Utf8PathBuf,
    ) -> Result<(Outcome, bool), NodeError> {
        let node = &graph.nodes[id];
        let identity = &node.member.identity;
        let contents = inputs.iter().map(|(name, outcome)| (name.as_str(), outcome.object)).collect();
        let fingerprint = Fingerprint::new(identity, contents);
        let key = fingerprint.key();
        let done = |object| Outcome { key: Some(key), object, folder: self.store.files(&object) };

        if let Some(object) = self.sound_result(id, &key).await? {
            self.tell(RunEvent::Reused(id));
            return Ok((done(object), false));
        }
        let waiting = || self.tell(RunEvent::Waiting(id));
        let Some(_lock) = lock::acquire(&self.state, &key, waiting, || self.stop.stopped()).await? else {
            return Err(StageError::Interrupted.into());
        };
        // Another process may have finished it while this one waited.
        if let Some(object) = self.sound_result(id, &key).await? {
            self.tell(RunEvent::Reused(id));
            return Ok((done(object), false));
        }
        tracing::debug!(node = node.label, %key, "runs");
        let earlier = self.records.attempts_at(&key).await?;
        let manifest = fingerprint.to_json();
        let attempt = Attempt { run: self.run, key, label: &node.label, kind: identity.kind, fingerprint: &manifest };
        let attempt = self.records.start_attempt(&attempt).await?;
        *log = self.state.join(format!("logs/{attempt}.log"));
        self.tell(RunEvent::Started { node: id, attempt, log: log.clone(), threads: self.threads, gpus: Vec::new() });
        let started = Instant::now();
        let made = self.attempt(graph, id, attempt, &earlier, inputs, log).await;
        let seconds = started.elapsed().as_secs_f64();
        let sealed = made.and_then(|(output, notes)| {
            let sealing = if node.member.stage.external() { Sealing::Copy } else { Sealing::Move };
            let (object, manifest) = self.store.seal(&output, node.member.stage.output().name(), sealing)?;
            Ok((object, manifest, notes))
        });
        match sealed {
            Ok((object, manifest, notes)) => {
                let stamps = self
                    .store
                    .check_files(&object, &manifest.files, |path, _| {
                        // Hashed while it was sealed, a moment ago.
                        manifest.files.iter().find(|entry| entry.path == path).map(|entry| entry.hash)
                    })
                    .map_err(|damage| std::io::Error::other(damage.to_string()))?;
                let result = NewResult {
                    key,
                    label: &node.label,
                    fingerprint: &fingerprint.to_json(),
                    object,
                    manifest: &manifest,
                    stamps: &stamps,
                    notes: &notes,
                    seconds,
                    attempt,
                };
                self.records.add_result(result).await?;
                tracing::debug!(node = node.label, %object, seconds, "sealed and on record");
                for spent in earlier.iter().chain([&attempt]) {
                    remove_folder(&self.attempt_folder(*spent))?;
                }
                self.tell(RunEvent::Finished { node: id, attempt, seconds });
                Ok((done(object), true))
            }
            Err(error) => {
                let stopped = self.stop.stopped() || matches!(error, NodeError::Stage(StageError::Interrupted));
                let state = if stopped { RunState::Interrupted } else { RunState::Failed };
                append(log, &format!("{}\n", error.shown()))?;
                self.records.fail_attempt(attempt, state, &error.to_string()).await?;
                // What the next attempt can go on from is kept; the unfinished output is not.
                remove_folder(&self.attempt_folder(attempt).join("output"))?;
                Err(if stopped { StageError::Interrupted.into() } else { error })
            }
        }
    }

    /// A result on record whose object is sound. A damaged object is dropped, and forgotten with all that led to it.
    async fn sound_result(&self, id: NodeId, key: &ContentHash) -> Result<Option<ContentHash>, NodeError> {
        let Some(result) = self.records.result(key).await? else { return Ok(None) };
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

    pub(super) fn tell(&self, event: RunEvent) {
        // Nobody listening is no reason to stop.
        let _ = self.events.send(event);
    }
}

/// Notes the end of a node and gives those that are ready through it.
fn settle(
    states: &mut [Option<NodeState>],
    waits: &mut [usize],
    readers: &[Vec<NodeId>],
    id: NodeId,
    state: NodeState,
) -> Vec<NodeId> {
    states[id] = Some(state);
    let mut ready = Vec::new();
    for reader in &readers[id] {
        waits[*reader] -= 1;
        if waits[*reader] == 0 {
            ready.push(*reader);
        }
    }
    ready
}

fn distinct(inputs: &BTreeMap<String, NodeId>) -> BTreeSet<NodeId> {
    inputs.values().copied().collect()
}

fn remove_folder(path: &Utf8Path) -> std::io::Result<()> {
    match fs_err::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound && path.exists() => Err(error),
        _ => Ok(()),
    }
}

fn append(path: &Utf8Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    fs_err::OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}
