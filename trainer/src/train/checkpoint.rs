//! The state of a run between two epochs, in one file that is replaced whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::selection::Kept;
use crate::dataset::read_tensors;
use crate::error::TrainerError;
use crate::model::Network;
use crate::nn::Optimizer;

/// All of a run that is not a tensor. There is no generator state: each draw depends on the seed and the epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Digest of the job; a checkpoint of another job is refused.
    pub job: String,
    /// Epochs done.
    pub epoch: u32,
    /// The lines of `curve.jsonl` so far.
    pub curve: Vec<String>,
    /// What is kept.
    pub kept: Kept,
}

/// Weights of the kept epochs, by the name under which they are kept.
pub type KeptWeights = BTreeMap<String, Vec<(String, Tensor)>>;

/// Where checkpoints of a run are written.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
}

const PROGRESS: &str = "progress";
const WEIGHT: &str = "weight/";
const KEPT: &str = "kept/";

impl Checkpoint {
    /// The checkpoint of the attempt whose folder is `folder`, which is made where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn at(folder: &Path) -> Result<Self, TrainerError> {
        fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
        Ok(Self { path: folder.join("checkpoint.safetensors") })
    }

    /// Replaces the checkpoint. Whoever reads sees the old one or the new one, also after a loss of power.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(
        &self,
        progress: &Progress,
        network: &Network,
        optimizer: &Optimizer,
        kept: &KeptWeights,
    ) -> Result<(), TrainerError> {
        let text = serde_json::to_vec(progress).expect("progress is plain data");
        let mut tensors = vec![(PROGRESS.to_owned(), Tensor::from_slice(&text))];
        tensors.extend(network.parameters.iter().map(|(name, weight)| (format!("{WEIGHT}{name}"), weight.detach())));
        tensors.extend(optimizer.state().into_iter().map(|(name, state)| (name.into(), state.shallow_clone())));
        for (slot, weights) in kept {
            let named = weights.iter().map(|(name, weight)| (format!("{KEPT}{slot}/{name}"), weight.shallow_clone()));
            tensors.extend(named);
        }
        let tensors: Vec<_> = tensors.into_iter().map(|(name, t)| (name, t.to_device(Device::Cpu))).collect();
        let beside = self.path.with_extension("partial");
        Tensor::write_safetensors(&tensors, &beside)?;
        File::open(&beside).and_then(|file| file.sync_all()).map_err(TrainerError::file(&beside))?;
        fs::rename(&beside, &self.path).map_err(TrainerError::file(&self.path))?;
        let folder = self.path.parent().expect("a file stands in a folder");
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(TrainerError::file(folder))
    }

    /// Takes up the checkpoint, where there is one, into `network` and `optimizer`.
    ///
    /// # Errors
    /// When there is one of another job, or it is damaged.
    pub fn load(
        &self,
        job: &str,
        network: &Network,
        optimizer: &Optimizer,
    ) -> Result<Option<(Progress, KeptWeights)>, TrainerError> {
        if !self.path.exists() {
            return Ok(None);
        }
        let wrong = |what: &str| {
            let message = format!("`{}` {what}", self.path.display());
            TrainerError::job(message, "delete the checkpoint to start again")
        };
        let mut tensors = read_tensors(&self.path)?;
        let text = tensors.remove(PROGRESS).ok_or_else(|| wrong("holds no progress"))?;
        let text = Vec::<u8>::try_from(text)?;
        let progress: Progress =
            serde_json::from_slice(&text).map_err(|_| wrong("holds progress of another version"))?;
        if progress.job != job {
            return Err(wrong("belongs to another job"));
        }
        for (name, state) in optimizer.state() {
            let saved = tensors.remove(name).filter(|saved| saved.size() == state.size());
            state.shallow_clone().copy_(&saved.ok_or_else(|| wrong("lacks the state of the optimizer"))?);
        }
        let (mut weights, mut kept) = (BTreeMap::new(), KeptWeights::new());
        for (name, tensor) in tensors {
            if let Some(name) = name.strip_prefix(WEIGHT) {
                weights.insert(name.to_owned(), tensor);
            } else if let Some((slot, name)) = name.strip_prefix(KEPT).and_then(|rest| rest.split_once('/')) {
                kept.entry(slot.to_owned()).or_default().push((name.to_owned(), tensor));
            }
        }
        network.parameters.restore(&weights)?;
        Ok(Some((progress, kept)))
    }
}
