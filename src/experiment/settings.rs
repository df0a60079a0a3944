//! What an experiment says of models: their hyper-parameters, with the `${name}` places that each cell fills in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::load::ExperimentFile;
use super::points::Point;
use super::types::{Experiment, Variant};
use crate::diagnostic::Diagnostic;
use crate::document::{Part, Path};
use crate::pipeline::places::{collect, fill};
use crate::stage::ModelChoice;

/// What is said of models, by the names of models and of variants.
pub(super) struct Choices {
    written: BTreeMap<String, ModelChoice>,
    /// The places in it, of models that have some.
    places: BTreeMap<String, BTreeSet<String>>,
}

impl Choices {
    /// What the experiment says, as it is written.
    pub(super) fn of(experiment: &Experiment) -> Self {
        let Experiment { models, variants, .. } = experiment;
        let choice = |of, settings: Vec<&Map<String, Value>>| ModelChoice {
            of,
            settings: settings.into_iter().cloned().collect(),
            filled: BTreeMap::new(),
        };
        let plain = models.iter().map(|(name, settings)| (name.clone(), choice(None, vec![settings])));
        let varied = variants.iter().map(|(name, Variant { of, config, .. })| {
            (name.clone(), choice(Some(of.clone()), models.get(of).into_iter().chain([config]).collect()))
        });
        let written: BTreeMap<String, ModelChoice> = plain.chain(varied).collect();
        let mut places = BTreeMap::new();
        for (name, choice) in &written {
            let mut found = BTreeSet::new();
            choice.settings.iter().flat_map(Map::values).for_each(|value| collect(value, &mut found));
            if !found.is_empty() {
                places.insert(name.clone(), found);
            }
        }
        Self { written, places }
    }

    /// All places, whichever model has them.
    pub(super) fn places(&self) -> impl Iterator<Item = &str> {
        self.places.values().flatten().map(String::as_str)
    }

    /// What is said to a cell with these values. A model that has a place without a value stays as it is written: the cell
    /// is not of that model.
    pub(super) fn filled(&self, values: &BTreeMap<String, Value>) -> Cow<'_, BTreeMap<String, ModelChoice>> {
        if self.places.is_empty() {
            return Cow::Borrowed(&self.written);
        }
        let mut choices = self.written.clone();
        for (name, places) in &self.places {
            let Some(choice) = choices.get_mut(name).filter(|_| places.iter().all(|place| values.contains_key(place)))
            else {
                continue;
            };
            choice.settings.iter_mut().for_each(|settings| *settings = filled(settings, values));
            choice.filled = places.iter().map(|place| (place.clone(), values[place].clone())).collect();
        }
        Cow::Owned(choices)
    }
}

/// Hyper-parameters with their places filled in, as far as there are values.
fn filled(settings: &Map<String, Value>, values: &BTreeMap<String, Value>) -> Map<String, Value> {
    let fill_in = |(name, value): (&String, &Value)| {
        let mut value = value.clone();
        fill(&mut value, values, &mut Vec::new(), &mut |_, _| {});
        (name.clone(), value)
    };
    settings.iter().map(fill_in).collect()
}

impl ExperimentFile {
    /// The values that a cell has for places: its pipeline's own, those of its data set, of its axes, its seed; what comes
    /// later goes over what came before. Nothing for a data set that is not there.
    pub(super) fn values(&self, point: &Point) -> Option<BTreeMap<String, Value>> {
        let dataset = point.coordinates.get("dataset")?;
        let mut values = self.pipelines.get(dataset)?.defaults();
        values.extend(self.experiment.datasets.get(dataset)?.with.clone());
        values.extend(point.values.iter().map(|(axis, value)| (axis.clone(), json!(value))));
        values.insert("seed".into(), json!(point.seed));
        Some(values)
    }

    /// The cells of a model, or of a variant.
    fn points_of<'a>(&'a self, model: &'a str) -> impl Iterator<Item = &'a Point> {
        self.points.points.iter().filter(move |point| point.coordinates.get("model").is_some_and(|name| name == model))
    }

    /// Places of models for which a cell of that model has no value.
    pub(super) fn place_errors(&self) -> Vec<Diagnostic> {
        let Experiment { models, variants, .. } = &self.experiment;
        let mut errors = Vec::new();
        let mut check = |settings: &Map<String, Value>, place: &[&str], users: &[&str]| {
            let mut found = BTreeSet::new();
            settings.values().for_each(|value| collect(value, &mut found));
            if found.is_empty() {
                return;
            }
            for point in users.iter().flat_map(|user| self.points_of(user)) {
                let Some(values) = self.values(point) else { continue };
                for (name, value) in settings {
                    let mut path: Path = place.iter().copied().chain([name.as_str()]).map(Into::into).collect();
                    fill(&mut value.clone(), &values, &mut path, &mut |path, missing| {
                        let message = format!("nothing gives a value for `${{{missing}}}`");
                        let error = self.document.error(path, Part::Value, message);
                        let error = error.help(format!("add an axis `{missing}` to the grid: `{missing}: [...]`"));
                        if !errors.contains(&error) {
                            errors.push(error);
                        }
                    });
                }
            }
        };
        for (name, settings) in models {
            let users = variants.iter().filter(|(_, variant)| variant.of == *name).map(|(variant, _)| variant.as_str());
            check(settings, &["models", name], &users.chain([name.as_str()]).collect::<Vec<_>>());
        }
        for (name, variant) in variants {
            check(&variant.config, &["variants", name, "config"], &[name]);
        }
        errors
    }

    /// Hyper-parameters as the cells of these models have them, each once; as they are written where they have no place.
    pub(super) fn as_filled(&self, settings: &Map<String, Value>, users: &[&str]) -> Vec<Map<String, Value>> {
        let mut found = BTreeSet::new();
        settings.values().for_each(|value| collect(value, &mut found));
        if found.is_empty() {
            return vec![settings.clone()];
        }
        let mut all: Vec<Map<String, Value>> = Vec::new();
        for point in users.iter().flat_map(|user| self.points_of(user)) {
            let Some(one) = self.values(point).map(|values| filled(settings, &values)) else { continue };
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }
}
