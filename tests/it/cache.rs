//! The engine's promises, seen from outside: nothing twice, nothing torn, nothing stale.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::scratch::{Scratch, grid};

/// Two stages that leave a line in a file outside the project each time they really run.
fn counted(scratch: &Scratch, more: &str) {
    let ledger = scratch.root.join("ledger");
    scratch.write("experiments/e.yaml", &grid(&[1, 2])).write(
        "pipelines/p.yaml",
        &format!(
            "stages:\n  one: {{ shell: {{ command: \"echo one ${{n}} >> {ledger}; echo ${{n}} > $OUT/n\" }} }}\n  \
             two: {{ shell: {{ command: \"echo two ${{n}} >> {ledger}; cat $IN_A/n {more} > $OUT/nn\", inputs: {{ a: one }} }} }}\n"
        ),
    );
}

fn ran(scratch: &Scratch) -> usize {
    let ledger = scratch.root.join("ledger");
    let count = fs_err::read_to_string(&ledger).map_or(0, |text| text.lines().count());
    fs_err::write(ledger, "").unwrap();
    count
}

#[test]
fn a_second_run_runs_nothing() {
    let scratch = Scratch::new();
    counted(&scratch, "");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(ran(&scratch), 4);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    assert_eq!(ran(&scratch), 0);
}

#[test]
fn a_changed_stage_runs_again_and_equal_bytes_stop_the_wave() {
    let scratch = Scratch::new();
    counted(&scratch, "");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(ran(&scratch), 4);
    // The first stage is written otherwise but makes the same bytes.
    let text = scratch.read("pipelines/p.yaml").replace("echo ${n} > $OUT/n", "printf '${n}\\\\n' > $OUT/n");
    scratch.write("pipelines/p.yaml", &text);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(ran(&scratch), 2, "only the first stage of each cell");
}

#[test]
fn plan_says_what_run_will_do_and_why() {
    let scratch = Scratch::new();
    counted(&scratch, "");
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(plan.contains("2 cells, 0 stages in the cache, 4 to run"), "{plan}");
    assert_eq!(ran(&scratch), 0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(plan.contains("4 stages in the cache, 0 to run"), "{plan}");
    let text = scratch.read("pipelines/p.yaml").replace("cat $IN_A/n ", "cat $IN_A/n $IN_A/n");
    scratch.write("pipelines/p.yaml", &text);
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(plan.contains("2 stages in the cache, 2 to run"), "{plan}");
    assert!(plan.contains("`config.command` was"), "{plan}");
}

#[test]
fn one_failed_cell_costs_that_cell_alone() {
    let scratch = Scratch::new();
    counted(&scratch, "; test ${n} = 1");
    let said = scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    said.told(&["1 of 2 cells done", "d/n=2 · two", "log: "]);
    ran(&scratch);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    assert_eq!(ran(&scratch), 1, "only what failed is tried again");
}

#[test]
fn damaged_missing_and_truncated_objects_are_found_and_made_again() {
    let harm: [&dyn Fn(&camino::Utf8Path); 4] = [
        &|path| {
            let mut bytes = fs_err::read(path).unwrap();
            bytes[0] ^= 1;
            fs_err::write(path, bytes).unwrap();
        },
        &|path| {
            // The time stamp is put back: only the system's own change time still tells.
            let when = fs_err::metadata(path).unwrap().modified().unwrap();
            let mut bytes = fs_err::read(path).unwrap();
            bytes[0] ^= 1;
            fs_err::write(path, bytes).unwrap();
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_modified(when).unwrap();
        },
        &|path| fs_err::write(path, "").unwrap(),
        &|path| fs_err::remove_file(path).unwrap(),
    ];
    let scratch = Scratch::new();
    counted(&scratch, "");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let bytes = |scratch: &Scratch| -> Vec<String> {
        let mut all: Vec<String> = scratch.sealed().iter().map(|path| fs_err::read_to_string(path).unwrap()).collect();
        all.sort();
        all
    };
    let sound = bytes(&scratch);
    for harm in harm {
        ran(&scratch);
        let victim = scratch.sealed().into_iter().find(|path| path.ends_with("nn")).unwrap();
        fs_err::set_permissions(&victim, std::fs::Permissions::from_mode(0o644)).unwrap();
        harm(&victim);
        let verify = scratch.sr_pipe(&["cache", "verify"]).expect(1);
        assert!(verify.stdout.contains("1 damaged"), "{}", verify.stdout);
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["damaged"]);
        assert_eq!(ran(&scratch), 1, "only the stage whose object was damaged");
        assert_eq!(bytes(&scratch), sound);
        scratch.sr_pipe(&["cache", "verify"]).expect(0);
    }
}

#[test]
fn a_raw_file_that_changes_is_seen_even_with_its_old_time_stamp() {
    let scratch = Scratch::new();
    scratch.write("data/raw/a.txt", "one\n").write("experiments/e.yaml", &grid(&[1])).write(
        "pipelines/p.yaml",
        "stages:\n  raw: { files: { folder: raw, files: [a.txt] } }\n  \
         copy: { shell: { command: \"cat $IN_RAW/a.txt > $OUT/a${n}\", inputs: { raw: raw } } }\n",
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    let raw = scratch.root.join("data/raw/a.txt");
    let when = fs_err::metadata(&raw).unwrap().modified().unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(&raw).unwrap();
    file.write_all(b"two\n").unwrap();
    file.set_modified(when).unwrap();
    drop(file);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["1 stage ran"]);
}

#[test]
fn killed_at_any_moment_the_next_run_ends_right() {
    let calm = Scratch::new();
    let pipeline = "stages:\n  one: { shell: { command: \"echo ${n} > $OUT/a; sleep 0.05; echo ${n} >> $OUT/a\" } }\n  \
                    two: { shell: { command: \"cat $IN_A/a > $OUT/b; sleep 0.02; cat $IN_A/a >> $OUT/b\", inputs: { a: one } } }\n";
    let numbers: Vec<u32> = (1..=6).collect();
    let objects = |scratch: &Scratch| {
        let mut names: Vec<String> =
            scratch.sealed().iter().map(|path| path.strip_prefix(&scratch.root).unwrap().to_string()).collect();
        names.sort();
        names
    };
    calm.write("pipelines/p.yaml", pipeline).write("experiments/e.yaml", &grid(&numbers));
    calm.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);

    let stormy = Scratch::new();
    stormy.write("pipelines/p.yaml", pipeline).write("experiments/e.yaml", &grid(&numbers));
    // Moments spread over the length of a run, by a fixed rule.
    for round in 0..20_u64 {
        let mut child = stormy.start(&["run", "experiments/e.yaml"]);
        std::thread::sleep(Duration::from_millis(5 + (round * 37) % 90));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    stormy.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["6 of 6 cells done"]);
    assert_eq!(objects(&stormy), objects(&calm), "objects are named by what they hold");
    stormy.sr_pipe(&["cache", "verify"]).expect(0);
}

#[test]
fn an_orphan_that_goes_on_writing_changes_nothing_that_is_sealed() {
    let scratch = Scratch::new();
    scratch.write("experiments/e.yaml", &grid(&[1])).write(
        "pipelines/p.yaml",
        // The child keeps the file open, outlives its parent and writes after the stage has ended.
        "stages:\n  a: { shell: { command: \"exec 3> $OUT/a; echo ${n} >&3; (sleep 0.5; echo late >&3) &\" } }\n",
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(scratch.sealed().len(), 1);
    assert_eq!(fs_err::read_to_string(&scratch.sealed()[0]).unwrap(), "1\n");
    scratch.sr_pipe(&["cache", "verify"]).expect(0);
}

#[test]
fn runs_side_by_side_share_the_work_and_all_succeed() {
    let scratch = Scratch::new();
    counted(&scratch, "; sleep 0.2");
    let mut children: Vec<_> = (0..4).map(|_| scratch.start(&["run", "experiments/e.yaml"])).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(ran(&scratch), 4, "each stage ran once");
}

#[test]
fn a_stop_signal_ends_the_run_and_the_next_one_goes_on() {
    let scratch = Scratch::new();
    scratch
        .write("experiments/e.yaml", &grid(&[1]))
        .write("pipelines/p.yaml", "stages:\n  a: { shell: { command: \"sleep 30; echo ${n} > $OUT/a\" } }\n");
    let mut child = scratch.start(&["run", "experiments/e.yaml"]);
    // The attempt's folder is there once the stage runs.
    for _ in 0..1_000 {
        if scratch.root.join(".sr-pipe/attempts/1/output").is_dir() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let runs = scratch.sr_pipe(&["runs", "list"]).expect(0).stdout;
    assert!(runs.contains("interrupted"), "{runs}");
}

#[test]
fn a_chain_of_a_thousand_stages_runs() {
    let scratch = Scratch::new();
    let mut stages = String::from("stages:\n  s0: { shell: { command: \"echo ${n} > $OUT/a\" } }\n");
    for stage in 1..1_000 {
        let before = stage - 1;
        stages.push_str(&format!(
            "  s{stage}: {{ shell: {{ command: \"cp $IN_A/a $OUT/a\", inputs: {{ a: s{before} }} }} }}\n"
        ));
    }
    scratch.write("experiments/e.yaml", &grid(&[1])).write("pipelines/p.yaml", &stages);
    // All copies hold the same bytes, so from the third stage on every key is known.
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["1 of 1 cells done", "2 stages ran"]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}
