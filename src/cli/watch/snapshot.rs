//! What other terminals see of a run: two small files in `.sr-pipe/runs/`, the first locked while the run lives.
//!
//! `17.course.json` says what run 17 is made of and is written once; the kernel's lock on it tells a run under way
//! from one that was killed. `17.json` says where the run stands and is replaced at most once a second.

use std::fs::TryLockError;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scene::Scene;
use super::tally::{Stand, Tally};
use super::{Now, Observer};
use crate::engine::{NodeId, RunEvent};
use crate::record::RunState;

/// Of both files.
const VERSION: u32 = 1;

/// The least time between two writes.
const PAUSE: Duration = Duration::from_secs(1);

/// Failed stages that are written with their words; of more, only the number.
const FAILURES: usize = 100;

mod moment {
    //! A moment as RFC 3339.

    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a run is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct Course {
    version: u32,
    pub(in crate::cli) run: i64,
    pub(in crate::cli) experiment: Utf8PathBuf,
    pub(in crate::cli) command: String,
    #[serde(with = "moment")]
    pub(in crate::cli) started: Timestamp,
    pub(in crate::cli) process: u32,
    pub(in crate::cli) host: String,
    pub(in crate::cli) jobs: usize,
    pub(in crate::cli) stages: Vec<CourseStage>,
    pub(in crate::cli) cells: Vec<CourseCell>,
}

/// A stage of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct CourseStage {
    pub(in crate::cli) label: String,
    /// Its key, where it was known before the run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::cli) key: Option<String>,
}

/// A cell of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct CourseCell {
    pub(in crate::cli) name: String,
    /// Its stages, by their place in the list.
    pub(in crate::cli) stages: Vec<u32>,
}

/// Where a run stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct Snapshot {
    version: u32,
    pub(in crate::cli) run: i64,
    #[serde(with = "moment")]
    pub(in crate::cli) updated: Timestamp,
    /// Seconds until the end as guessed at `updated`.
    pub(in crate::cli) seconds_left: Option<f64>,
    pub(in crate::cli) cells: Counts,
    pub(in crate::cli) stages: Counts,
    /// How many of the stages that are done did not have to run.
    pub(in crate::cli) reused: usize,
    pub(in crate::cli) running: Vec<StageUnderWay>,
    pub(in crate::cli) failures: Vec<StageFailed>,
    /// A letter for each stage: `.` left, `>` under way, `+` ran, `=` reused, `!` failed, `-` blocked, `~` nothing to do.
    pub(in crate::cli) stands: String,
}

/// How many are where.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::cli) struct Counts {
    pub(in crate::cli) total: usize,
    pub(in crate::cli) done: usize,
    pub(in crate::cli) running: usize,
    pub(in crate::cli) failed: usize,
    pub(in crate::cli) left: usize,
}

/// A stage that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct StageUnderWay {
    pub(in crate::cli) stage: String,
    pub(in crate::cli) cells: Vec<String>,
    pub(in crate::cli) cell_count: usize,
    /// None while it waits for another run.
    pub(in crate::cli) attempt: Option<i64>,
    pub(in crate::cli) log: Utf8PathBuf,
    #[serde(with = "moment")]
    pub(in crate::cli) started: Timestamp,
    pub(in crate::cli) share: Option<f64>,
    pub(in crate::cli) message: String,
    pub(in crate::cli) seconds_left: Option<f64>,
}

/// A stage that failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct StageFailed {
    pub(in crate::cli) stage: String,
    pub(in crate::cli) cells: Vec<String>,
    pub(in crate::cli) cell_count: usize,
    pub(in crate::cli) attempt: Option<i64>,
    pub(in crate::cli) message: String,
    pub(in crate::cli) log: Utf8PathBuf,
}

/// A run that other processes can see.
pub(in crate::cli) struct Visible {
    pub(in crate::cli) course: Course,
    pub(in crate::cli) snapshot: Option<Snapshot>,
    /// False when the process is gone.
    pub(in crate::cli) alive: bool,
}

/// The runs that left files in a state folder, by their numbers.
pub(in crate::cli) fn visible(state: &Utf8Path) -> std::io::Result<Vec<Visible>> {
    let mut found = Vec::new();
    for (course, run) in courses(state)? {
        let Ok(file) = fs_err::File::open(&course) else { continue };
        // Tried before the files are read: a run that ends meanwhile is told as it stood, never as killed.
        let alive = matches!(file.file().try_lock_shared(), Err(TryLockError::WouldBlock));
        let _ = file.file().unlock();
        let read = |path: Utf8PathBuf| fs_err::read(path).ok();
        let Some(course) = read(course.clone()).and_then(|bytes| serde_json::from_slice::<Course>(&bytes).ok()) else {
            continue;
        };
        let snapshot = read(snapshot_path(state, run)).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let known = course.version == VERSION;
        if known {
            found.push(Visible { course, snapshot, alive });
        }
    }
    found.sort_by_key(|run| run.course.run);
    Ok(found)
}

/// Takes away what killed runs left.
pub(in crate::cli) fn clear(state: &Utf8Path) -> std::io::Result<()> {
    for (course, run) in courses(state)? {
        let Ok(file) = fs_err::File::open(&course) else { continue };
        if file.file().try_lock().is_ok() {
            remove(&course)?;
            remove(&snapshot_path(state, run))?;
        }
    }
    Ok(())
}

fn courses(state: &Utf8Path) -> std::io::Result<Vec<(Utf8PathBuf, i64)>> {
    let folder = state.join("runs");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in folder.read_dir_utf8()? {
        let path = entry?.into_path();
        let run = path.file_name().and_then(|name| name.strip_suffix(".course.json")).and_then(|run| run.parse().ok());
        found.extend(run.map(|run| (path, run)));
    }
    Ok(found)
}

fn snapshot_path(state: &Utf8Path, run: i64) -> Utf8PathBuf {
    state.join(format!("runs/{run}.json"))
}

fn remove(path: &Utf8Path) -> std::io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Keeps the files of this run, and takes them away when it ends.
pub(super) struct Keeper {
    /// Holds the lock.
    _lock: std::fs::File,
    course: Utf8PathBuf,
    snapshot: Utf8PathBuf,
    beside: Utf8PathBuf,
    written: Option<Duration>,
}

impl Keeper {
    pub(super) fn begin(state: &Utf8Path, scene: &Scene) -> std::io::Result<Self> {
        let folder = state.join("runs");
        fs_err::create_dir_all(&folder)?;
        let course = Course {
            version: VERSION,
            run: scene.run,
            experiment: scene.experiment.clone(),
            command: scene.command.clone(),
            started: scene.started.unwrap_or_default(),
            process: std::process::id(),
            host: scene.host.clone(),
            jobs: scene.jobs,
            stages: scene
                .stages
                .iter()
                .zip(&scene.graph.nodes)
                .map(|(stage, node)| CourseStage { label: node.label.clone(), key: stage.key.map(|k| k.to_string()) })
                .collect(),
            cells: scene
                .cells
                .iter()
                .map(|cell| CourseCell { name: cell.name.clone(), stages: cell.nodes.clone() })
                .collect(),
        };
        // Locked before it has its name, so that nobody sees it without the lock.
        let beside = folder.join(format!("{}.part", scene.run));
        fs_err::write(&beside, serde_json::to_vec(&course)?)?;
        let lock = fs_err::File::open(&beside)?.into_file();
        lock.lock()?;
        let path = folder.join(format!("{}.course.json", scene.run));
        fs_err::rename(&beside, &path)?;
        let snapshot = snapshot_path(state, scene.run);
        Ok(Self { _lock: lock, course: path, snapshot, beside, written: None })
    }

    /// Replaced whole by a rename. Not synced: after a power cut nobody asks where the run stood.
    fn write(&self, snapshot: &Snapshot) -> std::io::Result<()> {
        fs_err::write(&self.beside, serde_json::to_vec(snapshot)?)?;
        fs_err::rename(&self.beside, &self.snapshot)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // What stays behind has lost its lock, and the next run takes it away.
        for path in [&self.snapshot, &self.course, &self.beside] {
            let _ = remove(path);
        }
    }
}

impl Observer for Keeper {
    fn see(&mut self, _now: &Now<'_>, _event: &RunEvent) -> std::io::Result<()> {
        Ok(())
    }

    fn pause(&mut self, now: &Now<'_>) -> std::io::Result<()> {
        if self.written.is_none_or(|last| now.elapsed.saturating_sub(last) >= PAUSE) {
            self.written = Some(now.elapsed);
            if let Err(error) = self.write(&Snapshot::new(now)) {
                // A full disk must not end the watch over a run that goes on.
                tracing::debug!(%error, "the status of this run cannot be written");
            }
        }
        Ok(())
    }

    fn end(&mut self, _now: &Now<'_>, _state: RunState) -> std::io::Result<()> {
        Ok(())
    }
}

impl Snapshot {
    fn new(now: &Now<'_>) -> Self {
        let (scene, tally) = (now.scene, now.tally);
        let named = |node: NodeId| {
            let (cells, count) = scene.cells_of(node);
            (scene.label(node).to_owned(), cells.into_iter().map(str::to_owned).collect::<Vec<_>>(), count)
        };
        let ago = |since: Duration| now.at - now.elapsed.saturating_sub(since);
        Self {
            version: VERSION,
            run: scene.run,
            updated: now.at,
            seconds_left: now.left,
            cells: cell_counts(scene, tally),
            stages: Counts {
                total: scene.total,
                done: tally.ran + tally.reused,
                running: tally.running.len(),
                failed: tally.failed.len(),
                left: scene.total - tally.ended() - tally.running.len(),
            },
            reused: tally.reused,
            running: tally
                .running
                .iter()
                .map(|(node, running)| {
                    let (stage, cells, cell_count) = named(*node);
                    StageUnderWay {
                        stage,
                        cells,
                        cell_count,
                        attempt: running.attempt,
                        log: running.log.clone(),
                        started: ago(running.since),
                        share: running.share(),
                        message: running.message.clone(),
                        seconds_left: running.left(now.elapsed),
                    }
                })
                .collect(),
            failures: tally
                .failed
                .iter()
                .take(FAILURES)
                .map(|failure| {
                    let (stage, cells, cell_count) = named(failure.node);
                    let (message, log) = (failure.message.clone(), failure.log.clone());
                    StageFailed { stage, cells, cell_count, attempt: failure.attempt, message, log }
                })
                .collect(),
            stands: tally.stands.iter().map(|stand| letter(*stand)).collect(),
        }
    }
}

fn letter(stand: Stand) -> char {
    match stand {
        Stand::Left => '.',
        Stand::Running => '>',
        Stand::Ran => '+',
        Stand::Reused => '=',
        Stand::Failed => '!',
        Stand::Blocked => '-',
        Stand::Apart => '~',
    }
}

/// A cell runs while one of its own stages does: one that all cells share says nothing of a single cell.
fn cell_counts(scene: &Scene, tally: &Tally) -> Counts {
    let mut running: Vec<u32> = tally
        .running
        .keys()
        .filter_map(|node| if let [cell] = scene.stages[*node].cells[..] { Some(cell) } else { None })
        .collect();
    running.sort_unstable();
    running.dedup();
    let total = scene.cells.len();
    let (done, failed) = (tally.cells_done, tally.cells_failed);
    let running = running.len().min(total - done - failed);
    Counts { total, done, running, failed, left: total - done - failed - running }
}
