//! Which objects living processes use, so that a collection beside them takes none of these away.
//!
//! Each process that works with the store has a file in `uses/`, locked while it lives, with the name of every object
//! that it found, made or planned to use. A name is written while the *gate* is held with others; a collection holds
//! the gate alone. So an object that is looked at after its name was written is either gone by then, or stays.

use std::collections::HashSet;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use crate::hash::ContentHash;

/// The objects that this process uses.
#[derive(Debug)]
pub struct Uses {
    names: Mutex<std::fs::File>,
    path: Utf8PathBuf,
    state: Utf8PathBuf,
}

/// The gate, held for as long as this lives.
#[derive(Debug)]
pub struct Gate {
    _file: fs_err::File,
}

impl Gate {
    /// Holds the gate together with others: until it is let go, no collection takes an object away.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn share(state: &Utf8Path) -> std::io::Result<Self> {
        let file = open(state)?;
        file.file().lock_shared()?;
        Ok(Self { _file: file })
    }

    /// Holds the gate alone, once all others have let it go; `waiting` is told if that is not yet so.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn close(state: &Utf8Path, waiting: impl FnOnce()) -> std::io::Result<Self> {
        let file = open(state)?;
        if file.file().try_lock().is_err() {
            waiting();
            file.file().lock()?;
        }
        Ok(Self { _file: file })
    }

    /// All objects that living processes use. Complete only while the gate is held alone.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn uses(state: &Utf8Path) -> std::io::Result<HashSet<ContentHash>> {
        let mut used = HashSet::new();
        for path in files(state)? {
            let file = fs_err::File::open(&path)?;
            // A lock that can be had is that of a process which has ended.
            if file.file().try_lock().is_err() {
                used.extend(fs_err::read_to_string(&path)?.lines().filter_map(|line| line.parse::<ContentHash>().ok()));
            }
        }
        Ok(used)
    }
}

impl Uses {
    /// Begins the list of this process.
    ///
    /// # Errors
    /// When its file cannot be made.
    pub fn begin(state: &Utf8Path) -> std::io::Result<Self> {
        // Behind the gate, so that nobody sees the file before it is locked.
        let _gate = Gate::share(state)?;
        fs_err::create_dir_all(folder(state))?;
        let (file, path) = tempfile::Builder::new().prefix("").tempfile_in(folder(state))?.keep()?;
        file.lock()?;
        let path = Utf8PathBuf::from_path_buf(path).unwrap_or_default();
        Ok(Self { names: Mutex::new(file), path, state: state.to_owned() })
    }

    /// Writes down that these objects are used. What is looked for afterwards and found stays while this lives.
    ///
    /// # Errors
    /// When they cannot be written down.
    pub fn mark(&self, objects: impl IntoIterator<Item = ContentHash>) -> std::io::Result<()> {
        let text: String = objects.into_iter().map(|object| format!("{object}\n")).collect();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let _gate = Gate::share(&self.state)?;
        names.write_all(text.as_bytes())
    }
}

impl Drop for Uses {
    fn drop(&mut self) {
        // What is left behind is cleared away by the next process that is alone.
        let _ = fs_err::remove_file(&self.path);
    }
}

/// Removes the lists of processes that have ended. Only while no other process uses the store.
///
/// # Errors
/// When a file cannot be removed.
pub fn forget_uses(state: &Utf8Path) -> std::io::Result<()> {
    for path in files(state)? {
        fs_err::remove_file(path)?;
    }
    Ok(())
}

fn folder(state: &Utf8Path) -> Utf8PathBuf {
    state.join("uses")
}

fn files(state: &Utf8Path) -> std::io::Result<Vec<Utf8PathBuf>> {
    if !folder(state).is_dir() {
        return Ok(Vec::new());
    }
    folder(state).read_dir_utf8()?.map(|entry| entry.map(camino::Utf8DirEntry::into_path)).collect()
}

fn open(state: &Utf8Path) -> std::io::Result<fs_err::File> {
    fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(state.join("uses.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_living_process_uses_is_known_and_what_an_ended_one_used_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let (one, two) = (ContentHash::of(b"1"), ContentHash::of(b"2"));
        let living = Uses::begin(state).unwrap();
        living.mark([one]).unwrap();
        living.mark([two]).unwrap();
        assert_eq!(Gate::uses(state).unwrap(), HashSet::from([one, two]));
        // As a killed process leaves it: the file stays, its lock is gone.
        fs_err::write(state.join("uses/left"), format!("{}\n", ContentHash::of(b"3"))).unwrap();
        assert_eq!(Gate::uses(state).unwrap(), HashSet::from([one, two]));
        drop(living);
        assert!(Gate::uses(state).unwrap().is_empty());
        forget_uses(state).unwrap();
        assert!(files(state).unwrap().is_empty());
    }
}
