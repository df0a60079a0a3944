//! The part of the records that planning asks beside the results: raw files, dropped objects, frozen and accepted
//! results, and what earlier results were made from.

use std::collections::HashSet;

use camino::Utf8PathBuf;
use serde_json::Value;
use sqlx::Row;

use super::cache::hash;
use super::{RecordError, Records, sidecar};
use crate::hash::ContentHash;

/// The content that raw files had when they were last seen, by the names that a pipeline gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSource {
    /// The data folder, from the project's root where it lies inside; nothing when that is not known, or does not matter.
    pub data: Option<Utf8PathBuf>,
    /// The folder in it.
    pub folder: Utf8PathBuf,
    /// The files in that.
    pub files: Vec<Utf8PathBuf>,
    /// Their content.
    pub object: ContentHash,
}

/// An earlier result of a stage, for comparison.
#[derive(Debug, Clone)]
pub struct EarlierResult {
    /// Its key.
    pub key: ContentHash,
    /// The stage as it was shown.
    pub label: String,
    /// Everything that the key was made from.
    pub fingerprint: Value,
    /// The attempt that made it; a later one has a higher number.
    pub attempt: i64,
}

impl Records {
    /// Raw files that were seen, the latest last.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn sources(&self) -> Result<Vec<SeenSource>, RecordError> {
        let rows = sqlx::query("SELECT data, folder, files, object FROM sources ORDER BY seen")
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed())?;
        rows.iter()
            .map(|row| {
                Ok(SeenSource {
                    data: Some(row.get::<String, _>(0)).filter(|data| !data.is_empty()).map(Utf8PathBuf::from),
                    folder: row.get::<String, _>(1).into(),
                    files: serde_json::from_str(row.get(2)).map_err(|error| RecordError::Row(error.to_string()))?,
                    object: hash(row.get(3))?,
                })
            })
            .collect()
    }

    /// Remembers raw files.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn remember_source(&self, source: &SeenSource) -> Result<(), RecordError> {
        if !self.writable() {
            return Ok(());
        }
        let files = serde_json::to_string(&source.files).map_err(|error| RecordError::Row(error.to_string()))?;
        let mut transaction = self.pool.begin().await.map_err(self.failed())?;
        // What was seen nobody knew where has a place now.
        sqlx::query("DELETE FROM sources WHERE data = '' AND folder = ? AND files = ? AND object = ?")
            .bind(source.folder.as_str())
            .bind(&files)
            .bind(source.object.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        sqlx::query("INSERT OR REPLACE INTO sources (data, folder, files, object) VALUES (?, ?, ?, ?)")
            .bind(source.data.as_ref().map_or("", |data| data.as_str()))
            .bind(source.folder.as_str())
            .bind(&files)
            .bind(source.object.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())
    }

    /// Objects of `temp` stages that were dropped after use.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn dropped(&self) -> Result<HashSet<ContentHash>, RecordError> {
        let rows = sqlx::query("SELECT object FROM dropped").fetch_all(&self.pool).await.map_err(self.failed())?;
        rows.iter().map(|row| hash(row.get(0))).collect()
    }

    /// Notes that an object is about to be dropped on purpose; false when other results lead to it, which keep it.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn may_drop(&self, key: &ContentHash, object: &ContentHash) -> Result<bool, RecordError> {
        let mut transaction = self.pool.begin().await.map_err(self.failed())?;
        let others = sqlx::query("SELECT 1 FROM results WHERE object = ? AND key <> ? LIMIT 1")
            .bind(object.to_string())
            .bind(key.to_string())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(self.failed())?;
        if others.is_some() {
            return Ok(false);
        }
        for query in ["INSERT OR IGNORE INTO dropped (object) VALUES (?)", "DELETE FROM files WHERE object = ?"] {
            sqlx::query(query).bind(object.to_string()).execute(&mut *transaction).await.map_err(self.failed())?;
        }
        transaction.commit().await.map_err(self.failed())?;
        Ok(true)
    }

    /// Key and object of the newest result of a stage with this label.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn newest_result(&self, label: &str) -> Result<Option<(ContentHash, ContentHash)>, RecordError> {
        let row = sqlx::query("SELECT key, object FROM results WHERE label = ? ORDER BY attempt DESC LIMIT 1")
            .bind(label)
            .fetch_optional(&self.pool)
            .await
            .map_err(self.failed())?;
        row.map(|row| Ok((hash(row.get(0))?, hash(row.get(1))?))).transpose()
    }

    /// Earlier results with this label, the newest first.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn earlier_results(&self, label: &str) -> Result<Vec<EarlierResult>, RecordError> {
        self.earlier("label = ?", label).await
    }

    /// Earlier results of stages of this name in any cell, the newest first; the newest 10,000.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn earlier_results_of_stage(&self, stage: &str) -> Result<Vec<EarlierResult>, RecordError> {
        // A pattern must not take `%` and `_` of a name for its own.
        let escaped = stage.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        self.earlier(r"label LIKE ? ESCAPE '\'", &format!("% · {escaped}")).await
    }

    async fn earlier(&self, condition: &'static str, value: &str) -> Result<Vec<EarlierResult>, RecordError> {
        let mut query =
            sqlx::QueryBuilder::<sqlx::Sqlite>::new("SELECT key, label, fingerprint, attempt FROM results WHERE ");
        let (before, after) = condition.split_once('?').unwrap_or((condition, ""));
        query.push(before).push_bind(value).push(after).push(" ORDER BY attempt DESC LIMIT 10000");
        let rows = query.build().fetch_all(&self.pool).await.map_err(self.failed())?;
        rows.iter()
            .map(|row| {
                Ok(EarlierResult {
                    key: hash(row.get(0))?,
                    label: row.get(1),
                    fingerprint: serde_json::from_str(row.get(2))
                        .map_err(|error| RecordError::Row(error.to_string()))?,
                    attempt: row.get(3),
                })
            })
            .collect()
    }

    /// Takes an earlier result over under a new key, and says so on record.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn accept_result(
        &self,
        key: &ContentHash,
        fingerprint: &Value,
        from: &ContentHash,
        note: &Value,
    ) -> Result<(), RecordError> {
        let mut transaction = self.pool.begin().await.map_err(self.failed())?;
        sqlx::query(
            "INSERT OR REPLACE INTO results (key, label, fingerprint, object, notes, seconds, attempt, accepted) \
             SELECT ?, label, ?, object, notes, seconds, attempt, ? FROM results WHERE key = ?",
        )
        .bind(key.to_string())
        .bind(fingerprint.to_string())
        .bind(note.to_string())
        .bind(from.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(self.failed())?;
        sidecar::write(&mut transaction, self.state(), key).await.map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())
    }

    /// The notes of all results that were taken over by `accept`, by key.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn accepted(&self) -> Result<Vec<(ContentHash, Value)>, RecordError> {
        let rows = sqlx::query("SELECT key, accepted FROM results WHERE accepted IS NOT NULL ORDER BY key")
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed())?;
        rows.iter()
            .map(|row| {
                let note = serde_json::from_str(row.get(1)).map_err(|error| RecordError::Row(error.to_string()))?;
                Ok((hash(row.get(0))?, note))
            })
            .collect()
    }
}
