//! What an artifact consists of. Its digest is the artifact's name in the store.

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::hash::ContentHash;

/// The files of an artifact, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's form.
    pub version: u32,
    /// The kind of artifact, for people.
    pub kind: String,
    /// The files.
    pub files: Vec<FileEntry>,
}

/// One file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path inside the artifact.
    pub path: Utf8PathBuf,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub hash: ContentHash,
}

impl Manifest {
    /// A manifest of these files; sorts them.
    pub fn new(kind: &str, mut files: Vec<FileEntry>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { version: 1, kind: kind.to_owned(), files }
    }

    /// The digest of paths, sizes and contents. The kind is not part of it: the same bytes are the same artifact.
    pub fn digest(&self) -> ContentHash {
        let mut text = String::from("sr-pipe artifact 1\n");
        for file in &self.files {
            // A path cannot end a line early: it stands last, and its own line breaks are escaped by JSON.
            let path = serde_json::Value::from(file.path.as_str());
            text.push_str(&format!("{} {} {path}\n", file.hash, file.size));
        }
        ContentHash::of(text.as_bytes())
    }

    /// Bytes of all files together.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, bytes: &[u8]) -> FileEntry {
        FileEntry { path: path.into(), size: bytes.len() as u64, hash: ContentHash::of(bytes) }
    }

    #[test]
    fn the_order_of_files_and_the_kind_do_not_matter_but_names_and_bytes_do() {
        let one = Manifest::new("files", vec![entry("a", b"1"), entry("b", b"2")]);
        let same = Manifest::new("raw", vec![entry("b", b"2"), entry("a", b"1")]);
        let renamed = Manifest::new("files", vec![entry("a", b"1"), entry("c", b"2")]);
        let swapped = Manifest::new("files", vec![entry("a", b"2"), entry("b", b"1")]);
        assert_eq!(one.digest(), same.digest());
        assert_ne!(one.digest(), renamed.digest());
        assert_ne!(one.digest(), swapped.digest());
    }
}
