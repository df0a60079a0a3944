//! Links by title, as KSR makes them: an item is the entity that has its title for a name. Where several have it, one more
//! attribute must agree, and agree for one of them only; what stays open is listed with its candidates.
//! The dump is read twice: for the names, then for what is said of the entities that were found.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LINES;
use super::line::{Object, statement};
use super::title::{bare_title_key, name_key, title_key, year};
use crate::artifact::table::Text;
use crate::data::items::Items;
use crate::data::links::{Candidate, Links};
use crate::data::triples::TYPE_RELATIONS;
use crate::engine::stage::{StageError, Task};
use crate::ingest::keys::{Key, Keys};
use crate::ingest::raw::{Fault, RawFolder, Row};
use crate::ingest::reading::{Batch, Listed, read};
use crate::ingest::rejects::{BadRows, Rejects};

/// How items are looked for in a dump of Freebase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByTitle {
    /// The attribute of the items that is their title.
    pub attribute: String,
    /// The relations that give an entity its name.
    #[serde(default = "object_name")]
    pub names: Vec<String>,
    /// The language of names. Names of no language count as well.
    #[serde(default = "english")]
    pub language: String,
    /// Whether a title that no entity has is looked for again without the brackets at its end: `Title (Other Title)`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_brackets: bool,
    /// Of which types the entity of an item may be; of any when left out. `film.film`, say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// What may decide between entities of one name: one of these must agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub and: Vec<Agreement>,
}

/// An attribute in which item and entity may agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// The attribute of the items.
    pub attribute: String,
    /// The relations that say the same of an entity: by a literal, or by an entity that has the name.
    pub relations: Vec<String>,
    /// When the two agree.
    #[serde(default)]
    pub compare: Compare,
}

/// When an attribute of an item and what is said of an entity agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// When they are the same name, by the rule for names.
    #[default]
    Name,
    /// When they are of the same year: that in the brackets at the end of a title, or at the beginning of a date.
    Year,
}

fn object_name() -> Vec<String> {
    vec!["type.object.name".to_owned()]
}

fn english() -> String {
    "en".to_owned()
}

/// What a fact is about: the type of an entity, or an agreement by its place in the list.
const TYPE: usize = usize::MAX;

/// What the items ask for.
struct Wanted {
    /// Keys of titles and of names that may agree, by number.
    keys: HashMap<String, u32>,
    /// By item: the key of its title.
    titles: Vec<Option<u32>>,
    /// By item: the key of its title without brackets, where that is asked for and another one.
    bare: Vec<Option<u32>>,
    /// By agreement, then by item: a key, or a year.
    values: Vec<Vec<Option<u32>>>,
}

impl Wanted {
    fn new(items: &Items, by: &ByTitle) -> Result<Self, StageError> {
        let mut keys = HashMap::new();
        let mut number = |key: String| {
            let next = keys.len() as u32;
            (!key.is_empty()).then(|| *keys.entry(key).or_insert(next))
        };
        let column = items.attribute(&by.attribute)?;
        let titles = column.iter().map(|title| number(title_key(title?))).collect();
        let bare = |title: &str| bare_title_key(title).filter(|_| by.without_brackets);
        let bare = column.iter().map(|title| number(bare(title?)?)).collect();
        let mut values = Vec::new();
        for agreement in &by.and {
            let column = items.attribute(&agreement.attribute)?.iter();
            values.push(match agreement.compare {
                Compare::Name => column.map(|name| number(name_key(name?))).collect(),
                Compare::Year => column.map(|text| year(text?)).collect(),
            });
        }
        Ok(Self { keys, titles, bare, values })
    }
}

/// Entities and the wanted keys that name them.
#[derive(Default)]
struct Named {
    entities: Keys,
    /// Entity and key, sorted.
    keys: Vec<(u32, u32)>,
}

impl Named {
    /// The wanted keys of an entity.
    fn of(&self, entity: &[u8]) -> impl Iterator<Item = u32> {
        let entity = self.entities.find(entity).unwrap_or(u32::MAX);
        let from = self.keys.partition_point(|(other, _)| *other < entity);
        self.keys[from..].iter().take_while(move |(other, _)| *other == entity).map(|(_, key)| *key)
    }
}

/// Names that are wanted, in some lines.
#[derive(Default)]
struct Hits {
    found: Vec<(Key, u32)>,
    text: Vec<u8>,
}

impl Batch for Hits {
    fn begin_row(&mut self) {}

    // A line has its name only once it has been read.
    fn undo_row(&mut self) {}
}

/// Something said of an entity: the entity, what it is about, a key or a year.
type Fact = (u32, usize, u32);

/// Links items to the entities of a dump, which is the input `from` of a task, by their titles: `links.parquet`, and
/// `ambiguous.parquet` for the items of which several entities may be meant. Without names of files all of them are read.
///
/// # Errors
/// An attribute that the items lack, a file that cannot be read, or more bad rows than may be.
pub fn link(
    task: &Task<'_>,
    by: &ByTitle,
    files: &[String],
    items: &Items,
    bad_rows: BadRows,
) -> Result<(), StageError> {
    let dump = Dump { task, files, bad_rows };
    let wanted = Wanted::new(items, by)?;
    let named = names(&dump, by, &wanted)?;
    let mut facts =
        if by.types.is_empty() && by.and.is_empty() { Vec::new() } else { facts(&dump, by, &wanted, &named)? };
    facts.sort_unstable();
    facts.dedup();
    decide(task, by, items, &wanted, &named, &facts)
}

/// A dump, which is read from its first line to its last as often as it must be.
struct Dump<'a> {
    task: &'a Task<'a>,
    files: &'a [String],
    bad_rows: BadRows,
}

impl Dump<'_> {
    /// Reads every line.
    fn read<T: Batch>(
        &self,
        parse: impl Fn(&Row<'_>, &mut T) -> Result<(), Fault> + Sync,
        mut take: impl FnMut(&mut T) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let raw = RawFolder::new(self.task.input("from"));
        // Each pass meets the same bad rows: those of the last one stand.
        let mut rejects = Rejects::create(self.bad_rows, &self.task.output)?;
        let mut lines = 0;
        for file in raw.all(self.files)? {
            lines += read(self.task, &file, &LINES, &mut rejects, &parse, &mut take)?.rows;
        }
        self.task.note("lines", lines);
        self.task.note("rejected rows", rejects.finish()?);
        Ok(())
    }
}

/// The entities whose names are wanted.
fn names(dump: &Dump<'_>, by: &ByTitle, wanted: &Wanted) -> Result<Named, StageError> {
    let relations: HashSet<&[u8]> = by.names.iter().map(String::as_bytes).collect();
    let parse = |row: &Row<'_>, hits: &mut Hits| {
        let Some(statement) = statement(row.bytes(0))? else { return Ok(()) };
        let Object::Literal(literal) = &statement.object else { return Ok(()) };
        let language = literal.language();
        if !relations.contains(statement.relation.plain(&mut Vec::new()))
            || !(language.is_empty() || language == by.language.as_bytes())
        {
            return Ok(());
        }
        if let Some(key) = wanted.keys.get(&name_key(&literal.text()?)) {
            let entity = Key::new(statement.subject.plain(&mut Vec::new()), &mut hits.text);
            hits.found.push((entity, *key));
        }
        Ok(())
    };
    let mut named = Named::default();
    dump.read(parse, |hits| {
        for (entity, key) in &hits.found {
            let entity = named.entities.number(*entity, &hits.text);
            named.keys.push((entity, *key));
        }
        Ok(named.entities.check("entities")?)
    })?;
    named.keys.sort_unstable();
    named.keys.dedup();
    Ok(named)
}

/// What is said of the entities that were found, as far as it decides anything.
fn facts(dump: &Dump<'_>, by: &ByTitle, wanted: &Wanted, named: &Named) -> Result<Vec<Fact>, StageError> {
    let types: HashSet<&[u8]> = by.types.iter().map(String::as_bytes).collect();
    let mut about: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (place, agreement) in by.and.iter().enumerate() {
        agreement.relations.iter().for_each(|relation| about.entry(relation.as_bytes()).or_default().push(place));
    }
    // `type.type.instance` says the same from the other end.
    for relation in TYPE_RELATIONS.iter().filter(|relation| **relation != "type.type.instance") {
        about.entry(relation.as_bytes()).or_default().push(TYPE);
    }
    let parse = |row: &Row<'_>, listed: &mut Listed<Fact>| {
        let Some(statement) = statement(row.bytes(0))? else { return Ok(()) };
        let Some(places) = about.get(statement.relation.plain(&mut Vec::new())) else { return Ok(()) };
        let Some(entity) = named.entities.find(statement.subject.plain(&mut Vec::new())) else { return Ok(()) };
        let mut buffer = Vec::new();
        for place in places {
            let compare = by.and.get(*place).map(|agreement| agreement.compare);
            let mut say = |value: u32| listed.values.push((entity, *place, value));
            match (&statement.object, compare) {
                (Object::Name(name), None) if types.contains(name.plain(&mut buffer)) => say(0),
                (Object::Name(name), Some(Compare::Name)) => named.of(name.plain(&mut buffer)).for_each(say),
                (Object::Literal(literal), Some(Compare::Name)) => {
                    wanted.keys.get(&name_key(&literal.text()?)).copied().into_iter().for_each(say);
                }
                (Object::Literal(literal), Some(Compare::Year)) => {
                    year(&literal.text()?).into_iter().for_each(say);
                }
                _ => {}
            }
        }
        Ok(())
    };
    let mut facts = Vec::new();
    dump.read(parse, |listed: &mut Listed<Fact>| {
        facts.append(&mut listed.values);
        Ok(())
    })?;
    Ok(facts)
}

/// Picks the entity of each item.
fn decide(
    task: &Task<'_>,
    by: &ByTitle,
    items: &Items,
    wanted: &Wanted,
    named: &Named,
    facts: &[Fact],
) -> Result<(), StageError> {
    let says = |fact: Fact| facts.binary_search(&fact).is_ok();
    let mut by_title: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (entity, key) in &named.keys {
        if by.types.is_empty() || says((*entity, TYPE, 0)) {
            by_title.entry(*key).or_default().push(*entity);
        }
    }
    let entity_names = named.entities.names();
    let titles = items.attribute(&by.attribute)?;
    let (mut links, mut ambiguous) = (Vec::new(), Vec::new());
    let (mut untitled, mut unknown, mut alone, mut agreed, mut open) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for (row, title) in wanted.titles.iter().enumerate() {
        let Some(title) = title else {
            untitled += 1;
            continue;
        };
        let bare = || wanted.bare[row].and_then(|bare| by_title.get(&bare));
        let candidates = by_title.get(title).or_else(bare).map(Vec::as_slice).unwrap_or_default();
        let agrees = |entity: u32| -> Vec<&str> {
            let agreements = by.and.iter().zip(&wanted.values).enumerate();
            let agreeing = agreements
                .filter(|(place, (_, values))| values[row].is_some_and(|value| says((entity, *place, value))));
            agreeing.map(|(_, (agreement, _))| agreement.attribute.as_str()).collect()
        };
        let agreeing: Vec<u32> = candidates.iter().copied().filter(|entity| !agrees(*entity).is_empty()).collect();
        match (candidates, &agreeing[..]) {
            ([], _) => unknown += 1,
            ([entity], _) => {
                alone += 1;
                links.push((row, *entity));
            }
            (_, [entity]) => {
                agreed += 1;
                links.push((row, *entity));
            }
            _ => {
                open += 1;
                ambiguous.extend(candidates.iter().map(|entity| Candidate {
                    item: items.item.at(row).to_owned(),
                    title: titles.at(row).to_owned(),
                    entity: entity_names.at(*entity as usize).to_owned(),
                    agrees: agrees(*entity).join("|"),
                }));
            }
        }
    }
    let distinct: HashSet<u32> = links.iter().map(|(_, entity)| *entity).collect();
    task.note("items", wanted.titles.len());
    task.note("items linked", links.len());
    task.note("items linked by their title alone", alone);
    task.note("items linked by one more attribute", agreed);
    task.note("items without a title", untitled);
    task.note("items whose title no entity has", unknown);
    task.note("ambiguous items", open);
    task.note("items that share an entity with another one", links.len() - distinct.len());
    Candidate::write_all(&task.output, &ambiguous)?;
    let links = Links {
        item: Text::full(links.iter().map(|(row, _)| items.item.at(*row))),
        entity: Text::full(links.iter().map(|(_, entity)| entity_names.at(*entity as usize))),
    };
    Ok(links.write(&task.output)?)
}
