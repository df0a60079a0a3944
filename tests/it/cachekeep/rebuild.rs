//! Damage found, repaired, and records made again from the cache.

use super::*;

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
    for part in
        ["2 damaged", "has other bytes  (d/n=", "it is on record but not in the store  (d/n=", "extra", ".sealing-abc"]
    {
        assert!(said.stdout.contains(part), "no `{part}` in\n{}", said.stdout);
    }
    scratch.sr_pipe(&["cache", "verify", "--repair"]).expect(0).told(&["makes again: d/n=", "1 lock file"]);
    let clean = scratch.sr_pipe(&["cache", "verify"]).expect(0);
    assert!(clean.stdout.contains("2 objects read") && !clean.stdout.contains("stray"), "{}", clean.stdout);
    assert_eq!(locks.read_dir_utf8().unwrap().count(), 0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["2 stages ran"]);
}

#[test]
fn the_table_is_the_same_from_rebuilt_records_after_an_import_and_over_a_cache_that_cannot_be_written() {
    let here = copy_of("quickstart.yaml", |text| {
        let grid = text.split("models:").next().unwrap();
        grid.replace("[s-pop, sknn, gru, sr-gnn, m-sr, mkm-sr]", "[s-pop, sknn]") + "report: {}\n"
    });
    here.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let table = |scratch: &Scratch| (scratch.read("results/e.md"), scratch.read("results/e.csv"));
    let undisturbed = table(&here);
    here.sr_pipe(&["cache", "export", "experiments/e.yaml", "--out", "e.tar.zst"]).expect(0);

    let there = copy_of("quickstart.yaml", |_| here.read("experiments/e.yaml"));
    there.sr_pipe(&["cache", "import", here.root.join("e.tar.zst").as_str()]).expect(0);
    there.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    assert_eq!(table(&there), undisturbed, "after an import");

    for file in ["records.sqlite", "records.sqlite-wal", "records.sqlite-shm"] {
        let _ = fs_err::remove_file(here.root.join(".sr-pipe").join(file));
    }
    here.sr_pipe(&["cache", "rebuild"]).expect(0);
    here.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    assert_eq!(table(&here), undisturbed, "from rebuilt records");
    here.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);

    // What is imported and then lost leaves runs without cells; the next run must not take theirs for its own.
    fs_err::remove_file(there.root.join(".sr-pipe/records.sqlite")).unwrap();
    there.sr_pipe(&["cache", "rebuild"]).expect(0);
    there.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    let cells = there.sr_pipe(&["runs", "search", "model=s-pop"]).expect(0).stdout;
    assert!(cells.contains("synthetic/s-pop/seed=1"), "the cells of the new run are found:\n{cells}");

    let Some(_mount) = ReadOnly::mount(here.root.join(".sr-pipe")) else { return };
    for command in ["report", "run"] {
        fs_err::remove_dir_all(here.root.join("results")).unwrap();
        here.sr_pipe(&[command, "experiments/e.yaml"]).expect(0);
        assert_eq!(table(&here), undisturbed, "by `{command}` over a cache that cannot be written");
    }
}
