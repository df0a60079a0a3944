//! Traces of the beginnings of sessions, so that a sample is found again among millions of others.
//!
//! A trace has 128 bits: that two different beginnings of a million million share one has a chance of about 10^-15.

use std::collections::HashMap;

use crate::data::dataset::Seen;

/// The trace of a beginning of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Trace(u64, u64);

impl Trace {
    /// The trace of nothing, in the name of somebody.
    fn begin(name: &str) -> Self {
        let digest = blake3::hash(name.as_bytes());
        let half = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&digest.as_bytes()[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        Self(half(0), half(8))
    }

    /// The trace with one more number.
    fn with(self, value: i64) -> Self {
        let mix = |state: u64, key: u64| {
            let wide = u128::from(state ^ value.cast_unsigned()) * u128::from(key);
            (wide as u64) ^ ((wide >> 64) as u64)
        };
        // Two odd keys without a pattern: digits of pi and of e.
        Self(mix(self.0, 0x2436_a885_a308_d313), mix(self.1, 0xb7e1_5162_8aed_2a6b))
    }
}

/// The traces of all beginnings of a session, the shortest first: those of its events, user and times, and those of its
/// items alone.
pub(super) fn traces<'a>(session: &'a Seen, user: &str) -> impl Iterator<Item = (Trace, Trace)> + use<'a> {
    let events = session.items.iter().zip(&session.operations).zip(&session.times);
    events.scan((Trace::begin(user), Trace::begin("")), |(whole, items), ((item, operation), time)| {
        *whole = whole.with(*item).with(*operation).with(*time);
        *items = items.with(*item);
        Some((*whole, *items))
    })
}

/// Samples by their traces, and which of them were met again.
#[derive(Debug, Default)]
pub(super) struct Samples {
    of: HashMap<Trace, Met>,
}

#[derive(Debug)]
struct Met {
    /// The session of the first of them, by its place in its part.
    session: usize,
    /// How many samples share the trace.
    samples: u64,
    again: bool,
}

impl Samples {
    /// Adds a sample of a session.
    pub(super) fn add(&mut self, trace: Trace, session: usize) {
        let met = self.of.entry(trace).or_insert(Met { session, samples: 0, again: false });
        met.samples += 1;
    }

    /// Notes that a trace was met again.
    pub(super) fn meet(&mut self, trace: Trace) {
        if let Some(met) = self.of.get_mut(&trace) {
            met.again = true;
        }
    }

    /// How many samples were met again, and the sessions of the first of them.
    pub(super) fn again(&self, most: usize) -> (u64, Vec<usize>) {
        let again = || self.of.values().filter(|met| met.again);
        let mut sessions: Vec<usize> = again().map(|met| met.session).collect();
        sessions.sort_unstable();
        sessions.dedup();
        sessions.truncate(most);
        (again().map(|met| met.samples).sum(), sessions)
    }
}
