//! `sr-pipe cache`: looks after the store and the records of what is in it.

mod export;
mod gc;
mod import;
mod leavings;
mod parcel;
mod reading;
mod rebuild;
mod stats;
mod verify;

use camino::Utf8Path;
use clap::{Args, Subcommand};

use super::CommandError;
use super::Ending;
use super::place::Place;
use crate::diagnostic::Diagnostic;

/// Look after the cache.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Stats(stats::Arguments),
    Verify(verify::Arguments),
    Gc(gc::Arguments),
    Rebuild(rebuild::Arguments),
    Export(export::Arguments),
    Import(import::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    match &arguments.command {
        Command::Verify(arguments) => verify::run(arguments),
        Command::Stats(arguments) => stats::run(arguments),
        Command::Gc(arguments) => gc::run(arguments),
        Command::Rebuild(arguments) => rebuild::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Import(arguments) => import::run(arguments),
    }
}

/// That a command has to wait for a run to end.
fn busy(what: &str) -> CommandError {
    Diagnostic::new(format!("a run is under way in this project; {what}"))
        .help("wait until it has ended, or stop it; `sr-pipe runs list` shows it")
        .into()
}

/// A size for people.
fn size(bytes: u64) -> String {
    crate::unit::Size::of_bytes(bytes).to_string()
}

/// Bytes of all files below a folder; of a file, its own.
fn bytes_below(path: &Utf8Path) -> std::io::Result<u64> {
    let mut open = vec![path.to_owned()];
    let mut bytes = 0;
    while let Some(path) = open.pop() {
        match fs_err::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => {
                for entry in path.read_dir_utf8()? {
                    open.push(entry?.into_path());
                }
            }
            Ok(meta) => bytes += meta.len(),
            // A run cleans up beside this.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}
