//! `sr-pipe data`: what data sets hold.

mod check;
mod profile;
mod sealed;
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
    Check(check::Arguments),
    Profile(profile::Arguments),
    Show(show::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments),
        Command::Profile(arguments) => profile::run(arguments),
        Command::Show(arguments) => show::run(arguments),
    }
}
