//! What an executor tells while it works, and what it gives at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::Utf8PathBuf;
use serde_json::Value;

use super::graph::NodeId;
use crate::artifact::Store;
use crate::hash::ContentHash;

/// Tells everything that runs to stop.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Asks for the stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// True once it was asked for.
    pub fn stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What happens while a run is under way.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// An attempt at a node begins.
    Started {
        /// The node.
        node: NodeId,
        /// The attempt, by its number in the records.
        attempt: i64,
        /// Its log.
        log: Utf8PathBuf,
        /// How many threads it was given.
        threads: usize,
        /// The ids of the GPUs that it was given.
        gpus: Vec<String>,
    },
    /// An attempt failed in a way that another one may not; that one begins next.
    Retrying {
        /// The node.
        node: NodeId,
        /// The attempt that failed.
        attempt: i64,
        /// Why.
        message: String,
        /// Its log.
        log: Utf8PathBuf,
    },
    /// A trainer said how an epoch went.
    Epoch {
        /// The node.
        node: NodeId,
        /// The trainer's event.
        event: Value,
    },
    /// The same key is computed now, by another run or another node; its result is waited for.
    Waiting(NodeId),
    /// A node has come this far.
    Progress {
        /// The node.
        node: NodeId,
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
        /// Words.
        message: String,
    },
    /// A node is done: it ran.
    Finished {
        /// The node.
        node: NodeId,
        /// The attempt, by its number in the records.
        attempt: i64,
        /// Seconds.
        seconds: f64,
    },
    /// A node is done: its result was there.
    Reused(NodeId),
    /// A node failed.
    Failed {
        /// The node.
        node: NodeId,
        /// Why.
        message: String,
        /// Its log.
        log: Utf8PathBuf,
    },
    /// A node is not tried, since something that it reads failed or is not there, or the run ends at its first failure.
    Blocked(NodeId),
    /// A damaged object was dropped and is made again.
    Healed {
        /// The node.
        node: NodeId,
        /// What was wrong.
        message: String,
    },
}

/// A result: where it is and what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The cache key; none for files outside the project.
    pub key: Option<ContentHash>,
    /// The artifact.
    pub object: ContentHash,
    /// The folder with its files.
    pub folder: Utf8PathBuf,
    /// For files outside the project, which lie in a folder with others: each of them. A stage that reads them is given
    /// a folder with links to these alone, so that what is not in the key cannot be read.
    pub links: Option<Vec<Link>>,
}

impl Outcome {
    /// The result that a sealed object is.
    pub fn sealed(store: &Store, key: Option<ContentHash>, object: &ContentHash) -> Self {
        Self { key, object: *object, folder: store.files(object), links: None }
    }
}

/// A file outside the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its name, as it is found in its folder.
    pub name: Utf8PathBuf,
    /// Where it lies, without links on the way.
    pub to: Utf8PathBuf,
}

/// How a node ended.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeState {
    /// Its result is there.
    Done(Outcome),
    /// It failed.
    Failed {
        /// Why.
        message: String,
        /// Its log.
        log: Utf8PathBuf,
    },
    /// It was not tried, since one of its inputs failed or is not there, or the run ends at its first failure.
    Blocked,
    /// The run was stopped before it was done.
    Interrupted,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Report {
    /// By node.
    pub states: Vec<NodeState>,
    /// How many nodes really ran.
    pub ran: usize,
}
