//! `evaluate`: the trainer ranks the test targets; this stage writes `ranks.parquet`, from which every metric comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::train::{Device, environment, resources, trainer_of};
use super::trainer::{CONTRACT, Trainer, given};
use super::{Complaint, Settings};
use crate::artifact::ArtifactKind;
use crate::data::protocol::Protocol;
use crate::data::ranks::{Rank, Ranks};
use crate::data::tensors::{self, Tensor};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Resources, Stage, StageError, Task};

/// Ranks the targets of a dataset's test part with a trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that makes the dataset.
    pub dataset: String,
    /// The stage that trains the model.
    pub model: String,
    /// Threads of the trainer.
    #[serde(default = "one")]
    pub threads: usize,
    /// Where to score.
    #[serde(default)]
    pub device: Device,
}

fn one() -> usize {
    1
}

struct Evaluate {
    config: Config,
    device: String,
    protocol: Protocol,
    trainer: Arc<Trainer>,
}

/// Finds the trainer and the device.
///
/// # Errors
/// When one of them is not there.
pub fn resolve(config: Config, settings: &Settings<'_>) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let trainer = trainer_of(settings)?;
    let device = config.device.choose(&trainer).map_err(|complaint| vec![complaint])?;
    Ok(Arc::new(Evaluate { config, device, protocol: settings.protocol.clone(), trainer }))
}

impl Stage for Evaluate {
    fn identity(&self) -> Identity {
        Identity {
            kind: "evaluate",
            // The code that scores is part of the model artifact (`code.json`), so its content is in the key already.
            version: "1".into(),
            config: json!({ "threads": self.config.threads }),
            seed: None,
            protocol: Some(self.protocol.in_keys()),
            environment: environment(&self.trainer, &self.device),
        }
    }

    fn inputs(&self) -> Vec<Input> {
        vec![
            Input { name: "dataset".into(), stage: self.config.dataset.clone(), accepts: &[ArtifactKind::Dataset] },
            Input { name: "model".into(), stage: self.config.model.clone(), accepts: &[ArtifactKind::Model] },
        ]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Ranks
    }

    fn resources(&self) -> Resources {
        resources(self.config.threads, &self.device)
    }

    fn retries(&self) -> u32 {
        1
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let scored = task.scratch.join("ranks");
        if scored.exists() {
            fs_err::remove_dir_all(&scored)?;
        }
        fs_err::create_dir_all(&scored)?;
        let model: serde_json::Value =
            serde_json::from_slice(&fs_err::read(task.input("model").join("model.json"))?)
                .map_err(|error| unusable(format!("the model's `model.json` cannot be read: {error}")))?;
        let mut job = json!({
            "contract": CONTRACT,
            "verb": "evaluate",
            "model": model["model"],
            "config": model["config"],
            "inputs": task.inputs,
            "part": "test",
            "target_operation": self.protocol.target_operation,
            "seed": 0,
            "threads": self.config.threads,
            "output": scored,
            "checkpoint": task.scratch,
        });
        given(&mut job, &self.device, task);
        self.trainer.run("evaluate", &job, task)?;
        let ranks = join(task.input("dataset"), &scored.join("ranks.safetensors"))?;
        for (selection, ranks) in &ranks.selections {
            task.note(&format!("ranked ({selection})"), ranks.len());
        }
        ranks.write(&task.output.join("ranks.parquet"))?;
        Ok(())
    }
}

fn unusable(message: String) -> StageError {
    Diagnostic::new(message).help("this is a bug of the trainer; see `docs/contract.md`").into()
}

/// Puts the trainer's counts beside the samples that they belong to.
fn join(dataset: &Utf8Path, ranks: &Utf8Path) -> Result<Ranks, StageError> {
    let samples = tensors::read(&dataset.join("samples.safetensors"))?;
    let (Some(Tensor::Int32(items)), Some(Tensor::Int64(sessions)), Some(Tensor::Int64(targets))) =
        (samples.get("test.items"), samples.get("test.sample_session"), samples.get("test.sample_target"))
    else {
        return Err(unusable("the dataset has no test samples".into()));
    };
    let counted = tensors::read(ranks)?;
    let Some(Tensor::Int32(candidates)) = counted.get("candidates") else {
        return Err(unusable("the trainer wrote no `candidates`".into()));
    };
    let mut selections = BTreeMap::new();
    for (name, above) in &counted {
        let Some(selection) = name.strip_suffix(".above") else { continue };
        let (Tensor::Int32(above), Some(Tensor::Int32(ties))) = (above, counted.get(&format!("{selection}.ties")))
        else {
            return Err(unusable(format!("the trainer wrote no `{selection}.ties`")));
        };
        if [above.len(), ties.len(), candidates.len()] != [targets.len(); 3] {
            let message = format!("the trainer ranked {} of {} samples", above.len(), targets.len());
            return Err(unusable(message));
        }
        let ranks = (0..targets.len())
            .map(|sample| {
                let place = usize::try_from(targets[sample]).ok().and_then(|at| items.get(at));
                Some(Rank {
                    sample: i64::try_from(sample).ok()?,
                    session: sessions[sample],
                    target: *place?,
                    above: above[sample],
                    ties: ties[sample],
                    candidates: candidates[sample],
                })
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| unusable("a sample points outside the dataset".into()))?;
        selections.insert(selection.to_owned(), ranks);
    }
    if selections.is_empty() {
        return Err(unusable("the trainer wrote no ranks".into()));
    }
    Ok(Ranks { selections })
}
