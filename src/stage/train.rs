//! `train`: one model, one seed, in a trainer's process of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::hyper_parameters::{configure, lay_over};
use super::trainer::{CONTRACT, Trainer, given};
use super::{Complaint, Settings};
use crate::artifact::ArtifactKind;
use crate::data::protocol::{Protocol, SelectBy, SelectOn, TargetOperation};
use crate::engine::stage::{Identity, Input, Resources, Stage, StageError, Task};

/// Trains a model on a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that makes the dataset.
    pub dataset: String,
    /// The stage that makes the triples; read only by models that use knowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<String>,
    /// The stage that learns vectors; read only by models that begin with some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vectors: Option<String>,
    /// The model, by its name in `sr-pipe trainer describe`; usually `${model}`.
    pub model: String,
    /// Hyper-parameters that differ from the model's defaults; the experiment's `models` go on top.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Threads of the trainer. Part of the key, since sums in another order are other numbers.
    #[serde(default = "one")]
    pub threads: usize,
    /// Where to train.
    #[serde(default)]
    pub device: Device,
}

fn one() -> usize {
    1
}

/// Where to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// The first GPU if the trainer sees one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The first GPU.
    Cuda,
}

impl Device {
    /// The trainer's name of the device.
    pub(super) fn choose(self, trainer: &Trainer) -> Result<String, Complaint> {
        let gpu = trainer.description.devices.iter().find(|device| device.starts_with("cuda"));
        match (self, gpu) {
            (Self::Cpu, _) | (Self::Auto, None) => Ok("cpu".into()),
            (Self::Auto | Self::Cuda, Some(gpu)) => Ok(gpu.clone()),
            (Self::Cuda, None) => Err(Complaint {
                field: vec!["device".into()],
                message: "the trainer sees no GPU".into(),
                help: Some(
                    "use `device: auto`, or install the full torch 2.11.0 for Python beside a CUDA driver".into(),
                ),
            }),
        }
    }
}

/// The trainer that the experiment gives, or a complaint.
pub(super) fn trainer_of(settings: &Settings<'_>) -> Result<Arc<Trainer>, Vec<Complaint>> {
    settings.trainer.cloned().ok_or_else(|| {
        vec![Complaint {
            field: Vec::new(),
            message: "this stage needs a trainer, and none was found".into(),
            help: None,
        }]
    })
}

/// What a device is to the key: its class, not its number.
pub(super) fn environment(trainer: &Trainer, device: &str) -> BTreeMap<String, String> {
    let class = device.split(':').next().unwrap_or(device);
    BTreeMap::from([
        ("device".to_owned(), class.to_owned()),
        ("libtorch".to_owned(), trainer.description.libtorch.clone()),
    ])
}

/// What a trainer's process needs: a GPU of its own on that device, unless the pipeline says how much of one.
pub(super) fn resources(threads: usize, device: &str) -> Resources {
    Resources { threads, gpus: device.starts_with("cuda").then_some(1.0) }
}

struct Train {
    config: Config,
    hyper_parameters: Value,
    code: String,
    reads_knowledge: bool,
    reads_vectors: bool,
    device: String,
    seed: u64,
    protocol: Protocol,
    trainer: Arc<Trainer>,
}

/// Checks the model and its hyper-parameters.
///
/// # Errors
/// An unknown model or hyper-parameter, a missing trainer or device.
pub fn resolve(mut config: Config, settings: &Settings<'_>) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let trainer = trainer_of(settings)?;
    let choice = settings.models.get(&config.model).cloned().unwrap_or_default();
    config.model = choice.of.unwrap_or(config.model);
    let model = trainer.model(&config.model).map_err(|complaint| vec![complaint])?;
    let mut overrides = config.config.clone();
    // The experiment's values go over the pipeline's, group by group.
    for layer in &choice.settings {
        lay_over(&mut overrides, layer, &model.schema);
    }
    let hyper_parameters = configure(&model.defaults, &model.schema, &overrides).map_err(|complaints| {
        complaints
            .into_iter()
            .map(|complaint| Complaint {
                field: ["config".to_owned()].into_iter().chain(complaint.field).collect(),
                ..complaint
            })
            .collect::<Vec<_>>()
    })?;
    let device = config.device.choose(&trainer).map_err(|complaint| vec![complaint])?;
    let reads_knowledge = model.needs.knowledge;
    if reads_knowledge && config.knowledge.is_none() {
        return Err(vec![Complaint {
            field: Vec::new(),
            message: format!("model `{}` learns from triples, and this stage names no `knowledge`", config.model),
            help: Some("add an `extract_knowledge` stage and name it here".into()),
        }]);
    }
    let reads_vectors = model.needs.vectors;
    if reads_vectors && config.vectors.is_none() {
        return Err(vec![Complaint {
            field: Vec::new(),
            message: format!("model `{}` begins with learned vectors, and this stage names no `vectors`", config.model),
            help: Some("add a `learn_vectors` stage and name it here".into()),
        }]);
    }
    if settings.protocol.target_operation == TargetOperation::Visible && !model.needs.target_operation {
        return Err(vec![Complaint {
            field: vec!["model".into()],
            message: format!("the protocol shows the target's operation, and model `{}` cannot see it", config.model),
            help: Some("use `target_operation: hidden`, or a model that sees it".into()),
        }]);
    }
    let code = model.code.clone();
    let protocol = settings.protocol.clone();
    Ok(Arc::new(Train {
        config,
        hyper_parameters,
        code,
        reads_knowledge,
        reads_vectors,
        device,
        seed: settings.seed,
        protocol,
        trainer,
    }))
}

impl Stage for Train {
    fn identity(&self) -> Identity {
        Identity {
            kind: "train",
            version: self.code.clone(),
            config: json!({
                "model": self.config.model,
                "hyper_parameters": self.hyper_parameters,
                "threads": self.config.threads,
            }),
            seed: Some(self.seed),
            protocol: Some(self.protocol.in_keys()),
            environment: environment(&self.trainer, &self.device),
        }
    }

    fn inputs(&self) -> Vec<Input> {
        let mut inputs = vec![Input {
            name: "dataset".into(),
            stage: self.config.dataset.clone(),
            accepts: &[ArtifactKind::Dataset],
        }];
        if let (true, Some(stage)) = (self.reads_knowledge, &self.config.knowledge) {
            inputs.push(Input { name: "knowledge".into(), stage: stage.clone(), accepts: &[ArtifactKind::Knowledge] });
        }
        if let (true, Some(stage)) = (self.reads_vectors, &self.config.vectors) {
            inputs.push(Input { name: "vectors".into(), stage: stage.clone(), accepts: &[ArtifactKind::Vectors] });
        }
        inputs
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Model
    }

    fn resources(&self) -> Resources {
        resources(self.config.threads, &self.device)
    }

    fn retries(&self) -> u32 {
        1
    }

    fn external(&self) -> bool {
        true
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let checkpoint = task.scratch.join("checkpoint");
        fs_err::create_dir_all(&checkpoint)?;
        let rule = match self.protocol.select_by {
            SelectBy::Mrr => "mrr",
            SelectBy::EachMetric => "each-metric",
        };
        let part = match self.protocol.select_on {
            SelectOn::Validation => "valid",
            SelectOn::Test => "test",
        };
        let mut job = json!({
            "contract": CONTRACT,
            "verb": "train",
            "model": self.config.model,
            "config": self.hyper_parameters,
            "inputs": task.inputs,
            "selection": { "part": part, "rule": rule, "metrics": ["hit@20", "mrr@20"] },
            "target_operation": self.protocol.target_operation,
            "seed": self.seed,
            "threads": self.config.threads,
            "output": task.output,
            "checkpoint": checkpoint,
        });
        given(&mut job, &self.device, task);
        self.trainer.run("train", &job, task)?;
        // The code that made the weights also scores with them: standing beside them, its digest enters the key of
        // every evaluation.
        let code = json!({ "version": 1, "model": self.config.model, "code": self.code });
        fs_err::write(task.output.join("code.json"), format!("{code}\n"))?;
        Ok(())
    }
}
