//! How every model of the list that follows a gradient must learn, whatever it minimises. No model is named here.

use std::collections::BTreeMap;

use crate::conformance::{all, assert_close, build, catalog};
use crate::dataset::{ITEMS, Sessions, part};
use crate::process::{Workplace, bytes, small, trained_models};
use serde_json::{Value, json};
use sr_pipe_trainer::batch::Batch;
use sr_pipe_trainer::dataset::{Knowledge, Part};
use sr_pipe_trainer::lanes::{LaneStep, Sessions as Walk};
use sr_pipe_trainer::model::{Entry, MODELS, Model, Network, Objective, find};
use sr_pipe_trainer::nn::{Optimizer, Touched};
use tch::{Device, Kind, Tensor};

/// One step of learning from the sessions of `part`: the loss of what the model minimises, whose gradient is added to that
/// of the parameters, and what it touches.
fn learn(network: &Network, part: &Part) -> (f64, Touched) {
    let batch = Batch::gather(part, &all(part));
    match network.layers.objective() {
        Objective::Catalog => (network.accumulate(&batch).double_value(&[]), Touched::All(Vec::new())),
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
        let model = stirred(entry);
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

/// A small model without dropout, which would make its loss one of chance, and with weights away from zero: where a model
/// starts next to it, there would be no gradient to speak of.
fn stirred(entry: &Entry) -> Model {
    let mut config = small(&entry.default_config(), 1);
    without_dropout(&mut config, false);
    let model = entry.build(&config, catalog(), Some(1), Device::Cpu).unwrap();
    if let Model::Gradient(network) = &model {
        for (_, weight) in network.parameters.iter() {
            let wave = Tensor::arange(weight.numel() as i64, (Kind::Float, Device::Cpu)).sin() * 0.3;
            let _ = tch::no_grad(|| weight.shallow_clone().g_add_(&wave.reshape(weight.size())));
        }
    }
    model
}

/// Sets every number under a key `dropout` to zero.
fn without_dropout(value: &mut Value, inside: bool) {
    if let Some(fields) = value.as_object_mut() {
        fields.iter_mut().for_each(|(key, value)| without_dropout(value, inside || key == "dropout"));
    } else if inside {
        *value = json!(0.0);
    }
}

#[test]
fn a_step_of_its_optimizer_lowers_the_loss_and_leaves_no_gradient_behind() {
    let part = part(&Sessions::planted().train);
    for entry in MODELS {
        let Model::Gradient(network) = stirred(entry) else { continue };
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
        let model = stirred(entry);
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
fn the_loss_falls_on_eight_sessions() {
    let sessions = Sessions::planted();
    let workplace = Workplace::with(&Sessions { train: sessions.train[..8].to_vec(), ..sessions });
    for model in trained_models() {
        let mut config = small(&model["defaults"], 30);
        without_dropout(&mut config, false);
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
