//! What lies in the store and belongs to no object.

use std::collections::HashSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::store::{Store, StoreError, walk};
use crate::hash::ContentHash;

impl Store {
    /// Removes what killed processes left half sealed or half discarded. Only while no other process uses the store.
    ///
    /// # Errors
    /// When a folder cannot be removed.
    pub fn sweep(&self) -> std::io::Result<()> {
        if !self.root.exists() {
            return Ok(());
        }
        for entry in fs_err::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                fs_err::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Files and folders in the store that belong to no object. Only while no other process uses the store.
    ///
    /// # Errors
    /// When the folders cannot be listed.
    pub fn strays(&self) -> std::io::Result<Vec<Utf8PathBuf>> {
        let mut strays = Vec::new();
        if !self.root.exists() {
            return Ok(strays);
        }
        for shard in self.root.read_dir_utf8()? {
            let shard = shard?.into_path();
            let named = shard.file_name().is_some_and(|name| name.len() == 2);
            if !named || !shard.is_dir() {
                strays.push(shard);
                continue;
            }
            for object in shard.read_dir_utf8()? {
                let object = object?.into_path();
                match object.file_name().and_then(|name| name.parse().ok()) {
                    Some(hash) if self.object(&hash) == object => strays.extend(self.strays_in(&hash)?),
                    _ => strays.push(object),
                }
            }
        }
        strays.sort_unstable();
        Ok(strays)
    }

    /// What lies in an object's folder and is not in its manifest; nothing where there is no sound manifest.
    fn strays_in(&self, hash: &ContentHash) -> std::io::Result<Vec<Utf8PathBuf>> {
        let Ok(manifest) = self.manifest(hash) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        match walk(&self.files(hash), Utf8Path::new(""), &mut found) {
            Ok(()) => {}
            Err(StoreError::NotAFile(path)) => found.push(path),
            // Files that are missing are damage, not strays.
            Err(_) => return Ok(Vec::new()),
        }
        let known: HashSet<&Utf8PathBuf> = manifest.files.iter().map(|entry| &entry.path).collect();
        let mut strays: Vec<_> =
            found.iter().filter(|path| !known.contains(path)).map(|path| self.files(hash).join(path)).collect();
        for entry in self.object(hash).read_dir_utf8()? {
            let path = entry?.into_path();
            if !matches!(path.file_name(), Some("files" | "manifest.json")) {
                strays.push(path);
            }
        }
        Ok(strays)
    }
}
