//! Figures from the outside: on the toy log and a trainer whose curves and ranks are written down here, so that each place in
//! a picture can be worked out on paper.

use crate::scratch::Scratch;
use crate::toy;

pub(crate) const EXPERIMENT: &str = "\
title: Drawn
datasets: { toy: { pipeline: ../pipelines/p.yaml } }
grid:
  product: { dataset: [toy], model: [rule, deep, '<script>'], lambda: [0.001, 0.01, 0.1] }
  seeds: [1, 2]
protocol: published-code
trainer: ../trainer.py
report:
  rows: model
  columns: lambda
  metrics: [hit@1]
";

pub(crate) const FIGURES: &str = "  figures:
    - { name: curves, title: Learning curves, draw: curves, metric: mrr@20, only: { lambda: [0.01] } }
    - name: lambda
      title: What lambda is worth
      draw: { sweep: { axis: lambda, scale: log } }
      metric: hit@1
      only: { model: [deep] }
    - { name: bars, title: All three, draw: bars, metric: hit@1, only: { lambda: [0.1] } }
";

/// A rule without epochs, and two models with the same curve: seed 1 goes from 0.1 to 0.4 and one epoch on, seed 2 from 0.3
/// to 0.4. How many candidates stand above the three targets depends on lambda, and for 0.1 on the seed.
const TRAINER: &str = r#"#!/usr/bin/env python3
import json, os, sys

import arrays

TITLES = {"rule": "Rule", "deep": "Deep", "<script>": "<script>alert(1)</script>"}
CURVES = {1: [0.1, 0.4, 0.9], 2: [0.3, 0.4]}


def model(name):
    return {
        "name": name, "title": TITLES[name], "family": "none", "paper": "none", "floor": name == "rule",
        "needs": {"operations": False, "knowledge": False}, "defaults": {"lambda": 0.0},
        "schema": {"type": "object", "properties": {"lambda": {"type": "number"}}, "additionalProperties": False},
        "code": "1",
    }


verb = sys.argv[1]
if verb == "describe":
    models = [model(name) for name in TITLES]
    print(json.dumps({"contract": 1, "trainer": "toy 1", "libtorch": "none", "devices": ["cpu"], "models": models}))
    sys.exit(0)
job = json.load(open(sys.argv[2]))
if verb == "train":
    told = {"version": 1, "model": job["model"], "config": dict(job["config"], seed=job["seed"]), "selected": []}
    json.dump(told, open(os.path.join(job["output"], "model.json"), "w"))
    if job["model"] != "rule":
        with open(os.path.join(job["output"], "curve.jsonl"), "w") as curve:
            for epoch, value in enumerate(CURVES[job["seed"]], 1):
                metrics = {"mrr@20": value, "broken": None}
                curve.write(json.dumps({"epoch": epoch, "loss": 1.0, "metrics": metrics}) + "\n")
    sys.exit(0)
config = json.load(open(os.path.join(job["inputs"]["model"], "model.json")))["config"]
above = {0.001: [1, 1, 1], 0.01: [0, 0, 0], 0.1: [0, 1, 1] if config["seed"] == 1 else [0, 0, 1]}[config["lambda"]]
arrays.write(os.path.join(job["output"], "ranks.safetensors"),
             {"best.above": above, "best.ties": [0] * 3, "candidates": [4] * 3})
"#;

/// A project with what is given under its `report`.
pub(crate) fn project(figures: &str) -> Scratch {
    let scratch = Scratch::new();
    let pipeline = toy::pipeline("keep", r#", config: { lambda: "${lambda}" }"#);
    scratch.write("data/log/log.csv", toy::LOG).write("pipelines/p.yaml", &pipeline).trainer(TRAINER);
    scratch.write("experiments/e.yaml", &format!("{EXPERIMENT}{figures}"));
    scratch
}

#[track_caller]
pub(crate) fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

#[test]
fn figures_are_drawn_from_what_is_on_record_where_they_belong_and_the_same_each_time() {
    // The figures come in when all has run.
    let scratch = project("");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.write("experiments/e.yaml", &format!("{EXPERIMENT}{FIGURES}"));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);

    // The frame goes from 76 to 336, with two lines above it, and 3 % of 74 to 664 are free at each side.
    // Epoch 1 is 20 ± 14.14, epoch 2 is 40 ± 0, and the third, of one seed alone, is not drawn: 6.5 to a point.
    let curves = scratch.read("results/e-curves.svg");
    has(
        &curves,
        &[
            "<title>Learning curves</title>",
            "<polyline class=\"line one solid\" points=\"91.7,206.0 646.3,76.0\"/>",
            "<polygon class=\"band one\" points=\"91.7,114.1 646.3,76.0 646.3,76.0 91.7,297.9\"/>",
            "<polyline class=\"line two dashed\"",
            ">MRR@20 in per cent, test set</text>",
            ">&lt;script&gt;alert(1)&lt;/script&gt;</text>",
            "prefers-color-scheme: dark",
            "command: sr-pipe run experiments/e.yaml\n",
            "experiment: experiments/e.yaml ",
        ],
    );
    assert!(!curves.contains("<script"), "{curves}");

    // 0, 100 and 50 ± 23.57 with equal room between them: 2.6 to a point.
    has(
        &scratch.read("results/e-lambda.svg"),
        &[
            "points=\"91.7,336.0 369.0,76.0 646.3,206.0\"",
            "points=\"91.7,336.0 369.0,76.0 646.3,144.7 646.3,267.3 369.0,76.0 91.7,336.0\"",
            ">0.001</text>",
            ">lambda</text>",
        ],
    );
    assert_eq!(scratch.read("results/e-bars.svg").matches("<rect class=\"one\"").count(), 3);

    let page = scratch.read("results/e.md");
    has(
        &page,
        &[
            "## Figures\n\n![Learning curves](e-curves.svg)\n\n**Figure 1.** Learning curves. MRR@20 in per cent, test set, by epoch, \
             mean ± sample standard deviation over n = 2 seeds (1 and 2). Best: Deep with 40.00 ± 0.00 after epoch 2.",
            "A line ends where the first of its seeds stopped. Without epochs on record, so not drawn: Rule.",
            "![What lambda is worth](e-lambda.svg)",
            "Best: Deep with 100.00 ± 0.00 at lambda = 0.01.",
            "![All three](e-bars.svg)",
        ],
    );

    let files = ["e.md", "e.csv", "e-curves.svg", "e-lambda.svg", "e-bars.svg"].map(|name| format!("results/{name}"));
    let before = files.clone().map(|file| scratch.read(&file));
    scratch.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    assert_eq!(files.map(|file| scratch.read(&file)), before, "rendering again gives the same bytes");
}

#[test]
fn a_figure_that_left_the_experiment_leaves_the_results_and_nothing_else_does() {
    let scratch = project(FIGURES);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.write("results/e-mine.svg", "drawn by hand");
    // A form that names no figures leaves those that the last JSON names.
    scratch.write("experiments/e.yaml", EXPERIMENT);
    scratch.sr_pipe(&["report", "experiments/e.yaml", "--format", "csv"]).expect(0);
    scratch.read("results/e-bars.svg");
    let fewer: String =
        FIGURES.lines().filter(|line| !line.contains("name: bars")).map(|line| format!("{line}\n")).collect();
    scratch.write("experiments/e.yaml", &format!("{EXPERIMENT}{fewer}"));
    scratch.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    let mut pictures: Vec<String> = std::fs::read_dir(scratch.root.join("results"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".svg"))
        .collect();
    pictures.sort();
    assert_eq!(pictures, ["e-curves.svg", "e-lambda.svg", "e-mine.svg"]);
}

#[test]
fn a_figure_of_what_did_not_run_says_so_and_leaves_no_file() {
    let scratch = project(FIGURES);
    scratch.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    has(
        &scratch.read("results/e.md"),
        &[
            "**Figure 1.** Learning curves. Nothing on record to draw yet. Without a result on record, so not drawn: Rule, Deep and ",
        ],
    );
    assert!(!scratch.root.join("results/e-curves.svg").exists());
}

#[test]
fn mistakes_in_figures_are_told_all_at_once_with_their_places_before_anything_runs() {
    let scratch = project(
        "  figures:
    - { name: a/b, title: t, draw: curves, metric: mrr }
    - { name: c, title: t, draw: bars, metric: mrr@20, lines: modle }
    - { name: c, title: t, draw: { sweep: { axis: model } }, metric: mrr@20, lines: dataset }
    - { name: d, title: t, draw: { sweep: { axis: lambda } }, metric: mrr@20, lines: lambda }
    - { name: e, title: t, draw: bars, metric: mrr@20, only: { model: [depp] } }
",
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&[
        "`a/b` cannot be part of the name of a file",
        "metric `mrr` has no cut-off",
        "unknown axis `modle`",
        "figure `c` is named twice",
        "axis `model` has the value `rule`, which is no number",
        "a sweep along `lambda` cannot have a line for each of its values",
        "axis `model` has no value `depp`",
    ]);
    assert!(!scratch.root.join("results").exists());
}

#[test]
fn a_breakdown_is_drawn_from_group_to_group_with_the_spread_over_seeds() {
    let figure = "  figures:\n    - { name: length, title: By length, draw: { breakdown: session-length }, metric: hit@1, \
                  only: { lambda: [0.1], model: [deep] } }\n";
    let scratch = project(figure);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    // Samples are numbered from a session's end. With lambda 0.1 both seeds hit the first of them, whose input has three
    // events, one hits the second, none the third.
    let drawn = scratch.read("results/e-length.svg");
    has(
        &drawn,
        &[
            "<title>Deep, events in the session's input 1: 0.00 ± 0.00</title>",
            " 2: 50.00 ± 70.71</title>",
            " 3–5: 100.00 ± 0.00</title>",
            ">3–5</text>",
        ],
    );
    assert!(!drawn.contains(">6–10</text>"), "a group without a target has no place: {drawn}");
    let report = scratch.read("results/e.md");
    has(&report, &["Targets in the groups: 1, 1, 1, 0, 0 (toy).", "Deep with 50.00 ± 70.71 at `2`"]);
}
