//! Tables are read from Python with whichever of polars, DuckDB and pyarrow is there: the declared types, and the names and
//! times of the raw file. The examples of docs/tables.md are run on the way.

use std::collections::BTreeMap;
use std::process::Command;

use camino::Utf8Path;
use serde_json::{Value, json};
use sr_pipe::cli::tables;

use crate::chain::Chain;

/// What the types of tables are called in a library.
const TYPES: [(&str, [(&str, &str); 4]); 3] = [
    ("polars", [("int32", "Int32"), ("int64", "Int64"), ("large_utf8", "String"), ("bool", "Boolean")]),
    ("duckdb", [("int32", "INTEGER"), ("int64", "BIGINT"), ("large_utf8", "VARCHAR"), ("bool", "BOOLEAN")]),
    ("pyarrow", [("int32", "int32"), ("int64", "int64"), ("large_utf8", "large_string"), ("bool", "bool")]),
];

/// The first block of the page in this language.
fn example(language: &str) -> String {
    let page = fs_err::read_to_string(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md")).unwrap();
    let (_, after) = page.split_once(&format!("```{language}\n")).unwrap();
    after.split_once("```").unwrap().0.replace("print(", "str(")
}

/// Seconds since 1970 of `2018-03-05 09:15:02`.
fn seconds(text: &str) -> i64 {
    text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second()
}

#[test]
fn real_output_is_read_from_python_with_its_types_missing_values_and_names() {
    let chain = Chain::new(json!({ "select_on": "test" }));
    chain.run("raw", json!({ "synth": { "format": "jdata", "rows": 2000, "seed": 4 } }));
    let notes = chain.run("events", json!({ "ingest": { "from": "raw", "format": "jdata" } }));
    assert_eq!(notes["events"], 2000);
    let sessions =
        chain.run("sessions", json!({ "sessionize": { "from": "events", "gap": "1h" } }))["sessions"].clone();

    let raw = std::fs::read_to_string(chain.output("raw").join("jdata_action.csv")).unwrap();
    let mut rows: Vec<(String, String, String, i64)> = raw
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0].to_owned(), fields[1].to_owned(), fields[4].to_owned(), seconds(fields[2]))
        })
        .collect();
    rows.sort();

    let declared: BTreeMap<String, Value> = tables()
        .into_iter()
        .filter(|(_, table)| table["artifacts"].as_array().unwrap().contains(&json!("sessions")))
        .map(|(_, table)| (table["file"].as_str().unwrap().to_owned(), table))
        .collect();
    let python = std::env::var("SR_PIPE_PYTHON").unwrap_or_else(|_| "python3".into());
    for (library, types) in TYPES {
        let there = Command::new(&python).args(["-c", &format!("import {library}")]).output();
        if !there.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: `{python}` has no {library}; `SR_PIPE_PYTHON` names another interpreter");
            continue;
        }
        let example = example(if library == "duckdb" { "sql" } else { "python" });
        let output = Command::new(&python)
            .args(["-c", include_str!("readable.py"), library, chain.output("sessions").as_str(), &example])
            .output()
            .unwrap();
        assert!(output.status.success(), "{library}: {}", String::from_utf8_lossy(&output.stderr));
        let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
        check_tables(library, &types, &seen["tables"], &declared);
        let events: Vec<(String, String, String, i64)> = serde_json::from_value(seen["events"].clone()).unwrap();
        assert!(events == rows, "{library}: events are not those of the raw file");
        let lengths: Vec<(i64, i64)> = serde_json::from_value(seen["lengths"].clone()).unwrap();
        assert_eq!(json!(lengths.len()), sessions, "{library}");
        assert_eq!(lengths.iter().map(|(_, length)| length).sum::<i64>(), 2000, "{library}");
        assert!((0..).zip(&lengths).all(|(number, (session, _))| number == *session), "{library}");
    }
}

/// Every declared table is there, with the declared columns first, the declared types, and missing values only where they
/// may be.
fn check_tables(library: &str, types: &[(&str, &str)], seen: &Value, declared: &BTreeMap<String, Value>) {
    for (file, table) in declared {
        let found = &seen[file];
        let columns = table["columns"].as_array().unwrap();
        for column in columns {
            let name = column["name"].as_str().unwrap();
            let (_, of) = types.iter().find(|(of, _)| *of == column["type"]).unwrap();
            assert_eq!(found["types"][name], **of, "{library}: `{name}` of {file}");
            if column["optional"] == false {
                assert_eq!(found["nulls"][name], 0, "{library}: `{name}` of {file}");
            }
        }
        let width = found["types"].as_object().unwrap().len();
        assert!(width == columns.len() || (table["open"] == true && width > columns.len()), "{library}: {file}");
    }
    for (name, missing) in [("user", 0), ("session", 2000), ("order", 2000), ("part", 2000)] {
        assert_eq!(seen["events.parquet"]["nulls"][name], missing, "{library}: `{name}`");
    }
    assert_eq!(seen["given_sessions.parquet"]["rows"], 0, "{library}");
}
