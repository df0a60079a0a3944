//! The files of OpenKE: `entity2id.txt` and `relation2id.txt` (a name and its number), `train2id.txt` (head, tail, relation
//! by number). The first line of each is a count.

use super::super::freebase::LINES;
use super::super::freebase::line::utf8;
use super::super::raw::{Fault, RawFile, RawFolder, Row};
use super::super::reading::{Batch, Listed, read};
use super::super::rejects::Rejects;
use super::{Found, Sieve};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};

const HELP: &str = "correct the line or take it out; the first line of a file is the count of the others";

/// Reads the three files.
///
/// # Errors
/// When one is missing or its count is not that of its lines, or a number has no name; see [`read`].
pub(super) fn read_all(
    task: &Task<'_>,
    raw: &RawFolder,
    rejects: &mut Rejects,
    sieve: Sieve<'_>,
    take: &mut dyn FnMut(&Found) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let entities = names(task, &raw.require("entity2id.txt")?, rejects)?;
    let relations = names(task, &raw.require("relation2id.txt")?, rejects)?;
    let file = raw.require("train2id.txt")?;
    let (mut told, mut triples) = (Vec::new(), 0);
    let parse = |row: &Row<'_>, counted: &mut Counted| {
        let read = triple(row.bytes(0), &entities, &relations, sieve, counted);
        counted.found.counted(read)
    };
    read(task, &file, &LINES, rejects, parse, |counted: &mut Counted| {
        told.append(&mut counted.told);
        triples += counted.triples;
        take(&counted.found)
    })?;
    Ok(check(&file, &told, triples)?)
}

/// Triples of some lines, and counts among them.
#[derive(Default)]
struct Counted {
    found: Found,
    told: Vec<u64>,
    triples: u64,
}

impl Batch for Counted {
    fn begin_row(&mut self) {
        self.found.begin_row();
    }

    fn undo_row(&mut self) {
        self.found.undo_row();
    }
}

fn triple(
    line: &[u8],
    entities: &[String],
    relations: &[String],
    sieve: Sieve<'_>,
    counted: &mut Counted,
) -> Result<(), Fault> {
    let numbers = utf8(line)?.split_ascii_whitespace().map(str::parse::<usize>).collect::<Result<Vec<_>, _>>();
    match numbers.as_deref() {
        Ok([count]) => {
            counted.told.push(*count as u64);
            // A count is no line of the base.
            counted.found.counts.lines -= 1;
            Ok(())
        }
        Ok([head, tail, relation]) => {
            let name = |names: &'_ [String], number: &usize| names.get(*number).cloned();
            let named = (name(entities, head), name(relations, relation), name(entities, tail));
            let (Some(head), Some(relation), Some(tail)) = named else {
                return Err(Fault::of_row("a number of the line has no name in the lists beside this file", HELP));
            };
            sieve.take(head.as_bytes(), relation.as_bytes(), tail.as_bytes(), false, &mut counted.found);
            counted.triples += 1;
            Ok(())
        }
        _ => Err(Fault::of_row("the line is not head, tail and relation by number", HELP)),
    }
}

/// The names of a list by number, which are those from 0.
fn names(task: &Task<'_>, file: &RawFile, rejects: &mut Rejects) -> Result<Vec<String>, StageError> {
    let parse = |row: &Row<'_>, listed: &mut Listed<(Option<String>, u64)>| {
        let line = utf8(row.bytes(0))?;
        let (name, number) = line.rsplit_once(|letter: char| letter.is_ascii_whitespace()).unwrap_or(("", line));
        let number =
            number.parse().map_err(|_| Fault::of_row("the line does not end with the number of its name", HELP))?;
        let name = Some(name.trim()).filter(|name| !name.is_empty()).map(str::to_owned);
        listed.values.push((name, number));
        Ok(())
    };
    let (mut named, mut told) = (Vec::new(), Vec::new());
    read(task, file, &LINES, rejects, parse, |listed: &mut Listed<_>| {
        for (name, number) in listed.values.drain(..) {
            match name {
                Some(name) => named.push((number, name)),
                None => told.push(number),
            }
        }
        Ok(())
    })?;
    check(file, &told, named.len() as u64)?;
    named.sort();
    match (0..).zip(&named).find(|(place, (number, _))| place != number) {
        None => Ok(named.into_iter().map(|(_, name)| name).collect()),
        Some((place, _)) => Err(Diagnostic::new(format!("`{}` has no name or two for the number {place}", file.shown))
            .help(HELP)
            .into()),
    }
}

/// Compares the count at the head of a file with its lines.
fn check(file: &RawFile, told: &[u64], lines: u64) -> Result<(), Diagnostic> {
    if told == [lines] {
        return Ok(());
    }
    let told = told.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let told = if told.is_empty() { "nothing" } else { &told };
    Err(Diagnostic::new(format!("`{}` says that it has {told} lines, and it has {lines}", file.shown))
        .help("fetch the file again; its first line is the count of the others"))
}
