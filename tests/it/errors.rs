//! Bad input: each mistake gives file, line, column and a way out, before any work begins.

use crate::scratch::{Scratch, grid};

const PIPELINE: &str = "stages:\n  a: { shell: { command: \"echo ${n} > $OUT/a\" } }\n";

/// Runs the one experiment of a project that is wrong; gives what it was told.
#[track_caller]
fn mistake(experiment: &str, pipeline: &str, told: &[&str]) {
    let scratch = Scratch::new();
    scratch.write("experiments/e.yaml", experiment).write("pipelines/p.yaml", pipeline);
    for command in ["run", "plan"] {
        let said = scratch.sr_pipe(&[command, "experiments/e.yaml"]).expect(2).told(told);
        assert!(said.stdout.is_empty(), "{}", said.stdout);
    }
    assert!(scratch.sealed().is_empty(), "nothing ran");
}

#[test]
fn a_mistyped_key_of_an_experiment() {
    mistake(
        &grid(&[1]).replace("grid:", "gird:"),
        PIPELINE,
        &["unknown field `gird`", "experiments/e.yaml:3:1", "^^^^", "did you mean `grid`?"],
    );
}

#[test]
fn a_mistyped_key_and_a_mistyped_kind_of_a_stage() {
    let told = ["unknown field `comand`", "pipelines/p.yaml:2:17", "did you mean `command`?"];
    mistake(&grid(&[1]), &PIPELINE.replace("command", "comand"), &told);
    let told = ["unknown name `shel`", "pipelines/p.yaml:2:8", "did you mean `shell`?"];
    mistake(&grid(&[1]), &PIPELINE.replace("shell", "shel"), &told);
}

#[test]
fn a_value_and_an_exclusion_that_would_do_nothing() {
    let told = ["the pipeline has no place `${nn}`", "experiments/e.yaml:2:57", "did you mean `n`?"];
    mistake(&grid(&[1]).replace("p.yaml }", "p.yaml, with: { nn: 2 } }"), PIPELINE, &told);
    let experiment = grid(&[1, 2]).replace("[1, 2] }", "[1, 2] }, exclude: [{ m: 1 }, { n: 3 }]");
    mistake(&experiment, PIPELINE, &["unknown axis `m`", "axis `n` has no value `3`", "experiments/e.yaml:3:"]);
}

#[test]
fn yaml_that_is_none() {
    mistake("title: [x\n", PIPELINE, &["not valid YAML", "experiments/e.yaml:"]);
    mistake(&grid(&[1]), "stages: {a: [\n", &["not valid YAML", "pipelines/p.yaml:"]);
}

#[test]
fn an_unknown_data_set_and_a_missing_pipeline() {
    let told = ["unknown data set `dd`", "experiments/e.yaml:3:30", "did you mean `d`?"];
    mistake(&grid(&[1]).replace("[d]", "[dd]"), PIPELINE, &told);
    let told = ["cannot read `pipelines/q.yaml`", "experiments/e.yaml:2:28"];
    mistake(&grid(&[1]).replace("p.yaml", "q.yaml"), PIPELINE, &told);
}

#[test]
fn a_place_that_nothing_fills() {
    let told = ["nothing gives a value for `${m}`", "pipelines/p.yaml:2:26", "did you mean `n`?"];
    mistake(&grid(&[1]), &PIPELINE.replace("${n}", "${m}"), &told);
}

#[test]
fn a_cycle_and_an_unknown_stage() {
    let pipeline =
        "stages:\n  a: { shell: { command: x, inputs: { i: b } } }\n  b: { shell: { command: x, inputs: { i: a } } }\n";
    mistake(&grid(&[1]), pipeline, &["these stages wait for each other: a → b → a", "pipelines/p.yaml:2:3"]);
    let told = ["reads `bb`, which is not a stage", "pipelines/p.yaml:2:42", "did you mean `b`?"];
    mistake(&grid(&[1]), &pipeline.replacen("i: b", "i: bb", 1), &told);
}

#[test]
fn a_stage_that_cannot_read_its_input() {
    let pipeline = "stages:\n  a: { shell: { command: x } }\n  b: { sessionize: { from: a, by: given } }\n";
    mistake(
        &grid(&[1]),
        pipeline,
        &["stage `b` cannot read `a`, which makes files; it reads events", "pipelines/p.yaml:3:28"],
    );
}

#[test]
fn a_missing_raw_file() {
    let pipeline = "stages:\n  raw: { files: { folder: kkbox, files: [train.csv] } }\n  \
                    a: { shell: { command: x, inputs: { i: raw } } }\n";
    let scratch = Scratch::new();
    scratch.write("experiments/e.yaml", &grid(&[1])).write("pipelines/p.yaml", pipeline);
    let told = ["missing raw file", "data/kkbox/train.csv", "pipelines/p.yaml:2:3", "--data DIR"];
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&told);
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(plan.contains("missing") && plan.contains("blocked"), "a plan is possible all the same:\n{plan}");
}

#[test]
fn every_mistake_is_told_at_once() {
    let experiment = grid(&[1]) + "report: { metrics: [hitt@20, mrr@0], rows: modle }\n";
    mistake(
        &experiment,
        PIPELINE,
        &["unknown metric `hitt`", "did you mean `hit`?", "metric `mrr@0` has no cut-off", "unknown axis `modle`"],
    );
}

#[test]
fn a_trainer_that_is_not_there() {
    let pipeline = "stages:\n  a: { shell: { command: x } }\n  t: { train: { dataset: a, model: m-sr } }\n";
    mistake(
        &(grid(&[1]) + "trainer: ./nowhere\n"),
        pipeline,
        &["there is no trainer at `experiments/./nowhere`", "experiments/e.yaml:4:10"],
    );
}

#[test]
fn a_trainer_that_is_not_built() {
    let scratch = Scratch::new();
    let pipeline = "stages:\n  a: { shell: { command: x } }\n  t: { train: { dataset: a, model: m-sr } }\n";
    scratch.write("experiments/e.yaml", &grid(&[1])).write("pipelines/p.yaml", pipeline);
    // The program alone, in a folder without a trainer.
    let alone = scratch.root.join("sr-pipe");
    fs_err::copy(env!("CARGO_BIN_EXE_sr-pipe"), &alone).unwrap();
    let output = std::process::Command::new(&alone)
        .args(["run", "experiments/e.yaml"])
        .current_dir(&scratch.root)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("the trainer is not built") && stderr.contains("cargo build --workspace"), "{stderr}");
}

#[test]
fn an_experiment_file_that_is_not_there() {
    let scratch = Scratch::new();
    scratch.sr_pipe(&["run", "experiments/none.yaml"]).expect(2).told(&["cannot read `experiments/none.yaml`"]);
    scratch.sr_pipe(&["runs", "list"]).expect(2).told(&["there are no records"]);
}

#[test]
fn mistakes_in_what_stands_beside_a_stages_kind() {
    let beside = |words: &str| PIPELINE.replace("\" } }", &format!("\" }}, {words} }}"));
    let told = ["unknown field `tmep`", "pipelines/p.yaml:2:50", "did you mean `temp`?"];
    mistake(&grid(&[1]), &beside("tmep: true"), &told);
    mistake(&grid(&[1]), &beside("limits: { tim: 2h }"), &["unknown field `tim`", "did you mean `time`?"]);
    mistake(&grid(&[1]), &beside("limits: { time: soon }"), &["`soon` is no length of time", "write `90s`"]);
    mistake(&grid(&[1]), &beside("resources: { memory: much }"), &["`much` is no size", "`4GiB`"]);
    mistake(&grid(&[1]), &beside("filter: { from: a }"), &["stage `a` must be of one kind, and is of 2"]);
    let dataset = "stages:\n  a: { split: { from: a, name: n, by: given, cold_items: keep }, temp: true }\n";
    mistake(&grid(&[1]), dataset, &["dataset cannot be temporary", "the report reads what this stage makes"]);
}
