//! What a pipeline file may say. These types are the file's schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stage::StageConfig;

/// A pipeline: stages that read each other's artifacts by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// What the pipeline makes, in a sentence or two.
    #[serde(default)]
    pub about: String,
    /// Values of `${name}` places that an experiment may leave out.
    #[serde(default)]
    pub defaults: BTreeMap<String, Value>,
    /// The stages: a name, then the kind of stage, then its config.
    pub stages: BTreeMap<String, StageConfig>,
}
