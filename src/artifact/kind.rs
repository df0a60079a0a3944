//! What an artifact is, so that a stage is never wired to an input that it cannot read.

use std::fmt;

/// The kinds of artifact that pass between stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArtifactKind {
    /// Files as a publisher gives them out.
    Raw,
    /// `events.parquet` with its key tables and `items.parquet`.
    Events,
    /// `sessions.parquet` with its key tables and `items.parquet`.
    Sessions,
    /// Vocabulary, parts and samples, ready for a trainer.
    Dataset,
    /// Which entity of a knowledge base an item is.
    Links,
    /// Triples by the names of a knowledge base.
    Triples,
    /// Triples over the entities of a dataset.
    Knowledge,
    /// What a dataset leaks, or not.
    Audit,
    /// Counts of a data set, as papers print them.
    Statistics,
    /// Vectors of items and operations, learned ahead of a model.
    Vectors,
    /// Vectors of some items as points in the plane.
    Map,
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
            Self::Links => "links",
            Self::Triples => "triples",
            Self::Knowledge => "knowledge",
            Self::Audit => "audit",
            Self::Statistics => "statistics",
            Self::Vectors => "vectors",
            Self::Map => "map",
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
