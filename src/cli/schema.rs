//! `sr-pipe schema`: JSON Schemas of the files that people write, for their editors, and the tables of artifacts, for
//! whoever reads them.

mod tables;

use camino::Utf8PathBuf;
use clap::Args;
use schemars::schema_for;
use serde_json::{Value, json};

pub use tables::tables;

use super::{CommandError, Ending, say};
use crate::engine::Handling;
use crate::experiment::Experiment;
use crate::pipeline::Pipeline;
use crate::project::write_atomically;

/// Write the JSON Schemas of experiment and pipeline files, which editors use for completion and checks, and the tables
/// that artifacts hold.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder to write to.
    #[arg(long, default_value = "schemas", value_name = "DIR")]
    out: Utf8PathBuf,
}

/// Each schema with its file name.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("experiment.json", with_profiles(schema_for!(Experiment).to_value())),
        ("pipeline.json", with_places(with_handling(schema_for!(Pipeline).to_value()))),
    ]
}

/// Lets a profile hold any piece of an experiment: nothing is required, and `null` takes away. What merges key by key
/// is such a piece in turn; lists and choices are replaced whole.
fn with_profiles(mut schema: Value) -> Value {
    let mut open = vec![("Profile".to_owned(), schema["properties"].clone())];
    let mut pieces = serde_json::Map::new();
    while let Some((name, mut properties)) = open.pop() {
        if name == "Profile" {
            properties.as_object_mut().map(|properties| properties.shift_remove("profiles"));
        }
        for property in properties.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
            let mut values = vec![&mut *property];
            while let Some(value) = values.pop() {
                let Value::Object(value) = value else { continue };
                value.shift_remove("default");
                if let Some(Value::String(to)) = value.get_mut("$ref") {
                    let target = to.trim_start_matches("#/$defs/").to_owned();
                    let merged = schema["$defs"][&target]["properties"].clone();
                    if merged.is_object() {
                        let piece = format!("PieceOf{target}");
                        *to = format!("#/$defs/{piece}");
                        if !pieces.contains_key(&piece) && open.iter().all(|(known, _)| *known != piece) {
                            open.push((piece, merged));
                        }
                    }
                }
                for (key, deeper) in value.iter_mut() {
                    match (key.as_str(), deeper) {
                        ("additionalProperties", deeper @ Value::Object(_)) => values.push(deeper),
                        ("anyOf", Value::Array(choices)) => values.extend(choices),
                        _ => {}
                    }
                }
            }
            let plain = property.take();
            *property = json!({ "anyOf": [plain, { "type": "null" }] });
        }
        pieces.insert(name, json!({ "type": "object", "additionalProperties": false, "properties": properties }));
    }
    if let Some(own) = schema["$defs"].as_object_mut() {
        own.extend(pieces);
    }
    schema["properties"]["profiles"]["additionalProperties"] = json!({ "$ref": "#/$defs/Profile" });
    schema
}

/// Lets what is said of a stage beside its kind stand beside each kind.
fn with_handling(mut schema: Value) -> Value {
    let mut handling = schema_for!(Handling).to_value();
    let properties = handling["properties"].take();
    if let (Some(own), Value::Object(more)) = (schema["$defs"].as_object_mut(), handling["$defs"].take()) {
        own.extend(more);
    }
    for kind in schema["$defs"]["StageConfig"]["oneOf"].as_array_mut().into_iter().flatten() {
        if let (Some(own), Value::Object(more)) = (kind["properties"].as_object_mut(), properties.clone()) {
            own.extend(more);
        }
    }
    schema
}

/// Lets `${name}` stand where a pipeline expects another type, and in place of a whole stage: the value is filled in
/// before it is typed.
fn with_places(mut schema: Value) -> Value {
    let place = || json!({ "type": "string", "pattern": r"^\$\{[a-z][a-z0-9_-]*\}$" });
    fn visit(schema: &mut Value, place: &impl Fn() -> Value) {
        if let Value::Object(map) = schema {
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                for property in properties.values_mut() {
                    let kind = property.get("type").and_then(Value::as_str);
                    if !matches!(kind, Some("string" | "object" | "array")) {
                        let plain = property.take();
                        *property = json!({ "anyOf": [plain, place()] });
                    }
                }
            }
            map.values_mut().for_each(|value| visit(value, place));
        } else if let Value::Array(items) = schema {
            items.iter_mut().for_each(|item| visit(item, place));
        }
    }
    visit(&mut schema, &place);
    let stage = &mut schema["properties"]["stages"]["additionalProperties"];
    *stage = json!({ "anyOf": [stage.take(), place()] });
    schema
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let named = schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema));
    for (name, schema) in named.chain(tables().into_iter().map(|(name, table)| (format!("tables/{name}"), table))) {
        let text = serde_json::to_string_pretty(&schema).map_err(std::io::Error::other)?;
        let path = arguments.out.join(name);
        write_atomically(&path, format!("{text}\n").as_bytes())?;
        say(&format!("wrote {path}"));
    }
    Ok(Ending::Done)
}
