//! Looking through a dataset: each part once, session by session.

use std::collections::{BTreeMap, HashMap, HashSet};

use camino::Utf8Path;

use super::trace::{Samples, traces};
use crate::data::audit::EXAMPLES;
use crate::data::dataset::{PARTS, PartReader, Seen, Who, who};
use crate::data::rule::{By, Rule};
use crate::data::vocabulary::{ITEMS, Vocabulary};
use crate::engine::stage::{StageError, Task};

/// How many sessions pass between two looks at whether the run is to stop.
const BREATH: usize = 1 << 12;

/// How many were found, of how many, and the first of them in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) of: u64,
    pub(super) examples: Vec<String>,
}

impl Found {
    /// Counts one that was looked at.
    fn look(&mut self, found: bool, example: impl FnOnce() -> String) {
        self.of += 1;
        if found {
            self.count += 1;
            if self.examples.len() < EXAMPLES {
                // Of one session one example will do.
                let example = example();
                if self.examples.last() != Some(&example) {
                    self.examples.push(example);
                }
            }
        }
    }
}

/// An event of a session, as far as it can be told from others: time, item, operation.
type Event = (i64, i64, i64);

/// Held-out events of a session that stands in training too: how often each may stand there, how often it is held out,
/// and how often it was met there.
type HeldOut = HashMap<Event, [u64; 3]>;

/// All that was counted.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) sessions: Found,
    pub(super) target_events: Found,
    pub(super) samples: Found,
    pub(super) items_repeated: Found,
    pub(super) past_boundary: Found,
    pub(super) after_test: Found,
    pub(super) validation: Found,
    pub(super) cold_items: Found,
    pub(super) users: Found,
    pub(super) in_input: Found,
    /// Test samples.
    pub(super) test_samples: u64,
    /// Test targets that stand in no training session.
    pub(super) cold_targets: u64,
}

/// What is kept of the parts that are held out while training is looked through.
#[derive(Default)]
struct Kept {
    whole: Samples,
    items: Samples,
    /// By part and by session number.
    held_out: HashMap<(usize, i64), HeldOut>,
    /// How often each item is a target of the test part; 0 where it only stands in inputs.
    test_items: BTreeMap<i64, u64>,
    first_event: Option<i64>,
    first_end: Option<i64>,
    ends: [Vec<i64>; 3],
}

/// Looks through the dataset of a task.
pub(super) fn look(task: &Task<'_>, folder: &Utf8Path, rule: &Rule) -> Result<Looked, StageError> {
    let mut looked = Looked::default();
    let of = [who(folder, PARTS[0])?, who(folder, PARTS[1])?, who(folder, PARTS[2])?];
    looked.sessions = in_two_parts(&of);
    looked.users = users_in_two_parts(&of[0], &of[2]);
    let trained: HashSet<i64> = of[0].iter().map(|who| who.session).collect();

    let mut kept = Kept::default();
    for part in [1, 2] {
        each(task, folder, part, &mut |session| {
            let who = &of[part][session.index];
            kept.ends[part].push(session.times.last().copied().unwrap_or_default());
            looked.target_events.of += session.targets.len() as u64;
            if trained.contains(&who.session) {
                kept.held_out.insert((part, who.session), held_out(session));
            }
            if part == 2 {
                kept.test(session, who, rule, &mut looked);
            }
        })?;
    }

    let mut train_items = HashSet::new();
    each(task, folder, 0, &mut |session| {
        let who = &of[0][session.index];
        kept.ends[0].push(session.times.last().copied().unwrap_or_default());
        train_items.extend(session.items.iter().copied());
        for time in &session.times {
            looked.after_test.look(kept.first_event.is_some_and(|first| *time >= first), || said(who));
        }
        for (whole, items) in traces(session, &who.user) {
            kept.whole.meet(whole);
            kept.items.meet(items);
        }
        for part in [1, 2] {
            if let Some(held_out) = kept.held_out.get_mut(&(part, who.session)) {
                let met = meet(session, held_out);
                if met > 0 && looked.target_events.examples.len() < EXAMPLES {
                    looked.target_events.examples.push(format!("{} ({})", said(who), PARTS[part]));
                }
                looked.target_events.count += met;
            }
        }
    })?;

    let again = |samples: &Samples| {
        let (count, sessions) = samples.again(EXAMPLES);
        let examples = sessions.into_iter().map(|index| said(&of[2][index])).collect();
        Found { count, of: looked.test_samples, examples }
    };
    (looked.samples, looked.items_repeated) = (again(&kept.whole), again(&kept.items));
    kept.by_time(rule, &of, &mut looked);
    let names = Vocabulary::read(&folder.join("items.parquet"), &ITEMS)?;
    let name = |item: i64| usize::try_from(item - 1).ok().and_then(|index| names.names().get(index));
    for (item, targets) in &kept.test_items {
        let cold = !train_items.contains(item);
        looked.cold_items.look(cold, || format!("item `{}`", name(*item).map_or("?", String::as_str)));
        looked.cold_targets += if cold { *targets } else { 0 };
    }
    Ok(looked)
}

impl Kept {
    /// Keeps what is asked of a test session later.
    fn test(&mut self, session: &Seen, who: &Who, rule: &Rule, looked: &mut Looked) {
        session.items.iter().for_each(|item| _ = self.test_items.entry(*item).or_default());
        let mut is_target = vec![false; session.items.len()];
        for position in &session.targets {
            if let Some(target) = is_target.get_mut(*position) {
                *target = true;
            }
        }
        // The beginning of a session that is cut is for training.
        let held_out = if rule.by.cuts_sessions() { session.targets.iter().min().copied().unwrap_or(0) } else { 0 };
        self.first_event = self.first_event.into_iter().chain(session.times.get(held_out).copied()).min();
        self.first_end = self.first_end.into_iter().chain(session.times.last().copied()).min();
        let mut met = HashSet::new();
        for (position, (whole, items)) in traces(session, &who.user).enumerate() {
            let item = session.items[position];
            let repeated = !met.insert(item);
            if is_target[position] {
                self.whole.add(whole, session.index);
                self.items.add(items, session.index);
                *self.test_items.entry(item).or_default() += 1;
                looked.test_samples += 1;
                looked.in_input.look(repeated, || said(who));
            }
        }
    }

    /// Holds the ends of sessions against the rule.
    fn by_time(&self, rule: &Rule, of: &[Vec<Who>; 3], looked: &mut Looked) {
        let given = rule.by == By::Given;
        // What a publisher has split may be split by time too: then no training session ends after a test session has.
        let bounds = if given {
            let after = self.first_end.and_then(|end| end.checked_add(1));
            [after, after]
        } else {
            [rule.held_out_from, rule.test_from]
        };
        for (part, bound) in bounds.into_iter().enumerate() {
            let Some(bound) = bound else { continue };
            for (who, end) in of[part].iter().zip(&self.ends[part]) {
                looked.past_boundary.look(*end >= bound, || format!("{} ({})", said(who), PARTS[part]));
            }
        }
        let last = self.ends[0].iter().max().copied();
        for (who, end) in of[1].iter().zip(&self.ends[1]) {
            looked.validation.look(last.is_some_and(|last| *end < last), || said(who));
        }
    }
}

/// Reads the sessions of a part.
fn each(task: &Task<'_>, folder: &Utf8Path, part: usize, visit: &mut dyn FnMut(&Seen)) -> Result<(), StageError> {
    let mut reader = PartReader::open(folder, PARTS[part])?;
    let mut session = Seen::default();
    while reader.read(&mut session)? {
        visit(&session);
        if session.index % BREATH == 0 {
            task.step(session.index as u64, 0, format!("{} sessions", PARTS[part]));
            if (task.stop)() {
                return Err(StageError::Interrupted);
            }
        }
    }
    Ok(())
}

fn said(who: &Who) -> String {
    if who.user.is_empty() {
        format!("session {}", who.session)
    } else {
        format!("session {} of user `{}`", who.session, who.user)
    }
}

/// Sessions that stand in more than one part, of all.
fn in_two_parts(of: &[Vec<Who>; 3]) -> Found {
    let mut all: Vec<(i64, usize)> =
        (0..3).flat_map(|part| of[part].iter().map(move |who| (who.session, part))).collect();
    all.sort_unstable();
    all.dedup();
    let mut found = Found::default();
    for same in all.chunk_by(|(one, _), (other, _)| one == other) {
        found.look(same.len() > 1, || {
            let parts: Vec<&str> = same.iter().map(|(_, part)| PARTS[*part]).collect();
            format!("session {} ({})", same[0].0, parts.join(", "))
        });
    }
    found
}

/// Users of the test part who act in training, of all in the test part.
fn users_in_two_parts(train: &[Who], test: &[Who]) -> Found {
    let trained: HashSet<&str> = train.iter().map(|who| who.user.as_str()).collect();
    let (mut found, mut told) = (Found::default(), HashSet::new());
    for who in test.iter().filter(|who| !who.user.is_empty()) {
        if told.insert(who.user.as_str()) {
            found.look(trained.contains(who.user.as_str()), || format!("user `{}`", who.user));
        }
    }
    found
}

fn events(session: &Seen) -> impl Iterator<Item = Event> {
    let times = session.times.iter().zip(&session.items).zip(&session.operations);
    times.map(|((time, item), operation)| (*time, *item, *operation))
}

/// The targets of a session that is held out: how often each stands in its inputs, and how often it is a target.
fn held_out(session: &Seen) -> HeldOut {
    let all: Vec<Event> = events(session).collect();
    let first = session.targets.iter().min().copied().unwrap_or(all.len());
    let mut held_out = HeldOut::new();
    for event in session.targets.iter().filter_map(|position| all.get(*position)) {
        held_out.entry(*event).or_default()[1] += 1;
    }
    for event in &all[..first] {
        if let Some(counts) = held_out.get_mut(event) {
            counts[0] += 1;
        }
    }
    held_out
}

/// How many held-out events a training session has.
fn meet(session: &Seen, held_out: &mut HeldOut) -> u64 {
    for event in events(session) {
        if let Some(counts) = held_out.get_mut(&event) {
            counts[2] += 1;
        }
    }
    held_out.values().map(|[allowed, targets, met]| met.saturating_sub(*allowed).min(*targets)).sum()
}
