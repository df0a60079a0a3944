//! Results broken down by what is known of each test sample, and held against the floors: on the toy log and a trainer whose
//! ranks are written down here.

use crate::scratch::Scratch;
use crate::toy;

const EXPERIMENT: &str = "\
title: Broken down
datasets:
  keep: { pipeline: ../pipelines/p.yaml }
  drop: { pipeline: ../pipelines/p.yaml, with: { cold: drop } }
grid: { product: { dataset: [keep, drop], model: [rule, deep] } }
protocol: published-code
trainer: ../trainer.py
report:
  metrics: [hit@1, mrr@2]
";

/// How many candidates stand above the three targets is written down in `ABOVE`, for a rule and for another model.
const TRAINER: &str = r#"#!/usr/bin/env python3
import json, os, sys

import arrays

ABOVE = {"rule": [3, 0, 1], "deep": [1, 0, 1]}


def model(name):
    return {
        "name": name, "title": name.title(), "family": "none", "paper": "none", "floor": name == "rule",
        "needs": {"operations": False, "knowledge": False}, "defaults": {}, "schema": {"type": "object"}, "code": "1",
    }


verb = sys.argv[1]
if verb == "describe":
    models = [model(name) for name in ABOVE]
    print(json.dumps({"contract": 1, "trainer": "toy 1", "libtorch": "none", "devices": ["cpu"], "models": models}))
    sys.exit(0)
job = json.load(open(sys.argv[2]))
if verb == "train":
    told = {"version": 1, "model": job["model"], "config": job["config"], "selected": []}
    json.dump(told, open(os.path.join(job["output"], "model.json"), "w"))
    sys.exit(0)
count = len(arrays.read(os.path.join(job["inputs"]["dataset"], "samples.safetensors"))["test.sample_target"])
arrays.write(os.path.join(job["output"], "ranks.safetensors"),
             {"best.above": ABOVE[job["model"]][:count], "best.ties": [0] * count, "candidates": [4] * count})
"#;

fn project(report: &str) -> Scratch {
    let scratch = Scratch::new();
    let pipeline = format!("defaults: {{ cold: keep }}\n{}", toy::pipeline("\"${cold}\"", ""));
    scratch.write("data/log/log.csv", toy::LOG).write("pipelines/p.yaml", &pipeline).trainer(TRAINER);
    scratch.write("experiments/e.yaml", &format!("{EXPERIMENT}{report}"));
    scratch
}

/// The table of a report under the heading that begins so, row by row, without the space around its cells.
fn rows<'a>(report: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, below) = report.split_once(heading).unwrap_or_else(|| panic!("no `{heading}` in:\n{report}"));
    let table = below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    table.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn a_model_that_is_not_ahead_of_the_best_floor_is_marked() {
    let scratch = project("");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["4 of 4 cells done"]);
    let plain = scratch.read("results/e.md");
    assert!(!plain.contains("Breakdowns"), "{plain}");
    // Hit@1 and MRR@2 of three samples, then of the two that are left without item 4.
    let main = rows(&plain, "## Results");
    assert_eq!(main[2], ["Rule", "**33.33**", "<u>50.00</u>", "**50.00**", "<u>50.00</u>"]);
    assert_eq!(main[3], ["Deep", "**33.33** †", "**66.67**", "**50.00** †", "**75.00**"]);
    let line = "by the numbers as printed: keep Hit@1 33.33 (Rule); drop Hit@1 50.00 (Rule).";
    assert!(plain.contains(line), "no `{line}` in:\n{plain}");
}

#[test]
fn results_are_broken_down_without_a_model_run_again() {
    let scratch = project("");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let report = "  breakdowns: [in-session, cold]\n";
    scratch.write("experiments/e.yaml", &format!("{EXPERIMENT}{report}"));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    let report = scratch.read("results/e.md");

    let in_session = rows(&report, "### Targets that stand in the session's input");
    let head = ["model", "keep in session Hit@1", "keep in session MRR@2", "keep not in session Hit@1"];
    assert_eq!(in_session[0][..4], head);
    assert_eq!(in_session[2], ["samples", "1", "1", "2", "2", "1", "1", "1", "1"]);
    assert_eq!(in_session[3][..5], ["Rule", "**100.00**", "**100.00**", "**0.00**", "<u>25.00</u>"]);
    assert_eq!(in_session[4][..5], ["Deep", "**100.00** †", "**100.00** †", "**0.00** †", "**50.00**"]);

    let cold = rows(&report, "### Warm targets");
    assert_eq!(cold[0], ["model", "keep warm Hit@1", "keep warm MRR@2", "keep cold Hit@1", "keep cold MRR@2"]);
    assert_eq!(cold[2], ["samples", "2", "2", "1", "1"]);
    assert_eq!(cold[3], ["Rule", "**50.00**", "<u>50.00</u>", "**0.00**", "**50.00**"]);
    assert_eq!(cold[4], ["Deep", "**50.00** †", "**75.00**", "**0.00** †", "**50.00** †"]);
    assert!(report.contains("Nothing to tell apart: drop (2 targets, all warm)."), "{report}");

    let csv = scratch.csv("results/e.csv");
    let ends = |row: &str, breakdown: &str| {
        csv.lines().any(|line| line.starts_with(row) && line.ends_with(&format!(",{breakdown}")))
    };
    assert!(
        ends("keep,rule,1,mrr@2,done,0.5,best,3,4,", ",") && ends("keep,deep,1,mrr@2,done,0.5,best,1,4,", "cold,cold")
    );
    assert!(ends("keep,rule,1,mrr@2,done,0.25,best,2,4,", "in-session,not in session"), "{csv}");
}

#[test]
fn results_are_broken_down_by_the_length_of_the_input_and_by_the_popularity_of_the_target() {
    let scratch = project("  breakdowns: [session-length, popularity]\n");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let report = scratch.read("results/e.md");

    // 4 after 1; 1 after 1 4; 2 after 1 4 1. Without item 4: 1 after 1; 2 after 1 1.
    let length = rows(&report, "### Targets by the length");
    assert_eq!(
        length[0][1..7].iter().step_by(2).collect::<Vec<_>>(),
        [&"keep after 1 Hit@1", &"keep after 2 Hit@1", &"keep after 3-5 Hit@1"]
    );
    assert_eq!(
        length[0][7..],
        ["drop after 1 Hit@1", "drop after 1 MRR@2", "drop after 2 Hit@1", "drop after 2 MRR@2"]
    );
    assert_eq!(length[2][1..7], ["1"; 6]);
    assert_eq!(length[3][5..7], ["**0.00**", "<u>0.00</u>"], "the rule has three above 2 after 1 4 1");
    assert_eq!(length[4][5..7], ["**0.00** †", "**50.00**"], "the other has one");

    // The three training sessions hold items 1 and 2 three times each, and 4 never.
    let popularity = rows(&report, "### Targets by their popularity");
    let head = ["model", "keep unseen Hit@1", "keep unseen MRR@2", "keep seen 3-9 Hit@1", "keep seen 3-9 MRR@2"];
    assert_eq!((&popularity[0][..], &popularity[2][1..]), (&head[..], &["1", "1", "2", "2"][..]));
    assert!(report.contains("Nothing to tell apart: drop (2 targets, all seen 3-9)."), "{report}");
}

#[test]
fn a_breakdown_that_is_not_known_or_named_twice_or_out_of_place_is_told_before_anything_runs() {
    for (report, told) in [
        ("  breakdowns: [in-sesion]\n", "did you mean `in-session`?"),
        ("  breakdowns: [cold, in-session, cold]\n", "breakdown `cold` is named twice"),
        ("  statistics: [sessions]\n  breakdowns: [cold]\n", "a report of `statistics` has no `breakdowns`"),
    ] {
        let scratch = project(report);
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&[told, "experiments/e.yaml:"]);
        assert!(scratch.sealed().is_empty());
    }
}
