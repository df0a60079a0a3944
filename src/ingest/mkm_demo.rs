//! The published Demo set of MKM-SR: sparse JDATA, already cut into sessions and split, with the knowledge graph as
//! lists of numbers. `test.csv` lacks the cold items, `test_new_item.csv` keeps them; each has its own graph.

use std::collections::HashMap;

use super::Options;
use super::draft::{Draft, Drafts};
use super::intake::Intake;
use super::known::Values;
use super::raw::{Fault, Form, RawFile, Row};
use crate::data::events::{Clock, Given, Group};
use crate::data::items::ColdItems;
use crate::engine::stage::{StageError, Task};

const EVENT: &[&str] = &["user_id", "sku_id", "action_time", "type", "sessionId"];
const ENTITY: &[&str] = &["id", "entity", "type"];
const RELATION: &[&str] = &["id", "relation"];
const TRIPLE: &[&str] = &["head", "tail", "relation"];

/// The publisher's names of the relations, and ours.
const ATTRIBUTES: [(&str, &str); 4] =
    [("item-brand", "brand"), ("item-shop", "shop"), ("item-cate", "category"), ("item-years", "launch")];

/// Reads one variant of the set.
///
/// # Errors
/// A missing file, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let mut intake = Intake::create(task, options.bad_rows, Clock::Seconds, Group::Session)?;
    let (test, graph) = match options.cold_items {
        ColdItems::Drop => ("test.csv", "no_new_item"),
        ColdItems::Keep => ("test_new_item.csv", "with_new_item"),
    };
    for (file, part) in [("train.csv", Given::Train), (test, Given::Test)] {
        let file = intake.raw().require(file)?;
        intake.log(&file, &Form::csv(EVENT), |row, drafts| event(row, part, drafts))?;
    }
    let file = |name: &str| intake.raw().require(&format!("{graph}/{name}"));
    let files = [file("relation2id")?, file("entity2id")?, file("kg2id")?];
    items(&mut intake, &files)?;
    intake.finish()
}

fn event(row: &Row<'_>, part: Given, drafts: &mut Drafts) -> Result<(), Fault> {
    let draft = Draft {
        user: drafts.number(row, 0)?,
        session: drafts.number(row, 4)?,
        item: drafts.number(row, 1)?,
        operation: drafts.number(row, 3)?,
        time: Some(row.clock(2)?),
        order: None,
        part: Some(part),
    };
    drafts.push(draft);
    Ok(())
}

/// Turns the graph back into items with attributes.
fn items(intake: &mut Intake<'_>, [relation, entity, triple]: &[RawFile; 3]) -> Result<(), StageError> {
    let text =
        |row: &Row<'_>, column: usize| row.digits(column).map(|digits| String::from_utf8_lossy(digits).into_owned());
    let named = intake.list(relation, &Form::tsv(RELATION), |row| Ok((text(row, 0)?, row.name(1)?.into_owned())))?;
    let place = |name: &str| ATTRIBUTES.iter().position(|(published, _)| *published == name);
    let relations: HashMap<String, usize> =
        named.into_iter().filter_map(|(id, name)| Some((id, place(&name)?))).collect();

    let mut names = Vec::new();
    let (mut entities, mut places) = (HashMap::new(), HashMap::new());
    let listed = intake.list(entity, &Form::tsv(ENTITY), |row| {
        Ok((text(row, 0)?, row.name(1)?.into_owned(), row.bytes(2) == b"item"))
    })?;
    for (id, name, is_item) in listed {
        if is_item {
            places.insert(id.clone(), names.len());
            names.push(name.clone());
        }
        entities.insert(id, name);
    }

    const UNKNOWN: &str = "is in none of the lists beside this file";
    const VARIANT: &str = "the files must be of the same variant of the set";
    let triples = intake.list(triple, &Form::tsv(TRIPLE), |row| {
        let item = places.get(&text(row, 0)?).ok_or_else(|| Fault::of(0, UNKNOWN, VARIANT))?;
        let value = entities.get(&text(row, 1)?).ok_or_else(|| Fault::of(1, UNKNOWN, VARIANT))?;
        let attribute = relations.get(&text(row, 2)?).ok_or_else(|| Fault::of(2, UNKNOWN, VARIANT))?;
        Ok((*item, value, *attribute))
    })?;
    let mut known: Vec<[Option<&str>; 4]> = vec![[None; 4]; names.len()];
    for (item, value, attribute) in &triples {
        known[*item][*attribute] = Some(value);
    }
    let mut values = Values::default();
    for (name, known) in names.iter().zip(known) {
        values.name(name.as_bytes());
        known.into_iter().for_each(|value| values.push(value));
    }
    intake.know_items(&ATTRIBUTES.map(|(_, ours)| ours), &values);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{Ingested, ingested};
    use super::*;

    fn files(test: &'static str) -> Vec<(&'static str, &'static str)> {
        vec![
            (
                "train.csv",
                "action_time,user_id,sku_id,type,sessionId,index\n2018-03-01 00:00:06,5,70,1,42,1519862406.0\n",
            ),
            (test, "action_time,user_id,sku_id,type,sessionId,index\n2018-03-03 07:12:44,6,71,2,43,1520061164.0\n"),
            ("no_new_item/relation2id", "relation\tid\nitem-brand\t1\nitem-shop\t2\nitem-cate\t3\nitem-years\t4\n"),
            (
                "no_new_item/entity2id",
                "entity\tid\ttype\n0\t0\t0\n70\t1\titem\n71\t2\titem\n9\t3\tbrand\n201603\t4\tyears\n",
            ),
            ("no_new_item/kg2id", "head\ttail\trelation\n1\t3\t1\n1\t4\t4\n2\t3\t1\n"),
        ]
    }

    fn read(files: &[(&'static str, &'static str)]) -> Result<Ingested, StageError> {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        ingested(Format::MkmDemo, &Options::default(), &files)
    }

    #[test]
    fn the_graph_becomes_attributes_again_and_the_split_is_kept() {
        let made = read(&files("test.csv")).unwrap();
        assert_eq!(made.parts, [Some(Given::Train), Some(Given::Test)]);
        assert_eq!((made.events[0].1.as_str(), made.events[1].1.as_str()), ("42", "43"));
        assert_eq!((made.events[0].4, made.events[1].4), (1_519_862_406, 1_520_061_164));
        let (name, brand) = &made.items.attributes[0];
        assert_eq!((name.as_str(), brand.get(0), brand.get(1)), ("brand", Some("9"), Some("9")));
        let (name, launch) = &made.items.attributes[3];
        assert_eq!((name.as_str(), launch.get(0), launch.get(1)), ("launch", Some("201603"), None));
    }

    #[test]
    fn a_triple_of_an_unknown_entity_is_told() {
        let mut files = files("test.csv");
        files[4].1 = "head\ttail\trelation\n1\t3\t1\n1\t44\t4\n";
        let result = read(&files);
        let Err(StageError::Data(error)) = result else { panic!("{result:?}") };
        let at = error.location.unwrap();
        assert_eq!((at.line, at.column), (3, 3));
    }
}
