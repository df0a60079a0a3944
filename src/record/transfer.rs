//! Rows of any table as JSON and back: how records travel in the files beside results and in exports.
//! Only the columns that this version's tables have are taken in, so that an older or newer file can be read.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Column, QueryBuilder, Row as _, Sqlite, TypeInfo, ValueRef};

use super::cache::insert_files;
use super::{RecordError, Records};
use crate::artifact::{FileEntry, FileStamp};
use crate::hash::ContentHash;

/// A row by column. Text that holds a JSON object or list is that object or list.
pub type Row = Map<String, Value>;

/// Rows on their way from one database to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// Of the table `runs`.
    pub runs: Vec<Row>,
    /// Of the table `attempts`.
    pub attempts: Vec<Row>,
    /// Of the table `results`.
    pub results: Vec<Row>,
    /// Of the table `epochs`.
    pub epochs: Vec<Row>,
    /// Of the table `cells`.
    pub cells: Vec<Row>,
    /// Of the table `run_stages`.
    pub run_stages: Vec<Row>,
    /// Of the table `sources`.
    pub sources: Vec<Row>,
    /// Of the table `dropped`.
    pub dropped: Vec<Row>,
}

/// An object whose bytes were read and found right.
#[derive(Debug, Clone)]
pub struct SoundObject {
    /// Its name.
    pub object: ContentHash,
    /// Its files.
    pub entries: Vec<FileEntry>,
    /// Their stamps, in the same order.
    pub stamps: Vec<FileStamp>,
}

/// What the rows of one table become on their way: columns that this database has, numbers that it gave.
struct Table {
    name: &'static str,
    columns: BTreeSet<String>,
}

impl Records {
    /// Adds what is not on record yet, in one transaction, and gives the keys of the results that were added.
    ///
    /// Runs and attempts keep their numbers where these are free.
    ///
    /// # Errors
    /// When the records cannot be written, or the rows do not fit together; nothing is then added.
    pub async fn take_in(&self, rows: &Rows, objects: &[SoundObject]) -> Result<Vec<ContentHash>, RecordError> {
        let mut transaction = self.pool.begin().await.map_err(self.failed())?;
        let added = take_in(&mut transaction, rows, objects).await.map_err(|error| match error {
            Unfit::Database(error) => self.failed()(error),
            Unfit::Row(what) => RecordError::Row(what),
        })?;
        transaction.commit().await.map_err(self.failed())?;
        Ok(added)
    }
}

enum Unfit {
    Database(sqlx::Error),
    Row(String),
}

impl From<sqlx::Error> for Unfit {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

async fn take_in(
    connection: &mut SqliteConnection,
    rows: &Rows,
    objects: &[SoundObject],
) -> Result<Vec<ContentHash>, Unfit> {
    let (mut runs, mut new_runs) = (HashMap::new(), BTreeSet::new());
    let table = Table::of(connection, "runs").await?;
    for row in sorted(&rows.runs) {
        let known =
            sqlx::query("SELECT id FROM runs WHERE experiment = ? AND started = ? AND process = ? AND command = ?")
                .bind(text(row, "experiment")?)
                .bind(text(row, "started")?)
                .bind(number(row, "process")?)
                .bind(text(row, "command")?);
        let old = number(row, "id")?;
        let new = match known.fetch_optional(&mut *connection).await? {
            Some(known) => known.get(0),
            None => {
                let mut row = row.clone();
                // How a run ended that was under way when this was written is not known.
                if row.get("state").and_then(Value::as_str) == Some("running") {
                    row.insert("state".into(), "interrupted".into());
                }
                renumber(&mut row, "same_as", &runs);
                let new = table.insert_numbered(connection, &mut row).await?;
                new_runs.insert(new);
                new
            }
        };
        runs.insert(old, new);
    }

    let (mut attempts, mut new_attempts) = (HashMap::new(), BTreeSet::new());
    let table = Table::of(connection, "attempts").await?;
    for row in sorted(&rows.attempts) {
        let run = mapped(row, "run", &runs)?;
        let known = sqlx::query("SELECT id FROM attempts WHERE run = ? AND key = ? AND started = ?")
            .bind(run)
            .bind(text(row, "key")?)
            .bind(text(row, "started")?);
        let old = number(row, "id")?;
        let new = match known.fetch_optional(&mut *connection).await? {
            Some(known) => known.get(0),
            None => {
                let mut row = row.clone();
                row.insert("run".into(), run.into());
                renumber(&mut row, "retries", &attempts);
                let new = table.insert_numbered(connection, &mut row).await?;
                // A log is named after its attempt; that of another attempt must not pass for it.
                sqlx::query("UPDATE attempts SET log = ? WHERE id = ?")
                    .bind(format!("logs/{new}.log"))
                    .bind(new)
                    .execute(&mut *connection)
                    .await?;
                new_attempts.insert(new);
                new
            }
        };
        attempts.insert(old, new);
    }

    let mut added = Vec::new();
    let table = Table::of(connection, "results").await?;
    for row in &rows.results {
        let mut row = row.clone();
        row.insert("attempt".into(), mapped(&row, "attempt", &attempts)?.into());
        let key = text(&row, "key")?.parse().map_err(|error: crate::hash::NotAHash| Unfit::Row(error.to_string()))?;
        if table.insert(connection, &row).await? {
            added.push(key);
        }
    }
    let table = Table::of(connection, "epochs").await?;
    for row in &rows.epochs {
        let mut row = row.clone();
        let attempt = mapped(&row, "attempt", &attempts)?;
        if new_attempts.contains(&attempt) {
            row.insert("attempt".into(), attempt.into());
            table.insert(connection, &row).await?;
        }
    }
    for (name, rows) in [("cells", &rows.cells), ("run_stages", &rows.run_stages)] {
        let table = Table::of(connection, name).await?;
        for row in rows {
            let mut row = row.clone();
            let run = mapped(&row, "run", &runs)?;
            if new_runs.contains(&run) {
                row.insert("run".into(), run.into());
                table.insert(connection, &row).await?;
            }
        }
    }
    let table = Table::of(connection, "sources").await?;
    for row in &rows.sources {
        let files = row.get("files").unwrap_or(&Value::Null).to_string();
        // What comes in belongs to these results, whatever was seen here before.
        let old =
            sqlx::query("DELETE FROM sources WHERE folder = ? AND files = ?").bind(text(row, "folder")?).bind(files);
        old.execute(&mut *connection).await?;
        table.insert(connection, row).await?;
    }
    let table = Table::of(connection, "dropped").await?;
    for row in &rows.dropped {
        table.insert(connection, row).await?;
    }
    for sound in objects {
        let there = sqlx::query("DELETE FROM dropped WHERE object = ?").bind(sound.object.to_string());
        there.execute(&mut *connection).await?;
        insert_files(connection, &sound.object, &sound.entries, &sound.stamps).await?;
    }
    Ok(added)
}

impl Table {
    async fn of(connection: &mut SqliteConnection, name: &'static str) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query("SELECT name FROM pragma_table_info(?)").bind(name).fetch_all(connection).await?;
        Ok(Self { name, columns: rows.iter().map(|row| row.get(0)).collect() })
    }

    /// Adds a row unless one with its key is there; true when it was added.
    async fn insert(&self, connection: &mut SqliteConnection, row: &Row) -> Result<bool, sqlx::Error> {
        let values: Vec<(&String, &Value)> = row.iter().filter(|(name, _)| self.columns.contains(*name)).collect();
        let mut query = QueryBuilder::<Sqlite>::new("INSERT OR IGNORE INTO ");
        query.push(self.name).push(" (");
        let mut names = query.separated(", ");
        for (name, _) in &values {
            names.push(name);
        }
        query.push(") VALUES (");
        let mut places = query.separated(", ");
        for (_, value) in values {
            match value {
                Value::Null => places.push_bind(None::<String>),
                Value::Bool(switch) => places.push_bind(*switch),
                Value::Number(number) => match number.as_i64() {
                    Some(whole) => places.push_bind(whole),
                    None => places.push_bind(number.as_f64()),
                },
                Value::String(text) => places.push_bind(text.clone()),
                nested => places.push_bind(nested.to_string()),
            };
        }
        query.push(")");
        Ok(query.build().execute(connection).await?.rows_affected() > 0)
    }

    /// Adds a row that has a number: its own where that is free, else a new one.
    async fn insert_numbered(&self, connection: &mut SqliteConnection, row: &mut Row) -> Result<i64, Unfit> {
        let own = number(row, "id")?;
        if self.insert(connection, row).await? {
            return Ok(own);
        }
        row.insert("id".into(), Value::Null);
        if !self.insert(connection, row).await? {
            return Err(Unfit::Row(format!("a row of `{}` lacks what every one has", self.name)));
        }
        Ok(sqlx::query("SELECT last_insert_rowid()").fetch_one(connection).await?.get(0))
    }
}

/// A row as JSON, so that it comes back exactly as it was.
pub(super) fn as_json(row: &SqliteRow) -> Result<Row, sqlx::Error> {
    let mut values = Row::new();
    for column in row.columns() {
        let raw = row.try_get_raw(column.ordinal())?;
        let value = if raw.is_null() {
            Value::Null
        } else {
            match raw.type_info().name() {
                "INTEGER" => Value::from(row.try_get_unchecked::<i64, _>(column.ordinal())?),
                "REAL" => Value::from(row.try_get_unchecked::<f64, _>(column.ordinal())?),
                _ => unfolded(row.try_get_unchecked::<String, _>(column.ordinal())?),
            }
        };
        values.insert(column.name().to_owned(), value);
    }
    Ok(values)
}

/// JSON text as what it says, where writing it again gives the same text.
fn unfolded(text: String) -> Value {
    if text.starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str::<Value>(&text)
        && serde_json::to_string(&value).is_ok_and(|again| again == text)
    {
        return value;
    }
    Value::String(text)
}

/// Rows by their number, so that what is newer stays so.
fn sorted(rows: &[Row]) -> Vec<&Row> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by_key(|row| row.get("id").and_then(Value::as_i64));
    rows
}

fn text<'a>(row: &'a Row, name: &str) -> Result<&'a str, Unfit> {
    row.get(name).and_then(Value::as_str).ok_or_else(|| Unfit::Row(format!("a row has no text `{name}`")))
}

fn number(row: &Row, name: &str) -> Result<i64, Unfit> {
    row.get(name).and_then(Value::as_i64).ok_or_else(|| Unfit::Row(format!("a row has no number `{name}`")))
}

/// The number that a row which another one names has here.
fn mapped(row: &Row, name: &str, numbers: &HashMap<i64, i64>) -> Result<i64, Unfit> {
    let old = number(row, name)?;
    numbers.get(&old).copied().ok_or_else(|| Unfit::Row(format!("a row names `{name}` {old}, which is not there")))
}

/// As `mapped`, for a column that may be empty; what it named may have stayed behind.
fn renumber(row: &mut Row, name: &str, numbers: &HashMap<i64, i64>) {
    if let Some(old) = row.get(name).and_then(Value::as_i64) {
        row.insert(name.into(), numbers.get(&old).map_or(Value::Null, |new| (*new).into()));
    }
}
