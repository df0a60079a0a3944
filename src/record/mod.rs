//! Run records: one SQLite file in WAL mode, written by the orchestrating process alone, one transaction a fact.

mod access;
mod cache;
mod census;
mod detail;
mod durations;
mod ending;
mod extract;
mod history;
mod index;
mod planning;
mod rows;
mod sidecar;
mod transfer;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub use cache::{NewResult, StoredResult};
pub use census::{AttemptUse, Census, ResultRow};
pub use detail::{CellDetail, Details, RunDetail, StageDetail};
pub use durations::Durations;
pub use ending::{CellEnd, RunEnd, StageEnd};
pub use history::{Given, Measured};
pub use index::CacheIndex;
pub use planning::{EarlierResult, SeenSource};
pub use rows::{Attempt, AttemptRow, MadeBy, NewRun, RunRow, RunState, stage_name};
pub use sidecar::{Sidecars, sidecars};
pub use transfer::{Row, Rows, SoundObject};
pub use watching::StageWiring;

/// Why the records could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// SQLite's own words.
    #[error("the records in `{path}` cannot be used: {source}\nhelp: make room if the disk is full")]
    Database {
        /// The file.
        path: Utf8PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The file is no database, or one with holes.
    #[error(
        "the records in `{path}` are damaged: {source}\nhelp: `sr-pipe cache rebuild` sets the file aside and makes the records again from the cache"
    )]
    Damaged {
        /// The file.
        path: Utf8PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The file is not there, but results are.
    #[error(
        "the records in `{path}` are gone, but the cache holds results\nhelp: `sr-pipe cache rebuild` makes the records again from the cache; to compute everything anew instead, remove `keys` beside them"
    )]
    Gone {
        /// The file.
        path: Utf8PathBuf,
    },
    /// Something has to be written where nothing can be; so do records that are not there or have an older form.
    #[error(
        "the cache in `{folder}` cannot be written\nhelp: make the folder writable, or copy the project to a place that is"
    )]
    ReadOnly {
        /// The state folder.
        folder: Utf8PathBuf,
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
    writable: bool,
    /// Where the file is read that cannot be read in its place; gone with the last that reads it.
    _copy: Option<Arc<tempfile::TempDir>>,
}

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("src/record/migrations");

impl Records {
    /// Opens the records in a state folder; makes them when they are not there. Where the folder cannot be written
    /// they can only be read.
    ///
    /// # Errors
    /// When the file cannot be opened or has another form.
    pub async fn open(state: &Utf8Path) -> Result<Self, RecordError> {
        // Two processes that start together on a fresh file must not both make its tables.
        let Some(_lock) = access::lock(state)? else { return access::read_only(state, &MIGRATOR).await };
        access::not_lost(state)?;
        let path = access::database(state);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Whole after a power cut, and quick; a result asks for more (`DURABLE`).
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .row_buffer_size(1_024)
            .busy_timeout(Duration::from_secs(60));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(|source| access::explained(&path, source))?;
        migrate(&pool, &path).await?;
        Ok(Self { pool, path, writable: true, _copy: None })
    }

    /// True when a project has records at all; `plan` and `report` do not make any.
    pub fn exist(state: &Utf8Path) -> bool {
        access::database(state).exists()
    }

    /// Turns SQLite's error into ours, with the path.
    fn failed(&self) -> impl Fn(sqlx::Error) -> RecordError + '_ {
        |source| access::explained(&self.path, source)
    }
}

/// Begins a transaction that is on the disk when it has ended: a result on record must outlive a power cut, as the
/// sealed object does. The beginning of an attempt goes back to `QUICK`.
const DURABLE: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";

/// What is written from here on may be lost in a power cut, and never be half there.
const QUICK: &str = "PRAGMA synchronous = NORMAL";

/// Brings the tables to the newest version.
async fn migrate(pool: &SqlitePool, path: &Utf8Path) -> Result<(), RecordError> {
    match MIGRATOR.run(pool).await {
        Err(sqlx::migrate::MigrateError::VersionMissing(_)) => {
            let found = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(pool).await;
            let found = found.map_err(|source| access::explained(path, source))?;
            Err(RecordError::Newer { path: path.to_owned(), found, known: access::newest(&MIGRATOR) })
        }
        done => done.map_err(|source| access::migration(path, source)),
    }
}

/// The present moment as it stands in the records.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
