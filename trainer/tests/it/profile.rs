//! The `profile` verb: what a step of each model consists of.

use crate::dataset::Sessions;
use crate::process::{Outcome, Running, Workplace, models, small, trained_models};
use serde_json::Value;
use std::fs;

/// Profiles the model of a `train` job.
fn profile(workplace: &Workplace, job: &Value) -> Outcome {
    let path = workplace.path("profile.json");
    fs::write(&path, job.to_string()).unwrap();
    Running::start(&["profile", path.to_str().unwrap()]).finish()
}

#[test]
fn a_profile_names_the_operations_of_a_step_and_writes_nothing() {
    let workplace = Workplace::new();
    for model in trained_models() {
        let job = workplace.train_job(&model, &small(&model["defaults"], 1), "trained");
        let events = profile(&workplace, &job).succeeded().events();
        let found = events.last().unwrap();
        assert_eq!((&found["event"], &found["model"]), (&"profile".into(), &model["name"]));

        let samples = Sessions::samples(&Sessions::planted().train);
        assert_eq!(found["samples"], samples, "{}", model["name"]);
        let steps = found["steps"].as_f64().unwrap();
        assert!(steps >= samples.div_ceil(16) as f64, "{}: {steps} steps", model["name"]);
        let operations = found["operations"].as_array().unwrap();
        let own = |operation: &Value| operation["own_microseconds_a_step"].as_f64().unwrap();
        assert!(operations.windows(2).all(|pair| own(&pair[0]) >= own(&pair[1])), "the longest come first");
        let moved = operations.iter().filter(|operation| operation["name"] == "aten::index_select");
        assert!(moved.map(|operation| operation["calls_a_step"].as_f64().unwrap()).sum::<f64>() >= 1.0);
        assert_eq!(fs::read_dir(workplace.path("trained")).unwrap().count(), 0, "{}", model["name"]);
    }
}

#[test]
fn a_model_that_counts_has_no_step_to_profile() {
    let workplace = Workplace::new();
    let model = models().into_iter().find(|model| model["name"] == "pop").unwrap();
    let job = workplace.train_job(&model, &small(&model["defaults"], 1), "trained");
    profile(&workplace, &job).failed_with(2, "no step to profile");
}
