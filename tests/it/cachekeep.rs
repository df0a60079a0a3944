//! Looking after the cache: records made again, collections beside runs, exports, and caches that cannot be written.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::scratch::{Scratch, grid};
use crate::training::copy_of;

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

/// The numbers in what `cache gc` printed last: objects that went.
fn gone(said: &crate::scratch::Said) -> usize {
    let line = said.stdout.lines().last().unwrap();
    line.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
}

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
fn commands_of_the_cache_make_no_cache() {
    let scratch = Scratch::new();
    for command in ["stats", "verify", "gc"] {
        scratch.sr_pipe(&["cache", command]).expect(2).told(&["there is no cache", "--project"]);
    }
    assert!(!scratch.root.join(".sr-pipe").exists());
}

/// Mounts the state folder read-only over itself; false where this machine does not let tests mount.
struct ReadOnly(camino::Utf8PathBuf);

impl ReadOnly {
    fn mount(path: camino::Utf8PathBuf) -> Option<Self> {
        let mount = |arguments: &[&str]| {
            let said = std::process::Command::new("mount").args(arguments).arg(&path).output();
            said.is_ok_and(|said| said.status.success())
        };
        if !mount(&["--bind", path.as_str()]) {
            eprintln!("skipped: this machine does not let tests mount");
            return None;
        }
        let this = Self(path.clone());
        assert!(mount(&["-o", "remount,bind,ro"]));
        Some(this)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_cache_that_cannot_be_written_serves_all_that_need_not_write() {
    let scratch = Scratch::new();
    chain(&scratch, &[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let state = scratch.root.join(".sr-pipe");
    let settled = || ["-wal", "-shm"].map(|end| fs_err::remove_file(format!("{}{end}", records(&scratch))));
    for round in ["with what SQLite wrote ahead", "with the file alone"] {
        if round.ends_with("alone") {
            // Brought into the file first, by another program that opens and closes it.
            let script = format!(
                "import sqlite3; sqlite3.connect('{}').execute('PRAGMA wal_checkpoint(TRUNCATE)')",
                records(&scratch)
            );
            if !std::process::Command::new("python3").args(["-c", &script]).status().is_ok_and(|code| code.success()) {
                eprintln!("skipped: there is no other program to settle the records with");
                return;
            }
            let _ = settled();
        }
        let Some(_mount) = ReadOnly::mount(state.clone()) else { return };
        let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
        assert!(plan.contains("4 stages in the cache, 0 to run"), "{round}: {plan}");
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run", "cannot be written"]);
        scratch.sr_pipe(&["runs", "list"]).expect(0);
        scratch.sr_pipe(&["cache", "stats"]).expect(0);
        scratch.sr_pipe(&["cache", "verify"]).expect(0);
        for command in [&["cache", "gc"][..], &["cache", "verify", "--repair"]] {
            let said = scratch.sr_pipe(command);
            assert_ne!(said.code, Some(0));
            said.told(&["cannot be written", "help: make the folder writable"]);
        }
        let before = scratch.read("pipelines/p.yaml");
        scratch.write("pipelines/p.yaml", &before.replace("echo two", "echo 2"));
        scratch
            .sr_pipe(&["run", "experiments/e.yaml"])
            .expect(2)
            .told(&["cannot be written, and 2 stages have to run", "help: "]);
        scratch.write("pipelines/p.yaml", &before);
    }
}

/// A pipeline over a raw file, and a report-like last stage that shows whose bytes arrived.
fn over_raw(scratch: &Scratch) {
    scratch.write("experiments/e.yaml", &grid(&[1, 2])).write(
        "pipelines/p.yaml",
        "stages:\n  raw: { files: { folder: raw, files: [a.txt] } }\n  \
         copy: { shell: { command: \"mkdir $OUT/deep; cat $IN_RAW/a.txt > $OUT/deep/a; echo ${n} > $OUT/n\", inputs: { raw: raw } } }\n  \
         half: { temp: true, shell: { command: \"cat $IN_A/n > $OUT/h\", inputs: { a: copy } } }\n  \
         end: { shell: { command: \"cat $IN_A/h $IN_A/h > $OUT/e\", inputs: { a: half } } }\n",
    );
}

#[test]
fn an_experiment_goes_to_another_project_as_one_file() {
    let here = Scratch::new();
    over_raw(&here);
    here.write("data/raw/a.txt", "raw\n");
    here.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    here.sr_pipe(&["cache", "export", "experiments/e.yaml", "--out", "e.tar.zst"]).expect(0);
    let first = fs_err::read(here.root.join("e.tar.zst")).unwrap();
    here.sr_pipe(&["cache", "export", "experiments/e.yaml", "--out", "e.tar.zst"]).expect(0);
    assert_eq!(fs_err::read(here.root.join("e.tar.zst")).unwrap(), first, "the same file again");

    let there = Scratch::new();
    let file = here.root.join("e.tar.zst");
    let said = there.sr_pipe(&["cache", "import", file.as_str()]).expect(0);
    assert!(said.stdout.contains("experiments/e.yaml: 6 of 6 results and 4 of 4 objects were new"), "{}", said.stdout);
    assert_eq!(there.read("pipelines/p.yaml"), here.read("pipelines/p.yaml"));
    // No raw data are here, and still all is known.
    there.sr_pipe(&["plan", "--check", "experiments/e.yaml"]).expect(0);
    there.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["2 of 2 cells done, nothing had to run"]);
    there.sr_pipe(&["cache", "verify"]).expect(0);
    let shown = there.sr_pipe(&["runs", "show", "1"]).expect(0).stdout;
    assert!(shown.contains("d/n=2") && shown.contains("copy"), "the run that made it came along: {shown}");

    let again = there.sr_pipe(&["cache", "import", file.as_str()]).expect(0).stdout;
    assert!(again.contains("0 of 6 results and 0 of 4 objects were new"), "{again}");
    // What came in is kept and found again like what was made here.
    assert_eq!(gone(&there.sr_pipe(&["cache", "gc", "--keep-last", "1"]).expect(0)), 0);
    for file in ["records.sqlite", "records.sqlite-wal", "records.sqlite-shm"] {
        let _ = fs_err::remove_file(there.root.join(".sr-pipe").join(file));
    }
    there.sr_pipe(&["cache", "rebuild"]).expect(0);
    there.write("data/raw/a.txt", "raw\n");
    there.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn an_import_into_a_project_with_runs_of_its_own_disturbs_none() {
    let here = Scratch::new();
    chain(&here, &[1, 2]);
    here.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    here.sr_pipe(&["cache", "export", "experiments/e.yaml", "--out", "e.tar.zst"]).expect(0);
    let there = Scratch::new();
    chain(&there, &[2, 3]);
    for _ in 0..2 {
        there.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    }
    let said = there.sr_pipe(&["cache", "import", here.root.join("e.tar.zst").as_str()]).expect(0);
    assert!(said.stdout.contains("2 of 4 results and 2 of 4 objects were new"), "{}", said.stdout);
    assert!(said.stderr.contains("`experiments/e.yaml` is another one here"), "{}", said.stderr);
    let list = there.sr_pipe(&["runs", "list"]).expect(0).stdout;
    assert_eq!(list.lines().filter(|line| line.contains("done")).count(), 3, "{list}");
    there.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    chain(&there, &[1, 2, 3]);
    there.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn a_file_that_is_cut_off_or_altered_is_refused_and_leaves_a_sound_cache() {
    let here = Scratch::new();
    chain(&here, &[1, 2]);
    here.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    here.sr_pipe(&["cache", "export", "experiments/e.yaml", "--out", "e.tar.zst"]).expect(0);
    let whole = fs_err::read(here.root.join("e.tar.zst")).unwrap();
    let there = Scratch::new();
    let path = there.root.join("bad.tar.zst");
    let refused = |bytes: &[u8]| {
        fs_err::write(&path, bytes).unwrap();
        there.sr_pipe(&["cache", "import", path.as_str()]).expect(2).told(&["bad.tar.zst` is damaged", "help: "]);
    };
    for share in [0, 1, 2, 5, 8] {
        refused(&whole[..whole.len() * share / 10]);
    }
    refused(&whole[..whole.len() - 1]);
    refused(b"something else altogether");
    for at in [10, whole.len() / 2, whole.len() - 3] {
        let mut altered = whole.clone();
        altered[at] ^= 4;
        refused(&altered);
    }
    // What did come in before the damage is sound, and the whole file goes in afterwards.
    fs_err::write(&path, &whole).unwrap();
    there.sr_pipe(&["cache", "import", path.as_str()]).expect(0);
    there.sr_pipe(&["cache", "verify"]).expect(0);
    there.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn a_file_that_reaches_out_of_its_folder_is_refused() {
    let here = Scratch::new();
    chain(&here, &[1]);
    here.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    here.sr_pipe(&["cache", "export", "experiments/e.yaml", "--out", "e.tar.zst"]).expect(0);
    let tar = zstd::decode_all(fs_err::File::open(here.root.join("e.tar.zst")).unwrap()).unwrap();
    // A forger can make the digest fit; the path must be refused all the same.
    let entries: Vec<(String, Vec<u8>)> = tar::Archive::new(tar.as_slice())
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
        })
        .collect();
    let there = Scratch::new();
    let forged = |change: &dyn Fn(&mut serde_json::Value), link: bool| {
        let mut envelope: serde_json::Value = serde_json::from_slice(&entries[0].1).unwrap();
        change(&mut envelope["parcel"]);
        envelope["digest"] = sr_pipe::hash::ContentHash::of_json(&envelope["parcel"]).to_string().into();
        let mut made = tar::Builder::new(Vec::new());
        for (at, (path, bytes)) in entries.iter().enumerate() {
            let bytes = if at == 0 { serde_json::to_vec(&envelope).unwrap() } else { bytes.clone() };
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            if link && at == 1 {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                made.append_link(&mut header, path, "/etc/passwd").unwrap();
            } else {
                header.set_size(bytes.len() as u64);
                made.append_data(&mut header, path, bytes.as_slice()).unwrap();
            }
        }
        let path = there.root.join("forged.tar.zst");
        fs_err::write(&path, zstd::encode_all(made.into_inner().unwrap().as_slice(), 1).unwrap()).unwrap();
        there.sr_pipe(&["cache", "import", path.as_str()])
    };
    for bad in ["../evil", "/tmp/evil", "a/../../evil", "", "."] {
        let said = forged(&|parcel| parcel["files"][0]["path"] = bad.into(), false).expect(2);
        said.told(&["leads out of its folder"]);
        let said = forged(&|parcel| parcel["objects"][0]["manifest"]["files"][0]["path"] = bad.into(), false).expect(2);
        said.told(&["leads out of its folder"]);
    }
    forged(&|_| {}, true).expect(2).told(&["is no plain file"]);
    assert!(!there.root.join(".sr-pipe/objects").exists() || there.sealed().is_empty());
    forged(&|_| {}, false).expect(0);
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
