//! `extract_triples`: what a knowledge base says of linked items, out of its files.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::links::Links;
use crate::engine::stage::{Identity, Input, Resources, Stage, StageError, Task};
use crate::ingest::BadRows;
use crate::ingest::triples::{Extraction, Keep, KnowledgeFormat, extract};

/// The most steps out from the seeds: with more the whole base is reached.
const FARTHEST: u32 = 4;

/// Takes triples out of a knowledge base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the raw files.
    pub from: String,
    /// Which of its files are read, where they are not named by the format (`openke`); all of them when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The stage that has the links: the entities of linked items are the seeds. Without it every triple is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<String>,
    /// How the base is laid out.
    #[serde(default)]
    pub format: KnowledgeFormat,
    /// With `links`, how many steps out from the seeds: with 1 (also when left out) triples whose head or tail is a seed,
    /// with 2 also those of the entities so met, and so on. Each step reads the base once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hops: Option<u32>,
    /// Triples whose tail is a text, a number or a date.
    #[serde(default = "dropped")]
    pub literals: Keep,
    /// Triples that say of what type something is: `type.object.type`, `type.type.instance` and `rdf:type`.
    #[serde(default = "dropped")]
    pub types: Keep,
    /// What becomes of rows that cannot be read: `strict` or `quarantine: { at_most: 0.001 }`, as in `ingest`.
    #[serde(default, skip_serializing_if = "BadRows::is_strict")]
    pub bad_rows: BadRows,
}

fn dropped() -> Keep {
    Keep::Drop
}

/// Checks what only the fields together can tell.
///
/// # Errors
/// Steps without links, none, or too many; files of a format that names its own.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let complaint = |field: &str, message: String, help: &str| {
        Err(vec![Complaint { field: vec![field.into()], message, help: Some(help.to_owned()) }])
    };
    if config.format == KnowledgeFormat::Openke && !config.files.is_empty() {
        return complaint("files", "the format `openke` names its files itself".into(), "take `files` out");
    }
    match (config.hops, &config.links) {
        (Some(_), None) => complaint("hops", "`hops` is used with `links` only".into(), "name the stage that has the links"),
        (Some(hops), _) if !(1..=FARTHEST).contains(&hops) => {
            complaint("hops", format!("`hops` is {hops}"), "it must be from 1 to 4")
        }
        _ => Ok(Arc::new(config)),
    }
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        // With the steps that hold, whether written or not.
        let filled = Self { hops: self.links.as_ref().map(|_| self.hops.unwrap_or(1)), ..self.clone() };
        plain("extract_triples", "1", &filled, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        let raw: &[ArtifactKind] = &[ArtifactKind::Raw, ArtifactKind::Files];
        let mut inputs = vec![Input { name: "from".into(), stage: self.from.clone(), accepts: raw }];
        if let Some(links) = &self.links {
            inputs.push(Input { name: "links".into(), stage: links.clone(), accepts: &[ArtifactKind::Links] });
        }
        inputs
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Triples
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let links = self.links.as_ref().map(|_| Links::read(task.input("links"))).transpose()?;
        let extraction = Extraction {
            format: self.format,
            files: &self.files,
            seeds: links.as_ref().map(|links| &links.entity),
            hops: self.hops.unwrap_or(1),
            literals: self.literals,
            types: self.types,
            bad_rows: self.bad_rows,
        };
        extract(task, &extraction)
    }

    fn resources(&self) -> Resources {
        Resources { threads: 4, gpus: None }
    }
}
