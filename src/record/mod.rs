//! Run records: one SQLite file in WAL mode, written by the orchestrating process alone, one transaction a fact.

mod cache;
mod detail;
mod ending;
mod history;
mod index;
mod planning;
mod rows;
mod watching;

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub use cache::{NewResult, StoredResult};
pub use detail::{CellDetail, Details, RunDetail, StageDetail};
pub use ending::{CellEnd, RunEnd, StageEnd};
pub use index::CacheIndex;
pub use planning::EarlierResult;
pub use rows::{Attempt, AttemptRow, CellRow, EpochRow, MadeBy, NewRun, RunRow, RunState};
pub use watching::{StageSeconds, StageWiring};

/// Why the records could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// SQLite's own words.
    #[error(
        "the records in `{path}` cannot be used: {source}\nhelp: make room if the disk is full; if the file is damaged, move it away and results are computed again"
    )]
    Database {
        /// The file.
        path: Utf8PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// A newer `sr-pipe` wrote the file.
    #[error(
        "the records in `{path}` are of version {found}, and this `sr-pipe` ({}) knows versions up to {known}\nhelp: use the newest `sr-pipe` that wrote to this project, or another project folder; nothing was changed", env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// The version of its tables.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The tables cannot be made, or are not those that this version once made.
    #[error(
        "the records in `{path}` have another form: {source}\nhelp: use the newest `sr-pipe` that wrote to this project"
    )]
    Migration {
        /// The file.
        path: Utf8PathBuf,
        /// What does not fit.
        source: sqlx::migrate::MigrateError,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A row holds something that this version does not understand.
    #[error("the records hold a row that cannot be read: {0}")]
    Row(String),
}

/// The records of a project.
#[derive(Debug, Clone)]
pub struct Records {
    pool: SqlitePool,
    path: Utf8PathBuf,
}

impl Records {
    /// Opens the records in a state folder; makes them when they are not there.
    ///
    /// # Errors
    /// When the file cannot be opened or has another form.
    pub async fn open(state: &Utf8Path) -> Result<Self, RecordError> {
        fs_err::create_dir_all(state)?;
        let path = state.join("records.sqlite");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Whole after a power cut, and quick; a result asks for more (`DURABLE`).
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .row_buffer_size(1_024)
            .busy_timeout(Duration::from_secs(60));
        // Two processes that start together on a fresh file must not both make its tables.
        let lock = fs_err::File::create(state.join("records.lock"))?;
        lock.file().lock()?;
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(|source| RecordError::Database { path: path.clone(), source })?;
        migrate(&pool, &path).await?;
        Ok(Self { pool, path })
    }

    /// True when a project has records at all; `plan` and `report` do not make any.
    pub fn exist(state: &Utf8Path) -> bool {
        state.join("records.sqlite").exists()
    }

    /// Turns SQLite's error into ours, with the path.
    fn failed(&self) -> impl Fn(sqlx::Error) -> RecordError + '_ {
        |source| RecordError::Database { path: self.path.clone(), source }
    }
}

/// Begins a transaction that is on the disk when it has ended: a result on record must outlive a power cut, as the
/// sealed object does. The beginning of an attempt goes back to `QUICK`.
const DURABLE: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";

/// What is written from here on may be lost in a power cut, and never be half there.
const QUICK: &str = "PRAGMA synchronous = NORMAL";

/// Brings the tables to the newest version.
async fn migrate(pool: &SqlitePool, path: &Utf8Path) -> Result<(), RecordError> {
    let migrations = sqlx::migrate!("src/record/migrations");
    match migrations.run(pool).await {
        Err(sqlx::migrate::MigrateError::VersionMissing(_)) => {
            let found = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(pool).await;
            let found = found.map_err(|source| RecordError::Database { path: path.to_owned(), source })?;
            let known = migrations.iter().map(|migration| migration.version).max().unwrap_or_default();
            Err(RecordError::Newer { path: path.to_owned(), found, known })
        }
        done => done.map_err(|source| RecordError::Migration { path: path.to_owned(), source }),
    }
}

/// The present moment as it stands in the records.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
