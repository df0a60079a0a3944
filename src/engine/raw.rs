//! Raw files as a plan sees them: what they hold, by their stamps or by reading them, and what they held when they are gone.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::outcome::Link;
use super::plan::{PlanError, Status};
use super::stage::Source;
use crate::artifact::{FileEntry, Manifest, stamp};
use crate::hash::ContentHash;
use crate::project::DataFolder;
use crate::record::{RecordError, Records, SeenSource};

/// Files of so many bytes are told before they are read: it takes a second or more.
const LARGE: u64 = 1 << 30;

/// The raw files under a data folder, and what is on record of them and of others.
pub(super) struct RawFiles<'a> {
    records: &'a Records,
    data: &'a DataFolder,
    seen: BTreeMap<(Utf8PathBuf, Vec<Utf8PathBuf>), Vec<SeenSource>>,
    /// Hears of each large file, with its size, before it is read.
    pub(super) reads: fn(&Utf8Path, u64),
}

impl<'a> RawFiles<'a> {
    /// Those of a data folder.
    pub(super) async fn new(records: &'a Records, data: &'a DataFolder) -> Result<Self, RecordError> {
        let mut seen: BTreeMap<_, Vec<SeenSource>> = BTreeMap::new();
        for source in records.sources().await? {
            seen.entry((source.folder.clone(), source.files.clone())).or_default().push(source);
        }
        Ok(Self { records, data, seen, reads: |_, _| () })
    }

    /// How the stage stands that names these files; what was not known of them goes to `seen`.
    pub(super) async fn status(&self, source: Source, seen: &mut Vec<SeenSource>) -> Result<Status, PlanError> {
        // An absolute folder is the same one whatever the data folder.
        let data = source.folder.is_relative().then(|| self.data.name.clone());
        let recorded = self.recorded(&source, data.as_ref());
        let missing = self.missing(&source);
        if !missing.is_empty() {
            return Ok(match recorded {
                Some(known) => Status::Absent { key: None, object: known.object },
                None => Status::Missing { files: missing },
            });
        }
        let folder = self.data.path.join(&source.folder);
        let (mut entries, mut files) = (Vec::new(), Vec::new());
        for name in source.files.iter().filter_map(|file| source.find(&folder, file)) {
            let path = folder.join(&name).canonicalize_utf8()?;
            let stamped = stamp(&path)?;
            let hash = match self.records.memo(&path, &stamped).await? {
                Some(hash) => hash,
                None => {
                    if stamped.size >= LARGE {
                        (self.reads)(&path, stamped.size);
                    }
                    let hash = ContentHash::of_file(&path)?;
                    // A file that changes while it is read is not remembered: its stamp no longer fits.
                    if stamp(&path)? == stamped {
                        self.records.remember(&path, &stamped, &hash).await?;
                    }
                    hash
                }
            };
            entries.push(FileEntry { path: name.clone(), size: stamped.size, hash });
            files.push(Link { name, to: path });
        }
        let object = Manifest::new("raw", entries).digest();
        let now = SeenSource { data, folder: source.folder, files: source.files, object };
        if recorded != Some(&now) {
            seen.push(now);
        }
        Ok(Status::Source { object, folder, files })
    }

    /// What raw files held when they were last seen: in this data folder; if never there, nobody knows where; and else
    /// in any, unless a person named this one.
    fn recorded(&self, source: &Source, data: Option<&Utf8PathBuf>) -> Option<&SeenSource> {
        let nearness = |known: &&SeenSource| match (&known.data, data) {
            (there, here) if there.as_ref() == here => 2,
            (None, _) => 1,
            (Some(_), _) => 0,
        };
        let counts = |known: &&SeenSource| !self.data.named || nearness(known) > 0;
        let known = self.seen.get(&(source.folder.clone(), source.files.clone()))?;
        known.iter().filter(counts).max_by_key(nearness)
    }

    /// Those of the files that are not there.
    pub(super) fn missing(&self, source: &Source) -> Vec<Utf8PathBuf> {
        let folder = self.data.path.join(&source.folder);
        let lacks = |file: &&Utf8PathBuf| source.find(&folder, file).is_none();
        source.files.iter().filter(lacks).map(|file| folder.join(file)).collect()
    }
}
