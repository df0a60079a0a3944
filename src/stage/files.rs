//! `files`: files that lie outside the cache, read where they lie. Their content enters the key of what reads them.

use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Complaint, Settings};
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::engine::stage::{Identity, Input, PACKED, Source, Stage, StageError, Task};

/// Files as they are: raw files of a publisher, or a script of the project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Their folder, relative to what `root` names unless absolute.
    pub folder: String,
    /// The files that are read, relative to the folder. In the data folder a file may lie packed, under its name and
    /// `.gz`, `.zst`, `.bz2`, `.zip` or `.7z`.
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

/// A stage of this config.
///
/// # Errors
/// Files outside the folder, which no folder of links to them could hold.
pub fn resolve(config: Config, settings: &Settings<'_>) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let outside = |file: &&String| Utf8Path::new(file).components().any(|part| !matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir));
    let complaints: Vec<Complaint> = config
        .files
        .iter()
        .filter(outside)
        .map(|file| Complaint {
            field: vec!["files".into()],
            message: format!("`{file}` does not lie in the folder"),
            help: Some("name a `folder` that has all of the files, and each file relative to it".into()),
        })
        .collect();
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let folder = match config.root {
        Root::Data => Utf8PathBuf::from(&config.folder),
        Root::Project => settings.surroundings.root.join(&config.folder),
    };
    Ok(Arc::new(Files { config, folder }))
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
        // A script is run as it lies; raw files are unpacked by what reads them.
        let endings = if self.config.root.is_data() { PACKED } else { &[] };
        Some(Source { folder: self.folder.clone(), files, endings })
    }

    fn run(&self, _: &Task<'_>) -> Result<(), StageError> {
        unreachable!("a source is never run")
    }
}
