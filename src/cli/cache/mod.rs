//! `sr-pipe cache`: looks after the store and the records of what is in it.

mod reading;
mod rebuild;
mod verify;

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::CommandError;
use super::Ending;
use crate::diagnostic::Diagnostic;
use crate::project::Project;
use crate::record::Records;

/// Look after the cache.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Arguments),
    Rebuild(rebuild::Arguments),
}

/// Which project.
#[derive(Debug, Args)]
struct Place {
    /// The folder of the project.
    #[arg(long, default_value = ".", value_name = "DIR")]
    project: Utf8PathBuf,
}

impl Place {
    fn project(&self) -> Project {
        Project { root: self.project.clone() }
    }

    /// The records, which must be there already.
    async fn records(&self) -> Result<Records, CommandError> {
        let state = self.project().state();
        // Where results lie without records, opening says what to do.
        if !Records::exist(&state) && !state.join("keys").is_dir() {
            return Err(Diagnostic::new(format!("there is no cache in `{}`", self.project))
                .help("start a run first, or name the project's folder with `--project`")
                .into());
        }
        Ok(Records::open(&state).await?)
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    match &arguments.command {
        Command::Verify(arguments) => verify::run(arguments),
        Command::Rebuild(arguments) => rebuild::run(arguments),
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

/// `1 object`, `2 objects`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
