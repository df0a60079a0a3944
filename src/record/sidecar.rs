//! Each result once more as a file, `keys/ab/KEY.json`, so that the records can be made again from the cache.
//! It is written before its transaction ends, and needs neither a rename nor a sync: it carries its own digest, and
//! while the records are sound nobody reads it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

use super::transfer::{Row, Rows, as_json};
use super::{RecordError, Records};
use crate::hash::ContentHash;

/// The version of the file's form.
const VERSION: u32 = 1;

/// A result with the attempt and the run that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sidecar {
    version: u32,
    /// Of all that follows.
    digest: ContentHash,
    result: Row,
    attempt: Row,
    run: Row,
}

/// What lies in `keys/`.
#[derive(Debug, Default)]
pub struct Sidecars {
    /// The results, attempts and runs of all files that can be read.
    pub rows: Rows,
    /// Files that are no whole sidecar.
    pub damaged: Vec<Utf8PathBuf>,
}

impl Sidecar {
    fn seal(result: Row, attempt: Row, run: Row) -> Self {
        let digest = ContentHash::of_json(&json!([result, attempt, run]));
        Self { version: VERSION, digest, result, attempt, run }
    }

    fn read(path: &Utf8Path) -> Option<Self> {
        let this: Self = serde_json::from_slice(&fs_err::read(path).ok()?).ok()?;
        let sound = Self::seal(this.result.clone(), this.attempt.clone(), this.run.clone()) == this;
        let key = this.result.get("key").and_then(serde_json::Value::as_str);
        (sound && key.is_some() && key == path.file_stem()).then_some(this)
    }
}

fn folder(state: &Utf8Path) -> Utf8PathBuf {
    state.join("keys")
}

fn path(state: &Utf8Path, key: &ContentHash) -> Utf8PathBuf {
    let name = key.to_string();
    folder(state).join(&name[..2]).join(format!("{name}.json"))
}

/// Writes the sidecar of a result that this connection sees.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    state: &Utf8Path,
    key: &ContentHash,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query("SELECT * FROM results WHERE key = ?").bind(key.to_string());
    let result = as_json(&result.fetch_one(&mut *connection).await?)?;
    let attempt = sqlx::query("SELECT * FROM attempts WHERE id = ?").bind(result["attempt"].as_i64());
    let attempt = as_json(&attempt.fetch_one(&mut *connection).await?)?;
    let run = sqlx::query("SELECT * FROM runs WHERE id = ?").bind(attempt["run"].as_i64());
    let run = without_cells(as_json(&run.fetch_one(&mut *connection).await?)?);
    let text = serde_json::to_vec(&Sidecar::seal(result, attempt, run)).map_err(std::io::Error::other)?;
    Ok(put(&path(state, key), &text)?)
}

/// A run whose cells stay behind must not pass for one that tells how they ended: a later run that ended alike would
/// point at it instead of writing its own.
fn without_cells(mut run: Row) -> Row {
    run.insert("ending".into(), Value::Null);
    run.insert("same_as".into(), Value::Null);
    run
}

/// Writes a file in place: one that was torn does not fit its digest.
fn put(path: &Utf8Path, bytes: &[u8]) -> std::io::Result<()> {
    match fs_err::write(path, bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs_err::create_dir_all(path.parent().unwrap_or(path))?;
            fs_err::write(path, bytes)
        }
        other => other,
    }
}

/// Removes the sidecars of these keys.
pub(super) fn remove(state: &Utf8Path, keys: &[ContentHash]) -> std::io::Result<()> {
    for key in keys {
        match fs_err::remove_file(path(state, key)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// True when there is a sidecar.
pub(super) fn any(state: &Utf8Path) -> bool {
    files(state).is_ok_and(|files| files.iter().any(|file| file.extension() == Some("json")))
}

/// Every file below `keys/`.
fn files(state: &Utf8Path) -> std::io::Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    if !folder(state).is_dir() {
        return Ok(found);
    }
    for shard in folder(state).read_dir_utf8()? {
        for file in shard?.path().read_dir_utf8()? {
            found.push(file?.into_path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads all sidecars of a state folder.
///
/// # Errors
/// When the folders cannot be listed.
pub fn sidecars(state: &Utf8Path) -> std::io::Result<Sidecars> {
    let (mut runs, mut attempts) = (BTreeMap::new(), BTreeMap::new());
    let mut all = Sidecars::default();
    for file in files(state)? {
        match Sidecar::read(&file) {
            Some(sidecar) => {
                runs.insert(sidecar.run["id"].as_i64(), without_cells(sidecar.run));
                attempts.insert(sidecar.attempt["id"].as_i64(), sidecar.attempt);
                all.rows.results.push(sidecar.result);
            }
            None => all.damaged.push(file),
        }
    }
    all.rows.runs = runs.into_values().collect();
    all.rows.attempts = attempts.into_values().collect();
    Ok(all)
}

impl Records {
    /// Writes the sidecars of results that are on record already.
    ///
    /// # Errors
    /// When the records cannot be read or a file cannot be written.
    pub async fn write_sidecars(&self, keys: &[ContentHash]) -> Result<(), RecordError> {
        let mut connection = self.pool.acquire().await.map_err(self.failed())?;
        for key in keys {
            write(&mut connection, self.state(), key).await.map_err(self.failed())?;
        }
        Ok(())
    }
}
