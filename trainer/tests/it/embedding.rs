//! The `embed` verb, spoken to the real program, and the model that begins with what it writes.

use crate::dataset::{ENTITIES, ITEMS, OPERATIONS};
use crate::process::{Workplace, bytes, describe, models, small};
use serde_json::{Value, json};
use sr_pipe_trainer::dataset::read_tensors;
use tch::Kind;

/// The methods that `describe` names.
fn methods() -> Vec<Value> {
    describe()["embeddings"].as_array().unwrap().clone()
}

fn reads_triples(method: &Value) -> bool {
    method["needs"]["knowledge"] == true
}

/// A job of this method over the tiny dataset.
fn job(workplace: &Workplace, method: &Value, seed: u64, output: &str) -> Value {
    json!({
        "contract": 1, "verb": "embed", "model": method["name"], "config": small(&method["defaults"], 1),
        "inputs": { "dataset": workplace.path("dataset"), "knowledge": workplace.path("knowledge") },
        "seed": seed, "device": "cpu", "threads": 1, "output": workplace.empty(output),
    })
}

#[test]
fn each_method_writes_a_vector_for_every_item_and_the_same_ones_for_a_seed() {
    let workplace = Workplace::new();
    for method in methods() {
        let learn = |seed: u64, output: &str| {
            workplace.run(&job(&workplace, &method, seed, output)).succeeded();
            ["vectors.safetensors", "meta.json"].map(|file| bytes(&workplace.path(output), file))
        };
        let (once, again, other) = (learn(1, "once"), learn(1, "again"), learn(2, "other"));
        assert!(once == again, "{}", method["name"]);
        assert!(once[0] != other[0] && once[1] == other[1], "{}", method["name"]);
        let tables = read_tensors(&workplace.path("once").join("vectors.safetensors")).unwrap();
        let other = if reads_triples(&method) { ("entities", ENTITIES) } else { ("operations", OPERATIONS) };
        for (name, rows) in [("items", ITEMS), other] {
            assert_eq!(tables[name].size(), [i64::from(rows), 8], "{}", method["name"]);
            assert_eq!(tables[name].kind(), Kind::Float);
        }
        let meta: Value = serde_json::from_slice(&once[1]).unwrap();
        assert_eq!((&meta["method"], &meta["tables"]["items"]), (&method["name"], &json!([ITEMS, 8])));
    }
}

#[test]
fn a_model_trains_on_vectors_that_a_method_learned_and_hears_them() {
    let workplace = Workplace::new();
    let method = &methods()[0];
    for model in models().iter().filter(|model| model["needs"]["vectors"] == true) {
        let weights = |vectors: &str| {
            let mut train = workplace.train_job(model, &small(&model["defaults"], 1), "trained");
            train["inputs"]["vectors"] = json!(workplace.path(vectors));
            workplace.run(&train).succeeded();
            bytes(&workplace.path("trained"), "best.safetensors")
        };
        workplace.run(&job(&workplace, method, 1, "learned")).succeeded();
        assert!(weights("vectors") != weights("learned"), "{}", model["name"]);
    }
}

#[test]
fn a_job_with_a_method_or_a_setting_that_there_is_not_is_a_bad_job() {
    let workplace = Workplace::new();
    let good = job(&workplace, &methods()[0], 1, "vectors");
    let mut wrong = good.clone();
    wrong["model"] = "skip-gran".into();
    workplace.run(&wrong).failed_with(2, "`skip-gran`");
    let mut wrong = good;
    wrong["config"]["windw"] = 3.into();
    workplace.run(&wrong).failed_with(2, "`windw`");
}

#[test]
fn a_method_that_learns_from_triples_wants_some() {
    let workplace = Workplace::new();
    for method in methods().iter().filter(|method| reads_triples(method)) {
        let mut wrong = job(&workplace, method, 1, "vectors");
        wrong["inputs"].as_object_mut().unwrap().remove("knowledge");
        workplace.run(&wrong).failed_with(3, "knowledge");
    }
}
