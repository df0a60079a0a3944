//! `sr-pipe cache`: looks after the store.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::{CommandError, Ending, block_on, print, say};
use crate::artifact::Store;
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
    /// Read every stored byte and compare it with its digest.
    Verify {
        /// The folder of the project.
        #[arg(long, default_value = ".", value_name = "DIR")]
        project: Utf8PathBuf,
        /// Drop what is damaged; the next run makes it again.
        #[arg(long)]
        repair: bool,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    match &arguments.command {
        Command::Verify { project, repair } => block_on(verify(&Project { root: project.clone() }, *repair)),
    }
}

async fn verify(project: &Project, repair: bool) -> Result<Ending, CommandError> {
    let store = Store::new(&project.state());
    let objects = store.list()?;
    let (mut damaged, mut bytes) = (0, 0);
    for object in &objects {
        match store.check(object, |_, _| None) {
            Ok((manifest, _)) => bytes += manifest.size(),
            Err(damage) => {
                damaged += 1;
                print(&format!("damaged  {object}  {damage}\n"))?;
                if repair {
                    store.discard(object)?;
                    if Records::exist(&project.state()) {
                        Records::open(&project.state()).await?.forget_object(object).await?;
                    }
                }
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let size = bytes as f64 / 1e6;
    print(&format!("{} objects read, {size:.1} MB sound, {damaged} damaged\n", objects.len()))?;
    if damaged == 0 {
        return Ok(Ending::Done);
    }
    say(if repair {
        "dropped; the next `sr-pipe run` makes them again"
    } else {
        "help: `sr-pipe cache verify --repair` drops them; the next `sr-pipe run` does so by itself"
    });
    Ok(if repair { Ending::Done } else { Ending::Failed })
}
