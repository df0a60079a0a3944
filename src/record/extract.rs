//! The records of some results, as rows that can go to another project.

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

use super::transfer::{Row, Rows, as_json};
use super::{RecordError, Records};
use crate::hash::ContentHash;

/// The newest run of each cell of an experiment that says how the cell ended.
const NEWEST: &str =
    "SELECT max(c.run) FROM cells c JOIN runs r ON r.id = c.run WHERE r.experiment = ?1 GROUP BY c.name";

impl Records {
    /// These results with what made them, and the newest runs of an experiment's cells.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn extract(&self, experiment: &str, keys: &[ContentHash]) -> Result<Rows, RecordError> {
        // One transaction, so that a run beside this one cannot change what belongs together.
        let mut transaction = self.pool.begin().await.map_err(self.failed())?;
        let rows = extract(&mut transaction, experiment, keys).await.map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())?;
        Ok(rows)
    }
}

async fn extract(
    connection: &mut SqliteConnection,
    experiment: &str,
    keys: &[ContentHash],
) -> Result<Rows, sqlx::Error> {
    let keys = json!(keys).to_string();
    let results =
        fetch(connection, "SELECT * FROM results WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key", &keys)
            .await?;
    let made_by = numbers(&results, "attempt");
    let attempts =
        fetch(connection, "SELECT * FROM attempts WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", &made_by)
            .await?;
    let epochs = fetch(
        connection,
        "SELECT * FROM epochs WHERE attempt IN (SELECT value FROM json_each(?)) ORDER BY attempt, epoch",
        &made_by,
    )
    .await?;
    let newest: Vec<i64> = sqlx::query_scalar(NEWEST).bind(experiment).fetch_all(&mut *connection).await?;
    let told = json!(newest).to_string();
    let cells = fetch(
        connection,
        "SELECT * FROM cells WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, rowid",
        &told,
    )
    .await?;
    let run_stages = fetch(
        connection,
        "SELECT * FROM run_stages WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, node",
        &told,
    )
    .await?;
    let all =
        json!(newest.iter().copied().chain(attempts.iter().filter_map(|row| row["run"].as_i64())).collect::<Vec<_>>());
    let mut runs = fetch(
        connection,
        "SELECT * FROM runs WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        &all.to_string(),
    )
    .await?;
    for run in &mut runs {
        // A run whose cells stay behind must not pass for one that tells how they ended.
        if run["id"].as_i64().is_none_or(|id| !newest.contains(&id)) {
            run.insert("ending".into(), Value::Null);
        }
        run.insert("same_as".into(), Value::Null);
    }
    let objects = json!(results.iter().map(|row| &row["object"]).collect::<Vec<_>>());
    let dropped = fetch(
        connection,
        "SELECT * FROM dropped WHERE object IN (SELECT value FROM json_each(?)) ORDER BY object",
        &objects.to_string(),
    )
    .await?;
    Ok(Rows { runs, attempts, results, epochs, cells, run_stages, sources: Vec::new(), dropped })
}

async fn fetch(connection: &mut SqliteConnection, query: &'static str, list: &str) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query(query).bind(list).fetch_all(connection).await?.iter().map(as_json).collect()
}

/// The values of a column, as a JSON list.
fn numbers(rows: &[Row], column: &str) -> String {
    json!(rows.iter().map(|row| &row[column]).collect::<Vec<_>>()).to_string()
}
