//! A model's config: a person's values over the model's defaults, checked against the schema that its trainer gave.

use serde_json::{Map, Value};

use super::Complaint;
use super::trainer::ModelDescription;
use crate::diagnostic::suggestion;

/// A model's whole config: the person's values over the defaults, checked against the model's schema.
///
/// # Errors
/// Every key that the model does not know and every value of a wrong type; `field` is the path of keys.
pub fn configure(model: &ModelDescription, overrides: &Map<String, Value>) -> Result<Value, Vec<Complaint>> {
    let mut config = model.defaults.clone();
    let mut complaints = Vec::new();
    merge(&mut config, overrides, &mut Vec::new(), &mut complaints);
    check(&config, &model.schema, &model.schema, &mut Vec::new(), &mut complaints);
    if complaints.is_empty() { Ok(config) } else { Err(complaints) }
}

fn merge(config: &mut Value, overrides: &Map<String, Value>, path: &mut Vec<String>, complaints: &mut Vec<Complaint>) {
    let Value::Object(known) = config else { return };
    for (key, value) in overrides {
        path.push(key.clone());
        match (known.get_mut(key), value) {
            // A nested group is merged; a map that names a variant (one key that the default lacks) replaces it.
            (Some(inner @ Value::Object(_)), Value::Object(deeper))
                if deeper.keys().all(|name| inner.get(name).is_some()) =>
            {
                merge(inner, deeper, path, complaints);
            }
            (Some(Value::Object(inner)), Value::Object(deeper)) if inner.len() > 1 => {
                let names: Vec<&str> = inner.keys().map(String::as_str).collect();
                for name in deeper.keys().filter(|name| !inner.contains_key(*name)) {
                    let mut field = path.clone();
                    field.push(name.clone());
                    let (message, help) = (format!("unknown field `{name}`"), Some(suggestion(name, &names)));
                    complaints.push(Complaint { field, message, help });
                }
            }
            (Some(place), _) => *place = value.clone(),
            (None, _) => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let help = if names.is_empty() { "it has none".to_owned() } else { suggestion(key, &names) };
                complaints.push(Complaint {
                    field: path.clone(),
                    message: format!("unknown hyper-parameter `{key}`"),
                    help: Some(help),
                });
            }
        }
        path.pop();
    }
}

/// Checks a value against the parts of JSON Schema that config types produce: `$ref`, `type`, `enum`, `const`,
/// `properties`, `additionalProperties: false`, `minimum`, `maximum`, `oneOf`, `anyOf`, `allOf`.
fn check(value: &Value, schema: &Value, root: &Value, path: &mut Vec<String>, complaints: &mut Vec<Complaint>) {
    let mut complain =
        |path: &[String], message: String| complaints.push(Complaint { field: path.to_vec(), message, help: None });
    if let Some(target) = schema["$ref"].as_str().and_then(|name| root.pointer(name.trim_start_matches('#'))) {
        check(value, target, root, path, complaints);
        return;
    }
    if let Some(wanted) = schema.get("const")
        && value != wanted
    {
        complain(path, format!("must be {wanted}, is {value}"));
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        let known: Vec<String> = words.iter().map(ToString::to_string).collect();
        complain(path, format!("must be one of {}, is {value}", known.join(", ")));
        return;
    }
    if let Some(kind) = schema.get("type") {
        let kinds: Vec<&str> = kind
            .as_str()
            .map_or_else(|| kind.as_array().into_iter().flatten().filter_map(Value::as_str).collect(), |one| vec![one]);
        let fits = kinds.iter().any(|kind| match *kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            _ => value.is_number(),
        });
        if !fits {
            complain(path, format!("must be {}, is {value}", kinds.join(" or ")));
            return;
        }
    }
    if let (Some(number), Some(least)) = (value.as_f64(), schema["minimum"].as_f64())
        && number < least
    {
        complain(path, format!("must be at least {least}, is {value}"));
    }
    if let (Some(number), Some(most)) = (value.as_f64(), schema["maximum"].as_f64())
        && number > most
    {
        complain(path, format!("must be at most {most}, is {value}"));
    }
    for choices in [&schema["oneOf"], &schema["anyOf"]] {
        let Some(choices) = choices.as_array() else { continue };
        let mut tried = Vec::new();
        for choice in choices {
            let mut found = Vec::new();
            check(value, choice, root, path, &mut found);
            tried.push(found);
        }
        if tried.iter().all(|found| !found.is_empty()) {
            // The choice that went deepest is the one that was meant.
            let meant =
                tried.into_iter().max_by_key(|found| found.iter().map(|c| c.field.len()).max()).unwrap_or_default();
            let same_depth = meant.iter().all(|complaint| complaint.field.len() == path.len());
            if same_depth {
                let words: Vec<String> = choices
                    .iter()
                    .flat_map(|choice| {
                        choice.get("const").into_iter().chain(choice["enum"].as_array().into_iter().flatten())
                    })
                    .map(ToString::to_string)
                    .collect();
                let wanted =
                    if words.is_empty() { "another form".into() } else { format!("one of {}", words.join(", ")) };
                complaints.push(Complaint {
                    field: path.clone(),
                    message: format!("must be {wanted}, is {value}"),
                    help: None,
                });
            } else {
                complaints.extend(meant);
            }
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(value, part, root, path, complaints);
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, inner) in fields {
            path.push(name.clone());
            match known.get(name) {
                Some(inner_schema) => check(inner, inner_schema, root, path, complaints),
                None if schema["additionalProperties"] == Value::Bool(false) => {
                    let names: Vec<&str> = known.keys().map(String::as_str).collect();
                    complaints.push(Complaint {
                        field: path.clone(),
                        message: format!("unknown field `{name}`"),
                        help: Some(suggestion(name, &names)),
                    });
                }
                None => {}
            }
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stage::trainer::Needs;

    fn model() -> ModelDescription {
        ModelDescription {
            name: "toy".into(),
            title: "Toy".into(),
            family: "none".into(),
            paper: "none".into(),
            floor: false,
            needs: Needs { operations: false, knowledge: false, target_operation: false },
            defaults: json!({"dimension": 100, "kind": "dot", "training": {"epochs": 20, "learning_rate": 0.001}}),
            schema: json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "dimension": {"type": "integer", "minimum": 1},
                    "kind": {"oneOf": [{"const": "dot", "type": "string"}, {"const": "mlp", "type": "string"}]},
                    "training": {"$ref": "#/$defs/Training"}
                },
                "$defs": {"Training": {"type": "object", "additionalProperties": false, "properties": {
                    "epochs": {"type": "integer", "minimum": 0}, "learning_rate": {"type": "number"}}}}
            }),
            code: "c".into(),
        }
    }

    fn complaints(overrides: Value) -> Vec<String> {
        let Value::Object(overrides) = overrides else { panic!("a map") };
        configure(&model(), &overrides)
            .unwrap_err()
            .into_iter()
            .map(|c| format!("{}: {} ({})", c.field.join("."), c.message, c.help.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn values_are_merged_over_the_defaults() {
        let Value::Object(overrides) = json!({"kind": "mlp", "training": {"epochs": 3}}) else { panic!("a map") };
        assert_eq!(
            configure(&model(), &overrides).unwrap(),
            json!({"dimension": 100, "kind": "mlp", "training": {"epochs": 3, "learning_rate": 0.001}})
        );
    }

    #[test]
    fn mistyped_names_wrong_types_and_wrong_words_are_all_told_at_once() {
        let told = complaints(json!({"dimensoin": 1, "kind": "mpl", "training": {"epochs": "ten"}}));
        assert_eq!(
            told,
            [
                "dimensoin: unknown hyper-parameter `dimensoin` (did you mean `dimension`?)",
                "kind: must be one of \"dot\", \"mlp\", is \"mpl\" ()",
                "training.epochs: must be integer, is \"ten\" ()",
            ]
        );
        assert_eq!(
            complaints(json!({"training": {"epoch": 1}})),
            ["training.epoch: unknown field `epoch` (did you mean `epochs`?)"]
        );
    }
}
