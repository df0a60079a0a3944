//! placeholder
use clap::Args;
use super::{CommandError, Ending};
#[derive(Debug, Args)]
pub(super) struct Arguments {}
pub(super) async fn run(_: &Arguments) -> Result<Ending, CommandError> { Ok(Ending::Done) }
