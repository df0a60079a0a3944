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

/// Waits until this process may compute `key`; `waiting` is told once if another process computes it now.
/// Gives `None` when the run is to stop.
pub(super) async fn acquire(
    state: &Utf8Path,
    key: &ContentHash,
    waiting: impl FnOnce(),
    stop: impl Fn() -> bool,
) -> std::io::Result<Option<KeyLock>> {
    let folder = state.join("locks");
    fs_err::create_dir_all(&folder)?;
    let file =
        fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(key.to_string()))?;
    let mut waiting = Some(waiting);
    loop {
        match file.file().try_lock() {
            Ok(()) => return Ok(Some(KeyLock { _file: file })),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
            Err(std::fs::TryLockError::WouldBlock) => {
                if let Some(tell) = waiting.take() {
                    tell();
                }
                if stop() {
                    return Ok(None);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
