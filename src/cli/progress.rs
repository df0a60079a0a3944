//! Progress for a person (bars) and for a log (plain lines), from the same events.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::say;
use crate::engine::{Graph, NodeId, RunEvent};

/// How often a plain line may be written about one stage.
const PLAIN_PAUSE: Duration = Duration::from_secs(5);

/// Shows what happens in a run.
pub(super) struct ProgressView {
    graph: Arc<Graph>,
    width: usize,
    total: usize,
    done: usize,
    reused: usize,
    bars: Option<MultiProgress>,
    overall: Option<ProgressBar>,
    running: BTreeMap<NodeId, Running>,
}

struct Running {
    bar: Option<ProgressBar>,
    told: Instant,
    started: Instant,
}

impl ProgressView {
    /// A view of a run in which `total` nodes have to be brought to an end.
    pub(super) fn new(graph: Arc<Graph>, total: usize) -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        let overall = bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new(total as u64));
            bar.set_style(style("  {bar:24.green/dim} {pos}/{len} stages  {elapsed} {msg}"));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        let width = graph.nodes.iter().map(|node| node.label.chars().count()).max().unwrap_or(0).min(48);
        Self { graph, width, total, done: 0, reused: 0, bars, overall, running: BTreeMap::new() }
    }

    /// Shows an event.
    pub(super) fn show(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Started { node, .. } => self.start(*node),
            RunEvent::Waiting(node) => {
                self.line(&format!("{}  waits: it is being made already", self.label(*node)));
            }
            RunEvent::Progress { node, done, total, message } => self.progress(*node, *done, *total, message),
            RunEvent::Finished { node, seconds, .. } => {
                let words = format!("{}  done in {}", self.label(*node), duration(*seconds));
                self.end(*node, &words);
            }
            RunEvent::Reused(node) => {
                self.reused += 1;
                // Hundreds of lines that say "nothing to do" help nobody.
                if self.reused <= 3 && self.bars.is_none() && self.total < 100 {
                    self.done += 1;
                    self.line(&format!("{}  reused", self.label(*node)));
                } else {
                    self.done += 1;
                }
                self.count();
            }
            RunEvent::Failed { node, message, log } => {
                let log = if log.as_str().is_empty() { String::new() } else { format!("\n      log: {log}") };
                let words = format!("{}  FAILED\n{message}{log}", self.label(*node).trim_end());
                self.end(*node, &words);
            }
            RunEvent::Retrying { node, message, .. } => {
                self.line(&format!("{}  tried again: {message}", self.label(*node)));
            }
            RunEvent::Epoch { .. } => {}
            RunEvent::Blocked(_) => {
                self.done += 1;
                self.count();
            }
            RunEvent::Healed { node, message } => {
                self.line(&format!(
                    "{}  warning: its stored result is damaged ({message}); it is dropped and made again",
                    self.label(*node)
                ));
            }
        }
    }

    /// Takes the bars away.
    pub(super) fn finish(&mut self) {
        for (_, running) in std::mem::take(&mut self.running) {
            if let Some(bar) = running.bar {
                bar.finish_and_clear();
            }
        }
        if let Some(bar) = self.overall.take() {
            bar.finish_and_clear();
        }
    }

    fn start(&mut self, node: NodeId) {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style("  {spinner} {prefix} {elapsed:>4}  {msg}"));
            bar.set_prefix(self.label(node));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let now = Instant::now();
        self.running.insert(node, Running { bar, told: now, started: now });
    }

    fn progress(&mut self, node: NodeId, done: u64, total: u64, message: &str) {
        let label = self.label(node);
        let Some(running) = self.running.get_mut(&node) else { return };
        let spent = running.started.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = if total == 0 { 0.0 } else { done as f64 / total as f64 };
        let left =
            if share > 0.01 { format!(", {} left", duration(spent * (1.0 - share) / share)) } else { String::new() };
        if let Some(bar) = &running.bar {
            if bar.length() != Some(total) {
                bar.set_length(total);
                bar.set_style(style("  {spinner} {prefix} {bar:20.cyan/dim} {percent:>3}%  {msg}"));
            }
            bar.set_position(done);
            bar.set_message(format!("{message}{left}"));
        } else if running.told.elapsed() > PLAIN_PAUSE {
            running.told = Instant::now();
            self.line(&format!("{label}  {:.0}%  {message}{left}", 100.0 * share));
        }
    }

    fn end(&mut self, node: NodeId, words: &str) {
        self.done += 1;
        if let Some(Running { bar: Some(bar), .. }) = self.running.remove(&node) {
            bar.finish_and_clear();
        }
        self.line(words);
        self.count();
    }

    fn count(&self) {
        if let Some(bar) = &self.overall {
            bar.set_position(self.done as u64);
            if self.reused > 0 {
                bar.set_message(format!("({} reused)", self.reused));
            }
        }
    }

    fn line(&self, text: &str) {
        let text = format!("[{:>width$}/{}] {text}", self.done, self.total, width = self.total.to_string().len());
        match &self.bars {
            // Fails only when stderr is gone.
            Some(bars) => drop(bars.println(text)),
            None => say(&text),
        }
    }

    fn label(&self, node: NodeId) -> String {
        format!("{:<width$}", self.graph.nodes[node].label, width = self.width)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`.
pub(super) fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds, not negative")]
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_is_told_in_the_unit_that_fits() {
        assert_eq!(duration(0.34), "0.3 s");
        assert_eq!(duration(42.4), "42 s");
        assert_eq!(duration(185.0), "3 min 5 s");
        assert_eq!(duration(7_800.0), "2 h 10 min");
    }
}
