//! Planning: for each node, whether its result is there, what has to run and why. `plan` and `run` share it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::fingerprint::Fingerprint;
use super::graph::{Graph, NodeId};
use super::stage::Source;
use crate::artifact::{Damage, FileEntry, FileStamp, Manifest, Store, stamp};
use crate::hash::ContentHash;
use crate::record::{CacheIndex, RecordError, Records};

/// How a node stands before a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Files outside the project; all there.
    Source {
        /// Digest of names and contents.
        object: ContentHash,
        /// Where they lie.
        folder: Utf8PathBuf,
    },
    /// Files outside the project that are not there.
    Missing {
        /// Each path that is missing.
        files: Vec<Utf8PathBuf>,
    },
    /// The result is there and sound.
    Hit {
        /// The cache key.
        key: ContentHash,
        /// The sealed object.
        object: ContentHash,
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
    data: &'a Utf8Path,
    index: CacheIndex,
}

impl<'a> Planner<'a> {
    /// A planner on the present state of the records. `data` is the folder of raw files.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn new(records: &'a Records, store: &'a Store, data: &'a Utf8Path) -> Result<Self, RecordError> {
        Ok(Self { records, store, data, index: records.cache_index().await? })
    }

    /// How each node stands.
    ///
    /// # Errors
    /// When the records or a raw file cannot be read.
    pub async fn plan(&self, graph: &Graph) -> Result<Plan, PlanError> {
        let mut plan = Plan { statuses: Vec::with_capacity(graph.nodes.len()), confirmed: Vec::new() };
        for node in &graph.nodes {
            let status = match node.stage.source() {
                Some(source) => self.source(&source).await?,
                None => {
                    let mut known = BTreeMap::new();
                    let (mut after, mut blocked) = (Vec::new(), Vec::new());
                    for (name, id) in &node.inputs {
                        match &plan.statuses[*id] {
                            Status::Source { object, .. } | Status::Hit { object, .. } => {
                                known.insert(name.as_str(), *object);
                            }
                            Status::Run { .. } | Status::After { .. } => after.push(*id),
                            Status::Missing { .. } | Status::Blocked { .. } => blocked.push(*id),
                        }
                    }
                    if !blocked.is_empty() {
                        Status::Blocked { inputs: blocked }
                    } else if !after.is_empty() {
                        Status::After { inputs: after }
                    } else {
                        let key = Fingerprint::new(&node.stage.identity(), known).key();
                        self.look_up(key, &mut plan.confirmed)
                    }
                }
            };
            tracing::trace!(node = node.label, ?status, "planned");
            plan.statuses.push(status);
        }
        Ok(plan)
    }

    fn look_up(&self, key: ContentHash, confirmed: &mut Vec<Confirmed>) -> Status {
        let Some(result) = self.index.results.get(&key) else {
            return Status::Run { key, reason: Reason::New };
        };
        let object = result.object;
        match self.verify(&object) {
            Ok(None) => Status::Hit { key, object },
            Ok(Some(again)) => {
                confirmed.push(again);
                Status::Hit { key, object }
            }
            Err(damage) => Status::Run { key, reason: Reason::Damaged { object, damage } },
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

    async fn source(&self, source: &Source) -> Result<Status, PlanError> {
        let folder = self.data.join(&source.folder);
        let missing: Vec<_> =
            source.files.iter().map(|file| folder.join(file)).filter(|path| !path.is_file()).collect();
        if !missing.is_empty() {
            return Ok(Status::Missing { files: missing });
        }
        let mut entries = Vec::with_capacity(source.files.len());
        for file in &source.files {
            let path = folder.join(file).canonicalize_utf8()?;
            let seen = stamp(&path)?;
            let hash = match self.records.memo(&path, &seen).await? {
                Some(hash) => hash,
                None => {
                    let hash = ContentHash::of_file(&path)?;
                    // A file that changes while it is read is not remembered: its stamp no longer fits.
                    if stamp(&path)? == seen {
                        self.records.remember(&path, &seen, &hash).await?;
                    }
                    hash
                }
            };
            entries.push(FileEntry { path: file.clone(), size: seen.size, hash });
        }
        Ok(Status::Source { object: Manifest::new("raw", entries).digest(), folder })
    }
}
