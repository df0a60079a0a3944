//! What every model of the list must do. No model is named here: a new one is checked because it is in the list.

use std::collections::BTreeMap;

use crate::dataset::{ENTITIES, ITEMS, OPERATIONS, Sessions, part};
use crate::process::small;
use serde_json::{Value, json};
use sr_pipe_trainer::batch::Batch;
use sr_pipe_trainer::dataset::{Part, read_tensors};
use sr_pipe_trainer::model::{Catalog, Entry, MODELS, Model};
use tch::{Device, Kind, Tensor};

/// The sizes of the planted data.
pub(crate) fn catalog() -> Catalog {
    Catalog { items: ITEMS.into(), operations: OPERATIONS.into(), entities: ENTITIES.into(), relations: 2 }
}

/// A small model of this entry that has seen the planted training sessions, where it learns by counting.
pub(crate) fn build(entry: &Entry, seed: u64) -> Model {
    let config = small(&entry.default_config(), 1);
    let mut model = entry.build(&config, catalog(), Some(seed), Device::Cpu).unwrap();
    if let Model::Counting(model) = &mut model {
        model.fit(&part(&Sessions::planted().train));
    }
    model
}

/// Scores of the samples, one row each.
fn scores(model: &Model, part: &Part, samples: &[i64]) -> Tensor {
    model.scores(&Batch::gather(part, samples))
}

pub(crate) fn all(part: &Part) -> Vec<i64> {
    (0..part.samples() as i64).collect()
}

/// Asserts equal scores up to rounding; items that are not ranked must be the same ones.
pub(crate) fn assert_close(one: &Tensor, other: &Tensor, what: &str) {
    assert!(one.allclose(other, 0.0, 1e-5, false), "{what}: the scores differ");
}

#[test]
fn scores_have_a_row_for_each_session_and_a_column_for_each_item() {
    let part = part(&Sessions::planted().test);
    for entry in MODELS {
        let scores = scores(&build(entry, 1), &part, &all(&part));
        assert_eq!(scores.size(), [part.samples() as i64, ITEMS.into()], "{}", entry.name);
        assert!(matches!(scores.kind(), Kind::Float | Kind::Double), "{}: {:?}", entry.name, scores.kind());
        assert!(!bool::try_from(scores.isnan().any()).unwrap(), "{} gives NaN", entry.name);
        assert!(!scores.requires_grad(), "{} scores with a gradient", entry.name);
    }
}

#[test]
fn the_other_sessions_of_a_batch_do_not_change_a_score() {
    // The prefixes are 1 to 5 events long, so a model that pads mixes padded and full rows here.
    let part = part(&Sessions::planted().test);
    for entry in MODELS {
        let model = build(entry, 1);
        let together = scores(&model, &part, &all(&part));
        for sample in all(&part) {
            assert_close(&together.narrow(0, sample, 1), &scores(&model, &part, &[sample]), entry.name);
        }
    }
}

#[test]
fn permuting_the_batch_permutes_the_scores() {
    let part = part(&Sessions::planted().test);
    // Steps of 11 reach every row unless 11 divides their number.
    let count = part.samples() as i64;
    assert_ne!(count % 11, 0);
    let permuted: Vec<i64> = (0..count).map(|row| row * 11 % count).collect();
    for entry in MODELS {
        let model = build(entry, 1);
        let expected = scores(&model, &part, &all(&part)).index_select(0, &Tensor::from_slice(&permuted));
        assert_close(&expected, &scores(&model, &part, &permuted), entry.name);
    }
}

#[test]
fn the_target_of_a_session_does_not_change_its_scores() {
    let sessions = Sessions::planted().test;
    let mut changed = sessions.clone();
    for session in &mut changed {
        let (item, operation, time) = session.last_mut().unwrap();
        *item = *item % ITEMS + 1;
        *operation = *operation % OPERATIONS + 1;
        *time += 1000;
    }
    let (whole, changed) = (part(&sessions), part(&changed));
    // The last sample of each session is the one whose target was changed; the ones before never saw it.
    for entry in MODELS {
        let model = build(entry, 1);
        assert_close(&scores(&model, &whole, &all(&whole)), &scores(&model, &changed, &all(&whole)), entry.name);
    }
}

#[test]
fn operations_count_for_the_models_that_say_so_and_for_no_other() {
    let sessions = Sessions::planted().test;
    let mut changed = sessions.clone();
    for (_, operation, _) in changed.iter_mut().flatten() {
        *operation = *operation % OPERATIONS + 1;
    }
    let (whole, changed) = (part(&sessions), part(&changed));
    for entry in MODELS {
        let model = build(entry, 1);
        let same =
            scores(&model, &whole, &all(&whole)).allclose(&scores(&model, &changed, &all(&whole)), 0.0, 0.0, false);
        assert_eq!(same, !entry.needs.operations, "{}", entry.name);
    }
}

#[test]
fn a_seed_gives_the_same_weights_each_time() {
    for entry in MODELS {
        let (once, again, other) = (build(entry, 1).state(), build(entry, 1).state(), build(entry, 2).state());
        assert!(!once.is_empty(), "{}", entry.name);
        let same = |one: &[(String, Tensor)], other: &[(String, Tensor)]| {
            one.len() == other.len() && one.iter().zip(other).all(|((a, one), (b, other))| a == b && one.equal(other))
        };
        assert!(same(&once, &again), "{}", entry.name);
        let learned = build(entry, 1).parameter_count() > 0;
        assert_eq!(same(&once, &other), !learned, "{}", entry.name);
    }
}

#[test]
fn a_model_that_was_saved_and_loaded_scores_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let part = part(&Sessions::planted().test);
    for entry in MODELS {
        let file = folder.path().join(entry.name);
        let model = build(entry, 1);
        Tensor::write_safetensors(&model.state(), &file).unwrap();
        let mut loaded = build(entry, 2);
        loaded.restore(&read_tensors(&file).unwrap()).unwrap();
        let (expected, found) = (scores(&model, &part, &all(&part)), scores(&loaded, &part, &all(&part)));
        assert!(expected.equal(&found), "{}", entry.name);
    }
}

#[test]
fn a_model_does_not_take_the_weights_of_another_catalog() {
    for entry in MODELS {
        let mut state: BTreeMap<String, Tensor> = build(entry, 1).state().into_iter().collect();
        state.pop_first();
        let error = build(entry, 1).restore(&state).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{}: {error}", entry.name);
    }
}

#[test]
fn a_config_survives_its_text_and_takes_no_key_that_it_does_not_know() {
    for entry in MODELS {
        let config = small(&entry.default_config(), 1);
        let text: Value = serde_json::from_str(&config.to_string()).unwrap();
        let (one, other) = (
            entry.build(&config, catalog(), Some(1), Device::Cpu),
            entry.build(&text, catalog(), Some(1), Device::Cpu),
        );
        assert_eq!(one.unwrap().parameter_count(), other.unwrap().parameter_count(), "{}", entry.name);
        for pointer in objects(&config, "") {
            let mut wrong = config.clone();
            wrong.pointer_mut(&pointer).unwrap()["unheard_of"] = json!(1);
            let error = entry.build(&wrong, catalog(), Some(1), Device::Cpu).err();
            let error = error.unwrap_or_else(|| panic!("{} takes `unheard_of` at `{pointer}`", entry.name));
            assert_eq!(error.exit_code(), 2, "{}: {error}", entry.name);
            // Inside a choice with fields, serde says that it wants one key, and not which one is too many.
            assert!(!pointer.is_empty() || error.to_string().contains("unheard_of"), "{}: {error}", entry.name);
        }
    }
}

/// JSON pointers of the value itself and of every object inside it.
fn objects(value: &Value, pointer: &str) -> Vec<String> {
    let Some(fields) = value.as_object() else { return Vec::new() };
    let inner = fields.iter().flat_map(|(key, value)| objects(value, &format!("{pointer}/{key}")));
    std::iter::once(pointer.to_owned()).chain(inner).collect()
}
