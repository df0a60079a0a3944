//! What is wrong with a value, in words for a person who writes YAML and has never seen the types behind it.

use serde_json::Value;

/// What a type of JSON Schema is called.
pub fn type_in_words(name: &str) -> &str {
    match name {
        "object" => "a map (`key: value`)",
        "array" => "a list",
        "string" => "text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "empty",
    }
}

/// What a value is, as it is told after `must be …, is`.
pub fn value_in_words(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        scalar => scalar.to_string(),
    }
}

/// A message of serde about a value of a wrong type, `invalid type: string "one", expected a sequence`, in words, with
/// a way out where there is one. None for any other message.
pub(super) fn wrong_type(message: &str) -> Option<(String, Option<String>)> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let wanted = match expected {
        "a sequence" | "sequence" => type_in_words("array"),
        "a map" | "map" => type_in_words("object"),
        "a string" | "string" => type_in_words("string"),
        "a boolean" => type_in_words("boolean"),
        "f32" | "f64" => type_in_words("number"),
        "i8" | "i16" | "i32" | "i64" | "isize" => type_in_words("integer"),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "string or map" => "a name, or a map (`key: value`)",
        other if other.starts_with("struct ") => type_in_words("object"),
        other if other.starts_with("a nonzero u") => "a whole number from 1",
        other => other,
    };
    let is = match found {
        "null" | "unit value" => "empty",
        "sequence" => "a list",
        "map" => "a map",
        scalar => ["string ", "boolean ", "integer ", "floating point "]
            .iter()
            .find_map(|kind| scalar.strip_prefix(kind))
            .map_or(scalar, |value| value.trim_matches('`')),
    };
    let is_scalar = !matches!(is, "empty" | "a list" | "a map");
    let help = match wanted {
        "a list" if is_scalar => Some(format!("write it in brackets: `[{}]`", is.trim_matches('"'))),
        "text" if is_scalar => Some(format!("write it in quotes: `\"{is}\"`")),
        _ => None,
    };
    Some((format!("must be {wanted}, is {is}"), help))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU32;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the errors matter")]
    struct Toy {
        a: u32,
    }

    /// What is told of a value that should have been a `T`.
    fn told<T: DeserializeOwned + std::fmt::Debug>(value: Value) -> (String, Option<String>) {
        wrong_type(&serde_json::from_value::<T>(value).unwrap_err().to_string()).expect("of a wrong type")
    }

    #[test]
    fn a_value_of_a_wrong_type_is_told_without_a_word_of_rust() {
        let message = |told: (String, Option<String>)| told.0;
        assert_eq!(message(told::<u64>(json!("two"))), "must be a whole number from 0, is \"two\"");
        assert_eq!(message(told::<u64>(json!(-3))), "must be a whole number from 0, is -3");
        assert_eq!(message(told::<NonZeroU32>(json!(0))), "must be a whole number from 1, is 0");
        assert_eq!(message(told::<f64>(json!([8]))), "must be a number, is a list");
        assert_eq!(message(told::<bool>(json!(null))), "must be true or false, is empty");
        assert_eq!(message(told::<Toy>(json!("m-sr"))), "must be a map (`key: value`), is \"m-sr\"");
        assert_eq!(message(told::<Toy>(json!(null))), "must be a map (`key: value`), is empty");
        assert_eq!(message(told::<BTreeMap<String, u8>>(json!(8.5))), "must be a map (`key: value`), is 8.5");
        assert_eq!(wrong_type("missing field `a`"), None);
    }

    #[test]
    fn a_way_out_is_offered_where_one_pair_of_signs_is_missing() {
        let help = |told: (String, Option<String>)| told.1;
        assert_eq!(help(told::<Vec<String>>(json!("hit@20"))).as_deref(), Some("write it in brackets: `[hit@20]`"));
        assert_eq!(help(told::<Vec<u64>>(json!(5))).as_deref(), Some("write it in brackets: `[5]`"));
        assert_eq!(help(told::<String>(json!(7))).as_deref(), Some("write it in quotes: `\"7\"`"));
        assert_eq!(help(told::<Vec<u64>>(json!({ "a": 5 }))), None);
    }
}
