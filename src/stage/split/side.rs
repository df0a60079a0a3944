//! Which part each session belongs to.

use std::cmp::Ordering;

use super::log::{Held, Log};
use super::{By, Config};
use crate::data::events::Given;
use crate::diagnostic::Diagnostic;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Where a session belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Into no part.
    Out,
    /// Into one part.
    Whole(Given),
    /// Its first events are for training; those from there to `valid` are for validation, the others for testing.
    Cut {
        /// Where training ends.
        train: u32,
        /// Where validation ends; where training ends, when there is none.
        valid: u32,
    },
}

/// The side of each session, and the boundaries where time decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sides {
    /// In the order of the log.
    pub(super) of: Vec<Side>,
    /// Sessions that end at this time or later are not for training.
    pub(super) held_out_from: Option<i64>,
    /// Sessions that end at this time or later are for testing.
    pub(super) test_from: Option<i64>,
}

impl Sides {
    fn without_time(of: Vec<Side>) -> Self {
        Self { of, held_out_from: None, test_from: None }
    }
}

/// Decides where each session belongs.
///
/// # Errors
/// When the publisher has not split the log, or nobody is named where users decide.
pub(super) fn sides(config: &Config, log: &Log) -> Result<Sides, Diagnostic> {
    match config.by {
        By::Events => Ok(by_end(config, log, || log.events.times.iter().copied())),
        By::Sessions => Ok(by_end(config, log, || log.sessions.iter().map(|session| log.end(session)))),
        By::Span => Ok(span(config, log)),
        By::Given => given(log),
        By::Random => Ok(random(config, log)),
        By::LastSession => last_session(config, log),
        By::LastItem => Ok(cut(config, log, |held| {
            let test = held.length - 1;
            (held.length - 1 - u32::from(config.validation && held.length > 1), test)
        })),
        By::LastDay => Ok(cut(config, log, |held| {
            let test = last_day(log, held, held.length);
            (if config.validation { last_day(log, held, test) } else { test }, test)
        })),
    }
}

/// By the time at which sessions end, at the order statistics of `times`.
fn by_end<I: Iterator<Item = i64>>(config: &Config, log: &Log, times: impl Fn() -> I) -> Sides {
    let (test, held_out) = (config.test_share(), config.test_share() + config.valid_share.unwrap_or(0.0));
    let test_from = boundary(&times, test);
    let held_out_from = if config.valid_share.is_some() { boundary(&times, held_out) } else { test_from };
    let reached = |end: i64, boundary: Option<i64>| boundary.is_some_and(|boundary| end >= boundary);
    let side = |session: &Held| {
        let end = log.end(session);
        Side::Whole(match (reached(end, test_from), reached(end, held_out_from)) {
            (true, _) => Given::Test,
            (false, true) => Given::Valid,
            (false, false) => Given::Train,
        })
    };
    Sides { of: log.sessions.iter().map(side).collect(), held_out_from, test_from }
}

/// By the time at which sessions end: those of the last `test_span` are for testing.
fn span(config: &Config, log: &Log) -> Sides {
    let last = log.sessions.iter().map(|session| log.end(session)).max().unwrap_or_default();
    let boundary = last.saturating_sub(config.test_span().seconds());
    let side = |session: &Held| match log.end(session).cmp(&boundary) {
        Ordering::Greater => Side::Whole(Given::Test),
        Ordering::Equal if config.drop_boundary => Side::Out,
        _ => Side::Whole(Given::Train),
    };
    let after = boundary.saturating_add(1);
    let held_out_from = if config.drop_boundary { boundary } else { after };
    Sides {
        of: log.sessions.iter().map(side).collect(),
        held_out_from: Some(held_out_from),
        test_from: Some(after),
    }
}

/// The first time of the last `share` of times; none when that is no time at all.
pub(super) fn boundary<I: Iterator<Item = i64>>(times: impl Fn() -> I, share: f64) -> Option<i64> {
    let count = times().count();
    let place = part_of(count, 1.0 - share);
    if place >= count {
        return None;
    }
    let (mut low, mut high) = (times().min()?, times().max()?);
    // Halving the stretch of time needs no sorted copy of the times.
    while low < high {
        let middle = low.wrapping_add((high.abs_diff(low) / 2).cast_signed());
        if times().filter(|time| *time <= middle).count() > place { high = middle } else { low = middle + 1 }
    }
    Some(low)
}

/// The whole part of a share of a count. A count that only rounding keeps from being whole is whole.
pub(super) fn part_of(count: usize, share: f64) -> usize {
    (count as f64 * share + 1e-9).floor() as usize
}

fn given(log: &Log) -> Result<Sides, Diagnostic> {
    let sides: Option<Vec<Side>> = log.sessions.iter().map(|session| session.part.map(Side::Whole)).collect();
    sides.map(Sides::without_time).ok_or_else(|| {
        Diagnostic::new("the sessions do not say in which part they are").help(
            "use `by: events` or `by: sessions`; where the publisher splits the log, cut its sessions `by: given`",
        )
    })
}

/// A draw for each session, from the seed and the session's number alone: it is the same whatever was filtered before.
fn random(config: &Config, log: &Log) -> Sides {
    let (test, valid) = (config.test_share(), config.valid_share.unwrap_or(0.0));
    let side = |session: &Held| {
        let draw = draw(config.seed(), session.number);
        Side::Whole(if draw < 1.0 - test - valid {
            Given::Train
        } else if draw < 1.0 - test {
            Given::Valid
        } else {
            Given::Test
        })
    };
    Sides::without_time(log.sessions.iter().map(side).collect())
}

/// A number in [0, 1): the first 53 bits of the BLAKE3 digest of both numbers.
fn draw(seed: u64, session: i32) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(&session.to_le_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    (u64::from_le_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The last session of each user who has another, and the one before it of each who has a third.
fn last_session(config: &Config, log: &Log) -> Result<Sides, Diagnostic> {
    let Some(users) = log.sessions.iter().map(|session| session.user).max().and_then(|last| usize::try_from(last).ok())
    else {
        return Err(Diagnostic::new("`by: last-session` asks for users, and the log does not say who acts")
            .help("use `by: sessions` or `by: random`"));
    };
    let user = |session: &Held| usize::try_from(session.user).ok();
    let mut left = vec![0_u32; users + 1];
    log.sessions.iter().filter_map(user).for_each(|user| left[user] += 1);
    let all = left.clone();
    let side = |session: &Held| {
        let Some(user) = user(session) else { return Side::Whole(Given::Train) };
        left[user] -= 1;
        Side::Whole(match (left[user], all[user]) {
            (0, 2..) => Given::Test,
            (1, 3..) if config.validation => Given::Valid,
            _ => Given::Train,
        })
    };
    Ok(Sides::without_time(log.sessions.iter().map(side).collect()))
}

/// Cuts sessions where `ends` says that training and validation end; those of which too little is left for training are
/// left out.
fn cut(config: &Config, log: &Log, ends: impl Fn(&Held) -> (u32, u32)) -> Sides {
    let side = |session: &Held| {
        let (train, valid) = ends(session);
        let least_share = config.min_train_share.unwrap_or(0.0) * f64::from(session.length);
        let enough = train >= config.min_train_events() && f64::from(train) + 1e-9 >= least_share;
        if enough { Side::Cut { train, valid } } else { Side::Out }
    };
    Sides::without_time(log.sessions.iter().map(side).collect())
}

/// Where the last day of the first `length` events begins.
fn last_day(log: &Log, session: &Held, length: u32) -> u32 {
    let day = |position: u32| log.events.times[session.start + position as usize].div_euclid(DAY);
    let mut begin = length;
    while begin > 0 && day(begin - 1) == day(length - 1) {
        begin -= 1;
    }
    begin
}
