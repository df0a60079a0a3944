//! The part of the records that the cache lives on: what each key gave, and under which stamps files were seen right.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{RecordError, Records, sidecar};
use crate::artifact::{FileEntry, FileStamp, Manifest};
use crate::hash::ContentHash;

/// What a key gave.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResult {
    /// The sealed object.
    pub object: ContentHash,
    /// How long the stage took.
    pub seconds: f64,
}

/// A finished stage, to be put on record in one transaction.
#[derive(Debug)]
pub struct NewResult<'a> {
    /// The key.
    pub key: ContentHash,
    /// The stage as it is shown.
    pub label: &'a str,
    /// Everything that the key was made from.
    pub fingerprint: &'a Value,
    /// The sealed object.
    pub object: ContentHash,
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Stamps of its files, in the manifest's order.
    pub stamps: &'a [FileStamp],
    /// Counts and remarks of the stage.
    pub notes: &'a BTreeMap<String, Value>,
    /// How long the stage took.
    pub seconds: f64,
    /// The attempt that made it.
    pub attempt: i64,
}

impl Records {
    /// What one key gave, asked now: another process may have finished it a moment ago.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn result(&self, key: &ContentHash) -> Result<Option<StoredResult>, RecordError> {
        let row = sqlx::query("SELECT object, seconds FROM results WHERE key = ?")
            .bind(key.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(self.failed())?;
        row.map(|row| Ok(StoredResult { object: hash(row.get(0))?, seconds: row.get(1) })).transpose()
    }

    /// Puts a finished stage on record and closes its attempt, in one transaction.
    ///
    /// # Errors
    /// When the records cannot be written; nothing is then on record.
    pub async fn add_result(&self, new: NewResult<'_>) -> Result<(), RecordError> {
        let mut transaction = self.pool.begin_with(super::DURABLE).await.map_err(self.failed())?;
        sqlx::query(
            "INSERT OR REPLACE INTO results (key, label, fingerprint, object, notes, seconds, attempt) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.key.to_string())
        .bind(new.label)
        .bind(new.fingerprint.to_string())
        .bind(new.object.to_string())
        .bind(serde_json::to_string(new.notes).map_err(|error| RecordError::Row(error.to_string()))?)
        .bind(new.seconds)
        .bind(new.attempt)
        .execute(&mut *transaction)
        .await
        .map_err(self.failed())?;
        insert_files(&mut transaction, &new.object, &new.manifest.files, new.stamps).await.map_err(self.failed())?;
        sqlx::query("DELETE FROM dropped WHERE object = ?")
            .bind(new.object.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        sqlx::query("UPDATE attempts SET state = 'done', finished = ?, fingerprint = NULL WHERE id = ?")
            .bind(super::now())
            .bind(new.attempt)
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        sidecar::write(&mut transaction, self.state(), &new.key).await.map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())
    }

    /// Notes that the files of an object were read and found right under these stamps; not where nothing can be
    /// written: they are then read again next time.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn confirm_files(
        &self,
        object: &ContentHash,
        entries: &[FileEntry],
        stamps: &[FileStamp],
    ) -> Result<(), RecordError> {
        if !self.writable() {
            return Ok(());
        }
        let mut transaction = self.pool.begin().await.map_err(self.failed())?;
        insert_files(&mut transaction, object, entries, stamps).await.map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())
    }

    /// Forgets an object that was found damaged, and every key that led to it.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn forget_object(&self, object: &ContentHash) -> Result<(), RecordError> {
        let mut transaction = self.pool.begin().await.map_err(self.failed())?;
        let rows = sqlx::query("SELECT key FROM results WHERE object = ?")
            .bind(object.to_string())
            .fetch_all(&mut *transaction)
            .await
            .map_err(self.failed())?;
        for query in ["DELETE FROM results WHERE object = ?", "DELETE FROM files WHERE object = ?"] {
            sqlx::query(query).bind(object.to_string()).execute(&mut *transaction).await.map_err(self.failed())?;
        }
        transaction.commit().await.map_err(self.failed())?;
        let keys = rows.iter().map(|row| hash(row.get(0))).collect::<Result<Vec<_>, _>>()?;
        Ok(sidecar::remove(self.state(), &keys)?)
    }

    /// The digest that a file outside the project had under its present stamp.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn memo(&self, path: &Utf8Path, stamp: &FileStamp) -> Result<Option<ContentHash>, RecordError> {
        let row = sqlx::query(
            "SELECT hash FROM memo WHERE path = ? AND size = ? AND device = ? AND inode = ? AND modified = ? \
             AND changed = ?",
        )
        .bind(path.as_str())
        .bind(stamp.size.cast_signed())
        .bind(stamp.device.cast_signed())
        .bind(stamp.inode.cast_signed())
        .bind(stamp.modified)
        .bind(stamp.changed)
        .fetch_optional(&self.pool)
        .await
        .map_err(self.failed())?;
        row.map(|row| hash(row.get(0))).transpose()
    }

    /// Remembers the digest of a file outside the project; not where nothing can be written.
    ///
    /// # Errors
    /// When the records cannot be written.
    pub async fn remember(&self, path: &Utf8Path, stamp: &FileStamp, known: &ContentHash) -> Result<(), RecordError> {
        if !self.writable() {
            return Ok(());
        }
        sqlx::query(
            "INSERT OR REPLACE INTO memo (path, size, hash, device, inode, modified, changed) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(path.as_str())
        .bind(stamp.size.cast_signed())
        .bind(known.to_string())
        .bind(stamp.device.cast_signed())
        .bind(stamp.inode.cast_signed())
        .bind(stamp.modified)
        .bind(stamp.changed)
        .execute(&self.pool)
        .await
        .map_err(self.failed())?;
        Ok(())
    }
}

pub(super) async fn insert_files(
    connection: &mut SqliteConnection,
    object: &ContentHash,
    entries: &[FileEntry],
    stamps: &[FileStamp],
) -> Result<(), sqlx::Error> {
    let pairs: Vec<_> = entries.iter().zip(stamps).collect();
    for chunk in pairs.chunks(1_000) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR REPLACE INTO files (object, path, size, hash, device, inode, modified, changed) ",
        );
        query.push_values(chunk, |mut row, (entry, stamp)| {
            row.push_bind(object.to_string())
                .push_bind(entry.path.as_str().to_owned())
                .push_bind(entry.size.cast_signed())
                .push_bind(entry.hash.to_string())
                .push_bind(stamp.device.cast_signed())
                .push_bind(stamp.inode.cast_signed())
                .push_bind(stamp.modified)
                .push_bind(stamp.changed);
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) fn hash(text: &str) -> Result<ContentHash, RecordError> {
    text.parse().map_err(|error: crate::hash::NotAHash| RecordError::Row(error.to_string()))
}
