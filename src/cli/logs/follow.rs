//! `logs --follow`: what stages say as they say it, over retries and later stages, until they have ended.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use camino::Utf8Path;

use super::cells::Found;
use super::{attempts, header};
use crate::cli::watch::snapshot::{Visible, visible};
use crate::cli::{CommandError, Ending, say};
use crate::record::{AttemptRow, Records};

/// How often new words are looked for.
const PAUSE: Duration = Duration::from_millis(250);

/// How many looks pass between two questions to the records.
const LOOKS: u32 = 4;

/// How much is read of one log before others have their turn.
const PIECE: u64 = 1 << 20;

/// What was shown so far.
struct Shown {
    /// By attempt: how many bytes.
    bytes: BTreeMap<i64, u64>,
    /// Whose words came last.
    last: Option<i64>,
    several: bool,
}

pub(super) async fn follow(records: &Records, state: &Utf8Path, mut found: Found) -> Result<Ending, CommandError> {
    let mut shown = Shown { bytes: BTreeMap::new(), last: None, several: found.stages.len() > 1 };
    let mut newest: Vec<AttemptRow> = Vec::new();
    let mut waits = false;
    for look in 0_u32.. {
        let mut over = false;
        if look.is_multiple_of(LOOKS) {
            // Asked before the logs are read: what was said before the end is then all there.
            over = ended(state, &mut found)?;
            newest = to_follow(attempts(records, &found).await?, &shown);
            if newest.is_empty() && !over && !waits {
                waits = true;
                say(&format!("run {} has not started it yet; waits", found.run));
            }
        }
        // The attempts of earlier runs and those that have ended come first, and in order.
        for attempt in &newest {
            let whole = over || attempt.state != "running";
            while shown.show(state, attempt, whole)? {}
        }
        if over {
            if shown.bytes.is_empty() {
                say(&super::nothing(&found));
            }
            return Ok(Ending::Done);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Ending::Done)
}

/// The newest attempt at each stage, and those that were begun to be shown or came after them.
fn to_follow(attempts: Vec<Vec<AttemptRow>>, shown: &Shown) -> Vec<AttemptRow> {
    let mut newest: Vec<AttemptRow> = attempts
        .into_iter()
        .flat_map(|of_stage| {
            let first = of_stage.iter().position(|attempt| shown.bytes.contains_key(&attempt.id));
            let from = first.unwrap_or(of_stage.len().saturating_sub(1));
            of_stage.into_iter().skip(from)
        })
        .collect();
    newest.sort_by_key(|attempt| attempt.id);
    newest
}

/// True when the run is over, or all that is followed has ended in it.
fn ended(state: &Utf8Path, found: &mut Found) -> std::io::Result<bool> {
    let run = visible(state)?.into_iter().find(|run| run.course.run == found.run && run.alive);
    found.alive = run.is_some();
    let Some(Visible { snapshot: Some(snapshot), .. }) = run else { return Ok(!found.alive) };
    let stands: Vec<char> = snapshot.stands.chars().collect();
    for stage in &mut found.stages {
        stage.reused = stands.get(stage.node) == Some(&'=');
    }
    Ok(found.stages.iter().all(|stage| !matches!(stands.get(stage.node), None | Some('.' | '>'))))
}

impl Shown {
    /// Shows the next piece of a log; true when there may be more. Of several logs that grow side by side only whole
    /// lines are shown, until their attempt has ended.
    fn show(&mut self, state: &Utf8Path, attempt: &AttemptRow, ended: bool) -> std::io::Result<bool> {
        let from = self.bytes.get(&attempt.id).copied().unwrap_or(0);
        let Ok(mut file) = fs_err::File::open(state.join(&attempt.log)) else {
            if ended && self.bytes.insert(attempt.id, 0).is_none() {
                say(&header(attempt, false));
            }
            return Ok(false);
        };
        file.seek(SeekFrom::Start(from))?;
        let mut new = Vec::new();
        file.take(PIECE).read_to_end(&mut new)?;
        let full = new.len() as u64 == PIECE;
        if self.several && !ended && !full {
            new.truncate(new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        }
        if new.is_empty() {
            return Ok(false);
        }
        if self.last != Some(attempt.id) && (self.several || self.last.is_some()) {
            say(&header(attempt, true));
        }
        self.last = Some(attempt.id);
        self.bytes.insert(attempt.id, from + new.len() as u64);
        let mut out = std::io::stdout().lock();
        out.write_all(&new)?;
        out.flush()?;
        Ok(full)
    }
}
