//! What every model of the list must do. No model is named here: a new one is checked because it is in the list.

use std::collections::BTreeMap;

use crate::dataset::{ENTITIES, ITEMS, OPERATIONS, Sessions, part};
use crate::process::{Workplace, bytes, small, trained_models};
use serde_json::{Value, json};
use sr_pipe_trainer::batch::Batch;
use sr_pipe_trainer::dataset::{Knowledge, Part, read_tensors};
use sr_pipe_trainer::lanes::{LaneStep, Sessions as Walk};
use sr_pipe_trainer::model::{Catalog, Entry, MODELS, Model, Network, Objective, find};
use sr_pipe_trainer::nn::{Optimizer, Touched};
use tch::{Device, Kind, Tensor};

/// The sizes of the planted data.
fn catalog() -> Catalog {
    Catalog { items: ITEMS.into(), operations: OPERATIONS.into(), entities: ENTITIES.into(), relations: 2 }
}

/// A small model of this entry that has seen the planted training sessions, where it learns by counting.
fn build(entry: &Entry, seed: u64) -> Model {
    let config = small(&entry.default_config(), 1);
    let mut model = entry.build(&config, catalog(), seed, Device::Cpu).unwrap();
    if let Model::Counting(model) = &mut model {
        model.fit(&part(&Sessions::planted().train));
    }
    model
}

/// Scores of the samples, one row each.
fn scores(model: &Model, part: &Part, samples: &[i64]) -> Tensor {
    model.scores(&Batch::gather(part, samples))
}

fn all(part: &Part) -> Vec<i64> {
    (0..part.samples() as i64).collect()
}

/// Asserts equal scores up to rounding; items that are not ranked must be the same ones.
fn assert_close(one: &Tensor, other: &Tensor, what: &str) {
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

/// One step of learning from the sessions of `part`: the loss of what the model minimises, whose gradient is added to that
/// of the parameters, and what it touches. Each time the same, dropout included.
fn learn(network: &Network, part: &Part) -> (f64, Touched) {
    tch::manual_seed(1);
    let batch = Batch::gather(part, &all(part));
    match network.layers.objective() {
        Objective::Catalog => (network.accumulate(&batch).double_value(&[]), Touched::All),
        Objective::Pairs(task) => {
            // The items after each target.
            let after = Tensor::from_slice(&[0i64, 1, 2]).unsqueeze(0);
            let negatives = (batch.targets.unsqueeze(1) + after).remainder(i64::from(ITEMS)) + 1;
            let loss = task.loss(&batch, &negatives);
            loss.backward();
            (loss.double_value(&[]), task.touched(&batch, &negatives))
        }
        Objective::Lanes(task) => {
            // The second turn, in which some sessions go on and others begin; their states are not zero.
            let turn = Walk::of(part).walk(8).nth(1).unwrap();
            let log_counts = Tensor::ones([i64::from(ITEMS) + 1], (Kind::Float, Device::Cpu));
            let step = LaneStep::new(&turn, &[3, 1, 3], &log_counts);
            let states = Tensor::full([8, task.width()], 0.5, (Kind::Float, Device::Cpu));
            let (loss, _) = task.step(&step, &step.carry(&states), &log_counts);
            loss.backward();
            (loss.double_value(&[]), task.touched(&step))
        }
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    let workplace = Workplace::new();
    let knowledge = Knowledge::open(&workplace.path("knowledge"), ITEMS.into(), Device::Cpu).unwrap();
    let part = part(&Sessions::planted().train);
    for entry in MODELS {
        let Model::Gradient(network) = build(entry, 1) else { continue };
        network.parameters.clear_gradients();
        let _ = learn(&network, &part);
        if let Some(task) = network.layers.knowledge_task() {
            task.loss(&knowledge.head, &knowledge.relation, &knowledge.tail).backward();
        }
        for (name, weight) in network.parameters.iter() {
            let gradient = weight.grad();
            assert_eq!(gradient.size(), weight.size(), "{}: `{name}`", entry.name);
            assert!(norm(&gradient) > 0.0, "{}: nothing reaches `{name}`", entry.name);
        }
    }
}

#[test]
fn the_gradient_is_that_of_the_loss() {
    let part = part(&Sessions::planted().train);
    for entry in MODELS {
        let model = build(entry, 1);
        let Model::Gradient(network) = &model else { continue };
        let whole_catalog = matches!(network.layers.objective(), Objective::Catalog);
        // Over the whole catalog the loss is known from the scores.
        let loss_of = || {
            if whole_catalog {
                cross_entropy(&model, &Batch::gather(&part, &all(&part)))
            } else {
                learn(network, &part).0
            }
        };
        network.parameters.clear_gradients();
        let (loss, _) = learn(network, &part);
        let gradients: Vec<Tensor> = network.parameters.iter().map(|(_, weight)| weight.grad().copy()).collect();
        assert!((loss - loss_of()).abs() < 1e-5 * loss.max(1.0), "{}: {loss}", entry.name);
        for ((name, weight), gradient) in network.parameters.iter().zip(gradients) {
            // Along the gradient the loss rises by the gradient's length, if the gradient is right.
            let length = norm(&gradient);
            if length < 1e-4 {
                continue;
            }
            let step = 0.02;
            let along = gradient * (step / length);
            let shift = |factor: f64| {
                let moved = tch::no_grad(|| weight + &along * factor);
                tch::no_grad(|| weight.shallow_clone().copy_(&moved));
                loss_of()
            };
            let (above, below) = (shift(1.0), shift(-2.0));
            shift(1.0);
            let rise = (above - below) / (2.0 * step);
            assert!((rise - length).abs() < 0.02 * length + 1e-4, "{}: `{name}` {length}, not {rise}", entry.name);
        }
    }
}

#[test]
fn a_step_of_its_optimizer_lowers_the_loss_and_leaves_no_gradient_behind() {
    let part = part(&Sessions::planted().train);
    for entry in MODELS {
        let Model::Gradient(network) = build(entry, 1) else { continue };
        network.parameters.clear_gradients();
        let (before, touched) = learn(&network, &part);
        let kind = network.layers.training().optimizer;
        Optimizer::new(kind, &network.parameters).step(&network.parameters, &touched, 1e-3, 0.0);
        // What is left would be taken for a gradient of the next step.
        assert!(norm(network.parameters.gradients()) == 0.0, "{}", entry.name);
        assert!(learn(&network, &part).0 < before, "{}", entry.name);
    }
}

#[test]
fn a_batch_of_sessions_with_one_event_has_a_gradient_like_any_other() {
    // Such a batch has no transition: no edge in a graph, no second step.
    let sessions: Vec<_> = Sessions::planted().train.iter().map(|session| session[..2].to_vec()).collect();
    let part = part(&sessions);
    for entry in MODELS {
        let Model::Gradient(network) = build(entry, 1) else { continue };
        network.parameters.clear_gradients();
        let (loss, _) = learn(&network, &part);
        assert!(loss.is_finite(), "{}", entry.name);
        let length = norm(network.parameters.gradients());
        assert!(length > 0.0 && length.is_finite(), "{}: {length}", entry.name);
    }
}

#[test]
fn a_session_that_was_stepped_through_beside_others_scores_as_its_prefixes_do() {
    let part = part(&Sessions::planted().test);
    let batch = Batch::gather(&part, &all(&part));
    for entry in MODELS {
        let mut config = small(&entry.default_config(), 1);
        without_dropout(&mut config);
        let model = entry.build(&config, catalog(), 1, Device::Cpu).unwrap();
        let Model::Gradient(network) = &model else { continue };
        let Objective::Lanes(task) = network.layers.objective() else { continue };
        let expected: BTreeMap<Vec<i64>, Tensor> =
            batch.sequences().into_iter().zip(model.scores(&batch).unbind(0)).collect();
        let log_counts = Tensor::ones([i64::from(ITEMS) + 1], (Kind::Float, Device::Cpu));
        let mut states = Tensor::zeros([3, task.width()], (Kind::Float, Device::Cpu));
        let (mut prefixes, mut compared) = (vec![Vec::new(); 3], 0);
        for turn in Walk::of(&part).walk(3) {
            let step = LaneStep::new(&turn, &[1], &log_counts);
            states = tch::no_grad(|| task.step(&step, &step.carry(&states), &log_counts).1);
            let lanes = turn.inputs.iter().zip(turn.origins.iter().zip(&turn.kept));
            prefixes = lanes
                .map(|(&input, (&origin, &kept))| {
                    let before = if kept == 1 { prefixes[origin as usize].clone() } else { Vec::new() };
                    [before, vec![input]].concat()
                })
                .collect();
            for (prefix, scores) in prefixes.iter().zip(network.layers.scorer().scores(&states).unbind(0)) {
                assert_close(&expected[prefix], &scores, entry.name);
                compared += 1;
            }
        }
        assert_eq!(compared, part.samples(), "{}", entry.name);
    }
}

/// Mean softmax cross-entropy of the targets, from the model's scores.
fn cross_entropy(model: &Model, batch: &Batch) -> f64 {
    let log_p = model.scores(batch).log_softmax(-1, Kind::Double);
    -log_p.gather(1, &(&batch.targets - 1).unsqueeze(1), false).mean(Kind::Double).double_value(&[])
}

fn norm(tensor: &Tensor) -> f64 {
    tensor.to_kind(Kind::Double).norm().double_value(&[])
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
        let (one, other) =
            (entry.build(&config, catalog(), 1, Device::Cpu), entry.build(&text, catalog(), 1, Device::Cpu));
        assert_eq!(one.unwrap().parameter_count(), other.unwrap().parameter_count(), "{}", entry.name);
        for pointer in objects(&config, "") {
            let mut wrong = config.clone();
            wrong.pointer_mut(&pointer).unwrap()["unheard_of"] = json!(1);
            let error = entry.build(&wrong, catalog(), 1, Device::Cpu).err();
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

#[test]
fn the_loss_falls_on_eight_sessions() {
    let sessions = Sessions::planted();
    let workplace = Workplace::with(&Sessions { train: sessions.train[..8].to_vec(), ..sessions });
    for model in trained_models() {
        let mut config = small(&model["defaults"], 30);
        without_dropout(&mut config);
        // Rates that suit steps as few as these.
        let rate = match &config["training"]["optimizer"] {
            Value::String(name) if name == "adam" => 0.02,
            Value::String(_) => 0.5,
            _ => 0.2,
        };
        for (key, value) in [("patience", json!(30)), ("learning_rate", json!(rate)), ("schedule", json!("constant"))] {
            config["training"][key] = value;
        }
        workplace.run(&workplace.train_job(&model, &config, "trained")).succeeded();
        let curve = String::from_utf8(bytes(&workplace.path("trained"), "curve.jsonl")).unwrap();
        let loss = |line: &str| serde_json::from_str::<Value>(line).unwrap()["loss"].as_f64().unwrap();
        let (first, last) = (loss(curve.lines().next().unwrap()), loss(curve.lines().last().unwrap()));
        let name = model["name"].as_str().unwrap();
        let Model::Gradient(network) = build(find(name).unwrap(), 1) else { unreachable!("it has epochs") };
        let most = if matches!(network.layers.objective(), Objective::Catalog) {
            // An untrained model is near ln V; one that follows its gradient knows eight sessions well.
            assert!((first - f64::from(ITEMS).ln()).abs() < 1.0, "{name}: begins at {first}");
            first / 2.0
        } else {
            // Where few items are drawn for few sessions, the target is often among them, and no model can beat it.
            first * 0.75
        };
        assert!(last < most, "{name}: from {first} to {last}");
    }
}

/// Sets every share that is dropped to 0.
fn without_dropout(config: &mut Value) {
    for (key, value) in config.as_object_mut().unwrap() {
        if key.starts_with("dropout") {
            *value = json!(0.0);
        }
    }
}
