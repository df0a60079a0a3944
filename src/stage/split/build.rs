//! Sessions on their sides to a dataset: cold items, the vocabulary, the maximum length, the parts.

use super::log::Log;
use super::side::{Side, Sides, part_of};
use super::{By, Split, side};
use crate::data::dataset::{Events, PARTS, Part, PartSession, Prefixes};
use crate::data::events::Given;
use crate::data::items::ColdItems;
use crate::data::protocol::SelectOn;
use crate::data::rule::{LeftOut, Validation};
use crate::data::sessions::Session;
use crate::diagnostic::Diagnostic;
use crate::stage::filter::Transform;

/// A dataset before it is written.
#[derive(Debug)]
pub(super) struct Built {
    /// Training, validation and test.
    pub(super) parts: Vec<Part>,
    /// The events, by the numbers of the vocabularies.
    pub(super) events: Events,
    /// The rows of `items.parquet`, in the order of their numbers in the vocabulary, from 1.
    pub(super) items: Vec<i32>,
    /// The rows of `operations.parquet`, likewise.
    pub(super) operations: Vec<u16>,
    /// Where the validation part comes from.
    pub(super) validation: Validation,
    /// The boundaries, where time decides.
    pub(super) boundaries: (Option<i64>, Option<i64>),
    /// What is in no part.
    pub(super) left_out: LeftOut,
}

/// The numbers of a vocabulary, given out in the order in which rows of a key table are met.
struct Numbers {
    of: Vec<i32>,
    met: Vec<i32>,
}

impl Numbers {
    fn add(&mut self, row: i32) {
        let place = usize::try_from(row).unwrap_or_default();
        if self.of[place] == 0 {
            self.met.push(row);
            self.of[place] = i32::try_from(self.met.len()).unwrap_or(i32::MAX);
        }
    }

    /// 0 for a row that was not met.
    fn of(&self, row: i32) -> i32 {
        usize::try_from(row).ok().and_then(|row| self.of.get(row)).copied().unwrap_or_default()
    }
}

impl Split {
    /// Makes the dataset. `operations` are the names of the operations by number, `then` the steps after the split.
    pub(super) fn build(&self, mut log: Log, operations: &[&str], then: &[Transform]) -> Result<Built, Diagnostic> {
        let Sides { of: mut sides, held_out_from, test_from } = side::sides(&self.config, &log)?;
        let mut left_out = LeftOut::default();
        if !then.is_empty() {
            let mut session = Session::default();
            for (index, side) in sides.iter_mut().enumerate() {
                log.transform(index, then, &mut session);
                if log.sessions[index].length == 0 {
                    *side = Side::Out;
                }
            }
        }
        left_out.sessions = sides.iter().filter(|side| **side == Side::Out).count() as u64;
        let validation = self.validation(&sides);

        // Operations are few and sorted by name; items are numbered as they are met, training sessions first.
        let (operation_numbers, operations) = number_operations(&log, operations);
        let items = self.number_items(&mut log, &mut sides, &mut left_out);
        log.events.items.iter_mut().for_each(|item| *item = items.of(*item));
        log.events.operations.iter_mut().for_each(|operation| {
            *operation = operation_numbers.get(usize::from(*operation)).copied().unwrap_or_default();
        });

        let limit = self.limit(&log, &sides)?;
        let of = |all: bool| if all { Prefixes::All } else { Prefixes::Longest };
        let mut pieces = pieces(&log, &sides, limit, &mut left_out);
        if let Some(share) = self.config.recent_share {
            left_out.early_training_samples =
                keep_recent(&mut pieces[0], &log.events, share, of(self.config.train_prefixes));
        }
        if validation == Validation::Protocol {
            let [train, valid, _] = &mut pieces;
            (*train, *valid) = hold_out(std::mem::take(train), &log.events, self.protocol.validation_share);
        }
        // What a session shows of its end has targets of its own; the protocol decides where sessions are whole.
        let evaluated = of(self.protocol.test_prefixes || self.config.by.cuts_sessions());
        let prefixes = [of(self.config.train_prefixes), evaluated, evaluated];
        let parts: Vec<Part> = PARTS
            .into_iter()
            .zip(pieces)
            .zip(prefixes)
            .map(|((name, sessions), prefixes)| Part { name, sessions, prefixes })
            .collect();
        let needed = |part: &&Part| {
            part.name != "valid" || validation != Validation::None || self.protocol.select_on == SelectOn::Validation
        };
        if let Some(empty) = parts.iter().filter(needed).find(|part| part.sessions.is_empty()) {
            return Err(Diagnostic::new(format!("no session of two events is left for `{}`", empty.name))
                .help(self.help_for(empty.name, validation)));
        }
        let boundaries = (held_out_from, test_from);
        Ok(Built { parts, events: log.events, items: items.met, operations, validation, boundaries, left_out })
    }

    /// Where the validation part comes from.
    fn validation(&self, sides: &[Side]) -> Validation {
        let given = sides.contains(&Side::Whole(Given::Valid));
        match self.own_validation() {
            Some(true) => Validation::Split,
            None if given => Validation::Split,
            None if self.protocol.select_on == SelectOn::Validation => Validation::Protocol,
            _ => Validation::None,
        }
    }

    fn help_for(&self, part: &str, validation: Validation) -> String {
        match (part, validation) {
            ("valid", Validation::Protocol) => {
                "change the protocol's `validation_share`, or take more of the log".to_owned()
            }
            ("valid", Validation::None) => {
                "let the split make a validation part, or use a protocol with `select_on: test`".to_owned()
            }
            _ if self.config.by.cuts_sessions() => {
                "lower `min_train_events` or `min_train_share`, or take more of the log".to_owned()
            }
            ("train", _) if self.config.recent_share.is_some() => "raise `recent_share`, or take more of the log".to_owned(),
            _ if self.config.by == By::Span => "change `test_span`, or take more of the log".to_owned(),
            _ => "change `test_share` or `valid_share`, or take more of the log".to_owned(),
        }
    }

    /// Numbers the items and takes cold ones out of what is held out, where the split says so.
    fn number_items(&self, log: &mut Log, sides: &mut [Side], left_out: &mut LeftOut) -> Numbers {
        let last = log.events.items.iter().copied().max().and_then(|item| usize::try_from(item).ok());
        let mut items = Numbers { of: vec![0; last.map_or(0, |last| last + 1)], met: Vec::new() };
        let add = |log: &Log, items: &mut Numbers, index: usize, from: u32, to: u32| {
            let start = log.sessions[index].start;
            log.events.items[start + from as usize..start + to as usize].iter().for_each(|item| items.add(*item));
        };
        for (index, side) in sides.iter().enumerate() {
            match side {
                Side::Whole(Given::Train) => add(log, &mut items, index, 0, log.sessions[index].length),
                Side::Cut { train, .. } => add(log, &mut items, index, 0, *train),
                Side::Whole(_) | Side::Out => {}
            }
        }
        if self.config.cold_items == ColdItems::Drop {
            for (index, side) in sides.iter_mut().enumerate() {
                let (from, cut) = match side {
                    Side::Whole(Given::Valid | Given::Test) => (0, 0),
                    Side::Cut { train, valid } => (*train, *valid),
                    Side::Whole(Given::Train) | Side::Out => continue,
                };
                let (cut, gone) = log.retain(index, from, cut, |item| items.of(item) != 0);
                left_out.cold_events += gone;
                if let Side::Cut { valid, .. } = side {
                    *valid = cut;
                }
            }
        }
        for part in [Given::Valid, Given::Test] {
            for (index, side) in sides.iter().enumerate() {
                let length = log.sessions[index].length;
                match side {
                    Side::Whole(whole) if *whole == part => add(log, &mut items, index, 0, length),
                    Side::Cut { train, valid } if part == Given::Valid => add(log, &mut items, index, *train, *valid),
                    Side::Cut { valid, .. } => add(log, &mut items, index, *valid, length),
                    Side::Whole(_) | Side::Out => {}
                }
            }
        }
        items
    }

    /// The maximum length.
    fn limit(&self, log: &Log, sides: &[Side]) -> Result<u32, Diagnostic> {
        let lengths = log.sessions.iter().zip(sides).filter_map(|(session, side)| match side {
            Side::Whole(Given::Train) => Some(session.length),
            Side::Cut { train, .. } => Some(*train),
            Side::Whole(_) | Side::Out => None,
        });
        let lengths: Vec<u32> = lengths.collect();
        let none = lengths.is_empty();
        let limit = self.config.max_length_quantile.map_or(u32::MAX, |quantile| length_quantile(lengths, quantile));
        if none || limit < 2 {
            return Err(Diagnostic::new("no training session has two events")
                .help("put a `filter` stage before this one, or take more of the log"));
        }
        Ok(limit)
    }
}

/// Numbers from 1 for the operations that the log has, by name, and the rows in that order.
fn number_operations(log: &Log, names: &[&str]) -> (Vec<u16>, Vec<u16>) {
    let mut there = vec![false; usize::from(u16::MAX) + 1];
    log.events.operations.iter().for_each(|operation| there[usize::from(*operation)] = true);
    let mut rows: Vec<u16> = (0..=u16::MAX).filter(|row| there[usize::from(*row)]).collect();
    rows.sort_by_key(|row| (names.get(usize::from(*row)).copied().unwrap_or_default(), *row));
    let mut numbers = vec![0; there.len()];
    (1..).zip(&rows).for_each(|(number, row)| numbers[usize::from(*row)] = number);
    (numbers, rows)
}

/// The quantile of lengths, linear between two of them, rounded down; 0 without lengths.
pub(super) fn length_quantile(mut lengths: Vec<u32>, quantile: f64) -> u32 {
    lengths.sort_unstable();
    let Some(last) = lengths.len().checked_sub(1) else { return 0 };
    let place = last as f64 * quantile;
    let (low, high) = (f64::from(lengths[place.floor() as usize]), f64::from(lengths[place.ceil() as usize]));
    (low + (high - low) * place.fract() + 1e-9).floor() as u32
}

/// The sessions of the three parts, cut to the maximum length; those that give no sample are counted and left out.
fn pieces(log: &Log, sides: &[Side], limit: u32, left_out: &mut LeftOut) -> [Vec<PartSession>; 3] {
    let mut pieces = [Vec::new(), Vec::new(), Vec::new()];
    for (held, side) in log.sessions.iter().zip(sides) {
        let mut add = |part: Given, history: u32, end: u32| {
            let cut = end.saturating_sub(limit);
            let length = end - cut;
            let history = history.saturating_sub(cut).max(1);
            if length <= history {
                match part {
                    Given::Train => left_out.short_training_sessions += 1,
                    Given::Valid | Given::Test => left_out.short_held_out_sessions += 1,
                }
                return;
            }
            if part == Given::Train {
                left_out.cut_training_events += u64::from(cut);
            }
            let start = held.start + cut as usize;
            let piece = PartSession { session: held.number, user: held.user, start, length, history };
            pieces[part as usize].push(piece);
        };
        match *side {
            Side::Out => {}
            Side::Whole(part) => add(part, 1, held.length),
            Side::Cut { train, valid } => {
                add(Given::Train, 1, train);
                if valid > train {
                    add(Given::Valid, train, valid);
                }
                if held.length > valid {
                    add(Given::Test, valid, held.length);
                }
            }
        }
    }
    pieces
}

/// Keeps the last `share` of the samples, by the end of their sessions, then by their order; of a session that is not
/// kept whole the shortest inputs stay. Answers how many samples are gone.
fn keep_recent(sessions: &mut Vec<PartSession>, events: &Events, share: f64, prefixes: Prefixes) -> u64 {
    let samples = |session: &PartSession| match prefixes {
        Prefixes::All => session.length - session.history,
        Prefixes::Longest => 1,
    };
    let total: usize = sessions.iter().map(|session| samples(session) as usize).sum();
    let mut left = part_of(total, share);
    let gone = total - left;
    let mut order: Vec<usize> = (0..sessions.len()).collect();
    order.sort_by_key(|index| (events.times[sessions[*index].range().end - 1], *index));
    for index in order.into_iter().rev() {
        let session = &mut sessions[index];
        let own = samples(session) as usize;
        if left < own {
            // Nothing is left of it where no sample is.
            session.length = session.history + u32::try_from(left).unwrap_or_default();
        }
        left = left.saturating_sub(own);
    }
    sessions.retain(|session| session.length > session.history);
    gone as u64
}

/// Takes the last `share` of the sessions out, by the time of their end, then by their order; both keep their order.
fn hold_out(sessions: Vec<PartSession>, events: &Events, share: f64) -> (Vec<PartSession>, Vec<PartSession>) {
    let key = |index: usize, session: &PartSession| (events.times[session.range().end - 1], index);
    let mut ends: Vec<_> = sessions.iter().enumerate().map(|(index, session)| key(index, session)).collect();
    ends.sort_unstable();
    let Some(first_held) = ends.get(part_of(ends.len(), 1.0 - share)).copied() else { return (sessions, Vec::new()) };
    let (mut train, mut held) = (Vec::new(), Vec::new());
    for (index, session) in sessions.into_iter().enumerate() {
        if key(index, &session) < first_held { train.push(session) } else { held.push(session) }
    }
    (train, held)
}
