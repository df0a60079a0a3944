//! The part of the records that people read: runs, their cells, attempts at stages, and curves.

use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::rows::{Attempt, AttemptRow, CellEnd, CellRow, EpochRow, MadeBy, NewRun, RunRow, RunState, StageSeconds};
use super::{RecordError, Records, now};
use crate::hash::ContentHash;

impl Records {
    /// What made the result of a key.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn made_by(&self, key: &ContentHash) -> Result<Option<MadeBy>, RecordError> {
        let row = sqlx::query(
            "SELECT a.id, a.finished, a.run, r.environment FROM results x JOIN attempts a ON a.id = x.attempt \
             JOIN runs r ON r.id = a.run WHERE x.key = ?",
        )
        .bind(key.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(self.failed())?;
        row.map(|row| {
            Ok(MadeBy {
                attempt: row.get(0),
                finished: row.get::<Option<String>, _>(1).unwrap_or_default(),
                run: row.get(2),
                environment: json(row.get(3))?,
            })
        })
        .transpose()
    }

    /// Puts the beginning of a run on record and gives its number.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn start_run(&self, run: &NewRun<'_>) -> Result<i64, RecordError> {
        let done = sqlx::query(
            "INSERT INTO runs (experiment, digest, protocol, command, started, state, process, environment) \
             VALUES (?, ?, ?, ?, ?, 'running', ?, ?)",
        )
        .bind(run.experiment)
        .bind(run.digest.to_string())
        .bind(run.protocol.to_string())
        .bind(run.command)
        .bind(now())
        .bind(i64::from(std::process::id()))
        .bind(run.environment.to_string())
        .execute(&self.pool)
        .await
        .map_err(self.failed())?;
        Ok(done.last_insert_rowid())
    }

    /// Notes that runs and attempts which never said how they ended were killed. Only while no run is under way.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn close_killed_runs(&self) -> Result<(), RecordError> {
        for query in [
            "UPDATE runs SET state = 'interrupted' WHERE state = 'running'",
            "UPDATE attempts SET state = 'interrupted', error = 'killed' WHERE state = 'running'",
        ] {
            sqlx::query(query).execute(&self.pool).await.map_err(self.failed())?;
        }
        Ok(())
    }

    /// Puts the cells and the end of a run on record, in one transaction.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn finish_run(&self, run: i64, state: RunState, cells: &[CellEnd]) -> Result<(), RecordError> {
        let mut transaction = self.pool.begin().await.map_err(self.failed())?;
        for cell in cells {
            sqlx::query(
                "INSERT OR REPLACE INTO cells (run, name, coordinates, seed, state, key, object) \
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(run)
            .bind(&cell.name)
            .bind(cell.coordinates.to_string())
            .bind(cell.seed.cast_signed())
            .bind(cell.state.name())
            .bind(cell.result.map(|(key, _)| key.to_string()))
            .bind(cell.result.map(|(_, object)| object.to_string()))
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        }
        sqlx::query("UPDATE runs SET state = ?, finished = ? WHERE id = ?")
            .bind(state.name())
            .bind(now())
            .bind(run)
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())
    }

    /// Puts the beginning of an attempt on record and gives its number.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn start_attempt(&self, attempt: &Attempt<'_>) -> Result<i64, RecordError> {
        let done = sqlx::query(
            "INSERT INTO attempts (run, key, label, kind, state, started, log) VALUES (?, ?, ?, ?, 'running', ?, '')",
        )
        .bind(attempt.run)
        .bind(attempt.key.to_string())
        .bind(attempt.label)
        .bind(attempt.kind)
        .bind(now())
        .execute(&self.pool)
        .await
        .map_err(self.failed())?;
        let id = done.last_insert_rowid();
        sqlx::query("UPDATE attempts SET log = ? WHERE id = ?")
            .bind(format!("logs/{id}.log"))
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(id)
    }

    /// Puts the bad end of an attempt on record. A good end is part of `add_result`.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn fail_attempt(&self, attempt: i64, state: RunState, error: &str) -> Result<(), RecordError> {
        sqlx::query("UPDATE attempts SET state = ?, finished = ?, error = ? WHERE id = ?")
            .bind(state.name())
            .bind(now())
            .bind(error)
            .bind(attempt)
            .execute(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(())
    }

    /// Earlier attempts at a key, the newest first.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn attempts_at(&self, key: &ContentHash) -> Result<Vec<i64>, RecordError> {
        let rows = sqlx::query("SELECT id FROM attempts WHERE key = ? ORDER BY id DESC")
            .bind(key.to_string())
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Puts an epoch on record.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn add_epoch(&self, attempt: i64, epoch: i64, event: &Value) -> Result<(), RecordError> {
        sqlx::query("INSERT INTO epochs (attempt, epoch, event) VALUES (?, ?, ?)")
            .bind(attempt)
            .bind(epoch)
            .bind(event.to_string())
            .execute(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(())
    }

    /// Runs, the newest first.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn runs(&self, limit: i64) -> Result<Vec<RunRow>, RecordError> {
        let rows = sqlx::query(
            "SELECT r.*, (SELECT count(*) FROM cells c WHERE c.run = r.id) AS cells, \
             (SELECT count(*) FROM attempts a WHERE a.run = r.id) AS attempts FROM runs r ORDER BY id DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        rows.iter().map(run_row).collect()
    }

    /// One run.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn run(&self, id: i64) -> Result<Option<RunRow>, RecordError> {
        let row = sqlx::query(
            "SELECT r.*, (SELECT count(*) FROM cells c WHERE c.run = r.id) AS cells, \
             (SELECT count(*) FROM attempts a WHERE a.run = r.id) AS attempts FROM runs r WHERE id = ?",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await
        .map_err(self.failed())?;
        row.as_ref().map(run_row).transpose()
    }

    /// The cells of a run, by name.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn cells(&self, run: i64) -> Result<Vec<CellRow>, RecordError> {
        let rows = sqlx::query("SELECT name, state, key, object FROM cells WHERE run = ? ORDER BY rowid")
            .bind(run)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(rows
            .iter()
            .map(|row| CellRow { name: row.get(0), state: row.get(1), key: row.get(2), object: row.get(3) })
            .collect())
    }

    /// The stages that a run really executed, in order.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn attempts(&self, run: i64) -> Result<Vec<AttemptRow>, RecordError> {
        let rows = sqlx::query(
            "SELECT a.id, a.label, a.state, a.started, a.finished, a.log, a.error, x.notes FROM attempts a \
             LEFT JOIN results x ON x.attempt = a.id WHERE a.run = ? ORDER BY a.id",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        rows.iter()
            .map(|row| {
                Ok(AttemptRow {
                    id: row.get(0),
                    label: row.get(1),
                    state: row.get(2),
                    started: row.get(3),
                    finished: row.get(4),
                    log: row.get(5),
                    error: row.get(6),
                    notes: row.get::<Option<&str>, _>(7).map(json).transpose()?.unwrap_or_default(),
                })
            })
            .collect()
    }

    /// The epochs that a run trained, by attempt.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn epochs(&self, run: i64) -> Result<Vec<EpochRow>, RecordError> {
        let rows = sqlx::query(
            "SELECT e.attempt, e.event FROM epochs e JOIN attempts a ON a.id = e.attempt WHERE a.run = ? \
             ORDER BY e.attempt, e.epoch",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        rows.iter().map(|row| Ok(EpochRow { attempt: row.get(0), event: json(row.get(1))? })).collect()
    }
}

impl Records {
    /// How long each stage took whose result is on record; of one label, the newest last.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn durations(&self) -> Result<Vec<StageSeconds>, RecordError> {
        let rows = sqlx::query(
            "SELECT x.label, a.kind, x.seconds FROM results x JOIN attempts a ON a.id = x.attempt ORDER BY x.attempt",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed())?;
        Ok(rows
            .iter()
            .map(|row| StageSeconds { label: row.get(0), kind: row.get(1), seconds: row.get(2) })
            .collect())
    }
}

fn run_row(row: &SqliteRow) -> Result<RunRow, RecordError> {
    Ok(RunRow {
        id: row.get("id"),
        experiment: row.get("experiment"),
        started: row.get("started"),
        finished: row.get("finished"),
        state: row.get("state"),
        command: row.get("command"),
        digest: row.get("digest"),
        protocol: json(row.get("protocol"))?,
        environment: json(row.get("environment"))?,
        cells: row.get("cells"),
        attempts: row.get("attempts"),
    })
}

fn json(text: &str) -> Result<Value, RecordError> {
    serde_json::from_str(text).map_err(|error| RecordError::Row(error.to_string()))
}
