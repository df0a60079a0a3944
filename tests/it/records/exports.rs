//! What of the records other programs read: CSV, JSON, Parquet, MLflow, TensorBoard.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use super::{found, json_of, wait};
use crate::scratch::{Scratch, grid};

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
