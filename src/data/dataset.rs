//! The dataset folder of the trainer's contract (`docs/contract.md`): parts as flat arrays, and what they are.
//!
//! In memory a dataset is one set of flat arrays, 14 bytes an event, of which the sessions of all parts are stretches.

mod read;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

pub use read::{PartReader, Seen, Who, who};

use super::samples::{Sample, SampleWriter};
use super::tensors::{self, Stream};
use super::vocabulary::Vocabulary;
use super::write_json;
use crate::artifact::table::{Column, Schema, TableError, TableWriter, Text, Type};

/// Columns of a dataset's `sessions.parquet`.
pub const SESSIONS: Schema = Schema {
    name: "dataset sessions",
    version: 1,
    columns: &[
        ("part", Type::Text, "`train`, `valid` or `test`"),
        ("index", Type::Int64, "the place in its part, from 0"),
        ("session", Type::Int64, "the number of the session in the sessions artifact"),
        ("user", Type::Text, "who, as the log writes it; empty where the log names nobody"),
        ("start", Type::Int64, "time of the first event that was kept"),
        ("end", Type::Int64, "time of the last event"),
        ("length", Type::Int32, "events that were kept"),
    ],
    sorted: &[],
    open: false,
};

/// The name of the file with the arrays.
pub const ARRAYS: &str = "samples.safetensors";

/// The names of the parts.
pub const PARTS: [&str; 3] = ["train", "valid", "test"];

/// How many sessions are written together.
const PIECE: usize = 1 << 16;

/// `meta.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The version of the folder's form.
    pub version: u32,
    /// What people call the dataset.
    pub name: String,
    /// How many items; they are numbered from 1.
    pub items: usize,
    /// How many operations; they are numbered from 1.
    pub operations: usize,
    /// The longest session, in events.
    pub max_length: usize,
    /// Digest of the test samples by name. Ranks of two datasets can be compared one by one only where it is the same.
    pub test_samples: String,
}

impl Meta {
    /// Reads it from a dataset.
    ///
    /// # Errors
    /// When the file is missing or not of this form.
    pub fn read(folder: &Utf8Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&fs_err::read(folder.join("meta.json"))?)?)
    }
}

/// The events of a log, flat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// Item of each event, by number.
    pub items: Vec<i32>,
    /// Operation of each event, by number.
    pub operations: Vec<u16>,
    /// Time of each event.
    pub times: Vec<i64>,
}

/// A session of a part: a stretch of the events, cut to the maximum length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartSession {
    /// The session's number, as in the sessions artifact.
    pub session: i32,
    /// Who: a row of `users.parquet`, or [`crate::artifact::table::MISSING`].
    pub user: i32,
    /// Where its events begin.
    pub start: usize,
    /// How many events; more than `history`.
    pub length: u32,
    /// How many of its first events are no targets; at least one.
    pub history: u32,
}

impl PartSession {
    /// The places of its events.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.length as usize
    }
}

/// Which prefixes of a session are samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefixes {
    /// All that end in a target, the longest first.
    All,
    /// Only the longest.
    Longest,
}

/// `train`, `valid` or `test`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its sessions, in the order in which they began before any filter.
    pub sessions: Vec<PartSession>,
    /// Which of their prefixes are samples.
    pub prefixes: Prefixes,
}

impl Part {
    /// The samples as (session index, position of the target in it), in the order of the trainer's arrays.
    pub fn samples(&self) -> impl Iterator<Item = (usize, usize)> {
        let sessions = self.sessions.iter().enumerate();
        sessions.flat_map(|(index, session)| self.positions(session).map(move |position| (index, position)))
    }

    /// The positions of the targets of a session, the last first.
    fn positions(&self, session: &PartSession) -> impl Iterator<Item = usize> + use<> {
        let end = session.length;
        let first = if self.prefixes == Prefixes::All { session.history.max(1) } else { end.saturating_sub(1) };
        (first..end).rev().map(|position| position as usize)
    }

    /// How many samples.
    pub fn sample_count(&self) -> usize {
        match self.prefixes {
            Prefixes::All => self.sessions.iter().map(|session| (session.length - session.history) as usize).sum(),
            Prefixes::Longest => self.sessions.len(),
        }
    }

    fn streams<'a>(&'a self, events: &'a Events) -> Vec<(String, Stream<'a>)> {
        let length = self.sessions.iter().map(|session| session.length as usize).sum();
        let samples = self.sample_count();
        let places = || self.sessions.iter().flat_map(PartSession::range);
        let ends = || {
            self.sessions.iter().scan(0_i64, |end, session| {
                *end += i64::from(session.length);
                Some(*end)
            })
        };
        let begun = self.sessions.iter().zip([0].into_iter().chain(ends()));
        let targets =
            begun.flat_map(|(session, begin)| self.positions(session).map(move |position| begin + signed(position)));
        let arrays = [
            ("items", Stream::Int32(length, Box::new(places().map(|place| events.items[place])))),
            ("operations", Stream::Int32(length, Box::new(places().map(|place| i32::from(events.operations[place]))))),
            ("times", Stream::Int64(length, Box::new(places().map(|place| events.times[place])))),
            ("sample_session", Stream::Int64(samples, Box::new(self.samples().map(|(index, _)| signed(index))))),
            ("sample_target", Stream::Int64(samples, Box::new(targets))),
            ("session_offsets", Stream::Int64(self.sessions.len() + 1, Box::new([0].into_iter().chain(ends())))),
        ];
        arrays.into_iter().map(|(name, stream)| (format!("{}.{name}", self.name), stream)).collect()
    }
}

/// Digest of a part's samples: the names, not the numbers, of each input and target.
pub fn samples_digest(part: &Part, events: &Events, items: &Vocabulary, operations: &Vocabulary) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut take = |name: &str| {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
    };
    for (index, position) in part.samples() {
        let start = part.sessions[index].start;
        take(&position.to_string());
        for place in start..start + position {
            take(name_of(items, events.items[place]));
            take(name_of(operations, i32::from(events.operations[place])));
        }
        take(name_of(items, events.items[start + position]));
    }
    hasher.finalize().to_hex().to_string()
}

fn name_of(vocabulary: &Vocabulary, number: i32) -> &str {
    usize::try_from(number - 1).ok().and_then(|index| vocabulary.names().get(index)).map_or("", String::as_str)
}

/// Writes `meta.json`.
///
/// # Errors
/// When the file cannot be written.
pub fn write_meta(folder: &Utf8Path, meta: &impl Serialize) -> std::io::Result<()> {
    write_json(&folder.join("meta.json"), meta)
}

/// Writes `samples.safetensors`.
///
/// # Errors
/// When the file cannot be written.
pub fn write_samples(folder: &Utf8Path, parts: &[Part], events: &Events) -> std::io::Result<()> {
    let streams = parts.iter().flat_map(|part| part.streams(events)).collect();
    tensors::write_streams(&folder.join(ARRAYS), streams)
}

/// Writes `samples.parquet`; answers for each part how many samples have a target that no training session has. `items`
/// is the number of the last item.
///
/// # Errors
/// When the file cannot be written.
pub fn describe_samples(
    folder: &Utf8Path,
    parts: &[Part],
    events: &Events,
    items: usize,
) -> Result<Vec<usize>, TableError> {
    let index = |item: i32| usize::try_from(item).unwrap_or_default();
    let mut trained = vec![false; items + 1];
    for part in parts.iter().filter(|part| part.name == "train") {
        part.sessions.iter().flat_map(PartSession::range).for_each(|place| trained[index(events.items[place])] = true);
    }
    let mut writer = SampleWriter::create(folder)?;
    // Where an item was met last: the session, numbered anew over all parts, from 1.
    let mut met = vec![0_u64; items + 1];
    let mut session_number = 0;
    let mut repeated = Vec::new();
    let mut cold_counts = Vec::new();
    for part in parts {
        let (mut current, mut cold_count) = (None, 0);
        for (sample, (session_index, position)) in (0..).zip(part.samples()) {
            let session = &part.sessions[session_index];
            if current != Some(session_index) {
                current = Some(session_index);
                session_number += 1;
                repeated.clear();
                repeated.extend(session.range().map(|place| {
                    std::mem::replace(&mut met[index(events.items[place])], session_number) == session_number
                }));
            }
            let target = events.items[session.start + position];
            let cold = !trained[index(target)];
            cold_count += usize::from(cold);
            writer.push(
                part.name,
                Sample {
                    sample,
                    session: i64::from(session.session),
                    target,
                    position: i32::try_from(position).unwrap_or(i32::MAX),
                    in_session: repeated[position],
                    cold,
                },
            )?;
        }
        cold_counts.push(cold_count);
    }
    writer.finish()?;
    Ok(cold_counts)
}

/// Writes `sessions.parquet`; `users` has the names by number.
///
/// # Errors
/// When the file cannot be written.
pub fn write_sessions(folder: &Utf8Path, parts: &[Part], events: &Events, users: &Text) -> Result<(), TableError> {
    let mut writer = TableWriter::create(&folder.join("sessions.parquet"), &SESSIONS, &[])?;
    let user = |session: &PartSession| usize::try_from(session.user).ok().and_then(|user| users.get(user));
    for part in parts {
        for (piece, sessions) in part.sessions.chunks(PIECE).enumerate() {
            let first = signed(piece * PIECE);
            writer.append(vec![
                Column::Text(Text::full(sessions.iter().map(|_| part.name))),
                Column::Int64((first..).take(sessions.len()).collect()),
                Column::Int64(sessions.iter().map(|session| i64::from(session.session)).collect()),
                Column::Text(Text::full(sessions.iter().map(|session| user(session).unwrap_or_default()))),
                Column::Int64(sessions.iter().map(|session| events.times[session.range()][0]).collect()),
                Column::Int64(sessions.iter().map(|session| events.times[session.range().end - 1]).collect()),
                Column::Int32(
                    sessions.iter().map(|session| i32::try_from(session.length).unwrap_or(i32::MAX)).collect(),
                ),
            ])?;
        }
    }
    writer.finish()
}

fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
