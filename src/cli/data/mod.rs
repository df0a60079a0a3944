//! `sr-pipe data`: what data sets hold.

mod profile;
mod show;
mod subject;

use clap::{Args, Subcommand};

use super::{CommandError, Ending};

/// Look into data sets.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Profile(profile::Arguments),
    Show(show::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    match &arguments.command {
        Command::Profile(arguments) => profile::run(arguments),
        Command::Show(arguments) => show::run(arguments),
    }
}
