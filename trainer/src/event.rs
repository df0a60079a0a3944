//! What the trainer says while it works: one JSON object a line on stdout. The only reader of the clock.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use serde::Serialize;
use tch::Device;

use crate::native;

/// How often progress may be read back from the device and said.
const PROGRESS_EVERY: Duration = Duration::from_millis(300);

/// An event of the contract.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event<'a> {
    /// Work begins.
    Start {
        /// The model's name.
        model: &'a str,
        /// Numbers that it learns by gradient.
        parameters: i64,
        /// Samples of an epoch, or of the part to rank.
        samples: usize,
        /// The most epochs that there will be; 0 for one that counts.
        epochs: u32,
        /// Where it runs.
        device: &'a str,
    },
    /// Part of an epoch, or of a ranking, is done.
    Progress {
        /// The epoch, from 1; 0 while ranking.
        epoch: u32,
        /// The most epochs that there will be.
        epochs: u32,
        /// Samples done.
        done: usize,
        /// Samples of this epoch or part.
        total: usize,
        /// Mean loss so far.
        #[serde(skip_serializing_if = "Option::is_none")]
        loss: Option<f64>,
        /// Samples a second so far.
        samples_per_second: f64,
    },
    /// An epoch is done and its model was ranked.
    Epoch {
        /// The epoch, from 1.
        epoch: u32,
        /// The most epochs that there will be.
        epochs: u32,
        /// Mean loss of its samples.
        loss: f64,
        /// Mean loss of the triples, for a model with a knowledge task.
        #[serde(skip_serializing_if = "Option::is_none")]
        knowledge_loss: Option<f64>,
        /// Metrics of the part that picks the epoch.
        metrics: &'a BTreeMap<String, f64>,
        /// Wall time of the epoch, ranking included.
        seconds: f64,
        /// Samples a second of its training.
        samples_per_second: f64,
        /// The most memory that it has held.
        #[serde(flatten)]
        peaks: Peaks,
    },
    /// All is written.
    Done {
        /// Wall time of the process's work.
        seconds: f64,
        /// The most memory that it has held.
        #[serde(flatten)]
        peaks: Peaks,
    },
}

impl Event<'_> {
    /// Says it. Nobody listening means that `sr-pipe` has gone, which ends this process as a closed lifeline does.
    pub fn say(&self) {
        let mut line = serde_json::to_string(self).expect("an event is plain data");
        line.push('\n');
        let mut out = std::io::stdout().lock();
        if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            native::leave(5);
        }
    }
}

/// A clock for speeds; no number that it gives enters an artifact.
#[derive(Debug)]
pub struct Stopwatch {
    start: Instant,
    said: Instant,
}

impl Default for Stopwatch {
    fn default() -> Self {
        let now = Instant::now();
        Self { start: now, said: now }
    }
}

impl Stopwatch {
    /// Seconds since it was made.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// How many of `done` fall on a second.
    #[must_use]
    pub fn speed(&self, done: usize) -> f64 {
        done as f64 / self.seconds().max(1e-9)
    }

    /// True when it is time to say how far the work is.
    pub fn is_due(&mut self) -> bool {
        let due = self.said.elapsed() >= PROGRESS_EVERY;
        if due {
            self.said = Instant::now();
        }
        due
    }
}

/// The most memory that this process has held so far, in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Peaks {
    /// Of the host; 0 where the system does not say.
    pub peak_memory: u64,
    /// Of its GPU, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_gpu_memory: Option<u64>,
}

impl Peaks {
    /// Those of a process that works on `device`.
    #[must_use]
    pub fn of(device: Device) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes: Option<u64> = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
        Self { peak_memory: kilobytes.unwrap_or(0) * 1024, peak_gpu_memory: native::peak_gpu_memory(device) }
    }
}
