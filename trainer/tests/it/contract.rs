//! The contract, spoken to the real program: `describe`, `train`, `evaluate`, events, exit codes and words.

use crate::dataset::{ITEMS, Sessions};
use crate::process::{Outcome, Running, Workplace, bytes, describe, models, small, trained_models};
use crate::safetensors::read_i32;
use serde_json::{Value, json};
use std::fs;

fn model(name: &str) -> Value {
    models().into_iter().find(|model| model["name"] == name).unwrap()
}

#[test]
fn describe_says_all_that_sr_pipe_asks_of_a_trainer() {
    let description = describe();
    assert_eq!(description["contract"], 1);
    assert!(description["trainer"].as_str().unwrap().starts_with("sr-pipe-trainer "));
    assert!(description["libtorch"].as_str().unwrap().starts_with("2.11"));
    assert!(description["devices"].as_array().unwrap().contains(&json!("cpu")));
    let names: Vec<&str> =
        description["models"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    for name in ["s-pop", "sknn", "fpmc", "gru4rec-bpr", "gru4rec-ce", "gru", "sr-gnn", "m-sr", "mkm-sr"] {
        assert_eq!(names.iter().filter(|other| **other == name).count(), 1, "`{name}` in {names:?}");
    }
    for model in description["models"].as_array().unwrap() {
        for key in ["title", "family", "paper"] {
            assert!(model[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {}", model["name"]);
        }
        for need in ["operations", "knowledge"] {
            assert!(model["needs"][need].is_boolean(), "{need} of {}", model["name"]);
        }
        assert!(model["floor"].is_boolean(), "floor of {}", model["name"]);
        assert!(model["floor"] == false || model["defaults"]["training"].is_null(), "{} learns", model["name"]);
        let code = model["code"].as_str().unwrap();
        assert!(code.len() >= 32 && code.chars().all(|c| c.is_ascii_hexdigit()), "{code}");
    }
}

#[test]
fn the_schema_of_a_model_knows_each_key_of_its_defaults_and_no_other() {
    for model in models() {
        let schema = &model["schema"];
        assert_eq!(schema["additionalProperties"], false, "{}", model["name"]);
        let known: Vec<&String> = schema["properties"].as_object().into_iter().flat_map(|known| known.keys()).collect();
        let mut defaults: Vec<&String> = model["defaults"].as_object().unwrap().keys().collect();
        for key in &known {
            let text = &schema["properties"][key.as_str()]["description"];
            assert!(text.is_string(), "`{key}` of {} has no description", model["name"]);
        }
        let mut known = known;
        known.sort();
        defaults.sort();
        assert_eq!(known, defaults, "{}", model["name"]);
    }
}

#[test]
fn every_model_trains_and_ranks_every_target() {
    let workplace = Workplace::new();
    for model in models() {
        let train = workplace.train_job(&model, &small(&model["defaults"], 2), "trained");
        let trained = workplace.run(&train).succeeded();
        assert_events(&trained, &model["name"]);

        let output = workplace.path("trained");
        let written: Value = serde_json::from_slice(&bytes(&output, "model.json")).unwrap();
        assert_eq!(
            (&written["version"], &written["model"], &written["config"]),
            (&json!(1), &model["name"], &train["config"])
        );
        let selected = written["selected"].as_array().unwrap();
        assert_eq!(selected.len(), 1);
        assert_eq!((&selected[0]["name"], &selected[0]["file"]), (&json!("best"), &json!("best.safetensors")));

        for (part, sessions) in [("valid", Sessions::planted().valid), ("test", Sessions::planted().test)] {
            let evaluated = workplace.run(&workplace.evaluate_job(&train, part, "ranks")).succeeded();
            assert_events(&evaluated, &model["name"]);
            assert_ranks(&workplace, &["best"], Sessions::samples(&sessions), &model["name"]);
        }
    }
}

/// Begins with `start` and ends with `done`.
fn assert_events(outcome: &Outcome, model: &Value) {
    let events = outcome.events();
    assert_eq!((&events[0]["event"], &events[0]["model"]), (&json!("start"), model), "{events:?}");
    let last = events.last().unwrap();
    assert_eq!(last["event"], "done");
    assert!(last["seconds"].is_number() && last["peak_memory"].as_u64().unwrap() > 0, "{last}");
}

/// Each kept epoch has one rank for each sample, and each rank lies among the items.
fn assert_ranks(workplace: &Workplace, kept: &[&str], samples: usize, model: &Value) {
    let ranks = read_i32(&workplace.path("ranks").join("ranks.safetensors"));
    assert_eq!(ranks["candidates"], vec![ITEMS; samples], "{model}");
    for name in kept {
        let (above, ties) = (&ranks[&format!("{name}.above")], &ranks[&format!("{name}.ties")]);
        assert_eq!((above.len(), ties.len()), (samples, samples), "{model}");
        for (above, ties) in above.iter().zip(ties) {
            assert!(*above >= 0 && *ties >= 0 && above + ties < ITEMS, "{model}: {above} above, {ties} ties");
        }
    }
}

#[test]
fn each_metric_keeps_its_own_epoch() {
    let workplace = Workplace::new();
    let model = &trained_models()[0];
    let mut train = workplace.train_job(model, &small(&model["defaults"], 3), "trained");
    train["selection"]["rule"] = "each-metric".into();
    train["selection"]["part"] = "test".into();
    workplace.run(&train).succeeded();

    let output = workplace.path("trained");
    let curve = String::from_utf8(bytes(&output, "curve.jsonl")).unwrap();
    let curve: Vec<Value> = curve.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(curve.iter().map(|line| line["epoch"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let written: Value = serde_json::from_slice(&bytes(&output, "model.json")).unwrap();
    for metric in ["hit@20", "mrr@20"] {
        let kept = written["selected"].as_array().unwrap().iter().find(|kept| kept["name"] == metric).unwrap();
        let value = |line: &Value| line["metrics"][metric].as_f64().unwrap();
        let best = curve.iter().map(value).fold(f64::MIN, f64::max);
        let first = curve.iter().find(|line| value(line) == best).unwrap();
        assert_eq!((&kept["epoch"], &kept["metrics"]), (&first["epoch"], &first["metrics"]));
        assert!(output.join(kept["file"].as_str().unwrap()).is_file());
    }
    workplace.run(&workplace.evaluate_job(&train, "test", "ranks")).succeeded();
    assert_ranks(&workplace, &["hit@20", "mrr@20"], Sessions::samples(&Sessions::planted().test), &model["name"]);
}

#[test]
fn the_share_of_samples_that_are_ranked_at_a_time_changes_no_rank() {
    let planted = Sessions::planted();
    let test = planted.test.iter().cycle().take(40 * planted.test.len()).cloned().collect();
    let workplace = Workplace::with(&Sessions { test, ..planted });
    for model in models() {
        let train = workplace.train_job(&model, &small(&model["defaults"], 1), "trained");
        workplace.run(&train).succeeded();
        let ranked = |share: f64| {
            let mut job = workplace.evaluate_job(&train, "test", "ranks");
            job["evaluation_share"] = json!(share);
            workplace.run(&job).succeeded();
            bytes(&workplace.path("ranks"), "ranks.safetensors")
        };
        let whole = ranked(1.0);
        assert!(ranked(0.1) == whole, "{} ranks otherwise in smaller blocks", model["name"]);
    }
    let mut wrong = workplace.train_job(&models()[0], &json!({}), "trained");
    wrong["evaluation_share"] = json!(0.0);
    workplace.run(&wrong).failed_with(2, "evaluation_share");
}

#[test]
fn an_empty_part_is_ranked_as_nothing() {
    let sessions = Sessions { test: Vec::new(), ..Sessions::planted() };
    let workplace = Workplace::with(&sessions);
    for model in models() {
        let train = workplace.train_job(&model, &small(&model["defaults"], 1), "trained");
        workplace.run(&train).succeeded();
        workplace.run(&workplace.evaluate_job(&train, "test", "ranks")).succeeded();
        assert_ranks(&workplace, &["best"], 0, &model["name"]);
    }
}

#[test]
fn a_job_that_is_not_json_is_a_bad_job() {
    let workplace = Workplace::new();
    let path = workplace.path("job.json");
    fs::write(&path, "{ \"contract\": 1,").unwrap();
    Running::start(&["train", path.to_str().unwrap()]).finish().failed_with(2, "job.json");
    let absent = workplace.path("absent.json");
    Running::start(&["train", absent.to_str().unwrap()]).finish().failed_with(2, "absent.json");
}

#[test]
fn a_job_that_cannot_be_done_as_written_says_why() {
    let workplace = Workplace::new();
    let model = model("sr-gnn");
    let job = workplace.train_job(&model, &small(&model["defaults"], 1), "trained");
    let changed = |pointer: &str, value: Value| {
        let mut job = job.clone();
        *job.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        job
    };
    workplace.run(&changed("/contract", 99.into())).failed_with(2, "99");
    workplace.run(&changed("/model", "sr-gnm".into())).failed_with(2, "`sr-gnm`");
    workplace.run(&changed("/device", "abacus".into())).failed_with(2, "abacus");
    workplace.run(&changed("/config/dimension", "wide".into())).failed_with(2, "wide");
    let mut unknown = job.clone();
    unknown["config"]["dimensoin"] = 8.into();
    workplace.run(&unknown).failed_with(2, "`dimensoin`");
    let mut unknown = job.clone();
    unknown["sede"] = 8.into();
    workplace.run(&unknown).failed_with(2, "`sede`");
}

#[test]
fn a_job_for_another_verb_is_a_bad_job() {
    let workplace = Workplace::new();
    let model = model("s-pop");
    let job = workplace.train_job(&model, &small(&model["defaults"], 1), "trained");
    let path = workplace.path("job.json");
    fs::write(&path, job.to_string()).unwrap();
    Running::start(&["evaluate", path.to_str().unwrap()]).finish().failed_with(2, "another verb");
}

#[test]
fn data_that_a_model_cannot_use_ends_with_3() {
    let workplace = Workplace::new();
    for model in models().iter().filter(|model| model["needs"]["knowledge"] == true) {
        let mut job = workplace.train_job(model, &small(&model["defaults"], 1), "trained");
        job["inputs"].as_object_mut().unwrap().remove("knowledge");
        workplace.run(&job).failed_with(3, "knowledge");
    }
    let mut sessions = Sessions::planted();
    sessions.train[3][1].0 = ITEMS + 1;
    let workplace = Workplace::with(&sessions);
    for model in models() {
        let job = workplace.train_job(&model, &small(&model["defaults"], 1), "trained");
        workplace.run(&job).failed_with(3, &(ITEMS + 1).to_string());
    }
}

#[test]
fn a_score_that_is_not_a_number_is_an_error_and_never_a_rank() {
    let workplace = Workplace::new();
    for model in trained_models() {
        let mut config = small(&model["defaults"], 3);
        *config.pointer_mut("/training/learning_rate").unwrap() = json!(1e300);
        let outcome = workplace.run(&workplace.train_job(&model, &config, "trained"));
        outcome.failed_with(2, "not a number");
        assert!(!workplace.path("trained").join("model.json").exists(), "{}", model["name"]);
    }
}

#[test]
fn the_trainer_ends_when_its_lifeline_does() {
    let workplace = Workplace::new();
    for model in trained_models() {
        let mut running =
            workplace.start(&workplace.train_job(&model, &small(&model["defaults"], 1_000_000), "trained"));
        running.wait_for("epoch", 1);
        drop(running.lifeline.take());
        assert_eq!(running.finish().code, Some(5), "{}", model["name"]);
    }
}
