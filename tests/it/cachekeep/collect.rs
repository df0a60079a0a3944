//! Collections: what they keep, also beside runs.

use super::*;

#[test]
fn a_collection_keeps_what_the_last_runs_reach_and_all_upstream_of_it() {
    let scratch = Scratch::new();
    chain(&scratch, &[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    // The second stage is changed: its first results are no longer used, the first stage's are.
    let text = scratch.read("pipelines/p.yaml").replace("echo two", "echo zwei");
    scratch.write("pipelines/p.yaml", &text);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(scratch.sealed().len(), 6);

    assert_eq!(gone(&scratch.sr_pipe(&["cache", "gc"]).expect(0)), 0, "without an option every run is kept");
    assert_eq!(gone(&scratch.sr_pipe(&["cache", "gc", "--keep-last", "2"]).expect(0)), 0);
    assert_eq!(gone(&scratch.sr_pipe(&["cache", "gc", "--keep-last", "1", "--older-than", "1d"]).expect(0)), 0);
    let dry = scratch.sr_pipe(&["cache", "gc", "--keep-last", "1", "--dry-run"]).expect(0);
    assert_eq!(gone(&dry), 2);
    assert!(dry.stdout.contains("d/n=1 · two") && dry.stdout.contains("last used by run 1"), "{}", dry.stdout);
    assert_eq!(scratch.sealed().len(), 6, "a dry run takes nothing");
    let wet = scratch.sr_pipe(&["cache", "gc", "--keep-last", "1"]).expect(0);
    assert_eq!(wet.stdout.replace("gone:", "would go:"), dry.stdout, "it does what the dry run said");
    assert_eq!(scratch.sealed().len(), 4);
    let logs = scratch.root.join(".sr-pipe/logs").read_dir_utf8().unwrap().count();
    assert_eq!(logs, 4, "the logs of what stays stay, whichever run wrote them");

    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    scratch.sr_pipe(&["cache", "verify"]).expect(0);
    // What went is forgotten for good: records that are made again know nothing of it either.
    for file in ["records.sqlite", "records.sqlite-wal", "records.sqlite-shm"] {
        let _ = fs_err::remove_file(scratch.root.join(".sr-pipe").join(file));
    }
    let said = scratch.sr_pipe(&["cache", "rebuild"]).expect(0);
    assert!(said.stdout.contains("4 results on record again, 0 left out"), "{}", said.stdout);
}

#[test]
fn a_collection_to_a_size_takes_what_was_used_least_recently_and_never_what_is_kept() {
    let scratch = Scratch::new();
    for round in 1..=3 {
        scratch.write("experiments/e.yaml", &grid(&[1])).write(
            "pipelines/p.yaml",
            &format!("stages:\n  a: {{ shell: {{ command: \"head -c 100000 /dev/zero > $OUT/z; echo ${{n}} {round} > $OUT/a\" }} }}\n"),
        );
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    }
    let said = scratch.sr_pipe(&["cache", "gc", "--max-size", "250KB"]).expect(0);
    assert_eq!(gone(&said), 1);
    assert!(said.stdout.contains("last used by run 1"), "{}", said.stdout);
    let said = scratch.sr_pipe(&["cache", "gc", "--max-size", "1KB"]).expect(0).told(&["still larger than 1.0 kB"]);
    assert_eq!(gone(&said), 1, "the newest run keeps its object");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn a_collection_beside_a_run_leaves_it_all_that_it_uses() {
    let scratch = Scratch::new();
    let (go, pipeline) = (scratch.root.join("go"), |tail: &str, go: &camino::Utf8Path| {
        format!(
            "stages:\n  one: {{ shell: {{ command: \"echo ${{n}} {tail} > $OUT/n\" }} }}\n  \
             wait: {{ shell: {{ command: \"until test -e {go}; do sleep 0.02; done; cat $IN_A/n > $OUT/w\", inputs: {{ a: one }} }} }}\n  \
             end: {{ shell: {{ command: \"cat $IN_A/n $IN_B/w > $OUT/e\", inputs: {{ a: one, b: wait }} }} }}\n"
        )
    });
    scratch.write("go", "").write("experiments/e.yaml", &grid(&[1, 2]));
    for tail in ["old", "older", "new"] {
        scratch.write("pipelines/p.yaml", &pipeline(tail, &go));
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    }
    // The stage in the middle has to run again, over objects that the newest run on record did not use.
    fs_err::remove_file(&go).unwrap();
    scratch.write("pipelines/p.yaml", &pipeline("old", &go).replace("> $OUT/w", "$IN_A/n > $OUT/w"));
    let mut run = scratch.start(&["run", "experiments/e.yaml"]);
    wait_for(|| scratch.root.join(".sr-pipe/attempts").read_dir_utf8().is_ok_and(|attempts| attempts.count() == 2));
    let said = scratch.sr_pipe(&["cache", "gc", "--keep-last", "1"]).expect(0);
    assert!(said.stderr.contains("2 objects that it uses stayed"), "{}\n{}", said.stdout, said.stderr);
    assert_eq!(gone(&said), 10, "the rest of the old runs goes: {}", said.stdout);
    fs_err::write(&go, "").unwrap();
    assert!(run.wait().unwrap().success());
    scratch.sr_pipe(&["cache", "verify"]).expect(0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn collections_and_runs_side_by_side_hurt_nobody() {
    let scratch = Scratch::new();
    for round in 0..4 {
        chain(&scratch, &[1, 2, 3, 4]);
        let text =
            scratch.read("pipelines/p.yaml").replace("echo two", &format!("sleep 0.0{round}; echo {}", round % 2));
        scratch.write("pipelines/p.yaml", &text);
        let mut children: Vec<_> = (0..3).map(|_| scratch.start(&["run", "experiments/e.yaml"])).collect();
        children.extend((0..3).map(|_| scratch.start(&["cache", "gc", "--keep-last", "1", "--max-size", "1"])));
        for child in &mut children {
            // A collection that was faster than the first run has found no cache.
            let code = child.wait().unwrap().code();
            assert!(code == Some(0) || (round == 0 && code == Some(2)), "{code:?}");
        }
        scratch.sr_pipe(&["cache", "verify"]).expect(0);
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    }
}

#[test]
fn what_killed_runs_left_is_counted_and_taken_away() {
    let scratch = Scratch::new();
    chain(&scratch, &[1]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let state = scratch.root.join(".sr-pipe");
    // As a runner leaves it that was killed between its result and its tidying up.
    fs_err::create_dir_all(state.join("attempts/1/output")).unwrap();
    fs_err::write(state.join("attempts/1/output/n"), vec![0; 5_000]).unwrap();
    fs_err::create_dir_all(state.join("objects/.sealing-x/files")).unwrap();
    let stats = scratch.sr_pipe(&["cache", "stats"]).expect(0).stdout;
    assert!(stats.contains("5.0 kB  1 folder"), "{stats}");
    let json: serde_json::Value =
        serde_json::from_str(&scratch.sr_pipe(&["cache", "stats", "--json"]).expect(0).stdout).unwrap();
    assert_eq!(json["objects"]["count"], 2);
    assert_eq!(json["results"], 2);
    assert_eq!(json["kinds"]["files"]["count"], 2);
    assert_eq!(json["attempts"]["count"], 1);
    assert_eq!(json["groups"][0]["stage"], "one");
    assert_eq!(json["unreached"]["count"], 0);
    let said = scratch.sr_pipe(&["cache", "gc"]).expect(0);
    assert!(
        said.stdout.contains("1 attempt folder") && said.stdout.contains("their keys have results"),
        "{}",
        said.stdout
    );
    assert!(!state.join("attempts/1").exists() && !state.join("objects/.sealing-x").exists());
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn a_report_waits_for_a_collection_to_end_before_it_looks_at_objects() {
    let scratch = copy_of("quickstart.yaml", |text| {
        let grid = text.split("models:").next().unwrap();
        grid.replace("[s-pop, sknn, gru, sr-gnn, m-sr, mkm-sr]", "[s-pop]") + "report: {}\n"
    });
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    // What a collection holds while it takes objects away.
    let gate = fs_err::OpenOptions::new().write(true).open(scratch.root.join(".sr-pipe/uses.lock")).unwrap();
    gate.file().lock().unwrap();
    let mut report = scratch.start(&["report", "experiments/e.yaml"]);
    std::thread::sleep(Duration::from_millis(500));
    assert!(report.try_wait().unwrap().is_none(), "the report did not wait");
    gate.file().unlock().unwrap();
    assert!(report.wait().unwrap().success());
}
