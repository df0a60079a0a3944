//! `--events`: every event as one JSON object a line, for programs that follow a run.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use camino::Utf8Path;
use serde_json::{Map, Value, json};

use super::scene::Scene;
use super::{Now, Observer};
use crate::engine::{NodeId, RunEvent};
use crate::record::RunState;

/// Goes up when a field changes its meaning or is taken away.
pub(super) const VERSION: u32 = 1;

/// The least time between two lines about the progress of one stage.
const PAUSE: Duration = Duration::from_secs(1);

/// The file, still empty.
pub(super) struct EventsFile {
    file: fs_err::File,
}

impl EventsFile {
    pub(super) fn create(path: &Utf8Path) -> std::io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_str().is_empty()) {
            fs_err::create_dir_all(folder)?;
        }
        Ok(Self { file: fs_err::File::create(path)? })
    }

    /// The observer of a run, which writes the first line at once.
    pub(super) fn begin(self, scene: &Scene) -> Events {
        let first = json!({
            "event": "run",
            "version": VERSION,
            "run": scene.run,
            "experiment": scene.experiment,
            "command": scene.command,
            "process": std::process::id(),
            "host": scene.host,
            "jobs": scene.jobs,
            "cells": scene.cells.len(),
            "stages": scene.total,
            "to_run": scene.work,
        });
        Events { file: self.file, pending: Some(first), told: HashMap::new() }
    }
}

/// Writes the lines.
pub(super) struct Events {
    file: fs_err::File,
    /// The first line, until the time is known.
    pending: Option<Value>,
    /// When the progress of each stage was last told.
    told: HashMap<NodeId, Duration>,
}

impl Events {
    fn write(&mut self, now: &Now<'_>, event: Value) -> std::io::Result<()> {
        let mut text = String::new();
        for mut line in self.pending.take().into_iter().chain([event]) {
            if let Value::Object(fields) = &mut line {
                let time = now.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
                fields.shift_insert(1, "time".into(), time.into());
            }
            text.push_str(&line.to_string());
            text.push('\n');
        }
        // One write a line: a reader sees whole lines, as they come.
        self.file.write_all(text.as_bytes())
    }

    fn stage(now: &Now<'_>, name: &str, node: NodeId, fields: Value) -> Value {
        let (cells, count) = now.scene.cells_of(node);
        let mut event = Map::new();
        event.insert("event".into(), name.into());
        event.insert("stage".into(), now.scene.label(node).into());
        event.insert("cells".into(), cells.into());
        event.insert("cell_count".into(), count.into());
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        Value::Object(event)
    }
}

impl Observer for Events {
    fn see(&mut self, now: &Now<'_>, event: &RunEvent) -> std::io::Result<()> {
        let (name, node, fields) = match event {
            RunEvent::Started { node, attempt, log, threads, gpus } => {
                ("started", node, json!({ "attempt": attempt, "log": log, "threads": threads, "gpus": gpus }))
            }
            RunEvent::Waiting(node) => ("waiting", node, json!({})),
            RunEvent::Progress { node, done, total, message } => {
                let last = self.told.get(node);
                if done < total && last.is_some_and(|last| now.elapsed.saturating_sub(*last) < PAUSE) {
                    return Ok(());
                }
                self.told.insert(*node, now.elapsed);
                let attempt = now.tally.running.get(node).and_then(|running| running.attempt);
                ("progress", node, json!({ "attempt": attempt, "done": done, "total": total, "message": message }))
            }
            RunEvent::Epoch { node, event } => {
                let attempt = now.tally.running.get(node).and_then(|running| running.attempt);
                let mut epoch = event.clone();
                if let Value::Object(fields) = &mut epoch {
                    fields.shift_remove("event");
                }
                ("epoch", node, json!({ "attempt": attempt, "epoch": epoch }))
            }
            RunEvent::Finished { node, attempt, seconds } => {
                ("finished", node, json!({ "attempt": attempt, "seconds": seconds }))
            }
            RunEvent::Reused(node) => ("reused", node, json!({})),
            RunEvent::Failed { node, message, log } => {
                let failure = now.tally.failed.last().filter(|failure| failure.node == *node);
                let (attempt, seconds) = failure.map_or((None, 0.0), |failure| (failure.attempt, failure.seconds));
                let log = (!log.as_str().is_empty()).then_some(log);
                let fields = json!({ "attempt": attempt, "seconds": seconds, "message": message, "log": log });
                ("failed", node, fields)
            }
            RunEvent::Retrying { node, attempt, message, log } => {
                ("retrying", node, json!({ "attempt": attempt, "message": message, "log": log }))
            }
            RunEvent::Blocked(node) => ("blocked", node, json!({})),
            RunEvent::Healed { node, message } => ("healed", node, json!({ "message": message })),
        };
        self.write(now, Self::stage(now, name, *node, fields))
    }

    fn end(&mut self, now: &Now<'_>, state: RunState) -> std::io::Result<()> {
        let tally = now.tally;
        let cells = now.scene.cells.len();
        self.write(
            now,
            json!({
                "event": "end",
                "run": now.scene.run,
                "state": state.name(),
                "seconds": now.elapsed.as_secs_f64(),
                "cells": {
                    "done": tally.cells_done,
                    "failed": tally.cells_failed,
                    "left": cells - tally.cells_done - tally.cells_failed,
                },
                "stages": {
                    "ran": tally.ran,
                    "reused": tally.reused,
                    "failed": tally.failed.len(),
                    "blocked": tally.blocked,
                    "left": now.scene.total - tally.ended(),
                },
            }),
        )
    }
}
