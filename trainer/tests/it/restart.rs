//! Same seed, same bytes: from run to run, and through a kill in the middle of training.

use crate::process::{Workplace, bytes, models, small, trained_models};
use serde_json::{Value, json};
use std::fs;

/// All files of a folder with their bytes, by name.
fn files(workplace: &Workplace, folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = workplace.path(folder);
    let mut names: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), bytes(&folder, &name))).collect()
}

/// Asserts equal files without printing their bytes.
fn assert_same(one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)], model: &Value) {
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(one), names(other), "{model}");
    for ((name, one), (_, other)) in one.iter().zip(other) {
        assert!(one == other, "{name} of {model} differs");
    }
}

#[test]
fn the_same_seed_writes_the_same_bytes_and_another_seed_does_not() {
    let workplace = Workplace::new();
    for model in models() {
        let train = |seed: i32, output: &str| {
            let mut job = workplace.train_job(&model, &small(&model["defaults"], 3), output);
            job["seed"] = seed.into();
            workplace.run(&job).succeeded();
            let trained = files(&workplace, output);
            workplace.run(&workplace.evaluate_job(&job, "test", "ranks")).succeeded();
            (trained, files(&workplace, "ranks"))
        };
        let (once, again, other) = (train(7, "once"), train(7, "again"), train(8, "other"));
        assert_same(&once.0, &again.0, &model["name"]);
        assert_same(&once.1, &again.1, &model["name"]);
        if model["defaults"]["training"]["epochs"].is_number() {
            assert!(once.0 != other.0, "{} does not hear its seed", model["name"]);
        }
    }
}

#[test]
fn a_killed_training_started_again_ends_with_the_bytes_of_one_that_was_not() {
    let workplace = Workplace::new();
    for model in trained_models() {
        let mut job = workplace.train_job(&model, &small(&model["defaults"], 30), "whole");
        workplace.run(&job).succeeded();
        let whole = files(&workplace, "whole");

        // Killed twice, at different epochs; what it left in its output is not needed to go on.
        job["checkpoint"] = json!(workplace.empty("checkpoint"));
        for epochs in [2, 5] {
            job["output"] = json!(workplace.empty("killed"));
            let mut running = workplace.start(&job);
            running.wait_for("epoch", epochs);
            running.child.kill().unwrap();
            assert_eq!(running.finish().code, None, "{} ended before it was killed", model["name"]);
        }
        job["output"] = json!(workplace.empty("killed"));
        let resumed = workplace.run(&job).succeeded();
        let first = resumed.events().into_iter().find(|event| event["event"] == "epoch").unwrap();
        assert!(first["epoch"].as_i64().unwrap() > 5, "{} began anew: {first}", model["name"]);
        assert_same(&whole, &files(&workplace, "killed"), &model["name"]);
    }
}
