//! `link`: which entity of a knowledge base each item is, by published links or by title.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::items::{self, Items};
use crate::engine::stage::{Identity, Input, Resources, Stage, StageError, Task};
use crate::ingest::BadRows;
use crate::ingest::freebase::{self, ByTitle};
use crate::ingest::kb4rec::{self, LinkFormat};

/// Links items to the entities of a knowledge base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A stage that has the items: `ingest`, `sessionize` or `filter`.
    pub items: String,
    /// The stage that has the raw files: published links, or a dump of Freebase.
    pub from: String,
    /// Which of its files are read; all of them when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// How an item finds its entity.
    pub by: By,
    /// What becomes of rows that cannot be read: `strict` or `quarantine: { at_most: 0.001 }`, as in `ingest`.
    #[serde(default, skip_serializing_if = "BadRows::is_strict")]
    pub bad_rows: BadRows,
}

/// How an item finds its entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// By the links of KB4Rec: `ml2fb.txt`, `ab2fb.txt`, `lfb2fb.txt`, or those to YAGO.
    Kb4rec,
    /// By a `.link` file of RecBole.
    Recbole,
    /// By its title, among the names of a dump of Freebase (KSR).
    Title(ByTitle),
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("link", "1", self, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        let input = |name: &str, stage: &str, accepts| Input { name: name.into(), stage: stage.into(), accepts };
        vec![
            input("items", &self.items, &[ArtifactKind::Events, ArtifactKind::Sessions]),
            input("from", &self.from, &[ArtifactKind::Raw, ArtifactKind::Files]),
        ]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Links
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let items = Items::read(&task.input("items").join(items::FILE))?;
        match &self.by {
            By::Kb4rec => kb4rec::link(task, LinkFormat::Kb4rec, &self.files, &items, self.bad_rows),
            By::Recbole => kb4rec::link(task, LinkFormat::Recbole, &self.files, &items, self.bad_rows),
            By::Title(title) => freebase::link(task, title, &self.files, &items, self.bad_rows),
        }
    }

    fn resources(&self) -> Resources {
        Resources { threads: 4, gpus: None }
    }
}
