//! `files`: files that lie outside the cache, read where they lie. Their content enters the key of what reads them.

use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Settings;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::engine::stage::{Identity, Input, Source, Stage, StageError, Task};

/// Files as they are: raw files of a publisher, or a script of the project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Their folder, relative to what `root` names unless absolute.
    pub folder: String,
    /// The files that are read, relative to the folder.
    pub files: Vec<String>,
    /// What the folder is relative to.
    #[serde(default, skip_serializing_if = "Root::is_data")]
    pub root: Root,
}

/// What a folder is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Root {
    /// The data folder (`--data`).
    #[default]
    Data,
    /// The project: for scripts, which belong to it as its pipelines do.
    Project,
}

impl Root {
    fn is_data(&self) -> bool {
        *self == Self::Data
    }
}

/// A `files` stage.
pub struct Files {
    config: Config,
    folder: Utf8PathBuf,
}

impl Files {
    /// A stage of this config.
    pub fn new(config: Config, settings: &Settings<'_>) -> Self {
        let folder = match config.root {
            Root::Data => Utf8PathBuf::from(&config.folder),
            Root::Project => settings.surroundings.root.join(&config.folder),
        };
        Self { config, folder }
    }
}

impl Stage for Files {
    fn identity(&self) -> Identity {
        plain("files", "1", &self.config, &[])
    }

    fn inputs(&self) -> Vec<Input> {
        Vec::new()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Raw
    }

    fn source(&self) -> Option<Source> {
        let files = self.config.files.iter().map(Utf8PathBuf::from).collect();
        Some(Source { folder: self.folder.clone(), files })
    }

    fn run(&self, _: &Task<'_>) -> Result<(), StageError> {
        unreachable!("a source is never run")
    }
}
