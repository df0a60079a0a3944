//! `/logs/17`: what attempt 17 said, as plain text.

use std::io::{Read, Seek, SeekFrom};

use camino::Utf8Path;

use super::answer::Answer;
use crate::cli::CommandError;

/// Of a longer log the end is shown.
const MOST: u64 = 1 << 20;

pub(super) fn page(state: &Utf8Path, attempt: i64) -> Result<Answer, CommandError> {
    let path = state.join(format!("logs/{attempt}.log"));
    let mut file = match fs_err::File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Answer::nothing("such log")),
        opened => opened?,
    };
    let skipped = file.metadata()?.len().saturating_sub(MOST);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = if skipped > 0 { format!("… {skipped} bytes before this\n").into_bytes() } else { Vec::new() };
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(Answer::of("text/plain; charset=utf-8", bytes))
}
