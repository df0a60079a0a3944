//! `docs/your-own-data.md`: its example runs, and its mappings are sound.

use camino::Utf8Path;

use crate::scratch::Scratch;

/// The blocks of YAML on the page.
fn blocks() -> Vec<String> {
    let page = fs_err::read_to_string(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/your-own-data.md")).unwrap();
    page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_example_of_the_page_runs_as_it_stands() {
    let scratch = Scratch::new();
    let blocks = blocks();
    scratch.write("pipelines/shop.yaml", &blocks[0]).write("experiments/shop.yaml", &blocks[1]);
    scratch.sr_pipe(&["synth", "jdata", "--rows", "6000", "--seed", "1", "--out", "data/shop"]).expect(0);
    scratch.sr_pipe(&["run", "experiments/shop.yaml", "--only", "model=s-pop"]).expect(0).told(&["1 of 1 cells done"]);
    assert!(scratch.read("results/shop.md").contains("S-POP"));
}

#[test]
fn the_mappings_of_public_sets_are_wired_into_a_pipeline() {
    for mapping in &blocks()[2..] {
        let scratch = Scratch::new();
        let mapping: String = mapping.lines().map(|line| format!("      {line}\n")).collect();
        let stages = "stages:\n  raw: { files: { folder: r, files: [x] } }\n  events:\n    ingest:\n      from: raw\n      \
            format: table\n";
        scratch.write("pipelines/p.yaml", &format!("{stages}{mapping}"));
        let grid =
            "title: t\ndatasets: { d: { pipeline: ../pipelines/p.yaml } }\ngrid: { product: { dataset: [d] } }\n";
        scratch.write("experiments/e.yaml", grid).write("data/r/x", "");
        scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0);
    }
}
