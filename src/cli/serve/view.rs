//! A run as its pages show it, whether it is under way, was killed or has ended.

use camino::Utf8Path;
use jiff::Timestamp;

use crate::cli::CommandError;
use crate::cli::watch::snapshot::{Snapshot, Visible, visible};
use crate::record::{Details, Records, RunDetail, RunRow};

/// How a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stand {
    Failed,
    UnderWay,
    Left,
    Done,
}

impl Stand {
    /// All, in the order of the page.
    pub(super) const ALL: [Self; 4] = [Self::Failed, Self::UnderWay, Self::Left, Self::Done];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::UnderWay => "under way",
            Self::Left => "left",
            Self::Done => "done",
        }
    }
}

/// A run with all that is on record of it.
pub(super) struct RunView {
    pub(super) details: Details,
    /// Where it stands, as long as its own files say so.
    pub(super) live: Option<Visible>,
}

/// A stage of a cell.
pub(super) struct StageView {
    pub(super) label: String,
    pub(super) state: String,
    pub(super) key: Option<String>,
    pub(super) object: Option<String>,
}

impl RunView {
    /// A run by its number; nothing where there is none.
    pub(super) async fn open(records: &Records, state: &Utf8Path, run: i64) -> Result<Option<Self>, CommandError> {
        // Asked first: a run that ends meanwhile is told as it stood.
        let live = visible(state)?.into_iter().find(|seen| seen.course.run == run);
        let details = records.details(&[run]).await?;
        Ok((!details.runs.is_empty()).then_some(Self { details, live }))
    }

    pub(super) fn run(&self) -> &RunDetail {
        &self.details.runs[0]
    }

    pub(super) fn alive(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.alive)
    }

    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.live.as_ref()?.snapshot.as_ref()
    }

    /// How it stands, in a word.
    pub(super) fn state(&self) -> &str {
        state_of(&self.run().run, self.alive())
    }

    /// The cells in the order of the grid.
    pub(super) fn cells(&self) -> Vec<(&str, Stand)> {
        let Some(live) = &self.live else {
            return self.run().cells.iter().map(|cell| (cell.name.as_str(), of_record(&cell.state))).collect();
        };
        let stands: Vec<char> = live.snapshot.iter().flat_map(|snapshot| snapshot.stands.chars()).collect();
        let cells = live.course.cells.iter().map(|cell| {
            let letters = cell.stages.iter().filter_map(|at| stands.get(usize::try_from(*at).ok()?).copied());
            (cell.name.as_str(), of_letters(letters.collect(), live.alive))
        });
        cells.collect()
    }

    /// The stages of a cell, each after those that it reads; nothing where the run has no such cell.
    pub(super) fn stages_of(&self, name: &str) -> Option<Vec<StageView>> {
        let Some(live) = &self.live else {
            let run = self.run();
            let cell = run.cells.iter().find(|cell| cell.name == name)?;
            let stages = run.stages_of(cell).into_iter().map(|stage| StageView {
                label: stage.label.clone(),
                state: stage.state.clone(),
                key: stage.key.clone(),
                object: stage.object.clone(),
            });
            return Some(stages.collect());
        };
        let cell = live.course.cells.iter().find(|cell| cell.name == name)?;
        let stands: Vec<char> = live.snapshot.iter().flat_map(|snapshot| snapshot.stands.chars()).collect();
        let stages = cell.stages.iter().filter_map(|at| {
            let at = usize::try_from(*at).ok()?;
            let (stage, letter) = (live.course.stages.get(at)?, stands.get(at).copied().unwrap_or('.'));
            // A key that was not known before the run is known since its attempt began.
            let tried = self.details.attempts.values().flatten();
            let tried = tried.filter(|row| row.run == live.course.run && row.label == stage.label).last();
            let key = stage.key.clone().or_else(|| tried.map(|row| row.key.clone()));
            Some(StageView { label: stage.label.clone(), state: of_letter(letter).into(), key, object: None })
        });
        Some(stages.collect())
    }
}

/// How a run stands. The records learn that a run was killed when the next one begins.
pub(super) fn state_of(run: &RunRow, alive: bool) -> &str {
    if run.state == "running" && !alive { "killed" } else { &run.state }
}

/// Seconds from a moment on record to another, or to now.
pub(super) fn seconds(from: &str, to: Option<&str>) -> Option<f64> {
    let to = to.map_or_else(|| Some(Timestamp::now()), |to| to.parse().ok())?;
    let from: Timestamp = from.parse().ok()?;
    Some(to.duration_since(from).as_secs_f64().max(0.0))
}

fn of_record(state: &str) -> Stand {
    match state {
        "done" => Stand::Done,
        "failed" | "blocked" => Stand::Failed,
        "running" => Stand::UnderWay,
        _ => Stand::Left,
    }
}

fn of_letters(letters: Vec<char>, alive: bool) -> Stand {
    let any = |wanted: &[char]| letters.iter().any(|letter| wanted.contains(letter));
    if any(&['!', '-']) {
        Stand::Failed
    } else if letters.is_empty() || any(&['.', '>']) {
        if alive && any(&['>']) { Stand::UnderWay } else { Stand::Left }
    } else {
        Stand::Done
    }
}

/// What a letter of `Snapshot::stands` says.
fn of_letter(letter: char) -> &'static str {
    match letter {
        '>' => "under way",
        '+' | '~' => "done",
        '=' => "reused",
        '!' => "failed",
        '-' => "blocked",
        _ => "left",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stands_as_its_stages_do() {
        let of = |letters: &str, alive| of_letters(letters.chars().collect(), alive);
        assert_eq!(of("=+>", true), Stand::UnderWay);
        assert_eq!(of("=+>", false), Stand::Left, "of a run that was killed nothing is under way");
        assert_eq!(of("=+.", true), Stand::Left);
        assert_eq!(of("=+~", true), Stand::Done);
        assert_eq!(of("=!-", true), Stand::Failed);
        assert_eq!(of("", true), Stand::Left);
    }
}
