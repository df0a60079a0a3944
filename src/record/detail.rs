//! Runs at length: cells, the stages under them as they were wired, and what made each, in a handful of queries.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::history::{ATTEMPTS, attempt_row, json, run_row};
use super::rows::{AttemptRow, RunRow};
use super::{RecordError, Records};

/// Some runs at length, with all that is known of the keys in them.
#[derive(Debug, Default)]
pub struct Details {
    /// The runs, in the order of their numbers.
    pub runs: Vec<RunDetail>,
    /// Attempts at each key, the oldest first; those of other runs too, since a result is used again.
    pub attempts: HashMap<String, Vec<AttemptRow>>,
    /// What each key gave, while the cache has it.
    results: HashMap<String, ResultDetail>,
    /// Events by attempt.
    epochs: HashMap<i64, Vec<Value>>,
    /// Versions, git commit and host of every run that made any of it.
    environments: HashMap<i64, Value>,
}

/// A run at length.
#[derive(Debug)]
pub struct RunDetail {
    /// The run.
    pub run: RunRow,
    /// Its cells, in the grid's order.
    pub cells: Vec<CellDetail>,
    /// Its stages.
    pub stages: Vec<StageDetail>,
}

/// A cell of a run.
#[derive(Debug)]
pub struct CellDetail {
    /// Its name.
    pub name: String,
    /// Its value on each axis.
    pub coordinates: BTreeMap<String, String>,
    /// Its seed.
    pub seed: u64,
    /// How it stands.
    pub state: String,
    /// The key of the stage that its numbers come from.
    pub key: Option<String>,
    /// The object that its numbers come from.
    pub object: Option<String>,
    /// The stages that it ends in, by their place.
    pub ends: Vec<usize>,
}

/// A stage of a run.
#[derive(Debug)]
pub struct StageDetail {
    /// The stage as it is shown.
    pub label: String,
    /// How it stands.
    pub state: String,
    /// Its key, where it came so far that it has one.
    pub key: Option<String>,
    /// What it made.
    pub object: Option<String>,
    /// The stages that it reads, by their place.
    pub inputs: Vec<usize>,
}

#[derive(Debug)]
struct ResultDetail {
    fingerprint: Value,
    attempt: i64,
    accepted: Option<Value>,
}

impl StageDetail {
    /// The name of the stage in its pipeline.
    pub fn name(&self) -> &str {
        super::stage_name(&self.label)
    }
}

impl RunDetail {
    /// The stages of a cell, each after those that it reads.
    pub fn stages_of(&self, cell: &CellDetail) -> Vec<&StageDetail> {
        // Stages are numbered after their inputs; the largest number that is still open is the next.
        let mut open: std::collections::BTreeSet<usize> = cell.ends.iter().copied().collect();
        let mut found = Vec::new();
        while let Some(place) = open.pop_last() {
            if let Some(stage) = self.stages.get(place) {
                found.push(stage);
                open.extend(stage.inputs.iter().filter(|input| **input < place));
            }
        }
        found.reverse();
        found
    }
}

impl Details {
    /// What a key was made from.
    pub fn fingerprint(&self, key: &str) -> Option<&Value> {
        let kept = || self.attempts.get(key)?.iter().rev().find_map(|attempt| attempt.fingerprint.as_ref());
        self.results.get(key).map(|result| &result.fingerprint).or_else(kept)
    }

    /// The attempt that made what a key gave; of a key without a result, the newest.
    pub fn maker(&self, key: &str) -> Option<&AttemptRow> {
        let attempts = self.attempts.get(key)?;
        let made = self.results.get(key).and_then(|result| attempts.iter().find(|row| row.id == result.attempt));
        let done = || attempts.iter().rev().find(|row| row.state == "done");
        made.or_else(done).or_else(|| attempts.last())
    }

    /// Where the result of a key was taken from, when it was taken over and not computed under this key.
    pub fn accepted(&self, key: &str) -> Option<&Value> {
        self.results.get(key)?.accepted.as_ref()
    }

    /// Versions, git commit and host of a run that made something here.
    pub fn environment(&self, run: i64) -> Option<&Value> {
        self.environments.get(&run)
    }

    /// The epochs that one attempt trained.
    pub fn epochs_of(&self, attempt: i64) -> impl Iterator<Item = &Value> {
        self.epochs.get(&attempt).into_iter().flatten()
    }

    /// The epochs trained under a key. An attempt goes on where the one before it stopped, so all of them count.
    pub fn curve(&self, key: &str) -> Vec<&Value> {
        let maker = self.maker(key).map_or(i64::MAX, |row| row.id);
        let mut curve = BTreeMap::new();
        for attempt in self.attempts.get(key).into_iter().flatten().filter(|row| row.id <= maker) {
            for event in self.epochs.get(&attempt.id).into_iter().flatten().filter(|event| event["loss"].is_number()) {
                curve.insert(event["epoch"].as_i64(), event);
            }
        }
        curve.into_values().collect()
    }
}

/// The runs that a query is about: a JSON list of their numbers is its one value.
const THESE: &str = "(SELECT value FROM json_each(?1))";

/// The cells and stages of a run as they are read, stages by the number that they have there.
#[derive(Default)]
struct Rows {
    cells: Vec<SqliteRow>,
    stages: Vec<SqliteRow>,
}

impl Records {
    /// These runs at length. A run that ended as an earlier one has the cells of that one.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn details(&self, runs: &[i64]) -> Result<Details, RecordError> {
        let query = format!("SELECT r.*, 0 AS cells, 0 AS attempts FROM runs r WHERE id IN {THESE} ORDER BY id");
        let rows = self.of_runs(&query, runs).await?;
        let runs = rows.iter().map(run_row).collect::<Result<Vec<_>, _>>()?;
        let owners: Vec<i64> = runs.iter().map(|run| run.same_as.unwrap_or(run.id)).collect();
        let mut details = self.known(&runs, &owners).await?;
        // A stage that failed has no result that says its key; its attempt does.
        let tried: HashMap<(i64, String), String> = details
            .attempts
            .values()
            .flatten()
            .map(|attempt| ((attempt.run, attempt.label.clone()), attempt.key.clone()))
            .collect();
        let mut rows: HashMap<i64, Rows> = HashMap::new();
        let query = "SELECT run, node, label, state, key, object, inputs FROM run_stages";
        for row in self.of_runs(&format!("{query} WHERE run IN {THESE} ORDER BY run, node"), &owners).await? {
            rows.entry(row.get(0)).or_default().stages.push(row);
        }
        let query = "SELECT run, name, coordinates, seed, state, key, object, ends FROM cells";
        for row in self.of_runs(&format!("{query} WHERE run IN {THESE} ORDER BY run, rowid"), &owners).await? {
            rows.entry(row.get(0)).or_default().cells.push(row);
        }
        let none = Rows::default();
        for (run, owner) in runs.into_iter().zip(owners) {
            let rows = rows.get(&owner).unwrap_or(&none);
            let key_of =
                |label: &str| [run.id, owner].into_iter().find_map(|run| tried.get(&(run, label.to_owned())).cloned());
            let (cells, stages) = rows.read(key_of)?;
            details.runs.push(RunDetail { run, cells, stages });
        }
        Ok(details)
    }

    /// What is known of the keys of these runs, and what they tried.
    async fn known(&self, runs: &[RunRow], owners: &[i64]) -> Result<Details, RecordError> {
        let mut details = Details::default();
        let runs: Vec<i64> = runs.iter().map(|run| run.id).chain(owners.iter().copied()).collect();
        let keys = format!("SELECT key FROM run_stages WHERE run IN {THESE}");
        let query = format!("SELECT key, fingerprint, attempt, accepted FROM results WHERE key IN ({keys})");
        for row in self.of_runs(&query, &runs).await? {
            let accepted = row.get::<Option<&str>, _>(3).map(json).transpose()?;
            let result = ResultDetail { fingerprint: json(row.get(1))?, attempt: row.get(2), accepted };
            details.results.insert(row.get(0), result);
        }
        let theirs = format!("WHERE a.key IN ({keys}) OR a.run IN {THESE}");
        for row in &self.of_runs(&format!("{ATTEMPTS} {theirs} ORDER BY a.id"), &runs).await? {
            let row = attempt_row(row)?;
            details.attempts.entry(row.key.clone()).or_default().push(row);
        }
        let query = "SELECT e.attempt, e.event FROM epochs e JOIN attempts a ON a.id = e.attempt";
        for row in self.of_runs(&format!("{query} {theirs} ORDER BY e.attempt, e.epoch"), &runs).await? {
            details.epochs.entry(row.get(0)).or_default().push(json(row.get(1))?);
        }
        let query = "SELECT id, environment FROM runs WHERE id IN (SELECT a.run FROM attempts a";
        for row in self.of_runs(&format!("{query} {theirs})"), &runs).await? {
            details.environments.insert(row.get(0), json(row.get(1))?);
        }
        Ok(details)
    }

    async fn of_runs(&self, query: &str, runs: &[i64]) -> Result<Vec<SqliteRow>, RecordError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(serde_json::json!(runs).to_string());
        query.fetch_all(&self.pool).await.map_err(self.failed())
    }
}

impl Rows {
    /// The cells and stages; `key_of` finds the key of a stage that has no result.
    fn read(
        &self,
        key_of: impl Fn(&str) -> Option<String>,
    ) -> Result<(Vec<CellDetail>, Vec<StageDetail>), RecordError> {
        let places: HashMap<i64, usize> =
            self.stages.iter().enumerate().map(|(place, row)| (row.get(1), place)).collect();
        let placed = |text: &str| -> Result<Vec<usize>, RecordError> {
            let nodes: Vec<i64> = parsed(text)?;
            Ok(nodes.iter().filter_map(|node| places.get(node).copied()).collect())
        };
        let stages = self.stages.iter().map(|row| {
            let label: String = row.get(2);
            let key = row.get::<Option<String>, _>(4).or_else(|| key_of(&label));
            Ok(StageDetail { label, state: row.get(3), key, object: row.get(5), inputs: placed(row.get(6))? })
        });
        let cells = self.cells.iter().map(|row| {
            Ok(CellDetail {
                name: row.get(1),
                coordinates: parsed(row.get(2))?,
                seed: row.get::<i64, _>(3).cast_unsigned(),
                state: row.get(4),
                key: row.get(5),
                object: row.get(6),
                ends: placed(row.get(7))?,
            })
        });
        Ok((cells.collect::<Result<_, RecordError>>()?, stages.collect::<Result<_, RecordError>>()?))
    }
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, RecordError> {
    serde_json::from_str(text).map_err(|error| RecordError::Row(error.to_string()))
}
