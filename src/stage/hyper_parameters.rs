//! The config of a model, or of a method that learns vectors: a person's values over the defaults, checked against the
//! schema that the trainer gave.

use serde_json::{Map, Value};

use super::Complaint;
use crate::diagnostic::{did_you_mean, suggestion};
use crate::document::{type_in_words, value_in_words};

/// Lays settings of a model over others: groups merge key by key, everything else is replaced. Of a choice that has
/// settings of its own, another one takes the place of the first with all its settings.
pub fn lay_over(under: &mut Map<String, Value>, over: &Map<String, Value>, schema: &Value) {
    lay(under, over, schema, schema);
}

fn lay(under: &mut Map<String, Value>, over: &Map<String, Value>, schema: &Value, root: &Value) {
    for (key, value) in over {
        let (Some(Value::Object(inner)), Value::Object(deeper)) = (under.get_mut(key), value) else {
            under.insert(key.clone(), value.clone());
            continue;
        };
        let schema = resolved(&schema["properties"][key], root);
        match schema["oneOf"].as_array() {
            None => lay(inner, deeper, schema, root),
            Some(choices) if inner.keys().eq(deeper.keys()) => {
                let has = |choice: &&Value| deeper.keys().all(|key| choice["properties"].get(key).is_some());
                lay(inner, deeper, choices.iter().find(has).unwrap_or(&Value::Null), root);
            }
            Some(_) => *inner = deeper.clone(),
        }
    }
}

/// A part of a schema, or what it refers to.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    schema["$ref"].as_str().and_then(|name| root.pointer(name.trim_start_matches('#'))).unwrap_or(schema)
}

/// A whole config: the person's values over the defaults, checked against the schema.
///
/// # Errors
/// Every key that the model does not know and every value of a wrong type; `field` is the path of keys.
pub fn configure(defaults: &Value, schema: &Value, overrides: &Map<String, Value>) -> Result<Value, Vec<Complaint>> {
    let mut config = defaults.clone();
    let mut complaints = Vec::new();
    merge(&mut config, overrides, &mut Vec::new(), &mut complaints);
    check(&config, schema, schema, &mut Vec::new(), &mut complaints);
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
    if schema["$ref"].is_string() {
        check(value, resolved(schema, root), root, path, complaints);
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
        complaints.push(no_such_form(value, std::slice::from_ref(schema), path));
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
            let wanted: Vec<&str> = kinds.iter().map(|kind| type_in_words(kind)).collect();
            complain(path, format!("must be {}, is {}", wanted.join(" or "), value_in_words(value)));
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
                complaints.push(no_such_form(value, choices, path));
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

/// A value that has none of the forms that `choices` allow: names, and maps by their key.
fn no_such_form(value: &Value, choices: &[Value], path: &[String]) -> Complaint {
    let named = |choice: &Value| -> Vec<Value> {
        choice.get("const").into_iter().chain(choice["enum"].as_array().into_iter().flatten()).cloned().collect()
    };
    let names: Vec<Value> = choices.iter().flat_map(named).collect();
    let keys = choices.iter().filter_map(|choice| choice["required"][0].as_str());
    let forms: Vec<String> =
        names.iter().map(ToString::to_string).chain(keys.map(|key| format!("`{key}: {{ … }}`"))).collect();
    let wanted = match &forms[..] {
        [] => "another form".to_owned(),
        [one] => one.clone(),
        several => format!("one of {}", several.join(", ")),
    };
    let near = value.as_str().and_then(|typed| did_you_mean(typed, names.iter().filter_map(Value::as_str)));
    Complaint {
        field: path.to_vec(),
        message: format!("must be {wanted}, is {}", value_in_words(value)),
        help: near.map(|name| format!("did you mean `{name}`?")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn defaults() -> Value {
        json!({"dimension": 100, "kind": "dot", "task": "none", "training": {"epochs": 20, "learning_rate": 0.001}})
    }

    fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "dimension": {"type": "integer", "minimum": 1},
                "kind": {"oneOf": [{"const": "dot", "type": "string"}, {"const": "mlp", "type": "string"}]},
                "task": {"$ref": "#/$defs/Task"},
                "training": {"$ref": "#/$defs/Training"}
            },
            "$defs": {
                "Task": {"oneOf": [
                    {"const": "none", "type": "string"},
                    {"type": "object", "properties": {"joint": {"$ref": "#/$defs/Weighted"}}, "required": ["joint"]},
                    {"type": "object", "properties": {"apart": {"$ref": "#/$defs/Weighted"}}, "required": ["apart"]}]},
                "Weighted": {"type": "object", "properties": {"weight": {"type": "number"}, "batch": {"type": "integer"}}},
                "Training": {"type": "object", "additionalProperties": false, "properties": {
                    "epochs": {"type": "integer", "minimum": 0}, "learning_rate": {"type": "number"}}}
            }
        })
    }

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("a map") };
        map
    }

    fn complaints(overrides: Value) -> Vec<String> {
        configure(&defaults(), &schema(), &map(overrides))
            .unwrap_err()
            .into_iter()
            .map(|c| format!("{}: {} ({})", c.field.join("."), c.message, c.help.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn values_are_merged_over_the_defaults() {
        let overrides = map(json!({"kind": "mlp", "training": {"epochs": 3}}));
        let mut expected = defaults();
        (expected["kind"], expected["training"]["epochs"]) = ("mlp".into(), 3.into());
        assert_eq!(configure(&defaults(), &schema(), &overrides).unwrap(), expected);
    }

    #[test]
    fn settings_merge_group_by_group_and_another_choice_replaces_the_first() {
        let laid = |under: Value, over: Value| {
            let mut under = map(under);
            lay_over(&mut under, &map(over), &schema());
            Value::Object(under)
        };
        assert_eq!(
            laid(json!({"kind": "mlp", "training": {"epochs": 3}}), json!({"training": {"learning_rate": 0.1}})),
            json!({"kind": "mlp", "training": {"epochs": 3, "learning_rate": 0.1}})
        );
        let joint = json!({"task": {"joint": {"weight": 0.5}}});
        assert_eq!(
            laid(joint.clone(), json!({"task": {"joint": {"batch": 7}}})),
            json!({"task": {"joint": {"weight": 0.5, "batch": 7}}})
        );
        assert_eq!(
            laid(joint.clone(), json!({"task": {"apart": {"batch": 7}}})),
            json!({"task": {"apart": {"batch": 7}}})
        );
        assert_eq!(laid(joint, json!({"task": "none"})), json!({"task": "none"}));
    }

    #[test]
    fn mistyped_names_wrong_types_and_wrong_words_are_all_told_at_once() {
        let told = complaints(json!({"dimensoin": 1, "kind": "mpl", "training": {"epochs": "ten"}}));
        assert_eq!(
            told,
            [
                "dimensoin: unknown hyper-parameter `dimensoin` (did you mean `dimension`?)",
                "kind: must be one of \"dot\", \"mlp\", is \"mpl\" (did you mean `mlp`?)",
                "training.epochs: must be a whole number, is \"ten\" ()",
            ]
        );
        assert_eq!(
            complaints(json!({"training": {"epoch": 1}})),
            ["training.epoch: unknown field `epoch` (did you mean `epochs`?)"]
        );
        assert_eq!(
            complaints(json!({"task": "jiont"})),
            ["task: must be one of \"none\", `joint: { … }`, `apart: { … }`, is \"jiont\" ()"]
        );
        assert_eq!(complaints(json!({"training": 7})), ["training: must be a map (`key: value`), is 7 ()"]);
    }
}
