//! Reading a dataset session by session, so that one of any size can be looked through.

use camino::Utf8Path;

use super::{ARRAYS, SESSIONS};
use crate::artifact::table::{TableError, TableReader};
use crate::data::tensors::TensorFile;

/// A session of a part, as it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its place in its part, from 0.
    pub index: usize,
    /// Item of each event, by number.
    pub items: Vec<i64>,
    /// Operation of each event, by number.
    pub operations: Vec<i64>,
    /// Time of each event.
    pub times: Vec<i64>,
    /// The positions of its targets, in the order of the samples.
    pub targets: Vec<usize>,
}

type Values = Box<dyn Iterator<Item = std::io::Result<i64>>>;

/// Reads the sessions of a part one by one; only one is held.
pub struct PartReader {
    items: Values,
    operations: Values,
    times: Values,
    offsets: Values,
    samples: std::iter::Peekable<std::iter::Zip<Values, Values>>,
    begin: i64,
    next: usize,
}

impl PartReader {
    /// Opens a part of a dataset by its name.
    ///
    /// # Errors
    /// When the arrays cannot be read.
    pub fn open(folder: &Utf8Path, part: &str) -> std::io::Result<Self> {
        let file = TensorFile::open(&folder.join(ARRAYS))?;
        let values = |name: &str| -> std::io::Result<Values> { Ok(Box::new(file.values(&format!("{part}.{name}"))?)) };
        let mut offsets = values("session_offsets")?;
        let begin = offsets.next().transpose()?.unwrap_or_default();
        Ok(Self {
            items: values("items")?,
            operations: values("operations")?,
            times: values("times")?,
            samples: values("sample_session")?.zip(values("sample_target")?).peekable(),
            offsets,
            begin,
            next: 0,
        })
    }

    /// Reads the next session into `session`; false at the end.
    ///
    /// # Errors
    /// When the arrays cannot be read.
    pub fn read(&mut self, session: &mut Seen) -> std::io::Result<bool> {
        let Some(end) = self.offsets.next().transpose()? else { return Ok(false) };
        session.index = self.next;
        self.next += 1;
        let length = usize::try_from(end - self.begin).unwrap_or_default();
        take(&mut self.items, length, &mut session.items)?;
        take(&mut self.operations, length, &mut session.operations)?;
        take(&mut self.times, length, &mut session.times)?;
        session.targets.clear();
        let index = session.index;
        let here = |of: &std::io::Result<i64>| of.as_ref().map_or(true, |of| usize::try_from(*of) == Ok(index));
        while let Some((of, target)) = self.samples.next_if(|(of, _)| here(of)) {
            of?;
            session.targets.push(usize::try_from(target? - self.begin).unwrap_or_default());
        }
        self.begin = end;
        Ok(true)
    }
}

fn take(from: &mut Values, length: usize, to: &mut Vec<i64>) -> std::io::Result<()> {
    to.clear();
    for value in from.take(length) {
        to.push(value?);
    }
    Ok(())
}

/// Whose a session of a dataset is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The session's number, as in the sessions artifact.
    pub session: i64,
    /// The user; empty where the log names nobody.
    pub user: String,
}

/// Reads whose the sessions of a part are, in their order.
///
/// # Errors
/// When the table is missing, damaged or another one.
pub fn who(folder: &Utf8Path, part: &str) -> Result<Vec<Who>, TableError> {
    let mut found = Vec::new();
    for piece in TableReader::open_columns(&folder.join("sessions.parquet"), &SESSIONS, &["part", "session", "user"])? {
        let mut piece = piece?;
        let (parts, sessions, users) = (piece.text("part"), piece.int64("session"), piece.text("user"));
        let rows = (0..parts.len()).filter(|row| parts.at(*row) == part);
        found.extend(rows.map(|row| Who { session: sessions[row], user: users.at(row).to_owned() }));
    }
    Ok(found)
}
