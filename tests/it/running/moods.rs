//! Trainers that run out of memory, are stopped, or take too long.

use camino::Utf8Path;

use super::{records, said, signal, started, wait_until};
use crate::scratch::Scratch;

/// A trainer that leaves a checkpoint, remembers how it was started, and ends as its model's mood says.
const MOODY: &str = r#"#!/usr/bin/env python3
import json, os, sys, time

if sys.argv[1] == "describe":
    model = {"name": "moody", "title": "Moody", "family": "none", "paper": "none", "code": "1",
             "needs": {"operations": False, "knowledge": False}, "defaults": {"mood": "calm"},
             "schema": {"type": "object", "properties": {"mood": {"type": "string"}}}}
    print(json.dumps({"contract": 1, "trainer": "moody 1", "libtorch": "none", "devices": ["cpu"], "models": [model]}))
    sys.exit(0)
job = json.load(open(sys.argv[2]))
ledger = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ledger")
checkpoint = os.path.join(job["checkpoint"], "state")
with open(ledger, "a") as file:
    share, gone_on = job.get("evaluation_share", "whole"), os.path.exists(checkpoint)
    print(job["verb"], share, "goes on" if gone_on else "begins", job["device"], file=file)
open(checkpoint, "w").close()
mood = job["config"]["mood"]
print(json.dumps({"event": "epoch", "epoch": 1, "peak_memory": 5_000_000_000, "peak_gpu_memory": 77}), flush=True)
if mood == "hungry" and share != 0.25:
    print("no memory", file=sys.stderr)
    sys.exit(4)
if mood == "slow" and not gone_on:
    sys.stdin.read()
    open(ledger, "a").write("asked to stop\n")
    sys.exit(5)
open(os.path.join(job["output"], "model.json"), "w").write("{}")
"#;

fn moody(mood: &str, more: &str) -> Scratch {
    let scratch = Scratch::new();
    let pipeline = fs_err::read_to_string(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/quickstart.yaml"));
    let pipeline = pipeline.unwrap();
    let kept = pipeline.split("  ranks:").next().unwrap();
    scratch.trainer(MOODY).write("pipelines/p.yaml", &format!("{kept}{more}")).write(
        "experiments/e.yaml",
        &format!(
            "title: Moody\ndatasets: {{ d: {{ pipeline: ../pipelines/p.yaml }} }}\n\
             grid: {{ product: {{ dataset: [d], model: [moody] }}, seeds: [1] }}\n\
             models: {{ moody: {{ mood: {mood} }} }}\ntrainer: ../trainer.py\n"
        ),
    );
    scratch
}

#[test]
fn a_trainer_out_of_memory_is_tried_again_more_gently() {
    let scratch = moody("hungry", "");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1).told(&["tried again", "out of memory", "no memory"]);
    assert_eq!(scratch.read("ledger"), "train whole begins cpu\ntrain 0.5 goes on cpu\n", "once more by default");
    scratch.write("ledger", "");
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--retries", "2"]).expect(0);
    assert_eq!(scratch.read("ledger"), "train whole goes on cpu\ntrain 0.5 goes on cpu\ntrain 0.25 goes on cpu\n");
    let taken = records(&scratch, "SELECT DISTINCT peak_memory, peak_gpu_memory FROM attempts WHERE kind = 'train'");
    assert_eq!(taken, "5000000000 77\n", "what the trainer says it took");
}

#[test]
fn a_stopped_training_goes_on_from_its_checkpoint() {
    let scratch = moody("slow", "");
    let child = started(&scratch, &["run", "experiments/e.yaml"]);
    let ledger = scratch.root.join("ledger");
    let begun = || ledger.exists() && scratch.read("ledger").lines().count() == 1;
    wait_until("the trainer has its checkpoint", || {
        let folders = fs_err::read_dir(scratch.root.join(".sr-pipe/attempts")).into_iter().flatten().flatten();
        begun() && folders.into_iter().any(|folder| folder.path().join("scratch/checkpoint/state").exists())
    });
    signal(&child, "-INT");
    let (code, words) = said(child);
    assert_eq!(code, Some(130), "{words}");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let ledger = scratch.read("ledger");
    assert_eq!(ledger, "train whole begins cpu\nasked to stop\ntrain whole goes on cpu\n");
}

#[test]
fn a_training_over_its_time_is_asked_to_write_its_checkpoint() {
    let scratch = moody("slow", "    limits: { time: 1s }\n");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1).told(&["after 1s, its limit of time"]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let ledger = scratch.read("ledger");
    assert_eq!(ledger, "train whole begins cpu\nasked to stop\ntrain whole goes on cpu\n");
}
