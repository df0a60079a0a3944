//! What is in the cache, as those ask who look after it: all results, what runs reach, and when each was last used.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroUsize;

use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::cache::hash;
use super::{RecordError, Records, sidecar};
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
    /// The run that made it.
    pub run: i64,
    /// The experiment of that run.
    pub experiment: String,
}

/// Everything that a collection has to know.
#[derive(Debug, Default)]
pub struct Census {
    /// Every result, by attempt.
    pub results: Vec<ResultRow>,
    /// Objects that a kept run used, or that lie upstream of one.
    pub reached: HashSet<ContentHash>,
    /// The newest run that used an object, and when it began.
    pub last_use: HashMap<ContentHash, (i64, String)>,
    /// Runs that are kept.
    pub kept: HashSet<i64>,
    /// Attempts: the run of each, whether its key has a result, and whether it is under way.
    pub attempts: HashMap<i64, AttemptUse>,
}

/// What a collection has to know of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptUse {
    /// The run that made it.
    pub run: i64,
    /// Whether its key has a result.
    pub spent: bool,
    /// Whether it is under way, or was killed and no run has noticed yet.
    pub running: bool,
}

/// A run, as far as it decides what is kept.
struct RunUse {
    id: i64,
    experiment: String,
    ended: bool,
    whole: bool,
    same_as: Option<i64>,
    started: String,
}

impl Records {
    /// Every result on record, by attempt.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn results(&self) -> Result<Vec<ResultRow>, RecordError> {
        let mut connection = self.pool.acquire().await.map_err(self.failed())?;
        let rows = results(&mut connection).await.map_err(self.failed())?;
        rows.into_iter().collect()
    }

    /// What the last `keep_last` runs of each experiment reach; of all runs, when it is `None`.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn census(&self, keep_last: Option<NonZeroUsize>) -> Result<Census, RecordError> {
        let mut connection = self.pool.acquire().await.map_err(self.failed())?;
        self.take_census(&mut connection, keep_last).await
    }

    /// Takes a census, lets `choose` say which objects go, and forgets these with all results that led to them: in one
    /// transaction, so that no result comes or goes in between.
    ///
    /// # Errors
    /// When the records cannot be written; nothing is then forgotten.
    pub async fn forget_chosen<T>(
        &self,
        keep_last: Option<NonZeroUsize>,
        choose: impl FnOnce(Census) -> (Vec<ContentHash>, T),
    ) -> Result<T, RecordError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        let census = self.take_census(&mut transaction, keep_last).await?;
        let (objects, chosen) = choose(census);
        let names = json!(objects).to_string();
        let rows = sqlx::query("SELECT key FROM results WHERE object IN (SELECT value FROM json_each(?))")
            .bind(&names)
            .fetch_all(&mut *transaction)
            .await
            .map_err(self.failed())?;
        let keys = rows.iter().map(|row| hash(row.get(0))).collect::<Result<Vec<_>, _>>()?;
        for query in [
            "DELETE FROM results WHERE object IN (SELECT value FROM json_each(?))",
            "DELETE FROM files WHERE object IN (SELECT value FROM json_each(?))",
            "DELETE FROM dropped WHERE object IN (SELECT value FROM json_each(?))",
        ] {
            sqlx::query(query).bind(&names).execute(&mut *transaction).await.map_err(self.failed())?;
        }
        transaction.commit().await.map_err(self.failed())?;
        sidecar::remove(self.state(), &keys)?;
        Ok(chosen)
    }

    async fn take_census(
        &self,
        connection: &mut SqliteConnection,
        keep_last: Option<NonZeroUsize>,
    ) -> Result<Census, RecordError> {
        let rows = results(connection).await.map_err(self.failed())?;
        let results: Vec<ResultRow> = rows.into_iter().collect::<Result<_, _>>()?;
        let runs = runs(connection).await.map_err(self.failed())?;
        let kept = kept(&runs, keep_last);
        let roots = roots(connection, &runs, &kept).await.map_err(self.failed())?;
        let mut used = last_use(connection).await.map_err(self.failed())?;
        for row in &results {
            used.entry(row.object.to_string()).and_modify(|run| *run = row.run.max(*run)).or_insert(row.run);
        }
        let started: HashMap<i64, &String> = runs.iter().map(|run| (run.id, &run.started)).collect();
        let attempts = attempts(connection).await.map_err(self.failed())?;
        let last_use = used
            .into_iter()
            .map(|(object, run)| Ok((hash(&object)?, (run, started.get(&run).copied().cloned().unwrap_or_default()))))
            .collect::<Result<_, RecordError>>()?;
        let reached =
            reached(&results, &roots.iter().map(|object| hash(object)).collect::<Result<Vec<_>, _>>()?, &kept);
        Ok(Census { reached, last_use, kept, attempts, results })
    }
}

async fn results(connection: &mut SqliteConnection) -> Result<Vec<Result<ResultRow, RecordError>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT x.key, x.label, x.object, x.fingerprint, x.attempt, a.run, r.experiment FROM results x \
         JOIN attempts a ON a.id = x.attempt JOIN runs r ON r.id = a.run ORDER BY x.attempt, x.key",
    )
    .fetch_all(connection)
    .await?;
    let read = rows.iter().map(|row| {
        let fingerprint: Value =
            serde_json::from_str(row.get(3)).map_err(|error| RecordError::Row(error.to_string()))?;
        let inputs = fingerprint["inputs"].as_object().into_iter().flatten();
        Ok(ResultRow {
            key: hash(row.get(0))?,
            label: row.get(1),
            object: hash(row.get(2))?,
            inputs: inputs.map(|(_, input)| hash(input.as_str().unwrap_or_default())).collect::<Result<_, _>>()?,
            attempt: row.get(4),
            run: row.get(5),
            experiment: row.get(6),
        })
    });
    Ok(read.collect())
}

/// Runs, the newest first.
async fn runs(connection: &mut SqliteConnection) -> Result<Vec<RunUse>, sqlx::Error> {
    let rows = sqlx::query("SELECT id, experiment, state, choices, same_as, started FROM runs ORDER BY id DESC")
        .fetch_all(connection)
        .await?;
    let read = rows.iter().map(|row| RunUse {
        id: row.get(0),
        experiment: row.get(1),
        ended: matches!(row.get(2), "done" | "failed"),
        whole: whole(row.get(3)),
        same_as: row.get(4),
        started: row.get(5),
    });
    Ok(read.collect())
}

/// True for a run that nothing was chosen for: every choice is empty.
fn whole(choices: &str) -> bool {
    let empty = |choice: &Value| match choice {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    serde_json::from_str(choices).is_ok_and(|choices: serde_json::Map<String, Value>| choices.values().all(empty))
}

/// The runs that are kept. Of each experiment the last runs that came to their end count, without those over a part of
/// its cells unless there are no others; whatever began after the oldest of these is kept too.
fn kept(runs: &[RunUse], keep_last: Option<NonZeroUsize>) -> HashSet<i64> {
    let Some(last) = keep_last else { return runs.iter().map(|run| run.id).collect() };
    let mut by_experiment: BTreeMap<&str, Vec<&RunUse>> = BTreeMap::new();
    for run in runs {
        by_experiment.entry(&run.experiment).or_default().push(run);
    }
    let mut kept = HashSet::new();
    for runs in by_experiment.values() {
        let whole = runs.iter().any(|run| run.ended && run.whole);
        let counted: Vec<i64> =
            runs.iter().filter(|run| run.ended && (run.whole || !whole)).map(|run| run.id).collect();
        // Fewer runs than are to be kept: all are.
        let oldest = counted.get(last.get() - 1).copied().unwrap_or(0);
        kept.extend(runs.iter().map(|run| run.id).filter(|id| *id >= oldest));
    }
    kept
}

/// What kept runs used themselves.
async fn roots(
    connection: &mut SqliteConnection,
    runs: &[RunUse],
    kept: &HashSet<i64>,
) -> Result<Vec<String>, sqlx::Error> {
    // Where a run only says that it ended as an earlier one, the cells are those of that one.
    let told: Vec<i64> =
        runs.iter().filter(|run| kept.contains(&run.id)).map(|run| run.same_as.unwrap_or(run.id)).collect();
    let rows = sqlx::query(
        "WITH told AS (SELECT value AS run FROM json_each(?)) \
         SELECT object FROM cells WHERE run IN (SELECT run FROM told) AND object IS NOT NULL UNION \
         SELECT object FROM run_stages WHERE run IN (SELECT run FROM told) AND object IS NOT NULL",
    )
    .bind(json!(told).to_string())
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The newest run that each object is on record with.
async fn last_use(connection: &mut SqliteConnection) -> Result<HashMap<String, i64>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT c.object, max(e.last) FROM \
         (SELECT run, object FROM cells UNION ALL SELECT run, object FROM run_stages) c \
         JOIN (SELECT coalesce(same_as, id) AS run, max(id) AS last FROM runs GROUP BY 1) e ON e.run = c.run \
         WHERE c.object IS NOT NULL GROUP BY c.object",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

async fn attempts(connection: &mut SqliteConnection) -> Result<HashMap<i64, AttemptUse>, sqlx::Error> {
    let rows = sqlx::query("SELECT id, run, state, key IN (SELECT key FROM results) FROM attempts")
        .fetch_all(connection)
        .await?;
    let read = rows.iter().map(|row| {
        let attempt = AttemptUse { run: row.get(1), spent: row.get(3), running: row.get::<&str, _>(2) == "running" };
        (row.get(0), attempt)
    });
    Ok(read.collect())
}

/// Objects that kept runs used or made, and all upstream of them: what a result read is what made it.
fn reached(results: &[ResultRow], roots: &[ContentHash], kept: &HashSet<i64>) -> HashSet<ContentHash> {
    // Of several results with the same bytes the newest tells where they came from.
    let newest: HashMap<ContentHash, &ResultRow> = results.iter().map(|row| (row.object, row)).collect();
    let made = results.iter().filter(|row| kept.contains(&row.run));
    let mut open: Vec<ContentHash> =
        made.flat_map(|row| row.inputs.iter().chain([&row.object])).chain(roots).copied().collect();
    let mut reached = HashSet::new();
    while let Some(object) = open.pop() {
        if reached.insert(object) {
            open.extend(newest.get(&object).into_iter().flat_map(|row| &row.inputs));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: i64, experiment: &str, ended: bool, choices: &str) -> RunUse {
        let (experiment, started) = (experiment.to_owned(), String::new());
        RunUse { id, experiment, ended, whole: whole(choices), same_as: None, started }
    }

    fn kept_of(runs: &[RunUse], last: usize) -> Vec<i64> {
        let mut kept: Vec<i64> = kept(runs, NonZeroUsize::new(last)).into_iter().collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn runs_over_a_part_and_interrupted_ones_do_not_push_whole_ones_out() {
        let part = r#"{"only":["model=a"],"seeds":[]}"#;
        let runs = [
            run(9, "a", true, part),
            run(8, "a", false, "{}"),
            run(7, "b", true, part),
            run(6, "b", true, part),
            run(5, "a", true, r#"{"only":[],"profile":null}"#),
            run(4, "a", true, part),
            run(3, "a", true, "{}"),
            run(2, "c", false, "{}"),
            run(1, "a", true, "{}"),
        ];
        assert_eq!(kept_of(&runs, 1), [2, 5, 7, 8, 9], "b has no whole run, c none that ended");
        assert_eq!(kept_of(&runs, 2), [2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(kept_of(&runs, 9).len(), runs.len());
        assert_eq!(kept_of(&runs, 0).len(), runs.len(), "no number keeps all");
    }

    #[test]
    fn what_a_kept_result_was_made_from_is_reached_and_what_only_an_old_one_read_is_not() {
        let hash = |text: &str| ContentHash::of(text.as_bytes());
        let row = |key: &str, object: &str, inputs: &[&str], run: i64| ResultRow {
            key: hash(key),
            label: String::new(),
            object: hash(object),
            inputs: inputs.iter().map(|input| hash(input)).collect(),
            attempt: run,
            run,
            experiment: String::new(),
        };
        // Both runs made the same middle from another beginning.
        let results = [
            row("k1", "old beginning", &[], 1),
            row("k2", "middle", &["old beginning"], 1),
            row("k3", "beginning", &[], 2),
            row("k4", "middle", &["beginning"], 2),
            row("k5", "end", &["middle"], 1),
        ];
        let found = reached(&results, &[hash("end")], &HashSet::new());
        assert_eq!(found, HashSet::from([hash("end"), hash("middle"), hash("beginning")]));
        let found = reached(&results, &[], &HashSet::from([1]));
        assert!(found.contains(&hash("old beginning")), "a kept run reaches what it made itself");
    }
}
