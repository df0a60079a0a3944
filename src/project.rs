//! The project's root, the names of its folders, and writes that are whole or not there.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

/// The folder that holds the cache and the records, inside the project's root.
pub const STATE_FOLDER: &str = ".sr-pipe";

/// The folder of reports, inside the project's root.
pub const RESULTS_FOLDER: &str = "results";

/// Where everything of a project lies.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder that holds `experiments/`, `pipelines/` and `results/`.
    pub root: Utf8PathBuf,
}

/// The folder that holds raw files.
#[derive(Debug, Clone)]
pub struct DataFolder {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// Its path as the records have it: from the project's root where it lies inside.
    pub name: Utf8PathBuf,
    /// True when a person named it: then it answers alone, and what was read from other folders does not count.
    pub named: bool,
}

impl Project {
    /// The project that a file belongs to: the nearest folder above it with a `.sr-pipe` folder, else with an
    /// `experiments` folder beside or above, else the folder of the file.
    pub fn of(file: &Utf8Path) -> Self {
        let folder = file.parent().unwrap_or(Utf8Path::new("."));
        let found = folder
            .ancestors()
            .find(|above| above.join(STATE_FOLDER).is_dir() || above.join("experiments").is_dir())
            .unwrap_or(folder);
        Self { root: if found.as_str().is_empty() { ".".into() } else { found.to_owned() } }
    }

    /// Cache and records.
    pub fn state(&self) -> Utf8PathBuf {
        self.root.join(STATE_FOLDER)
    }

    /// Where reports go.
    pub fn results(&self) -> Utf8PathBuf {
        self.root.join(RESULTS_FOLDER)
    }

    /// The folder of raw files: the one that a person named, else `data`.
    ///
    /// # Errors
    /// When the one that was named is not there.
    pub fn data(&self, named: Option<&Utf8Path>) -> std::io::Result<DataFolder> {
        let path = match named {
            Some(named) => named.canonicalize_utf8()?,
            None => self.root.join("data"),
        };
        Ok(DataFolder { name: self.relative(&path).to_owned(), path, named: named.is_some() })
    }

    /// A path as a person would write it from the project's root.
    pub fn relative<'a>(&self, path: &'a Utf8Path) -> &'a Utf8Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// Writes a file so that a reader, or a crash, sees the old bytes or the new ones and nothing between.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn write_atomically(path: &Utf8Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    fs_err::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is made private; a result is for everyone.
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_from_a_file_deep_inside() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir_all(root.join("experiments/deep")).unwrap();
        assert_eq!(Project::of(&root.join("experiments/deep/a.yaml")).root, root);
        let lonely = tempfile::tempdir().unwrap();
        let lonely = Utf8Path::from_path(lonely.path()).unwrap();
        assert_eq!(Project::of(&lonely.join("a.yaml")).root, lonely);
    }

    #[test]
    fn a_second_write_replaces_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("new/file");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"two");
        assert_eq!(fs_err::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
