//! Triples out of a dump of Freebase. Most of its lines touch no seed: of these only the subject, which the line before
//! often had too, and the end of the line are looked at.

use super::super::freebase::LINES;
use super::super::freebase::line::{Name, Object, named_object, statement, subject_token, utf8};
use super::super::keys::Keys;
use super::super::raw::{Fault, RawFile, Row};
use super::super::reading::read;
use super::super::rejects::Rejects;
use super::{Found, Sieve};
use crate::engine::stage::{StageError, Task};

/// Reads the files of a dump.
///
/// # Errors
/// See [`read`].
pub(super) fn read_all(
    task: &Task<'_>,
    files: &[RawFile],
    rejects: &mut Rejects,
    sieve: Sieve<'_>,
    take: &mut dyn FnMut(&Found) -> Result<(), StageError>,
) -> Result<(), StageError> {
    for file in files {
        let parse = |row: &Row<'_>, found: &mut Found| {
            let read = line(row.bytes(0), sieve, found);
            found.counted(read)
        };
        read(task, file, &LINES, rejects, parse, |found: &mut Found| take(found))?;
    }
    Ok(())
}

fn line(line: &[u8], sieve: Sieve<'_>, found: &mut Found) -> Result<(), Fault> {
    if let Some(seeds) = sieve.seeds
        && !may_touch(line, seeds, found)?
    {
        found.counts.apart += 1;
        return Ok(());
    }
    let Some(statement) = statement(line)? else {
        found.counts.comments += 1;
        return Ok(());
    };
    utf8(line)?;
    let mut buffers = [const { Vec::new() }; 3];
    let [head, relation, tail] = &mut buffers;
    let head = statement.subject.plain(head);
    let relation = statement.relation.plain(relation);
    match &statement.object {
        Object::Name(name) => sieve.take(head, relation, name.plain(tail), false, found),
        Object::Literal(literal) => {
            literal.write(tail);
            sieve.take(head, relation, tail, true, found);
        }
    }
    Ok(())
}

/// Whether a line may touch a seed; false is certain. Lines of other layouts than N-Triples have to be read.
fn may_touch(line: &[u8], seeds: &Keys, found: &mut Found) -> Result<bool, Fault> {
    let known = found.subject.len();
    let same = known > 0 && line.starts_with(&found.subject) && matches!(line.get(known), Some(b'\t' | b' '));
    if !same {
        let Some(token) = subject_token(line) else { return Ok(true) };
        found.subject.clear();
        found.subject.extend_from_slice(token);
        found.chosen = is_seed(Name::of_iri(&token[1..token.len() - 1]), seeds);
    }
    if found.chosen {
        return Ok(true);
    }
    Ok(named_object(line)?.is_some_and(|name| is_seed(name, seeds)))
}

fn is_seed(name: Name<'_>, seeds: &Keys) -> bool {
    seeds.find(name.plain(&mut Vec::new())).is_some()
}
