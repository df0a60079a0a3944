//! `sr-pipe cache stats`: what is in the cache, and what of it could go.

use std::collections::{BTreeMap, HashMap, HashSet};

use clap::Args;
use serde_json::json;

use super::leavings::{self, Leaving};
use super::{Place, size};
use crate::artifact::Store;
use crate::cli::{CommandError, Ending, block_on, columns, count, print};
use crate::hash::ContentHash;
use crate::record::stage_name;

/// How many of the largest objects are listed.
const LARGEST: usize = 10;

/// Show what is in the cache, and what of it nothing needs.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A number of things and their bytes.
#[derive(Default, Clone, Copy, serde::Serialize)]
struct Heap {
    count: usize,
    bytes: u64,
}

impl Heap {
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }

    fn of(left: &[Leaving]) -> Self {
        Self { count: left.len(), bytes: left.iter().map(|left| left.bytes).sum() }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(stats(arguments))
}

async fn stats(arguments: &Arguments) -> Result<Ending, CommandError> {
    let records = arguments.place.records().await?;
    let state = arguments.place.state();
    let store = Store::new(&state);
    let census = records.census(None).await?;
    let mut objects: HashMap<ContentHash, (String, u64)> = HashMap::new();
    let (mut all, mut unreadable) = (Heap::default(), 0);
    let mut kinds: BTreeMap<String, Heap> = BTreeMap::new();
    let mut unreached = Heap::default();
    for object in store.list()? {
        let Ok(manifest) = store.manifest(&object) else {
            unreadable += 1;
            continue;
        };
        let bytes = manifest.size();
        all.add(bytes);
        kinds.entry(manifest.kind.clone()).or_default().add(bytes);
        if !census.reached.contains(&object) {
            unreached.add(bytes);
        }
        objects.insert(object, (manifest.kind, bytes));
    }
    // Each object once in a group, though several results may share it.
    let mut groups: BTreeMap<(&str, &str), (HashSet<ContentHash>, Heap)> = BTreeMap::new();
    let mut labels: HashMap<ContentHash, &str> = HashMap::new();
    for row in &census.results {
        let stage = stage_name(&row.label);
        let (seen, heap) = groups.entry((&row.experiment, stage)).or_default();
        heap.count += 1;
        if seen.insert(row.object) {
            heap.bytes += objects.get(&row.object).map_or(0, |(_, bytes)| *bytes);
        }
        labels.insert(row.object, &row.label);
    }
    let mut largest: Vec<(u64, ContentHash)> = objects.iter().map(|(object, (_, bytes))| (*bytes, *object)).collect();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    largest.truncate(LARGEST);
    let (attempts, logs) = (leavings::attempts(&state)?, leavings::logs(&state)?);
    let (attempts, logs) = (Heap::of(&attempts), Heap::of(&logs));

    if arguments.json {
        let groups: Vec<_> = groups
            .iter()
            .map(|((experiment, stage), (_, heap))| {
                json!({"experiment": experiment, "stage": stage, "results": heap.count, "bytes": heap.bytes})
            })
            .collect();
        let largest: Vec<_> = largest
            .iter()
            .map(|(bytes, object)| {
                json!({"object": object, "bytes": bytes, "kind": objects[object].0, "stage": labels.get(object)})
            })
            .collect();
        let text = serde_json::to_string_pretty(&json!({
            "version": 1,
            "objects": all,
            "unreadable": unreadable,
            "results": census.results.len(),
            "kinds": kinds,
            "groups": groups,
            "unreached": unreached,
            "attempts": attempts,
            "logs": logs,
            "largest": largest,
        }))
        .map_err(std::io::Error::other)?;
        print(&format!("{text}\n"))?;
        return Ok(Ending::Done);
    }
    let line = |what: &str, heap: Heap, unit: &str| {
        format!("{what:<12}{:>12}  {}\n", size(heap.bytes), count(heap.count, unit))
    };
    let mut text = line("objects", all, "object");
    text.push_str(&format!("{:<12}{:>12}  {}\n", "results", "", count(census.results.len(), "result")));
    text.push_str(&line("unreached", unreached, "object"));
    text.push_str(&line("attempts", attempts, "folder"));
    text.push_str(&line("logs", logs, "log"));
    if unreadable > 0 {
        text.push_str(&format!("{} unreadable: `sr-pipe cache verify` says more\n", count(unreadable, "object")));
    }
    let rows: Vec<_> =
        kinds.iter().map(|(kind, heap)| vec![kind.clone(), heap.count.to_string(), size(heap.bytes)]).collect();
    text.push_str(&format!("\n{}", columns(&["kind", "objects", "bytes"], &rows)));
    let rows: Vec<_> = groups
        .iter()
        .map(|((experiment, stage), (_, heap))| {
            vec![(*experiment).to_owned(), (*stage).to_owned(), heap.count.to_string(), size(heap.bytes)]
        })
        .collect();
    text.push_str(&format!("\n{}", columns(&["experiment", "stage", "results", "bytes"], &rows)));
    let rows: Vec<_> = largest
        .iter()
        .map(|(bytes, object)| {
            let label = labels.get(object).map_or_else(|| "-".to_owned(), |label| (*label).to_owned());
            vec![object.short(), size(*bytes), objects[object].0.clone(), label]
        })
        .collect();
    text.push_str(&format!("\n{}", columns(&["largest", "bytes", "kind", "stage"], &rows)));
    print(&text)?;
    Ok(Ending::Done)
}
