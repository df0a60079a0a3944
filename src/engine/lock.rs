//! One lock a key, held by the kernel for as long as its process lives, so that no lock is ever stale.

use std::time::Duration;

use camino::Utf8Path;

use crate::hash::ContentHash;

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
