//! The job that `sr-pipe` hands over, as the contract writes it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dataset::PartName;
use crate::error::TrainerError;

/// The version of the contract that this trainer speaks.
pub const CONTRACT: u32 = 1;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Train one model with one seed.
    Train,
    /// Rank the targets of one part.
    Evaluate,
    /// Score sessions that a person gives.
    Score,
}

/// A `JOB.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The version of the contract that it is written in.
    pub contract: u32,
    /// What to do.
    pub verb: Verb,
    /// The name of the model.
    pub model: String,
    /// Its whole config.
    pub config: Value,
    /// Folders to read.
    pub inputs: Inputs,
    /// How the epoch is picked; for `train`.
    #[serde(default)]
    pub selection: Option<Selection>,
    /// The part to rank; for `evaluate`.
    #[serde(default)]
    pub part: Option<PartName>,
    /// Whether a model may see the operation of the target. None of the models here looks at it.
    #[serde(default)]
    pub target_operation: TargetOperation,
    /// Decides the initial weights and the order of samples.
    #[serde(default)]
    pub seed: u64,
    /// Where to run: `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
    /// Threads of one operation.
    #[serde(default = "one")]
    pub threads: u32,
    /// How much of the usual number of samples is ranked at a time, above 0 and up to 1: less after memory ran out.
    /// The ranks are the same.
    #[serde(default = "whole")]
    pub evaluation_share: f64,
    /// The folder to write into.
    pub output: PathBuf,
    /// The folder of checkpoints; for `train`.
    #[serde(default)]
    pub checkpoint: Option<PathBuf>,
}

/// Folders to read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The dataset.
    pub dataset: PathBuf,
    /// The knowledge, for a model that learns from it.
    #[serde(default)]
    pub knowledge: Option<PathBuf>,
    /// What `train` wrote; for `evaluate`.
    #[serde(default)]
    pub model: Option<PathBuf>,
}

/// How the epoch is picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The part that is ranked after each epoch.
    pub part: PartName,
    /// Which epochs are kept.
    pub rule: Rule,
    /// The metrics to compute, such as `hit@20`.
    pub metrics: Vec<String>,
}

/// Which epochs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The one with the best MRR@20, as `best`.
    Mrr,
    /// For each metric its best one, under the metric's name.
    EachMetric,
}

/// Whether a model may see the operation of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetOperation {
    /// It may not.
    #[default]
    Hidden,
    /// It may.
    Visible,
}

pub(crate) fn cpu() -> String {
    "cpu".into()
}

pub(crate) fn one() -> u32 {
    1
}

fn whole() -> f64 {
    1.0
}

impl Job {
    /// Reads the job at `path`, which must be for `verb`.
    ///
    /// # Errors
    /// When it cannot be read, is of another version, or is for another verb.
    pub fn read(path: &Path, verb: Verb) -> Result<Self, TrainerError> {
        let job: Self = parse(path)?;
        check(job.contract, (job.verb, verb), job.threads)?;
        if !(job.evaluation_share > 0.0 && job.evaluation_share <= 1.0) {
            return Err(TrainerError::job("`evaluation_share` is no share", "give a number above 0 and up to 1"));
        }
        Ok(job)
    }
}

const HELP: &str = "the form of jobs stands in `docs/contract.md`, that of a `score` job in `docs/scoring.md`";

/// Reads the JSON of a job.
///
/// # Errors
/// When it cannot be read or is none.
pub fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, TrainerError> {
    let text = fs::read_to_string(path)
        .map_err(|error| TrainerError::job(format!("cannot read `{}`: {error}", path.display()), HELP))?;
    serde_json::from_str(&text).map_err(|error| TrainerError::job(format!("`{}`: {error}", path.display()), HELP))
}

/// Checks what jobs of all verbs have: the version, the verb and the one that was `called`, the threads.
///
/// # Errors
/// When one of them is wrong.
pub fn check(contract: u32, (verb, called): (Verb, Verb), threads: u32) -> Result<(), TrainerError> {
    if contract != CONTRACT {
        let message = format!("the job is in version {contract} of the contract, this trainer speaks {CONTRACT}");
        return Err(TrainerError::job(message, "use the trainer that was built together with `sr-pipe`"));
    }
    if verb != called {
        return Err(TrainerError::job("the job is for another verb than the command", HELP));
    }
    if threads == 0 {
        return Err(TrainerError::job("`threads` is 0", "give at least one thread"));
    }
    Ok(())
}
