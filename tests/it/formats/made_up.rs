//! Made-up files of every format: what was planted is what is read.

use camino::Utf8Path;
use serde_json::{Value, json};

use super::{Made, Raw};
use crate::chain::shipped;

/// Files of a format as `sr-pipe synth` writes them, and the truth beside them.
fn made_up(format: &str) -> (Raw, Value) {
    let raw = Raw::new();
    let folder = raw.root().join("raw");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sr-pipe"));
    let said =
        command.args(["synth", format, "--rows", "3000", "--seed", "5", "--out", folder.as_str()]).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let truth = serde_json::from_slice(&std::fs::read(folder.join("truth.json")).unwrap()).unwrap();
    (raw, truth)
}

/// Each file that was read has the rows that were written.
fn rows_are_those_that_were_written(made: &Made, truth: &Value) {
    let mut read = 0;
    for file in truth["files"].as_array().unwrap() {
        let name = Utf8Path::new(file["name"].as_str().unwrap());
        if let Some(rows) = made.notes.get(&format!("rows of {name}")) {
            assert_eq!(rows, &file["rows"], "{name}");
            read += 1;
        }
    }
    assert!(read > 0, "no file of {truth:#} was read");
    assert_eq!(made.note("rejected rows"), 0);
}

#[test]
fn made_up_files_of_every_format_are_read_whole() {
    let formats = [
        ("diginetica", shipped("diginetica", "events", &[])["ingest"].clone()),
        ("yoochoose", shipped("yoochoose", "events", &[])["ingest"].clone()),
        ("jdata", json!({ "format": "jdata" })),
        ("kkbox", json!({ "format": "kkbox" })),
        ("trivago", json!({ "format": "trivago" })),
        ("movielens", json!({ "format": "movielens" })),
        ("movielens-1m", json!({ "format": "movielens" })),
        ("lastfm", json!({ "format": "lastfm" })),
        ("lastfm-1k", json!({ "format": "lastfm" })),
        ("amazon", json!({ "format": "amazon" })),
        ("amazon-2018", json!({ "format": "amazon" })),
        ("jd-micro", json!({ "format": "jd-micro", "file": "JD_Computers.txt" })),
    ];
    for (name, config) in formats {
        let (raw, truth) = made_up(name);
        let made = raw.ingest(config).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!made.events.is_empty(), "{name}");
        rows_are_those_that_were_written(&made, &truth);
    }
}

#[test]
fn what_kkbox_and_trivago_lack_is_counted_as_it_was_planted() {
    let (raw, truth) = made_up("kkbox");
    let made = raw.ingest(json!({ "format": "kkbox", "operation": "source_system_tab" })).unwrap();
    let sources = &truth["sources"];
    for (note, planted) in
        [("events with an empty operation", "tab_empty"), ("events with the operation `null`", "tab_null")]
    {
        assert_eq!(made.notes.get(note).unwrap_or(&json!(0)), &sources[planted], "{note}");
    }
    for (tab, count) in sources["tabs"].as_object().unwrap() {
        assert_eq!(json!(made.with_operation(tab)), *count, "{tab}");
    }
    let (raw, truth) = made_up("trivago");
    let made = raw.ingest(json!({ "format": "trivago" })).unwrap();
    for (action, count) in truth["train"]["actions"].as_object().unwrap() {
        let without_item = format!("rows left out: `{action}` without an item");
        let left_out = made.notes.get(&without_item).or(made.notes.get(&format!("rows left out: `{action}`")));
        let left_out = left_out.and_then(Value::as_u64).unwrap_or_default();
        assert_eq!(made.with_operation(action) as u64 + left_out, count.as_u64().unwrap(), "{action}");
    }
}
