//! The job of the `score` verb: which weights of which model, and what to answer.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::TrainerError;
use crate::job::{Verb, check, cpu, one, parse};
use crate::model::Catalog;

/// A `JOB.json` of the `score` verb.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreJob {
    contract: u32,
    verb: Verb,
    /// The model.
    pub model: Source,
    /// What is said of each session.
    #[serde(default)]
    pub answer: Answer,
    /// Where to run: `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
    /// Threads of one operation.
    #[serde(default = "one")]
    pub threads: u32,
}

/// Where a model comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// From the folder that `train` wrote.
    Trained(Trained),
    /// From a file of weights.
    Given(Given),
}

/// A folder that `train` wrote.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// The folder.
    pub folder: PathBuf,
    /// Which of its kept epochs; may be left out where there is one.
    #[serde(default)]
    pub kept: Option<String>,
}

/// A file of weights.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The model's name.
    pub name: String,
    /// Its config; keys that are left out are as in its defaults.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// The sizes that the weights are made for.
    pub catalog: Sizes,
    /// The weights, safetensors.
    pub weights: PathBuf,
}

/// The sizes of a catalog.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    items: u32,
    #[serde(default = "one")]
    operations: u32,
    #[serde(default)]
    entities: Option<u32>,
    #[serde(default)]
    relations: u32,
}

/// What is said of each session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The score of each item.
    All,
    /// So many of the items that score highest.
    Top(NonZeroUsize),
}

impl Default for Answer {
    fn default() -> Self {
        Self::Top(NonZeroUsize::new(20).expect("not zero"))
    }
}

impl ScoreJob {
    /// Reads the job at `path`.
    ///
    /// # Errors
    /// When it cannot be read, is of another version, or is for another verb.
    pub fn read(path: &Path) -> Result<Self, TrainerError> {
        let job: Self = parse(path)?;
        check(job.contract, (job.verb, Verb::Score), job.threads)?;
        Ok(job)
    }
}

impl Sizes {
    /// The catalog of these sizes.
    ///
    /// # Errors
    /// When there is no item, or there are fewer entities than items.
    pub fn catalog(self) -> Result<Catalog, TrainerError> {
        let Self { items, operations, entities, relations } = self;
        let entities = entities.unwrap_or(items);
        if items == 0 || entities < items {
            let message = format!("a catalog of {items} items and {entities} entities cannot be");
            return Err(TrainerError::job(message, "give at least one item, and entities that begin with the items"));
        }
        let [items, operations, entities, relations] = [items, operations, entities, relations].map(i64::from);
        Ok(Catalog { items, operations, entities, relations })
    }
}
