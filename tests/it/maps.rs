//! Reports of maps: from vectors that a trainer wrote to the table, the numbers for scripts and the figure.

use crate::scratch::Scratch;

/// A trainer in Python. `skip-gram` gives the items vectors that tell nothing of their category, `transh` vectors that
/// tell nothing else, `both` (a model, with a row of padding) something between.
const TRAINER: &str = r#"#!/usr/bin/env python3
import json, os, sys

import arrays

CONFIG = {"defaults": {}, "schema": {"type": "object"}, "paper": "none", "code": "1"}
METHODS = [{"name": "skip-gram", "title": "S", "needs": {"knowledge": True}} | CONFIG,
           {"name": "transh", "title": "T", "needs": {"knowledge": True}} | CONFIG]
MODEL = {"name": "both", "title": "Both", "family": "none", "needs": {"operations": False, "knowledge": True}} | CONFIG
DESCRIPTION = {"contract": 1, "trainer": "python 1", "libtorch": "none", "devices": ["cpu"], "models": [MODEL],
               "embeddings": METHODS}


def categories(folder):
    meta = json.load(open(os.path.join(folder, "meta.json")))
    relation = meta["relations"].index("category") + 1
    triples = arrays.read(os.path.join(folder, "triples.safetensors"))
    return {h: t for h, r, t in zip(triples["head"], triples["relation"], triples["tail"]) if r == relation}


if sys.argv[1] == "describe":
    print(json.dumps(DESCRIPTION))
    sys.exit(0)
job = json.load(open(sys.argv[2]))
items = json.load(open(os.path.join(job["inputs"]["dataset"], "meta.json")))["items"]
of = categories(job["inputs"]["knowledge"])
place = {"skip-gram": 0.0, "transh": 100.0, "both": 2.0}[job["model"]]
# A spiral without a likeness to any category, moved by the category's number.
rows = [[(i * 37 % 101) / 101 + place * (of.get(i, 0) % 7), (i * 53 % 97) / 97, (i * 11 % 89) / 89]
        for i in range(1, items + 1)]
if job["model"] == "both":
    arrays.write(os.path.join(job["output"], "best.safetensors"), {"entity": [[9e9] * 3] + rows})
    selected = [{"name": "best", "epoch": 1, "file": "best.safetensors", "metrics": {}}]
    json.dump({"version": 1, "model": "both", "config": {}, "selected": selected},
              open(os.path.join(job["output"], "model.json"), "w"))
else:
    arrays.write(os.path.join(job["output"], "vectors.safetensors"), {"items": rows})
"#;

/// A project whose experiment maps synthetic items; `report` is what its report says.
fn project(report: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.trainer(TRAINER);
    let pipeline = fs_err::read_to_string(format!("{}/pipelines/jdata.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let vectors = "learn_vectors: { dataset: dataset }";
    assert!(pipeline.contains(vectors));
    let pipeline = pipeline.replace(vectors, "learn_vectors: { dataset: dataset, knowledge: knowledge }");
    scratch.write("pipelines/p.yaml", &pipeline).write(
        "experiments/e.yaml",
        &format!(
            "title: Maps\ndatasets:\n  d: {{ pipeline: ../pipelines/p.yaml, \
             with: {{ name: d, raw: {{ synth: {{ format: jdata, sessions: 600, items: 240 }} }} }} }}\n\
             grid:\n  product: {{ dataset: [d], model: [both], embedding: [vectors, transh, model], projection: [pca, t-sne] }}\n\
             trainer: ../trainer.py\nreport: {report}\n"
        ),
    );
    scratch
}

const REPORT: &str =
    "{ maps: { title: Items, across: embedding, down: projection, titles: { transh: TransH, t-sne: t-SNE } } }";

#[test]
fn maps_show_which_vectors_tell_groups_apart() {
    let scratch = project(REPORT);
    let said = scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["6 of 6 cells done"]);
    assert!(!said.stderr.contains("· ranks"), "a map needs no ranks: {}", said.stderr);
    let csv = scratch.csv("results/e.csv");
    let number = |embedding: &str, name: &str| -> f64 {
        let lines: Vec<&str> =
            csv.lines().filter(|line| line.starts_with(&format!("d,{embedding},pca,1,done,{name},"))).collect();
        assert_eq!(lines.len(), 1, "{embedding} {name} in\n{csv}");
        lines[0].split(',').nth(6).unwrap().parse().unwrap()
    };
    let silhouettes = ["vectors", "model", "transh"].map(|embedding| number(embedding, "silhouette"));
    assert!(
        silhouettes[0] < 0.1 && silhouettes[0] < silhouettes[1] && silhouettes[1] < silhouettes[2],
        "{silhouettes:?}"
    );
    // Categories whose numbers are as far from a multiple of seven share a place; the others are a hundred apart.
    assert!(number("transh", "neighbours of the group") > 2.0 * number("vectors", "neighbours of the group"));
    assert!(number("transh", "between / within") > number("vectors", "between / within"));
    let chance = ["vectors", "transh", "model"].map(|embedding| number(embedding, "by chance"));
    assert!(chance[0] == chance[1] && chance[1] == chance[2], "the same items: {chance:?}");

    let page = scratch.read("results/e.md");
    for words in ["**Synthetic data.** d", "| TransH", "t-SNE", "](e-maps-d.svg)", "by category"] {
        assert!(page.contains(words), "no `{words}` in\n{page}");
    }
    let figure = scratch.read("results/e-maps-d.svg");
    for words in ["Items: d", "Synthetic data", "TransH, t-SNE", "vectors, pca", "first component", "t-SNE, upwards"] {
        assert!(figure.contains(words), "no `{words}` in the figure");
    }
    let points = |text: &str| text.matches("<circle").count() + text.matches("<polygon").count();
    let shown: usize =
        page.lines().find(|line| line.starts_with("| d ")).unwrap().split('|').nth(3).unwrap().trim().parse().unwrap();
    let groups: usize =
        page.lines().find(|line| line.starts_with("| d ")).unwrap().split('|').nth(4).unwrap().trim().parse().unwrap();
    assert_eq!(points(&figure), 6 * shown + groups, "each item in each panel, and a mark for each group in the legend");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    assert_eq!(scratch.read("results/e-maps-d.svg"), figure);
}

#[test]
fn an_experiment_that_maps_nothing_learns_no_vectors_for_maps() {
    let scratch = project("{ rows: embedding, metrics: [hit@20] }");
    let said = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0);
    assert!(!said.stdout.contains("· map") && !said.stdout.contains("· transh"), "{}", said.stdout);
}

#[test]
fn what_is_wrong_with_a_report_of_maps_is_told_where_it_stands() {
    let wrong = |report: &str, told: &[&str]| {
        let scratch = project(report);
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(told);
        assert!(scratch.sealed().is_empty());
    };
    let at = "experiments/e.yaml:";
    let maps = |across: &str, down: &str| format!("maps: {{ title: Items, across: {across}, down: {down} }}");
    wrong(
        &format!("{{ {} }}", maps("embeding", "projection")),
        &["unknown axis `embeding`", "did you mean `embedding`?", at],
    );
    wrong(&format!("{{ {} }}", maps("embedding", "embedding")), &["cannot go both ways", at]);
    wrong(&format!("{{ {} }}", maps("dataset", "projection")), &["no place for the values of axis `embedding`", at]);
    wrong(
        &format!("{{ {}, metrics: [hit@20] }}", maps("embedding", "projection")),
        &["a report of `maps` has no `metrics`", at],
    );
}
