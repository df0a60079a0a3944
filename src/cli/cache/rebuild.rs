//! `sr-pipe cache rebuild`: makes damaged or lost records again from what lies beside the results.

use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::reading::read_all;
use super::{Place, busy};
use crate::artifact::{Damage, Store};
use crate::cli::{CommandError, Ending, block_on, count, print, say};
use crate::diagnostic::Diagnostic;
use crate::engine::RunLock;
use crate::hash::ContentHash;
use crate::record::{Records, Row, sidecars};

/// Make damaged or lost records again from the cache.
///
/// A damaged `records.sqlite` is set aside as `records.sqlite.damaged-1`, never overwritten or removed. Every result
/// that lies in the cache is read, and put on record if it is sound; those that are not are made again by the next
/// run. What is not about a result (cells, failed attempts, epochs) stays in the file that was set aside.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(rebuild(arguments))
}

async fn rebuild(arguments: &Arguments) -> Result<Ending, CommandError> {
    let state = arguments.place.state();
    if !state.is_dir() {
        return Err(Diagnostic::new(format!("there is no cache in `{}`", arguments.place.project))
            .help("name the project's folder with `--project`")
            .into());
    }
    let Some(_alone) = RunLock::alone(&state)? else { return Err(busy("its records cannot be made again now")) };
    if let Ok(records) = Records::open(&state).await
        && records.check().await.is_ok()
    {
        return Err(Diagnostic::new(format!("the records in `{state}` are sound; there is nothing to rebuild"))
            .help("`sr-pipe cache verify --repair` drops damaged objects; to begin anew all the same, move `records.sqlite` away")
            .into());
    }
    let mut found = sidecars(&state)?;
    let store = Store::new(&state);
    let mut objects: Vec<ContentHash> = found.rows.results.iter().filter_map(object_of).collect();
    objects.sort_unstable();
    objects.dedup();
    let (mut sound, mut damaged) = (Vec::new(), HashMap::new());
    for read in read_all(&store, &objects) {
        match read.outcome {
            Ok((_, object)) => sound.push(object),
            Err(damage) => {
                damaged.insert(read.object, damage);
            }
        }
    }
    // A result whose object is gone and was read by another result stays on record: its content is known, and its
    // bytes, dropped after use or lost, are made again when something needs them.
    let by_object: HashMap<ContentHash, Vec<&Row>> = found.rows.results.iter().fold(HashMap::new(), |mut map, row| {
        map.entry(object_of(row).unwrap_or_else(|| ContentHash::of(b""))).or_default().push(row);
        map
    });
    let inputs = |object: &ContentHash| -> Vec<ContentHash> {
        let rows = by_object.get(object).into_iter().flatten();
        let inputs = rows.filter_map(|row| row.get("fingerprint")?.get("inputs")?.as_object());
        inputs.flat_map(|inputs| inputs.values().filter_map(|input| input.as_str()?.parse().ok())).collect()
    };
    let mut open: Vec<ContentHash> = sound.iter().flat_map(|sound| inputs(&sound.object)).collect();
    let mut dropped = BTreeSet::new();
    while let Some(object) = open.pop() {
        if damaged.contains_key(&object) && !store.files(&object).exists() && dropped.insert(object) {
            open.extend(inputs(&object));
        }
    }
    let mut lost = Vec::new();
    found.rows.results.retain(|row| {
        let Some(object) = object_of(row) else { return false };
        let damage = damaged.get(&object).filter(|_| !dropped.contains(&object));
        let label = row.get("label").and_then(serde_json::Value::as_str).unwrap_or_default();
        lost.extend(damage.map(|damage| (label.to_owned(), object, damage.clone())));
        damage.is_none()
    });
    let row = |object: &ContentHash| Row::from_iter([("object".to_owned(), object.to_string().into())]);
    found.rows.dropped = dropped.iter().map(row).collect();

    // Made beside the old file and renamed into its place, so that there are never half of the records.
    fs_err::create_dir_all(state.join("objects"))?;
    let folder = tempfile::Builder::new().prefix(".rebuilding-").tempdir_in(state.join("objects"))?;
    let made = Utf8Path::from_path(folder.path()).unwrap_or(&state).to_owned();
    let records = Records::open(&made).await?;
    let results = records.take_in(&found.rows, &sound).await?.len();
    records.close().await;
    let aside = set_aside(&state)?;
    fs_err::rename(made.join("records.sqlite"), state.join("records.sqlite"))?;

    // Attempts are numbered anew from here: none may find what an earlier one of its number left.
    if state.join("attempts").is_dir() {
        fs_err::remove_dir_all(state.join("attempts"))?;
    }

    if let Some(aside) = aside {
        say(&format!("set aside: {aside}"));
    }
    for file in &found.damaged {
        print(&format!("unreadable  {file}\n"))?;
    }
    for (label, object, damage) in &lost {
        let damage = if *damage == Damage::Manifest { "it is gone".to_owned() } else { damage.to_string() };
        print(&format!("left out    {label}  object {}: {damage}\n", object.short()))?;
    }
    print(&format!("{} on record again, {} left out\n", count(results, "result"), lost.len() + found.damaged.len()))?;
    if !lost.is_empty() || !found.damaged.is_empty() {
        say("the next `sr-pipe run` makes again what was left out");
    }
    Ok(Ending::Done)
}

fn object_of(row: &Row) -> Option<ContentHash> {
    row.get("object")?.as_str()?.parse().ok()
}

/// Moves the records, with what SQLite keeps beside them, to a name that nothing has.
fn set_aside(state: &Utf8Path) -> Result<Option<Utf8PathBuf>, CommandError> {
    let path = state.join("records.sqlite");
    let beside = ["-wal", "-shm"].map(|end| (Utf8PathBuf::from(format!("{path}{end}")), end));
    if !path.exists() && beside.iter().all(|(file, _)| !file.exists()) {
        return Ok(None);
    }
    let aside = (1..)
        .map(|number| state.join(format!("records.sqlite.damaged-{number}")))
        .find(|aside| ["", "-wal", "-shm"].iter().all(|end| !Utf8PathBuf::from(format!("{aside}{end}")).exists()))
        .unwrap_or_default();
    // The log first: without its file it means nothing, but a new file must never meet an old log.
    for (file, end) in beside {
        if file.exists() {
            fs_err::rename(&file, format!("{aside}{end}"))?;
        }
    }
    if path.exists() {
        fs_err::rename(&path, &aside)?;
    }
    Ok(Some(aside))
}
