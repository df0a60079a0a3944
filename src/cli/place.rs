//! Which project a command is about that no experiment file places.

use camino::Utf8PathBuf;
use clap::Args;

use super::CommandError;
use crate::diagnostic::Diagnostic;
use crate::project::Project;
use crate::record::Records;

/// Which project.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The folder of the project.
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(super) project: Utf8PathBuf,
}

impl Place {
    pub(super) fn project(&self) -> Project {
        Project { root: self.project.clone() }
    }

    /// Cache and records.
    pub(super) fn state(&self) -> Utf8PathBuf {
        self.project().state()
    }

    /// The records, which must be there already.
    pub(super) async fn records(&self) -> Result<Records, CommandError> {
        let state = self.state();
        // Where results lie without records, opening says what to do.
        if !Records::exist(&state) && !state.join("keys").is_dir() {
            return Err(Diagnostic::new(format!("there is no cache in `{}`: there are no records", self.project))
                .help("start a run first, or name the project's folder with `--project`")
                .into());
        }
        Ok(Records::open(&state).await?)
    }
}
