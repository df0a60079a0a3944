//! What an experiment makes of a trainer's models: variants under other settings, and vectors learned ahead.

use crate::scratch::Scratch;

/// A trainer in Python. Its models give every item the same score; `begun` begins with vectors.
const TRAINER: &str = r#"#!/usr/bin/env python3
import json, os, sys

import arrays

SCHEMA = {"type": "object", "properties": {
    "mood": {"type": "string", "enum": ["calm", "late"]},
    "task": {"oneOf": [
        {"const": "none", "type": "string"},
        {"type": "object", "properties": {"joint": {"type": "object"}}},
        {"type": "object", "properties": {"apart": {"type": "object"}}}]}}}


def model(name, vectors):
    return {"name": name, "title": name.title(), "family": "constant", "paper": "none",
            "needs": {"operations": False, "knowledge": False, "vectors": vectors},
            "defaults": {"mood": "calm", "task": "none"}, "schema": SCHEMA, "code": "1"}


METHOD = {"name": "skip-gram", "title": "Skip-gram", "paper": "none", "code": "1", "defaults": {"dimension": 2},
          "schema": {"type": "object", "properties": {"dimension": {"type": "integer", "minimum": 1}}}}
DESCRIPTION = {"contract": 1, "trainer": "python 1", "libtorch": "none", "devices": ["cpu"],
               "models": [model("even", False), model("begun", True)],
               "embeddings": [METHOD, METHOD | {"name": "paths", "needs": {"knowledge": True}}]}


verb = sys.argv[1]
if verb == "describe":
    print(json.dumps(DESCRIPTION))
    sys.exit(0)
job = json.load(open(sys.argv[2]))
assert job["contract"] == 1 and job["verb"] == verb
out = job["output"]
if verb == "embed":
    assert job["model"] == "skip-gram" and job["device"] == "cpu" and set(job["inputs"]) == {"dataset"}, job
    open(os.path.join(out, "vectors.safetensors"), "w").write("%s %s" % (job["config"]["dimension"], job["seed"]))
elif verb == "train":
    begun = job["model"] == "begun"
    assert ("vectors" in job["inputs"]) == begun, job
    if begun:
        assert open(os.path.join(job["inputs"]["vectors"], "vectors.safetensors")).read() == "3 1"
    model = {"version": 1, "model": job["model"], "config": job["config"], "selected": []}
    json.dump(model, open(os.path.join(out, "model.json"), "w"))
else:
    dataset = job["inputs"]["dataset"]
    items = json.load(open(os.path.join(dataset, "meta.json")))["items"]
    count = len(arrays.read(os.path.join(dataset, "samples.safetensors"))["test.sample_target"])
    above = items - 1 if job["config"]["mood"] == "late" else 0
    arrays.write(os.path.join(out, "ranks.safetensors"),
                 {"best.above": [above] * count, "best.ties": [0] * count, "candidates": [items] * count})
"#;

/// A project whose grid has these models, with `more` at the end of its experiment.
fn project(models: &str, more: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.trainer(TRAINER);
    let pipeline = fs_err::read_to_string(format!("{}/pipelines/quickstart.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let train = "train: { dataset: dataset, knowledge: knowledge, ";
    assert!(pipeline.contains(train));
    let pipeline = pipeline.replace(train, "train: { dataset: dataset, vectors: vectors, ")
        + "  vectors:\n    learn_vectors: { dataset: dataset, config: { dimension: 3 } }\n";
    scratch.write("pipelines/p.yaml", &pipeline).write(
        "experiments/e.yaml",
        &format!(
            "title: Variants\ndatasets: {{ d: {{ pipeline: ../pipelines/p.yaml }} }}\n\
             grid: {{ product: {{ dataset: [d], model: [{models}] }} }}\ntrainer: ../trainer.py\n\
             report: {{ metrics: [hit@20] }}\n{more}"
        ),
    );
    scratch
}

#[test]
fn vectors_are_learned_once_and_only_where_a_model_begins_with_them() {
    let scratch = project("even", "");
    let said = scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert!(!said.stderr.contains("vectors"), "{}", said.stderr);
    let both = scratch.read("experiments/e.yaml").replace("[even]", "[even, begun]");
    scratch.write("experiments/e.yaml", &both);
    let said = scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["2 of 2 cells done, 3 stages ran"]);
    assert_eq!(said.stderr.matches("· vectors").count(), 1, "{}", said.stderr);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn what_is_wrong_with_the_learning_of_vectors_is_told_before_anything_runs() {
    let wrong = |from: &str, to: &str, told: &[&str]| {
        let scratch = project("begun", "");
        let pipeline = scratch.read("pipelines/p.yaml");
        assert!(pipeline.contains(from), "{pipeline}");
        scratch.write("pipelines/p.yaml", &pipeline.replace(from, to));
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(told);
        assert!(scratch.sealed().is_empty());
    };
    let at = "pipelines/p.yaml:";
    wrong("config: { dimension: 3 }", "config: { dimension: 0 }", &["must be at least 1, is 0", at]);
    wrong("config: { dimension: 3 }", "config: { dimensoin: 3 }", &["did you mean `dimension`?", at]);
    wrong("config: { dimension: 3 }", "method: skip-gran", &["did you mean `skip-gram`?", at]);
    let method = "method: paths";
    wrong(
        "config: { dimension: 3 }",
        method,
        &["method `paths` learns from triples, and this stage names no `knowledge`"],
    );
    wrong(" vectors: vectors,", "", &["model `begun` begins with learned vectors, and this stage names no `vectors`"]);
}

#[test]
fn a_variant_is_a_row_of_its_own_and_shares_what_comes_to_the_same_settings() {
    let scratch = project(
        "even, late, calm",
        "models: { even: { task: { joint: { weight: 2 } } } }\n\
         variants:\n  late: { of: even, title: \"Even, but late\", config: { mood: late, task: { apart: {} } } }\n  \
         calm: { of: even, config: { mood: calm } }\n",
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["3 of 3 cells done"]);
    let report = scratch.read("results/e.md");
    let hit = |title: &str| {
        let mut rows = report.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
        let row = rows.find(|cells| cells.len() == 4 && cells[1] == title);
        row.unwrap_or_else(|| panic!("no row `{title}` in\n{report}"))[2].to_owned()
    };
    assert_eq!(["Even", "Even, but late", "calm"].map(hit), ["**100.00**", "<u>0.00</u>", "**100.00**"]);
    // `calm` is `even` with its settings of `models`: one training serves both.
    let sealed = scratch.sealed().into_iter().filter(|path| path.file_name() == Some("model.json"));
    let models: Vec<String> = sealed.map(|path| fs_err::read_to_string(path).unwrap()).collect();
    assert_eq!(models.len(), 2, "{models:?}");
    assert!(models.iter().any(|model| model.contains(r#""task": {"joint": {"weight": 2}}"#)), "{models:?}");
    assert!(models.iter().any(|model| model.contains(r#""mood": "late", "task": {"apart": {}}"#)), "{models:?}");
}

#[test]
fn what_is_wrong_with_a_variant_is_told_where_it_stands() {
    let wrong = |models: &str, variants: &str, told: &[&str]| {
        let scratch = project(models, &format!("variants: {{ {variants} }}\n"));
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(told);
        assert!(scratch.sealed().is_empty());
    };
    let at = "experiments/e.yaml:";
    wrong("late", "late: { of: evn }", &["unknown model `evn`", "did you mean `even`?", at]);
    wrong("lat", "late: { of: even }", &["unknown model `lat`", "did you mean `late`?", at]);
    wrong("late", "late: { of: even, config: { moode: calm } }", &["did you mean `mood`?", at]);
    wrong("late", "late: { of: even, config: { mood: loud } }", &["must be one of \"calm\", \"late\"", at]);
    wrong("even", "even: { of: even }", &["`even` is a model of the trainer", at]);
}

#[test]
fn an_axis_of_the_grid_fills_in_the_settings_of_a_model() {
    let scratch = project("even, calm", "models: { even: { mood: \"${mood}\" } }\nvariants: { calm: { of: begun } }\n");
    let experiment = scratch.read("experiments/e.yaml");
    let both = "model: [even, calm], mood: [calm, late] }";
    scratch.write("experiments/e.yaml", &experiment.replace("model: [even, calm] }", both));
    let said = scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    said.told(&[
        "4 of 4 cells done",
        "d/even/mood=calm/seed=1 · model",
        "d/even/mood=late/seed=1 · model",
        "d/calm/seed=1 · model",
    ]);
    let sealed = scratch.sealed().into_iter().filter(|path| path.file_name() == Some("model.json"));
    let models: Vec<String> = sealed.map(|path| fs_err::read_to_string(path).unwrap()).collect();
    assert_eq!(models.len(), 3, "the model without the place has one training for both: {models:?}");
    for mood in ["calm", "late"] {
        let wanted = format!(r#""model": "even", "config": {{"mood": "{mood}""#);
        assert!(models.iter().any(|model| model.contains(&wanted)), "{models:?}");
    }
    let report = scratch.read("results/e.md");
    assert!(report.contains("mood = late") && report.contains("100.00") && report.contains("0.00"), "{report}");
}

#[test]
fn a_place_of_a_model_without_a_value_and_a_value_of_the_wrong_type_are_told_where_they_stand() {
    let wrong = |models: &str, axis: &str, told: &[&str]| {
        let scratch = project("even", &format!("models: {{ {models} }}\n"));
        let experiment = scratch.read("experiments/e.yaml");
        scratch.write("experiments/e.yaml", &experiment.replace("model: [even]", &format!("model: [even]{axis}")));
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(told);
        assert!(scratch.sealed().is_empty());
    };
    let at = "experiments/e.yaml:";
    let even = "even: { mood: \"${mood}\" }";
    wrong(even, "", &["nothing gives a value for `${mood}`", "add an axis `mood` to the grid", at]);
    wrong(even, ", mood: [calm, loud]", &["must be one of \"calm\", \"late\", is \"loud\"", at]);
    // A model that no cell has asks for no value.
    let scratch = project("even", "models: { begun: { mood: \"${mood}\" } }\n");
    scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0);
}
