//! `extract_knowledge`: attributes of a dataset's items to triples (item, relation, value).

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::items::{self, Items};
use crate::data::knowledge::Knowledge;
use crate::data::vocabulary::{ITEMS, Vocabulary};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};

/// Makes triples of attributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that makes the dataset, whose items are the heads.
    pub dataset: String,
    /// A stage that has the items with their attributes: `ingest`, `sessionize` or `filter`.
    pub items: String,
    /// The attributes that become relations, in the order of their numbers.
    #[serde(default = "all_four")]
    pub attributes: Vec<String>,
}

fn all_four() -> Vec<String> {
    ["brand", "shop", "category", "launch"].map(str::to_owned).into()
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("extract_knowledge", "1", self, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        let input = |name: &str, stage: &str, accepts| Input { name: name.into(), stage: stage.into(), accepts };
        vec![
            input("dataset", &self.dataset, &[ArtifactKind::Dataset]),
            input("items", &self.items, &[ArtifactKind::Events, ArtifactKind::Sessions]),
        ]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Knowledge
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let vocabulary = Vocabulary::read(&task.input("dataset").join("items.parquet"), &ITEMS)?;
        let items = Items::read(&task.input("items").join(items::FILE))?;
        let knowledge = self.extract(&vocabulary, &items)?;
        task.note("entities", knowledge.entities.len());
        task.note("triples", knowledge.triples.len());
        knowledge.write(&task.output)
    }
}

impl Config {
    /// Numbers the values after the items, attribute by attribute; triples stand in the order of their items.
    fn extract(&self, vocabulary: &Vocabulary, items: &Items) -> Result<Knowledge, Diagnostic> {
        let rows: HashMap<&str, usize> =
            (0..).zip(items.item.iter()).map(|(row, item)| (item.unwrap_or(""), row)).collect();
        let mut entities: Vec<(String, String)> =
            vocabulary.names().iter().map(|item| (item.clone(), "item".to_owned())).collect();
        let mut triples = Vec::new();
        for (relation, attribute) in (1..).zip(&self.attributes) {
            let Some((_, values)) = items.attributes.iter().find(|(name, _)| name == attribute) else {
                let known: Vec<&str> = items.attributes.iter().map(|(name, _)| name.as_str()).collect();
                return Err(Diagnostic::new(format!("the items have no attribute `{attribute}`"))
                    .help(suggestion(attribute, &known)));
            };
            let mut tails: HashMap<&str, i32> = HashMap::new();
            for (head, item) in (1..).zip(vocabulary.names()) {
                let Some(value) = rows.get(item.as_str()).and_then(|row| values.get(*row)) else { continue };
                let tail = *tails.entry(value).or_insert_with(|| {
                    entities.push((value.to_owned(), attribute.clone()));
                    i32::try_from(entities.len()).expect("numbers of entities fit 31 bits")
                });
                triples.push([head, relation, tail]);
            }
        }
        triples.sort_unstable();
        Ok(Knowledge { entities, relations: self.attributes.clone(), triples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::table::Text;

    fn config(attributes: &[&str]) -> Config {
        let attributes = attributes.iter().map(|name| (*name).to_owned()).collect();
        Config { dataset: String::new(), items: String::new(), attributes }
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
    fn an_unknown_attribute_is_told() {
        let (vocabulary, items) = catalog();
        let error = config(&["brnd"]).extract(&vocabulary, &items).unwrap_err();
        assert!(error.help.unwrap().contains("`brand`"));
    }
}
