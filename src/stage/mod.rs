//! The stages that a pipeline can be made of: one file each, one line in this list.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data::protocol::Protocol;
use crate::engine::stage::Stage;

pub mod hyper_parameters;
mod identity;
mod share;
pub mod trainer;

/// What the experiment gives to the stages of a cell, beside their own config.
pub struct Settings<'a> {
    /// The cell's seed.
    pub seed: u64,
    /// The experiment's protocol.
    pub protocol: &'a Protocol,
    /// The trainer, where one was found.
    pub trainer: Option<&'a Arc<trainer::Trainer>>,
    /// What is said of models, by the name that the experiment has for each.
    pub models: &'a BTreeMap<String, ModelChoice>,
    /// What surrounds the run.
    pub surroundings: &'a Surroundings,
}

/// What an experiment says of a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelChoice {
    /// The trainer's name of it, where the experiment has another.
    pub of: Option<String>,
    /// Hyper-parameters, each map laid over the one before.
    pub settings: Vec<Map<String, Value>>,
    /// The values that its `${name}` places took, by name.
    pub filled: BTreeMap<String, Value>,
}

/// What surrounds a run on this machine, and only stages that ask for it may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The project's root.
    pub root: Utf8PathBuf,
    /// The variables of the environment in which `sr-pipe` was started.
    pub variables: BTreeMap<String, String>,
}

/// Something in a stage's config that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The field of the stage's config, empty for the stage as a whole.
    pub field: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do now.
    pub help: Option<String>,
}

macro_rules! stages {
    ($( $(#[doc = $doc:literal])* $module:ident $name:ident => $resolve:expr, )*) => {
        $( pub mod $module; )*

        /// A stage as a pipeline file writes it: its kind, then its config.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum StageConfig {
            $( $(#[doc = $doc])* $name($module::Config), )*
        }

        impl StageConfig {
            /// The kinds of stage as a pipeline names them: those of its modules.
            pub const KINDS: &[&str] = &[$( stringify!($module) ),*];

            /// The stage, with all that it needs from the experiment.
            ///
            /// # Errors
            /// All that cannot be used, before any work begins.
            pub fn resolve(self, settings: &Settings<'_>) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
                match self {
                    $( Self::$name(config) => {
                        let resolve: fn($module::Config, &Settings<'_>) -> Result<Arc<dyn Stage>, Vec<Complaint>> = $resolve;
                        resolve(config, settings)
                    } )*
                }
            }
        }
    };
}

stages! {
    /// Raw files outside the project, read where they lie.
    files Files => |config, settings| files::resolve(config, settings),
    /// Raw files made up with planted structure.
    synth Synth => |config, _| synth::resolve(config),
    /// Raw files to `events.parquet` and `items.parquet`.
    ingest Ingest => |config, _| ingest::resolve(config),
    /// Events to sessions.
    sessionize Sessionize => |config, _| sessionize::resolve(config),
    /// Takes events and sessions out, step after step.
    filter Filter => |config, _| filter::resolve(config),
    /// Sessions to a dataset: vocabulary, parts, samples.
    split Split => |config, settings| split::resolve(config, settings.protocol),
    /// What a dataset leaks, or not.
    audit Audit => |config, settings| Ok(audit::resolve(config, settings.protocol)),
    /// Items to the entities of a knowledge base.
    link Link => |config, _| Ok(Arc::new(config)),
    /// Triples round linked items out of a knowledge base.
    extract_triples ExtractTriples => |config, _| extract_triples::resolve(config),
    /// Attributes of items, or triples of a knowledge base, to the triples of a dataset.
    extract_knowledge ExtractKnowledge => |config, _| extract_knowledge::resolve(config),
    /// Counts of a data set, as papers print them.
    statistics Statistics => |config, _| statistics::resolve(config),
    /// Learns vectors of items and operations ahead of a model; runs only where a stage reads them.
    learn_vectors LearnVectors => |config, settings| learn_vectors::resolve(config, settings),
    /// Vectors of items as points in the plane; runs only where a report shows it.
    map_vectors MapVectors => |config, _| map_vectors::resolve(config),
    /// Trains a model.
    train Train => |config, settings| train::resolve(config, settings),
    /// Ranks the test targets with a trained model.
    evaluate Evaluate => |config, settings| evaluate::resolve(config, settings),
    /// Any command.
    shell Shell => |config, settings| shell::resolve(config, settings),
}
