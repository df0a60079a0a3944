//! Looking after the cache: records made again, collections beside runs, exports, and caches that cannot be written.

use std::os::unix::fs::PermissionsExt;

use crate::scratch::{Scratch, grid};

/// Two stages a cell; the second is named after the first one's bytes.
fn chain(scratch: &Scratch, numbers: &[u32]) {
    scratch.write("experiments/e.yaml", &grid(numbers)).write(
        "pipelines/p.yaml",
        "stages:\n  one: { shell: { command: \"echo ${n} > $OUT/n\" } }\n  \
         two: { shell: { command: \"cat $IN_A/n > $OUT/nn; echo two >> $OUT/nn\", inputs: { a: one } } }\n",
    );
}

fn records(scratch: &Scratch) -> camino::Utf8PathBuf {
    scratch.root.join(".sr-pipe/records.sqlite")
}

/// Makes a sealed file writable and turns a bit of it.
fn damage(path: &camino::Utf8Path) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut bytes = fs_err::read(path).unwrap();
    bytes[0] ^= 1;
    fs_err::write(path, bytes).unwrap();
}

#[test]
fn damaged_or_lost_records_are_told_and_made_again_from_the_cache() {
    let scratch = Scratch::new();
    chain(&scratch, &[1, 2, 3]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let harm: [&dyn Fn(); 4] = [
        &|| fs_err::write(records(&scratch), "rubbish ".repeat(4_000)).unwrap(),
        &|| {
            let bytes = fs_err::read(records(&scratch)).unwrap();
            fs_err::write(records(&scratch), &bytes[..bytes.len() / 2]).unwrap();
        },
        &|| fs_err::write(records(&scratch), "").unwrap(),
        &|| fs_err::remove_file(records(&scratch)).unwrap(),
    ];
    for (round, harm) in harm.into_iter().enumerate() {
        // What SQLite has written ahead would mend the file.
        for beside in ["-wal", "-shm"] {
            let _ = fs_err::remove_file(format!("{}{beside}", records(&scratch)));
        }
        harm();
        let harmed = fs_err::read(records(&scratch)).ok();
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1).told(&["sr-pipe cache rebuild"]);
        assert_eq!(fs_err::read(records(&scratch)).ok(), harmed, "round {round}: a run leaves it as it was");
        let said = scratch.sr_pipe(&["cache", "rebuild"]).expect(0);
        assert!(said.stdout.contains("6 results on record again, 0 left out"), "{}", said.stdout);
        if let Some(harmed) = harmed {
            let aside = scratch.root.join(format!(".sr-pipe/records.sqlite.damaged-{}", round + 1));
            assert_eq!(fs_err::read(aside).unwrap(), harmed, "round {round}: set aside, not lost");
        }
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    }
    scratch.sr_pipe(&["cache", "rebuild"]).expect(2).told(&["are sound"]);
}

#[test]
fn what_is_damaged_is_left_out_of_rebuilt_records_and_made_again() {
    let scratch = Scratch::new();
    chain(&scratch, &[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    damage(&scratch.sealed().into_iter().find(|path| path.ends_with("nn")).unwrap());
    fs_err::remove_file(records(&scratch)).unwrap();
    let said = scratch.sr_pipe(&["cache", "rebuild"]).expect(0);
    assert!(said.stdout.contains("3 results on record again, 1 left out"), "{}", said.stdout);
    assert!(said.stdout.contains("two"), "the stage is named: {}", said.stdout);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["1 stage ran"]);
    scratch.sr_pipe(&["cache", "verify"]).expect(0);
}

#[test]
fn records_are_not_made_again_under_a_run() {
    let scratch = Scratch::new();
    scratch
        .write("experiments/e.yaml", &grid(&[1]))
        .write("pipelines/p.yaml", "stages:\n  a: { shell: { command: \"echo ${n} > $OUT/a; sleep 30\" } }\n");
    let mut run = scratch.start(&["run", "experiments/e.yaml"]);
    wait_for(|| scratch.root.join(".sr-pipe/attempts/1/output/a").exists());
    scratch.sr_pipe(&["cache", "rebuild"]).expect(2).told(&["a run is under way"]);
    scratch.sr_pipe(&["cache", "verify", "--repair"]).expect(2).told(&["a run is under way"]);
    scratch.sr_pipe(&["cache", "verify"]).expect(0);
    run.kill().unwrap();
    run.wait().unwrap();
}

/// Waits for a moment that has to come.
fn wait_for(moment: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if moment() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it did not come to that");
}

#[test]
fn verify_names_what_is_damaged_and_repair_drops_it_with_all_that_belongs_to_nothing() {
    let scratch = Scratch::new();
    chain(&scratch, &[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let find = |name: &str| scratch.sealed().into_iter().find(|path| path.ends_with(name)).unwrap();
    damage(&find("nn"));
    // The whole object of another stage is gone, and strays lie about.
    fs_err::remove_dir_all(find("n").ancestors().nth(2).unwrap()).unwrap();
    let objects = scratch.root.join(".sr-pipe/objects");
    fs_err::create_dir_all(objects.join(".sealing-abc/files")).unwrap();
    fs_err::write(objects.join("stray"), "").unwrap();
    fs_err::write(find("n").with_file_name("extra"), "").unwrap();
    let locks = scratch.root.join(".sr-pipe/locks");
    fs_err::create_dir_all(&locks).unwrap();
    fs_err::write(locks.join("ab"), "").unwrap();

    let said = scratch.sr_pipe(&["cache", "verify"]).expect(1);
    for part in ["2 damaged", "has other bytes  (d/n=", "it is on record but not in the store  (d/n=", "extra", ".sealing-abc"] {
        assert!(said.stdout.contains(part), "no `{part}` in\n{}", said.stdout);
    }
    scratch.sr_pipe(&["cache", "verify", "--repair"]).expect(0).told(&["makes again: d/n=", "1 lock file"]);
    let clean = scratch.sr_pipe(&["cache", "verify"]).expect(0);
    assert!(clean.stdout.contains("2 objects read") && !clean.stdout.contains("stray"), "{}", clean.stdout);
    assert_eq!(locks.read_dir_utf8().unwrap().count(), 0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["2 stages ran"]);
}
