//! `sr-pipe runs show`: all that is on record of a run, or of one of its cells, stage by stage.

use clap::Args;
use serde_json::{Map, Value, json};

use super::facts::{flatten, plain};
use super::{CommandError, Ending, Place, cell_of, columns, count, print, print_json, run_details, short};
use crate::record::{AttemptRow, CellDetail, Details, RunDetail, StageDetail};

/// All that is on record of one run; of one of its cells stage by stage, down to the raw files.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The number of the run; the newest if left out.
    run: Option<i64>,
    /// One of its cells: `demo/m-sr/seed=1`.
    cell: Option<String>,
    #[command(flatten)]
    place: Place,
    /// As JSON, nothing shortened.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let records = arguments.place.records().await?;
    let details = run_details(&records, arguments.run).await?;
    let run = &details.runs[0];
    let cell = arguments.cell.as_deref().map(|name| cell_of(run, name)).transpose()?;
    match (cell, arguments.json) {
        (None, true) => print_json(&run_json(&details, run)),
        (Some(cell), true) => print_json(&cell_json(&details, run, cell)),
        (None, false) => {
            print(&(head(run) + &overview(run) + &ran(&details, run)))?;
            Ok(Ending::Done)
        }
        (Some(cell), false) => {
            print(&(head(run) + &cell_text(&details, run, cell)))?;
            Ok(Ending::Done)
        }
    }
}

/// Names and values in two columns.
fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name:<width$}  {value}\n"))
        .collect()
}

fn head(run: &RunDetail) -> String {
    let row = &run.run;
    let digest = |text: &str| text.get(..12).unwrap_or(text).to_owned();
    let chosen = row.choices.as_object().is_some_and(|choices| !choices.is_empty());
    pairs(&[
        ("run", row.id.to_string()),
        ("experiment", format!("{} ({})", row.experiment, digest(&row.digest))),
        ("state", row.state.clone()),
        ("started", row.started.clone()),
        ("finished", row.finished.clone().unwrap_or_else(|| "-".into())),
        (
            "same as",
            row.same_as.map(|run| format!("run {run}: every cell and stage ended as there")).unwrap_or_default(),
        ),
        ("command", row.command.clone()),
        ("choices", if chosen { fields("", &row.choices) } else { String::new() }),
        ("protocol", format!("{} ({})", fields("", &row.protocol), digest(&row.protocol_digest))),
        ("made with", fields("", &row.environment)),
    ])
}

/// `ties mean, select_on test`: the fields of a value on one line, without those that are missing.
fn fields(path: &str, value: &Value) -> String {
    let mut flat = Map::new();
    flatten(path, value, &mut flat);
    let known = flat.iter().filter(|(_, value)| !value.is_null());
    known
        .map(|(name, value)| format!("{} {}", name.trim_start_matches('.'), plain(value)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn overview(run: &RunDetail) -> String {
    let cells: Vec<Vec<String>> = run
        .cells
        .iter()
        .map(|cell| vec![cell.name.clone(), cell.state.clone(), short(cell.key.as_ref()), short(cell.object.as_ref())])
        .collect();
    format!("\n{}", columns(&["cell", "state", "key", "object"], &cells))
}

/// The attempts of the run itself, their counts and epochs.
fn ran(details: &Details, run: &RunDetail) -> String {
    let mut attempts: Vec<&AttemptRow> =
        details.attempts.values().flatten().filter(|attempt| attempt.run == run.run.id).collect();
    attempts.sort_by_key(|attempt| attempt.id);
    let mut text = attempts_table(&attempts);
    let mut counts = Vec::new();
    let mut epochs = Vec::new();
    for attempt in attempts {
        counts.extend(counts_of(attempt).into_iter().map(|(name, value)| vec![attempt.label.clone(), name, value]));
        for event in details.epochs_of(attempt.id) {
            epochs.push([vec![attempt.label.clone()], epoch(event)].concat());
        }
    }
    if !counts.is_empty() {
        text.push_str(&format!("\n{}", columns(&["stage", "count", ""], &counts)));
    }
    if !epochs.is_empty() {
        text.push_str(&format!("\n{}", columns(&["stage", "epoch", "loss", "hit@20", "mrr@20", "samples/s"], &epochs)));
    }
    text
}

fn attempts_table(attempts: &[&AttemptRow]) -> String {
    if attempts.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = attempts
        .iter()
        .map(|attempt| {
            let error = attempt.error.as_deref().and_then(|error| error.lines().next()).unwrap_or_default();
            vec![
                attempt.id.to_string(),
                attempt.run.to_string(),
                attempt.label.clone(),
                attempt.state.clone(),
                attempt.started.clone(),
                attempt.seconds.map_or_else(|| "-".into(), |seconds| format!("{seconds:.1}")),
                attempt.threads.map_or_else(|| "-".into(), |threads| threads.to_string()),
                bytes(attempt.peak_memory),
                attempt.log.clone(),
                error.to_owned(),
            ]
        })
        .collect();
    let header = ["attempt", "run", "stage", "state", "started", "seconds", "threads", "memory", "log", "error"];
    format!("\n{}", columns(&header, &rows))
}

fn bytes(count: Option<i64>) -> String {
    count.map_or_else(|| "-".into(), |count| crate::unit::Size::of_bytes(count.unsigned_abs()).to_string())
}

fn counts_of(attempt: &AttemptRow) -> Vec<(String, String)> {
    attempt.notes.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), plain(value))).collect()
}

fn epoch(event: &Value) -> Vec<String> {
    let number = |value: &Value, digits: usize| {
        value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
    };
    vec![
        event["epoch"].to_string(),
        number(&event["loss"], 4),
        number(&event["metrics"]["hit@20"], 4),
        number(&event["metrics"]["mrr@20"], 4),
        number(&event["samples_per_second"], 0),
    ]
}

fn cell_text(details: &Details, run: &RunDetail, cell: &CellDetail) -> String {
    let axes: Vec<String> = cell.coordinates.iter().map(|(axis, value)| format!("{axis} {value}")).collect();
    let mut text = format!(
        "\n{}",
        pairs(&[
            ("cell", cell.name.clone()),
            ("at", axes.join(", ")),
            ("seed", cell.seed.to_string()),
            ("state", cell.state.clone())
        ])
    );
    for stage in run.stages_of(cell) {
        text.push_str(&format!("\n{}\n", stage.label));
        text.push_str(
            &stage_text(details, run, stage)
                .lines()
                .map(|line| format!("  {line}").trim_end().to_owned() + "\n")
                .collect::<String>(),
        );
    }
    text
}

fn stage_text(details: &Details, run: &RunDetail, stage: &StageDetail) -> String {
    let key = stage.key.as_deref();
    let fingerprint = key.and_then(|key| details.fingerprint(key));
    let part = |name: &str| fingerprint.map(|fingerprint| fields("", &fingerprint[name])).unwrap_or_default();
    let reads: Vec<String> =
        stage.inputs.iter().filter_map(|input| run.stages.get(*input)).map(|input| input.label.clone()).collect();
    let maker = key.and_then(|key| details.maker(key));
    let made = maker.map(|attempt| {
        let environment = details.environment(attempt.run).map(|environment| fields("", environment));
        format!("attempt {} of run {}: {}", attempt.id, attempt.run, environment.unwrap_or_default())
    });
    let took = maker.map(|attempt| {
        let phases = attempt.phases.as_ref().and_then(Value::as_object).into_iter().flatten();
        let phases = phases.map(|(name, seconds)| format!("{name} {:.1}", seconds.as_f64().unwrap_or_default()));
        let phases: Vec<String> = phases.collect();
        let phases = if phases.is_empty() { String::new() } else { format!(" ({})", phases.join(", ")) };
        attempt.seconds.map(|seconds| format!("{seconds:.1} s{phases}")).unwrap_or_default()
    });
    let text = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(plain).unwrap_or_default();
    let mut shown = pairs(&[
        ("state", stage.state.clone()),
        ("key", stage.key.clone().unwrap_or_default()),
        ("object", stage.object.clone().unwrap_or_default()),
        ("reads", reads.join(", ")),
        ("inputs", part("inputs")),
        ("config", part("config")),
        ("seed", text(fingerprint.map(|fingerprint| &fingerprint["seed"]))),
        ("version", text(fingerprint.map(|fingerprint| &fingerprint["version"]))),
        ("protocol", part("protocol")),
        ("environment", part("environment")),
        ("accepted", key.and_then(|key| details.accepted(key)).map(|note| fields("", note)).unwrap_or_default()),
        ("made by", made.unwrap_or_default()),
        ("took", took.unwrap_or_default()),
        (
            "peak memory",
            maker.and_then(|attempt| attempt.peak_memory).map(|count| bytes(Some(count))).unwrap_or_default(),
        ),
        (
            "on the GPU",
            maker.and_then(|attempt| attempt.peak_gpu_memory).map(|count| bytes(Some(count))).unwrap_or_default(),
        ),
        ("threads", maker.and_then(|attempt| attempt.threads).map(|threads| threads.to_string()).unwrap_or_default()),
        ("GPUs", maker.and_then(|attempt| attempt.gpus.clone()).unwrap_or_default()),
    ]);
    for (name, value) in maker.map(counts_of).unwrap_or_default() {
        shown.push_str(&format!("{name}: {value}\n"));
    }
    let Some(key) = key else { return shown };
    let attempts: Vec<&AttemptRow> = details.attempts.get(key).into_iter().flatten().collect();
    if attempts.len() > 1 || attempts.iter().any(|attempt| attempt.state != "done") {
        shown.push_str(&attempts_table(&attempts));
    }
    let curve: Vec<Vec<String>> = details.curve(key).into_iter().map(epoch).collect();
    if !curve.is_empty() {
        shown.push_str(&format!(
            "\n{}, on the part that picks one\n{}",
            count(curve.len(), "epoch"),
            columns(&["epoch", "loss", "hit@20", "mrr@20", "samples/s"], &curve)
        ));
    }
    shown
}

fn run_json(details: &Details, run: &RunDetail) -> Value {
    let row = &run.run;
    let cells: Vec<Value> = run
        .cells
        .iter()
        .map(|cell| {
            json!({
                "cell": cell.name,
                "coordinates": cell.coordinates,
                "seed": cell.seed,
                "state": cell.state,
                "key": cell.key,
                "object": cell.object,
            })
        })
        .collect();
    let mut attempts: Vec<&AttemptRow> = details.attempts.values().flatten().filter(|one| one.run == row.id).collect();
    attempts.sort_by_key(|attempt| attempt.id);
    json!({
        "version": 1,
        "run": row.id,
        "experiment": row.experiment,
        "digest": row.digest,
        "state": row.state,
        "started": row.started,
        "finished": row.finished,
        "same_as": row.same_as,
        "command": row.command,
        "choices": row.choices,
        "protocol": row.protocol,
        "protocol_digest": row.protocol_digest,
        "environment": row.environment,
        "cells": cells,
        "attempts": attempts.into_iter().map(attempt_json).collect::<Vec<_>>(),
    })
}

fn cell_json(details: &Details, run: &RunDetail, cell: &CellDetail) -> Value {
    let stages: Vec<Value> = run
        .stages_of(cell)
        .into_iter()
        .map(|stage| {
            let key = stage.key.as_deref();
            let maker = key.and_then(|key| details.maker(key));
            let attempts = key.and_then(|key| details.attempts.get(key)).into_iter().flatten();
            let reads: Vec<&str> = stage.inputs.iter().map(|input| run.stages[*input].label.as_str()).collect();
            json!({
                "stage": stage.name(),
                "label": stage.label,
                "state": stage.state,
                "key": stage.key,
                "object": stage.object,
                "reads": reads,
                "fingerprint": key.and_then(|key| details.fingerprint(key)),
                "accepted": key.and_then(|key| details.accepted(key)),
                "made_by": maker.map(|attempt| attempt.id),
                "made_with": maker.and_then(|attempt| details.environment(attempt.run)),
                "attempts": attempts.map(attempt_json).collect::<Vec<_>>(),
                "curve": key.map(|key| details.curve(key)),
            })
        })
        .collect();
    json!({
        "version": 1,
        "run": run.run.id,
        "cell": cell.name,
        "coordinates": cell.coordinates,
        "seed": cell.seed,
        "state": cell.state,
        "key": cell.key,
        "object": cell.object,
        "protocol": run.run.protocol,
        "protocol_digest": run.run.protocol_digest,
        "environment": run.run.environment,
        "stages": stages,
    })
}

fn attempt_json(attempt: &AttemptRow) -> Value {
    json!({
        "attempt": attempt.id,
        "run": attempt.run,
        "key": attempt.key,
        "label": attempt.label,
        "kind": attempt.kind,
        "state": attempt.state,
        "started": attempt.started,
        "finished": attempt.finished,
        "seconds": attempt.seconds,
        "log": attempt.log,
        "error": attempt.error,
        "notes": attempt.notes,
        "threads": attempt.threads,
        "gpus": attempt.gpus,
        "peak_memory": attempt.peak_memory,
        "peak_gpu_memory": attempt.peak_gpu_memory,
        "phases": attempt.phases,
        "retries": attempt.retries,
    })
}
