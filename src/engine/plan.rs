//! Planning: for each node, whether its result is there, what has to run and why. `plan` and `run` share it.
//!
//! Three passes, each over the nodes once: keys from content that is known, in order; what is needed, in reverse; what
//! is blocked, in order.

use std::collections::{BTreeMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::fingerprint::Fingerprint;
use super::graph::{Graph, Node, NodeId};
use super::outcome::Link;
use super::raw::RawFiles;
use crate::artifact::{Damage, FileEntry, FileStamp, Store};
use crate::hash::ContentHash;
use crate::project::DataFolder;
use crate::record::{CacheIndex, RecordError, Records, SeenSource};

/// How a node stands before a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Files outside the project; all there.
    Source {
        /// Digest of names and contents.
        object: ContentHash,
        /// The folder in which they lie, perhaps beside others.
        folder: Utf8PathBuf,
        /// Each of them.
        files: Vec<Link>,
    },
    /// Files outside the project that are not there.
    Missing {
        /// Each path that is missing.
        files: Vec<Utf8PathBuf>,
    },
    /// Its content is on record and its bytes are not here, and nothing that has to run reads them.
    Absent {
        /// The cache key; none for files outside the project.
        key: Option<ContentHash>,
        /// Its content.
        object: ContentHash,
    },
    /// The result is there and sound.
    Hit {
        /// The cache key.
        key: ContentHash,
        /// The sealed object.
        object: ContentHash,
        /// True when the stage is frozen and this is an earlier result, under another key than it would have now.
        frozen: bool,
    },
    /// It has to run.
    Run {
        /// The cache key.
        key: ContentHash,
        /// Why.
        reason: Reason,
    },
    /// It has inputs that have to be made first; only then is its key known, and it may still turn out to be a hit.
    After {
        /// Those inputs.
        inputs: Vec<NodeId>,
    },
    /// It cannot run, since raw files below it are missing.
    Blocked {
        /// Inputs that are missing or blocked.
        inputs: Vec<NodeId>,
    },
    /// It has no result and needs none: only frozen stages read it.
    Idle,
}

impl Status {
    /// True when a run has something to do for it.
    pub fn works(&self) -> bool {
        matches!(self, Self::Run { .. } | Self::After { .. })
    }

    /// The content of its result, where that is known.
    pub fn content(&self) -> Option<ContentHash> {
        match self {
            Self::Source { object, .. } | Self::Absent { object, .. } | Self::Hit { object, .. } => Some(*object),
            _ => None,
        }
    }
}

/// Why a node has to run.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Its key was never computed.
    New,
    /// Its object was found damaged.
    Damaged {
        /// The object.
        object: ContentHash,
        /// What is wrong with it.
        damage: Damage,
    },
    /// Its result was dropped after use (`temp`), and something that has to run reads it.
    Needed,
}

/// What a planner believes without looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Nothing: every stored file is asked about, and read when its stamp is new.
    Disk,
    /// The records: what they say is there, is there. For machines that have no more than the records.
    Records,
}

/// Why nothing could be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The records cannot be used.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A raw file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// How each node of a graph stands.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// By node.
    pub statuses: Vec<Status>,
    /// Objects whose files have new stamps and were read and found right.
    pub confirmed: Vec<Confirmed>,
    /// Raw files whose content is not the one on record.
    pub seen: Vec<SeenSource>,
}

impl Plan {
    /// The objects that are there already and will be used.
    pub fn hits(&self) -> impl Iterator<Item = ContentHash> + '_ {
        self.statuses.iter().filter_map(|status| match status {
            Status::Hit { object, .. } => Some(*object),
            _ => None,
        })
    }
}

/// An object that was read again and found right.
#[derive(Debug, Clone)]
pub struct Confirmed {
    /// The object.
    pub object: ContentHash,
    /// Its files.
    pub entries: Vec<FileEntry>,
    /// Their present stamps.
    pub stamps: Vec<FileStamp>,
}

/// Compares a graph with the cache.
pub struct Planner<'a> {
    records: &'a Records,
    store: &'a Store,
    index: CacheIndex,
    raw: RawFiles<'a>,
    dropped: HashSet<ContentHash>,
    trust: Trust,
}

impl<'a> Planner<'a> {
    /// A planner on the present state of the records.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn new(records: &'a Records, store: &'a Store, data: &'a DataFolder) -> Result<Self, RecordError> {
        let index = records.cache_index().await?;
        let (raw, dropped) = (RawFiles::new(records, data).await?, records.dropped().await?);
        Ok(Self { records, store, raw, index, dropped, trust: Trust::Disk })
    }

    /// The same planner with another trust.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// The same planner; `reads` hears of each large raw file, with its size, before it is read for its digest.
    #[must_use]
    pub fn telling(mut self, reads: fn(&Utf8Path, u64)) -> Self {
        self.raw.reads = reads;
        self
    }

    /// How each node stands.
    ///
    /// # Errors
    /// When the records or a raw file cannot be read.
    pub async fn plan(&self, graph: &Graph) -> Result<Plan, PlanError> {
        let mut plan = Plan { statuses: Vec::with_capacity(graph.nodes.len()), ..Plan::default() };
        for node in &graph.nodes {
            let status = match node.member.stage.source() {
                Some(source) => self.raw.status(source, &mut plan.seen).await?,
                None => self.status(node, &plan.statuses, &mut plan.confirmed).await?,
            };
            tracing::trace!(node = node.label, ?status, "planned");
            plan.statuses.push(status);
        }
        let unusual = |status: &Status| matches!(status, Status::Absent { .. } | Status::Hit { frozen: true, .. });
        if plan.statuses.iter().any(unusual) {
            self.settle_needs(graph, &mut plan.statuses);
        }
        Ok(plan)
    }

    /// How a node stands by what is known of its inputs.
    async fn status(
        &self,
        node: &Node,
        statuses: &[Status],
        confirmed: &mut Vec<Confirmed>,
    ) -> Result<Status, PlanError> {
        let mut known = BTreeMap::new();
        let (mut after, mut blocked) = (Vec::new(), Vec::new());
        for (name, id) in &node.inputs {
            match &statuses[*id] {
                Status::Run { .. } | Status::After { .. } | Status::Idle => after.push(*id),
                Status::Missing { .. } | Status::Blocked { .. } => blocked.push(*id),
                known_one => {
                    known.extend(known_one.content().map(|object| (name.as_str(), object)));
                }
            }
        }
        let status = if !blocked.is_empty() {
            Status::Blocked { inputs: blocked }
        } else if !after.is_empty() {
            Status::After { inputs: after }
        } else {
            self.look_up(Fingerprint::new(&node.member.identity, known).key(), confirmed)
        };
        if node.member.handling.frozen
            && !matches!(status, Status::Hit { .. })
            && let Some((key, object)) = self.records.newest_result(&node.label).await?
            && self.is_sound(&object, confirmed)
        {
            return Ok(Status::Hit { key, object, frozen: true });
        }
        Ok(status)
    }

    fn look_up(&self, key: ContentHash, confirmed: &mut Vec<Confirmed>) -> Status {
        let Some(result) = self.index.results.get(&key) else {
            return Status::Run { key, reason: Reason::New };
        };
        let object = result.object;
        if self.trust == Trust::Records {
            return Status::Hit { key, object, frozen: false };
        }
        match self.verify(&object) {
            Ok(None) => Status::Hit { key, object, frozen: false },
            Ok(Some(again)) => {
                confirmed.push(again);
                Status::Hit { key, object, frozen: false }
            }
            Err(_) if self.dropped.contains(&object) => Status::Absent { key: Some(key), object },
            Err(damage) => Status::Run { key, reason: Reason::Damaged { object, damage } },
        }
    }

    fn is_sound(&self, object: &ContentHash, confirmed: &mut Vec<Confirmed>) -> bool {
        if self.trust == Trust::Records {
            return true;
        }
        let verified = self.verify(object);
        confirmed.extend(verified.as_ref().ok().cloned().flatten());
        verified.is_ok()
    }

    /// Bytes that are not here but needed have to be made, or block what needs them; what only frozen stages read is
    /// not made at all.
    fn settle_needs(&self, graph: &Graph, statuses: &mut [Status]) {
        let count = statuses.len();
        // A node that nothing reads is what the run is for.
        let mut wanted: Vec<bool> = ends(graph);
        let mut needed = vec![false; count];
        for id in (0..count).rev() {
            if !wanted[id] && !matches!(statuses[id], Status::Hit { .. } | Status::Source { .. }) {
                statuses[id] = Status::Idle;
            }
            if let (true, Status::Absent { key, .. }) = (needed[id], &statuses[id]) {
                statuses[id] = match (key, graph.nodes[id].member.stage.source()) {
                    (Some(key), _) => Status::Run { key: *key, reason: Reason::Needed },
                    (None, source) => {
                        Status::Missing { files: source.map_or(vec![], |source| self.raw.missing(&source)) }
                    }
                };
            }
            let lives = wanted[id] && !matches!(statuses[id], Status::Hit { frozen: true, .. });
            for input in graph.nodes[id].inputs.values() {
                wanted[*input] |= lives;
                needed[*input] |= statuses[id].works();
            }
        }
        for id in 0..statuses.len() {
            if statuses[id].works() {
                let blocks =
                    |input: &NodeId| matches!(statuses[*input], Status::Missing { .. } | Status::Blocked { .. });
                let inputs: Vec<NodeId> = graph.nodes[id].inputs.values().copied().filter(blocks).collect();
                if !inputs.is_empty() {
                    statuses[id] = Status::Blocked { inputs };
                }
            }
        }
    }

    /// Checks an object: stats each file, and reads those whose stamp is not the one that is on record.
    fn verify(&self, object: &ContentHash) -> Result<Option<Confirmed>, Damage> {
        let Some(files) = self.index.files.get(object) else {
            let (manifest, stamps) = self.store.check(object, |_, _| None)?;
            return Ok(Some(Confirmed { object: *object, entries: manifest.files, stamps }));
        };
        let entries: Vec<FileEntry> = files.iter().map(|(entry, _)| entry.clone()).collect();
        let stamps = self.store.check_files(object, &entries, |path, now| {
            let at = files.binary_search_by(|(entry, _)| entry.path.as_path().cmp(path)).ok()?;
            let (entry, seen) = &files[at];
            (seen == now).then_some(entry.hash)
        })?;
        let same = files.iter().zip(&stamps).all(|((_, seen), now)| seen == now);
        Ok((!same).then_some(Confirmed { object: *object, entries, stamps }))
    }
}

/// For each node, whether nothing reads it.
fn ends(graph: &Graph) -> Vec<bool> {
    let mut ends = vec![true; graph.nodes.len()];
    for input in graph.nodes.iter().flat_map(|node| node.inputs.values()) {
        ends[*input] = false;
    }
    ends
}
