//! How a run uses the machine and ends what it started: places, GPUs, limits, retries, signals, a person's own script.

mod moods;

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use camino::Utf8Path;

use crate::scratch::{Scratch, grid};

/// A project with one pipeline and an axis `n`.
fn project(values: &[u32], stages: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("experiments/e.yaml", &grid(values)).write("pipelines/p.yaml", &format!("stages:\n{stages}"));
    scratch
}

/// What a query over the records answers, a line a row.
fn records(scratch: &Scratch, query: &str) -> String {
    let script =
        "import sqlite3,sys\nfor row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row, sep=' ')";
    let path = scratch.root.join(".sr-pipe/records.sqlite");
    let output = Command::new("python3").args(["-c", script, path.as_str(), query]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Lines `began AT NAME` and `ended AT NAME` that stages left, as intervals by name.
fn intervals(scratch: &Scratch) -> Vec<(String, f64, f64)> {
    let text = scratch.read("ledger");
    let at = |word: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(word) && line.ends_with(&format!(" {name}")));
        line.unwrap_or_else(|| panic!("no {word} {name} in {text}")).split(' ').nth(1).unwrap().parse::<f64>().unwrap()
    };
    let names = text.lines().filter(|line| line.starts_with("began")).map(|line| line.rsplit(' ').next().unwrap());
    names.map(|name| (name.to_owned(), at("began", name), at("ended", name))).collect()
}

/// The most of the intervals that hold at one moment, each counted by its weight.
fn most_at_once(intervals: &[(String, f64, f64)], weight: impl Fn(&str) -> f64) -> f64 {
    let at = |moment: f64| {
        let held = intervals.iter().filter(|(_, began, ended)| *began <= moment && moment < *ended);
        held.map(|(name, _, _)| weight(name)).sum::<f64>()
    };
    intervals.iter().map(|(_, began, _)| at(*began)).fold(0.0, f64::max)
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_500 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never came: {what}");
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn alive(process: &str) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{}/stat", process.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn said(child: Child) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn started(scratch: &Scratch, arguments: &[&str]) -> Child {
    scratch.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn gpus_are_handed_out_whole_or_in_shares_and_never_twice() {
    let scratch = Scratch::new();
    let ledger = scratch.root.join("ledger");
    // The first two share a GPU and wait for each other.
    let stage = |name: &str, gpu: &str| {
        let body = match name {
            "a" => "while ! grep -q b- LEDGER; do sleep 0.02; done",
            "b" => "while ! grep -q a- LEDGER; do sleep 0.02; done",
            _ => "sleep 0.15",
        };
        let body = body.replace("LEDGER", ledger.as_str());
        format!(
            "  {name}: {{ shell: {{ command: \"echo began $(date +%s.%N) {name}-$CUDA_VISIBLE_DEVICES >> {ledger}; {body}; \
             echo ended $(date +%s.%N) {name}-$CUDA_VISIBLE_DEVICES >> {ledger}; echo ${{n}} > $OUT/a\" }}, resources: {{ cpu: 0{gpu} }} }}\n"
        )
    };
    let stages: String = [
        ("a", ", gpu: 0.5"),
        ("b", ", gpu: 0.5"),
        ("c", ", gpu: 0.5"),
        ("d", ", gpu: 1"),
        ("e", ", gpu: 2"),
        ("f", ""),
    ]
    .iter()
    .map(|(name, gpu)| stage(name, gpu))
    .collect();
    scratch.write("experiments/e.yaml", &grid(&[1])).write("pipelines/p.yaml", &format!("stages:\n{stages}"));
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--jobs", "9", "--gpus", "5,GPU-x"]).expect(0);
    let intervals = intervals(&scratch);
    let names: Vec<&str> = intervals.iter().map(|(name, _, _)| name.as_str()).collect();
    assert!(names.contains(&"e-5,GPU-x") && names.contains(&"f-"), "{names:?}");
    for id in ["5", "GPU-x"] {
        let share = |name: &str| match name.split_once('-').unwrap() {
            ("a" | "b" | "c", of) if of == id => 0.5,
            ("d" | "e", of) if of.split(',').any(|one| one == id) => 1.0,
            _ => 0.0,
        };
        assert!(most_at_once(&intervals, share) <= 1.0, "{id} is held twice: {intervals:?}");
    }
    let given = records(&scratch, "SELECT label, gpus, threads FROM attempts ORDER BY label");
    assert!(given.contains("d/n=1 · e 5,GPU-x 1"), "{given}");
}

#[test]
fn what_the_machine_never_has_is_told_before_anything_runs() {
    let stages = "  small: { shell: { command: \"echo ${n} > $OUT/a\" } }\n  \
                  big: { shell: { command: \"echo ${n} > $OUT/a\" }, resources: { gpu: 3, memory: 1GB } }\n";
    let scratch = project(&[1, 2], stages);
    let run = |more: &[&str]| scratch.sr_pipe(&[&["run", "experiments/e.yaml"], more].concat());
    run(&["--gpus", "0,1"]).expect(2).told(&["it needs 3 GPUs, and there are 2", "pipelines/p.yaml:3", "--gpus"]);
    run(&["--gpus", "none"]).expect(2).told(&["there is none"]);
    run(&["--gpus", "0,1,2", "--memory", "900MB"])
        .expect(2)
        .told(&["it needs 1.0 GB of memory, and there is 900.0 MB"]);
    run(&["--gpus", "0,0"]).expect(2).told(&["stands here twice"]);
    assert!(scratch.sealed().is_empty());
    run(&["--gpus", "0,1,2", "--memory", "1GB"]).expect(0);
    run(&["--gpus", "none", "--memory", "1MB"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn memory_that_stages_ask_for_never_adds_up_to_more_than_there_is() {
    let scratch = Scratch::new();
    let ledger = scratch.root.join("ledger");
    let stage = "  s: { shell: { command: \"echo began $(date +%s.%N) ${n} >> LEDGER; sleep 0.1; \
                 echo ended $(date +%s.%N) ${n} >> LEDGER; echo ${n} > $OUT/a\" }, resources: { cpu: 0, memory: 4GB } }\n";
    scratch
        .write("experiments/e.yaml", &grid(&[1, 2, 3, 4, 5]))
        .write("pipelines/p.yaml", &format!("stages:\n{}", stage.replace("LEDGER", ledger.as_str())));
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--jobs", "9", "--memory", "9GB"]).expect(0);
    assert!(most_at_once(&intervals(&scratch), |_| 1.0) <= 2.0, "{:?}", intervals(&scratch));
}

#[test]
fn the_longest_way_starts_first_by_what_earlier_runs_took() {
    let scratch = Scratch::new();
    let ledger = scratch.root.join("ledger");
    let write = |word: &str| {
        let stages = format!(
            "  quick: {{ shell: {{ command: \"echo quick >> {ledger}; sleep 0.1; echo {word} ${{n}} > $OUT/a\" }} }}\n  \
             slow: {{ shell: {{ command: \"echo slow >> {ledger}; sleep 0.3; echo {word} ${{n}} > $OUT/a\" }} }}\n  \
             under: {{ shell: {{ command: \"echo under >> {ledger}; sleep 0.2; echo {word} ${{n}} > $OUT/a\" }} }}\n  \
             over: {{ shell: {{ command: \"sleep 0.2; cat $IN_A/a > $OUT/a\", inputs: {{ a: under }} }} }}\n"
        );
        scratch.write("experiments/e.yaml", &grid(&[1])).write("pipelines/p.yaml", &format!("stages:\n{stages}"));
    };
    write("first");
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--jobs", "1"]).expect(0);
    scratch.write("ledger", "");
    write("second");
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--jobs", "1"]).expect(0);
    // `under` and what reads it take longer together than `slow` alone, and `quick` is too long beside them to go first.
    assert_eq!(scratch.read("ledger"), "under\nslow\nquick\n");
}

#[test]
fn a_first_run_ends_the_cells_that_it_began_before_it_begins_others() {
    let scratch = Scratch::new();
    let ledger = scratch.root.join("ledger");
    let stages = format!(
        "  begin: {{ shell: {{ command: \"echo begin ${{n}} >> {ledger}; echo ${{n}} > $OUT/a\" }} }}\n  \
         end: {{ shell: {{ command: \"echo end ${{n}} >> {ledger}; cat $IN_A/a > $OUT/a\", inputs: {{ a: begin }} }} }}\n"
    );
    scratch.write("experiments/e.yaml", &grid(&[1, 2])).write("pipelines/p.yaml", &format!("stages:\n{stages}"));
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--jobs", "1"]).expect(0);
    assert_eq!(scratch.read("ledger"), "begin 1\nend 1\nbegin 2\nend 2\n");
}

#[test]
fn a_stage_that_takes_too_long_or_too_much_is_ended_and_told_so() {
    let stages = "  long: { shell: { command: \"sleep 600; echo ${n} > $OUT/a\" }, limits: { time: 1s } }\n  \
                  large: { shell: { command: \"head -c 900000000 /dev/zero | tail > $OUT/a # ${n}\" }, limits: { memory: 60MB } }\n  \
                  fine: { shell: { command: \"echo ${n} > $OUT/a\" }, limits: { memory: 2GB, time: 1h } }\n";
    let scratch = project(&[1], stages);
    let told = [
        "the stage was ended after 1s, its limit of time",
        "raise `time` in the stage's `limits`",
        "and the stage's limit is 60.0 MB",
        "raise `memory` in the stage's `limits`",
    ];
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1).told(&told);
    let ends = records(&scratch, "SELECT label, state FROM attempts ORDER BY label");
    assert_eq!(ends, "d/n=1 · fine done\nd/n=1 · large failed\nd/n=1 · long failed\n", "no shell stage is tried again");
    let peak = records(&scratch, "SELECT peak_memory > 60000000, phases FROM attempts WHERE label LIKE '%large'");
    assert!(peak.starts_with('1') && peak.contains("\"seal\":"), "{peak}");
}

#[test]
fn a_lost_process_is_tried_again_as_often_as_is_said_and_an_error_is_not() {
    let lost = "  lost: { shell: { command: \"echo x >> LEDGER; test $(wc -l < LEDGER) = 3 || kill -SEGV $$; echo ${n} > $OUT/a\" }, retries: 2 }\n";
    let scratch = Scratch::new();
    let stages = format!("stages:\n{}", lost.replace("LEDGER", scratch.root.join("ledger").as_str()));
    scratch.write("experiments/e.yaml", &grid(&[1])).write("pipelines/p.yaml", &stages);
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--retries", "0"]).expect(1).told(&["ended by a signal"]);
    scratch.write("ledger", "");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["tried again"]);
    let attempts = records(&scratch, "SELECT id, run, state, coalesce(retries, '-') FROM attempts");
    assert_eq!(attempts, "1 1 failed -\n2 2 failed -\n3 2 failed 2\n4 2 done 3\n");

    let wrong = project(&[1], "  wrong: { shell: { command: \"exit ${n}\" }, retries: 5 }\n");
    wrong.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    assert_eq!(records(&wrong, "SELECT count(*) FROM attempts"), "1\n");
}

#[test]
fn failed_cells_are_listed_with_their_stage_its_words_and_its_log() {
    let stages = "  first: { shell: { command: \"test ${n} != 2; exit $?\" } }\n  \
                  other: { shell: { command: \"echo ${n} > $OUT/a\" } }\n  \
                  last: { shell: { command: \"cat $IN_A/a > $OUT/a\", inputs: { a: first } } }\n";
    let scratch = project(&[2], stages);
    let said = scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    let list = said.stderr.split("failed cells:\n").nth(1).unwrap();
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines[..2], ["  d/n=2/seed=1", "    `d/n=2 · first`: the command ended with exit status: 1"], "{list}");
    let log = lines[2].trim().strip_prefix("log: ").unwrap();
    assert!(Utf8Path::new(log).is_file(), "{list}");
}

#[test]
fn fail_fast_starts_nothing_after_the_first_failure() {
    let scratch = Scratch::new();
    let ledger = scratch.root.join("ledger");
    let stages = format!("stages:\n  s: {{ shell: {{ command: \"echo ${{n}} >> {ledger}; exit 1\" }} }}\n");
    scratch.write("experiments/e.yaml", &grid(&[1, 2, 3])).write("pipelines/p.yaml", &stages);
    let fast = ["run", "experiments/e.yaml", "--jobs", "1", "--fail-fast"];
    scratch.sr_pipe(&fast).expect(1).told(&["0 of 3 cells done, 1 stage ran", "2 cells were not tried"]);
    assert_eq!(scratch.read("ledger").lines().count(), 1);
    scratch.sr_pipe(&fast[..4]).expect(1);
    assert_eq!(scratch.read("ledger").lines().count(), 4, "without it a failed cell costs that cell alone");
}

#[test]
fn one_signal_lets_a_command_end_in_its_own_way_and_says_what_is_left() {
    let scratch = Scratch::new();
    let trace = scratch.root.join("trace");
    let stages = format!(
        "stages:\n  s: {{ shell: {{ command: \"trap 'echo asked >> {trace}; exit 0' TERM; echo ready >> {trace}; \
         while true; do sleep 0.1; done # ${{n}}\" }} }}\n  t: {{ shell: {{ command: \"cat $IN_A/a > $OUT/a\", inputs: {{ a: s }} }} }}\n"
    );
    scratch.write("experiments/e.yaml", &grid(&[1, 2])).write("pipelines/p.yaml", &stages);
    for name in ["-TERM", "-INT"] {
        let child = started(&scratch, &["run", "experiments/e.yaml", "--jobs", "1"]);
        wait_until("the command is ready", || trace.exists() && scratch.read("trace").contains("ready"));
        signal(&child, name);
        let (code, words) = said(child);
        assert_eq!(code, Some(130), "{words}");
        assert!(words.contains("interrupted: 4 stages are left; the same command goes on from here"), "{words}");
        assert_eq!(scratch.read("trace"), "ready\nasked\n", "asked once, and the second cell never began");
        fs_err::remove_file(&trace).unwrap();
    }
    assert_eq!(records(&scratch, "SELECT state FROM runs"), "interrupted\ninterrupted\n");
    assert!(scratch.sealed().is_empty(), "what a command wrote before it was stopped is no result");
}

#[test]
fn a_second_signal_kills_what_does_not_end_and_leaves_no_orphan() {
    let scratch = Scratch::new();
    let ids = scratch.root.join("ids");
    let stages = format!(
        "stages:\n  s: {{ shell: {{ command: \"trap '' TERM; sleep 600 & echo $$ $! >> {ids}; wait; wait; sleep 600 # ${{n}}\" }}, \
         resources: {{ cpu: 0 }} }}\n"
    );
    scratch.write("experiments/e.yaml", &grid(&[1, 2])).write("pipelines/p.yaml", &stages);
    let child = started(&scratch, &["run", "experiments/e.yaml", "--jobs", "2"]);
    wait_until("both commands run", || ids.exists() && scratch.read("ids").lines().count() == 2);
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(200));
    let ids: Vec<String> = scratch.read("ids").split_whitespace().map(str::to_owned).collect();
    assert!(alive(&ids[0]), "the first signal is not heeded");
    signal(&child, "-INT");
    let (code, words) = said(child);
    assert_eq!(code, Some(130), "{words}");
    wait_until("all are gone", || !ids.iter().any(|id| alive(id)));
}

#[test]
fn a_command_does_not_outlive_an_sr_pipe_that_was_killed() {
    let scratch = Scratch::new();
    let ids = scratch.root.join("ids");
    let stages =
        format!("stages:\n  s: {{ shell: {{ command: \"sleep 600 & echo $$ $! > {ids}; wait # ${{n}}\" }} }}\n");
    scratch.write("experiments/e.yaml", &grid(&[1])).write("pipelines/p.yaml", &stages);
    let mut child = scratch.start(&["run", "experiments/e.yaml"]);
    wait_until("the command runs", || ids.exists() && scratch.read("ids").split_whitespace().count() == 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let ids: Vec<String> = scratch.read("ids").split_whitespace().map(str::to_owned).collect();
    wait_until("all are gone", || !ids.iter().any(|id| alive(id)));
}

#[test]
fn two_runs_of_one_grid_share_its_stages_between_them() {
    let scratch = Scratch::new();
    let ledger = scratch.root.join("ledger");
    let stages = format!(
        "stages:\n  s: {{ shell: {{ command: \"echo ${{n}} >> {ledger}; sleep 0.15; echo ${{n}} > $OUT/a\" }} }}\n"
    );
    scratch.write("experiments/e.yaml", &grid(&[1, 2, 3, 4, 5, 6])).write("pipelines/p.yaml", &stages);
    let one_at_a_time = ["run", "experiments/e.yaml", "--jobs", "1"];
    let (mut one, mut other) = (scratch.start(&one_at_a_time), scratch.start(&one_at_a_time));
    assert!(one.wait().unwrap().success() && other.wait().unwrap().success());
    assert_eq!(scratch.read("ledger").lines().count(), 6, "each stage ran once");
    let runs = records(&scratch, "SELECT run, count(*) FROM attempts GROUP BY run");
    assert_eq!(runs.lines().count(), 2, "who finds a stage taken does another one meanwhile: {runs}");
}

#[test]
fn a_passed_variable_is_part_of_the_key_and_others_are_not_seen() {
    let stages = "  s: { shell: { command: \"echo $FLAVOUR-$FIXED-$OTHER-$OMP_NUM_THREADS ${n} > $OUT/a\", \
                  environment: { FIXED: f }, pass: [FLAVOUR] } }\n";
    let scratch = project(&[1], stages);
    let run = |flavour: Option<&str>, other: &str| {
        let mut command = scratch.command(&["run", "experiments/e.yaml"]);
        command.env("OTHER", other).env_remove("FLAVOUR");
        command.envs(flavour.map(|value| ("FLAVOUR", value)));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, words) = run(None, "1");
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("the variable `FLAVOUR` is not set") && words.contains("pipelines/p.yaml:2"), "{words}");
    assert_eq!(run(Some("mint"), "1").0, Some(0));
    assert_eq!(fs_err::read_to_string(&scratch.sealed()[0]).unwrap(), "mint-f--1 1\n");
    assert!(run(Some("mint"), "2").1.contains("nothing had to run"));
    assert!(run(Some("plum"), "2").1.contains("1 stage ran"));
}

#[test]
fn declared_outputs_are_all_that_a_command_may_write_and_must() {
    let stage = |command: &str| {
        format!(
            "  s: {{ shell: {{ command: \"cd $OUT; mkdir plots; {command} # ${{n}}\", outputs: [a.csv, plots/] }} }}\n"
        )
    };
    let run =
        |command: &str, code: i32| project(&[1], &stage(command)).sr_pipe(&["run", "experiments/e.yaml"]).expect(code);
    run("touch a.csv plots/x", 0);
    run("touch plots/x", 1).told(&["did not write `a.csv`, which `outputs` names"]);
    run("touch a.csv", 1).told(&["did not write `plots/`"]);
    run("touch a.csv plots/x b.csv", 1).told(&["wrote `b.csv`, which `outputs` does not name"]);
    let outside = project(&[1], "  s: { shell: { command: \"touch $OUT/a # ${n}\", outputs: [../a] } }\n");
    outside
        .sr_pipe(&["run", "experiments/e.yaml"])
        .expect(2)
        .told(&["`../a` is no path inside `$OUT`", "pipelines/p.yaml:2"]);
}

#[test]
fn a_persons_own_script_runs_again_when_it_changes_and_not_otherwise() {
    let project = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Scratch::new();
    for file in ["pipelines/own-script.yaml", "experiments/own-script.yaml", "scripts/popularity.py"] {
        scratch.write(file, &fs_err::read_to_string(project.join(file)).unwrap());
    }
    let run = || scratch.sr_pipe(&["run", "experiments/own-script.yaml"]).expect(0);
    run().told(&["2 of 2 cells done"]);
    let tables = || {
        let files = scratch.sealed().into_iter().filter(|path| path.ends_with("popularity.csv"));
        files.map(|path| fs_err::read_to_string(path).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(tables().len(), 2);
    assert!(tables().iter().all(|table| table.starts_with("item,actions\n") && table.lines().count() == 21));
    run().told(&["nothing had to run"]);
    let script = scratch.read("scripts/popularity.py").replace("\"item\", \"actions\"", "\"item\", \"count\"");
    scratch.write("scripts/popularity.py", &script);
    run().told(&["2 stages ran"]);
    assert_eq!(tables().iter().filter(|table| table.starts_with("item,count\n")).count(), 2);
}
