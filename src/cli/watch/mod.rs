//! What a person, a log and a CI see while a run is under way: every event goes to a list of observers.

mod bars;
mod events;
mod junit;
mod lines;
mod phrase;
mod remaining;
mod scene;
pub(super) mod snapshot;
mod tally;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use clap::Args;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;

use super::workspace::Workspace;
use super::{CommandError, say};
use crate::diagnostic::Diagnostic;
use crate::engine::{Plan, RunEvent, Status};
use crate::record::RunState;

pub(super) use bars::aside;
use events::EventsFile;
use junit::JunitFile;
pub(super) use phrase::{about, cut_middle, duration, first_line, roughly};
use remaining::Remaining;
use scene::Scene;
use tally::Tally;

/// How long nothing may happen before observers are asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// Ways to watch a run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Watching")]
#[group(id = "watching")]
pub(super) struct Arguments {
    /// Lines with a time stamp instead of bars; the default where stderr is not a terminal.
    #[arg(long)]
    plain: bool,
    /// Write every event to FILE, as JSON lines (see docs/watching.md).
    #[arg(long, value_name = "FILE")]
    events: Option<Utf8PathBuf>,
    /// Write how each cell ended to FILE, as JUnit XML for a CI.
    #[arg(long, value_name = "FILE")]
    junit: Option<Utf8PathBuf>,
}

impl Arguments {
    /// Makes the files that were asked for, before anything else is done.
    pub(super) fn open(&self) -> Result<Outputs, CommandError> {
        let failed = |option: &str, path: &Utf8PathBuf, error: &std::io::Error| {
            CommandError::from(
                Diagnostic::new(format!("`{option} {path}` cannot be written: {error}"))
                    .help("name a file in a folder that can be written"),
            )
        };
        let events =
            self.events.as_ref().map(|path| EventsFile::create(path).map_err(|e| failed("--events", path, &e)));
        let junit = self.junit.as_ref().map(|path| JunitFile::create(path).map_err(|e| failed("--junit", path, &e)));
        Ok(Outputs { plain: self.plain, events: events.transpose()?, junit: junit.transpose()? })
    }
}

/// What a run is to be told to.
pub(super) struct Outputs {
    plain: bool,
    events: Option<EventsFile>,
    junit: Option<JunitFile>,
}

/// Where a run stands at a moment.
struct Now<'a> {
    scene: &'a Scene,
    tally: &'a Tally,
    at: Timestamp,
    /// Since the run began.
    elapsed: Duration,
    /// Seconds until its end, where they can be told.
    left: Option<f64>,
}

/// Something that is told what happens.
trait Observer: Send {
    /// An event; the tally has it already.
    fn see(&mut self, now: &Now<'_>, event: &RunEvent) -> std::io::Result<()>;

    /// Some time has passed.
    fn pause(&mut self, _now: &Now<'_>) -> std::io::Result<()> {
        Ok(())
    }

    /// No event will come any more; words of others follow.
    fn rest(&mut self) {}

    /// The run is on record as ended.
    fn end(&mut self, _now: &Now<'_>, _state: RunState) -> std::io::Result<()> {
        Ok(())
    }
}

/// Watches one run.
pub(super) struct Watch {
    scene: Scene,
    tally: Tally,
    remaining: Remaining,
    began: Instant,
    observers: Vec<Box<dyn Observer>>,
    /// The first thing that went wrong with a file that was asked for.
    trouble: Option<std::io::Error>,
}

impl Watch {
    /// Begins to watch. A run that has nothing to do is watched only by files that were asked for.
    pub(super) async fn begin(
        outputs: Outputs,
        workspace: &Workspace,
        plan: &Plan,
        run: i64,
        jobs: usize,
    ) -> Result<Self, CommandError> {
        let idle = !plan.statuses.iter().any(Status::works);
        let asked = outputs.events.is_some() || outputs.junit.is_some();
        let scene = if idle && !asked { Scene::default() } else { Scene::new(workspace, plan, run, jobs)? };
        let mut observers: Vec<Box<dyn Observer>> = Vec::new();
        let mut remaining = Remaining::default();
        let began = Instant::now();
        let state = workspace.project.state();
        if let Err(error) = snapshot::clear(&state) {
            tracing::debug!(%error, "what killed runs left stays where it is");
        }
        if !idle {
            remaining = Remaining::new(workspace.records.durations().await?);
            let terminal =
                std::io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|name| name != "dumb");
            observers.push(if terminal && !outputs.plain {
                Box::new(bars::Bars::new(&scene))
            } else {
                Box::new(lines::Lines::new(&scene))
            });
            match snapshot::Keeper::begin(&state, &scene) {
                Ok(keeper) => observers.push(Box::new(keeper)),
                // `status` is a comfort; a run must not fail for it.
                Err(error) => tracing::warn!(%error, "`sr-pipe status` will not show this run"),
            }
        }
        if let Some(events) = outputs.events {
            observers.push(Box::new(events.begin(&scene)));
        }
        if let Some(junit) = outputs.junit {
            observers.push(Box::new(junit));
        }
        Ok(Self { tally: Tally::new(&scene), scene, remaining, began, observers, trouble: None })
    }

    /// Takes events until no more can come. Blocks its thread.
    pub(super) fn follow(mut self, mut events: UnboundedReceiver<RunEvent>) -> Self {
        let runtime = tokio::runtime::Handle::current();
        let mut batch = Vec::new();
        let mut paused = Instant::now();
        loop {
            // The limit begins inside: a timer needs the runtime around it.
            let came = runtime.block_on(async { tokio::time::timeout(PAUSE, events.recv_many(&mut batch, 256)).await });
            if came == Ok(0) {
                break;
            }
            if self.observers.is_empty() {
                batch.clear();
                continue;
            }
            for event in batch.drain(..) {
                let elapsed = self.began.elapsed();
                if let RunEvent::Finished { node, seconds, .. } = &event {
                    // With the time that sealing and recording took.
                    let since = self.tally.running.get(node).map(|running| running.since);
                    let whole = since.map_or(0.0, |since| elapsed.saturating_sub(since).as_secs_f64());
                    self.remaining.learn(&self.scene, *node, whole.max(*seconds));
                }
                self.tally.take(&self.scene, &event, elapsed);
                self.ask(|observer, now| observer.see(now, &event));
            }
            if paused.elapsed() >= PAUSE {
                paused = Instant::now();
                self.remaining.update(&self.scene, &self.tally, self.began.elapsed());
                self.ask(|observer, now| observer.pause(now));
            }
        }
        for observer in &mut self.observers {
            observer.rest();
        }
        self
    }

    /// Closes the files with the end of the run.
    pub(super) fn end(mut self, state: RunState) -> std::io::Result<()> {
        self.ask(|observer, now| observer.end(now, state));
        self.trouble.map_or(Ok(()), Err)
    }

    fn ask(&mut self, what: impl Fn(&mut dyn Observer, &Now<'_>) -> std::io::Result<()>) {
        let now = Now {
            scene: &self.scene,
            tally: &self.tally,
            at: Timestamp::now(),
            elapsed: self.began.elapsed(),
            left: self.remaining.shown(self.began.elapsed()),
        };
        self.observers.retain_mut(|observer| match what(observer.as_mut(), &now) {
            Ok(()) => true,
            Err(error) => {
                // The work of days goes on without this file; the exit code tells.
                observer.rest();
                say(&format!("warning: {error}; the run goes on without it"));
                self.trouble.get_or_insert(error);
                false
            }
        });
    }
}
