//! `extract_knowledge`: triples over the items of a dataset, from attributes of the items (item, attribute, value), or from
//! the triples of a knowledge base to which the items are linked.

mod base;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::items::{self, Items};
use crate::data::knowledge::Knowledge;
use crate::data::vocabulary::{ITEMS, Vocabulary};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
use crate::ingest::triples::Keep;

/// Makes the triples of a dataset: of attributes (`items`), or of a knowledge base (`triples` and `links`).
///
/// Every item of the dataset keeps its number, with triples or without; cold items have theirs like all others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that makes the dataset, whose items come first among the entities.
    pub dataset: String,
    /// A stage that has the items with their attributes: `ingest`, `sessionize` or `filter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// With `items`, the attributes that become relations, in the order of their numbers: brand, shop, category and launch
    /// when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<String>>,
    /// With `items`, the attributes that hold several values, and what parts them: `genre: "|"`. Each value makes a triple.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub split: BTreeMap<String, String>,
    /// The stage that has the triples of a knowledge base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triples: Option<String>,
    /// With `triples`, the stage that has the links of the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<String>,
    /// With `triples`, relations with fewer triples are left out: 5,000 when left out, as in KSR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_triples: Option<u64>,
    /// With `triples`, those whose tail is a text, a number or a date, where they were extracted; they stay when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub literals: Option<Keep>,
    /// With `triples`, those that say of what type something is, where they were extracted; they stay when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Keep>,
}

/// Checks what only the fields together can tell.
///
/// # Errors
/// No source or two, fields of the other source, and attributes to split that are not asked for.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let complaint = |field: &str, message: String, help: &str| Complaint {
        field: if field.is_empty() { Vec::new() } else { vec![field.to_owned()] },
        message,
        help: Some(help.to_owned()),
    };
    let of_items = [("attributes", config.attributes.is_some()), ("split", !config.split.is_empty())];
    let of_base = [
        ("links", config.links.is_some()),
        ("min_triples", config.min_triples.is_some()),
        ("literals", config.literals.is_some()),
        ("types", config.types.is_some()),
    ];
    let strangers = |fields: &[(&str, bool)], source: &str| -> Vec<Complaint> {
        let set = fields.iter().filter(|(_, set)| *set);
        set.map(|(field, _)| {
            complaint(field, format!("`{field}` is used with `{source}` only"), &format!("take it out, or name `{source}`"))
        })
        .collect()
    };
    let mut complaints = match (&config.items, &config.triples) {
        (Some(_), None) => strangers(&of_base, "triples"),
        (None, Some(_)) => strangers(&of_items, "items"),
        _ => vec![complaint(
            "",
            "the stage needs one source of triples".into(),
            "name `items` for triples of attributes, or `triples` and `links` for those of a knowledge base",
        )],
    };
    if config.triples.is_some() && config.links.is_none() {
        complaints.push(complaint(
            "triples",
            "`triples` is used with `links` only".into(),
            "name the stage that has the links of the items",
        ));
    }
    let attributes = config.attributes();
    for (attribute, parted_by) in config.split.iter().filter(|_| config.items.is_some()) {
        if !attributes.contains(attribute) {
            let help = "name it under `attributes`, or take it out";
            complaints.push(complaint("split", format!("`{attribute}` is none of the attributes"), help));
        }
        if parted_by.is_empty() {
            complaints.push(complaint("split", format!("nothing parts the values of `{attribute}`"), "write `\"|\"`, say"));
        }
    }
    if complaints.is_empty() { Ok(Arc::new(config)) } else { Err(complaints) }
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        // With what holds, whether written or not.
        let from_items = self.items.is_some();
        let filled = Self {
            attributes: from_items.then(|| self.attributes()),
            min_triples: (!from_items).then(|| self.min_triples()),
            literals: (!from_items).then(|| self.literals.unwrap_or(Keep::Keep)),
            types: (!from_items).then(|| self.types.unwrap_or(Keep::Keep)),
            ..self.clone()
        };
        plain("extract_knowledge", "1", &filled, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        const ITEMS: &[ArtifactKind] = &[ArtifactKind::Events, ArtifactKind::Sessions];
        let named = [
            ("dataset", Some(&self.dataset), &[ArtifactKind::Dataset][..]),
            ("items", self.items.as_ref(), ITEMS),
            ("triples", self.triples.as_ref(), &[ArtifactKind::Triples]),
            ("links", self.links.as_ref(), &[ArtifactKind::Links]),
        ];
        let input = |(name, stage, accepts): (&str, Option<&String>, _)| {
            Some(Input { name: name.into(), stage: stage?.clone(), accepts })
        };
        named.into_iter().filter_map(input).collect()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Knowledge
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let vocabulary = Vocabulary::read(&task.input("dataset").join("items.parquet"), &ITEMS)?;
        let knowledge = if self.items.is_some() {
            let items = Items::read(&task.input("items").join(items::FILE))?;
            self.extract(&vocabulary, &items)?
        } else {
            base::extract(self, task, &vocabulary)?
        };
        task.note("entities", knowledge.entities.len());
        task.note("triples", knowledge.triples.len());
        knowledge.write(&task.output)
    }
}

impl Config {
    fn attributes(&self) -> Vec<String> {
        self.attributes.clone().unwrap_or_else(|| ["brand", "shop", "category", "launch"].map(str::to_owned).into())
    }

    fn min_triples(&self) -> u64 {
        self.min_triples.unwrap_or(5000)
    }

    /// Numbers the values after the items, attribute by attribute; triples stand in the order of their items.
    fn extract(&self, vocabulary: &Vocabulary, items: &Items) -> Result<Knowledge, Diagnostic> {
        let relations = self.attributes();
        let rows: HashMap<&str, usize> =
            (0..).zip(items.item.iter()).map(|(row, item)| (item.unwrap_or(""), row)).collect();
        let mut entities: Vec<(String, String)> =
            vocabulary.names().iter().map(|item| (item.clone(), "item".to_owned())).collect();
        let mut triples = Vec::new();
        for (relation, attribute) in (1..).zip(&relations) {
            let values = items.attribute(attribute)?;
            let parted_by = self.split.get(attribute);
            let mut tails: HashMap<&str, i32> = HashMap::new();
            for (head, item) in (1..).zip(vocabulary.names()) {
                let Some(value) = rows.get(item.as_str()).and_then(|row| values.get(*row)) else { continue };
                let mut add = |value| {
                    let tail = *tails.entry(value).or_insert_with(|| {
                        entities.push((value.to_owned(), attribute.clone()));
                        i32::try_from(entities.len()).expect("numbers of entities fit 31 bits")
                    });
                    triples.push([head, relation, tail]);
                };
                match parted_by {
                    None => add(value),
                    Some(mark) => value.split(mark.as_str()).map(str::trim).filter(|part| !part.is_empty()).for_each(add),
                }
            }
        }
        triples.sort_unstable();
        // An item may name one value of several twice.
        triples.dedup();
        Ok(Knowledge { entities, relations, triples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::table::Text;

    fn config(attributes: &[&str]) -> Config {
        let attributes = attributes.iter().map(|name| (*name).to_owned()).collect();
        Config { items: Some("items".into()), attributes: Some(attributes), ..Config::default() }
    }

    fn catalog() -> (Vocabulary, Items) {
        let mut vocabulary = Vocabulary::default();
        for item in ["i", "j", "unlisted"] {
            vocabulary.add(item);
        }
        let brand = [Some("7"), Some("7"), Some("8")].into_iter().collect();
        let shop = [None, Some("7"), None].into_iter().collect();
        let attributes = vec![("brand".to_owned(), brand), ("shop".to_owned(), shop)];
        (vocabulary, Items { item: Text::full(["j", "i", "never sold"]), attributes })
    }

    #[test]
    fn values_of_two_attributes_are_two_entities_and_a_missing_value_makes_no_triple() {
        let (vocabulary, items) = catalog();
        let knowledge = config(&["shop", "brand"]).extract(&vocabulary, &items).unwrap();
        assert_eq!(knowledge.triples, [[1, 1, 4], [1, 2, 5], [2, 2, 5]]);
        let names: Vec<_> = knowledge.entities.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
        assert_eq!(names, [("i", "item"), ("j", "item"), ("unlisted", "item"), ("7", "shop"), ("7", "brand")]);
    }

    #[test]
    fn each_of_several_values_makes_a_triple_once() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.add("i");
        vocabulary.add("j");
        let genre = [Some("465| 12|465||"), Some("12")].into_iter().collect();
        let items = Items { item: Text::full(["i", "j"]), attributes: vec![("genre".to_owned(), genre)] };
        let split = BTreeMap::from([("genre".to_owned(), "|".to_owned())]);
        let knowledge = Config { split, ..config(&["genre"]) }.extract(&vocabulary, &items).unwrap();
        assert_eq!(knowledge.triples, [[1, 1, 3], [1, 1, 4], [2, 1, 4]]);
        assert_eq!(knowledge.entities[2..], [("465".into(), "genre".into()), ("12".into(), "genre".into())]);
    }

    #[test]
    fn attributes_that_are_not_said_enter_the_identity_as_they_always_did() {
        let unsaid = Config { items: Some("items".into()), ..Config::default() };
        let expected = serde_json::json!({ "attributes": ["brand", "shop", "category", "launch"] });
        assert_eq!(unsaid.identity().config, expected);
        assert_eq!((unsaid.identity().kind, unsaid.identity().version.as_str()), ("extract_knowledge", "1"));
    }

    #[test]
    fn one_source_is_named_with_fields_of_its_own() {
        let complaints = |config: Config| match resolve(config) {
            Ok(_) => Vec::new(),
            Err(complaints) => complaints.into_iter().map(|complaint| complaint.message).collect::<Vec<_>>(),
        };
        let base = Config { triples: Some("t".into()), links: Some("l".into()), ..Config::default() };
        assert!(complaints(config(&["brand"])).is_empty() && complaints(base.clone()).is_empty());
        assert!(complaints(Config::default())[0].contains("one source"));
        assert!(complaints(Config { items: Some("i".into()), ..base.clone() })[0].contains("one source"));
        assert!(complaints(Config { links: None, ..base.clone() })[0].contains("`links`"));
        assert!(complaints(Config { attributes: Some(Vec::new()), ..base })[0].contains("`items` only"));
        assert!(complaints(Config { min_triples: Some(1), ..config(&[]) })[0].contains("`triples` only"));
        let split = BTreeMap::from([("genre".to_owned(), String::new())]);
        let both = complaints(Config { split, ..config(&["brand"]) });
        assert!(both[0].contains("none of the attributes") && both[1].contains("nothing parts"));
    }

    #[test]
    fn an_unknown_attribute_is_told() {
        let (vocabulary, items) = catalog();
        let error = config(&["brnd"]).extract(&vocabulary, &items).unwrap_err();
        assert!(error.help.unwrap().contains("`brand`"));
    }
}
