//! `files`: raw files outside the project, read where they lie. Their content enters the key of what reads them.

use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::engine::stage::{Identity, Input, Source, Stage, StageError, Task};

/// Raw files as a publisher gives them out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Their folder, relative to the data folder (`--data`) unless absolute.
    pub folder: String,
    /// The files that are read, relative to the folder.
    pub files: Vec<String>,
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("files", "1", self, &[])
    }

    fn inputs(&self) -> Vec<Input> {
        Vec::new()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Raw
    }

    fn source(&self) -> Option<Source> {
        let files = self.files.iter().map(Utf8PathBuf::from).collect();
        Some(Source { folder: Utf8PathBuf::from(&self.folder), files })
    }

    fn run(&self, _: &Task<'_>) -> Result<(), StageError> {
        unreachable!("a source is never run")
    }
}
