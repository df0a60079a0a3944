//! `sr-pipe cache verify`: reads every stored byte, says what is damaged, and mends it on request.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::reading::read_all;
use super::{Place, busy, size};
use crate::artifact::Store;
use crate::cli::{CommandError, Ending, block_on, count, print, say};
use crate::engine::{RunLock, remove_unused_locks};
use crate::hash::ContentHash;
use crate::record::{Records, ResultRow, sidecars};

/// Read every stored byte and compare it with its digest.
///
/// Ends with code 1 if something is damaged and was not repaired.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Drop what is damaged and what belongs to nothing; the next run makes again what it needs.
    #[arg(long)]
    repair: bool,
}

/// What is wrong with a cache.
#[derive(Default)]
struct Findings {
    /// Damaged objects, and what is wrong with each.
    damaged: BTreeMap<ContentHash, String>,
    /// Objects on record that are not there.
    gone: BTreeSet<ContentHash>,
    /// Files in the store that belong to no object, and unreadable files beside the results.
    strays: Vec<camino::Utf8PathBuf>,
    /// Results without their file beside the store.
    bare: Vec<ContentHash>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(verify(arguments))
}

async fn verify(arguments: &Arguments) -> Result<Ending, CommandError> {
    let records = arguments.place.records().await?;
    let state = arguments.place.state();
    let store = Store::new(&state);
    // Without other runs nothing is half done: what looks left behind is left behind.
    let alone = if records.writable() { RunLock::alone(&state)? } else { None };
    if arguments.repair && alone.is_none() {
        return Err(if records.writable() {
            busy("nothing can be repaired now")
        } else {
            crate::record::RecordError::ReadOnly { folder: state }.into()
        });
    }
    let results = records.results().await?;
    let objects = store.list()?;
    let mut found = Findings::default();
    let mut bytes = 0;
    for read in read_all(&store, &objects) {
        match read.outcome {
            Ok((manifest, _)) => bytes += manifest.size(),
            Err(damage) => {
                found.damaged.insert(read.object, damage.to_string());
            }
        }
    }
    let dropped = records.dropped().await?;
    let there: BTreeSet<&ContentHash> = objects.iter().collect();
    found.gone.extend(
        results.iter().map(|row| row.object).filter(|object| !there.contains(object) && !dropped.contains(object)),
    );
    if alone.is_some() {
        let beside = sidecars(&state)?;
        found.strays = store.strays()?;
        found.strays.extend(beside.damaged.iter().cloned());
        let kept: BTreeSet<&str> = beside.rows.results.iter().filter_map(|row| row.get("key")?.as_str()).collect();
        found.bare.extend(results.iter().map(|row| row.key).filter(|key| !kept.contains(key.to_string().as_str())));
    }

    let mut again = BTreeSet::new();
    for (object, what) in found
        .damaged
        .iter()
        .map(|(object, damage)| (object, damage.as_str()))
        .chain(found.gone.iter().map(|object| (object, "it is on record but not in the store")))
    {
        let labels = labels(&results, object);
        let by = if labels.is_empty() { String::new() } else { format!("  ({})", labels.join(", ")) };
        print(&format!("damaged  {object}  {what}{by}\n"))?;
        again.extend(labels);
    }
    for stray in &found.strays {
        print(&format!("stray    {stray}\n"))?;
    }
    let broken = found.damaged.len() + found.gone.len();
    print(&format!("{} read, {} sound, {broken} damaged\n", count(objects.len(), "object"), size(bytes)))?;
    if !arguments.repair {
        if broken + found.strays.len() > 0 {
            say("help: `sr-pipe cache verify --repair` drops them; the next `sr-pipe run` makes again what it needs");
        }
        return Ok(if broken == 0 { Ending::Done } else { Ending::Failed });
    }
    repair(&store, &records, &found).await?;
    if !found.bare.is_empty() {
        say(&format!("{} had no file in `keys`; it was written", count(found.bare.len(), "result")));
    }
    let locks = remove_unused_locks(&state, false)?;
    if locks > 0 {
        say(&format!("{} of killed runs removed", count(locks, "lock file")));
    }
    if !again.is_empty() {
        say(&format!(
            "dropped; the next `sr-pipe run` makes again: {}",
            again.into_iter().collect::<Vec<_>>().join(", ")
        ));
    } else if broken + found.strays.len() > 0 {
        say("dropped; nothing on record needed it");
    }
    Ok(Ending::Done)
}

async fn repair(store: &Store, records: &Records, found: &Findings) -> Result<(), CommandError> {
    for object in found.damaged.keys().chain(&found.gone) {
        records.forget_object(object).await?;
        store.discard(object)?;
    }
    for stray in &found.strays {
        if stray.is_dir() { fs_err::remove_dir_all(stray)? } else { fs_err::remove_file(stray)? }
    }
    let results = records.results().await?;
    let on_record: BTreeSet<&ContentHash> = results.iter().map(|row| &row.key).collect();
    let bare: Vec<ContentHash> = found.bare.iter().filter(|key| on_record.contains(key)).copied().collect();
    Ok(records.write_sidecars(&bare).await?)
}

/// The stages that led to an object, each once.
fn labels(results: &[ResultRow], object: &ContentHash) -> Vec<String> {
    let labels: BTreeSet<&str> =
        results.iter().filter(|row| row.object == *object).map(|row| row.label.as_str()).collect();
    labels.into_iter().map(str::to_owned).collect()
}
