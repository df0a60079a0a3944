//! Execution: ready nodes run side by side as far as the machine has room, each in an attempt folder of its own;
//! results are sealed and recorded.
//!
//! What makes it safe to kill at any moment: an attempt writes only into its own folder, an object appears by one
//! rename, a result is one transaction after that, and locks die with their process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use camino::Utf8PathBuf;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::graph::{Graph, NodeId};
use super::lock;
use super::node::{Tried, Turn};
use super::outcome::{NodeState, Outcome, Report, RunEvent, StopSignal};
use super::plan::{Plan, Status};
use super::schedule::{Line, Place, places};
use super::slots::{Capacity, Grant, Need, Slots};
use crate::artifact::Store;
use crate::hash::ContentHash;
use crate::record::{RecordError, Records};

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
    /// What may be used of the machine.
    pub capacity: Capacity,
    /// How often a stage is tried again, whatever its pipeline says.
    pub retries: Option<u32>,
    /// True when nothing is started any more once a stage has failed.
    pub fail_fast: bool,
    /// Takes what happens.
    pub events: mpsc::UnboundedSender<RunEvent>,
    /// Tells the run to stop.
    pub stop: StopSignal,
}

/// Nodes that have to run and need more than the machine will ever have, and what that is.
pub fn impossible(graph: &Graph, plan: &Plan, capacity: &Capacity) -> Vec<(NodeId, String)> {
    let nodes = graph.nodes.iter().enumerate().filter(|(id, _)| plan.statuses[*id].works());
    nodes.filter_map(|(id, node)| Some((id, Need::new(&node.member, capacity).beyond(capacity)?))).collect()
}

/// What a task of the executor brings home.
enum News {
    /// A node's turn is over.
    Turn { id: NodeId, tried: Tried, grant: Grant },
    /// The key that a node waited for is free.
    Free(NodeId),
}

impl Executor {
    /// Brings every node of a graph to its end. One node that fails costs only what depends on it.
    ///
    /// # Errors
    /// When the records cannot be read or written.
    pub async fn execute(&self, graph: &Arc<Graph>, plan: &Plan) -> Result<Report, RecordError> {
        for again in &plan.confirmed {
            self.records.confirm_files(&again.object, &again.entries, &again.stamps).await?;
        }
        for source in &plan.seen {
            self.records.remember_source(source).await?;
        }
        let mut walk = Walk::new(graph);
        let working: Vec<bool> = plan.statuses.iter().map(Status::works).collect();
        let (places, needs) = self.prospects(graph, &working).await?;
        let (mut line, mut slots) = (Line::default(), Slots::new(&self.capacity));
        let mut running: JoinSet<News> = JoinSet::new();
        let mut waits_since: BTreeMap<NodeId, Instant> = BTreeMap::new();
        let (mut ran, mut failed) = (0, false);
        loop {
            // Nodes that need no work never wait for a place.
            while let Some(id) = walk.ready.pop_first() {
                match self.without_work(graph, plan, &walk.states, id) {
                    Some(state) => walk.settle(id, state),
                    None => line.join(id, places[id]),
                }
            }
            if self.stop.stopped() || (failed && self.fail_fast) {
                let end = if self.stop.stopped() { NodeState::Interrupted } else { NodeState::Blocked };
                for id in line.drain() {
                    if end == NodeState::Blocked {
                        self.tell(RunEvent::Blocked(id));
                    }
                    walk.settle(id, end.clone());
                }
                if !walk.ready.is_empty() {
                    continue;
                }
            }
            while let Some((id, grant)) = line.next(&mut slots, &needs) {
                let turn = Turn {
                    id,
                    inputs: walk.inputs(graph, id),
                    threads: grant.threads(),
                    gpus: slots.gpu_ids(&grant),
                    waits_since: waits_since.get(&id).copied(),
                };
                let (this, graph) = (self.clone(), Arc::clone(graph));
                running.spawn(async move {
                    let tried = this.bring_to_end(&graph, &turn).await;
                    News::Turn { id, tried, grant }
                });
            }
            match running.join_next().await {
                None => break,
                Some(Ok(News::Free(id))) => line.join(id, places[id]),
                Some(Ok(News::Turn { id, tried, grant })) => {
                    slots.give_back(&grant);
                    match tried {
                        Tried::Ended(state, really) => {
                            ran += usize::from(really);
                            failed |= matches!(state, NodeState::Failed { .. });
                            walk.settle(id, state);
                        }
                        Tried::Elsewhere(key) => {
                            // Its place is given to others while somebody else does the work.
                            if !waits_since.contains_key(&id) {
                                self.tell(RunEvent::Waiting(id));
                            }
                            waits_since.entry(id).or_insert_with(Instant::now);
                            running.spawn(self.clone().wait_for(id, key));
                        }
                    }
                }
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        Ok(Report { states: walk.states.into_iter().map(|state| state.unwrap_or(NodeState::Blocked)).collect(), ran })
    }

    /// For each node its place in line and what it needs; nothing is asked when nothing has to run.
    async fn prospects(&self, graph: &Graph, working: &[bool]) -> Result<(Vec<Place>, Vec<Need>), RecordError> {
        if !working.contains(&true) {
            return Ok((vec![Place::End; working.len()], vec![Need::default(); working.len()]));
        }
        let places = places(graph, working, &self.records.durations().await?);
        let needs = graph.nodes.iter().map(|node| Need::new(&node.member, &self.capacity));
        Ok((places, needs.collect()))
    }

    async fn wait_for(self, id: NodeId, key: ContentHash) -> News {
        // A lock that cannot be looked at shows itself again, with its words, when the node has its turn.
        let _ = lock::until_free(&self.state, &key, || self.stop.stopped()).await;
        News::Free(id)
    }

    /// The end of a node that needs no work: its result is there, or it cannot have one.
    fn without_work(&self, graph: &Graph, plan: &Plan, states: &[Option<NodeState>], id: NodeId) -> Option<NodeState> {
        match &plan.statuses[id] {
            Status::Source { object, folder, files } => Some(NodeState::Done(Outcome {
                key: None,
                object: *object,
                folder: folder.clone(),
                links: Some(files.clone()),
            })),
            // Nothing that runs reads its bytes.
            Status::Absent { key, object } => Some(NodeState::Done(Outcome::sealed(&self.store, *key, object))),
            Status::Hit { key, object, .. } => {
                self.tell(RunEvent::Reused(id));
                Some(NodeState::Done(Outcome::sealed(&self.store, Some(*key), object)))
            }
            Status::Blocked { .. } => {
                self.tell(RunEvent::Blocked(id));
                Some(NodeState::Blocked)
            }
            Status::Missing { .. } | Status::Idle => Some(NodeState::Blocked),
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

    pub(super) fn tell(&self, event: RunEvent) {
        // Nobody listening is no reason to stop.
        let _ = self.events.send(event);
    }
}

/// How far the graph has come.
struct Walk {
    states: Vec<Option<NodeState>>,
    /// How many inputs each node still waits for.
    waits: Vec<usize>,
    readers: Vec<Vec<NodeId>>,
    /// Nodes whose inputs are all at their end.
    ready: BTreeSet<NodeId>,
}

impl Walk {
    fn new(graph: &Graph) -> Self {
        let count = graph.nodes.len();
        let mut readers: Vec<Vec<NodeId>> = vec![Vec::new(); count];
        let mut waits = vec![0; count];
        for (id, node) in graph.nodes.iter().enumerate() {
            let inputs: BTreeSet<NodeId> = node.inputs.values().copied().collect();
            waits[id] = inputs.len();
            for input in inputs {
                readers[input].push(id);
            }
        }
        let ready = (0..count).filter(|id| waits[*id] == 0).collect();
        Self { states: vec![None; count], waits, readers, ready }
    }

    /// Notes the end of a node; those that are ready through it are so then.
    fn settle(&mut self, id: NodeId, state: NodeState) {
        self.states[id] = Some(state);
        for reader in std::mem::take(&mut self.readers[id]) {
            self.waits[reader] -= 1;
            if self.waits[reader] == 0 {
                self.ready.insert(reader);
            }
        }
    }

    /// What a node reads.
    fn inputs(&self, graph: &Graph, id: NodeId) -> BTreeMap<String, Outcome> {
        let inputs = graph.nodes[id].inputs.iter();
        inputs
            .filter_map(|(name, input)| match &self.states[*input] {
                Some(NodeState::Done(outcome)) => Some((name.clone(), outcome.clone())),
                _ => None,
            })
            .collect()
    }
}
