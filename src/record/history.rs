//! The part of the records that people read: runs, their cells, attempts at stages, and curves.

use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::rows::{Attempt, AttemptRow, MadeBy, NewRun, RunRow, RunState};
use super::{QUICK, RecordError, Records, now};
use crate::hash::ContentHash;

/// Runs with their counts; one that ended as an earlier one has the cells of that one.
const RUNS: &str = "SELECT r.*, (SELECT count(*) FROM cells c WHERE c.run = coalesce(r.same_as, r.id)) AS cells, \
                    (SELECT count(*) FROM attempts a WHERE a.run = r.id) AS attempts FROM runs r";

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
            "INSERT INTO runs \
             (experiment, digest, protocol, protocol_digest, choices, command, started, state, process, environment) \
             VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?, ?)",
        )
        .bind(run.experiment)
        .bind(run.digest.to_string())
        .bind(run.protocol.to_string())
        .bind(ContentHash::of_json(run.protocol).to_string())
        .bind(run.choices.to_string())
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

    /// Puts the beginning of an attempt on record and gives its number.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn start_attempt(&self, attempt: &Attempt<'_>) -> Result<i64, RecordError> {
        // The log is named after the number that SQLite gives next.
        let insert = format!(
            "{QUICK}; INSERT INTO attempts (run, key, label, kind, state, started, log, fingerprint) VALUES \
             (?, ?, ?, ?, 'running', ?, 'logs/' || (SELECT coalesce(max(id), 0) + 1 FROM attempts) || '.log', ?)"
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(attempt.run)
            .bind(attempt.key.to_string())
            .bind(attempt.label)
            .bind(attempt.kind)
            .bind(now())
            .bind(attempt.fingerprint.to_string())
            .execute(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(done.last_insert_rowid())
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
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{RUNS} ORDER BY r.id DESC LIMIT ?")))
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
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{RUNS} WHERE r.id = ?")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(self.failed())?;
        row.as_ref().map(run_row).transpose()
    }

    /// The stages that a run really executed, in order.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn attempts(&self, run: i64) -> Result<Vec<AttemptRow>, RecordError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{ATTEMPTS} WHERE a.run = ? ORDER BY a.id")))
            .bind(run)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed())?;
        rows.iter().map(attempt_row).collect()
    }
}

/// Attempts with what came of them, wherever that stands.
pub(super) const ATTEMPTS: &str = "SELECT a.*, coalesce(a.notes, x.notes) AS what, coalesce(a.seconds, x.seconds) AS took \
                                   FROM attempts a LEFT JOIN results x ON x.key = a.key AND x.attempt = a.id";

pub(super) fn attempt_row(row: &SqliteRow) -> Result<AttemptRow, RecordError> {
    let optional = |column: &str| row.get::<Option<&str>, _>(column).map(json).transpose();
    Ok(AttemptRow {
        id: row.get("id"),
        run: row.get("run"),
        key: row.get("key"),
        label: row.get("label"),
        kind: row.get("kind"),
        state: row.get("state"),
        started: row.get("started"),
        finished: row.get("finished"),
        log: row.get("log"),
        error: row.get("error"),
        notes: optional("what")?.unwrap_or_default(),
        seconds: row.get("took"),
        threads: row.get("threads"),
        gpus: row.get::<Option<String>, _>("gpus").filter(|ids| !ids.is_empty()),
        peak_memory: row.get("peak_memory"),
        peak_gpu_memory: row.get("peak_gpu_memory"),
        phases: optional("phases")?,
        retries: row.get("retries"),
        fingerprint: optional("fingerprint")?,
    })
}

pub(super) fn run_row(row: &SqliteRow) -> Result<RunRow, RecordError> {
    Ok(RunRow {
        id: row.get("id"),
        experiment: row.get("experiment"),
        started: row.get("started"),
        finished: row.get("finished"),
        state: row.get("state"),
        command: row.get("command"),
        digest: row.get("digest"),
        protocol_digest: match row.get::<&str, _>("protocol_digest") {
            "" => ContentHash::of_json(&json(row.get("protocol"))?).to_string(),
            known => known.to_owned(),
        },
        protocol: json(row.get("protocol"))?,
        choices: json(row.get("choices"))?,
        same_as: row.get("same_as"),
        environment: json(row.get("environment"))?,
        cells: row.get("cells"),
        attempts: row.get("attempts"),
    })
}

pub(super) fn json(text: &str) -> Result<Value, RecordError> {
    serde_json::from_str(text).map_err(|error| RecordError::Row(error.to_string()))
}

/// What an attempt was given of the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Given<'a> {
    /// Threads.
    pub threads: usize,
    /// The ids of its GPUs.
    pub gpus: &'a [String],
    /// The attempt of the same run that it tries again.
    pub retries: Option<i64>,
}

/// What an attempt took of the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured<'a> {
    /// The most memory of its processes together, in bytes.
    pub memory: Option<u64>,
    /// The most memory of its GPUs, in bytes.
    pub gpu_memory: Option<u64>,
    /// Seconds by phase.
    pub phases: &'a Value,
}

impl Records {
    /// Puts what an attempt was given on record.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn note_given(&self, attempt: i64, given: &Given<'_>) -> Result<(), RecordError> {
        let update = format!("{QUICK}; UPDATE attempts SET threads = ?, gpus = ?, retries = ? WHERE id = ?");
        sqlx::query(sqlx::AssertSqlSafe(update))
            .bind(i64::try_from(given.threads).unwrap_or(i64::MAX))
            .bind((!given.gpus.is_empty()).then(|| given.gpus.join(",")))
            .bind(given.retries)
            .bind(attempt)
            .execute(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(())
    }

    /// Puts what an attempt took on record.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn note_measured(&self, attempt: i64, measured: &Measured<'_>) -> Result<(), RecordError> {
        let update =
            format!("{QUICK}; UPDATE attempts SET peak_memory = ?, peak_gpu_memory = ?, phases = ? WHERE id = ?");
        sqlx::query(sqlx::AssertSqlSafe(update))
            .bind(measured.memory.map(u64::cast_signed))
            .bind(measured.gpu_memory.map(u64::cast_signed))
            .bind(measured.phases.to_string())
            .bind(attempt)
            .execute(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(())
    }
}
