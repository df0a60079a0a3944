//! For a person: a line for each stage under way, one for the whole grid, and what has ended scrolling by above.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::phrase::{about, count, cut_end, cut_middle, duration, told};
use super::scene::Scene;
use super::tally::Running;
use super::{Now, Observer};
use crate::cli::color;
use crate::engine::{NodeId, RunEvent};

/// A stage that ends sooner never gets a line: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(400);

/// The terminal, where its size cannot be asked for.
const USUAL: (usize, usize) = (80, 24);

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The lines that stand at the foot of the terminal now. The cursor waits at the beginning of the last one, so that the
/// `^C` that a terminal writes there spoils nothing.
static DRAWN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn drawn() -> MutexGuard<'static, Vec<String>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets words be written to stderr without spoiling what is drawn there.
pub(in crate::cli) fn aside(write: impl FnOnce()) {
    let lines = drawn();
    if lines.is_empty() {
        write();
    } else {
        put(&format!("{}\x1b[J", back(&lines)));
        write();
        put(&frame(&lines));
    }
}

/// Draws lines over those before, and puts words above them that stay.
fn draw(words: Option<&str>, new: Vec<String>) {
    let mut lines = drawn();
    let words = words.map_or_else(String::new, |words| format!("\x1b[J{words}\n"));
    if words.is_empty() && *lines == new {
        return;
    }
    // One write a picture: nothing flickers.
    put(&format!("{}{words}{}", back(&lines), frame(&new)));
    *lines = new;
}

/// The way to the first line.
fn back(lines: &[String]) -> String {
    if lines.len() < 2 { "\r".into() } else { format!("\r\x1b[{}A", lines.len() - 1) }
}

fn frame(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\x1b[K")).collect();
    format!("{}\x1b[J\r", lines.join("\n"))
}

fn put(text: &str) {
    // With stderr gone there is nobody to see it.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Draws the lines.
pub(super) struct Bars {
    widest: usize,
    color: bool,
    size: fn() -> (usize, usize),
}

impl Bars {
    pub(super) fn new(scene: &Scene) -> Self {
        Self { widest: scene.label_width(), color: color(), size }
    }

    /// The lines as they stand now: the longest under way first, as many as fit, the whole grid last.
    fn lines(&self, now: &Now<'_>) -> Vec<String> {
        let (width, height) = (self.size)();
        // One column stays free: some terminals wrap a line that fills the last one.
        let width = width.saturating_sub(1);
        let old_enough = |running: &Running| now.elapsed.saturating_sub(running.since) >= PATIENCE;
        let mut shown: Vec<(NodeId, &Running)> =
            now.tally.running.iter().filter(|(_, r)| old_enough(r)).map(|(node, r)| (*node, r)).collect();
        shown.sort_by_key(|(_, running)| running.since);
        let room = height.saturating_sub(3).max(1);
        let hidden = shown.len().saturating_sub(room);
        shown.truncate(room);
        let mut lines: Vec<String> =
            shown.iter().map(|(node, running)| self.stage(now, *node, running, width)).collect();
        lines.push(self.whole(now, hidden, width));
        lines
    }

    fn stage(&self, now: &Now<'_>, node: NodeId, running: &Running, width: usize) -> String {
        let spent = now.elapsed.saturating_sub(running.since);
        let spinner = SPINNER[usize::try_from(spent.as_millis() / 200).unwrap_or(0) % SPINNER.len()];
        let widest = self.widest.min(width * 2 / 5).max(8);
        let label = cut_middle(now.scene.label(node), widest);
        let head = format!("  {spinner} {label:<widest$}  ");
        let Some(share) = running.share() else {
            let mut words = duration(spent.as_secs_f64());
            if !running.message.is_empty() {
                words = format!("{words}  {}", running.message);
            }
            return cut_end(&format!("{head}{words}"), width);
        };
        let bar = self.bar_of(share, columns(width), "36");
        let left = running.left(now.elapsed).map_or_else(String::new, |left| format!("{}  ", about(left)));
        let words = format!(" {:>3.0}%  {left}{}", 100.0 * share, running.message);
        self.around(&head, &bar, &words, width)
    }

    fn whole(&self, now: &Now<'_>, hidden: usize, width: usize) -> String {
        let tally = now.tally;
        let mut parts = vec![format!("{}/{} stages", tally.ended(), now.scene.total)];
        parts.extend(
            (now.scene.cells.len() > 1).then(|| format!("{}/{} cells", tally.cells_done, now.scene.cells.len())),
        );
        parts.extend((!tally.failed.is_empty()).then(|| format!("{} failed", tally.failed.len())));
        parts.extend((hidden > 0).then(|| format!("{hidden} more under way")));
        parts.push(duration_so_far(now.elapsed));
        parts.extend(now.left.map(about));
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = tally.ended() as f64 / now.scene.total.max(1) as f64;
        let bar = self.bar_of(share, columns(width), "32");
        self.around("  ", &bar, &format!("  {}", parts.join(" · ")), width)
    }

    /// A bar of this many columns: what is done, and the rest dim; the colour comes around it.
    fn bar_of(&self, share: f64, columns: usize, code: &str) -> (usize, String) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few columns"
        )]
        let full = ((share * columns as f64) as usize).min(columns);
        let (done, rest) = ("█".repeat(full), "░".repeat(columns - full));
        let drawn =
            if self.color { format!("\x1b[{code}m{done}\x1b[2m{rest}\x1b[0m") } else { format!("{done}{rest}") };
        (columns, drawn)
    }

    /// Text around a bar, cut so that the line never wraps.
    fn around(&self, head: &str, (columns, bar): &(usize, String), words: &str, width: usize) -> String {
        let room = width.saturating_sub(head.chars().count() + columns);
        format!("{head}{bar}{}", cut_end(words, room).trim_end())
    }
}

/// How wide a bar is: none at all where words have little room.
fn columns(width: usize) -> usize {
    match width {
        ..60 => 0,
        60..100 => 10,
        _ => 20,
    }
}

/// Whole seconds at first: tenths would only flicker.
fn duration_so_far(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if seconds < 10 { format!("{seconds} s") } else { duration(elapsed.as_secs_f64()) }
}

impl Observer for Bars {
    fn see(&mut self, now: &Now<'_>, event: &RunEvent) -> std::io::Result<()> {
        let node = match event {
            RunEvent::Finished { node, .. }
            | RunEvent::Failed { node, .. }
            | RunEvent::Retrying { node, .. }
            | RunEvent::Healed { node, .. } => *node,
            // A wait has a line of its own among those under way.
            _ => return Ok(()),
        };
        if let Some(words) = told(now, event) {
            let (width, _) = (self.size)();
            let count = count(now);
            let (first, rest) = words.split_once('\n').map_or((words.as_str(), None), |(a, b)| (a, Some(b)));
            let room = width.saturating_sub(count.chars().count() + 4 + first.chars().count()).max(12);
            let widest = self.widest.min(room);
            let label = cut_middle(now.scene.label(node), widest);
            let rest = rest.map_or_else(String::new, |rest| format!("\n{rest}"));
            draw(Some(&format!("{count} {label:<widest$}  {first}{rest}")), self.lines(now));
        }
        Ok(())
    }

    fn pause(&mut self, now: &Now<'_>) -> std::io::Result<()> {
        draw(None, self.lines(now));
        Ok(())
    }

    fn rest(&mut self) {
        draw(None, Vec::new());
    }
}

/// Columns and rows of the terminal.
fn size() -> (usize, usize) {
    rustix::termios::tcgetwinsize(std::io::stderr())
        .ok()
        .filter(|size| size.ws_col > 0 && size.ws_row > 0)
        .map_or(USUAL, |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

#[cfg(test)]
mod tests {
    use super::super::scene::testing::{Shape, scene};
    use super::super::tally::Tally;
    use super::*;

    #[test]
    fn lines_fit_the_terminal_however_many_stages_run() {
        let scene = scene(&Shape { cells: 100, stages: &["a-stage-with-a-name-that-is-really-rather-long"], jobs: 50 });
        let mut tally = Tally::new(&scene);
        for node in 0..50 {
            let attempt = i64::try_from(node).unwrap();
            let started = RunEvent::Started { node, attempt, log: "".into(), threads: 1, gpus: vec![] };
            tally.take(&scene, &started, Duration::ZERO);
            let message = "epoch 3/20, loss 6.213, 2310 samples/s".to_owned();
            let progress = RunEvent::Progress { node, done: 30, total: 100, message };
            tally.take(&scene, &progress, Duration::from_secs(60));
        }
        let elapsed = Duration::from_secs(60);
        let now = Now { scene: &scene, tally: &tally, at: jiff::Timestamp::UNIX_EPOCH, elapsed, left: Some(4_000.0) };
        for (size, columns, rows) in
            [((|| (80, 24)) as fn() -> _, 80, 24), (|| (120, 10), 120, 10), (|| (20, 3), 20, 3)]
        {
            let bars = Bars { widest: scene.label_width(), color: false, size };
            let lines = bars.lines(&now);
            assert!(lines.len() < rows, "{lines:#?}");
            assert!(lines.iter().all(|line| line.chars().count() < columns), "{lines:#?}");
        }
        let size = || (120, 10);
        let lines = Bars { widest: scene.label_width(), color: false, size }.lines(&now);
        assert!(lines[0].contains("…") && lines[0].contains("30%  about 3 min left  epoch 3/20"), "{lines:#?}");
        let last = lines.last().unwrap();
        assert!(
            last.ends_with("0/100 stages · 0/100 cells · 43 more under way · 1 min 0 s · about 1 h 10 min left"),
            "{last}"
        );
    }
}
