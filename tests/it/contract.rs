//! The near side of the trainer's contract: a trainer in another language, and what happens when one misbehaves.

use crate::scratch::Scratch;

/// A whole trainer in Python: its one model gives every item the same score.
const TRAINER: &str = r#"#!/usr/bin/env python3
import json, os, sys

import arrays

DESCRIPTION = {
    "contract": 1, "trainer": "python 1", "libtorch": "none", "devices": ["cpu"],
    "models": [{
        "name": "even", "title": "Even", "family": "constant", "paper": "none",
        "needs": {"operations": False, "knowledge": False},
        "defaults": {"mood": "calm"},
        "schema": {"type": "object", "properties": {"mood": {"type": "string", "enum": ["calm", "late", "angry"]}}},
        "code": "1",
    }],
}


verb = sys.argv[1]
if verb == "describe":
    print(json.dumps(DESCRIPTION))
    sys.exit(0)
job = json.load(open(sys.argv[2]))
assert job["contract"] == 1 and job["verb"] == verb
if job["config"]["mood"] == "angry":
    print("I will not", file=sys.stderr)
    sys.exit(3)
out = job["output"]
if verb == "train":
    assert os.listdir(out) == [] and job["seed"] in (1, 2)
    print(json.dumps({"event": "epoch", "epoch": 1, "loss": 0.5, "metrics": {"hit@20": 0.25}}), flush=True)
    model = {"version": 1, "model": job["model"], "config": job["config"], "selected": []}
    json.dump(model, open(os.path.join(out, "model.json"), "w"))
else:
    dataset = job["inputs"]["dataset"]
    items = json.load(open(os.path.join(dataset, "meta.json")))["items"]
    count = len(arrays.read(os.path.join(dataset, "samples.safetensors"))["test.sample_target"])
    if job["config"]["mood"] == "late":
        count -= 1
    arrays.write(os.path.join(out, "ranks.safetensors"),
                 {"best.above": [0] * count, "best.ties": [items - 1] * count, "candidates": [items] * count})
"#;

fn project(mood: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.trainer(TRAINER);
    let pipeline = format!("{}/pipelines/quickstart.yaml", env!("CARGO_MANIFEST_DIR"));
    scratch.write("pipelines/p.yaml", &fs_err::read_to_string(pipeline).unwrap()).write(
        "experiments/e.yaml",
        &format!(
            "title: Even\ndatasets: {{ d: {{ pipeline: ../pipelines/p.yaml }} }}\n\
             grid: {{ product: {{ dataset: [d], model: [even] }}, seeds: [1, 2] }}\n\
             models: {{ even: {{ mood: {mood} }} }}\ntrainer: ../trainer.py\nreport: {{ metrics: [hit@20, mrr@20] }}\n"
        ),
    );
    scratch
}

#[test]
fn a_trainer_in_another_language_trains_and_ranks() {
    let scratch = project("calm");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["2 of 2 cells done"]);
    // All items tie, so every rank is the middle of the catalog: beyond 20.
    let report = scratch.read("results/e.md");
    assert!(report.contains("Even") && report.contains("0.00 ± 0.00"), "{report}");
    let runs = scratch.sr_pipe(&["runs", "show"]).expect(0).stdout;
    assert!(runs.contains("0.2500"), "the epoch is on record:\n{runs}");
}

#[test]
fn a_trainer_that_refuses_fails_its_cells_with_its_own_words() {
    let said = project("angry").sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    said.told(&["exited with code 3: the model cannot use these data", "I will not", "0 of 2 cells done"]);
}

#[test]
fn ranks_that_do_not_fit_the_samples_are_refused() {
    project("late").sr_pipe(&["run", "experiments/e.yaml"]).expect(1).told(&["the trainer ranked", "docs/contract.md"]);
}

#[test]
fn a_config_is_checked_against_the_trainers_schema_before_anything_runs() {
    let scratch = project("calmer");
    let told = ["must be one of \"calm\", \"late\", \"angry\", is \"calmer\"", "experiments/e.yaml:4:25"];
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&told);
    assert!(scratch.sealed().is_empty());
}

#[test]
fn a_protocol_that_shows_what_the_model_cannot_see_is_refused() {
    let scratch = project("calm");
    let text = scratch.read("experiments/e.yaml") + "protocol: { custom: { target_operation: visible } }\n";
    scratch.write("experiments/e.yaml", &text);
    let told = ["the protocol shows the target's operation, and model `even` cannot see it", "pipelines/p.yaml:"];
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&told);
    assert!(scratch.sealed().is_empty());
}

#[test]
fn a_program_that_is_no_trainer_is_told() {
    let scratch = project("calm");
    scratch.write("trainer.py", "#!/bin/sh\necho hello\n");
    let told = ["answered `describe` with something else than the contract says"];
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&told);
}
