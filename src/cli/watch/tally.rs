//! The count of a run: how each stage and each cell stands, kept from the events alone.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;

use super::scene::Scene;
use crate::engine::{NodeId, RunEvent};

/// How a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    Left,
    Running,
    Ran,
    Reused,
    Failed,
    Blocked,
    Apart,
}

/// A stage under way.
#[derive(Debug, Clone)]
pub(super) struct Running {
    /// None while it waits for another run.
    pub(super) attempt: Option<i64>,
    pub(super) log: Utf8PathBuf,
    /// When it began, counted from the beginning of the run.
    pub(super) since: Duration,
    pub(super) done: u64,
    pub(super) total: u64,
    pub(super) message: String,
}

impl Running {
    /// How much of it is done, where it says so.
    pub(super) fn share(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        (self.total > 0).then(|| (self.done as f64 / self.total as f64).min(1.0))
    }

    /// Seconds until its end, from its own pace.
    pub(super) fn left(&self, elapsed: Duration) -> Option<f64> {
        let spent = elapsed.saturating_sub(self.since).as_secs_f64();
        self.share().filter(|share| *share > 0.01).map(|share| spent * (1.0 - share) / share)
    }
}

/// A stage that failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) node: NodeId,
    pub(super) attempt: Option<i64>,
    pub(super) message: String,
    pub(super) log: Utf8PathBuf,
    pub(super) seconds: f64,
}

/// The count.
#[derive(Default)]
pub(super) struct Tally {
    /// By node.
    pub(super) stands: Vec<Stand>,
    /// Seconds that each node took in this run, by node.
    pub(super) seconds: Vec<f64>,
    pub(super) running: BTreeMap<NodeId, Running>,
    pub(super) failed: Vec<Failure>,
    pub(super) ran: usize,
    pub(super) reused: usize,
    pub(super) blocked: usize,
    pub(super) cells_done: usize,
    pub(super) cells_failed: usize,
    /// By cell: stages that are not done yet.
    unfinished: Vec<usize>,
    /// By cell: one of its stages failed.
    spoilt: Vec<bool>,
}

impl Tally {
    pub(super) fn new(scene: &Scene) -> Self {
        let count = |cell: &super::scene::CellScene| {
            cell.nodes.iter().filter(|node| !scene.stages[**node as usize].apart).count()
        };
        Self {
            stands: scene.stages.iter().map(|stage| if stage.apart { Stand::Apart } else { Stand::Left }).collect(),
            seconds: vec![0.0; scene.stages.len()],
            unfinished: scene.cells.iter().map(count).collect(),
            spoilt: vec![false; scene.cells.len()],
            ..Self::default()
        }
    }

    /// Stages that have come to an end, good or bad.
    pub(super) fn ended(&self) -> usize {
        self.ran + self.reused + self.failed.len() + self.blocked
    }

    /// Counts an event that came `elapsed` after the beginning.
    pub(super) fn take(&mut self, scene: &Scene, event: &RunEvent, elapsed: Duration) {
        match event {
            RunEvent::Started { node, attempt, log, .. } => {
                self.stands[*node] = Stand::Running;
                self.running.insert(*node, Running { attempt: Some(*attempt), log: log.clone(), ..fresh(elapsed) });
            }
            RunEvent::Waiting(node) => {
                self.stands[*node] = Stand::Running;
                let message = "waits: another run is making it".to_owned();
                self.running.insert(*node, Running { message, ..fresh(elapsed) });
            }
            RunEvent::Progress { node, done, total, message } => {
                if let Some(running) = self.running.get_mut(node) {
                    (running.done, running.total) = (*done, *total);
                    running.message.clone_from(message);
                }
            }
            RunEvent::Finished { node, seconds, .. } => {
                self.ran += 1;
                self.seconds[*node] = *seconds;
                self.good_end(scene, *node, Stand::Ran);
            }
            RunEvent::Reused(node) => {
                self.reused += 1;
                self.good_end(scene, *node, Stand::Reused);
            }
            RunEvent::Failed { node, message, log } => {
                self.stands[*node] = Stand::Failed;
                let running = self.running.remove(node);
                let seconds = running.as_ref().map_or(0.0, |r| elapsed.saturating_sub(r.since).as_secs_f64());
                self.seconds[*node] = seconds;
                let attempt = running.and_then(|running| running.attempt);
                let (message, log) = (message.trim_end().to_owned(), log.clone());
                self.failed.push(Failure { node: *node, attempt, message, log, seconds });
                for cell in &scene.stages[*node].cells {
                    let spoilt = std::mem::replace(&mut self.spoilt[*cell as usize], true);
                    self.cells_failed += usize::from(!spoilt);
                }
            }
            RunEvent::Blocked(node) => {
                self.blocked += 1;
                self.stands[*node] = Stand::Blocked;
                self.running.remove(node);
            }
            RunEvent::Retrying { .. } | RunEvent::Epoch { .. } | RunEvent::Healed { .. } => {}
        }
    }

    fn good_end(&mut self, scene: &Scene, node: NodeId, stand: Stand) {
        self.stands[node] = stand;
        self.running.remove(&node);
        for cell in &scene.stages[node].cells {
            let unfinished = &mut self.unfinished[*cell as usize];
            *unfinished = unfinished.saturating_sub(1);
            self.cells_done += usize::from(*unfinished == 0);
        }
    }

    /// True when all stages of a cell are done.
    pub(super) fn cell_is_done(&self, cell: usize) -> bool {
        self.unfinished[cell] == 0
    }
}

fn fresh(elapsed: Duration) -> Running {
    Running { attempt: None, log: Utf8PathBuf::new(), since: elapsed, done: 0, total: 0, message: String::new() }
}
