//! `${name}` places in what a file says: which there are, and filling them in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::Step;

/// Adds the names of all places in a value, however deep, to `names`.
pub fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => names.extend(split(text).into_iter().filter_map(|piece| match piece {
            Piece::Place(name) => Some(name.to_owned()),
            Piece::Text(_) => None,
        })),
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(map) => map.values().for_each(|item| collect(item, names)),
        _ => {}
    }
}

/// Fills in the places of a value, however deep. A place alone takes the value with its type; in a text it becomes text.
/// `missing` hears the path and the name of each place that `values` has nothing for; it stays as it is.
pub fn fill(
    value: &mut Value,
    values: &BTreeMap<String, Value>,
    path: &mut Vec<Step>,
    missing: &mut impl FnMut(&[Step], &str),
) {
    match value {
        Value::String(text) => {
            let pieces = split(text);
            if let [Piece::Place(name)] = pieces[..] {
                // Alone, a place takes the value with its type.
                match values.get(name) {
                    Some(known) => *value = known.clone(),
                    None => missing(path, name),
                }
                return;
            }
            let mut filled = String::new();
            for piece in pieces {
                match piece {
                    Piece::Text(part) => filled.push_str(part),
                    Piece::Place(name) => match values.get(name) {
                        Some(Value::String(known)) => filled.push_str(known),
                        Some(known) => filled.push_str(&known.to_string()),
                        None => missing(path, name),
                    },
                }
            }
            *text = filled;
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(Step::Index(index));
                fill(item, values, path, missing);
                path.pop();
            }
        }
        Value::Object(map) => {
            for (key, item) in map.iter_mut() {
                path.push(Step::Key(key.clone()));
                fill(item, values, path, missing);
                path.pop();
            }
        }
        _ => {}
    }
}

#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Place(&'a str),
}

/// Takes `a ${b} c` apart. `$OUT` and `$(date)` are text: only `${lower-case-name}` is a place, so that a shell
/// command can use the shell's own `${VARIABLE}`.
fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find("${") {
        let open = at + found;
        let Some(length) = text[open..].find('}') else { break };
        let name = &text[open + 2..open + length];
        let is_place = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
        at = open + length + 1;
        if is_place {
            if from < open {
                pieces.push(Piece::Text(&text[from..open]));
            }
            pieces.push(Piece::Place(name));
            from = at;
        }
    }
    if from < text.len() {
        pieces.push(Piece::Text(&text[from..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn filled(mut value: Value) -> (Value, Vec<String>) {
        let values = BTreeMap::from([("n".to_owned(), json!(3)), ("model".to_owned(), json!("m-sr"))]);
        let mut missing = Vec::new();
        fill(&mut value, &values, &mut Vec::new(), &mut |_, name| missing.push(name.to_owned()));
        (value, missing)
    }

    #[test]
    fn a_place_alone_keeps_the_type_and_one_in_a_text_becomes_text() {
        assert_eq!(filled(json!({"a": "${n}", "b": ["x ${n} ${model}"]})).0, json!({"a": 3, "b": ["x 3 m-sr"]}));
    }

    #[test]
    fn the_shells_own_variables_are_left_alone() {
        assert_eq!(filled(json!("echo $OUT ${HOME} ${n")).0, json!("echo $OUT ${HOME} ${n"));
    }

    #[test]
    fn a_place_without_a_value_is_told() {
        assert_eq!(filled(json!("${nn} and ${mm}")).1, ["nn", "mm"]);
    }

    proptest! {
        #[test]
        fn no_text_is_lost_in_taking_it_apart(text in "[a-z${} ]{0,40}") {
            let whole: String = split(&text)
                .into_iter()
                .map(|piece| match piece { Piece::Text(t) => t.to_owned(), Piece::Place(n) => format!("${{{n}}}") })
                .collect();
            prop_assert_eq!(whole, text);
        }
    }
}
