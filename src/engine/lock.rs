//! Locks held by the kernel for as long as their process lives, so that none is ever stale: one a key, and one that
//! every run shares.

use std::time::Duration;

use camino::Utf8Path;

use crate::hash::ContentHash;

/// A share in the cache, held by every run while it lives.
#[derive(Debug)]
pub struct RunLock {
    file: fs_err::File,
}

impl RunLock {
    /// Takes a share. When no other run has one, `alone` is called first: what killed runs left can be cleared away.
    ///
    /// # Errors
    /// When the lock file cannot be used, or `alone` fails.
    pub fn share<E: From<std::io::Error>>(state: &Utf8Path, alone: impl FnOnce() -> Result<(), E>) -> Result<Self, E> {
        fs_err::create_dir_all(state)?;
        let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(state.join("runs.lock"))?;
        match file.file().try_lock() {
            Ok(()) => {
                alone()?;
                // Between these two steps another run may clear away too: there is nothing of ours yet.
                file.file().unlock()?;
            }
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        file.file().lock_shared()?;
        Ok(Self { file })
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
}

/// The right to compute a key. Given back when dropped, or when the process dies.
#[derive(Debug)]
pub(super) struct KeyLock {
    _file: fs_err::File,
}

/// Takes the right to compute `key`, unless somebody else has it.
pub(super) fn acquire(state: &Utf8Path, key: &ContentHash) -> std::io::Result<Option<KeyLock>> {
    let file = open(state, key)?;
    Ok(try_lock(&file)?.then_some(KeyLock { _file: file }))
}

/// Waits until nobody computes `key`, or the run is to stop. Who waits holds nothing.
pub(super) async fn until_free(state: &Utf8Path, key: &ContentHash, stop: impl Fn() -> bool) -> std::io::Result<()> {
    let file = open(state, key)?;
    let mut pause = Duration::from_millis(5);
    while !stop() && !try_lock(&file)? {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    Ok(())
}

fn open(state: &Utf8Path, key: &ContentHash) -> std::io::Result<fs_err::File> {
    let folder = state.join("locks");
    fs_err::create_dir_all(&folder)?;
    fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(key.to_string()))
}

fn try_lock(file: &fs_err::File) -> std::io::Result<bool> {
    match file.file().try_lock() {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}
