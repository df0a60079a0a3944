//! The `describe` verb: what this trainer is, and which models it has.

use serde_json::{Value, json};
use tch::Device;

use crate::embed::METHODS;
use crate::error::TrainerError;
use crate::model::{Catalog, Entry, MODELS, named};
use crate::{device, job, native, shape};

/// Digests of the sources behind each file and folder of `src/model` and `src/embed`, taken at build time.
const CODE: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/code.rs"));

/// The document of the contract.
#[must_use]
pub fn describe() -> Value {
    let models: Vec<Value> = MODELS.iter().map(|entry| describe_model(entry, &entry.default_config())).collect();
    let embeddings: Vec<Value> = METHODS
        .iter()
        .map(|method| {
            json!({
                "name": method.name,
                "title": method.title,
                "paper": method.paper,
                "needs": { "knowledge": method.reads_knowledge },
                "defaults": (method.default_config)(),
                "schema": (method.schema)(),
                "code": digest(&format!("embed/{}", method.source)),
            })
        })
        .collect();
    json!({
        "contract": job::CONTRACT,
        "trainer": concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
        "libtorch": native::version(),
        "devices": device::list(),
        "models": models,
        "embeddings": embeddings,
    })
}

/// One model, with the weights that it has under `config`, whose keys may be left out.
///
/// # Errors
/// When the model is not known, or does not take the config.
pub fn describe_one(name: &str, config: &str) -> Result<Value, TrainerError> {
    let entry = named(name)?;
    let keys = serde_json::from_str(config).map_err(|error| {
        TrainerError::job(format!("the config is no JSON object: {error}"), "write it as '{\"scorer\": \"mlp\"}'")
    })?;
    let config = entry.config_with(&keys);
    // Small, for its errors alone.
    let catalog = Catalog { items: 3, operations: 2, entities: 4, relations: 1 };
    entry.build(&config, catalog, None, Device::Cpu)?;
    Ok(describe_model(entry, &config))
}

fn describe_model(entry: &Entry, config: &Value) -> Value {
    json!({
        "name": entry.name,
        "title": entry.title,
        "family": entry.family,
        "paper": entry.paper,
        "floor": entry.floor,
        "needs": entry.needs,
        "defaults": entry.default_config(),
        "schema": entry.schema(),
        "parameters": shape::parameters(entry, config),
        "code": code(entry),
    })
}

/// The digest of all sources that decide what `entry` computes.
///
/// # Panics
/// When its `source` names no file of `src/model`.
#[must_use]
pub fn code(entry: &Entry) -> &'static str {
    digest(&format!("model/{}", entry.source))
}

fn digest(source: &str) -> &'static str {
    let found = CODE.iter().find(|(other, _)| *other == source);
    found.map(|(_, digest)| *digest).unwrap_or_else(|| panic!("no source `{source}`"))
}

/// What the build digests of a source, here for its tests.
#[cfg(test)]
#[path = "../build/code.rs"]
mod code_of_a_source;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_has_a_digest_and_defaults_that_its_schema_knows() {
        let document = describe();
        assert_eq!(document["models"].as_array().map(Vec::len), Some(MODELS.len()));
        for entry in MODELS {
            assert_eq!(code(entry).len(), 64);
            let schema = entry.schema();
            for key in entry.default_config().as_object().expect("a config is an object").keys() {
                assert!(schema["properties"][key].is_object(), "`{}` has no schema for `{key}`", entry.name);
            }
        }
        for method in document["embeddings"].as_array().expect("a list") {
            assert_eq!(method["code"].as_str().map(str::len), Some(64));
            for key in method["defaults"].as_object().expect("a config is an object").keys() {
                assert!(method["schema"]["properties"][key].is_object(), "{method} has no schema for `{key}`");
            }
        }
    }

    #[test]
    fn one_model_is_described_under_its_own_defaults_and_what_is_laid_over_them() {
        let whole = describe();
        let models = whole["models"].as_array().expect("a list");
        for model in models {
            let name = model["name"].as_str().expect("a name");
            assert_eq!(describe_one(name, "{}").expect("a model")["parameters"], model["parameters"], "{name}");
        }
        let names = |config: &str| {
            let described = describe_one("mkm-sr", config).expect("a model");
            let list = described["parameters"].as_array().expect("a list");
            list.iter().filter_map(|weight| weight["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let with_mlp = names("{\"scorer\": \"mlp\"}");
        assert!(
            with_mlp.iter().any(|name| name == "scorer.out.weight") && with_mlp.iter().any(|name| name == "normal")
        );
        assert!(!names("{\"knowledge\": \"none\"}").iter().any(|name| name == "normal"));
        assert!(describe_one("mkm-sr", "{\"scorer\": 3}").is_err() && describe_one("mkm-srr", "{}").is_err());
    }

    #[test]
    fn models_of_one_file_share_their_digest_and_others_do_not() {
        let digest = |name: &str| code(crate::model::find(name).expect("in the list"));
        assert_eq!(digest("m-sr"), digest("mkm-sr"));
        assert_ne!(digest("m-sr"), digest("sr-gnn"));
    }
}
