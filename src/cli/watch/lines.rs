//! For a log: lines with a time stamp, and signs of life that grow rarer, so that a night's log stays short.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::say;
use super::phrase::{about, count, duration, told};
use super::scene::Scene;
use super::tally::Running;
use super::{Now, Observer};
use crate::engine::{NodeId, RunEvent};

/// After this long a stage is first told to be under way; each further sign of it comes after twice the time.
const FIRST_SIGN: Duration = Duration::from_secs(10);

/// The longest silence: less than the ten minutes after which some CI services take a job for dead.
const LONGEST_SILENCE: Duration = Duration::from_secs(5 * 60);

/// Labels wider than this are not filled up.
const WIDEST: usize = 48;

/// Writes the lines.
pub(super) struct Lines {
    width: usize,
    /// By stage under way: when, since its start, its next sign of life is due.
    due: BTreeMap<NodeId, Duration>,
    /// How many reused stages were told.
    reused: usize,
    spoke: Duration,
    write: fn(&str),
}

impl Lines {
    pub(super) fn new(scene: &Scene) -> Self {
        let width = scene.label_width().min(WIDEST);
        Self { width, due: BTreeMap::new(), reused: 0, spoke: Duration::ZERO, write: say }
    }

    fn line(&mut self, now: &Now<'_>, text: &str) {
        self.spoke = now.elapsed;
        (self.write)(&format!("{} {} {text}", now.at.strftime("%Y-%m-%dT%H:%M:%SZ"), count(now)));
    }

    fn stage_line(&mut self, now: &Now<'_>, node: NodeId, words: &str) {
        self.line(now, &format!("{:<width$}  {words}", now.scene.label(node), width = self.width));
    }

    /// Thousands of lines that say "nothing to do" help nobody: they are told by their number.
    fn tell_reused(&mut self, now: &Now<'_>) {
        let new = now.tally.reused - self.reused;
        if new > 0 {
            self.reused = now.tally.reused;
            self.line(now, &format!("{new} stage{} reused", if new == 1 { "" } else { "s" }));
        }
    }

    fn sign(running: &Running, elapsed: Duration) -> String {
        let mut parts = vec![match running.share() {
            Some(share) => format!("{:.0}%", 100.0 * share),
            None => format!("under way for {}", duration(elapsed.saturating_sub(running.since).as_secs_f64())),
        }];
        parts.extend((!running.message.is_empty()).then(|| running.message.clone()));
        parts.extend(running.left(elapsed).map(about));
        parts.join(", ")
    }
}

impl Observer for Lines {
    fn see(&mut self, now: &Now<'_>, event: &RunEvent) -> std::io::Result<()> {
        let node = match event {
            RunEvent::Started { node, .. } => {
                self.due.insert(*node, FIRST_SIGN);
                return Ok(());
            }
            RunEvent::Finished { node, .. }
            | RunEvent::Failed { node, .. }
            | RunEvent::Retrying { node, .. }
            | RunEvent::Healed { node, .. }
            | RunEvent::Waiting(node) => *node,
            RunEvent::Reused(_) | RunEvent::Blocked(_) | RunEvent::Epoch { .. } | RunEvent::Progress { .. } => {
                return Ok(());
            }
        };
        if matches!(event, RunEvent::Finished { .. } | RunEvent::Failed { .. }) {
            self.due.remove(&node);
        }
        if let Some(words) = told(now, event) {
            self.tell_reused(now);
            self.stage_line(now, node, &words);
        }
        Ok(())
    }

    fn pause(&mut self, now: &Now<'_>) -> std::io::Result<()> {
        self.tell_reused(now);
        for (node, running) in &now.tally.running {
            let due = self.due.get(node).copied();
            let spent = now.elapsed.saturating_sub(running.since);
            if due.is_some_and(|due| spent >= due) {
                self.due.insert(*node, 2 * spent);
                self.stage_line(now, *node, &Self::sign(running, now.elapsed));
            }
        }
        if now.elapsed.saturating_sub(self.spoke) >= LONGEST_SILENCE {
            let running = now.tally.running.len();
            let left = now.left.map_or_else(String::new, |left| format!(", {}", about(left)));
            self.line(now, &format!("{running} under way{left}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::scene::testing::{Shape, scene};
    use super::super::tally::Tally;
    use super::*;

    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[test]
    fn a_long_stage_gives_signs_of_life_that_grow_rarer_but_never_cease() {
        let scene = scene(&Shape { cells: 2, stages: &["train"], jobs: 1 });
        let mut tally = Tally::new(&scene);
        let mut lines = Lines::new(&scene);
        lines.write = |text| SAID.lock().unwrap().push(text.to_owned());
        let started = RunEvent::Started { node: 0, attempt: 1, log: "".into(), threads: 1, gpus: vec![] };
        let begin = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        tally.take(&scene, &started, Duration::ZERO);
        let hours = 10;
        for second in 0..hours * 3_600_u64 {
            let elapsed = Duration::from_secs(second);
            let progress =
                RunEvent::Progress { node: 0, done: second, total: hours * 3_600, message: "epoch 1/20".into() };
            tally.take(&scene, &progress, elapsed);
            let at = begin + elapsed;
            let now = Now { scene: &scene, tally: &tally, at, elapsed, left: Some(100.0) };
            if second == 0 {
                lines.see(&now, &started).unwrap();
            }
            lines.pause(&now).unwrap();
        }
        let said = SAID.lock().unwrap();
        assert!(said.len() < 150, "{} lines in a night", said.len());
        assert_eq!(said[0], "2027-01-15T08:00:10Z [0/2] c0 · train  0%, epoch 1/20");
        assert!(said[1].starts_with("2027-01-15T08:00:20Z"), "{said:?}");
        assert!(said.iter().any(|line| line.ends_with("[0/2] 1 under way, about 2 min left")), "{said:?}");
        let times: Vec<jiff::Timestamp> = said.iter().map(|line| line[..20].parse().unwrap()).collect();
        let silence = times.windows(2).map(|pair| (pair[1] - pair[0]).total(jiff::Unit::Second).unwrap());
        assert!(silence.fold(0.0, f64::max) <= 300.0, "{said:?}");
    }
}
