//! What the records cost: `cargo run --example record_insert -- [RECORDS]` prints microseconds of CPU a record.
//!
//! A record is a finished stage with its attempt; then come the end of a run with as many cells, the same end again
//! (which is noted in one line), and what each start of the program reads.

#![expect(clippy::print_stdout, reason = "the numbers are what it is for")]

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde_json::{Value, json};
use sr_pipe::artifact::{FileEntry, FileStamp, Manifest};
use sr_pipe::hash::ContentHash;
use sr_pipe::record::{Attempt, CellEnd, NewResult, NewRun, Records, RunEnd, RunState, StageEnd};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let state = Utf8PathBuf::try_from(folder.path().to_owned())?;
    let mut clock = Clock { records: count, before: cpu() };

    let records = Records::open(&state).await?;
    let run = start(&records).await?;
    clock.lap("open a fresh file and start a run");
    let mut results = Vec::with_capacity(count);
    for n in 0..count {
        results.push(insert(&records, run, n).await?);
    }
    clock.lap("insert a stage's attempt and result");
    let names: Vec<String> = (0..count).map(|n| format!("data/model/n={n}/seed=1")).collect();
    let coordinates: BTreeMap<String, String> =
        [("dataset", "data"), ("model", "model"), ("n", "1")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    let ends: Vec<[usize; 1]> = (0..count).map(|n| [n]).collect();
    let end = end_of(&names, &coordinates, &ends, &results);
    records.finish_run(run, &end).await?;
    clock.lap("note a cell and its stage at the end of a run");
    let again = start(&records).await?;
    records.finish_run(again, &end).await?;
    clock.lap("note that a run ended as the one before");
    // The first one stays open: the time of its thread would leave with it.
    let opened = Records::open(&state).await?;
    clock.lap("open");
    let index = opened.cache_index().await?;
    clock.lap("read what the cache knows");
    let details = opened.details(&[run]).await?;
    clock.lap("read a run at length");
    assert_eq!((index.results.len(), details.runs[0].cells.len()), (count, count));
    Ok(())
}

struct Clock {
    records: usize,
    before: f64,
}

impl Clock {
    fn lap(&mut self, what: &str) {
        let seconds = cpu() - self.before;
        println!("{:9.2} ms  {:9.2} µs a record  {what}", seconds * 1e3, seconds * 1e6 / self.records as f64);
        self.before = cpu();
    }
}

/// CPU seconds of this process so far, all its threads together.
fn cpu() -> f64 {
    let tasks = fs_err::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let spent = tasks.filter_map(|task| {
        let text = fs_err::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    spent.sum::<f64>() / 1e9
}

async fn start(records: &Records) -> Result<i64, Failure> {
    let run = NewRun {
        experiment: "experiments/e.yaml",
        digest: ContentHash::of(b"experiment"),
        protocol: &json!({"ties": "mean"}),
        choices: &json!({}),
        command: "sr-pipe run experiments/e.yaml",
        environment: &json!({"sr_pipe": "0", "host": "here"}),
    };
    Ok(records.start_run(&run).await?)
}

async fn insert(records: &Records, run: i64, n: usize) -> Result<(ContentHash, ContentHash), Failure> {
    let fingerprint = json!({
        "format": 1, "kind": "shell", "version": "1", "config": {"command": format!("echo {n} > $OUT/n.txt")},
        "inputs": {}, "seed": Value::Null, "protocol": Value::Null, "environment": {},
    });
    let (key, label) = (ContentHash::of_json(&fingerprint), format!("data/n={n} · out"));
    let attempt = Attempt { run, key, label: &label, kind: "shell", fingerprint: &fingerprint };
    let attempt = records.start_attempt(&attempt).await?;
    let entry = FileEntry { path: "n.txt".into(), size: 4, hash: ContentHash::of(&n.to_le_bytes()) };
    let manifest = Manifest::new("files", vec![entry]);
    let object = manifest.digest();
    let stamp = FileStamp { size: 4, device: 1, inode: n as u64, modified: 1 << 60, changed: 1 << 60 };
    let result = NewResult {
        key,
        label: &label,
        fingerprint: &fingerprint,
        object,
        manifest: &manifest,
        stamps: &[stamp],
        notes: &BTreeMap::new(),
        seconds: 0.01,
        attempt,
    };
    records.add_result(result).await?;
    Ok((key, object))
}

fn end_of<'a>(
    names: &'a [String],
    coordinates: &'a BTreeMap<String, String>,
    ends: &'a [[usize; 1]],
    results: &[(ContentHash, ContentHash)],
) -> RunEnd<'a> {
    let cells = names.iter().zip(ends).zip(results).map(|((name, ends), result)| CellEnd {
        name,
        coordinates,
        seed: 1,
        state: RunState::Done,
        result: Some(*result),
        ends,
    });
    let stages = names.iter().zip(results).map(|(name, (key, object))| StageEnd {
        label: name,
        state: RunState::Done,
        key: Some(*key),
        object: Some(*object),
        inputs: Vec::new(),
    });
    RunEnd { state: RunState::Done, cells: cells.collect(), stages: stages.collect() }
}
