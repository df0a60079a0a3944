//! `sr-pipe synth`: raw files with planted structure, of any size.

use std::time::Instant;

use camino::Utf8PathBuf;
use clap::Args;

use super::{CommandError, Ending, columns, print, say};
use crate::stage::synth::Config;
use crate::synth::{Compress, Format, SynthError, TRUTH, write};

/// Write raw files that are made up, in the exact layout of a published data set.
///
/// Items follow each other along a graph, operations change what follows, and attributes group the items.
/// What was planted is told in `truth.json` beside the files. The same options give the same bytes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sr-pipe synth jdata --rows 1000000 --out made/jdata
  sr-pipe synth trivago --rows 50000 --seed 2 --out made/trivago
  sr-pipe synth jdata --sessions 3000 --days 14 --out made/small   a small log")]
pub(super) struct Arguments {
    /// Which data set.
    #[arg(value_enum)]
    format: Format,
    /// The folder to write to; files of the same names are written over.
    #[arg(long, value_name = "DIR")]
    out: Utf8PathBuf,
    /// Rows of the main log: events, or lines of a dump. The other tables grow with it as in the real data.
    #[arg(long, required_unless_present_any = ["sessions", "days"])]
    rows: Option<u64>,
    /// Same seed, same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of items, rounded up to dozens, where it is not to grow with the rows.
    #[arg(long)]
    items: Option<usize>,
    /// Number of users, where it is not to grow with the rows.
    #[arg(long)]
    users: Option<usize>,
    /// How the files are packed [default: as the publisher does, archives apart].
    #[arg(long, value_enum)]
    compress: Option<Compress>,
    /// Number of sessions of a small log, in place of `--rows`.
    #[arg(long, conflicts_with = "rows")]
    sessions: Option<usize>,
    /// Number of days that a small log covers.
    #[arg(long, conflicts_with = "rows")]
    days: Option<usize>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let config = Config {
        format: arguments.format,
        seed: arguments.seed,
        rows: arguments.rows,
        compress: arguments.compress,
        items: arguments.items,
        users: arguments.users,
        sessions: arguments.sessions,
        days: arguments.days,
        noise: None,
        repeat: None,
        late: None,
        files: Vec::new(),
    };
    let request = config.request()?;
    request.check()?;
    fs_err::create_dir_all(&arguments.out)?;
    let begun = Instant::now();
    let made = write(&arguments.out, &request, &|| false).map_err(|error| match error {
        SynthError::Request(diagnostic) => CommandError::from(*diagnostic),
        SynthError::Io(error) => CommandError::Io(error),
    })?;
    let seconds = begun.elapsed().as_secs_f64().max(1e-9);
    let mut rows = Vec::new();
    for file in &made.files {
        let size = fs_err::metadata(&file.path)?.len();
        rows.push(vec![file.path.to_string(), file.rows.to_string(), bytesize::ByteSize(size).to_string()]);
    }
    // A line of JD micro-behaviors holds many rows.
    let all = made.files.iter().map(|file| file.rows).sum::<u64>().max(arguments.rows.unwrap_or(0));
    print(&columns(&["file", "rows", "size"], &rows))?;
    say(&format!(
        "{all} rows in {seconds:.1} s, {:.2} million a second; what was planted: {}",
        all as f64 / seconds / 1e6,
        arguments.out.join(TRUTH)
    ));
    for remark in made.remarks {
        say(&format!("note: {remark}"));
    }
    Ok(Ending::Done)
}
