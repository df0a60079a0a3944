//! What `plan`, `accept`, `frozen` and `temp` promise.

use crate::scratch::{Scratch, grid};

/// Three stages in a row; the first reads a raw file, each leaves a line in a ledger when it really runs.
fn chain(scratch: &Scratch, beside: [&str; 3]) {
    let ledger = scratch.root.join("ledger");
    let stage = |name: &str, input: &str, beside: &str| {
        format!(
            "  {name}: {{ shell: {{ command: \"echo {name} >> {ledger}; cat $IN_A/* > $OUT/{name}; echo ${{n}} >> $OUT/{name}\", \
             inputs: {{ a: {input} }} }}{beside} }}\n"
        )
    };
    let stages = [
        "stages:\n  raw: { files: { folder: r, files: [x] } }\n".to_owned(),
        stage("one", "raw", beside[0]),
        stage("two", "one", beside[1]),
        stage("three", "two", beside[2]),
    ];
    scratch.write("data/r/x", "raw\n").write("pipelines/p.yaml", &stages.concat());
    scratch.write("experiments/e.yaml", &grid(&[1]));
}

fn ran(scratch: &Scratch) -> Vec<String> {
    let ledger = scratch.root.join("ledger");
    let lines = fs_err::read_to_string(&ledger).map_or(vec![], |text| text.lines().map(str::to_owned).collect());
    fs_err::write(ledger, "").unwrap();
    lines
}

fn run(scratch: &Scratch) -> Vec<String> {
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    ran(scratch)
}

fn change(scratch: &Scratch, from: &str, to: &str) {
    let text = scratch.read("pipelines/p.yaml");
    assert!(text.contains(from), "no `{from}` in {text}");
    scratch.write("pipelines/p.yaml", &text.replace(from, to));
}

#[test]
fn a_plan_is_there_before_the_first_run_and_says_why_each_stage_runs() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    for part in ["no earlier run", "after d/n=1 · one", "1 cell, 0 stages in the cache, 3 to run"] {
        assert!(plan.contains(part), "no `{part}` in\n{plan}");
    }
    run(&scratch);
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(plan.contains("1 cell, 3 stages in the cache, 0 to run"), "{plan}");
}

#[test]
fn a_plan_says_how_long_it_will_take_by_what_the_same_cells_took() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    let plan = || scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(!plan().contains("about"), "nothing is known: {}", plan());
    run(&scratch);
    assert!(!plan().contains("about"), "nothing is to run: {}", plan());
    change(&scratch, "echo two", "sleep 1; echo two");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    change(&scratch, "sleep 1; echo two", "sleep 1; echo TWO");
    scratch.write("experiments/e.yaml", &grid(&[1, 2]));
    let said = plan();
    for part in
        ["by what earlier runs took, about ", " s one after another and about ", "; of 3 stages nothing is known"]
    {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
}

#[test]
fn why_names_the_field_that_differs_from_the_nearest_earlier_run() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    run(&scratch);
    scratch.write("data/r/x", "other\n");
    let why = scratch.sr_pipe(&["plan", "experiments/e.yaml", "--why", "d/n=1/seed=1"]).expect(0).stdout;
    for part in ["input `a` has other content", "input        inputs.a:", "after d/n=1 · one"] {
        assert!(why.contains(part), "no `{part}` in\n{why}");
    }
    scratch.write("data/r/x", "raw\n");
    change(&scratch, "echo three", "echo THREE");
    let why = scratch.sr_pipe(&["plan", "experiments/e.yaml", "--why", "d/*"]).expect(0).stdout;
    assert!(why.contains("code         config.command:") && why.contains("THREE"), "{why}");
    // A cell that never ran is compared with the nearest of its kind.
    scratch.write("experiments/e.yaml", &grid(&[1, 2]));
    let why = scratch.sr_pipe(&["plan", "experiments/e.yaml", "--why", "d/n=2/seed=1"]).expect(0).stdout;
    assert!(why.contains("nearest: `d/n=1 · one`"), "{why}");
    let told = ["this experiment has no cell `d/m=2/seed=1`", "did you mean `d/n="];
    scratch.sr_pipe(&["plan", "experiments/e.yaml", "--why", "d/m=2/seed=1"]).expect(2).told(&told);
}

#[test]
fn check_fails_when_anything_would_run_and_needs_no_data_but_the_records() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    let check = || scratch.sr_pipe(&["plan", "experiments/e.yaml", "--check"]);
    assert!(check().expect(1).stdout.contains("3 to run"));
    run(&scratch);
    check().expect(0);
    // Nothing is left of raw data and results but what is on record.
    fs_err::remove_dir_all(scratch.root.join("data")).unwrap();
    fs_err::remove_dir_all(scratch.root.join(".sr-pipe/objects")).unwrap();
    assert!(check().expect(0).stdout.contains("1 cell, 3 stages in the cache, 0 to run"));
    change(&scratch, "echo two", "echo TWO");
    let said = check().expect(1).told(&["plan --why CELL"]);
    assert!(said.stdout.contains("`config.command` was") && !said.stdout.contains("· one "), "{}", said.stdout);
}

#[test]
fn raw_files_may_go_once_what_reads_them_is_done() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    run(&scratch);
    fs_err::remove_dir_all(scratch.root.join("data")).unwrap();
    change(&scratch, "echo three", "echo THREE");
    assert_eq!(run(&scratch), ["THREE"]);
    change(&scratch, "echo one", "echo ONE");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&["missing raw file", "data/r/x"]);
    assert_eq!(ran(&scratch), [""; 0]);
}

#[test]
fn a_frozen_stage_keeps_its_newest_result_and_what_only_it_reads_does_not_run() {
    let scratch = Scratch::new();
    chain(&scratch, ["", ", frozen: true", ""]);
    assert_eq!(run(&scratch), ["one", "two", "three"], "what has no result yet is made, frozen or not");
    change(&scratch, "echo one", "echo ONE");
    change(&scratch, "echo two", "echo TWO");
    assert_eq!(run(&scratch), [""; 0]);
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(plan.contains("frozen") && plan.contains("idle"), "{plan}");
    change(&scratch, "echo three", "echo THREE");
    assert_eq!(run(&scratch), ["THREE"]);
    change(&scratch, ", frozen: true", "");
    assert_eq!(run(&scratch), ["ONE", "TWO"], "thawed, it runs; equal bytes stop the wave");
}

#[test]
fn a_temporary_result_is_dropped_after_use_and_made_again_when_it_is_needed() {
    let scratch = Scratch::new();
    chain(&scratch, [", temp: true", "", ""]);
    assert_eq!(run(&scratch), ["one", "two", "three"]);
    let held = |scratch: &Scratch| scratch.sealed().iter().filter(|path| path.ends_with("one")).count();
    assert_eq!(held(&scratch), 0, "dropped");
    assert_eq!(run(&scratch), [""; 0], "nothing needs it");
    scratch.sr_pipe(&["cache", "verify"]).expect(0);
    change(&scratch, "echo three", "echo THREE");
    assert_eq!(run(&scratch), ["THREE"], "its reader has a result");
    change(&scratch, "echo two", "echo TWO");
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(plan.contains("is needed again"), "{plan}");
    assert_eq!(run(&scratch), ["one", "TWO"]);
    assert_eq!(held(&scratch), 0, "dropped again");
}

#[test]
fn a_temporary_result_with_the_bytes_of_a_lasting_one_stays() {
    let scratch = Scratch::new();
    scratch.write("experiments/e.yaml", &grid(&[1])).write(
        "pipelines/p.yaml",
        "stages:\n  a: { shell: { command: \"echo 1 > $OUT/x\" }, temp: true }\n  \
         b: { shell: { command: \"echo   1 > $OUT/x\" } }\n  \
         c: { shell: { command: \"cat $IN_A/x $IN_B/x > $OUT/y\", inputs: { a: a, b: b } } }\n",
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(scratch.sealed().len(), 2);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn accepting_a_change_of_code_takes_the_results_over_and_says_so() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    run(&scratch);
    change(&scratch, "echo two", "echo TWO");
    let accept = |more: &[&str]| {
        let arguments = [&["accept", "experiments/e.yaml", "two", "--reason", "a louder echo"], more].concat();
        scratch.sr_pipe(&arguments)
    };
    accept(&["--dry-run"]).expect(0).told(&["1 result would be accepted"]);
    accept(&[]).expect(0).told(&["1 result accepted, 0 refused"]);
    assert_eq!(run(&scratch), [""; 0]);
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(plan.contains("accepted: a louder echo"), "{plan}");
}

#[test]
fn what_is_more_than_a_change_of_code_is_not_accepted() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    run(&scratch);
    scratch.write("data/r/x", "other\n");
    let arguments = ["accept", "experiments/e.yaml", "one", "--reason", "none"];
    let said = scratch.sr_pipe(&arguments).expect(1).told(&["0 results accepted, 1 refused"]);
    assert!(said.stdout.contains("input `a` has other content"), "{}", said.stdout);
    let arguments = ["accept", "experiments/e.yaml", "four", "--reason", "none"];
    scratch.sr_pipe(&arguments).expect(2).told(&["has a stage `four`"]);
}

#[test]
fn what_was_read_from_another_data_folder_does_not_count_for_the_one_that_is_named() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    scratch.write("elsewhere/r/x", "raw\n").write("empty/nothing", "");
    let plan = |data: &[&str]| scratch.sr_pipe(&[&["plan", "experiments/e.yaml"], data].concat());
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--data", "elsewhere"]).expect(0);
    fs_err::remove_dir_all(scratch.root.join("data")).unwrap();
    fs_err::remove_dir_all(scratch.root.join("elsewhere/r")).unwrap();
    for data in [&["--data", "elsewhere"][..], &[]] {
        let said = plan(data).expect(0).stdout;
        assert!(said.contains("3 stages in the cache, 0 to run"), "{data:?}: {said}");
    }
    // What `report` and `serve` show of a run is read with its own folder.
    let shown = scratch.sr_pipe(&["runs", "show", "1", "--json"]).expect(0).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["choices"]["data"], "elsewhere", "{shown:#}");
    let said = plan(&["--data", "empty"]);
    assert!(said.stdout.contains("missing") && said.stdout.contains("0 stages in the cache"), "{}", said.stdout);
    let failed = scratch.sr_pipe(&["run", "experiments/e.yaml", "--data", "empty"]).expect(2);
    assert!(failed.stderr.contains("missing raw file") && failed.stderr.contains("empty/r/x"), "{}", failed.stderr);
}

#[test]
fn a_large_raw_file_is_told_before_it_is_read_and_read_once() {
    let scratch = Scratch::new();
    chain(&scratch, ["", "", ""]);
    // It holds nothing, so it takes no room.
    fs_err::File::create(scratch.root.join("data/r/x")).unwrap().set_len(1 << 30).unwrap();
    let run = || scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stderr;
    let first = run();
    assert!(first.contains("data/r/x` (1.1 GB) to know its content"), "{first}");
    assert_eq!(run(), "");
}
