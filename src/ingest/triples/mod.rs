//! Triples out of a knowledge base: what touches a seed as head or tail, in one pass over its files for each step out.
//! Memory holds the seeds and the names of what is kept, whatever the size of the base.

mod freebase;
mod openke;
mod recbole;

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys::{Key, Keys};
use super::raw::{Fault, RawFolder};
use super::reading::Batch;
use super::rejects::{BadRows, Rejects};
use crate::artifact::table::Text;
use crate::data::triples::{TripleWriter, is_type};
use crate::engine::stage::{StageError, Task};

/// Layouts of knowledge bases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnowledgeFormat {
    /// A dump of Freebase, N-Triples or quadruples.
    #[default]
    Freebase,
    /// The `.kg` files of RecBole.
    Recbole,
    /// `entity2id.txt`, `relation2id.txt` and `train2id.txt` of OpenKE.
    Openke,
}

/// What becomes of some triples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// They are left out, and counted.
    Drop,
    /// They stay.
    Keep,
}

/// What is taken out of a knowledge base.
#[derive(Debug, Clone, Copy)]
pub struct Extraction<'a> {
    /// How the base is laid out.
    pub format: KnowledgeFormat,
    /// The files that are read; all of them where none is named.
    pub files: &'a [String],
    /// The entities round which triples are kept; without them all are.
    pub seeds: Option<&'a Text>,
    /// How many steps out from the seeds, at least one.
    pub hops: u32,
    /// What becomes of triples whose tail is a text, a number or a date.
    pub literals: Keep,
    /// What becomes of triples that say of what type something is.
    pub types: Keep,
    /// What becomes of lines that cannot be read.
    pub bad_rows: BadRows,
}

/// What became of the lines of a pass.
#[derive(Debug, Clone, Default)]
struct Counts {
    lines: u64,
    apart: u64,
    comments: u64,
    literals: u64,
    types: u64,
    faults: BTreeMap<Cow<'static, str>, u64>,
}

impl Counts {
    fn add(&mut self, more: &Self) {
        self.lines += more.lines;
        self.apart += more.apart;
        self.comments += more.comments;
        self.literals += more.literals;
        self.types += more.types;
        for (problem, count) in &more.faults {
            *self.faults.entry(problem.clone()).or_default() += count;
        }
    }

    fn note(&self, task: &Task<'_>) {
        task.note("lines", self.lines);
        task.note("lines that touch no seed", self.apart);
        task.note("comments", self.comments);
        task.note("literals left out", self.literals);
        task.note("type triples left out", self.types);
        for (problem, count) in &self.faults {
            task.note(&format!("rejected: {problem}"), *count);
        }
    }
}

/// A triple on its way to its numbers.
#[derive(Debug, Clone, Copy)]
struct Draft {
    head: Key,
    relation: Key,
    tail: Key,
    literal: bool,
}

/// Triples of some lines.
#[derive(Default)]
struct Found {
    triples: Vec<Draft>,
    text: Vec<u8>,
    counts: Counts,
    /// The subject of the line before, with its brackets, and whether it is a seed: a dump is sorted by subject.
    subject: Vec<u8>,
    chosen: bool,
}

impl Batch for Found {
    fn begin_row(&mut self) {
        self.counts.lines += 1;
    }

    // A line has its triple only once it has been read.
    fn undo_row(&mut self) {}

    fn clear(&mut self) {
        self.triples.clear();
        self.text.clear();
        self.counts = Counts::default();
    }
}

impl Found {
    /// Counts a line that is rejected, by what is wrong with it.
    fn counted(&mut self, read: Result<(), Fault>) -> Result<(), Fault> {
        read.inspect_err(|fault| *self.counts.faults.entry(fault.problem.clone()).or_default() += 1)
    }
}

/// Which triples are kept.
#[derive(Clone, Copy)]
struct Sieve<'s> {
    seeds: Option<&'s Keys>,
    literals: Keep,
    types: Keep,
}

impl Sieve<'_> {
    /// Takes a triple by its names if it is to be kept.
    fn take(&self, head: &[u8], relation: &[u8], tail: &[u8], literal: bool, found: &mut Found) {
        let seeds = |name: &[u8]| self.seeds.is_none_or(|seeds| seeds.find(name).is_some());
        if !seeds(head) && (literal || !seeds(tail)) {
            found.counts.apart += 1;
        } else if self.types == Keep::Drop && is_type(relation) {
            found.counts.types += 1;
        } else if self.literals == Keep::Drop && literal {
            found.counts.literals += 1;
        } else {
            let mut key = |name: &[u8]| Key::new(name, &mut found.text);
            let draft = Draft { head: key(head), relation: key(relation), tail: key(tail), literal };
            found.triples.push(draft);
        }
    }
}

/// Reads a knowledge base, which is the input `from` of a task, into tables of triples.
///
/// # Errors
/// A file that is missing or cannot be read, more bad rows than may be, or more than 2^31 names.
pub fn extract(task: &Task<'_>, extraction: &Extraction<'_>) -> Result<(), StageError> {
    let mut seeds = extraction.seeds.map(|names| {
        let mut keys = Keys::default();
        names.iter().flatten().for_each(|name| add(&mut keys, name));
        keys
    });
    if let Some(seeds) = &mut seeds {
        task.note("seeds", seeds.len());
        for hop in 1..extraction.hops {
            let mut met = Keys::default();
            pass(task, extraction, Some(seeds), &mut |found| {
                for draft in &found.triples {
                    met.number(draft.head, &found.text);
                    if !draft.literal {
                        met.number(draft.tail, &found.text);
                    }
                }
                Ok(met.check("entities")?)
            })?;
            met.names().iter().flatten().for_each(|name| add(seeds, name));
            task.note(&format!("seeds after {hop} of {} steps", extraction.hops), seeds.len());
        }
    }
    let (mut entities, mut relations, mut literals) = (Keys::default(), Keys::default(), Vec::new());
    let mut writer = TripleWriter::create(&task.output)?;
    let counts = pass(task, extraction, seeds.as_ref(), &mut |found| {
        for Draft { head, relation, tail, literal } in &found.triples {
            let head = entities.number(*head, &found.text);
            literals.resize(entities.len(), false);
            let tail = entities.number(*tail, &found.text);
            literals.resize(entities.len(), *literal);
            writer.push([head, relations.number(*relation, &found.text), tail])?;
        }
        Ok(entities.check("entities")?)
    })?;
    counts.note(task);
    task.note("entities", entities.len());
    task.note("relations", relations.len());
    task.note("triples", writer.finish(&task.output, entities.names(), literals, relations.names())?);
    Ok(())
}

fn add(keys: &mut Keys, name: &str) {
    let mut text = Vec::new();
    let key = Key::new(name.as_bytes(), &mut text);
    keys.number(key, &text);
}

/// Reads the whole base once.
fn pass(
    task: &Task<'_>,
    extraction: &Extraction<'_>,
    seeds: Option<&Keys>,
    take: &mut dyn FnMut(&Found) -> Result<(), StageError>,
) -> Result<Counts, StageError> {
    let raw = RawFolder::new(task.input("from"));
    // An earlier pass has met the same bad rows: those of the last one stand.
    let mut rejects = Rejects::create(extraction.bad_rows, &task.output)?;
    let sieve = Sieve { seeds, literals: extraction.literals, types: extraction.types };
    let mut counts = Counts::default();
    let mut take = |found: &Found| {
        counts.add(&found.counts);
        take(found)
    };
    match extraction.format {
        KnowledgeFormat::Freebase => {
            freebase::read_all(task, &raw.all(extraction.files)?, &mut rejects, sieve, &mut take)?;
        }
        KnowledgeFormat::Recbole => {
            recbole::read_all(task, &raw.all(extraction.files)?, &mut rejects, sieve, &mut take)?;
        }
        KnowledgeFormat::Openke => openke::read_all(task, &raw, &mut rejects, sieve, &mut take)?,
    }
    task.note("rejected rows", rejects.finish()?);
    Ok(counts)
}
