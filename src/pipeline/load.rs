//! From a pipeline file to stages: read, fill in a cell's values, type, resolve; every message points into the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use camino::Utf8Path;
use serde_json::{Map, Value, json};

use super::Pipeline;
use crate::artifact::ArtifactKind;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Document, Part, Step, keys};
use crate::engine::{Handling, Member, WiringError};
use crate::hash::canonical;
use crate::stage::{Settings, StageConfig};

/// A pipeline file that has been read.
#[derive(Debug, Clone)]
pub struct PipelineFile {
    /// The file.
    pub document: Document,
    /// The names of its `${name}` places, by stage.
    places: BTreeMap<String, BTreeSet<String>>,
}

/// A pipeline with a cell's values filled in.
pub struct Instance {
    /// Its stages by name.
    pub stages: BTreeMap<String, Arc<Member>>,
}

/// Stages that were filled in before: cells that give a stage the same values share it. Nothing stands for a stage
/// whose mistakes were told already.
#[derive(Default)]
pub struct Filled(HashMap<String, Option<Arc<Member>>>);

impl PipelineFile {
    /// Reads a file.
    ///
    /// # Errors
    /// A located message when it is not a pipeline at all.
    pub fn read(path: &Utf8Path) -> Result<Self, Diagnostic> {
        let document = Document::read(path)?;
        let mut places = BTreeMap::new();
        match document.value.get("stages") {
            Some(Value::Object(stages)) if !stages.is_empty() => {
                for (name, stage) in stages {
                    let mut names = BTreeSet::new();
                    collect_places(stage, &mut names);
                    places.insert(name.clone(), names);
                }
            }
            _ => {
                return Err(document
                    .error(&keys(["stages"]), Part::Key, "a pipeline needs `stages`, a map of at least one stage")
                    .help("see `docs/pipelines.md` or any file in `pipelines/`"));
            }
        }
        // All but the stages, which are typed once their places are filled in.
        let beside = document.value.as_object().into_iter().flatten().filter(|(key, _)| *key != "stages");
        let mut rest: Map<String, Value> = beside.map(|(key, value)| (key.clone(), value.clone())).collect();
        rest.insert("stages".into(), json!({}));
        document.typed_from::<Pipeline>(&rest.into())?;
        Ok(Self { document, places })
    }

    /// The `${name}` places that stand in a stage.
    pub fn places(&self, stage: &str) -> impl Iterator<Item = &str> {
        self.places.get(stage).into_iter().flatten().map(String::as_str)
    }

    /// The `${name}` places of all stages.
    pub fn all_places(&self) -> BTreeSet<&str> {
        self.places.values().flatten().map(String::as_str).collect()
    }

    /// The pipeline's own values for `${name}` places.
    pub fn defaults(&self) -> BTreeMap<String, Value> {
        let defaults = self.document.value.get("defaults").and_then(Value::as_object);
        defaults.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The names of its stages.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The names of its stages of a kind.
    pub fn stages_of(&self, kind: &str) -> impl Iterator<Item = &str> {
        let of_kind = move |name: &&String| self.document.value["stages"][name.as_str()].get(kind).is_some();
        self.places.keys().filter(of_kind).map(String::as_str)
    }

    /// Fills in values, types the stages and resolves them: all, or those that `goals` name and what these read.
    ///
    /// # Errors
    /// Everything that is wrong and was not told before, each with its place in the file.
    pub fn instantiate(
        &self,
        values: &BTreeMap<String, Value>,
        settings: &Settings<'_>,
        filled: &mut Filled,
        goals: Option<&BTreeSet<String>>,
    ) -> Result<Instance, Vec<Diagnostic>> {
        let (mut stages, mut errors, mut whole) = (BTreeMap::new(), Vec::new(), true);
        let mut open: BTreeSet<String> = goals.map_or_else(|| self.places.keys().cloned().collect(), BTreeSet::clone);
        let mut reached = BTreeSet::new();
        while let Some(name) = open.pop_first() {
            // A name that is no stage is told when the stages are wired.
            let Some((name, places)) = self.places.get_key_value(&name) else { continue };
            if !reached.insert(name) {
                continue;
            }
            // All that a stage is made of beside the file: the values of its places, and the seed.
            let mut known = format!("{}\n{name}\n{}", self.document.path, settings.seed);
            for place in places {
                known.push('\n');
                known.push_str(&values.get(place).map_or_else(String::new, canonical));
            }
            let member = filled.0.entry(known).or_insert_with(|| match self.stage(name, values, settings) {
                Ok(member) => Some(Arc::new(member)),
                Err(found) => {
                    errors.extend(found);
                    None
                }
            });
            match member {
                Some(member) => {
                    open.extend(member.inputs.iter().map(|input| input.stage.clone()));
                    stages.insert(name.clone(), Arc::clone(member));
                }
                None => whole = false,
            }
        }
        if whole { Ok(Instance { stages }) } else { Err(errors) }
    }

    /// One stage, filled in, typed and resolved.
    fn stage(
        &self,
        name: &str,
        values: &BTreeMap<String, Value>,
        settings: &Settings<'_>,
    ) -> Result<Member, Vec<Diagnostic>> {
        let mut errors = Vec::new();
        let mut stage = self.document.value["stages"][name].clone();
        let mut path = keys(["stages", name]);
        fill(&mut stage, values, &mut path, &mut |path, place| {
            let known: Vec<&str> = values.keys().map(String::as_str).collect();
            errors.push(
                self.document
                    .error(path, Part::Value, format!("nothing gives a value for `${{{place}}}`"))
                    .help(suggestion(place, &known)),
            );
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let handling = self.take_handling(name, &mut stage)?;
        // Typed under the path that it has in the file, so that messages find their place.
        let mut pipeline: Pipeline =
            self.document.typed_from(&json!({ "stages": { name: stage } })).map_err(|error| vec![error])?;
        let Some(config) = pipeline.stages.remove(name) else { return Err(Vec::new()) };
        let stage = config.resolve(settings).map_err(|complaints| {
            let located = complaints.into_iter().map(|complaint| {
                let mut path = self.stage_path(name);
                path.extend(complaint.field.into_iter().map(Step::Key));
                let mut error = self.document.error(&path, Part::Value, complaint.message);
                error.help = complaint.help;
                error
            });
            located.collect::<Vec<_>>()
        })?;
        if handling.temp && matches!(stage.output(), ArtifactKind::Dataset | ArtifactKind::Ranks) {
            let message = format!("{} cannot be temporary", stage.output());
            let error = self.document.error(&keys(["stages", name, "temp"]), Part::Key, message);
            return Err(vec![error.help("the report reads what this stage makes")]);
        }
        Ok(Member::new(stage, handling))
    }

    /// Takes what is said of a stage beside its kind out of it: the rest is kind and config.
    fn take_handling(&self, name: &str, stage: &mut Value) -> Result<Handling, Vec<Diagnostic>> {
        #[derive(serde::Deserialize)]
        struct Handlings {
            stages: BTreeMap<String, Handling>,
        }
        let Some(stage) = stage.as_object_mut() else { return Ok(Handling::default()) };
        let own: Map<String, Value> = Handling::KEYS.iter().filter_map(|key| stage.remove_entry(*key)).collect();
        // One key is left, and it is the kind; of more, those that are no kind were meant to be something else.
        if stage.len() > 1 || (stage.is_empty() && !own.is_empty()) {
            let known: Vec<&str> = StageConfig::KINDS.iter().chain(&Handling::KEYS).copied().collect();
            let strangers = stage.keys().filter(|key| !StageConfig::KINDS.contains(&key.as_str()));
            let mut errors: Vec<Diagnostic> = strangers
                .map(|stranger| {
                    let message = format!("unknown field `{stranger}`");
                    let error = self.document.error(&keys(["stages", name, stranger]), Part::Key, message);
                    error.help(suggestion(stranger, &known))
                })
                .collect();
            if errors.is_empty() {
                let message = format!("stage `{name}` must be of one kind, and is of {}", stage.len());
                let error = self.document.error(&keys(["stages", name]), Part::Key, message);
                errors.push(error.help("give each kind a stage of its own"));
            }
            return Err(errors);
        }
        if own.is_empty() {
            return Ok(Handling::default());
        }
        let typed: Result<Handlings, _> = self.document.typed_from(&json!({ "stages": { name: own } }));
        let handling = typed.map_err(|error| vec![error])?.stages.remove(name).unwrap_or_default();
        let odd = |gpu: f64| !gpu.is_finite() || gpu < 0.0 || (gpu > 1.0 && gpu.fract() > 0.0);
        if handling.resources.gpu.is_some_and(odd) {
            let path = keys(["stages", name, "resources", "gpu"]);
            let error =
                self.document.error(&path, Part::Value, "a number of GPUs is a whole one, or a share of one below 1");
            return Err(vec![error.help("`0.25` lets four such stages share one GPU")]);
        }
        Ok(handling)
    }

    /// A located message for stages that do not fit together.
    pub fn wiring(&self, error: &WiringError) -> Diagnostic {
        let (stage, field, help) = match error {
            WiringError::Unknown { stage, input, missing } => {
                let known: Vec<&str> = self.places.keys().map(String::as_str).collect();
                (stage, Some(input), suggestion(missing, &known))
            }
            WiringError::Kind { stage, input, .. } => {
                (stage, Some(input), "name a stage that makes what this one reads".into())
            }
            WiringError::Cycle { path } => (&path[0], None, "take one of these references out".into()),
        };
        let mut path = self.stage_path(stage);
        match field {
            Some(field) => {
                // A shell stage's inputs stand one level deeper.
                let mut deeper = path.clone();
                deeper.extend(keys(["inputs"]));
                deeper.push(Step::Key(field.clone()));
                path.push(Step::Key(field.clone()));
                let at = if self.document.has(&deeper) { deeper } else { path };
                self.document.error(&at, Part::Value, error.to_string()).help(help)
            }
            None => {
                path.pop();
                self.document.error(&path, Part::Key, error.to_string()).help(help)
            }
        }
    }

    /// `stages.NAME.KIND`, with the kind as it stands in the file.
    fn stage_path(&self, name: &str) -> Vec<Step> {
        let mut path = keys(["stages"]);
        path.push(Step::Key(name.to_owned()));
        let stage = self.document.value["stages"][name].as_object();
        let kind = stage.and_then(|stage| stage.keys().find(|key| !Handling::KEYS.contains(&key.as_str())));
        path.extend(kind.map(|kind| Step::Key(kind.clone())));
        path
    }
}

fn collect_places(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => names.extend(split(text).into_iter().filter_map(|piece| match piece {
            Piece::Place(name) => Some(name.to_owned()),
            Piece::Text(_) => None,
        })),
        Value::Array(items) => items.iter().for_each(|item| collect_places(item, names)),
        Value::Object(map) => map.values().for_each(|item| collect_places(item, names)),
        _ => {}
    }
}

fn fill(
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
