//! The records: what a run leaves behind, how it is found again, and files of earlier and later versions.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};

use crate::scratch::{Scratch, grid};

/// Runs a future to its end.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) async fn connect(file: &Utf8Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).create_if_missing(true).connect().await.unwrap()
}

/// Changes the records behind the back of `sr-pipe`.
fn execute(file: &Utf8Path, statements: &str) {
    wait(async {
        let mut connection = connect(file).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// One number from the records.
fn number(scratch: &Scratch, query: &str) -> i64 {
    wait(async {
        let mut connection = connect(&database(scratch)).await;
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
    })
}

fn database(scratch: &Scratch) -> Utf8PathBuf {
    scratch.root.join(".sr-pipe/records.sqlite")
}

/// Two stages a cell, the first of them shared; values `fail` lets fail.
fn pipeline(first: &str, fail: u32) -> String {
    format!(
        "stages:\n  base: {{ shell: {{ command: \"echo {first} > $OUT/base\" }} }}\n  \
         out: {{ shell: {{ command: \"test ${{n}} != {fail} && cat $IN_BASE/base > $OUT/out && echo ${{n}} >> $OUT/out\", \
         inputs: {{ base: base }} }} }}\n"
    )
}

fn project(values: &[u32]) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("pipelines/p.yaml", &pipeline("one", 0)).write("experiments/e.yaml", &grid(values));
    scratch
}

fn json_of(scratch: &Scratch, arguments: &[&str]) -> Value {
    serde_json::from_str(&scratch.sr_pipe(arguments).expect(0).stdout).unwrap()
}

#[test]
fn a_run_that_ends_as_the_one_before_is_one_line_and_reads_the_same() {
    let scratch = project(&[1, 2, 3]);
    for _ in 0..3 {
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    }
    assert_eq!(number(&scratch, "SELECT count(*) FROM cells"), 3);
    assert_eq!(number(&scratch, "SELECT count(*) FROM run_stages"), 4, "three cells share their first stage");
    let run = |id: &str| json_of(&scratch, &["runs", "show", id, "--json"]);
    assert_eq!(run("1")["cells"], run("3")["cells"]);
    assert_eq!((&run("2")["same_as"], &run("3")["same_as"]), (&json!(1), &json!(1)));
    assert!(run("1")["cells"].as_array().unwrap().len() == 3 && run("3")["attempts"] == json!([]));
    let listed = scratch.sr_pipe(&["runs", "list"]).expect(0).stdout;
    let cells: Vec<&str> = listed.lines().skip(1).map(|line| line.split_whitespace().nth(3).unwrap()).collect();
    assert_eq!(cells, ["3", "3", "3"]);

    scratch.write("experiments/e.yaml", &grid(&[1, 2]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(run("4")["same_as"], Value::Null);
    assert_eq!(run("4")["cells"].as_array().unwrap().len(), 2);
    scratch.write("experiments/e.yaml", &grid(&[1, 2, 3]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(run("5")["same_as"], Value::Null, "only the newest run is compared");
}

#[test]
fn a_cell_is_followed_down_to_its_first_stage() {
    let scratch = project(&[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    // In the second run nothing ran: what made the result is still found.
    let cell = json_of(&scratch, &["runs", "show", "2", "d/n=2/seed=1", "--json"]);
    let stages = cell["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(names, ["base", "out"]);
    assert_eq!(stages[1]["reads"], json!(["d · base"]));
    assert_eq!(stages[1]["fingerprint"]["inputs"]["base"], stages[0]["object"]);
    assert_eq!(stages[1]["key"], cell["key"]);
    for stage in stages {
        assert_eq!(stage["attempts"][0]["run"], json!(1));
        assert!(stage["made_with"]["sr_pipe"].is_string() && stage["attempts"][0]["seconds"].is_number());
    }
    assert_eq!(cell["protocol_digest"].as_str().unwrap().len(), 64);
    let text = scratch.sr_pipe(&["runs", "show", "2", "d/n=2/seed=1"]).expect(0).stdout;
    for part in ["d · base", "same as     run 1", "made by", stages[0]["key"].as_str().unwrap()] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    scratch
        .sr_pipe(&["runs", "show", "2", "d/n=2"])
        .expect(2)
        .told(&["no cell `d/n=2`", "did you mean `d/n=2/seed=1`?"]);
}

#[test]
fn what_a_key_was_made_from_outlives_its_result_and_is_there_after_a_failure() {
    let scratch = project(&[1, 2]);
    scratch.write("pipelines/p.yaml", &pipeline("one", 2));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    let stages = |cell: &str| json_of(&scratch, &["runs", "show", "1", cell, "--json"])["stages"].clone();
    let (before, failed) = (stages("d/n=1/seed=1"), stages("d/n=2/seed=1"));
    assert_eq!((&failed[1]["state"], &failed[1]["object"]), (&json!("failed"), &Value::Null));
    assert!(failed[1]["fingerprint"]["config"]["command"].as_str().unwrap().contains("test 2 != 2"));
    assert!(failed[1]["attempts"][0]["error"].is_string());
    execute(&database(&scratch), "DELETE FROM results");
    assert_eq!(stages("d/n=1/seed=1"), before);
}

#[test]
fn the_state_of_the_sources_is_on_record_when_something_ran() {
    let scratch = project(&[1]);
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        let mut command = std::process::Command::new("git");
        assert!(command.current_dir(&scratch.root).args(identity).args(arguments).output().unwrap().status.success());
    };
    scratch.write("results/old.md", "old");
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    let run = |first: &str| {
        scratch.write("pipelines/p.yaml", &pipeline(first, 0));
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
        let newest = json_of(&scratch, &["runs", "show", "--json"])["environment"].clone();
        (newest["git_commit"].clone(), newest["git_dirty"].clone(), newest["git_diff"].clone())
    };
    scratch.write("results/old.md", "new").write("results/new.md", "new");
    let (commit, dirty, digest) = run("one");
    assert_eq!(commit.as_str().unwrap().len(), 40);
    assert_eq!((dirty, digest), (json!(false), Value::Null), "neither cache nor reports are part of the sources");
    let (same, dirty, changed) = run("two");
    assert_eq!((same, dirty), (commit.clone(), json!(true)));
    scratch.write("new.txt", "1");
    let (_, _, with_new) = run("three");
    scratch.write("new.txt", "2").write("pipelines/p.yaml", &pipeline("three", 0));
    let (_, _, other_new) = run("four");
    assert!(changed.is_string() && changed != with_new && with_new != other_new);
    let (commit, _, _) = run("four");
    assert_eq!(commit, Value::Null, "nothing ran, so nobody asked git");
}

#[test]
fn two_runs_are_compared_field_by_field() {
    let scratch = project(&[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.write("pipelines/p.yaml", &pipeline("two", 3)).write("experiments/e.yaml", &grid(&[2, 3]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    let found = json_of(&scratch, &["runs", "diff", "1", "2", "--json"]);
    assert_eq!((&found["only_a"], &found["only_b"]), (&json!(["d/n=1/seed=1"]), &json!(["d/n=3/seed=1"])));
    assert_eq!((&found["compared"], &found["alike"]), (&json!(1), &json!(0)));
    let stages = found["stages"].as_array().unwrap();
    let told = |stage: &str, aspect: &str| stages.iter().any(|one| one["stage"] == stage && one["aspect"] == aspect);
    assert!(told("base", "code") && told("out", "input") && told("out", "code"), "{stages:#?}");
    assert!(found["environment"].as_array().unwrap().iter().any(|one| one["field"] == "experiment_digest"));
    let text = scratch.sr_pipe(&["runs", "diff", "1", "2"]).expect(0).stdout;
    for part in ["only in run 1", "only in run 2", "input `base` has other content"] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    // Two cells of one run.
    let cells = json_of(&scratch, &["runs", "diff", "2:d/n=2/seed=1", "2:d/n=3/seed=1", "--json"]);
    assert_eq!(cells["states"], json!([{"cell": "d/n=2/seed=1 → d/n=3/seed=1", "a": "done", "b": "failed"}]));
    let alike = json_of(&scratch, &["runs", "diff", "1", "1", "--json"]);
    assert_eq!((&alike["alike"], &alike["stages"]), (&json!(2), &json!([])));
    let none = json_of(&scratch, &["runs", "diff", "1", "2", "--cells", "*n=7", "--json"]);
    assert_eq!((&none["compared"], &none["only_a"]), (&json!(0), &json!([])));
    scratch.sr_pipe(&["runs", "diff", "1", "9"]).expect(2).told(&["no run 9"]);
}

/// The cells that a search finds.
fn found(scratch: &Scratch, filters: &[&str]) -> Vec<String> {
    let rows = json_of(scratch, &[&["runs", "search", "--json"], filters].concat());
    rows.as_array().unwrap().iter().map(|row| format!("{} {}", row["run"], row["cell"].as_str().unwrap())).collect()
}

#[test]
fn cells_are_found_by_any_field() {
    let scratch = project(&[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.write("pipelines/p.yaml", &pipeline("two", 2));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    assert_eq!(
        found(&scratch, &[]),
        ["3 d/n=1/seed=1", "3 d/n=2/seed=1", "1 d/n=1/seed=1", "1 d/n=2/seed=1"],
        "run 2 ended as run 1"
    );
    assert_eq!(found(&scratch, &["run=2", "n=1"]), ["2 d/n=1/seed=1"]);
    assert_eq!(found(&scratch, &["state=failed"]), ["3 d/n=2/seed=1"]);
    assert_eq!(found(&scratch, &["cell=d/*", "state!=failed", "config.base.command=*two*"]), ["3 d/n=1/seed=1"]);
    assert_eq!(
        found(&scratch, &["experiment=experiments/e*", "seconds<1h", "started>2020-01-01", "seed=1", "run<2"]).len(),
        2
    );
    let limited = scratch.sr_pipe(&["runs", "search", "--limit", "1"]).expect(0).told(&["1 of 4 cells shown"]);
    assert_eq!(limited.stdout.lines().count(), 2);
    scratch.sr_pipe(&["runs", "search", "stat=failed"]).expect(2).told(&["no cell has a field `stat`", "`state`"]);
    scratch.sr_pipe(&["runs", "search", "seed=one"]).expect(2).told(&["`seed` is a number"]);
    scratch.sr_pipe(&["runs", "search", "seed"]).expect(2).told(&["is no filter"]);
}

/// A project whose one cell has ranks and a curve, as training leaves them.
fn trained() -> Scratch {
    use sr_pipe::data::ranks::{Rank, Ranks};

    let scratch = Scratch::new();
    let rank = |sample, above| Rank { sample, session: sample, target: 0, above, ties: 0, candidates: 100 };
    fs_err::create_dir_all(scratch.root.join("data")).unwrap();
    let ranks = Ranks { selections: BTreeMap::from([("best".into(), vec![rank(0, 0), rank(1, 1), rank(2, 50)])]) };
    ranks.write(&scratch.root.join("data/ranks.parquet")).unwrap();
    scratch.write(
        "pipelines/p.yaml",
        "stages:\n  raw: { files: { folder: ., files: [ranks.parquet] } }\n  \
         out: { shell: { command: \"cp $IN_RAW/ranks.parquet $OUT/ && : ${n}\", inputs: { raw: raw } } }\n",
    );
    scratch.write("experiments/e.yaml", &grid(&[7]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    wait(async {
        let records = sr_pipe::record::Records::open(&scratch.root.join(".sr-pipe")).await.unwrap();
        for (epoch, loss, mrr) in [(1, 2.5, 0.25), (2, 1.5, 0.5), (3, 1.25, 0.375)] {
            let event = json!({"epoch": epoch, "epochs": 3, "loss": loss, "metrics": {"mrr@20": mrr}, "seconds": 2.0});
            records.add_epoch(1, epoch, &event).await.unwrap();
        }
    });
    scratch
}

#[test]
fn numbers_of_the_report_and_of_the_epochs_are_searched_and_exported() {
    let scratch = trained();
    let rows = json_of(&scratch, &["runs", "export", "--format", "json"]);
    let row = &rows[0];
    assert_eq!((&row["epochs"], &row["epoch.loss"], &row["epoch.mrr@20"]), (&json!(3), &json!(1.25), &json!(0.5)));
    assert!((row["mrr@20"].as_f64().unwrap() - 0.5).abs() < 1e-9, "(1 + 1/2 + 0) / 3");
    assert!((row["hit@5"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9);
    assert_eq!(found(&scratch, &["mrr@20>0.4", "hit@1<0.4"]), ["1 d/n=7/seed=1"]);
    assert_eq!(found(&scratch, &["mrr@20>0.6"]), Vec::<String>::new());
    assert_eq!(found(&scratch, &["epoch.mrr@20=0.5"]), ["1 d/n=7/seed=1"]);

    let csv = scratch.sr_pipe(&["runs", "export", "--format", "csv", "--metrics", "hit@1"]).expect(0).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let line = reader.records().next().unwrap().unwrap();
    let column = |name: &str| line[header.iter().position(|field| field == name).unwrap()].to_owned();
    assert_eq!(
        (column("cell").as_str(), column("n").as_str(), column("state").as_str()),
        ("d/n=7/seed=1", "7", "done")
    );
    assert!(column("hit@1").starts_with("0.333"));

    scratch.sr_pipe(&["runs", "export", "--format", "parquet"]).expect(2).told(&["--out"]);
    scratch.sr_pipe(&["runs", "export", "--format", "parquet", "--out", "cells.parquet"]).expect(0);
    let file = std::fs::File::open(scratch.root.join("cells.parquet")).unwrap();
    let mut batches =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    let type_of = |name: &str| batch.column_by_name(name).unwrap().data_type().to_string();
    assert_eq!(
        (type_of("seed"), type_of("mrr@20"), type_of("cell")),
        ("Int64".into(), "Float64".into(), "LargeUtf8".into())
    );
    assert_eq!(batch.num_rows(), 1);
}

#[test]
fn mlflow_finds_runs_params_and_the_curve() {
    let scratch = trained();
    for _ in 0..2 {
        scratch.sr_pipe(&["runs", "export", "--format", "mlflow", "--out", "mlruns"]).expect(0);
    }
    let only = |folder: &Utf8Path| {
        let inside = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
        let folders: Vec<Utf8PathBuf> = inside.filter(|path| path.is_dir()).collect();
        assert_eq!(folders.len(), 1, "a second export replaces the first: {folders:?}");
        folders[0].clone()
    };
    let experiment = only(&scratch.root.join("mlruns"));
    let run = only(&experiment);
    let meta = |path: &Utf8Path| -> Value {
        serde_json::from_str(&fs_err::read_to_string(path.join("meta.yaml")).unwrap()).unwrap()
    };
    assert_eq!(meta(&experiment)["name"], "experiments/e.yaml");
    assert_eq!(meta(&experiment)["experiment_id"], experiment.file_name().unwrap());
    assert_eq!((&meta(&run)["status"], &meta(&run)["run_id"]), (&json!(3), &json!(run.file_name().unwrap())));
    let read = |path: &str| fs_err::read_to_string(run.join(path)).unwrap();
    assert_eq!((read("params/n").as_str(), read("tags/sr-pipe.cell").as_str()), ("7", "d/n=7/seed=1"));
    let curve = read("metrics/epoch.mrr_at_20");
    let points: Vec<Vec<&str>> = curve.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(
        points.iter().map(|point| (point[1], point[2])).collect::<Vec<_>>(),
        [("0.25", "1"), ("0.5", "2"), ("0.375", "3")]
    );
    let times: Vec<i64> = points.iter().map(|point| point[0].parse().unwrap()).collect();
    assert_eq!((times[1] - times[0], times[2] - times[1]), (2000, 2000));
    assert_eq!(read("metrics/mrr_at_20").split(' ').nth(1).unwrap(), "0.5");
}

#[test]
fn tensorboard_event_files_hold_the_curve() {
    let scratch = trained();
    scratch.sr_pipe(&["runs", "export", "--format", "tensorboard", "--out", "tb"]).expect(0);
    let folder = scratch.root.join("tb/e/run-1/d/n=7/seed=1");
    let file = folder.read_dir_utf8().unwrap().next().unwrap().unwrap().into_path();
    assert!(file.file_name().unwrap().contains("tfevents"));
    let records = records_of(&fs_err::read(file).unwrap());
    assert_eq!(fields(&records[0]), [(1, records[0][1..9].to_vec()), (3, b"brain.Event:2".to_vec())]);
    let mut scalars = BTreeMap::new();
    for record in &records[1..] {
        let event: BTreeMap<u64, Vec<u8>> = fields(record).into_iter().collect();
        let value: BTreeMap<u64, Vec<u8>> = fields(&fields(&event[&5])[0].1).into_iter().collect();
        let tag = String::from_utf8(value[&1].clone()).unwrap();
        scalars.insert((tag, event[&2][0]), f32::from_le_bytes(value[&2].clone().try_into().unwrap()));
    }
    let at = |tag: &str, step: u8| scalars[&(tag.to_owned(), step)];
    assert_eq!(
        (at("epoch/loss", 1), at("epoch/loss", 3), at("epoch/mrr@20", 2), at("test/mrr@20", 3)),
        (2.5, 1.25, 0.5, 0.5)
    );
}

/// The records of a TFRecord file, their check sums worked out bit by bit.
fn records_of(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    fn check(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
            }
        }
        let crc = !crc;
        crc.rotate_right(15).wrapping_add(0xa282_ead8)
    }
    assert_eq!(check(b"123456789"), 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8), "a published vector");
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
        assert_eq!(u32::from_le_bytes(bytes[8..12].try_into().unwrap()), check(&bytes[..8]));
        let (data, rest) = bytes[12..].split_at(length);
        assert_eq!(u32::from_le_bytes(rest[..4].try_into().unwrap()), check(data));
        records.push(data.to_vec());
        bytes = &rest[4..];
    }
    records
}

/// The fields of a protocol buffer: numbers and the bytes of their values.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let head = varint(&mut bytes);
        let length = match head & 7 {
            0 => {
                let value = varint(&mut bytes);
                found.push((head >> 3, value.to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).unwrap(),
            5 => 4,
            other => panic!("a field of kind {other}"),
        };
        found.push((head >> 3, bytes[..length].to_vec()));
        bytes = &bytes[length..];
    }
    found
}

/// Records as an earlier version made them, by these of its migrations; empty.
fn earlier_version(scratch: &Scratch, migrations: &[&str]) {
    let source = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("src/record/migrations");
    let only = scratch.root.join("earlier-version");
    fs_err::create_dir_all(&only).unwrap();
    fs_err::create_dir_all(scratch.root.join(".sr-pipe")).unwrap();
    for migration in migrations {
        fs_err::copy(source.join(migration), only.join(migration)).unwrap();
    }
    wait(async {
        let mut connection = connect(&database(scratch)).await;
        let migrations = sqlx::migrate::Migrator::new(only.as_std_path()).await.unwrap();
        migrations.run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Records as the first version left them, with a row in every table.
fn first_version(scratch: &Scratch) {
    earlier_version(scratch, &["1_first.sql"]);
    let key = "ab".repeat(32);
    let object = "cd".repeat(32);
    execute(
        &database(scratch),
        &format!(
            "INSERT INTO runs VALUES (1, 'experiments/old.yaml', '{key}', '{{\"ties\":\"mean\"}}', 'sr-pipe run x', \
             '2026-01-02T03:04:05Z', '2026-01-02T03:05:05Z', 'failed', 1, '{{\"host\":\"old\",\"git_commit\":\"abc\"}}');
             INSERT INTO cells VALUES (1, 'd/n=1', '{{\"dataset\":\"d\",\"n\":\"1\"}}', 1, 'done', '{key}', '{object}');
             INSERT INTO cells VALUES (1, 'd/n=2', '{{\"dataset\":\"d\",\"n\":\"2\"}}', 1, 'failed', NULL, NULL);
             INSERT INTO attempts VALUES (1, 1, '{key}', 'd/n=1 · out', 'shell', 'done', '2026-01-02T03:04:05Z', \
             '2026-01-02T03:04:06Z', 'logs/1.log', NULL);
             INSERT INTO results VALUES ('{key}', 'd/n=1 · out', '{{\"config\":{{\"command\":\"true\"}},\"kind\":\"shell\"}}', \
             '{object}', '{{\"lines\":4}}', 1.5, 1);
             INSERT INTO files VALUES ('{object}', 'out', 3, '{key}', 1, 2, 3, 4);
             INSERT INTO memo VALUES ('/raw', 3, '{key}', 1, 2, 3, 4);
             INSERT INTO epochs VALUES (1, 1, '{{\"epoch\":1,\"loss\":0.5,\"metrics\":{{\"mrr@20\":0.25}}}}');"
        ),
    );
}

#[test]
fn records_of_the_first_version_are_all_there_after_an_update() {
    let scratch = Scratch::new();
    first_version(&scratch);
    let run = json_of(&scratch, &["runs", "show", "1", "--json"]);
    assert_eq!((&run["state"], &run["experiment"]), (&json!("failed"), &json!("experiments/old.yaml")));
    assert_eq!(run["cells"].as_array().unwrap().len(), 2);
    assert_eq!(run["cells"][1]["state"], "failed");
    assert_eq!(run["protocol_digest"].as_str().unwrap().len(), 64);
    assert_eq!((&run["attempts"][0]["notes"]["lines"], &run["attempts"][0]["seconds"]), (&json!(4), &json!(1.5)));
    let cell = json_of(&scratch, &["runs", "show", "1", "d/n=1", "--json"]);
    assert_eq!(cell["stages"][0]["fingerprint"]["config"]["command"], "true");
    assert_eq!(cell["stages"][0]["curve"][0]["loss"], 0.5);
    assert_eq!(cell["stages"][0]["made_with"]["git_commit"], "abc");
    assert_eq!(found(&scratch, &["epoch.mrr@20=0.25", "host=old"]), ["1 d/n=1"]);
    assert!(scratch.sr_pipe(&["runs", "list"]).expect(0).stdout.contains("experiments/old.yaml"));
    json_of(&scratch, &["runs", "diff", "1:d/n=1", "1:d/n=2", "--json"]);
    json_of(&scratch, &["runs", "export", "--format", "json"]);
    wait(async {
        let records = sr_pipe::record::Records::open(&scratch.root.join(".sr-pipe")).await.unwrap();
        let index = records.cache_index().await.unwrap();
        let (key, object) = ("ab".repeat(32).parse().unwrap(), "cd".repeat(32).parse().unwrap());
        assert_eq!(index.results[&key], sr_pipe::record::StoredResult { object, seconds: 1.5 });
        let (entry, stamp) = &index.files[&object][0];
        assert_eq!((entry.path.as_str(), entry.size, entry.hash), ("out", 3, key));
        assert_eq!((stamp.device, stamp.inode, stamp.modified, stamp.changed), (1, 2, 3, 4));
        assert_eq!(records.memo("/raw".into(), stamp).await.unwrap(), Some(key));
    });
    // And work goes on in them.
    scratch.write("pipelines/p.yaml", &pipeline("one", 0)).write("experiments/e.yaml", &grid(&[1]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(found(&scratch, &["run=2"]), ["2 d/n=1/seed=1"]);
}

#[test]
fn raw_files_that_the_second_version_saw_are_known_wherever_they_lay() {
    let scratch = Scratch::new();
    earlier_version(&scratch, &["1_first.sql", "2_history.sql"]);
    let object = "cd".repeat(32);
    execute(
        &database(&scratch),
        &format!("INSERT INTO sources VALUES ('kkbox', '[\"songs.csv\",\"train.csv\"]', '{object}')"),
    );
    let sources = wait(async {
        let records = sr_pipe::record::Records::open(&scratch.root.join(".sr-pipe")).await.unwrap();
        records.sources().await.unwrap()
    });
    let (files, object) = (vec!["songs.csv".into(), "train.csv".into()], object.parse().unwrap());
    assert_eq!(sources, [sr_pipe::record::SeenSource { data: None, folder: "kkbox".into(), files, object }]);
}

#[test]
fn records_of_a_newer_version_are_refused_and_left_alone() {
    let scratch = project(&[1]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let known = number(&scratch, "SELECT max(version) FROM _sqlx_migrations");
    execute(
        &database(&scratch),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'00', 0)",
    );
    for command in [&["run", "experiments/e.yaml"][..], &["runs", "list"]] {
        let said = scratch.sr_pipe(command);
        assert_ne!(said.code, Some(0));
        said.told(&["are of version 99", &format!("knows versions up to {known}"), "help:"]);
    }
    assert_eq!(number(&scratch, "SELECT count(*) FROM runs"), 1);
}

#[test]
fn eight_processes_at_once_open_a_fresh_and_an_old_file() {
    let fresh = project(&[1, 2]);
    let old = project(&[1, 2]);
    first_version(&old);
    for (scratch, earlier) in [(&fresh, 0), (&old, 1)] {
        let children: Vec<_> = (0..8).map(|_| scratch.start(&["run", "experiments/e.yaml"])).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(number(scratch, "SELECT count(*) FROM runs WHERE state = 'done'"), 8);
        assert_eq!(number(scratch, "SELECT count(*) FROM attempts WHERE state = 'done'"), 3 + earlier);
    }
    let versions = wait(async {
        let mut connection = connect(&database(&old)).await;
        let rows = sqlx::query("SELECT version FROM _sqlx_migrations ORDER BY version");
        rows.fetch_all(&mut connection).await.unwrap().iter().map(|row| row.get::<i64, _>(0)).collect::<Vec<_>>()
    });
    assert_eq!(&versions[..2], [1, 2]);
}
