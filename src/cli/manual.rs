//! `sr-pipe manual`: the manual pages, one a command.

use camino::Utf8PathBuf;
use clap::{Args, CommandFactory};

use super::{CommandError, Ending, say};

/// Write the manual pages of all commands into a folder: `sr-pipe manual ~/.local/share/man/man1`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder; it is made where it is not there.
    folder: Utf8PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    fs_err::create_dir_all(&arguments.folder)?;
    let command = super::Arguments::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, &arguments.folder)?;
    say(&format!("wrote the pages to {}", arguments.folder));
    Ok(Ending::Done)
}
