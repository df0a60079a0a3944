//! Published links of items to entities: KB4Rec (`item TAB entity`, CRLF, no header) and the `.link` files of RecBole.

use std::collections::{HashMap, HashSet};

use super::raw::{Form, RawFile, RawFolder, Row};
use super::reading::{Listed, read};
use super::rejects::{BadRows, Rejects};
use crate::artifact::table::Text;
use crate::data::items::Items;
use crate::data::links::Links;
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};

const KB4REC: Form<'static> = Form::tsv(&["item", "entity"]).without_header();
const RECBOLE: Form<'static> = Form::tsv(&["item_id:token", "entity_id:token"]);

/// Layouts of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFormat {
    /// As KB4Rec publishes them; entities of YAGO lose their `<` and `>`.
    Kb4rec,
    /// The `.link` files of RecBole.
    Recbole,
}

/// Reads the links of some items out of the input `from` of a task into `links.parquet`. Without names of files all of them
/// are read.
///
/// # Errors
/// A file that is missing or cannot be read, or more bad rows than may be.
pub fn link(
    task: &Task<'_>,
    format: LinkFormat,
    files: &[String],
    items: &Items,
    bad_rows: BadRows,
) -> Result<(), StageError> {
    let raw = RawFolder::new(task.input("from"));
    let mut rejects = Rejects::create(bad_rows, &task.output)?;
    let mut files = raw.all(files)?;
    let form = match format {
        LinkFormat::Kb4rec => KB4REC,
        LinkFormat::Recbole => {
            files.retain(|file| file.name.ends_with(".link"));
            RECBOLE
        }
    };
    if files.is_empty() {
        return Err(Diagnostic::new("there is no `.link` file among the raw files")
            .help("name one under `files:` of the `files` stage")
            .into());
    }
    let mut listed = Vec::new();
    for file in &files {
        listed.append(&mut rows(task, file, &form, &mut rejects)?);
    }
    let rows: HashMap<&str, usize> =
        (0..).zip(items.item.iter()).map(|(row, item)| (item.unwrap_or(""), row)).collect();
    let mut entities: Vec<Option<&str>> = vec![None; rows.len()];
    let (mut again, mut strangers) = (0_u64, 0_u64);
    for (item, entity) in &listed {
        match rows.get(item.as_str()) {
            None => strangers += 1,
            Some(row) if entities[*row].is_some() => again += 1,
            Some(row) => entities[*row] = Some(entity),
        }
    }
    let linked = || entities.iter().enumerate().filter_map(|(row, entity)| Some((items.item.at(row), (*entity)?)));
    let distinct: HashSet<&str> = linked().map(|(_, entity)| entity).collect();
    let count = linked().count();
    task.note("links", listed.len());
    task.note("items linked", count);
    task.note("items without a link", rows.len() - count);
    task.note("links without an item", strangers);
    task.note("links of an item that has one already", again);
    task.note("items that share an entity with an earlier one", count - distinct.len());
    task.note("rejected rows", rejects.finish()?);
    let links = Links {
        item: Text::full(linked().map(|(item, _)| item)),
        entity: Text::full(linked().map(|(_, entity)| entity)),
    };
    Ok(links.write(&task.output)?)
}

/// Item and entity of each row.
fn rows(
    task: &Task<'_>,
    file: &RawFile,
    form: &Form<'_>,
    rejects: &mut Rejects,
) -> Result<Vec<(String, String)>, StageError> {
    let parse = |row: &Row<'_>, listed: &mut Listed<(String, String)>| {
        let (item, entity) = (row.name(0)?, row.name(1)?);
        let bare = entity.strip_prefix('<').and_then(|entity| entity.strip_suffix('>')).unwrap_or(&entity);
        listed.values.push((item.into_owned(), bare.to_owned()));
        Ok(())
    };
    let mut all = Vec::new();
    read(task, file, form, rejects, parse, |listed: &mut Listed<_>| {
        all.append(&mut listed.values);
        Ok(())
    })?;
    Ok(all)
}
