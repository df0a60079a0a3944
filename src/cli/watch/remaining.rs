//! How long a run still takes: from what stages took before, what is done, and how many run side by side.

use std::collections::HashMap;
use std::time::Duration;

use super::scene::Scene;
use super::tally::{Running, Stand, Tally};
use crate::engine::NodeId;
use crate::record::Durations;

/// How often the estimate is made anew.
const PAUSE: Duration = Duration::from_secs(1);

/// How much of a new estimate goes into the shown one.
const WEIGHT: f64 = 0.15;

/// Guesses the end of a run.
#[derive(Default)]
pub(super) struct Remaining {
    /// What stages took; none where nobody watches.
    durations: Option<Durations>,
    /// The end as it is shown, in seconds from the beginning.
    end: Option<f64>,
    /// When the last of the stages under way ends by its own pace, in seconds from the beginning; the run ends no sooner.
    under_way: f64,
    updated: Option<Duration>,
}

impl Remaining {
    /// From what earlier results took.
    pub(super) fn new(durations: Durations) -> Self {
        Self { durations: Some(durations), ..Self::default() }
    }

    /// A stage took this long.
    pub(super) fn learn(&mut self, scene: &Scene, node: NodeId, seconds: f64) {
        if let Some(durations) = &mut self.durations {
            durations.add(scene.kind(node), scene.label(node), seconds);
        }
    }

    /// Makes the estimate anew, when it is time.
    pub(super) fn update(&mut self, scene: &Scene, tally: &Tally, elapsed: Duration) {
        let Some(durations) = &self.durations else { return };
        if self.updated.is_some_and(|last| elapsed.saturating_sub(last) < PAUSE) {
            return;
        }
        self.updated = Some(elapsed);
        let Some(left) = left(durations, scene, tally, elapsed) else {
            self.end = None;
            return;
        };
        // The shown end moves slowly, so that one odd stage does not make it jump; it settles in some ten seconds.
        let end = elapsed.as_secs_f64() + left;
        self.end = Some(self.end.map_or(end, |shown| shown + WEIGHT * (end - shown)));
        let ends =
            tally.running.values().filter_map(|running| Some(running.since.as_secs_f64() + whole(running, elapsed)?));
        self.under_way = ends.fold(0.0, f64::max);
    }

    /// Seconds until the end, where enough is known to say it.
    pub(super) fn shown(&self, elapsed: Duration) -> Option<f64> {
        self.end.map(|end| (end.max(self.under_way) - elapsed.as_secs_f64()).max(1.0))
    }
}

/// The work left over the places there are, but never less than the longest way through the stages that are left.
fn left(durations: &Durations, scene: &Scene, tally: &Tally, elapsed: Duration) -> Option<f64> {
    let sort = |node: NodeId| (scene.kind(node), scene.stage_name(node));
    // Kinds of work that only this run shows, by the pace of those under way.
    let mut paces: HashMap<(&str, &str), (f64, f64)> = HashMap::new();
    for (node, running) in &tally.running {
        if let Some(whole) = whole(running, elapsed) {
            let pace = paces.entry(sort(*node)).or_default();
            *pace = (pace.0 + whole, pace.1 + 1.0);
        }
    }
    let expected = |node: NodeId| {
        let earlier = durations.expected(scene.kind(node), scene.label(node));
        earlier.or_else(|| paces.get(&sort(node)).map(|(sum, count)| sum / count))
    };
    let (mut work, mut known, mut unknown) = (0.0, 0_usize, 0_usize);
    let mut path = vec![0.0_f64; scene.stages.len()];
    let mut longest = 0.0_f64;
    for (node, stand) in tally.stands.iter().enumerate() {
        let seconds = match stand {
            Stand::Left if scene.stages[node].works => expected(node),
            Stand::Running => tally.running.get(&node).and_then(|r| still(r, expected(node), elapsed)),
            _ => continue,
        };
        if seconds.is_some() {
            known += 1
        } else {
            unknown += 1
        }
        let seconds = seconds.unwrap_or(0.0);
        work += seconds;
        let before = scene.graph.nodes[node].inputs.values().map(|input| path[*input]).fold(0.0, f64::max);
        path[node] = before + seconds;
        longest = longest.max(path[node]);
    }
    // With most of the work unknown a number would only mislead.
    #[expect(clippy::cast_precision_loss, reason = "a number of places")]
    (known > 0 && unknown <= known / 4).then(|| (work / scene.jobs.max(1) as f64).max(longest))
}

/// What a stage under way takes in all, by its own pace.
fn whole(running: &Running, elapsed: Duration) -> Option<f64> {
    let spent = elapsed.saturating_sub(running.since).as_secs_f64();
    running.share().filter(|share| *share > 0.02).map(|share| spent / share)
}

/// What a stage under way still takes: at first by what such stages took before, then more and more by its own pace.
fn still(running: &Running, expected: Option<f64>, elapsed: Duration) -> Option<f64> {
    let spent = elapsed.saturating_sub(running.since).as_secs_f64();
    let all = match (whole(running, elapsed), expected) {
        (Some(pace), Some(expected)) => {
            let trust = (5.0 * running.share().unwrap_or(0.0)).min(1.0);
            trust * pace + (1.0 - trust) * expected
        }
        (Some(pace), None) => pace,
        // Longer than expected: a little more, for it cannot be known.
        (None, Some(expected)) => expected.max(1.1 * spent),
        (None, None) => return None,
    };
    Some((all - spent).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::super::scene::testing::{Shape, scene};
    use super::*;
    use crate::engine::RunEvent;

    fn remaining(taken: &[(&str, f64)]) -> Remaining {
        let mut durations = Durations::default();
        taken.iter().for_each(|(label, seconds)| durations.add("shell", label, *seconds));
        Remaining::new(durations)
    }

    fn left(remaining: &mut Remaining, scene: &Scene, tally: &Tally, elapsed: f64) -> Option<f64> {
        let elapsed = Duration::from_secs_f64(elapsed);
        remaining.update(scene, tally, elapsed);
        remaining.shown(elapsed)
    }

    #[test]
    fn nothing_is_said_before_something_is_known() {
        let scene = scene(&Shape { cells: 4, stages: &["train"], jobs: 2 });
        let mut remaining = remaining(&[]);
        let mut tally = Tally::new(&scene);
        assert_eq!(left(&mut remaining, &scene, &tally, 0.0), None);
        tally.take(&scene, &RunEvent::Finished { node: 0, attempt: 1, seconds: 10.0 }, Duration::from_secs(10));
        remaining.learn(&scene, 0, 10.0);
        // Three are left, two at a time, ten seconds each.
        assert_eq!(left(&mut remaining, &scene, &tally, 10.0), Some(15.0));
    }

    #[test]
    fn earlier_results_count_by_label_and_else_by_kind_and_name() {
        let scene = scene(&Shape { cells: 2, stages: &["train", "rank"], jobs: 8 });
        let mut remaining = remaining(&[("c0 · train", 60.0), ("other · train", 20.0), ("other · rank", 5.0)]);
        let tally = Tally::new(&scene);
        // The longest way: the first cell's own 60 s, then the mean of its ranking.
        assert_eq!(left(&mut remaining, &scene, &tally, 0.0), Some(65.0));
    }

    #[test]
    fn one_odd_stage_does_not_make_the_shown_time_jump() {
        let scene = scene(&Shape { cells: 20, stages: &["train"], jobs: 1 });
        let mut remaining = remaining(&[("old · train", 10.0)]);
        let mut tally = Tally::new(&scene);
        assert_eq!(left(&mut remaining, &scene, &tally, 0.0), Some(200.0));
        tally.take(&scene, &RunEvent::Finished { node: 0, attempt: 1, seconds: 100.0 }, Duration::from_secs(2));
        remaining.learn(&scene, 0, 100.0);
        let shown = left(&mut remaining, &scene, &tally, 2.0).unwrap();
        assert!((200.0..400.0).contains(&shown), "the bare guess is over 1000 s: {shown}");
    }

    #[test]
    fn a_run_ends_no_sooner_than_what_is_under_way() {
        let scene = scene(&Shape { cells: 1, stages: &["train"], jobs: 1 });
        let mut remaining = remaining(&[("other · train", 2.0)]);
        let mut tally = Tally::new(&scene);
        assert_eq!(left(&mut remaining, &scene, &tally, 0.0), Some(2.0));
        let started = RunEvent::Started { node: 0, attempt: 1, log: "".into(), threads: 1, gpus: vec![] };
        tally.take(&scene, &started, Duration::ZERO);
        let progress = RunEvent::Progress { node: 0, done: 25, total: 100, message: String::new() };
        tally.take(&scene, &progress, Duration::from_secs(10));
        assert_eq!(left(&mut remaining, &scene, &tally, 10.0), Some(30.0), "other trainings took two seconds");
    }

    #[test]
    fn a_stage_under_way_is_judged_by_its_own_pace() {
        let scene = scene(&Shape { cells: 1, stages: &["train"], jobs: 1 });
        let mut remaining = remaining(&[]);
        let mut tally = Tally::new(&scene);
        let started = RunEvent::Started { node: 0, attempt: 1, log: "".into(), threads: 1, gpus: vec![] };
        tally.take(&scene, &started, Duration::ZERO);
        assert_eq!(left(&mut remaining, &scene, &tally, 1.0), None);
        let progress = RunEvent::Progress { node: 0, done: 25, total: 100, message: String::new() };
        tally.take(&scene, &progress, Duration::from_secs(10));
        assert_eq!(left(&mut remaining, &scene, &tally, 10.0), Some(30.0));
    }
}
