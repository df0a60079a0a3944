//! Locks held by the kernel for as long as their process lives, so that none is ever stale: one a key, and one that
//! every run shares.

use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use crate::artifact::{Uses, forget_uses, names_file};
use crate::hash::ContentHash;

/// A share in the cache, held by every run while it lives.
#[derive(Debug)]
pub struct RunLock {
    file: fs_err::File,
    uses: Arc<Uses>,
}

/// The whole cache: no run is under way, and none begins while this lives.
#[derive(Debug)]
pub struct Alone {
    _file: fs_err::File,
}

impl RunLock {
    /// Takes a share. When no other run has one, `alone` is called first: what killed runs left can be cleared away.
    ///
    /// # Errors
    /// When the lock file cannot be used, or `alone` fails.
    pub fn share<E: From<std::io::Error>>(state: &Utf8Path, alone: impl FnOnce() -> Result<(), E>) -> Result<Self, E> {
        let file = open(state)?;
        match file.file().try_lock() {
            Ok(()) => {
                forget_uses(state)?;
                alone()?;
                // Between these two steps another run may clear away too: there is nothing of ours yet.
                file.file().unlock()?;
            }
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        file.file().lock_shared()?;
        Ok(Self { file, uses: Arc::new(Uses::begin(state)?) })
    }

    /// Turns the share into the whole, if no other run has a share; false when one has. The share is kept then.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn try_alone(&self) -> std::io::Result<bool> {
        match self.file.file().try_lock() {
            Ok(()) => Ok(true),
            Err(std::fs::TryLockError::WouldBlock) => {
                // The system may have let go of the share when it could not give the whole.
                self.file.file().lock_shared()?;
                Ok(false)
            }
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Where this run writes down which objects it uses.
    pub fn uses(&self) -> Arc<Uses> {
        Arc::clone(&self.uses)
    }

    /// The whole cache, unless a run is under way.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn alone(state: &Utf8Path) -> std::io::Result<Option<Alone>> {
        let file = open(state)?;
        match file.file().try_lock() {
            Ok(()) => Ok(Some(Alone { _file: file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open(state: &Utf8Path) -> std::io::Result<fs_err::File> {
    fs_err::create_dir_all(state)?;
    open_lock(&state.join("runs.lock"))
}

fn open_lock(path: &Utf8Path) -> std::io::Result<fs_err::File> {
    fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// The right to compute a key. Given back when dropped, or when the process dies.
#[derive(Debug)]
pub(super) struct KeyLock {
    _file: fs_err::File,
    path: Utf8PathBuf,
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        // While it is held: who waits for it sees afterwards that the path names another file, or none.
        let _ = fs_err::remove_file(&self.path);
    }
}

/// Takes the right to compute `key`, unless somebody else has it.
pub(super) fn acquire(state: &Utf8Path, key: &ContentHash) -> std::io::Result<Option<KeyLock>> {
    let path = key_file(state, key)?;
    loop {
        let file = open_lock(&path)?;
        if !try_lock(&file)? {
            return Ok(None);
        }
        // Whoever held it before may have removed the file: a lock on what has no name keeps nobody out.
        if names_file(&path, file.file())? {
            return Ok(Some(KeyLock { _file: file, path }));
        }
    }
}

/// Waits until nobody computes `key`, or the run is to stop. Who waits holds nothing.
pub(super) async fn until_free(state: &Utf8Path, key: &ContentHash, stop: impl Fn() -> bool) -> std::io::Result<()> {
    let file = open_lock(&key_file(state, key)?)?;
    let mut pause = Duration::from_millis(5);
    while !stop() && !try_lock(&file)? {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    Ok(())
}

fn key_file(state: &Utf8Path, key: &ContentHash) -> std::io::Result<Utf8PathBuf> {
    let folder = state.join("locks");
    fs_err::create_dir_all(&folder)?;
    Ok(folder.join(key.to_string()))
}

fn try_lock(file: &fs_err::File) -> std::io::Result<bool> {
    match file.file().try_lock() {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the lock files that killed processes left, and gives how many.
///
/// # Errors
/// When a file cannot be removed.
pub fn remove_unused_locks(state: &Utf8Path, dry: bool) -> std::io::Result<usize> {
    let folder = state.join("locks");
    let mut unused = 0;
    if !folder.is_dir() {
        return Ok(unused);
    }
    for entry in folder.read_dir_utf8()? {
        let path = entry?.into_path();
        let file = match fs_err::OpenOptions::new().write(true).open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other?,
        };
        if file.file().try_lock().is_ok() && names_file(&path, file.file())? {
            unused += 1;
            if !dry {
                fs_err::remove_file(&path)?;
            }
        }
    }
    Ok(unused)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_key_is_never_held_twice_though_its_file_comes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let key = ContentHash::of(b"key");
        let (inside, rounds) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    for _ in 0..50 {
                        let held = loop {
                            match acquire(state, &key).unwrap() {
                                Some(held) => break held,
                                None => runtime.block_on(until_free(state, &key, || false)).unwrap(),
                            }
                        };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "held twice");
                        rounds.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
            scope.spawn(|| {
                while rounds.load(Ordering::SeqCst) < 200 {
                    remove_unused_locks(state, false).unwrap();
                }
            });
        });
        assert_eq!(state.join("locks").read_dir_utf8().unwrap().count(), 0, "no lock file is left");
    }

    #[test]
    fn a_lock_that_is_held_keeps_its_file_and_one_that_nobody_holds_loses_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let held = acquire(state, &ContentHash::of(b"a")).unwrap().unwrap();
        let inode = held.path.metadata().unwrap().ino();
        fs_err::write(state.join("locks").join(ContentHash::of(b"b").to_string()), "").unwrap();
        assert_eq!(remove_unused_locks(state, true).unwrap(), 1);
        assert_eq!(remove_unused_locks(state, false).unwrap(), 1);
        assert_eq!(held.path.metadata().unwrap().ino(), inode);
    }
}
