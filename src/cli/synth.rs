//! `sr-pipe synth`: raw files with planted structure, of any size.

use camino::Utf8PathBuf;
use clap::Args;
use serde_json::json;

use super::{CommandError, Ending, say};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::StageError;
use crate::stage::synth::{Config, Format};

/// Write raw files that are made up, in the exact layout of a published data set.
///
/// Items follow each other along a graph, operations change what follows, and attributes group the items.
/// The same numbers give the same bytes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder to write to.
    out: Utf8PathBuf,
    /// Which layout; `jdata` writes `jdata_action.csv` and `jdata_product.csv`.
    #[arg(long, value_enum, default_value_t = Layout::Jdata)]
    format: Layout,
    /// Same seed, same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of items [default: as in the quickstart, like what follows].
    #[arg(long)]
    items: Option<usize>,
    /// Number of users.
    #[arg(long)]
    users: Option<usize>,
    /// Number of sessions, of about six actions each.
    #[arg(long)]
    sessions: Option<usize>,
    /// Number of days that the log covers.
    #[arg(long)]
    days: Option<usize>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Layout {
    /// JDATA 2019.
    Jdata,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let format = match arguments.format {
        Layout::Jdata => Format::Jdata,
    };
    // The defaults are those of the stage.
    let config: Config = serde_json::from_value(json!({ "format": format })).map_err(std::io::Error::other)?;
    let config = Config {
        seed: arguments.seed,
        items: arguments.items.unwrap_or(config.items),
        users: arguments.users.unwrap_or(config.users),
        sessions: arguments.sessions.unwrap_or(config.sessions),
        days: arguments.days.unwrap_or(config.days),
        ..config
    };
    fs_err::create_dir_all(&arguments.out)?;
    config.write(&arguments.out).map_err(|error| match error {
        StageError::Data(diagnostic) => CommandError::from(*diagnostic),
        StageError::Io(error) => CommandError::Io(error),
        other => Diagnostic::new(other.to_string()).into(),
    })?;
    for file in arguments.out.read_dir_utf8()? {
        let file = file?;
        say(&format!("wrote {} ({} bytes)", file.path(), file.metadata()?.len()));
    }
    Ok(Ending::Done)
}
