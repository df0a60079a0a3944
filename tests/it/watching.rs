//! What a person, a log and a CI see of a run: lines, events, JUnit, logs by attempt, status from another terminal.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::Duration;

use quick_junit::{Report, TestCaseStatus};
use serde_json::Value;

use crate::scratch::{Scratch, grid};

/// Two stages a cell; the second one waits until the file `go` is there, where it is told to.
fn gated(scratch: &Scratch, cells: &[u32]) {
    let gate = scratch.root.join("go");
    scratch.write("experiments/e.yaml", &grid(cells)).write(
        "pipelines/p.yaml",
        &format!(
            "stages:\n  one: {{ shell: {{ command: \"echo one says ${{n}}; echo ${{n}} > $OUT/n\" }} }}\n  \
             two: {{ shell: {{ command: \"echo two begins ${{n}}; while ! test -e {gate}; do sleep 0.02; done; \
             echo two ends ${{n}}; cp $IN_A/n $OUT/n\", inputs: {{ a: one }} }} }}\n"
        ),
    );
}

/// Cell 1 is sound; cell 2 fails with words that are hard on XML and JSON.
fn failing(scratch: &Scratch) {
    scratch.write("experiments/e.yaml", &grid(&[1, 2])).write(
        "pipelines/p.yaml",
        "stages:\n  one: { shell: { command: \"echo ${n} > $OUT/n\" } }\n  \
         two: { shell: { command: \"cat $IN_A/n; printf 'a <b> & \\\"c\\\" ]]> \\\\001\\\\033[31m\\\\n'; test ${n} = 1 && cp $IN_A/n $OUT/n\", inputs: { a: one } } }\n  \
         three: { shell: { command: \"cp $IN_A/n $OUT/n\", inputs: { a: two } } }\n",
    );
}

fn open_gate(scratch: &Scratch) {
    scratch.write("go", "");
}

/// Asks again until the answer is yes; a test that waits too long has failed.
#[track_caller]
fn wait_until(mut asked: impl FnMut() -> bool) {
    for _ in 0..1_500 {
        if asked() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it did not happen within 30 s");
}

fn status(scratch: &Scratch) -> Value {
    serde_json::from_str(&scratch.sr_pipe(&["status", "--json"]).expect(0).stdout).unwrap()
}

/// Starts a run and waits until `status` shows `count` stages under way.
fn start_run(scratch: &Scratch, count: u64) -> Child {
    let child = scratch.start(&["run", "experiments/e.yaml", "--jobs", "4"]);
    wait_until(|| {
        let runs = status(scratch);
        let mine = runs["runs"].as_array().unwrap().iter().find(|run| run["process"] == child.id());
        mine.is_some_and(|run| run["stages"]["running"] == count && run["stages"]["left"] == 0)
    });
    child
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let process = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(process, signal).unwrap();
}

fn events(scratch: &Scratch, path: &str) -> Vec<Value> {
    scratch.read(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

fn cases(scratch: &Scratch, path: &str) -> Vec<(String, TestCaseStatus)> {
    let report = Report::deserialize_from_str(&scratch.read(path)).unwrap();
    let cases = report.test_suites.into_iter().flat_map(|suite| suite.test_cases);
    cases.map(|case| (case.name.to_string(), case.status)).collect()
}

#[test]
fn a_log_gets_lines_with_a_time_stamp_and_a_count() {
    let scratch = Scratch::new();
    failing(&scratch);
    let said = scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    let line = said.stderr.lines().find(|line| line.contains("d/n=2 · two")).unwrap();
    let (time, rest) = line.split_once(' ').unwrap();
    let second: jiff::Timestamp = time.parse().unwrap();
    assert_eq!(second.to_string(), time, "UTC, whole seconds");
    assert!(rest.starts_with('[') && rest[2..].starts_with("/6] d/n=2 · two  "), "{line}");
    assert!(rest.contains("FAILED after "), "{line}");
    assert!(!said.stderr.contains('\r'), "{}", said.stderr);
    // Hits are told by their number.
    let again = scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    assert!(again.stderr.contains("] 4 stages reused\n"), "{}", again.stderr);
}

#[test]
fn the_events_file_tells_the_whole_run() {
    let scratch = Scratch::new();
    failing(&scratch);
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--events", "out/events.jsonl"]).expect(1);
    let told = events(&scratch, "out/events.jsonl");
    let first = &told[0];
    assert_eq!((&first["event"], &first["version"], &first["run"]), (&"run".into(), &1.into(), &1.into()));
    assert_eq!(first["experiment"], "experiments/e.yaml");
    assert_eq!((&first["cells"], &first["stages"], &first["to_run"]), (&2.into(), &6.into(), &6.into()));
    assert!(told.iter().all(|event| event["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok()));

    let stages = &told[1..told.len() - 1];
    assert!(stages.iter().all(|event| event["stage"].is_string() && event["cell_count"] == 1), "{stages:#?}");
    let of = |stage: &str| -> Vec<&Value> { stages.iter().filter(|event| event["stage"] == stage).collect() };
    let good = of("d/n=1 · two");
    assert_eq!(good[0]["event"], "started");
    assert_eq!(good[0]["cells"], serde_json::json!(["d/n=1/seed=1"]));
    assert!(scratch.root.join(good[0]["log"].as_str().unwrap()).is_file());
    assert_eq!(good[1]["event"], "finished");
    assert_eq!(good[1]["attempt"], good[0]["attempt"]);
    assert!(good[1]["seconds"].as_f64().unwrap() >= 0.0);
    let bad = of("d/n=2 · two");
    assert_eq!(bad[1]["event"], "failed");
    assert!(bad[1]["message"].as_str().unwrap().contains("a <b> & \"c\" ]]> \u{1}\u{1b}[31m"), "{bad:#?}");
    assert_eq!(of("d/n=2 · three")[0]["event"], "blocked");

    let last = told.last().unwrap();
    assert_eq!((&last["event"], &last["state"]), (&"end".into(), &"failed".into()));
    assert_eq!(last["cells"], serde_json::json!({ "done": 1, "failed": 1, "left": 0 }));
    assert_eq!(last["stages"], serde_json::json!({ "ran": 4, "reused": 0, "failed": 1, "blocked": 1, "left": 0 }));
    // A run with nothing new to do tells what it reused.
    scratch.write("experiments/e.yaml", &grid(&[1]));
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--events", "out/events.jsonl"]).expect(0);
    assert_eq!(names(&events(&scratch, "out/events.jsonl")), ["run", "reused", "reused", "reused", "end"]);
}

#[test]
fn a_ci_sees_each_cell_as_a_test() {
    let scratch = Scratch::new();
    failing(&scratch);
    // Two cells need the stage that fails.
    let pipeline = scratch.read("pipelines/p.yaml").replace("echo ${n} > $OUT/n", "echo 1 > $OUT/n");
    let pipeline = pipeline
        .replace("test ${n} = 1", "false")
        .replace("three: { shell: { command: \"", "three: { shell: { command: \": ${n}; ");
    let shared = pipeline + "  four: { shell: { command: \"echo ${n} > $OUT/n\" } }\n";
    scratch.write("pipelines/q.yaml", &shared);
    let both = "title: Both\ndatasets: { d: { pipeline: ../pipelines/p.yaml }, q: { pipeline: ../pipelines/q.yaml } }\n\
                grid: { product: { dataset: [d, q], n: [1, 2] } }\n";
    scratch.write("experiments/e.yaml", both);
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--junit", "out/junit.xml"]).expect(1);
    let text = scratch.read("out/junit.xml");
    assert!(text.contains("classname=\"experiments/e\""), "{text}");
    let cases = cases(&scratch, "out/junit.xml");
    let order: Vec<&str> = cases.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(order, ["d/n=1/seed=1", "d/n=2/seed=1", "q/n=1/seed=1", "q/n=2/seed=1"]);
    assert!(matches!(cases[0].1, TestCaseStatus::Success { .. }), "{text}");
    for failed in [1, 2] {
        let TestCaseStatus::NonSuccess { message, description, .. } = &cases[failed].1 else { panic!("{text}") };
        assert!(message.as_ref().unwrap().contains("two: the command ended with"), "{text}");
        let description = description.as_ref().unwrap();
        // What XML cannot hold is left out.
        assert!(description.contains("a <b> & \"c\" ]]> \n") && description.contains("log: /"), "{text}");
    }
    let TestCaseStatus::Skipped { message, .. } = &cases[3].1 else { panic!("{text}") };
    assert_eq!(message.as_ref().unwrap().as_str(), "blocked: `q · two` failed, see q/n=1/seed=1");
}

#[test]
fn an_interrupted_run_writes_its_files_to_the_end() {
    let scratch = Scratch::new();
    gated(&scratch, &[1]);
    scratch.write("junit.xml", "of an earlier run");
    let mut child = scratch.start(&["run", "experiments/e.yaml", "--junit", "junit.xml", "--events", "events.jsonl"]);
    wait_until(|| {
        let text = fs_err::read_to_string(scratch.root.join("events.jsonl")).unwrap_or_default();
        text.lines().filter(|line| line.contains("\"started\"")).count() == 2
    });
    assert!(!scratch.root.join("junit.xml").exists(), "a CI must not read an older file");
    signal(&child, rustix::process::Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let cases = cases(&scratch, "junit.xml");
    assert!(matches!(cases[0].1, TestCaseStatus::Skipped { .. }), "{cases:?}");
    let told = events(&scratch, "events.jsonl");
    assert_eq!(told.last().unwrap()["state"], "interrupted");
    assert_eq!(told.last().unwrap()["cells"]["left"], 1);
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_runs() {
    let scratch = Scratch::new();
    failing(&scratch);
    for option in ["--events", "--junit"] {
        scratch.sr_pipe(&["run", "experiments/e.yaml", option, "experiments/e.yaml/out"]).expect(2).told(&[
            option,
            "cannot be written",
            "help",
        ]);
    }
    assert!(!scratch.root.join(".sr-pipe").exists());
}

#[test]
fn the_logs_of_a_cell_are_found_by_its_name() {
    let scratch = Scratch::new();
    gated(&scratch, &[1, 2]);
    scratch.sr_pipe(&["logs", "d/n=1/seed=1"]).expect(2).told(&["no records", "start a run first"]);
    open_gate(&scratch);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let said = scratch.sr_pipe(&["logs", "d/n=2/seed=1"]).expect(0).told(&["==> d/n=2 · one, attempt ", "run 1, done"]);
    assert_eq!(said.stdout, "one says 2\ntwo begins 2\ntwo ends 2\n", "each stage after its inputs");
    let one = scratch.sr_pipe(&["logs", "d/*", "--stage", "one"]).expect(0).stdout;
    let mut lines: Vec<&str> = one.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one says 1", "one says 2"]);
    let label = scratch.sr_pipe(&["logs", "d/n=2 · one"]).expect(0);
    assert_eq!((label.stdout.as_str(), label.stderr.as_str()), ("one says 2\n", ""), "a single log is bare");

    scratch.sr_pipe(&["logs", "d/n=3/seed=1"]).expect(2).told(&["did you mean `d/n="]);
    scratch.sr_pipe(&["logs", "d"]).expect(2).told(&["`'d/*'` means all cells below it"]);
    scratch.sr_pipe(&["logs", "d/n=1/seed=1", "--stage", "tow"]).expect(2).told(&["did you mean `two`?"]);
    scratch.sr_pipe(&["logs", "d/n=1/seed=1", "--attempt", "99"]).expect(2).told(&["no attempt 99", "--list"]);
    scratch.sr_pipe(&["logs", "elsewhere"]).expect(2).told(&["no run on record has a cell `elsewhere`"]);
}

#[test]
fn a_result_of_an_earlier_run_shows_the_log_of_that_run() {
    let scratch = Scratch::new();
    gated(&scratch, &[1]);
    open_gate(&scratch);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    // Another experiment with the same stages: everything is reused.
    scratch.write("experiments/f.yaml", &scratch.read("experiments/e.yaml").replace("title: Grid", "title: Other"));
    scratch.sr_pipe(&["run", "experiments/f.yaml"]).expect(0).told(&["nothing had to run"]);
    let said = scratch.sr_pipe(&["logs", "d/n=1/seed=1", "--experiment", "experiments/f.yaml"]).expect(0);
    assert_eq!(said.stdout, "one says 1\ntwo begins 1\ntwo ends 1\n");
    assert!(said.stderr.contains("of run 1, done"), "{}", said.stderr);
}

#[test]
fn attempts_of_all_runs_are_listed_and_an_earlier_one_can_be_shown() {
    let scratch = Scratch::new();
    scratch.write("experiments/e.yaml", &grid(&[1])).write(
        "pipelines/p.yaml",
        &format!(
            "stages:\n  a: {{ shell: {{ command: \"test -e {0} && echo second; test -e {0} || echo first; test -e {0} && echo ${{n}} > $OUT/n\" }} }}\n",
            scratch.root.join("go")
        ),
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    open_gate(&scratch);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(scratch.sr_pipe(&["logs", "d/n=1/seed=1"]).expect(0).stdout, "second\n");
    let list = scratch.sr_pipe(&["logs", "d/n=1/seed=1", "--list"]).expect(0).stdout;
    let rows: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 2, "{list}");
    assert!(rows[0].contains(&"failed") && rows[1].contains(&"done"), "{list}");
    let first = scratch.sr_pipe(&["logs", "d/n=1/seed=1", "--attempt", rows[0][0]]).expect(0).stdout;
    assert!(first.starts_with("first\n"), "{first}");
}

#[test]
fn an_attempt_that_is_tried_again_is_told_and_keeps_its_log() {
    let scratch = Scratch::new();
    let been = scratch.root.join("been");
    scratch.write("experiments/e.yaml", &grid(&[1])).write(
        "pipelines/p.yaml",
        &format!(
            "stages:\n  a:\n    shell: {{ command: \"echo begins; mkdir {been} 2> /dev/null && kill -9 $$; echo ${{n}} > $OUT/n\" }}\n    retries: 1\n"
        ),
    );
    let said = scratch.sr_pipe(&["run", "experiments/e.yaml", "--events", "events.jsonl"]).expect(0);
    said.told(&["d/n=1 · a  attempt 1 failed and is tried again: "]);
    let told = events(&scratch, "events.jsonl");
    assert_eq!(names(&told), ["run", "started", "retrying", "started", "finished", "end"]);
    assert_eq!((&told[2]["attempt"], &told[4]["attempt"]), (&1.into(), &2.into()));
    let first = scratch.sr_pipe(&["logs", "d/n=1 · a", "--attempt", "1"]).expect(0).stdout;
    assert!(first.starts_with("begins\n") && first.len() > "begins\n".len(), "{first}");
    assert_eq!(scratch.sr_pipe(&["logs", "d/n=1 · a"]).expect(0).stdout, "begins\n");
}

#[test]
fn logs_follow_a_run_from_another_terminal_until_the_cell_has_ended() {
    let scratch = Scratch::new();
    gated(&scratch, &[1]);
    let mut run = start_run(&scratch, 1);
    let follow = |arguments: &[&str]| {
        let mut command = scratch.command(&[&["logs", "d/n=1/seed=1", "--follow"], arguments].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut child = follow(&[]);
    let mut heard = child.stdout.take().unwrap();
    let mut text = String::new();
    let mut byte = [0];
    while !text.contains("two begins 1\n") {
        assert_eq!(heard.read(&mut byte).unwrap(), 1, "ended with {text}");
        text.push(char::from(byte[0]));
    }
    assert!(child.try_wait().unwrap().is_none(), "the stage is still under way");
    // A second one is stopped by its person.
    let mut stopped = follow(&["--stage", "two"]);
    let mut out = stopped.stdout.take().unwrap();
    assert_eq!(out.read(&mut byte).unwrap(), 1);
    signal(&stopped, rustix::process::Signal::INT);
    assert_eq!(stopped.wait().unwrap().code(), Some(130));

    open_gate(&scratch);
    assert!(run.wait().unwrap().success());
    heard.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one says 1\ntwo begins 1\ntwo ends 1\n");
    assert!(child.wait().unwrap().success(), "it ends by itself");
    let late = scratch.sr_pipe(&["logs", "d/n=1/seed=1", "--follow"]).expect(0).stdout;
    assert_eq!(late, text, "nothing is left to follow");
}

#[test]
fn status_tells_a_run_under_way_from_one_that_was_killed() {
    let scratch = Scratch::new();
    gated(&scratch, &[1, 2]);
    scratch.sr_pipe(&["status"]).expect(0);
    let mut run = start_run(&scratch, 2);
    let seen = status(&scratch)["runs"][0].clone();
    assert_eq!((&seen["state"], &seen["experiment"]), (&"running".into(), &"experiments/e.yaml".into()));
    let counts = |done: u64, running: u64, left: u64, total: u64| serde_json::json!({ "total": total, "done": done, "running": running, "failed": 0, "left": left });
    assert_eq!(seen["cells"], counts(0, 2, 0, 2));
    assert_eq!(seen["stages"], counts(2, 2, 0, 4));
    assert_eq!(seen["running"][0]["cells"], serde_json::json!(["d/n=1/seed=1"]));
    let shown = scratch.sr_pipe(&["status"]).expect(0).stdout;
    let process = format!("process {} on ", run.id());
    for part in ["run 1  experiments/e.yaml  for ", &process, "2 of 4 done, 2 under way", "d/n=1 · two"] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(status(&scratch)["runs"][0]["state"], "killed");
    let shown = scratch.sr_pipe(&["status"]).expect(0).stdout;
    for part in ["run 1  experiments/e.yaml  was killed", "no run is under way; the newest is run 1", "killed, "] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }
    // What it said can still be read, and the next run clears it away.
    let said = scratch.sr_pipe(&["logs", "d/n=1/seed=1", "--stage", "two"]).expect(0).stdout;
    assert_eq!(said, "two begins 1\n");
    open_gate(&scratch);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let seen = status(&scratch);
    assert_eq!((&seen["runs"], &seen["newest"]["state"]), (&serde_json::json!([]), &"done".into()));
    assert_eq!(fs_err::read_dir(scratch.root.join(".sr-pipe/runs")).unwrap().count(), 0);
}

#[test]
fn status_shows_two_runs_at_once_and_a_run_with_nothing_to_do_leaves_no_file() {
    let scratch = Scratch::new();
    gated(&scratch, &[1, 2]);
    let mut first = start_run(&scratch, 2);
    scratch.write("experiments/f.yaml", &grid(&[3]));
    let mut second = scratch.start(&["run", "experiments/f.yaml"]);
    wait_until(|| status(&scratch)["runs"].as_array().unwrap().len() == 2);
    let shown = scratch.sr_pipe(&["status"]).expect(0).stdout;
    assert!(shown.contains("run 1  experiments/e.yaml") && shown.contains("run 2  experiments/f.yaml"), "{shown}");
    let mut watching = scratch.command(&["status", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    open_gate(&scratch);
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    let mut text = String::new();
    watching.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(watching.wait().unwrap().success(), "it ends with the last run");
    assert!(text.ends_with('\n') && text.contains("no run is under way; the newest is run 2"), "{text}");

    fs_err::remove_dir(scratch.root.join(".sr-pipe/runs")).unwrap();
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    assert!(!scratch.root.join(".sr-pipe/runs").exists());
}
