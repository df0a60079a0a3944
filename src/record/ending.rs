//! How a run ended: its cells and the stages under them, written in a few statements, or not at all when an earlier
//! run of the same experiment ended in the same way.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row, Sqlite};

use super::rows::RunState;
use super::{RecordError, Records, now};
use crate::hash::ContentHash;

/// Rows an INSERT: each statement costs some tens of microseconds, and SQLite takes 32,766 values at most.
const BATCH: usize = 500;

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd<'a> {
    /// How it stands as a whole.
    pub state: RunState,
    /// Its cells, in the grid's order.
    pub cells: Vec<CellEnd<'a>>,
    /// Its stages, shared by the cells; the number of a stage is its place here.
    pub stages: Vec<StageEnd<'a>>,
}

/// How a cell ended.
#[derive(Debug)]
pub struct CellEnd<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value on each axis.
    pub coordinates: &'a BTreeMap<String, String>,
    /// Its seed.
    pub seed: u64,
    /// How it stands.
    pub state: RunState,
    /// Key and object of the stage that its numbers come from.
    pub result: Option<(ContentHash, ContentHash)>,
    /// The stages that it ends in.
    pub ends: &'a [usize],
}

/// How a stage ended.
#[derive(Debug)]
pub struct StageEnd<'a> {
    /// The stage as it is shown.
    pub label: &'a str,
    /// How it stands.
    pub state: RunState,
    /// Its key, where it has one.
    pub key: Option<ContentHash>,
    /// What it made.
    pub object: Option<ContentHash>,
    /// The stages that it reads.
    pub inputs: Vec<usize>,
}

impl RunEnd<'_> {
    /// The digest of all that the rows would say.
    fn digest(&self) -> ContentHash {
        let mut bytes = Vec::with_capacity(200 * (self.cells.len() + self.stages.len()));
        let number = |bytes: &mut Vec<u8>, value: u64| bytes.extend(value.to_le_bytes());
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        };
        let hash = |bytes: &mut Vec<u8>, hash: Option<&ContentHash>| match hash {
            Some(hash) => {
                bytes.push(1);
                bytes.extend(hash.bytes());
            }
            None => bytes.push(0),
        };
        let nodes = |bytes: &mut Vec<u8>, nodes: &[usize]| {
            number(bytes, nodes.len() as u64);
            nodes.iter().for_each(|node| number(bytes, *node as u64));
        };
        nodes(&mut bytes, &[self.cells.len(), self.stages.len()]);
        for cell in &self.cells {
            text(&mut bytes, cell.name);
            text(&mut bytes, cell.state.name());
            for (axis, value) in cell.coordinates {
                text(&mut bytes, axis);
                text(&mut bytes, value);
            }
            bytes.extend(cell.seed.to_le_bytes());
            hash(&mut bytes, cell.result.as_ref().map(|(key, _)| key));
            nodes(&mut bytes, cell.ends);
        }
        for stage in &self.stages {
            text(&mut bytes, stage.label);
            text(&mut bytes, stage.state.name());
            hash(&mut bytes, stage.key.as_ref());
            hash(&mut bytes, stage.object.as_ref());
            nodes(&mut bytes, &stage.inputs);
        }
        ContentHash::of(&bytes)
    }
}

impl Records {
    /// Puts the end of a run on record, with its cells and stages, in one transaction.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn finish_run(&self, run: i64, end: &RunEnd<'_>) -> Result<(), RecordError> {
        let digest = end.digest().to_string();
        // At once for writing: what is read here must still hold when the rows are written.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        let newest = sqlx::query(
            "SELECT coalesce(same_as, id), ending FROM runs WHERE ending IS NOT NULL AND id <> ?1 \
             AND experiment = (SELECT experiment FROM runs WHERE id = ?1) ORDER BY id DESC LIMIT 1",
        )
        .bind(run)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(self.failed())?;
        let same_as = newest.filter(|row| row.get::<&str, _>(1) == digest).map(|row| row.get::<i64, _>(0));
        if same_as.is_none() {
            insert(&mut transaction, run, end).await.map_err(self.failed())?;
        }
        sqlx::query("UPDATE runs SET state = ?, finished = ?, same_as = ?, ending = ? WHERE id = ?")
            .bind(end.state.name())
            .bind(now())
            .bind(same_as)
            .bind(digest)
            .bind(run)
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())
    }
}

async fn insert(
    transaction: &mut sqlx::Transaction<'_, Sqlite>,
    run: i64,
    end: &RunEnd<'_>,
) -> Result<(), sqlx::Error> {
    for chunk in end.cells.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR REPLACE INTO cells (run, name, coordinates, seed, state, key, object, ends) ",
        );
        query.push_values(chunk, |mut row, cell| {
            row.push_bind(run)
                .push_bind(cell.name)
                .push_bind(serde_json::json!(cell.coordinates).to_string())
                .push_bind(cell.seed.cast_signed())
                .push_bind(cell.state.name())
                .push_bind(cell.result.map(|(key, _)| key.to_string()))
                .push_bind(cell.result.map(|(_, object)| object.to_string()))
                .push_bind(list(cell.ends));
        });
        query.build().execute(&mut **transaction).await?;
    }
    let numbered: Vec<_> = end.stages.iter().enumerate().collect();
    for chunk in numbered.chunks(BATCH) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO run_stages (run, node, label, state, key, object, inputs) ");
        query.push_values(chunk, |mut row, (node, stage)| {
            row.push_bind(run)
                .push_bind(*node as i64)
                .push_bind(stage.label)
                .push_bind(stage.state.name())
                .push_bind(stage.key.map(|key| key.to_string()))
                .push_bind(stage.object.map(|object| object.to_string()))
                .push_bind(list(&stage.inputs));
        });
        query.build().execute(&mut **transaction).await?;
    }
    Ok(())
}

/// A JSON list of numbers.
fn list(nodes: &[usize]) -> String {
    let digits: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    format!("[{}]", digits.join(","))
}
