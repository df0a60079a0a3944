//! The `score` verb: weights and sessions of a person in, items and scores out.

use crate::dataset::{Sessions, part};
use crate::process::{Outcome, Running, Workplace, models, small};
use crate::safetensors::{Flat, write};
use serde_json::{Value, json};
use sr_pipe_trainer::batch::Batch;
use sr_pipe_trainer::dataset::read_tensors;
use sr_pipe_trainer::model::{Catalog, find};
use std::fs;
use std::io::Write as _;
use tch::{Device, Tensor};

/// Runs `score` on `job` with `sessions` on its standard input.
fn score(workplace: &Workplace, job: &Value, sessions: &str) -> Outcome {
    let path = workplace.path("score.json");
    fs::write(&path, job.to_string()).unwrap();
    let mut running = Running::start(&["score", path.to_str().unwrap()]);
    // It may end before it has read all; what it says then is the test's matter.
    let _ = running.lifeline.take().unwrap().write_all(sessions.as_bytes());
    running.finish()
}

fn answers(outcome: Outcome) -> Vec<Value> {
    outcome.succeeded().stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(answer: &Value, key: &str) -> Vec<f64> {
    answer[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap_or(f64::NEG_INFINITY)).collect()
}

/// A model of three items embedded as 2, -0.5 and 3, all else one number a weight.
fn stamp(workplace: &Workplace) -> Value {
    let one = |value| Flat::F32(vec![1, 1], vec![value]);
    let tensors = [
        ("embedding", Flat::F32(vec![4, 1], vec![0., 2., -0.5, 3.])),
        ("attention.w1.weight", one(1.)),
        ("attention.w2.weight", one(2.)),
        ("attention.w3.weight", one(4.)),
        ("attention.w0.weight", one(0.5)),
        ("memory.weight", one(3.)),
        ("trigger.weight", one(-1.)),
    ];
    let file = workplace.path("stamp.safetensors");
    write(&file, &tensors.map(|(name, tensor)| (name.to_owned(), tensor)).into());
    json!({
        "contract": 1, "verb": "score",
        "model": { "given": { "name": "stamp", "config": { "dimension": 1 }, "catalog": { "items": 3 }, "weights": file } },
        "answer": "all",
    })
}

/// The session's vector by the equations, of clicks that are read as `x`.
fn by_hand(x: &[f64]) -> f64 {
    let sig = |a: f64| 1.0 / (1.0 + (-a).exp());
    let (x_t, m_s) = (x[x.len() - 1], x.iter().sum::<f64>() / x.len() as f64);
    let m_a: f64 = x.iter().map(|x| 0.5 * sig(x + 2.0 * x_t + 4.0 * m_s) * x).sum::<f64>() + m_s;
    (3.0 * m_a).tanh() * (-x_t).tanh()
}

#[test]
fn weights_of_a_person_give_the_scores_of_the_equations() {
    let workplace = Workplace::new();
    let mut job = stamp(&workplace);
    let sessions = "{\"items\":[1,2]}\n{\"items\":[3],\"operations\":[7],\"times\":[5]}\n";
    // Items 1 and 3 are read as 1, shortened to that length, and compared as 2 and 3.
    let s = [by_hand(&[1.0, -0.5]), by_hand(&[1.0])];
    let all = answers(score(&workplace, &job, sessions));
    assert_eq!(all.len(), 2);
    for (answer, s) in all.iter().zip(s) {
        let expected = [2.0 * s, -0.5 * s, 3.0 * s];
        for (found, expected) in numbers(answer, "scores").into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{answer}: {expected}");
        }
    }
    job["answer"] = json!({ "top": 2 });
    let top = answers(score(&workplace, &job, sessions));
    for ((answer, all), s) in top.iter().zip(&all).zip(s) {
        let order = if s > 0.0 { [3, 1] } else { [2, 1] };
        assert_eq!(answer["items"], json!(order));
        let scores = numbers(all, "scores");
        assert_eq!(numbers(answer, "scores"), order.map(|item| scores[item - 1]));
    }
}

/// The planted test sessions without their last events, one a line.
fn lines(sessions: &Sessions) -> Vec<String> {
    let column = |events: &[(i32, i32, i64)], take: fn(&(i32, i32, i64)) -> i64| events.iter().map(take).collect();
    let line = |session: &Vec<(i32, i32, i64)>| {
        let events = &session[..session.len() - 1];
        let items: Vec<i64> = column(events, |event| event.0.into());
        let operations: Vec<i64> = column(events, |event| event.1.into());
        json!({ "items": items, "operations": operations }).to_string() + "\n"
    };
    sessions.test.iter().map(line).collect()
}

#[test]
fn every_trained_model_answers_with_the_scores_that_it_is_ranked_by() {
    let workplace = Workplace::new();
    let planted = Sessions::planted();
    let whole = part(&planted.test);
    // The last sample of each session is the one whose input is all but its last event.
    let mut next = 0;
    let rows: Vec<i64> = planted
        .test
        .iter()
        .map(|session| {
            next += session.len() as i64 - 1;
            next - 1
        })
        .collect();
    for model in models() {
        let train = workplace.train_job(&model, &small(&model["defaults"], 2), "trained");
        workplace.run(&train).succeeded();
        let folder = workplace.path("trained");
        let job =
            json!({ "contract": 1, "verb": "score", "model": { "trained": { "folder": folder } }, "answer": "all" });
        let found = answers(score(&workplace, &job, &lines(&planted).concat()));

        let written: Value = serde_json::from_slice(&fs::read(folder.join("model.json")).unwrap()).unwrap();
        let catalog: Catalog = serde_json::from_value(written["catalog"].clone()).unwrap();
        let entry = find(model["name"].as_str().unwrap()).unwrap();
        let mut loaded = entry.build(&written["config"], catalog, None, Device::Cpu).unwrap();
        loaded.restore(&read_tensors(&folder.join("best.safetensors")).unwrap()).unwrap();
        let expected = loaded.scores(&Batch::gather(&whole, &rows));
        for (row, answer) in found.iter().enumerate() {
            let scores = Tensor::from_slice(&numbers(answer, "scores"));
            let expected = expected.get(row as i64).to_kind(tch::Kind::Double);
            assert!(scores.allclose(&expected, 0.0, 1e-5, false), "{}: session {row}", model["name"]);
        }
    }
}

#[test]
fn the_sessions_around_a_session_do_not_change_its_scores() {
    let workplace = Workplace::new();
    let lines = &lines(&Sessions::planted())[..3];
    // So many that they do not share a batch, with sessions far longer than the others among them.
    let long = json!({ "items": vec![3; 9_000], "operations": vec![1; 9_000] }).to_string() + "\n";
    let mut crowd: Vec<&str> = lines.iter().cycle().take(600).map(String::as_str).collect();
    crowd[10] = &long;
    crowd[11] = &long;
    for model in models() {
        workplace.run(&workplace.train_job(&model, &small(&model["defaults"], 1), "trained")).succeeded();
        let job = json!({
            "contract": 1, "verb": "score", "model": { "trained": { "folder": workplace.path("trained"), "kept": "best" } },
            "answer": "all",
        });
        let together = answers(score(&workplace, &job, &crowd.concat()));
        assert_eq!(together.len(), crowd.len());
        let alone: Vec<Value> = lines.iter().flat_map(|line| answers(score(&workplace, &job, line))).collect();
        for (place, answer) in together.iter().enumerate().filter(|(place, _)| !(10..12).contains(place)) {
            let (found, expected) = (numbers(answer, "scores"), numbers(&alone[place % lines.len()], "scores"));
            let same = found.iter().zip(&expected).all(|(a, b)| a == b || (a - b).abs() < 1e-5);
            assert!(same, "{}: session {place} scores {found:?}, alone {expected:?}", model["name"]);
        }
        assert_eq!(together[10], together[11], "{}", model["name"]);
    }
}

#[test]
fn weights_that_do_not_fit_are_all_named() {
    let workplace = Workplace::new();
    let mut job = stamp(&workplace);
    job["model"]["given"]["config"]["dimension"] = 2.into();
    let outcome = score(&workplace, &job, "");
    outcome.failed_with(3, "`embedding` has the shape [4, 1], not [4, 2]");
    outcome.failed_with(3, "`trigger.weight` has the shape [1, 1], not [2, 2]");
    outcome.failed_with(3, "describe");
    job["model"]["given"]["name"] = "narm".into();
    job["model"]["given"]["config"] = json!({ "dimension": 1, "embedding_dimension": 1 });
    let outcome = score(&workplace, &job, "");
    outcome.failed_with(3, "there is no tensor `gru.w_ih` of shape [3, 1]");
    outcome.failed_with(3, "the model has no `attention.w0.weight`");

    let whole_numbers = workplace.path("whole.safetensors");
    write(&whole_numbers, &[("embedding".to_owned(), Flat::I32(vec![1, 2]))].into());
    job["model"]["given"]["weights"] = json!(whole_numbers);
    score(&workplace, &job, "").failed_with(3, "`embedding` has the shape [2]");
    job["model"]["given"]["weights"] = json!(workplace.path("absent.safetensors"));
    score(&workplace, &job, "").failed_with(1, "absent.safetensors");
}

#[test]
fn what_stands_before_a_wrong_line_is_answered() {
    let workplace = Workplace::new();
    let job = stamp(&workplace);
    for (line, words) in [
        ("{\"items\":[1,4]}", "line 3 of the sessions: item 4 is outside 1..=3"),
        ("{\"items\":[1,", "line 3 of the sessions: EOF while parsing"),
        ("{\"items\":[1],\"times\":[]}", "line 3 of the sessions: `items` has 1 entries and `times` 0"),
    ] {
        let outcome =
            score(&workplace, &job, &format!("{{\"items\":[1]}}\n{{\"items\":[2]}}\n{line}\n{{\"items\":[3]}}\n"));
        outcome.failed_with(3, words);
        assert_eq!(outcome.stdout.lines().count(), 2, "{}", outcome.stdout);
    }
}

#[test]
fn operations_are_asked_for_where_the_model_looks_at_them() {
    let workplace = Workplace::new();
    for model in models() {
        workplace.run(&workplace.train_job(&model, &small(&model["defaults"], 1), "trained")).succeeded();
        let folder = workplace.path("trained");
        let job = json!({ "contract": 1, "verb": "score", "model": { "trained": { "folder": folder } } });
        let outcome = score(&workplace, &job, "{\"items\":[1]}\n");
        if model["needs"]["operations"] == true {
            outcome.failed_with(3, "line 1 of the sessions: the model looks at operations");
        } else {
            assert_eq!(answers(outcome).len(), 1);
        }
    }
}

#[test]
fn a_score_that_is_not_a_number_is_an_error() {
    let workplace = Workplace::new();
    let job = stamp(&workplace);
    let file = workplace.path("stamp.safetensors");
    let text = fs::read(&file).unwrap();
    // The last number of the file belongs to `trigger.weight`.
    fs::write(&file, [&text[..text.len() - 4], &f32::NAN.to_le_bytes()].concat()).unwrap();
    score(&workplace, &job, "\n{\"items\":[1]}\n").failed_with(3, "line 2 of the sessions: a score is not a number");
}

#[test]
fn a_score_job_that_cannot_be_done_as_written_says_why() {
    let workplace = Workplace::new();
    let job = stamp(&workplace);
    let changed = |pointer: &str, value: Value| {
        let mut job = job.clone();
        *job.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        score(&workplace, &job, "")
    };
    changed("/contract", 99.into()).failed_with(2, "99");
    changed("/verb", "train".into()).failed_with(2, "another verb");
    changed("/answer", json!({ "top": 0 })).failed_with(2, "score.json");
    changed("/model/given/name", "stomp".into()).failed_with(2, "`stomp`");
    changed("/model/given/catalog/items", 0.into()).failed_with(2, "0 items");
    changed("/model/given/config", json!({ "width": 3 })).failed_with(2, "`width`");
    changed("/model", json!({ "trained": { "folder": "/nowhere" } })).failed_with(1, "/nowhere/model.json");

    let train = workplace.train_job(&models()[0], &small(&models()[0]["defaults"], 1), "trained");
    workplace.run(&train).succeeded();
    let kept = json!({ "trained": { "folder": workplace.path("trained"), "kept": "hit@20" } });
    changed("/model", kept).failed_with(2, "no kept epoch `hit@20`");
}
