//! From a pipeline file to stages: read, fill in a cell's values, type, resolve; every message points into the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use camino::Utf8Path;
use serde_json::{Map, Value, json};

use super::Pipeline;
use super::places::{collect, fill};
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
                    collect(stage, &mut names);
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

    /// The model that a stage trains, once the places of its name are filled in; nothing for any other stage.
    pub fn model(&self, stage: &str, values: &BTreeMap<String, Value>) -> Option<String> {
        let mut model = self.document.value["stages"][stage].get("train")?.get("model")?.clone();
        fill(&mut model, values, &mut Vec::new(), &mut |_, _| {});
        model.as_str().map(str::to_owned)
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
            // All that a stage is made of beside the file: the values of its places and of those of its model, and the seed.
            let mut known = format!("{}\n{name}\n{}", self.document.path, settings.seed);
            let choice = self.model(name, values).and_then(|model| settings.models.get(&model));
            let of_model = choice.into_iter().flat_map(|choice| choice.filled.values().map(Some));
            for value in places.iter().map(|place| values.get(place)).chain(of_model) {
                known.push('\n');
                known.push_str(&value.map_or_else(String::new, canonical));
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
