//! The identity of a stage that is wholly described by its config.

use serde::Serialize;
use serde_json::Value;

use crate::engine::stage::{Identity, Input};

/// Kind, version and config; the fields that name inputs are left out, since their content is what counts.
///
/// # Panics
/// When the config cannot be put into JSON, which no config of ours can refuse.
pub(super) fn plain(kind: &'static str, version: &str, config: &impl Serialize, inputs: &[Input]) -> Identity {
    let mut config = serde_json::to_value(config).expect("configs are plain data");
    if let Value::Object(fields) = &mut config {
        fields.retain(|name, _| inputs.iter().all(|input| input.name != *name));
    }
    Identity {
        kind,
        version: version.to_owned(),
        config,
        seed: None,
        protocol: None,
        environment: std::collections::BTreeMap::new(),
    }
}
