//! The dataset folder of the trainer's contract (`docs/contract.md`): parts as flat arrays, and what they are.

use std::collections::{BTreeMap, HashSet};

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::samples::Sample;
use super::tensors::{self, Tensor};
use super::vocabulary::Vocabulary;
use super::write_json;
use crate::artifact::table::{self, Column, Schema, TableError, Text, Type};

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

/// A session of a part, cut to the maximum length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSession {
    /// The session's number, as in the sessions artifact.
    pub session: i64,
    /// Who.
    pub user: String,
    /// Item of each event, by number.
    pub items: Vec<i32>,
    /// Operation of each event, by number.
    pub operations: Vec<i32>,
    /// Seconds of each event.
    pub times: Vec<i64>,
}

/// Which prefixes of a session are samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefixes {
    /// All, the longest first.
    All,
    /// Only the longest.
    Longest,
}

/// `train`, `valid` or `test`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its sessions, in the order of their numbers; each has at least two events.
    pub sessions: Vec<PartSession>,
    /// Which of their prefixes are samples.
    pub prefixes: Prefixes,
}

impl Part {
    /// The samples as (session index, position of the target in it), in the order of the trainer's arrays.
    pub fn samples(&self) -> impl Iterator<Item = (usize, usize)> {
        self.sessions.iter().enumerate().flat_map(|(index, session)| {
            let last = session.items.len().saturating_sub(1);
            let first = if self.prefixes == Prefixes::All { 1 } else { last.max(1) };
            (first..=last).rev().map(move |position| (index, position))
        })
    }

    /// What each sample is. `trained` holds the items of the training sessions.
    pub fn describe(&self, trained: &HashSet<i32>) -> Vec<Sample> {
        let narrow = |position: usize| i32::try_from(position).unwrap_or(i32::MAX);
        (0..)
            .zip(self.samples())
            .map(|(sample, (index, position))| {
                let session = &self.sessions[index];
                let target = session.items[position];
                Sample {
                    sample,
                    session: session.session,
                    target,
                    position: narrow(position),
                    in_session: session.items[..position].contains(&target),
                    cold: !trained.contains(&target),
                }
            })
            .collect()
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let signed = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let mut offsets = vec![0];
        offsets.extend(self.sessions.iter().scan(0, |end, session| {
            *end += session.items.len();
            Some(signed(*end))
        }));
        let flat = |of: fn(&PartSession) -> &Vec<i32>| self.sessions.iter().flat_map(of).copied().collect();
        let target = |(index, position): (usize, usize)| offsets[index] + signed(position);
        let arrays = [
            ("items", Tensor::Int32(flat(|session| &session.items))),
            ("operations", Tensor::Int32(flat(|session| &session.operations))),
            ("times", Tensor::Int64(self.sessions.iter().flat_map(|session| &session.times).copied().collect())),
            ("sample_session", Tensor::Int64(self.samples().map(|(index, _)| signed(index)).collect())),
            ("sample_target", Tensor::Int64(self.samples().map(target).collect())),
            ("session_offsets", Tensor::Int64(offsets.clone())),
        ];
        arrays.into_iter().map(|(name, tensor)| (format!("{}.{name}", self.name), tensor)).collect()
    }
}

/// Digest of a part's samples: the names, not the numbers, of each input and target.
pub fn samples_digest(part: &Part, items: &Vocabulary, operations: &Vocabulary) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut take = |name: &str| {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
    };
    let name_of = |vocabulary: &Vocabulary, number: i32| -> String {
        usize::try_from(number - 1).map_or_else(|_| String::new(), |index| vocabulary.names()[index].clone())
    };
    for (index, position) in part.samples() {
        let session = &part.sessions[index];
        take(&position.to_string());
        for (item, operation) in session.items[..position].iter().zip(&session.operations) {
            take(&name_of(items, *item));
            take(&name_of(operations, *operation));
        }
        take(&name_of(items, session.items[position]));
    }
    hasher.finalize().to_hex().to_string()
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
pub fn write_samples(folder: &Utf8Path, parts: &[Part]) -> std::io::Result<()> {
    let tensors: Vec<_> = parts.iter().flat_map(Part::tensors).collect();
    tensors::write(&folder.join("samples.safetensors"), &tensors)
}

/// Writes `sessions.parquet`.
///
/// # Errors
/// When the file cannot be written.
pub fn write_sessions(folder: &Utf8Path, parts: &[Part]) -> Result<(), TableError> {
    let rows = || parts.iter().flat_map(|part| part.sessions.iter().map(move |session| (part.name, session)));
    let indices: BTreeMap<&str, i64> = BTreeMap::new();
    let index = rows().scan(indices, |next, (part, _)| {
        let index = next.entry(part).or_insert(0);
        *index += 1;
        Some(*index - 1)
    });
    let columns = vec![
        Column::Text(Text::full(rows().map(|(part, _)| part))),
        Column::Int64(index.collect()),
        Column::Int64(rows().map(|(_, session)| session.session).collect()),
        Column::Text(Text::full(rows().map(|(_, session)| &session.user))),
        Column::Int64(rows().map(|(_, session)| session.times.first().copied().unwrap_or_default()).collect()),
        Column::Int64(rows().map(|(_, session)| session.times.last().copied().unwrap_or_default()).collect()),
        Column::Int32(rows().map(|(_, session)| i32::try_from(session.items.len()).unwrap_or(i32::MAX)).collect()),
    ];
    table::write(&folder.join("sessions.parquet"), &SESSIONS, columns, Vec::new())
}
