//! Experiments that go to another project as one file.

use super::*;

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
