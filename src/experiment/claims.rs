//! Claims of an experiment: the sentences of a paper as inequalities between cells, and what can be wrong with them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::AxisValue;
use super::load::ExperimentFile;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Part, Path, keys};

/// A sentence as an inequality between cells: `better: { model: mkm-sr }`, `than: { model: [narm, stamp] }` says that
/// MKM-SR is ahead of each of the two on each data set.
///
/// Each value of `better` is compared with each value of `than`, and an axis that neither names makes a comparison for
/// each of its values that both have. The claim stands only where every comparison does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The sentence.
    pub text: String,
    /// The metric that is compared: `mrr@20`.
    pub metric: String,
    /// Axis values of the cells that should be ahead.
    pub better: BTreeMap<String, Values>,
    /// Axis values of the cells that should be behind; axes left out are as in `better`.
    pub than: BTreeMap<String, Values>,
}

/// One value of an axis, or several, each of which is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "an axis of a claim has a value, or a list of values: a number, a switch or a word each")]
pub enum Values {
    /// This one.
    One(AxisValue),
    /// Each of these.
    Each(Vec<AxisValue>),
}

impl Values {
    /// The values.
    pub fn all(&self) -> &[AxisValue] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }
}

/// The choices that a side of a claim names, one value an axis, in the order in which they are written.
pub fn choices<'a>(side: &'a BTreeMap<String, Values>) -> Vec<BTreeMap<&'a str, String>> {
    let mut choices = vec![BTreeMap::new()];
    for (axis, values) in side {
        let with = |choice: &BTreeMap<&'a str, String>, value: &AxisValue| {
            let mut choice = choice.clone();
            choice.insert(axis.as_str(), value.to_string());
            choice
        };
        choices = choices.iter().flat_map(|choice| values.all().iter().map(|value| with(choice, value))).collect();
    }
    choices
}

impl ExperimentFile {
    /// What is wrong with the claims. `known` are the axes of the grid with their values.
    pub(super) fn claim_errors(&self, known: &BTreeMap<String, Vec<String>>) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        for (index, claim) in self.experiment.claims.iter().enumerate() {
            let place = |rest: Path| [vec!["claims".into(), index.into()], rest].concat();
            let same = |other: &Claim| (&other.text, &other.metric) == (&claim.text, &claim.metric);
            if self.experiment.claims[..index].iter().any(same) {
                let message = "another claim on this metric has the same words";
                let error = self.document.error(&place(keys(["text"])), Part::Value, message);
                errors.push(error.help("say in which they differ, so that `report --check` can tell them apart"));
            }
            let mut mistaken = false;
            for (side, values) in [("better", &claim.better), ("than", &claim.than)] {
                let found = self.side_errors(values, known, &place(keys([side])));
                mistaken |= !found.is_empty();
                errors.extend(found);
            }
            let than = choices(&claim.than);
            let itself = choices(&claim.better)
                .iter()
                .any(|better| than.iter().any(|than| than.iter().all(|(axis, value)| better.get(axis) == Some(value))));
            if itself && !mistaken {
                let message = "this names cells of `better` again, so they would be compared with themselves";
                let error = self.document.error(&place(keys(["than"])), Part::Value, message);
                errors.push(error.help("name what should be behind: `than: { model: [narm, stamp] }`"));
            }
        }
        errors
    }

    /// Axes and values of a side of a claim that no cell has.
    fn side_errors(
        &self,
        side: &BTreeMap<String, Values>,
        known: &BTreeMap<String, Vec<String>>,
        place: &[crate::document::Step],
    ) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        for (axis, values) in side {
            let path = [place, &[axis.as_str().into()]].concat();
            let Some(known) = known.get(axis) else {
                let axes: Vec<&str> = known.keys().map(String::as_str).collect();
                let error = self.document.error(&path, Part::Key, format!("unknown axis `{axis}`"));
                errors.push(error.help(suggestion(axis, &axes)));
                continue;
            };
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            if values.all().is_empty() {
                let error = self.document.error(&path, Part::Value, format!("axis `{axis}` has no value here"));
                errors.push(error.help("name values, or leave the axis out to mean all of them"));
            }
            for (at, value) in values.all().iter().map(ToString::to_string).enumerate() {
                if !known.contains(&value.as_str()) {
                    let path = match values {
                        Values::One(_) => path.clone(),
                        Values::Each(_) => [&path[..], &[at.into()]].concat(),
                    };
                    let message = format!("axis `{axis}` has no value `{value}`");
                    errors.push(self.document.error(&path, Part::Value, message).help(suggestion(&value, &known)));
                }
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_names_every_combination_of_its_values() {
        let side = serde_json::json!({ "model": ["a", "b"], "size": [50, 100], "loss": "ce" });
        let side: BTreeMap<String, Values> = serde_json::from_value(side).unwrap();
        let said = |choice: BTreeMap<&str, String>| choice.into_values().collect::<Vec<_>>().join(" ");
        let named: Vec<String> = choices(&side).into_iter().map(said).collect();
        assert_eq!(named, ["ce a 50", "ce a 100", "ce b 50", "ce b 100"]);
    }

    #[test]
    fn values_are_written_as_they_were_read() {
        for written in [serde_json::json!("a"), serde_json::json!([1, 2.5, true, "b"])] {
            let read: Values = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), written);
        }
        let wrong = serde_json::from_value::<Values>(serde_json::json!({ "a": 1 })).unwrap_err();
        assert!(wrong.to_string().contains("a value, or a list of values"), "{wrong}");
    }
}
