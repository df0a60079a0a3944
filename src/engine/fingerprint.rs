//! The cache key: one struct that holds everything a stage's output depends on, and nothing else.
//!
//! Never in the key: paths, modification times, the git commit, the number of jobs. Those go into the record.
//!
//! | format | meant |
//! |---|---|
//! | 1 | first |

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::stage::Identity;
use crate::hash::{ContentHash, write_canonical, write_text};

/// The version of the key's form; a change of it makes every result a new one.
pub const KEY_FORMAT: u32 = 1;

/// Everything that a stage's output depends on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fingerprint<'a> {
    /// `KEY_FORMAT`.
    pub format: u32,
    /// The kind of stage.
    pub kind: &'a str,
    /// The stage's version; for training, the model's code digest.
    pub version: &'a str,
    /// The config with its defaults filled in.
    pub config: &'a Value,
    /// Content of the inputs, by name.
    pub inputs: BTreeMap<&'a str, ContentHash>,
    /// The seed, where the stage draws random numbers.
    pub seed: Option<u64>,
    /// The protocol, where the stage depends on it.
    pub protocol: Option<&'a Value>,
    /// Device class, libtorch version, allowed environment variables.
    pub environment: &'a BTreeMap<String, String>,
}

impl<'a> Fingerprint<'a> {
    /// The fingerprint of a stage on these inputs.
    pub fn new(identity: &'a Identity, inputs: BTreeMap<&'a str, ContentHash>) -> Self {
        Self {
            format: KEY_FORMAT,
            kind: identity.kind,
            version: &identity.version,
            config: &identity.config,
            inputs,
            seed: identity.seed,
            protocol: identity.protocol.as_ref(),
            environment: &identity.environment,
        }
    }

    /// As JSON, for the record.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a fingerprint has a JSON form")
    }

    /// The cache key.
    pub fn key(&self) -> ContentHash {
        ContentHash::of(self.canonical().as_bytes())
    }

    /// The canonical form of `to_json`, without the way over a JSON value: planning does this for every node.
    fn canonical(&self) -> String {
        let mut text = String::with_capacity(512);
        let map = |text: &mut String, entries: &mut dyn Iterator<Item = (&str, &str)>| {
            text.push('{');
            for (at, (name, value)) in entries.enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                write_text(name, text);
                text.push(':');
                write_text(value, text);
            }
            text.push('}');
        };
        // Fields in the order of their names.
        text.push_str("{\"config\":");
        write_canonical(self.config, &mut text);
        text.push_str(",\"environment\":");
        map(&mut text, &mut self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        text.push_str(&format!(",\"format\":{},\"inputs\":", self.format));
        let inputs: Vec<(&str, String)> = self.inputs.iter().map(|(name, hash)| (*name, hash.to_string())).collect();
        map(&mut text, &mut inputs.iter().map(|(name, hash)| (*name, hash.as_str())));
        text.push_str(",\"kind\":");
        write_text(self.kind, &mut text);
        text.push_str(",\"protocol\":");
        write_canonical(self.protocol.unwrap_or(&Value::Null), &mut text);
        match self.seed {
            Some(seed) => text.push_str(&format!(",\"seed\":{seed},\"version\":")),
            None => text.push_str(",\"seed\":null,\"version\":"),
        }
        write_text(self.version, &mut text);
        text.push('}');
        text
    }
}

/// What sort of thing a field of the key is to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// The sources of the stage: its version, a model's code digest, the command of a shell stage.
    Code,
    /// The content of an input.
    Input,
    /// A value of the config.
    Parameter,
    /// The seed.
    Seed,
    /// A choice of the protocol.
    Protocol,
    /// Device class, libtorch version, an environment variable.
    Environment,
    /// The form of the key itself, or the kind of stage.
    Form,
}

impl Aspect {
    fn of(path: &str) -> Self {
        match path.split('.').next().unwrap_or_default() {
            "version" => Self::Code,
            "config" if path == "config.command" => Self::Code,
            "config" => Self::Parameter,
            "inputs" => Self::Input,
            "seed" => Self::Seed,
            "protocol" => Self::Protocol,
            "environment" => Self::Environment,
            _ => Self::Form,
        }
    }
}

/// One field in which two fingerprints differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What sort of field it is.
    pub aspect: Aspect,
    /// Its path: `config.hyper_parameters.training.epochs`.
    pub field: String,
    /// Its earlier value; null where it was not there.
    pub was: Value,
    /// Its present value; null where it is not there.
    pub is: Value,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.aspect {
            Aspect::Input => write!(f, "input `{}` has other content", self.field.trim_start_matches("inputs.")),
            Aspect::Code if self.field == "version" => f.write_str("its code changed"),
            _ => write!(f, "`{}` was {}, is {}", self.field, shown(&self.was), shown(&self.is)),
        }
    }
}

/// Every field in which two fingerprints differ, sorted by path.
pub fn changes(earlier: &Value, now: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", earlier, now, &mut found);
    found
}

/// Changes in words: the first three, and how many more.
pub fn in_words(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "nothing that enters the key differs; its result is gone".into();
    }
    let mut text = changes.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if changes.len() > 3 {
        text.push_str(&format!(" and {} more", changes.len() - 3));
    }
    text
}

/// An earlier fingerprint and what differs from it.
#[derive(Debug, Clone)]
pub struct Nearest<'a, T> {
    /// The earlier result.
    pub earlier: &'a T,
    /// What differs.
    pub changes: Vec<Change>,
}

/// The earlier result that differs in the fewest fields; of equals, the first.
pub fn nearest<'a, T>(earlier: &'a [T], fingerprint: impl Fn(&T) -> &Value, now: &Value) -> Option<Nearest<'a, T>> {
    let compared = earlier.iter().map(|one| Nearest { earlier: one, changes: changes(fingerprint(one), now) });
    compared.min_by_key(|one| one.changes.len())
}

fn compare(path: &str, earlier: &Value, now: &Value, found: &mut Vec<Change>) {
    match (earlier, now) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let deeper = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&deeper, a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null), found);
            }
        }
        _ if crate::hash::canonical(earlier) == crate::hash::canonical(now) => {}
        _ => found.push(Change {
            aspect: Aspect::of(path),
            field: path.to_owned(),
            was: earlier.clone(),
            is: now.clone(),
        }),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 40 { format!("{}…", text.chars().take(39).collect::<String>()) } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn identity() -> Identity {
        Identity {
            kind: "filter",
            version: "1".into(),
            config: json!({"min_item_count": 3, "from": "sessions"}),
            seed: Some(7),
            protocol: None,
            environment: BTreeMap::from([("DEVICE".into(), "cpu".into())]),
        }
    }

    /// A change here makes every cache of every user cold: raise `KEY_FORMAT` and say so in the change log.
    #[test]
    fn the_key_of_a_sample_stage_is_the_blake3_of_this_very_text() {
        let identity = identity();
        let fingerprint = Fingerprint::new(&identity, BTreeMap::from([("from", ContentHash::of(b""))]));
        let text = concat!(
            r#"{"config":{"from":"sessions","min_item_count":3},"environment":{"DEVICE":"cpu"},"format":1,"#,
            r#""inputs":{"from":"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},"#,
            r#""kind":"filter","protocol":null,"seed":7,"version":"1"}"#
        );
        assert_eq!(crate::hash::canonical(&fingerprint.to_json()), text);
        // Worked out by another program (Python's blake3 on the text above).
        assert_eq!(fingerprint.key().to_string(), "bee703f7817f66a418b555822aca3fd4a8db4fb2097419a44437368535843d1b");
    }

    #[test]
    fn each_field_changes_the_key() {
        let base = identity();
        let inputs = || BTreeMap::from([("from", ContentHash::of(b"x"))]);
        let key = |identity: &Identity| Fingerprint::new(identity, inputs()).key();
        let changed = [
            Identity { kind: "split", ..base.clone() },
            Identity { version: "2".into(), ..base.clone() },
            Identity { config: json!({"min_item_count": 4, "from": "sessions"}), ..base.clone() },
            Identity { seed: None, ..base.clone() },
            Identity { protocol: Some(json!({"ties": "mean"})), ..base.clone() },
            Identity { environment: BTreeMap::new(), ..base.clone() },
        ];
        for other in &changed {
            assert_ne!(key(&base), key(other), "{other:?}");
        }
        assert_ne!(key(&base), Fingerprint::new(&base, BTreeMap::from([("from", ContentHash::of(b"y"))])).key());
        assert_ne!(key(&base), Fingerprint::new(&base, BTreeMap::from([("form", ContentHash::of(b"x"))])).key());
    }

    #[test]
    fn a_difference_is_told_in_words() {
        let told = in_words(&changes(
            &json!({"config": {"a": 1, "b": 2}, "version": "1", "inputs": {"x": "h1"}}),
            &json!({"config": {"a": 1, "b": 3}, "version": "2", "inputs": {"x": "h2"}}),
        ));
        assert_eq!(told, "`config.b` was 2, is 3, input `x` has other content, its code changed");
    }

    proptest! {
        #[test]
        fn the_short_way_to_the_canonical_form_gives_the_same_text(
            version in "\\PC{0,8}", text in "[\\x00-\\x7f]{0,8}", seed in any::<Option<u64>>(), with_protocol in any::<bool>(),
        ) {
            let identity = Identity {
                version,
                config: json!({ "b": text, "a": [1.0, null, { "z": true, "y": text }] }),
                seed,
                protocol: with_protocol.then(|| json!({ "ties": text })),
                environment: BTreeMap::from([("X".into(), text.clone()), (text.clone(), "y".into())]),
                ..identity()
            };
            let inputs = BTreeMap::from([("b", ContentHash::of(b"1")), ("a", ContentHash::of(text.as_bytes()))]);
            let fingerprint = Fingerprint::new(&identity, inputs);
            prop_assert_eq!(fingerprint.canonical(), crate::hash::canonical(&fingerprint.to_json()));
        }

        #[test]
        fn the_order_in_which_a_config_was_written_does_not_matter(
            mut fields in proptest::collection::btree_map("[a-z]{1,6}", any::<i32>(), 0..8).prop_map(|m| m.into_iter().collect::<Vec<_>>())
        ) {
            let build = |fields: &[(String, i32)]| {
                let config: serde_json::Map<_, _> = fields.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
                let identity = Identity { config: Value::Object(config), ..identity() };
                Fingerprint::new(&identity, BTreeMap::new()).key()
            };
            let forward = build(&fields);
            fields.reverse();
            prop_assert_eq!(forward, build(&fields));
        }
    }
}
