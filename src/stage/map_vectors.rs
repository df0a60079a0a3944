//! `map_vectors`: the vectors of some items, in groups, as points in the plane, and how well the groups stand apart.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::identity::plain;
use super::Complaint;
use crate::artifact::ArtifactKind;
use crate::data::dataset::ARRAYS;
use crate::data::knowledge::Knowledge;
use crate::data::map::{Fit, MapPoint, Quality, VectorMap};
use crate::data::tensors::{Matrix, TensorFile};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
use crate::projection::{Rows, TSne, apartness, pca, tsne};

/// Makes a map of item vectors: of the largest groups of items, those that the training sessions have most often.
///
/// The group of an item is the value of one of its attributes. Items without a value, with several, and items that no
/// training session has are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the vectors: `learn_vectors` or `train`.
    pub vectors: String,
    /// Names of tables of item vectors: the first that there is in the file is taken.
    #[serde(default = "items")]
    pub tables: Vec<String>,
    /// The stage that makes the dataset.
    pub dataset: String,
    /// The stage that makes the triples of the items.
    pub knowledge: String,
    /// The relation whose values group the items: `genre`.
    pub relation: String,
    /// How the vectors become points.
    pub projection: Projection,
    /// How many groups are shown; the largest first.
    #[serde(default = "six")]
    pub groups: NonZeroUsize,
    /// How many items of each group are shown, at the most.
    #[serde(default = "sixty")]
    pub items_per_group: NonZeroUsize,
    /// How many neighbours of each item are looked at.
    #[serde(default = "ten")]
    pub neighbours: NonZeroUsize,
    /// Of t-SNE: about how many neighbours an item has.
    #[serde(default = "thirty")]
    pub perplexity: f64,
    /// Of t-SNE: steps of descent.
    #[serde(default = "thousand")]
    pub iterations: NonZeroUsize,
}

fn items() -> Vec<String> {
    vec!["items".into()]
}

const fn count(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("above 0")
}

fn six() -> NonZeroUsize {
    count(6)
}

fn sixty() -> NonZeroUsize {
    count(60)
}

fn ten() -> NonZeroUsize {
    count(10)
}

fn thirty() -> f64 {
    30.0
}

fn thousand() -> NonZeroUsize {
    count(1000)
}

/// How vectors become points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Projection {
    /// Principal components: the directions of the largest spread. Distances across the map can be compared.
    Pca,
    /// t-SNE: near vectors stay near. Distances across the map mean nothing.
    TSne,
}

/// All pairs of items are looked at in each step of t-SNE.
const MOST_ITEMS: usize = 2000;

/// A map of fewer shows nothing.
const FEWEST_ITEMS: usize = 10;

/// Checks what the schema cannot.
///
/// # Errors
/// More items than are worked on, no table, a perplexity that is none.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let mut complaints = Vec::new();
    let mut tell = |field: &str, message: String, help: &str| {
        complaints.push(Complaint { field: vec![field.to_owned()], message, help: Some(help.to_owned()) });
    };
    let most = config.groups.get().saturating_mul(config.items_per_group.get());
    if most > MOST_ITEMS {
        let message = format!("{} groups of {} items are more than {MOST_ITEMS} items", config.groups, config.items_per_group);
        tell("items_per_group", message, "show fewer: the work grows with their square");
    }
    if config.groups.get() < 2 {
        tell("groups", "one group stands apart from nothing".into(), "show two or more");
    }
    if config.tables.is_empty() {
        tell("tables", "no table is named".into(), "write `tables: [items]` for what `learn_vectors` makes");
    }
    if !(config.perplexity.is_finite() && config.perplexity >= 1.0) {
        tell("perplexity", format!("must be at least 1, is {}", config.perplexity), "5 to 50 are usual");
    }
    if complaints.is_empty() { Ok(Arc::new(config)) } else { Err(complaints) }
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        let mut identity = plain("map_vectors", "1", self, &self.inputs());
        if let (Projection::Pca, Value::Object(fields)) = (self.projection, &mut identity.config) {
            fields.retain(|name, _| !["perplexity", "iterations"].contains(&name.as_str()));
        }
        identity
    }

    fn inputs(&self) -> Vec<Input> {
        let input = |name: &str, stage: &String, accepts| Input { name: name.into(), stage: stage.clone(), accepts };
        vec![
            input("vectors", &self.vectors, &[ArtifactKind::Vectors, ArtifactKind::Model]),
            input("dataset", &self.dataset, &[ArtifactKind::Dataset]),
            input("knowledge", &self.knowledge, &[ArtifactKind::Knowledge]),
        ]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Map
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let knowledge = Knowledge::read(task.input("knowledge"))?;
        let counts = occurrences(task.input("dataset"))?;
        let groups = self.groups(&knowledge, &counts)?;
        let members: Vec<(usize, i32)> =
            (0..).zip(&groups).flat_map(|(at, (_, items))| items.iter().map(move |item| (at, *item))).collect();
        if groups.len() < 2 || members.len() < FEWEST_ITEMS {
            let message = format!(
                "`{}` parts the items of the training sessions into {} groups with {} items to show",
                self.relation,
                groups.len(),
                members.len()
            );
            let help = format!("a map takes two groups and {FEWEST_ITEMS} items at the least: group by another relation");
            return Err(Diagnostic::new(message).help(help).into());
        }
        let rows = self.rows(task.input("vectors"), members.iter().map(|(_, item)| *item))?;
        let group: Vec<usize> = members.iter().map(|(at, _)| *at).collect();
        let apart = apartness(&rows, &group, self.neighbours.get());
        let (points, fit) = match self.projection {
            Projection::Pca => {
                let found = pca(&rows);
                (found.points, Fit::Pca { variance: found.kept })
            }
            Projection::TSne => {
                let (perplexity, iterations) = (self.perplexity, self.iterations.get());
                let found = tsne(&rows, TSne { perplexity, iterations }, |done| {
                    task.step(done as u64, iterations as u64, "steps");
                    if (task.stop)() { Err(StageError::Interrupted) } else { Ok(()) }
                })?;
                (found.points, Fit::TSne { divergence: found.divergence, perplexity: found.perplexity })
            }
        };
        task.note("items", members.len());
        task.note("groups", groups.len());
        let name = |entity: i32| knowledge.entities[entity as usize - 1].0.clone();
        let points = members.iter().zip(points).map(|((at, item), [x, y])| MapPoint {
            item: *item,
            name: name(*item),
            group: name(groups[*at].0),
            x,
            y,
        });
        let quality = Quality {
            version: Quality::VERSION,
            width: rows.width(),
            relation: self.relation.clone(),
            silhouette: apart.silhouette,
            neighbours: self.neighbours.get().min(members.len() - 1),
            same_group: apart.neighbours,
            by_chance: apart.by_chance,
            between_within: apart.between_within,
            fit,
        };
        VectorMap { points: points.collect(), quality }.write(&task.output)
    }
}

impl Config {
    /// The groups that are shown: the entity that is their value, and their items. Of equally large groups, and of items
    /// that are met equally often, those with the lower number come first.
    fn groups(&self, knowledge: &Knowledge, counts: &BTreeMap<i32, u64>) -> Result<Vec<(i32, Vec<i32>)>, Diagnostic> {
        let known: Vec<&str> = knowledge.relations.iter().map(String::as_str).collect();
        let Some(relation) = (1..).zip(&known).find_map(|(at, name)| (*name == self.relation).then_some(at)) else {
            let error = Diagnostic::new(format!("the triples have no relation `{}`", self.relation));
            return Err(error.help(suggestion(&self.relation, &known)));
        };
        let mut values: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for [head, _, tail] in knowledge.triples.iter().filter(|triple| triple[1] == relation) {
            values.entry(*head).or_default().push(*tail);
        }
        let mut groups: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for (item, values) in values {
            if let ([value], true) = (&values[..], counts.contains_key(&item)) {
                groups.entry(*value).or_default().push(item);
            }
        }
        let mut groups: Vec<(i32, Vec<i32>)> = groups.into_iter().filter(|(_, items)| items.len() > 1).collect();
        groups.sort_by_key(|(_, items)| std::cmp::Reverse(items.len()));
        groups.truncate(self.groups.get());
        for (_, items) in &mut groups {
            items.sort_by_key(|item| std::cmp::Reverse(counts[item]));
            items.truncate(self.items_per_group.get());
        }
        Ok(groups)
    }

    /// The vectors of these items, in their order.
    fn rows(&self, folder: &Utf8Path, items: impl ExactSizeIterator<Item = i32>) -> Result<Rows, StageError> {
        let (path, first) = weights(folder)?;
        let file = TensorFile::open(&path)?;
        let mut found = None;
        for name in &self.tables {
            found = found.or(file.matrix(name)?.map(|table| (name, table)));
        }
        let Some((name, Matrix { width, values })) = found else {
            let tables: Vec<String> = self.tables.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("the vectors have no table {}", tables.join(" or "));
            let help = format!("name one of theirs under `tables`: {}", file.names().collect::<Vec<_>>().join(", "));
            return Err(Diagnostic::new(message).help(help).into());
        };
        let mut rows = Vec::with_capacity(items.len() * width);
        for item in items {
            let at = usize::try_from(item - first).unwrap_or_default() * width;
            let Some(row) = values.get(at..at + width) else {
                let message = format!("table `{name}` has {} rows, and none for item {item}", values.len() / width);
                let help = "name the table of the items under `tables`, of vectors that were learned on this dataset";
                return Err(Diagnostic::new(message).help(help).into());
            };
            rows.extend(row.iter().map(|value| f64::from(*value)));
        }
        Ok(Rows::new(width, rows))
    }
}

/// How often the training sessions have each item that they have.
fn occurrences(dataset: &Utf8Path) -> Result<BTreeMap<i32, u64>, StageError> {
    let mut counts = BTreeMap::new();
    for item in TensorFile::open(&dataset.join(ARRAYS))?.values("train.items")? {
        let item = i32::try_from(item?).map_err(std::io::Error::other)?;
        *counts.entry(item).or_default() += 1;
    }
    Ok(counts)
}

/// The file with the weights, and the item of the first row of its tables: 1 in vectors that were learned ahead; 0, the
/// padding, in a model. Of several epochs that were kept, `best` if there is one, else the first.
fn weights(folder: &Utf8Path) -> Result<(Utf8PathBuf, i32), StageError> {
    let model = folder.join("model.json");
    if !model.is_file() {
        return Ok((folder.join("vectors.safetensors"), 1));
    }
    let model: Value = serde_json::from_slice(&fs_err::read(model)?).map_err(std::io::Error::from)?;
    let selected = model["selected"].as_array().map(Vec::as_slice).unwrap_or_default();
    let kept = selected.iter().find(|kept| kept["name"] == json!("best")).or(selected.first());
    let Some(file) = kept.and_then(|kept| kept["file"].as_str()) else {
        let error = Diagnostic::new("the model keeps no weights");
        return Err(error.help("a model that learns no vectors has no map").into());
    };
    Ok((folder.join(file), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(groups: usize, items_per_group: usize) -> Config {
        let config = json!({
            "vectors": "v", "dataset": "d", "knowledge": "k", "relation": "genre", "projection": "pca",
            "groups": groups, "items_per_group": items_per_group,
        });
        serde_json::from_value(config).unwrap()
    }

    /// Five items and two relations; items 1 to 3 are of genre 6, item 4 of 7, item 5 of both.
    fn knowledge() -> Knowledge {
        let entities = ["a", "b", "c", "d", "e", "rock", "pop"].map(|name| (name.to_owned(), String::new()));
        let triples = vec![[1, 1, 7], [1, 2, 6], [2, 2, 6], [3, 2, 6], [4, 2, 7], [5, 2, 6], [5, 2, 7]];
        Knowledge { entities: entities.into(), relations: vec!["artist".into(), "genre".into()], triples }
    }

    #[test]
    fn a_group_has_the_items_of_one_value_that_are_met_the_most_often() {
        let counts = BTreeMap::from([(1, 2), (2, 9), (3, 9), (4, 1), (5, 1)]);
        // Item 4 is alone in its group, and item 5 is in two.
        assert_eq!(config(6, 60).groups(&knowledge(), &counts).unwrap(), [(6, vec![2, 3, 1])]);
        assert_eq!(config(6, 2).groups(&knowledge(), &counts).unwrap(), [(6, vec![2, 3])]);
        let unseen = BTreeMap::from([(1, 2), (3, 9)]);
        assert_eq!(config(6, 60).groups(&knowledge(), &unseen).unwrap(), [(6, vec![3, 1])]);
    }

    #[test]
    fn an_unknown_relation_is_told() {
        let wrong = Config { relation: "gnre".into(), ..config(6, 60) };
        assert!(wrong.groups(&knowledge(), &BTreeMap::new()).unwrap_err().help.unwrap().contains("`genre`"));
    }

    #[test]
    fn what_cannot_be_shown_is_told_before_anything_runs() {
        let told = |config: Config| resolve(config).err().unwrap_or_default().into_iter().map(|told| told.field.concat());
        assert_eq!(told(config(6, 60)).count(), 0);
        assert_eq!(told(config(50, 60)).collect::<Vec<_>>(), ["items_per_group"]);
        let wrong = Config { perplexity: 0.5, tables: Vec::new(), ..config(1, 60) };
        assert_eq!(told(wrong).collect::<Vec<_>>(), ["groups", "tables", "perplexity"]);
    }

    #[test]
    fn settings_of_tsne_are_no_part_of_what_a_map_of_components_is() {
        let pca = Config { perplexity: 5.0, ..config(6, 60) };
        assert_eq!(pca.identity(), config(6, 60).identity());
        let tsne = |perplexity| Config { projection: Projection::TSne, perplexity, ..config(6, 60) };
        assert_ne!(tsne(5.0).identity(), tsne(30.0).identity());
    }
}
