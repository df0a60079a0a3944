//! `sr-pipe cache gc`: takes away what no kept run needs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroUsize;

use clap::Args;

use super::leavings::{self, Leaving};
use super::{Place, size};
use crate::artifact::{Gate, Store, stamp};
use crate::cli::{CommandError, Ending, block_on, columns, count, print, say};
use crate::engine::{RunLock, remove_unused_locks};
use crate::hash::ContentHash;
use crate::record::{Census, RecordError};
use crate::unit::{Size, Span};

/// Take away what no kept run needs.
///
/// A run reaches the objects that its cells used or that it made, and all upstream of them. What a kept run reaches
/// never goes. Kept are the last N runs of each experiment that came to their end (`--keep-last N`), and all that
/// began after the oldest of them; runs over a part of the cells, or with `--set`, do not count unless there are no
/// others. With `--max-size` or `--older-than` and no `--keep-last`, N is 1. With no option at all every run is kept,
/// and only what no result on record leads to goes.
///
/// Safe beside a run: what it planned to use, found or made stays, and this says so.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Keep what the last N runs of each experiment reach.
    #[arg(long, value_name = "N")]
    keep_last: Option<NonZeroUsize>,
    /// Stop once all objects together are no larger; what was used least recently goes first.
    #[arg(long, value_name = "SIZE")]
    max_size: Option<Size>,
    /// Take only what was last used longer ago: `30d`, `12h`.
    #[arg(long, value_name = "SPAN")]
    older_than: Option<Span>,
    /// Say what would go, and take nothing away.
    #[arg(long)]
    dry_run: bool,
}

/// An object that may go; what was never used, or longest ago, comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate<'a> {
    /// The last run that used it, and when that began.
    used: Option<(i64, &'a str)>,
    object: ContentHash,
    bytes: u64,
}

/// An object that goes.
struct Going {
    object: ContentHash,
    bytes: u64,
    label: String,
    why: String,
}

/// What a collection does.
#[derive(Default)]
struct Chosen {
    going: Vec<Going>,
    /// Objects that no kept run reaches, left for a run that is under way.
    in_use: usize,
    /// Bytes of the objects that stay.
    staying: u64,
    attempts: Vec<Leaving>,
    logs: Vec<Leaving>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(collect(arguments))
}

async fn collect(arguments: &Arguments) -> Result<Ending, CommandError> {
    let records = arguments.place.records().await?;
    let state = arguments.place.state();
    if !records.writable() {
        return Err(RecordError::ReadOnly { folder: state }.into());
    }
    let store = Store::new(&state);
    let alone = RunLock::alone(&state)?;
    let kept = arguments
        .keep_last
        .or_else(|| (arguments.max_size.is_some() || arguments.older_than.is_some()).then_some(NonZeroUsize::MIN));
    // From here on no run takes up an object, until those that go are out of the store.
    let gate = Gate::close(&state, || say("waits for a run that is planning"))?;
    let in_use = if alone.is_some() { HashSet::new() } else { Gate::uses(&state)? };
    let objects = sizes(&store)?;
    let (attempts, logs) = (leavings::attempts(&state)?, leavings::logs(&state)?);
    let choose = |census: Census| {
        let mut chosen = choose(arguments, kept, &census, &objects, &in_use, &store);
        chosen.attempts = attempts.into_iter().filter(|left| leavings::spent(&census, left.attempt)).collect();
        if kept.is_some() {
            // The log of what made a result that stays is worth as much as the result.
            let gone: HashSet<ContentHash> = chosen.going.iter().map(|going| going.object).collect();
            let stays = census.results.iter().filter(|row| !gone.contains(&row.object));
            let makers = stays.map(|row| row.attempt).collect();
            let old = |log: &Leaving| leavings::outlived(&census, &makers, log.attempt, alone.is_some());
            chosen.logs = logs.into_iter().filter(old).collect();
        }
        chosen
    };
    let chosen = if arguments.dry_run {
        choose(records.census(kept).await?)
    } else {
        let forget = |census| {
            let chosen = choose(census);
            (chosen.going.iter().map(|going| going.object).collect(), chosen)
        };
        records.forget_chosen(kept, forget).await?
    };
    let mut trash = None;
    if !arguments.dry_run {
        trash = store.withdraw(chosen.going.iter().map(|going| &going.object))?;
    }
    drop(gate);
    drop(trash);
    let mut half = 0;
    if !arguments.dry_run {
        for left in chosen.attempts.iter().chain(&chosen.logs) {
            remove(left)?;
        }
        if alone.is_some() {
            store.sweep()?;
        }
    } else if alone.is_some() {
        half = store.strays()?.len();
    }
    let locks = remove_unused_locks(&state, arguments.dry_run)?;
    tell(arguments, &chosen, locks, half, alone.is_some())?;
    Ok(Ending::Done)
}

/// Every object in the store with its size; of one without a sound manifest, what lies in its folder.
fn sizes(store: &Store) -> std::io::Result<BTreeMap<ContentHash, u64>> {
    let sized = store.list()?.into_iter().map(|object| {
        let bytes = match store.manifest(&object) {
            Ok(manifest) => manifest.size(),
            Err(_) => super::bytes_below(&store.files(&object))?,
        };
        Ok((object, bytes))
    });
    sized.collect()
}

fn choose(
    arguments: &Arguments,
    kept: Option<NonZeroUsize>,
    census: &Census,
    objects: &BTreeMap<ContentHash, u64>,
    in_use: &HashSet<ContentHash>,
    store: &Store,
) -> Chosen {
    let mut labels: HashMap<&ContentHash, &str> = HashMap::new();
    for row in &census.results {
        labels.insert(&row.object, &row.label);
    }
    // Results whose object was dropped on purpose go like others; they only have no bytes.
    let mut all: BTreeMap<ContentHash, u64> = census.results.iter().map(|row| (row.object, 0)).collect();
    all.extend(objects);
    let mut total: u64 = all.values().sum();
    let mut chosen = Chosen::default();
    let mut candidates = Vec::new();
    for (object, bytes) in &all {
        if census.reached.contains(object) {
            continue;
        }
        if in_use.contains(object) {
            chosen.in_use += 1;
            continue;
        }
        // On record but of no use to any run that is known (records were made again, say): as one never used.
        let used = census.last_use.get(object).map(|(run, started)| (*run, started.as_str()));
        candidates.push(Candidate { used, object: *object, bytes: *bytes });
    }
    candidates.sort_unstable();
    let now = jiff::Timestamp::now();
    for Candidate { used, object, bytes } in candidates {
        let old_enough = arguments.older_than.is_none_or(|span| {
            let last = match used {
                Some((_, started)) => started.parse().ok(),
                None => stamp(&store.files(&object))
                    .ok()
                    .and_then(|stamp| jiff::Timestamp::from_nanosecond(i128::from(stamp.changed)).ok()),
            };
            last.is_none_or(|last: jiff::Timestamp| now.duration_since(last).as_secs() > span.seconds())
        });
        if !old_enough || arguments.max_size.is_some_and(|limit| total <= limit.bytes()) {
            continue;
        }
        total -= bytes;
        let why = match (used, kept) {
            (None, _) => "no result on record leads to it".to_owned(),
            (Some((run, started)), Some(last)) => {
                format!("last used by run {run} ({started}), not among the last {last} kept")
            }
            (Some((run, started)), None) => format!("last used by run {run} ({started})"),
        };
        let label = labels.get(&object).map_or_else(|| "-".to_owned(), |label| (*label).to_owned());
        chosen.going.push(Going { object, bytes, label, why });
    }
    chosen.staying = total;
    chosen
}

fn remove(left: &Leaving) -> std::io::Result<()> {
    let removed = if left.path.is_dir() { fs_err::remove_dir_all(&left.path) } else { fs_err::remove_file(&left.path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn tell(arguments: &Arguments, chosen: &Chosen, locks: usize, half: usize, alone: bool) -> std::io::Result<()> {
    let mut rows: Vec<Vec<String>> = chosen
        .going
        .iter()
        .map(|going| vec![going.object.short(), size(going.bytes), going.label.clone(), going.why.clone()])
        .collect();
    let sum = |left: &[Leaving]| size(left.iter().map(|left| left.bytes).sum());
    for (left, what, why) in [
        (&chosen.attempts, "attempt folder", "their keys have results"),
        (&chosen.logs, "log", "their runs are not kept, and what they made is gone"),
    ] {
        if !left.is_empty() {
            rows.push(vec![count(left.len(), what), sum(left), "-".into(), why.into()]);
        }
    }
    for (number, what) in [(locks, "lock file"), (half, "stray")] {
        if number > 0 {
            rows.push(vec![count(number, what), size(0), "-".into(), "left by killed runs".into()]);
        }
    }
    if !rows.is_empty() {
        print(&columns(&["what", "bytes", "stage", "why"], &rows))?;
    }
    let left = chosen.attempts.iter().chain(&chosen.logs);
    let bytes: u64 = chosen.going.iter().map(|going| going.bytes).chain(left.map(|left| left.bytes)).sum();
    let verb = if arguments.dry_run { "would go" } else { "gone" };
    let objects = count(chosen.going.len(), "object");
    print(&format!("{verb}: {objects}, {} in all; {} of objects stay\n", size(bytes), size(chosen.staying)))?;
    if !alone {
        let kept = if chosen.in_use == 0 {
            "it needs none of what went".to_owned()
        } else {
            format!("{} that it uses stayed", count(chosen.in_use, "object"))
        };
        say(&format!("a run is under way: {kept}"));
    }
    if let Some(limit) = arguments.max_size.filter(|limit| chosen.staying > limit.bytes()) {
        say(&format!(
            "the cache is still larger than {limit}: kept runs need the rest\nhelp: keep fewer runs with `--keep-last`, or remove experiments that are not needed any more"
        ));
    }
    Ok(())
}
