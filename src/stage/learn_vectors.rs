//! `learn_vectors`: vectors of items and operations, learned ahead of the models that begin with them.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::hyper_parameters::configure;
use super::train::{environment, trainer_of};
use super::trainer::{CONTRACT, Trainer};
use super::{Complaint, Settings};
use crate::artifact::ArtifactKind;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};

/// Learns vectors from the training sessions of a dataset, or from triples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that makes the dataset.
    pub dataset: String,
    /// The stage that makes the triples; read only by methods that learn from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<String>,
    /// The method, by its name in `sr-pipe trainer describe`.
    #[serde(default = "skip_gram")]
    pub method: String,
    /// Settings that differ from the method's defaults.
    #[serde(default)]
    pub config: Map<String, Value>,
}

fn skip_gram() -> String {
    "skip-gram".into()
}

struct LearnVectors {
    dataset: String,
    knowledge: Option<String>,
    method: String,
    settings: Value,
    code: String,
    seed: u64,
    trainer: Arc<Trainer>,
}

/// The methods learn on the host, one thread each: a seed gives the same vectors on every machine.
const DEVICE: &str = "cpu";

/// Checks the method and its settings.
///
/// # Errors
/// An unknown method or setting, or a missing trainer.
pub fn resolve(config: Config, settings: &Settings<'_>) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let trainer = trainer_of(settings)?;
    let method = trainer.embedding(&config.method).map_err(|complaint| vec![complaint])?;
    let told = |complaint: Complaint| Complaint {
        field: ["config".to_owned()].into_iter().chain(complaint.field).collect(),
        ..complaint
    };
    let chosen = configure(&method.defaults, &method.schema, &config.config)
        .map_err(|complaints| complaints.into_iter().map(told).collect::<Vec<_>>())?;
    if method.needs.knowledge && config.knowledge.is_none() {
        return Err(vec![Complaint {
            field: Vec::new(),
            message: format!("method `{}` learns from triples, and this stage names no `knowledge`", config.method),
            help: Some("add an `extract_knowledge` stage and name it here".into()),
        }]);
    }
    let (code, reads_knowledge) = (method.code.clone(), method.needs.knowledge);
    let Config { dataset, knowledge, method, .. } = config;
    let knowledge = knowledge.filter(|_| reads_knowledge);
    Ok(Arc::new(LearnVectors { dataset, knowledge, method, settings: chosen, code, seed: settings.seed, trainer }))
}

impl Stage for LearnVectors {
    fn identity(&self) -> Identity {
        Identity {
            kind: "learn_vectors",
            version: self.code.clone(),
            config: json!({ "method": self.method, "settings": self.settings }),
            seed: Some(self.seed),
            protocol: None,
            environment: environment(&self.trainer, DEVICE),
        }
    }

    fn inputs(&self) -> Vec<Input> {
        let dataset =
            Input { name: "dataset".into(), stage: self.dataset.clone(), accepts: &[ArtifactKind::Dataset] };
        let knowledge = self.knowledge.iter().map(|stage| Input {
            name: "knowledge".into(),
            stage: stage.clone(),
            accepts: &[ArtifactKind::Knowledge],
        });
        std::iter::once(dataset).chain(knowledge).collect()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Vectors
    }

    fn retries(&self) -> u32 {
        1
    }

    fn external(&self) -> bool {
        true
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let job = json!({
            "contract": CONTRACT,
            "verb": "embed",
            "model": self.method,
            "config": self.settings,
            "inputs": task.inputs,
            "seed": self.seed,
            "device": DEVICE,
            "threads": 1,
            "output": task.output,
        });
        self.trainer.run("embed", &job, task)
    }
}
