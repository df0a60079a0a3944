//! The content-addressed store: staged, hashed, synced, sealed by one rename; verified before it is used again.
//!
//! ```text
//! objects/ab/abcdef…/manifest.json
//! objects/ab/abcdef…/files/…          read-only
//! ```
//! A folder under `objects/` is whole or not there: it arrives by a rename of a folder that was synced before.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::manifest::{FileEntry, Manifest};
use super::stamp::{FileStamp, stamp};
use super::uses::Uses;
use crate::hash::ContentHash;

/// How the files of a finished attempt come into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// By rename: only this process wrote them.
    Move,
    /// By copy, hashed while written: another process wrote them and might still hold them open.
    Copy,
}

/// What is wrong with a stored object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The folder or its manifest is not there, or the manifest cannot be read.
    #[error("its manifest is missing or unreadable")]
    Manifest,
    /// The manifest does not describe the object of this name.
    #[error("its manifest is that of another object")]
    WrongManifest,
    /// A file is gone.
    #[error("`{0}` is missing")]
    Missing(Utf8PathBuf),
    /// A file has another size.
    #[error("`{0}` has another size")]
    Size(Utf8PathBuf),
    /// A file has other bytes.
    #[error("`{0}` has other bytes")]
    Bytes(Utf8PathBuf),
}

/// Why something could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A stage left something that is neither file nor folder.
    #[error("the output holds `{0}`, which is neither a file nor a folder; links are not stored")]
    NotAFile(Utf8PathBuf),
    /// A stage left nothing.
    #[error("the stage finished but wrote no file")]
    Empty,
    /// A file name that is not UTF-8.
    #[error("the output holds a file whose name is not UTF-8")]
    Name,
}

/// The store of one project.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) root: Utf8PathBuf,
    uses: Option<Arc<Uses>>,
}

impl Store {
    /// The store inside a project's state folder.
    pub fn new(state: &Utf8Path) -> Self {
        Self { root: state.join("objects"), uses: None }
    }

    /// The same store, with a list of what is used: what is marked or sealed from now on stays while the list lives.
    pub fn with_uses(self, uses: Arc<Uses>) -> Self {
        Self { uses: Some(uses), ..self }
    }

    /// Marks objects as used by this process; to be done before they are looked for.
    ///
    /// # Errors
    /// When they cannot be written down.
    pub fn mark(&self, objects: impl IntoIterator<Item = ContentHash>) -> std::io::Result<()> {
        self.uses.as_ref().map_or(Ok(()), |uses| uses.mark(objects))
    }

    pub(super) fn object(&self, hash: &ContentHash) -> Utf8PathBuf {
        let name = hash.to_string();
        self.root.join(&name[..2]).join(name)
    }

    /// The folder with the files of a sealed artifact.
    pub fn files(&self, hash: &ContentHash) -> Utf8PathBuf {
        self.object(hash).join("files")
    }

    /// Every object that is there, sorted.
    ///
    /// # Errors
    /// When the folders cannot be listed.
    pub fn list(&self) -> std::io::Result<Vec<ContentHash>> {
        let mut found = Vec::new();
        if !self.root.exists() {
            return Ok(found);
        }
        for shard in fs_err::read_dir(&self.root)? {
            let shard = shard?;
            // What is being sealed or discarded comes and goes.
            if shard.file_name().len() != 2 || !shard.file_type()?.is_dir() {
                continue;
            }
            for object in fs_err::read_dir(shard.path())? {
                if let Some(hash) = object?.file_name().to_str().and_then(|name| name.parse().ok()) {
                    found.push(hash);
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Seals the files of `staging` and gives the artifact's manifest and name. `staging` is gone or spent afterwards.
    ///
    /// # Errors
    /// When the files cannot be stored; the store is then as it was.
    pub fn seal(
        &self,
        staging: &Utf8Path,
        kind: &str,
        sealing: Sealing,
    ) -> Result<(ContentHash, Manifest), StoreError> {
        let mut paths = Vec::new();
        walk(staging, Utf8Path::new(""), &mut paths)?;
        if paths.is_empty() {
            return Err(StoreError::Empty);
        }
        fs_err::create_dir_all(&self.root)?;
        // Made inside the store's root, so that the last rename stays on one file system.
        let wrapper = tempfile::Builder::new().prefix(".sealing-").tempdir_in(&self.root)?;
        let wrapper_path = Utf8Path::from_path(wrapper.path()).ok_or(StoreError::Name)?;
        let files = wrapper_path.join("files");
        if sealing == Sealing::Move {
            fs_err::rename(staging, &files)?;
        }
        let mut entries = Vec::with_capacity(paths.len());
        for path in paths {
            let target = files.join(&path);
            let (size, hash) = match sealing {
                Sealing::Move => hash_and_sync(&target)?,
                Sealing::Copy => {
                    fs_err::create_dir_all(target.parent().unwrap_or(&files))?;
                    copy_and_hash(&staging.join(&path), &target)?
                }
            };
            fs_err::set_permissions(&target, std::fs::Permissions::from_mode(0o444))?;
            entries.push(FileEntry { path, size, hash });
        }
        let manifest = Manifest::new(kind, entries);
        let name = manifest.digest();
        let mut file = fs_err::File::create(wrapper_path.join("manifest.json"))?;
        file.write_all(serde_json::to_string_pretty(&manifest).map_err(std::io::Error::other)?.as_bytes())?;
        file.sync_all()?;
        sync_folder(&files)?;
        sync_folder(wrapper_path)?;

        self.mark([name])?;
        let object = self.object(&name);
        let shard = object.parent().unwrap_or(&self.root);
        fs_err::create_dir_all(shard)?;
        if object.exists() {
            if self.check(&name, |_, _| None).is_ok() {
                return Ok((name, manifest)); // The same bytes are there already.
            }
            self.discard(&name)?;
        }
        // A temporary folder is made private.
        fs_err::set_permissions(wrapper_path, std::fs::Permissions::from_mode(0o755))?;
        match fs_err::rename(wrapper_path, &object) {
            Ok(()) => drop(wrapper.keep()),
            // Another process sealed the same bytes a moment ago.
            Err(_) if object.join("manifest.json").exists() => {}
            Err(error) => return Err(error.into()),
        }
        sync_folder(shard)?;
        Ok((name, manifest))
    }

    /// An empty folder to gather the files of an object in, before it is sealed; gone when the first of both is dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn draft(&self) -> Result<(tempfile::TempDir, Utf8PathBuf), StoreError> {
        fs_err::create_dir_all(&self.root)?;
        let wrapper = tempfile::Builder::new().prefix(".draft-").tempdir_in(&self.root)?;
        let files = Utf8Path::from_path(wrapper.path()).ok_or(StoreError::Name)?.join("output");
        fs_err::create_dir_all(&files)?;
        Ok((wrapper, files))
    }

    /// The manifest of an object.
    ///
    /// # Errors
    /// When it is missing or is not that of this object.
    pub fn manifest(&self, hash: &ContentHash) -> Result<Manifest, Damage> {
        let bytes = fs_err::read(self.object(hash).join("manifest.json")).map_err(|_| Damage::Manifest)?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| Damage::Manifest)?;
        if manifest.digest() == *hash { Ok(manifest) } else { Err(Damage::WrongManifest) }
    }

    /// Checks each file of an object against its manifest: size always, bytes unless `memo` knows the digest that
    /// the file had under its present stamp. Gives the stamps, in the manifest's order.
    ///
    /// # Errors
    /// The first damage found.
    pub fn check(
        &self,
        hash: &ContentHash,
        memo: impl Fn(&Utf8Path, &FileStamp) -> Option<ContentHash>,
    ) -> Result<(Manifest, Vec<FileStamp>), Damage> {
        let manifest = self.manifest(hash)?;
        let stamps = self.check_files(hash, &manifest.files, memo)?;
        Ok((manifest, stamps))
    }

    /// As `check`, for a manifest that is already known.
    ///
    /// # Errors
    /// The first damage found.
    pub fn check_files(
        &self,
        hash: &ContentHash,
        entries: &[FileEntry],
        memo: impl Fn(&Utf8Path, &FileStamp) -> Option<ContentHash>,
    ) -> Result<Vec<FileStamp>, Damage> {
        let object = self.object(hash);
        if !object.join("manifest.json").exists() {
            return Err(Damage::Manifest);
        }
        let files = object.join("files");
        entries
            .iter()
            .map(|entry| {
                let path = files.join(&entry.path);
                let stamp = stamp(&path).map_err(|_| Damage::Missing(entry.path.clone()))?;
                if stamp.size != entry.size {
                    return Err(Damage::Size(entry.path.clone()));
                }
                let found = match memo(&entry.path, &stamp) {
                    Some(known) => known,
                    None => ContentHash::of_file(&path).map_err(|_| Damage::Missing(entry.path.clone()))?,
                };
                if found == entry.hash { Ok(stamp) } else { Err(Damage::Bytes(entry.path.clone())) }
            })
            .collect()
    }

    /// Takes an object out of the store, in one step.
    ///
    /// # Errors
    /// When it cannot be moved away.
    pub fn discard(&self, hash: &ContentHash) -> std::io::Result<()> {
        self.withdraw([hash]).map(drop)
    }

    /// Takes objects out of the store, each in one step; their bytes are gone when the folder is dropped.
    ///
    /// # Errors
    /// When one cannot be moved away.
    pub fn withdraw<'a>(
        &self,
        objects: impl IntoIterator<Item = &'a ContentHash>,
    ) -> std::io::Result<Option<tempfile::TempDir>> {
        let mut trash = None;
        for hash in objects {
            let object = self.object(hash);
            if !object.exists() {
                continue;
            }
            let folder = match trash.take() {
                Some(folder) => folder,
                None => tempfile::Builder::new().prefix(".discarded-").tempdir_in(&self.root)?,
            };
            let moved = fs_err::rename(&object, folder.path().join(hash.to_string()));
            trash = Some(folder);
            match moved {
                // Another process was faster.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(trash)
    }
}

/// Paths of all files below a folder, relative to it.
pub(super) fn walk(root: &Utf8Path, below: &Utf8Path, paths: &mut Vec<Utf8PathBuf>) -> Result<(), StoreError> {
    for entry in fs_err::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| StoreError::Name)?;
        let path = below.join(name);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(root, &path, paths)?;
        } else if kind.is_file() {
            paths.push(path);
        } else {
            return Err(StoreError::NotAFile(path));
        }
    }
    Ok(())
}

fn hash_and_sync(path: &Utf8Path) -> std::io::Result<(u64, ContentHash)> {
    let hash = ContentHash::of_file(path)?;
    let file = fs_err::File::open(path)?;
    file.sync_all()?;
    Ok((file.metadata()?.len(), hash))
}

fn copy_and_hash(from: &Utf8Path, to: &Utf8Path) -> std::io::Result<(u64, ContentHash)> {
    let mut source = fs_err::File::open(from)?;
    let mut target = fs_err::File::create(to)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        target.write_all(&buffer[..read])?;
        size += read as u64;
    }
    target.sync_all()?;
    Ok((size, ContentHash::from(hasher.finalize())))
}

/// Makes renames and new names inside a folder durable.
fn sync_folder(path: &Utf8Path) -> std::io::Result<()> {
    fs_err::File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        _folder: tempfile::TempDir,
        root: Utf8PathBuf,
        store: Store,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let store = Store::new(&root);
        Bench { _folder: folder, root, store }
    }

    impl Bench {
        fn seal(&self, files: &[(&str, &str)], sealing: Sealing) -> Result<ContentHash, StoreError> {
            let staging = self.root.join("staging");
            fs_err::create_dir_all(&staging).unwrap();
            for (path, text) in files {
                fs_err::create_dir_all(staging.join(path).parent().unwrap()).unwrap();
                fs_err::write(staging.join(path), text).unwrap();
            }
            let sealed = self.store.seal(&staging, "files", sealing).map(|(hash, _)| hash);
            let _ = fs_err::remove_dir_all(&staging);
            sealed
        }
    }

    const FILES: [(&str, &str); 2] = [("a.txt", "one"), ("deep/b.txt", "two")];

    #[test]
    fn equal_files_are_one_object_however_they_came_in() {
        let bench = bench();
        let moved = bench.seal(&FILES, Sealing::Move).unwrap();
        let copied = bench.seal(&FILES, Sealing::Copy).unwrap();
        assert_eq!(moved, copied);
        assert_eq!(bench.store.list().unwrap(), [moved]);
        assert_eq!(fs_err::read_to_string(bench.store.files(&moved).join("deep/b.txt")).unwrap(), "two");
        assert!(bench.store.check(&moved, |_, _| None).is_ok());
        let left: Vec<_> = fs_err::read_dir(bench.root.join("objects")).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing but the shard is left in the store");
    }

    #[test]
    fn a_file_still_open_in_another_program_cannot_change_a_copied_object() {
        let bench = bench();
        let staging = bench.root.join("staging");
        fs_err::create_dir_all(&staging).unwrap();
        let mut orphan = fs_err::File::create(staging.join("a")).unwrap();
        orphan.write_all(b"sealed").unwrap();
        let (hash, _) = bench.store.seal(&staging, "files", Sealing::Copy).unwrap();
        orphan.write_all(b" and then some").unwrap();
        orphan.sync_all().unwrap();
        assert_eq!(fs_err::read(bench.store.files(&hash).join("a")).unwrap(), b"sealed");
    }

    #[test]
    fn every_kind_of_damage_is_found_and_sealing_again_heals_it() {
        let bench = bench();
        let hash = bench.seal(&FILES, Sealing::Move).unwrap();
        let file = bench.store.files(&hash).join("a.txt");
        let damage: [(&dyn Fn(), Damage); 3] = [
            (&|| fs_err::write(&file, "oNe").unwrap(), Damage::Bytes("a.txt".into())),
            (&|| fs_err::write(&file, "on").unwrap(), Damage::Size("a.txt".into())),
            (&|| fs_err::remove_file(&file).unwrap(), Damage::Missing("a.txt".into())),
        ];
        for (harm, expected) in damage {
            fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
            harm();
            assert_eq!(bench.store.check(&hash, |_, _| None).unwrap_err(), expected);
            assert_eq!(bench.seal(&FILES, Sealing::Move).unwrap(), hash);
            assert!(bench.store.check(&hash, |_, _| None).is_ok());
        }
    }

    #[test]
    fn an_empty_output_and_a_link_are_refused() {
        let bench = bench();
        assert!(matches!(bench.seal(&[], Sealing::Move), Err(StoreError::Empty)));
        let staging = bench.root.join("staging");
        fs_err::create_dir_all(&staging).unwrap();
        std::os::unix::fs::symlink("/", staging.join("link")).unwrap();
        assert!(matches!(bench.store.seal(&staging, "files", Sealing::Copy), Err(StoreError::NotAFile(_))));
        assert_eq!(bench.store.list().unwrap(), []);
    }
}
