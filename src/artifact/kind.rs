//! What an artifact is, so that a stage is never wired to an input that it cannot read.

use std::fmt;

/// The kinds of artifact that pass between stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArtifactKind {
    /// Files as a publisher gives them out.
    Raw,
    /// `events.parquet` and `items.parquet`.
    Events,
    /// `sessions.parquet` and `items.parquet`.
    Sessions,
    /// Vocabulary, parts and samples, ready for a trainer.
    Dataset,
    /// Triples over the entities of a dataset.
    Knowledge,
    /// Trained weights.
    Model,
    /// `ranks.parquet`.
    Ranks,
    /// Anything a command wrote.
    Files,
}

impl ArtifactKind {
    /// The name in manifests and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Events => "events",
            Self::Sessions => "sessions",
            Self::Dataset => "dataset",
            Self::Knowledge => "knowledge",
            Self::Model => "model",
            Self::Ranks => "ranks",
            Self::Files => "files",
        }
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
