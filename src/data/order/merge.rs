//! Merges the sorted runs of a log.

use std::sync::Arc;

use fs_err::File;

use super::run::{Run, RunReader};
use super::{Number, number};
use crate::data::events::{Event, Group, NONE};

/// Runs on disk as one, by a tree of losers: each match remembers who lost it, so that a new head plays its way up
/// against one of them a level (Knuth, volume 3, 5.4.1).
pub struct Merge {
    by: Group,
    runs: Vec<RunReader>,
    /// The event at the head of each run.
    events: Vec<Event>,
    /// The loser of each match from index 1 on; a run enters the tree below them, at its number.
    losers: Vec<Head>,
    winner: Head,
}

/// A run in the tree, by the key of its head.
#[derive(Debug, Clone, Copy)]
struct Head {
    key: Number,
    run: usize,
}

/// The key of a run that is over: after every event's.
const OVER: Number = (u128::MAX, NONE);

impl Merge {
    pub(super) fn new(file: File, runs: Vec<Run>, by: Group) -> std::io::Result<Self> {
        let file = Arc::new(file.into_file());
        let leaves = runs.len().next_power_of_two();
        let mut runs: Vec<RunReader> = runs.into_iter().map(|run| RunReader::new(&file, run)).collect();
        let mut events = Vec::with_capacity(runs.len());
        let mut winners: Vec<Head> =
            (0..2 * leaves).map(|at| Head { key: OVER, run: at.saturating_sub(leaves) }).collect();
        for (run, reader) in runs.iter_mut().enumerate() {
            let Some(event) = reader.next()? else { unreachable!("a run has an event") };
            winners[leaves + run].key = number(&event, by);
            events.push(event);
        }
        let mut losers = winners[..leaves].to_vec();
        for place in (1..leaves).rev() {
            let (left, right) = (winners[2 * place], winners[2 * place + 1]);
            (winners[place], losers[place]) = if left.key < right.key { (left, right) } else { (right, left) };
        }
        Ok(Self { by, runs, events, losers, winner: winners[1] })
    }

    pub(super) fn next(&mut self) -> std::io::Result<Option<Event>> {
        if self.winner.key == OVER {
            return Ok(None);
        }
        let run = self.winner.run;
        let event = self.events[run];
        let mut head = Head { key: OVER, run };
        if let Some(next) = self.runs[run].next()? {
            self.events[run] = next;
            head.key = number(&next, self.by);
        }
        let mut place = (run + self.losers.len()) / 2;
        while place > 0 {
            let loser = &mut self.losers[place];
            if loser.key < head.key {
                std::mem::swap(loser, &mut head);
            }
            place /= 2;
        }
        self.winner = head;
        Ok(Some(event))
    }
}
