//! The file that carries an experiment to another project: a tar, compressed with zstd, and what has to be in it.
//!
//! ```text
//! manifest.json                 all that follows, and the rows of the records; carries its own digest
//! project/experiments/e.yaml    the experiment and its pipelines
//! objects/DIGEST/PATH           the files of each object, in the manifest's order
//! ```
//! Entries are read in exactly this order under exactly these names, so that nothing else can come in.

use std::collections::{BTreeSet, HashSet};
use std::io::{Read, Write};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::artifact::{FileEntry, Manifest};
use crate::cli::CommandError;
use crate::diagnostic::Diagnostic;
use crate::hash::ContentHash;
use crate::record::Rows;

/// The version of the file's form.
const VERSION: u32 = 1;

/// The name of the first entry.
const MANIFEST: &str = "manifest.json";

/// No manifest is larger: it is read whole.
const LARGEST_MANIFEST: u64 = 1 << 30;

/// All that a file carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parcel {
    /// The experiment file, from the project's root.
    pub(super) experiment: String,
    /// The program that wrote it.
    pub(super) made_with: String,
    /// The experiment and its pipelines, from the project's root.
    pub(super) files: Vec<FileEntry>,
    /// The objects.
    pub(super) objects: Vec<ParcelObject>,
    /// The records.
    pub(super) rows: Rows,
}

/// An object on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParcelObject {
    pub(super) object: ContentHash,
    pub(super) manifest: Manifest,
}

/// The first entry.
#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u32,
    digest: ContentHash,
    parcel: serde_json::Value,
}

impl Parcel {
    /// What is wrong with it, if anything is: a path that leads elsewhere, an object under a wrong name, a result
    /// without its object.
    fn fault(&self) -> Option<String> {
        let lists = [&self.files].into_iter().chain(self.objects.iter().map(|object| &object.manifest.files));
        for files in lists {
            let mut seen = BTreeSet::new();
            for entry in files {
                if !stays_inside(&entry.path) {
                    return Some(format!("the path `{}` leads out of its folder", entry.path));
                }
                if !seen.insert(&entry.path)
                    || entry.path.ancestors().skip(1).any(|above| seen.contains(&above.to_owned()))
                {
                    return Some(format!("the path `{}` is there twice", entry.path));
                }
            }
        }
        if let Some(wrong) = self.objects.iter().find(|object| object.manifest.digest() != object.object) {
            return Some(format!("the object {} is another one", wrong.object.short()));
        }
        let texts = |rows: &[crate::record::Row]| -> HashSet<String> {
            rows.iter().filter_map(|row| Some(row.get("object")?.as_str()?.to_owned())).collect()
        };
        let mut known = texts(&self.rows.dropped);
        known.extend(self.objects.iter().map(|object| object.object.to_string()));
        let missing = texts(&self.rows.results).into_iter().filter(|object| !known.contains(object)).min();
        missing.map(|object| format!("a result leads to the object {object}, which is not in it"))
    }
}

/// True for a path that names a file below the folder it is joined to.
fn stays_inside(path: &Utf8Path) -> bool {
    path.file_name().is_some()
        && !path.as_str().ends_with('/')
        && path.components().all(|part| matches!(part, Utf8Component::Normal(_)))
        && !path.as_str().contains('\0')
}

/// Where an entry stands in the tar.
pub(super) fn place_of_object(object: &ContentHash, path: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("objects/{object}")).join(path)
}

/// Where an entry stands in the tar.
pub(super) fn place_of_file(path: &Utf8Path) -> Utf8PathBuf {
    Utf8Path::new("project").join(path)
}

/// Writes parcels.
pub(super) struct Writer<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, W>>,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(target: W, parcel: &Parcel) -> std::io::Result<Self> {
        let mut encoder = zstd::Encoder::new(target, 3)?;
        encoder.include_checksum(true)?;
        let mut this = Self { tar: tar::Builder::new(encoder) };
        let value = json!(parcel);
        let envelope = Envelope { version: VERSION, digest: ContentHash::of_json(&value), parcel: value };
        let text = serde_json::to_vec(&envelope)?;
        this.add(Utf8Path::new(MANIFEST), text.len() as u64, text.as_slice())?;
        Ok(this)
    }

    pub(super) fn add(&mut self, path: &Utf8Path, size: u64, bytes: impl Read) -> std::io::Result<()> {
        // Nothing of this machine goes in: the same experiment gives the same file.
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(0);
        self.tar.append_data(&mut header, path, bytes)
    }

    pub(super) fn finish(self) -> std::io::Result<W> {
        self.tar.into_inner()?.finish()
    }
}

/// That a file cannot be used, and why.
pub(super) fn unusable(file: &Utf8Path, why: impl std::fmt::Display) -> CommandError {
    Diagnostic::new(format!("`{file}` is damaged, or no export of `sr-pipe`: {why}"))
        .help("copy or export it again; what was taken in already stays and is not read again")
        .into()
}

/// Reads the entries of a parcel one after the other.
pub(super) struct Reader<'a, R: Read> {
    entries: tar::Entries<'a, R>,
    file: &'a Utf8Path,
}

impl<'a, R: Read> Reader<'a, R> {
    pub(super) fn new(archive: &'a mut tar::Archive<R>, file: &'a Utf8Path) -> Result<Self, CommandError> {
        Ok(Self { entries: archive.entries().map_err(|error| unusable(file, error))?, file })
    }

    /// The first entry.
    pub(super) fn parcel(&mut self) -> Result<Parcel, CommandError> {
        let mut text = Vec::new();
        let mut entry = self.next(Utf8Path::new(MANIFEST), None)?;
        if entry.size() > LARGEST_MANIFEST {
            return Err(unusable(self.file, "its manifest is too large"));
        }
        entry.read_to_end(&mut text).map_err(|error| unusable(self.file, error))?;
        drop(entry);
        let envelope: Envelope = serde_json::from_slice(&text).map_err(|error| unusable(self.file, error))?;
        if envelope.version != VERSION {
            let message = format!("`{}` has version {}, and this program reads {VERSION}", self.file, envelope.version);
            return Err(Diagnostic::new(message).help("use the version of `sr-pipe` that wrote it").into());
        }
        if ContentHash::of_json(&envelope.parcel) != envelope.digest {
            return Err(unusable(self.file, "its manifest was altered"));
        }
        let parcel: Parcel = serde_json::from_value(envelope.parcel).map_err(|error| unusable(self.file, error))?;
        match parcel.fault() {
            Some(fault) => Err(unusable(self.file, fault)),
            None => Ok(parcel),
        }
    }

    /// The next entry, which must be this file.
    fn next(&mut self, path: &Utf8Path, size: Option<u64>) -> Result<tar::Entry<'a, R>, CommandError> {
        let entry = match self.entries.next() {
            None => return Err(unusable(self.file, format!("it ends before `{path}`"))),
            Some(entry) => entry.map_err(|error| unusable(self.file, error))?,
        };
        let found = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if found != path.as_str() {
            return Err(unusable(self.file, format!("it has `{found}` where `{path}` should be")));
        }
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(unusable(self.file, format!("`{path}` is no plain file")));
        }
        if size.is_some_and(|size| entry.size() != size) {
            return Err(unusable(self.file, format!("`{path}` has another size")));
        }
        Ok(entry)
    }

    /// Copies the next entry, which must be this file with these bytes.
    pub(super) fn copy(
        &mut self,
        place: &Utf8Path,
        known: &FileEntry,
        target: &mut dyn Write,
    ) -> Result<(), CommandError> {
        let mut entry = self.next(place, Some(known.size))?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = entry.read(&mut buffer).map_err(|error| unusable(self.file, error))?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            target.write_all(&buffer[..read])?;
        }
        if ContentHash::from(hasher.finalize()) == known.hash {
            Ok(())
        } else {
            Err(unusable(self.file, format!("`{place}` has other bytes")))
        }
    }

    /// Makes sure that nothing comes any more.
    pub(super) fn end(mut self) -> Result<(), CommandError> {
        match self.entries.next() {
            None => Ok(()),
            Some(Ok(_)) => Err(unusable(self.file, "it holds more than it says")),
            Some(Err(error)) => Err(unusable(self.file, error)),
        }
    }
}
