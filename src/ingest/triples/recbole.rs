//! The `.kg` files of RecBole: head, relation and tail by name, with typed names of the columns.

use super::super::raw::{Form, RawFile, Row};
use super::super::reading::read;
use super::super::rejects::Rejects;
use super::{Found, Sieve};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};

const TRIPLE: &[&str] = &["head_id:token", "relation_id:token", "tail_id:token"];

/// Reads the `.kg` files among some.
///
/// # Errors
/// When there is none; see [`read`].
pub(super) fn read_all(
    task: &Task<'_>,
    files: &[RawFile],
    rejects: &mut Rejects,
    sieve: Sieve<'_>,
    take: &mut dyn FnMut(&Found) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let files: Vec<&RawFile> = files.iter().filter(|file| file.name.ends_with(".kg")).collect();
    if files.is_empty() {
        return Err(Diagnostic::new("there is no `.kg` file among the raw files")
            .help("name one under `files:` of the `files` stage")
            .into());
    }
    for file in files {
        let parse = |row: &Row<'_>, found: &mut Found| {
            let mut triple = || {
                let [head, relation, tail] = [row.name(0)?, row.name(1)?, row.name(2)?];
                sieve.take(head.as_bytes(), relation.as_bytes(), tail.as_bytes(), false, found);
                Ok(())
            };
            let read = triple();
            found.counted(read)
        };
        read(task, file, &Form::tsv(TRIPLE), rejects, parse, |found: &mut Found| take(found))?;
    }
    Ok(())
}
