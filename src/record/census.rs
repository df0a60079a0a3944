//! What is in the cache, as those ask who look after it: all results, by whom and when each was used.

use std::collections::HashSet;

use serde_json::Value;
use sqlx::Row;

use super::cache::hash;
use super::{RecordError, Records};
use crate::hash::ContentHash;

/// A result on record.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRow {
    /// The key.
    pub key: ContentHash,
    /// The stage as it is shown.
    pub label: String,
    /// The sealed object.
    pub object: ContentHash,
    /// The content of what it read.
    pub inputs: Vec<ContentHash>,
    /// The attempt that made it.
    pub attempt: i64,
    /// The experiment of the run that made it.
    pub experiment: String,
}

impl Records {
    /// Every result on record, by attempt.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn results(&self) -> Result<Vec<ResultRow>, RecordError> {
        let rows = sqlx::query(
            "SELECT x.key, x.label, x.object, x.fingerprint, x.attempt, r.experiment FROM results x \
             JOIN attempts a ON a.id = x.attempt JOIN runs r ON r.id = a.run ORDER BY x.attempt, x.key",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        rows.iter()
            .map(|row| {
                let fingerprint: Value =
                    serde_json::from_str(row.get(3)).map_err(|error| RecordError::Row(error.to_string()))?;
                let inputs = fingerprint["inputs"].as_object().into_iter().flatten();
                Ok(ResultRow {
                    key: hash(row.get(0))?,
                    label: row.get(1),
                    object: hash(row.get(2))?,
                    inputs: inputs
                        .map(|(_, input)| hash(input.as_str().unwrap_or_default()))
                        .collect::<Result<_, _>>()?,
                    attempt: row.get(4),
                    experiment: row.get(5),
                })
            })
            .collect()
    }

    /// Objects that were dropped on purpose, while their results stay on record.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn dropped(&self) -> Result<HashSet<ContentHash>, RecordError> {
        let rows = sqlx::query("SELECT object FROM dropped").fetch_all(&self.pool).await.map_err(self.failed())?;
        rows.iter().map(|row| hash(row.get(0))).collect()
    }
}
