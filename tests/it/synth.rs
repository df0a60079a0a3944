//! Made-up raw files: their layout against that of the published ones, and what they say of themselves against a recount.
//! The files are read here by small parsers of their own.

mod freebase;
mod logs;
mod ratings;
mod sessions;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use sr_pipe::hash::ContentHash;
use sr_pipe::synth::market::Shape;
use sr_pipe::synth::{Compress, Extent, Format, Request, SynthError, TRUTH, write};

use crate::scratch::Scratch;

/// Files of one format, in a temporary folder.
struct Made {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    truth: Value,
}

impl Made {
    /// So many rows, with tables that grow as the real ones do.
    fn new(format: Format, rows: u64, seed: u64) -> Self {
        Self::of(&Request { format, extent: Extent::Rows { rows, items: None, users: None }, seed, compress: None })
    }

    fn of(request: &Request) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        write(&root, request, &|| false).unwrap();
        let truth = serde_json::from_slice(&fs_err::read(root.join(TRUTH)).unwrap()).unwrap();
        Self { _folder: folder, root, truth }
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs_err::read(self.root.join(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// The header and the rows of a comma-separated file.
    fn csv(&self, name: &str) -> (String, Vec<Vec<String>>) {
        let text = self.text(name);
        let header = text.lines().next().unwrap().to_owned();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        (header, rows)
    }

    /// A number of the truth, by its path.
    #[track_caller]
    fn told(&self, path: &str) -> u64 {
        self.truth.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {path} in {}", self.truth))
    }

    /// The share of the steps that followed the rule.
    fn rule_share(&self, walk: &str) -> f64 {
        self.told(&format!("{walk}/steps_by_rule")) as f64 / self.told(&format!("{walk}/steps")) as f64
    }

    /// Every file but the truth, with its bytes.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let names = self.root.read_dir_utf8().unwrap().map(|file| file.unwrap().file_name().to_owned());
        names.map(|name| (name.clone(), self.bytes(&name))).collect()
    }
}

/// A file of the real data, or a printed line and nothing.
fn real(path: &str) -> Option<Vec<u8>> {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    match fs_err::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            eprintln!("skipped: {path} is not there");
            None
        }
    }
}

/// Fails unless a share is about as large as it should be.
#[track_caller]
fn about(part: usize, whole: usize, share: f64, tolerance: f64) {
    let found = part as f64 / whole as f64;
    assert!((found - share).abs() <= tolerance, "{part} of {whole} is {found:.4}, not {share:.4}");
}

/// How well the last thing alone, and the last thing with what was done to it, tell the next thing: the share of steps in
/// which the most frequent successor followed.
fn tells(steps: &[(&str, &str, &str)]) -> (f64, f64) {
    let share = |key: &dyn Fn(&(&str, &str, &str)) -> String| {
        let mut counts: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
        for step in steps {
            *counts.entry(key(step)).or_default().entry(step.2).or_default() += 1;
        }
        let best: usize = counts.values().map(|next| next.values().max().copied().unwrap_or(0)).sum();
        best as f64 / steps.len() as f64
    };
    (share(&|step| step.0.to_owned()), share(&|step| format!("{} {}", step.0, step.1)))
}

const ALL: [Format; 13] = [
    Format::Jdata,
    Format::Kkbox,
    Format::Trivago,
    Format::JdMicro,
    Format::Movielens,
    Format::Movielens1m,
    Format::Lastfm,
    Format::Lastfm1k,
    Format::Amazon,
    Format::Amazon2018,
    Format::Diginetica,
    Format::Yoochoose,
    Format::Freebase,
];

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for format in ALL {
        let [one, again, other] = [3, 3, 4].map(|seed| Made::new(format, 6000, seed).files());
        assert!(one == again, "{format:?}");
        for (name, bytes) in &one {
            assert!(other[name] != *bytes, "{format:?}: {name} does not depend on the seed");
        }
    }
}

#[test]
fn each_file_has_the_rows_and_bytes_that_the_truth_tells() {
    for format in ALL {
        let made = Made::of(&Request {
            format,
            extent: Extent::Rows { rows: 7001, items: None, users: None },
            seed: 1,
            compress: Some(Compress::None),
        });
        let mut files = made.files();
        files.remove(TRUTH);
        for told in made.truth["files"].as_array().unwrap() {
            let name = told["name"].as_str().unwrap();
            let bytes = files.remove(name).unwrap();
            assert_eq!(bytes.len() as u64, told["bytes"], "{format:?}: {name}");
            assert_eq!(bytes.last(), Some(&b'\n'), "{format:?}: {name}");
            assert!(!bytes.starts_with(b"\xef\xbb\xbf"));
            // The one file with line breaks in quotes is counted by its own test.
            if name != "song_extra_info.csv" {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                let rows = told["rows"].as_u64().unwrap();
                assert!(lines == rows || lines == rows + 1, "{format:?}: {name}: {lines} lines, {rows} rows");
            }
        }
        assert!(files.is_empty(), "{format:?}: not told of {:?}", files.keys());
        assert_eq!(made.told("/rows"), 7001);
    }
}

#[test]
fn one_row_can_be_made_up_and_few_items_and_users_too() {
    for format in ALL.into_iter().filter(|format| *format != Format::Freebase) {
        Made::new(format, 1, 1);
        let extent = Extent::Rows { rows: 3000, items: Some(13), users: Some(2) };
        let made = Made::of(&Request { format, extent, seed: 1, compress: None });
        assert_eq!(made.told("/rows"), 3000, "{format:?}");
        assert!(made.told("/users") > 0, "{format:?}");
    }
}

#[test]
fn packed_files_hold_the_bytes_of_plain_ones() {
    let plain = Made::new(Format::Amazon, 2000, 5);
    let extent = Extent::Rows { rows: 2000, items: None, users: None };
    let packed = Made::of(&Request { format: Format::Amazon, extent, seed: 5, compress: Some(Compress::Zst) });
    let bytes = zstd::decode_all(&*packed.bytes("ratings_Books.csv.zst")).unwrap();
    assert!(bytes == plain.bytes("ratings_Books.csv"));
}

#[test]
fn a_log_of_a_given_shape_keeps_its_bytes() {
    let shape = Shape { items: 600, users: 1200, sessions: 3000, days: 14, noise: 0.1, repeat: 0.1, late: 0.1 };
    let made = Made::of(&Request { format: Format::Jdata, extent: Extent::Shape(shape), seed: 7, compress: None });
    // As they were when the quickstart was first told; `late` apart it has this shape.
    let digests = ["jdata_action.csv", "jdata_product.csv"].map(|name| ContentHash::of(&made.bytes(name)).to_string());
    assert_eq!(digests, GOLDEN);
}

const GOLDEN: [&str; 2] = [
    "6316e567b3a210368edf18c4ae5548b7c080f0bcfabced87e97d49a6262fda0d",
    "a6fdb06ba55e7cf3b7238be115e5c1f6f3eda11b4a01168cba611843d0a48659",
];

#[test]
fn what_cannot_be_made_up_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let told = |format, rows, items| {
        let extent = Extent::Rows { rows, items, users: None };
        let request = Request { format, extent, seed: 1, compress: None };
        match write(root, &request, &|| false) {
            Err(SynthError::Request(diagnostic)) => diagnostic.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(told(Format::Kkbox, 0, None).contains("`rows` is 0\nhelp: it must be from 1 to 2^32"));
    assert!(told(Format::Trivago, 10, Some(0)).contains("`items` is 0"));
    assert!(told(Format::Freebase, 1000, None).contains("1000 lines are too few for 24 films\nhelp: give `rows` of "));
    let stopped = write(
        root,
        &Request {
            format: Format::Jdata,
            extent: Extent::Rows { rows: 10, items: None, users: None },
            seed: 1,
            compress: None,
        },
        &|| true,
    );
    assert!(matches!(stopped, Err(SynthError::Io(error)) if error.kind() == std::io::ErrorKind::Interrupted));
}

#[test]
fn the_command_tells_what_it_wrote_and_refuses_what_does_not_go_together() {
    let scratch = Scratch::new();
    let said = scratch.sr_pipe(&["synth", "--out", "made", "jdata", "--rows", "500"]).expect(0);
    assert!(said.stdout.contains("made/jdata_action.csv") && said.stdout.contains("500"), "{}", said.stdout);
    said.told(&["rows in", "a second", "truth.json"]);
    scratch.sr_pipe(&["synth", "jdata", "--sessions", "50", "--days", "3", "--out", "small"]).expect(0);
    scratch
        .sr_pipe(&["synth", "kkbox", "--sessions", "50", "--out", "no"])
        .expect(2)
        .told(&["`kkbox` is made up by rows only", "give `rows`"]);
    let few = ["synth", "movielens", "--rows", "900", "--users", "100", "--out", "few"];
    scratch
        .sr_pipe(&few)
        .expect(0)
        .told(&["note: 45 users were made up and not 100, since that is what 900 rows allow"]);
    let users = ["synth", "freebase", "--rows", "90000", "--users", "100", "--out", "no"];
    scratch.sr_pipe(&users).expect(2).told(&["`freebase` has no users", "leave `users` out"]);
    scratch.sr_pipe(&["synth", "kkbox", "--out", "no"]).expect(2).told(&["--rows"]);
    scratch.sr_pipe(&["synth", "kkbx", "--rows", "5", "--out", "no"]).expect(2).told(&["kkbox"]);
}

#[test]
fn a_pipeline_with_a_size_that_cannot_be_met_is_refused_before_anything_runs() {
    let scratch = Scratch::new();
    let experiment =
        "title: T\ndatasets: { d: { pipeline: ../pipelines/p.yaml } }\ngrid: { product: { dataset: [d] } }\n";
    scratch.write("experiments/e.yaml", experiment);
    for (synth, message) in [
        ("{ format: jdata, rows: 1000, noise: 0.2 }", "`noise` and `rows` are both given"),
        ("{ format: trivago, sessions: 10 }", "`trivago` is made up by rows only"),
        ("{ format: amazon, rows: 0 }", "`rows` is 0"),
    ] {
        scratch.write("pipelines/p.yaml", &format!("stages:\n  raw:\n    synth: {synth}\n"));
        scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(2).told(&[message, "p.yaml:3"]);
    }
    scratch.write("pipelines/p.yaml", "stages:\n  raw:\n    synth: { format: lastfm-1k, rows: 2000, compress: gz }\n");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(scratch.sealed().iter().filter(|path| path.as_str().ends_with(".tsv.gz")).count(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    /// The most memory of a command in kilobytes, as the system counts it.
    fn peak(scratch: &Scratch, format: &str, rows: &str) -> u64 {
        let tables = ["--items", "60000", "--users", "9000"];
        let mut child = scratch.start(&[&["synth", format, "--rows", rows, "--out", "made"][..], &tables[..]].concat());
        let mut most = 0;
        while child.try_wait().unwrap().is_none() {
            let status = fs_err::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
            most = most.max(kilobytes.unwrap_or(0));
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        most
    }
    let scratch = Scratch::new();
    for format in [
        "jdata",
        "kkbox",
        "trivago",
        "jd-micro",
        "movielens",
        "lastfm",
        "lastfm-1k",
        "amazon",
        "diginetica",
        "yoochoose",
    ] {
        let [few, many] = ["300000", "800000"].map(|rows| peak(&scratch, format, rows));
        assert!(many < few + 12_000, "{format}: {few} kB for 300,000 rows and {many} kB for 800,000");
    }
}
