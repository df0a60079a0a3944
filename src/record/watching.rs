//! What those who watch runs ask the records: how long stages took, what a cell was made of, attempts at stages.

use sqlx::Row;

use super::durations::Durations;
use super::history::{ATTEMPTS, attempt_row};
use super::rows::AttemptRow;
use super::{RecordError, Records};

/// A stage of a run as it was wired and ended; its number is its place in the run's list.
#[derive(Debug, Clone, PartialEq)]
pub struct StageWiring {
    /// Its number.
    pub node: usize,
    /// The stage as it is shown.
    pub label: String,
    /// Its key, where it has one.
    pub key: Option<String>,
    /// The stages that it reads.
    pub inputs: Vec<usize>,
}

impl Records {
    /// How long each stage took whose result is on record.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn durations(&self) -> Result<Durations, RecordError> {
        let rows = sqlx::query(
            "SELECT x.label, a.kind, x.seconds FROM results x JOIN attempts a ON a.id = x.attempt ORDER BY x.attempt",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        let mut durations = Durations::default();
        rows.iter().for_each(|row| durations.add(row.get(1), row.get(0), row.get(2)));
        Ok(durations)
    }

    /// Of each experiment the newest run whose cells are on record, the newest of them first: number and experiment.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn newest_of_each(&self) -> Result<Vec<(i64, String)>, RecordError> {
        let rows = sqlx::query(
            "SELECT max(r.id), r.experiment FROM runs r \
             WHERE EXISTS (SELECT 1 FROM cells c WHERE c.run = coalesce(r.same_as, r.id)) \
             GROUP BY r.experiment ORDER BY 1 DESC",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The cells of a run that has ended, with the stages that each ends in.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn cell_ends(&self, run: i64) -> Result<Vec<(String, Vec<usize>)>, RecordError> {
        let rows = sqlx::query(
            "SELECT name, ends FROM cells WHERE run = (SELECT coalesce(same_as, id) FROM runs WHERE id = ?) \
             ORDER BY rowid",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        rows.iter().map(|row| Ok((row.get(0), numbers(row.get(1))?))).collect()
    }

    /// The stages of a run that has ended, each after its inputs.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn wiring(&self, run: i64) -> Result<Vec<StageWiring>, RecordError> {
        let rows = sqlx::query(
            "SELECT node, label, key, inputs FROM run_stages \
             WHERE run = (SELECT coalesce(same_as, id) FROM runs WHERE id = ?) ORDER BY node",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        rows.iter()
            .map(|row| {
                let node =
                    usize::try_from(row.get::<i64, _>(0)).map_err(|error| RecordError::Row(error.to_string()))?;
                Ok(StageWiring { node, label: row.get(1), key: row.get(2), inputs: numbers(row.get(3))? })
            })
            .collect()
    }

    /// Attempts of a run at stages with these labels, in order.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn attempts_of_stages(&self, run: i64, labels: &[&str]) -> Result<Vec<AttemptRow>, RecordError> {
        let labels = serde_json::json!(labels).to_string();
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ATTEMPTS} WHERE a.run = ? AND a.label IN (SELECT value FROM json_each(?)) ORDER BY a.id"
        )))
        .bind(run)
        .bind(labels)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        rows.iter().map(attempt_row).collect()
    }

    /// Attempts of any run at these keys, in order.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn attempts_at_keys(&self, keys: &[&str]) -> Result<Vec<AttemptRow>, RecordError> {
        let keys = serde_json::json!(keys).to_string();
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ATTEMPTS} WHERE a.key IN (SELECT value FROM json_each(?)) ORDER BY a.id"
        )))
        .bind(keys)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        rows.iter().map(attempt_row).collect()
    }
}

/// A JSON list of numbers.
fn numbers(text: &str) -> Result<Vec<usize>, RecordError> {
    serde_json::from_str(text).map_err(|error| RecordError::Row(error.to_string()))
}
