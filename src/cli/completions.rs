//! `sr-pipe completions`: what a shell needs to complete commands and options.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{CommandError, Ending, print};

/// Print the completions for a shell: `sr-pipe completions bash > ~/.local/share/bash-completion/completions/sr-pipe`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "sr-pipe", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Ending::Done)
}
