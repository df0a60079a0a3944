//! The DAG: stages wired by name into nodes, equal nodes shared, in an order that needs no recursion.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::json;

use super::handling::Handling;
use super::stage::{Identity, Input, Stage};
use crate::artifact::ArtifactKind;
use crate::hash::ContentHash;

/// A node's index in its graph. A node's inputs always have smaller ones.
pub type NodeId = usize;

/// A stage of a pipeline with all that is asked of it again and again, worked out once.
#[derive(Clone)]
pub struct Member {
    /// The stage.
    pub stage: Arc<dyn Stage>,
    /// How it is to be handled.
    pub handling: Handling,
    /// What enters its key.
    pub identity: Identity,
    /// The stages that it reads.
    pub inputs: Vec<Input>,
    /// Digest of the identity and of the raw files that it stands for: equal members do the same.
    sameness: ContentHash,
}

impl Member {
    /// A member of a pipeline.
    pub fn new(stage: Arc<dyn Stage>, handling: Handling) -> Self {
        let (identity, inputs) = (stage.identity(), stage.inputs());
        let sameness = ContentHash::of_json(&json!([
            identity.kind,
            identity.version,
            identity.config,
            identity.seed,
            identity.protocol,
            identity.environment,
            stage.source().map(|source| format!("{source:?}")),
        ]));
        Self { stage, handling, identity, inputs, sameness }
    }
}

/// A stage with its inputs.
pub struct Node {
    /// As it is shown: `d · split`, `d/m/seed=1 · train`.
    pub label: String,
    /// The stage and how it is to be handled; of equal stages, what the first of them said.
    pub member: Arc<Member>,
    /// Inputs by name.
    pub inputs: BTreeMap<String, NodeId>,
}

/// A DAG in topological order.
#[derive(Default)]
pub struct Graph {
    /// The nodes; each after its inputs.
    pub nodes: Vec<Node>,
}

/// A pipeline whose stages do not fit together; names are those of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WiringError {
    /// An input names a stage that is not there.
    #[error("stage `{stage}` reads `{missing}`, which is not a stage of this pipeline")]
    Unknown {
        /// The stage that reads.
        stage: String,
        /// The field that names it.
        input: String,
        /// The name that is not there.
        missing: String,
    },
    /// Stages wait for each other.
    #[error("these stages wait for each other: {}", path.join(" → "))]
    Cycle {
        /// The way round, first and last the same.
        path: Vec<String>,
    },
    /// An input is of a kind that the stage cannot read.
    #[error("stage `{stage}` cannot read `{from}`, which makes {found}; it reads {}", accepts.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or "))]
    Kind {
        /// The stage that reads.
        stage: String,
        /// The field that names the input.
        input: String,
        /// The stage that is read.
        from: String,
        /// What that stage makes.
        found: ArtifactKind,
        /// What could be read.
        accepts: Vec<ArtifactKind>,
    },
}

/// Builds one graph from many pipelines; stages that are equal in identity and inputs become one node.
#[derive(Default)]
pub struct GraphBuilder {
    graph: Graph,
    /// Nodes before a new one are already unique, so equal ids mean equal inputs.
    known: HashMap<(ContentHash, Vec<(String, NodeId)>), NodeId>,
}

impl GraphBuilder {
    /// Adds the stages of one pipeline and gives the node of each. `label` names a stage that is new.
    ///
    /// # Errors
    /// All that does not fit together.
    pub fn add(
        &mut self,
        stages: &BTreeMap<String, Arc<Member>>,
        label: impl Fn(&str) -> String,
    ) -> Result<BTreeMap<String, NodeId>, Vec<WiringError>> {
        let errors = wiring_errors(stages);
        if !errors.is_empty() {
            return Err(errors);
        }
        let order = order(stages).map_err(|path| vec![WiringError::Cycle { path }])?;
        let mut placed = BTreeMap::new();
        for name in order {
            let member = &stages[name];
            let mut inputs: Vec<(String, NodeId)> =
                member.inputs.iter().map(|input| (input.name.clone(), placed[&input.stage])).collect();
            inputs.sort_unstable();
            let id = *self.known.entry((member.sameness, inputs.clone())).or_insert_with(|| {
                let (member, inputs) = (Arc::clone(member), inputs.into_iter().collect());
                self.graph.nodes.push(Node { label: label(name), member, inputs });
                self.graph.nodes.len() - 1
            });
            placed.insert(name.to_owned(), id);
        }
        Ok(placed)
    }

    /// The graph.
    pub fn finish(self) -> Graph {
        self.graph
    }
}

fn wiring_errors(stages: &BTreeMap<String, Arc<Member>>) -> Vec<WiringError> {
    let mut errors = Vec::new();
    for (name, member) in stages {
        for input in &member.inputs {
            match stages.get(&input.stage) {
                None => errors.push(WiringError::Unknown {
                    stage: name.clone(),
                    input: input.name.clone(),
                    missing: input.stage.clone(),
                }),
                Some(from) if !input.accepts.is_empty() && !input.accepts.contains(&from.stage.output()) => {
                    errors.push(WiringError::Kind {
                        stage: name.clone(),
                        input: input.name.clone(),
                        from: input.stage.clone(),
                        found: from.stage.output(),
                        accepts: input.accepts.to_vec(),
                    });
                }
                Some(_) => {}
            }
        }
    }
    errors
}

/// Names in an order in which each stands after its inputs (Kahn), or a cycle.
fn order(stages: &BTreeMap<String, Arc<Member>>) -> Result<Vec<&str>, Vec<String>> {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut readers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let inputs: BTreeMap<&str, Vec<&str>> = stages
        .iter()
        .map(|(name, member)| (name.as_str(), member.inputs.iter().map(|input| input.stage.as_str()).collect()))
        .collect();
    for (name, from) in &inputs {
        waiting.insert(name, from.len());
        for input in from {
            if let Some((input, _)) = inputs.get_key_value(input) {
                readers.entry(input).or_default().push(name);
            }
        }
    }
    let mut ready: std::collections::VecDeque<&str> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut order = Vec::with_capacity(stages.len());
    while let Some(name) = ready.pop_front() {
        order.push(name);
        for reader in readers.get(name).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(reader) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(reader);
                }
            }
        }
    }
    if order.len() == stages.len() {
        return Ok(order);
    }
    // Every stage that is left waits for another that is left: walk until one comes again.
    let left: std::collections::BTreeSet<&str> = waiting.keys().copied().filter(|name| !order.contains(name)).collect();
    let mut path: Vec<&str> = left.iter().copied().take(1).collect();
    loop {
        let next = inputs[path[path.len() - 1]].iter().find_map(|input| left.get(input).copied());
        let Some(next) = next else { return Err(left.into_iter().map(str::to_owned).collect()) };
        let seen = path.iter().position(|name| *name == next);
        path.push(next);
        if let Some(start) = seen {
            return Err(path[start..].iter().map(|name| (*name).to_owned()).collect());
        }
    }
}
