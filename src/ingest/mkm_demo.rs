//! The published Demo set of MKM-SR: sparse JDATA, already cut into sessions and split, with the knowledge graph as
//! lists of numbers. `test.csv` lacks the cold items, `test_new_item.csv` keeps them; each has its own graph.

use std::collections::HashMap;

use camino::Utf8Path;

use super::Sink;
use super::jdata::seconds;
use super::rows::Rows;
use crate::artifact::table::Text;
use crate::data::events::Event;
use crate::data::items::{ColdItems, Items};
use crate::engine::stage::StageError;

const EVENT: &[&str] = &["user_id", "sku_id", "action_time", "type", "sessionId"];
const ENTITY: &[&str] = &["id", "entity", "type"];
const RELATION: &[&str] = &["id", "relation"];
const TRIPLE: &[&str] = &["head", "tail", "relation"];

/// The publisher's names of the relations, and ours.
const ATTRIBUTES: [(&str, &str); 4] =
    [("item-brand", "brand"), ("item-shop", "shop"), ("item-cate", "category"), ("item-years", "launch")];

/// Reads one variant of the set into the sink.
///
/// # Errors
/// A missing file, or the first broken row with its place.
pub fn ingest(mut sink: Sink<'_>, cold_items: ColdItems) -> Result<(), StageError> {
    let (test, graph) = match cold_items {
        ColdItems::Drop => ("test.csv", "no_new_item"),
        ColdItems::Keep => ("test_new_item.csv", "with_new_item"),
    };
    for (file, part) in [("train.csv", "train"), (test, "test")] {
        let mut rows = Rows::open(&sink.raw().join(file), b',', EVENT)?;
        while rows.advance()? {
            sink.push(Event {
                user: rows.number(0)?,
                item: rows.number(1)?,
                operation: rows.number(3)?,
                time: seconds(&rows, 2)?,
                session: Some(rows.number(4)?),
                part: Some(part),
            })?;
        }
        sink.report(&rows)?;
    }
    let items = items(&sink.raw().join(graph))?;
    sink.finish(&items)
}

/// Turns the graph back into items with attributes.
fn items(graph: &Utf8Path) -> Result<Items, StageError> {
    let mut relations = HashMap::new();
    let mut rows = Rows::open(&graph.join("relation2id"), b'\t', RELATION)?;
    while rows.advance()? {
        if let Some(at) = ATTRIBUTES.iter().position(|(name, _)| rows.text(1).is_ok_and(|found| found == *name)) {
            relations.insert(rows.number(0)?.to_owned(), at);
        }
    }
    let mut entities: HashMap<String, String> = HashMap::new();
    let mut names = Vec::new();
    let mut places = HashMap::new();
    let mut rows = Rows::open(&graph.join("entity2id"), b'\t', ENTITY)?;
    while rows.advance()? {
        let (id, name) = (rows.number(0)?, rows.text(1)?);
        if rows.text(2)? == "item" {
            places.insert(id.to_owned(), names.len());
            names.push(name.to_owned());
        }
        entities.insert(id.to_owned(), name.to_owned());
    }
    let mut columns: [Vec<Option<String>>; 4] = std::array::from_fn(|_| vec![None; names.len()]);
    let mut rows = Rows::open(&graph.join("kg2id"), b'\t', TRIPLE)?;
    while rows.advance()? {
        let unknown = |column, file: &str| {
            rows.complain(column, &format!("is not in `{file}`"))
                .help("the files must be of the same variant of the set")
        };
        let item = *places.get(rows.number(0)?).ok_or_else(|| unknown(0, "entity2id"))?;
        let value = entities.get(rows.number(1)?).ok_or_else(|| unknown(1, "entity2id"))?;
        let attribute = *relations.get(rows.number(2)?).ok_or_else(|| unknown(2, "relation2id"))?;
        columns[attribute][item] = Some(value.clone());
    }
    let attributes = ATTRIBUTES.iter().zip(columns);
    Ok(Items {
        item: Text::full(names),
        attributes: attributes.map(|((_, name), values)| ((*name).to_owned(), values.into_iter().collect())).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::ingested;
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

    #[test]
    fn the_graph_becomes_attributes_again_and_the_split_is_kept() {
        let (events, items) = ingested(&files("test.csv"), |sink| ingest(sink, ColdItems::Drop)).unwrap();
        assert_eq!(events.part.iter().collect::<Vec<_>>(), [Some("train"), Some("test")]);
        assert_eq!(events.session.iter().collect::<Vec<_>>(), [Some("42"), Some("43")]);
        assert_eq!(events.time, [1_519_862_406, 1_520_061_164]);
        let (name, brand) = &items.attributes[0];
        assert_eq!((name.as_str(), brand.get(0), brand.get(1)), ("brand", Some("9"), Some("9")));
        let (name, launch) = &items.attributes[3];
        assert_eq!((name.as_str(), launch.get(0), launch.get(1)), ("launch", Some("201603"), None));
    }

    #[test]
    fn a_triple_of_an_unknown_entity_is_told() {
        let mut files = files("test.csv");
        files[4].1 = "head\ttail\trelation\n1\t3\t1\n1\t44\t4\n";
        let result = ingested(&files, |sink| ingest(sink, ColdItems::Drop));
        let Err(StageError::Data(error)) = result else { panic!("{result:?}") };
        let at = error.location.unwrap();
        assert_eq!((at.line, at.column), (3, 3));
    }
}
