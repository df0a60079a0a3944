//! `sr-pipe cache import`: takes an exported experiment in.

use std::collections::HashMap;

use camino::Utf8PathBuf;
use clap::Args;

use super::Place;
use super::parcel::{Parcel, ParcelObject, Reader, place_of_file, place_of_object, unusable};
use crate::artifact::{Gate, Sealing, Store};
use crate::cli::{CommandError, Ending, block_on, count, print, say};
use crate::diagnostic::Diagnostic;
use crate::engine::RunLock;
use crate::project::{Project, write_atomically};
use crate::record::{RecordError, Records, SoundObject};

/// Take an exported experiment in.
///
/// Adds what is not here yet and changes nothing that is. Every byte is compared with its digest before it goes into
/// the store. May be interrupted at any moment and started again.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file that `sr-pipe cache export` wrote.
    file: Utf8PathBuf,
    #[command(flatten)]
    place: Place,
}

/// What was taken in.
#[derive(Default)]
struct TakenIn {
    sound: Vec<SoundObject>,
    new: usize,
    differing: Vec<Utf8PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(import(arguments))
}

async fn import(arguments: &Arguments) -> Result<Ending, CommandError> {
    let project = arguments.place.project();
    if !project.root.is_dir() {
        return Err(Diagnostic::new(format!("there is no folder `{}`", project.root))
            .help("`--project` names the folder of the project that takes the experiment in")
            .into());
    }
    let file = std::io::BufReader::new(fs_err::File::open(&arguments.file)?);
    let mut archive = tar::Archive::new(zstd::Decoder::with_buffer(file)?);
    let mut reader = Reader::new(&mut archive, &arguments.file)?;
    let parcel = reader.parcel()?;

    let state = project.state();
    let records = Records::open(&state).await?;
    if !records.writable() {
        return Err(RecordError::ReadOnly { folder: state }.into());
    }
    let share = RunLock::share(&state, || Store::new(&state).sweep())?;
    let store = Store::new(&state).with_uses(share.uses());
    store.mark(parcel.objects.iter().map(|object| object.object))?;
    let taken = take_in(&mut reader, &parcel, &project, &store)?;
    reader.end()?;
    // The last bytes carry the checksum of all before them.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(|error| unusable(&arguments.file, error))?;

    let gate = Gate::share(&state)?;
    let added = records.take_in(&parcel.rows, &taken.sound).await?;
    records.write_sidecars(&added).await?;
    drop(gate);
    print(&format!(
        "{}: {} of {} and {} of {} were new\n",
        parcel.experiment,
        added.len(),
        count(parcel.rows.results.len(), "result"),
        taken.new,
        count(parcel.objects.len(), "object"),
    ))?;
    for path in &taken.differing {
        say(&format!("`{path}` is another one here, and was left as it is: results may not fit it"));
    }
    Ok(Ending::Done)
}

/// Puts each file and each object where it belongs, once all of its bytes were found right.
fn take_in<R: std::io::Read>(
    reader: &mut Reader<'_, R>,
    parcel: &Parcel,
    project: &Project,
    store: &Store,
) -> Result<TakenIn, CommandError> {
    let mut taken = TakenIn::default();
    for entry in &parcel.files {
        let mut bytes = Vec::new();
        reader.copy(&place_of_file(&entry.path), entry, &mut bytes)?;
        let path = project.root.join(&entry.path);
        match fs_err::read(&path) {
            Ok(here) if here == bytes => {}
            Ok(_) => taken.differing.push(entry.path.clone()),
            Err(_) => write_atomically(&path, &bytes)?,
        }
    }
    for ParcelObject { object, manifest } in &parcel.objects {
        if let Ok((here, stamps)) = store.check(object, |_, _| None) {
            for entry in &manifest.files {
                reader.copy(&place_of_object(object, &entry.path), entry, &mut std::io::sink())?;
            }
            taken.sound.push(SoundObject { object: *object, entries: here.files, stamps });
            continue;
        }
        let (_draft, folder) = store.draft()?;
        for entry in &manifest.files {
            let path = folder.join(&entry.path);
            fs_err::create_dir_all(path.parent().unwrap_or(&folder))?;
            let mut target = fs_err::File::create(&path)?;
            reader.copy(&place_of_object(object, &entry.path), entry, &mut target)?;
        }
        let (sealed, manifest) = store.seal(&folder, &manifest.kind, Sealing::Move)?;
        let known: HashMap<_, _> = manifest.files.iter().map(|entry| (entry.path.clone(), entry.hash)).collect();
        let stamps = store
            .check_files(&sealed, &manifest.files, |path, _| known.get(path).copied())
            .map_err(|damage| std::io::Error::other(damage.to_string()))?;
        taken.sound.push(SoundObject { object: sealed, entries: manifest.files, stamps });
        taken.new += 1;
    }
    Ok(taken)
}
