//! `sr-pipe data`: what data sets hold.

mod check;
mod profile;

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
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments),
        Command::Profile(arguments) => profile::run(arguments),
    }
}
