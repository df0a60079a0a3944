//! All that the cache knows, read at each start: in a few large texts, since a row of its own for each result would
//! cost more than everything else that planning does.

use std::collections::HashMap;

use camino::Utf8PathBuf;

use super::cache::{StoredResult, hash};
use super::{RecordError, Records};
use crate::artifact::{FileEntry, FileStamp};
use crate::hash::ContentHash;

/// All results and file stamps, so that planning asks no database.
#[derive(Debug, Default)]
pub struct CacheIndex {
    /// Results by key.
    pub results: HashMap<ContentHash, StoredResult>,
    /// Files by object, sorted by path.
    pub files: HashMap<ContentHash, Vec<(FileEntry, FileStamp)>>,
}

/// One line a result. Key, object, seconds.
const RESULTS: &str = "SELECT group_concat(key || object || seconds, x'0a') FROM results WHERE key >= ? AND key < ?";

/// One entry a file, and its path by its length: a path may hold anything.
const FILES: &str = "SELECT group_concat(object || hash || size || ' ' || device || ' ' || inode || ' ' || modified || ' ' \
                     || changed || ' ' || length(CAST(path AS BLOB)) || ' ' || path, '') FROM files \
                     WHERE object >= ? AND object < ?";

/// Hex digits of a hash.
const HEX: usize = 64;

impl Records {
    /// Everything that the cache knows.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn cache_index(&self) -> Result<CacheIndex, RecordError> {
        let mut index = CacheIndex::default();
        // In sixteen parts: SQLite holds no text over a gigabyte.
        let bounds = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f", "g"];
        for part in bounds.windows(2) {
            let text = self.text(RESULTS, part).await?;
            for line in text.lines() {
                let (key, object, seconds) = result(line).ok_or_else(|| unreadable(line))?;
                index.results.insert(hash(key)?, StoredResult { object: hash(object)?, seconds });
            }
            let text = self.text(FILES, part).await?;
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (object, entry, stamp, after) = file(rest).ok_or_else(|| unreadable(rest))?;
                let files = index.files.entry(hash(object)?).or_default();
                // Paths are compared part by part; SQLite's order is that of their bytes.
                let at = files.partition_point(|(known, _)| known.path < entry.path);
                files.insert(at, (entry, stamp));
                rest = after;
            }
        }
        Ok(index)
    }

    async fn text(&self, query: &'static str, part: &[&str]) -> Result<String, RecordError> {
        let query = sqlx::query_scalar::<_, Option<String>>(query).bind(part[0].to_owned()).bind(part[1].to_owned());
        Ok(query.fetch_one(&self.pool).await.map_err(self.failed())?.unwrap_or_default())
    }
}

fn result(line: &str) -> Option<(&str, &str, f64)> {
    Some((line.get(..HEX)?, line.get(HEX..2 * HEX)?, line.get(2 * HEX..)?.parse().ok()?))
}

/// The first file of a text, and what comes after it.
fn file(text: &str) -> Option<(&str, FileEntry, FileStamp, &str)> {
    let (object, found) = (text.get(..HEX)?, text.get(HEX..2 * HEX)?.parse().ok()?);
    let mut rest = text.get(2 * HEX..)?;
    let mut number = || {
        let (digits, after) = rest.split_once(' ')?;
        rest = after;
        digits.parse::<i64>().ok()
    };
    let size = number()?.cast_unsigned();
    let (device, inode) = (number()?.cast_unsigned(), number()?.cast_unsigned());
    let (modified, changed) = (number()?, number()?);
    let length = usize::try_from(number()?).ok()?;
    let path = Utf8PathBuf::from(rest.get(..length)?);
    let stamp = FileStamp { size, device, inode, modified, changed };
    Some((object, FileEntry { path, size, hash: found }, stamp, rest.get(length..)?))
}

fn unreadable(text: &str) -> RecordError {
    RecordError::Row(text.chars().take(200).collect())
}
