//! What runs leave in the state folder beside objects and records: folders of attempts, and logs.

use std::collections::HashSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::bytes_below;
use crate::record::{AttemptUse, Census};

/// Something that a run left.
pub(super) struct Leaving {
    pub(super) path: Utf8PathBuf,
    pub(super) attempt: i64,
    pub(super) bytes: u64,
}

/// The folders of attempts.
pub(super) fn attempts(state: &Utf8Path) -> std::io::Result<Vec<Leaving>> {
    numbered(&state.join("attempts"), "")
}

/// The logs.
pub(super) fn logs(state: &Utf8Path) -> std::io::Result<Vec<Leaving>> {
    numbered(&state.join("logs"), ".log")
}

fn numbered(folder: &Utf8Path, end: &str) -> std::io::Result<Vec<Leaving>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in folder.read_dir_utf8()? {
        let path = entry?.into_path();
        let number = path.file_name().and_then(|name| name.strip_suffix(end)).and_then(|name| name.parse().ok());
        if let Some(attempt) = number {
            found.push(Leaving { bytes: bytes_below(&path)?, path, attempt });
        }
    }
    found.sort_by_key(|leaving| leaving.attempt);
    Ok(found)
}

/// True for the folder of an attempt that nobody goes on from: its key has a result.
pub(super) fn spent(census: &Census, attempt: i64) -> bool {
    census.attempts.get(&attempt).is_some_and(|known| known.spent && !known.running)
}

/// True for the log of an attempt whose run is not kept and that made nothing which stays, or that is not on record and
/// no run can be writing.
pub(super) fn outlived(census: &Census, makers: &HashSet<i64>, attempt: i64, alone: bool) -> bool {
    let run_is_kept = |known: &AttemptUse| census.kept.contains(&known.run);
    census.attempts.get(&attempt).map_or(alone, |known| !run_is_kept(known) && !makers.contains(&attempt))
}
