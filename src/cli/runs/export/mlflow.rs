//! MLflow's file store: `EXPERIMENT/meta.yaml`, and for each run of it (here: a cell of a run) `meta.yaml`, `params/`,
//! `tags/` and `metrics/`, one file a name. A file of `metrics/` has a line `TIMESTAMP VALUE STEP` for each epoch.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde_json::{Value, json};

use super::super::facts::plain;
use super::super::search::Found;
use super::curve::{ended, finals, millis, points};
use super::path_part;
use crate::hash::ContentHash;
use crate::metric::MetricAt;
use crate::record::Details;

/// The longest value of a parameter that MLflow takes.
const LONGEST: usize = 6_000;

/// Numbers of a row that are metrics to MLflow, so that runs can be compared by them.
const EFFORT: [&str; 4] = ["seconds", "peak_memory", "peak_gpu_memory", "epochs"];

/// Writes the cells; the same cell of the same run has the same place, so that a second export replaces the first.
pub(super) fn write(
    folder: &Utf8Path,
    details: &Details,
    found: &[Found<'_>],
    metrics: &[MetricAt],
) -> std::io::Result<()> {
    fs_err::create_dir_all(folder)?;
    let folder = &folder.canonicalize_utf8()?;
    for cell in found {
        let experiment = experiment_id(&cell.run.run.experiment);
        let of_experiment = folder.join(&experiment);
        let meta = json!({
            "artifact_location": format!("file://{of_experiment}"),
            "creation_time": millis(&cell.run.run.started),
            "experiment_id": experiment,
            "last_update_time": ended(cell.run),
            "lifecycle_stage": "active",
            "name": cell.run.run.experiment,
        });
        if !of_experiment.join("meta.yaml").exists() {
            fs_err::create_dir_all(&of_experiment)?;
            put(&of_experiment.join("meta.yaml"), &format!("{meta:#}\n"))?;
        }
        write_cell(&of_experiment, &experiment, details, cell, metrics)?;
    }
    Ok(())
}

fn write_cell(
    of_experiment: &Utf8Path,
    experiment: &str,
    details: &Details,
    found: &Found<'_>,
    metrics: &[MetricAt],
) -> std::io::Result<()> {
    let run = &found.run.run;
    let id = ContentHash::of_json(&json!([run.experiment, run.id, run.started, run.digest, found.cell.name]));
    let id = &id.to_string()[..32];
    let place = of_experiment.join(id);
    let name = format!("{} (run {})", found.cell.name, run.id);
    let status = match found.cell.state.as_str() {
        "done" => 3,
        "failed" | "blocked" => 4,
        _ => 5,
    };
    // JSON is YAML too.
    let meta = json!({
        "artifact_uri": format!("file://{place}/artifacts"),
        "end_time": ended(found.run),
        "entry_point_name": "",
        "experiment_id": experiment,
        "lifecycle_stage": "active",
        "run_id": id,
        "run_name": name,
        "run_uuid": id,
        "source_name": "",
        "source_type": 4,
        "source_version": "",
        "start_time": millis(&run.started),
        "status": status,
        "tags": [],
        "user_id": "",
    });
    for folder in ["params", "metrics", "tags", "artifacts"] {
        fs_err::create_dir_all(place.join(folder))?;
    }
    let mut series: BTreeMap<String, String> = BTreeMap::new();
    let mut add = |name: String, time: i64, value: f64, step: i64| {
        series.entry(metric_name(&name)).or_default().push_str(&format!("{time} {value} {step}\n"));
    };
    let curve = points(details, found.run, found.cell);
    let last = curve.last().map_or(0, |point| point.step);
    for point in curve {
        add(format!("epoch.{}", point.name), point.time, point.value, point.step);
    }
    for (name, value) in finals(&found.row, metrics) {
        add(name, ended(found.run), value, last);
    }
    for name in EFFORT {
        if let Some(value) = found.row.get(name).and_then(Value::as_f64) {
            add(name.to_owned(), ended(found.run), value, last);
        }
    }
    for (name, lines) in series {
        put(&place.join("metrics").join(path_part(&name)), &lines)?;
    }
    let is_number =
        |field: &str| EFFORT.contains(&field) || field.starts_with("epoch.") || field.parse::<MetricAt>().is_ok();
    let is_param = |field: &str| {
        field == "seed"
            || field.starts_with("config.")
            || field.starts_with("protocol.")
            || found.cell.coordinates.contains_key(field)
    };
    for (field, value) in found.row.iter().filter(|(field, value)| !value.is_null() && !is_number(field)) {
        // One line a file.
        let text: String = plain(value).replace('\n', "\\n").chars().take(LONGEST).collect();
        let (kind, name) =
            if is_param(field) { ("params", field.clone()) } else { ("tags", format!("sr-pipe.{field}")) };
        put(&place.join(kind).join(path_part(&name)), &text)?;
    }
    put(&place.join("tags/mlflow.runName"), &name)?;
    put(&place.join("tags/mlflow.source.name"), &run.command)?;
    if let Some(commit) = found.row.get("git_commit").and_then(Value::as_str) {
        put(&place.join("tags/mlflow.source.git.commit"), commit)?;
    }
    // Last: MLflow takes a folder with this file for a run.
    put(&place.join("meta.yaml"), &format!("{meta:#}\n"))
}

/// MLflow wants digits.
fn experiment_id(name: &str) -> String {
    let digest = ContentHash::of(name.as_bytes());
    let number = digest.bytes().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{:018}", number % 1_000_000_000_000_000_000)
}

/// MLflow knows no `@` in names.
fn metric_name(name: &str) -> String {
    name.replace('@', "_at_")
}

fn put(path: &Utf8Path, text: &str) -> std::io::Result<()> {
    fs_err::write(path, text)
}
