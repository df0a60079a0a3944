//! The triples of a dataset out of those of a knowledge base: links turn entities into items, rare relations go, and what
//! is left is numbered anew.

use std::collections::HashMap;

use super::{Config, Keep};
use crate::data::knowledge::Knowledge;
use crate::data::links::Links;
use crate::data::triples::{Names, TripleReader, is_type};
use crate::data::vocabulary::Vocabulary;
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};
use crate::unit::thousands;

/// Makes the triples of a dataset from the inputs `triples` and `links` of a task. Entities are the items, then the others
/// in the order of the base; relations keep the order of the base. Relations are counted once, each triple once, before
/// any of them goes (KSR).
///
/// # Errors
/// When an input cannot be read.
pub(super) fn extract(config: &Config, task: &Task<'_>, vocabulary: &Vocabulary) -> Result<Knowledge, StageError> {
    let names = Names::read(task.input("triples"))?;
    let items = items_of(task, vocabulary, &names)?;
    let mut triples = chosen(config, task, &names)?;
    let all = triples.len();
    let relations = frequent(config, task, &names, &mut triples);
    if triples.is_empty() && all > 0 {
        let least = thousands(config.min_triples());
        let message = format!("no triple is left of {}: each relation has fewer than `min_triples`, {least}", thousands(all));
        return Err(Diagnostic::new(message).help("lower `min_triples`, or extract more triples").into());
    }

    let mut entities: Vec<(String, String)> =
        vocabulary.names().iter().map(|item| (item.clone(), "item".to_owned())).collect();
    // By entity of the base: its number here, of the first item where several share it; 0 where it has none.
    let mut numbers = vec![0_i32; names.entities.len()];
    const MET: i32 = -1;
    for [head, _, tail] in &triples {
        for entity in [*head as usize, *tail as usize] {
            numbers[entity] = MET;
        }
    }
    for (entity, number) in numbers.iter_mut().enumerate().filter(|(_, number)| **number == MET) {
        if let Some(items) = items.get(&entity) {
            *number = items[0];
            continue;
        }
        let kind = if names.literals[entity] { "literal" } else { "entity" };
        entities.push((names.entities.at(entity).to_owned(), kind.to_owned()));
        *number = i32::try_from(entities.len()).expect("numbers of entities fit 31 bits");
    }
    let all_of = |entity: u32| {
        let number = &numbers[entity as usize];
        let is_item = number.cast_unsigned() as usize <= vocabulary.len();
        if is_item { items[&(entity as usize)].as_slice() } else { std::slice::from_ref(number) }
    };
    let mut renumbered = Vec::with_capacity(triples.len());
    for [head, relation, tail] in triples {
        for head in all_of(head) {
            renumbered.extend(all_of(tail).iter().map(|tail| [*head, relation.cast_signed() + 1, *tail]));
        }
    }
    renumbered.sort_unstable();
    let with = with_triples(&renumbered, vocabulary.len());
    task.note("items with triples", with);
    task.note("items without triples", vocabulary.len() - with);
    Ok(Knowledge { entities, relations, triples: renumbered })
}

/// By linked entity of the base: the items that it is, in the order of their numbers.
fn items_of(
    task: &Task<'_>,
    vocabulary: &Vocabulary,
    names: &Names,
) -> Result<HashMap<usize, Vec<i32>>, StageError> {
    let links = Links::read(task.input("links"))?;
    let mut linked: HashMap<&str, Vec<i32>> = HashMap::new();
    for (item, entity) in links.item.iter().zip(links.entity.iter()) {
        if let (Some(number), Some(entity)) = (vocabulary.number(item.unwrap_or_default()), entity) {
            linked.entry(entity).or_default().push(number);
        }
    }
    let count: usize = linked.values().map(Vec::len).sum();
    task.note("items linked", count);
    task.note("items without a link", vocabulary.len() - count);
    let mut items = HashMap::new();
    for (entity, name) in names.entities.iter().enumerate().filter(|(entity, _)| !names.literals[*entity]) {
        if let Some(mut numbers) = linked.remove(name.unwrap_or_default()) {
            numbers.sort_unstable();
            items.insert(entity, numbers);
        }
    }
    Ok(items)
}

/// The triples of the kinds that stay, each once, sorted.
fn chosen(config: &Config, task: &Task<'_>, names: &Names) -> Result<Vec<[u32; 3]>, StageError> {
    let drops = |choice: Option<Keep>| choice == Some(Keep::Drop);
    let types: Vec<bool> =
        names.relations.iter().map(|name| drops(config.types) && is_type(name.unwrap_or_default().as_bytes())).collect();
    let reader = TripleReader::open(task.input("triples"))?;
    let mut triples = Vec::with_capacity(reader.rows());
    let (mut typed, mut literal) = (0_u64, 0_u64);
    for piece in reader {
        for triple in piece? {
            if types[triple[1] as usize] {
                typed += 1;
            } else if drops(config.literals) && names.literals[triple[2] as usize] {
                literal += 1;
            } else {
                triples.push(triple);
            }
        }
    }
    let all = triples.len();
    triples.sort_unstable();
    triples.dedup();
    task.note("type triples left out", typed);
    task.note("literals left out", literal);
    task.note("triples that stand there twice", all - triples.len());
    Ok(triples)
}

/// Takes the triples of rare relations out and numbers the relations that stay; answers their names.
fn frequent(config: &Config, task: &Task<'_>, names: &Names, triples: &mut Vec<[u32; 3]>) -> Vec<String> {
    let mut counts = vec![0_u64; names.relations.len()];
    triples.iter().for_each(|[_, relation, _]| counts[*relation as usize] += 1);
    let stays = |count: u64| count > 0 && count >= config.min_triples();
    let mut next = 0;
    let numbers: Vec<Option<u32>> = counts
        .iter()
        .map(|count| {
            stays(*count).then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    let all = triples.len();
    triples.retain_mut(|[_, relation, _]| match numbers[*relation as usize] {
        Some(number) => {
            *relation = number;
            true
        }
        None => false,
    });
    let rare = counts.iter().filter(|count| **count > 0 && !stays(**count)).count();
    task.note("relations", u64::from(next));
    task.note("relations with too few triples", rare);
    task.note("triples of relations with too few", all - triples.len());
    let kept = numbers.iter().enumerate().filter(|(_, number)| number.is_some());
    kept.map(|(relation, _)| names.relations.at(relation).to_owned()).collect()
}

/// How many items are the head or the tail of a triple.
fn with_triples(triples: &[[i32; 3]], items: usize) -> usize {
    let mut seen = vec![false; items];
    for [head, _, tail] in triples {
        for entity in [*head, *tail] {
            if let Some(seen) = usize::try_from(entity - 1).ok().and_then(|at| seen.get_mut(at)) {
                *seen = true;
            }
        }
    }
    seen.iter().filter(|seen| **seen).count()
}
