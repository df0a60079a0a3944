//! `sr-pipe status`: the runs that are under way in a project, seen from another terminal.

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::place::Place;
use super::watch::snapshot::{Counts, Snapshot, Visible, visible};
use super::watch::{about, duration, first_line};
use super::{CommandError, Ending, block_on, columns, print};
use crate::record::{Records, RunRow};

/// How often `--watch` looks again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many stages and failures are listed.
const LISTED: usize = 20;

/// Show the runs that are under way, from any terminal.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Everything, as JSON (see docs/watching.md).
    #[arg(long)]
    json: bool,
    /// Show it again every second until no run is under way.
    #[arg(long)]
    watch: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(async {
        if !arguments.watch {
            print(&show(arguments).await?.0)?;
            return Ok(Ending::Done);
        }
        tokio::select! {
            ended = watch(arguments) => ended,
            _ = tokio::signal::ctrl_c() => Ok(Ending::Interrupted),
        }
    })
}

async fn watch(arguments: &Arguments) -> Result<Ending, CommandError> {
    let terminal = std::io::stdout().is_terminal();
    let mut last = String::new();
    loop {
        let (text, under_way) = show(arguments).await?;
        if terminal {
            // Back to the top, then what is left of the earlier text is cleared: no flicker.
            let lines = text.replace('\n', "\x1b[K\n");
            print(&format!("\x1b[H{lines}\x1b[J"))?;
        } else if text != last {
            print(&text)?;
        }
        last = text;
        if !under_way {
            return Ok(Ending::Done);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is to be printed, and whether a run is under way.
async fn show(arguments: &Arguments) -> Result<(String, bool), CommandError> {
    let state = arguments.place.state();
    let runs = visible(&state)?;
    let under_way = runs.iter().any(|run| run.alive);
    let newest = match under_way || !Records::exist(&state) {
        true => None,
        false => Records::open(&state).await?.runs(1).await?.into_iter().next(),
    };
    let now = Timestamp::now();
    if arguments.json {
        let runs: Vec<Value> = runs.iter().map(|run| as_json(run, now)).collect();
        let newest = newest.map(|run| {
            json!({
                "run": run.id, "state": state_of(&run), "experiment": run.experiment, "started": run.started,
                "finished": run.finished, "cells": run.cells,
            })
        });
        let whole = json!({ "version": 1, "runs": runs, "newest": newest });
        let text = if arguments.watch { whole.to_string() } else { format!("{whole:#}") };
        return Ok((text + "\n", under_way));
    }
    let mut parts: Vec<String> = runs.iter().map(|run| one(run, now)).collect();
    if !under_way {
        parts.push(match &newest {
            Some(run) => format!(
                "no run is under way; the newest is run {} ({}): {}, {} cells, started {}{}\n",
                run.id,
                run.experiment,
                state_of(run),
                run.cells,
                run.started,
                run.finished.as_ref().map_or_else(String::new, |finished| format!(", ended {finished}")),
            ),
            None => "no run is under way, and none is on record\n".into(),
        });
    }
    Ok((parts.join("\n"), under_way))
}

/// The records learn that a run was killed when the next one begins.
fn state_of(run: &RunRow) -> &str {
    if run.state == "running" { "killed" } else { &run.state }
}

/// One run for a person.
fn one(run: &Visible, now: Timestamp) -> String {
    let course = &run.course;
    let since = course.started.strftime("%Y-%m-%dT%H:%M:%SZ");
    let mut text = format!("run {}  {}", course.run, course.experiment);
    let Some(snapshot) = &run.snapshot else {
        text.push_str(if run.alive { "  begins\n" } else { "  was killed before it did anything\n" });
        return text;
    };
    if run.alive {
        let spent = duration(seconds(course.started, now));
        text.push_str(&format!("  for {spent}, since {since}, process {} on {}\n", course.process, course.host));
    } else {
        let last = snapshot.updated.strftime("%Y-%m-%dT%H:%M:%SZ");
        text.push_str(&format!(
            "  was killed at about {last}; `sr-pipe run {}` goes on from there\n",
            course.experiment
        ));
    }
    text.push_str(&format!("  cells   {}\n", counted(&snapshot.cells, "", run.alive)));
    let reused = if snapshot.reused > 0 { format!(" ({} reused)", snapshot.reused) } else { String::new() };
    let left = snapshot
        .seconds_left
        .filter(|_| run.alive)
        .map_or_else(String::new, |left| format!("; {}", about((left - seconds(snapshot.updated, now)).max(1.0))));
    text.push_str(&format!("  stages  {}{left}\n", counted(&snapshot.stages, &reused, run.alive)));
    if run.alive && !snapshot.running.is_empty() {
        text.push_str(&format!("\n{}", under_way(snapshot, now)));
    }
    if !snapshot.failures.is_empty() {
        text.push_str("\nfailed\n");
        for failure in snapshot.failures.iter().take(LISTED) {
            let cells = match failure.cell_count {
                0 | 1 => String::new(),
                count => format!(" (a stage of {count} cells)"),
            };
            text.push_str(&format!("  {}{cells}: {}\n", failure.stage, first_line(&failure.message)));
            if !failure.log.as_str().is_empty() {
                text.push_str(&format!("    log: {}\n", failure.log));
            }
        }
        if snapshot.stages.failed > LISTED {
            text.push_str(&format!("  and {} more\n", snapshot.stages.failed - LISTED));
        }
    }
    text
}

fn counted(counts: &Counts, reused: &str, alive: bool) -> String {
    let mut parts = vec![format!("{} of {} done{reused}", counts.done, counts.total)];
    let mut part = |count: usize, word: &str| {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    };
    part(counts.running, if alive { "under way" } else { "were under way" });
    part(counts.failed, "failed");
    part(counts.left, "left");
    parts.join(", ")
}

fn under_way(snapshot: &Snapshot, now: Timestamp) -> String {
    let dash = || "-".to_owned();
    let rows: Vec<Vec<String>> = snapshot
        .running
        .iter()
        .take(LISTED)
        .map(|stage| {
            vec![
                stage.stage.clone(),
                stage.attempt.map_or_else(dash, |attempt| attempt.to_string()),
                duration(seconds(stage.started, now)),
                stage.share.map_or_else(dash, |share| format!("{:.0}%", 100.0 * share)),
                stage.seconds_left.map_or_else(dash, about),
                stage.message.clone(),
            ]
        })
        .collect();
    let mut text = columns(&["under way", "attempt", "for", "done", "left", ""], &rows);
    if snapshot.running.len() > LISTED {
        text.push_str(&format!("and {} more\n", snapshot.running.len() - LISTED));
    }
    text
}

/// One run for a program.
fn as_json(run: &Visible, now: Timestamp) -> Value {
    let course = &run.course;
    let mut value = json!({
        "run": course.run,
        "state": if run.alive { "running" } else { "killed" },
        "experiment": course.experiment,
        "command": course.command,
        "started": course.started.to_string(),
        "seconds": seconds(course.started, now),
        "process": course.process,
        "host": course.host,
        "jobs": course.jobs,
    });
    if let Some(snapshot) = &run.snapshot {
        value["updated"] = json!(snapshot.updated.to_string());
        value["seconds_left"] = json!(snapshot.seconds_left);
        value["cells"] = json!(snapshot.cells);
        value["stages"] = json!(snapshot.stages);
        value["reused"] = json!(snapshot.reused);
        value["running"] = json!(snapshot.running);
        value["failed"] = json!(snapshot.failures);
    }
    value
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
