//! How records are opened where they cannot be written, and what it means when SQLite cannot use them.

use std::cmp::Ordering;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Row, SqlitePool};

use super::{RecordError, Records, sidecar};

/// The file with the records of a state folder.
pub(super) fn database(state: &Utf8Path) -> Utf8PathBuf {
    state.join("records.sqlite")
}

/// Takes the lock under which tables are made. `None` where nothing can be written.
pub(super) fn lock(state: &Utf8Path) -> Result<Option<fs_err::File>, RecordError> {
    let refused =
        |error: &std::io::Error| matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied);
    match fs_err::create_dir_all(state) {
        Err(error) if refused(&error) => return Ok(None),
        other => other?,
    }
    // SQLite makes files beside its own.
    for path in [state.to_owned(), database(state)] {
        match rustix::fs::access(path.as_std_path(), rustix::fs::Access::WRITE_OK).map_err(std::io::Error::from) {
            Err(error) if refused(&error) => return Ok(None),
            _ => {}
        }
    }
    let file = fs_err::File::create(state.join("records.lock"))?;
    file.file().lock()?;
    Ok(Some(file))
}

/// Records that are gone while results lie beside them are not begun anew: all would be computed again.
pub(super) fn not_lost(state: &Utf8Path) -> Result<(), RecordError> {
    let path = database(state);
    let empty = fs_err::metadata(&path).map_or(true, |meta| meta.len() == 0);
    if empty && sidecar::any(state) { Err(RecordError::Gone { path }) } else { Ok(()) }
}

/// Opens records that cannot be written.
pub(super) async fn read_only(state: &Utf8Path, migrator: &Migrator) -> Result<Records, RecordError> {
    let path = database(state);
    if !path.exists() {
        return Err(RecordError::ReadOnly { folder: state.to_owned() });
    }
    // What a killed process left in the log beside the file can be read where its index lies there too; without a
    // log the file alone is all, and SQLite is told that nobody changes it.
    let log = Utf8PathBuf::from(format!("{path}-wal"));
    let settled = fs_err::metadata(&log).map_or(true, |meta| meta.len() == 0);
    let options = SqliteConnectOptions::new().busy_timeout(Duration::from_secs(60));
    let here = options.clone().filename(&path).read_only(true).immutable(settled);
    let (pool, found, copy) = match connect(here).await {
        Ok((pool, found)) => (pool, found, None),
        // A log without its index: SQLite would have to write one, so it reads a copy where it can.
        Err(error) if !settled && code(&error) == Some(CANNOT_OPEN) => {
            let copy = tempfile::tempdir()?;
            let there = copy.path().join("records.sqlite");
            fs_err::copy(&path, &there)?;
            fs_err::copy(&log, copy.path().join("records.sqlite-wal"))?;
            let (pool, found) = connect(options.filename(there)).await.map_err(|source| explained(&path, source))?;
            (pool, found, Some(Arc::new(copy)))
        }
        Err(source) => return Err(explained(&path, source)),
    };
    let records = Records { pool, path: path.clone(), writable: false, _copy: copy };
    let known = newest(migrator);
    match found.cmp(&known) {
        Ordering::Less => Err(RecordError::ReadOnly { folder: state.to_owned() }),
        Ordering::Equal => Ok(records),
        Ordering::Greater => Err(RecordError::Newer { path, found, known }),
    }
}

/// SQLite's `SQLITE_CANTOPEN`.
const CANNOT_OPEN: u32 = 14;

/// Opens a file, and reads the version of its tables.
async fn connect(options: SqliteConnectOptions) -> Result<(SqlitePool, i64), sqlx::Error> {
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let version = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations");
    let version = version.fetch_one(&pool).await?;
    Ok((pool, version))
}

/// SQLite's own number of an error; the bits above its eight tell more of the same.
fn code(error: &sqlx::Error) -> Option<u32> {
    Some(error.as_database_error()?.code()?.parse::<u32>().ok()? & 0xff)
}

/// The newest version of the tables that this program knows.
pub(super) fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// What an error of SQLite means for a person.
pub(super) fn explained(path: &Utf8Path, source: sqlx::Error) -> RecordError {
    /// `SQLITE_CORRUPT` and `SQLITE_NOTADB`.
    const DAMAGED: [u32; 2] = [11, 26];
    let path = path.to_owned();
    match code(&source) {
        Some(code) if DAMAGED.contains(&code) => RecordError::Damaged { path, source },
        _ => RecordError::Database { path, source },
    }
}

/// What an error of a migration means for a person.
pub(super) fn migration(path: &Utf8Path, source: MigrateError) -> RecordError {
    match source {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => explained(path, source),
        source => RecordError::Migration { path: path.to_owned(), source },
    }
}

impl Records {
    /// False where the cache can only be read.
    pub fn writable(&self) -> bool {
        self.writable
    }

    /// Reads all of the file and says what is wrong with it.
    ///
    /// # Errors
    /// When SQLite finds it damaged.
    pub async fn check(&self) -> Result<(), RecordError> {
        let rows = sqlx::query("PRAGMA quick_check(1)").fetch_all(&self.pool).await.map_err(self.failed())?;
        let said = rows.first().map(|row| row.get::<String, _>(0)).unwrap_or_default();
        if said == "ok" {
            return Ok(());
        }
        Err(RecordError::Damaged { path: self.path.clone(), source: sqlx::Error::Protocol(said) })
    }

    /// Writes everything into the file itself and closes it, so that it can be moved.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// The state folder.
    pub(super) fn state(&self) -> &Utf8Path {
        self.path.parent().unwrap_or(Utf8Path::new("."))
    }
}
