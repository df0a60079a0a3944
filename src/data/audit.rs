//! `audit.json`: what a dataset leaks, or not. Each finding is one check with its verdict and its exact count.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::write_json;

/// The name of the file in an artifact.
pub const FILE: &str = "audit.json";

/// The version of the form that is written.
pub const VERSION: u32 = 1;

/// The findings of all checks on one dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// The version of this file's form.
    pub version: u32,
    /// What people call the dataset.
    pub dataset: String,
    /// The digest of the dataset's test samples, as in its `meta.json`.
    pub test_samples: String,
    /// One finding a check, in the order of [`Check::ALL`].
    pub findings: Vec<Finding>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How the count is to be read.
    pub verdict: Verdict,
    /// How many were found.
    pub count: u64,
    /// Of how many that were looked at.
    pub of: u64,
    /// The finding as a sentence fragment that stands alone: `12 of 581 test sessions stand in training too`.
    pub words: String,
    /// The first of those that were found, at most [`EXAMPLES`], in the order of the dataset.
    pub examples: Vec<String>,
}

/// How many examples a finding shows.
pub const EXAMPLES: usize = 5;

/// How the count of a check is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The dataset breaks the rule by which it was split, or shows training what is tested.
    Leak,
    /// Something that may flatter a result, and that the split or the protocol asks for.
    ByDesign,
    /// Nothing was found.
    Clean,
    /// The data do not have what the check looks at.
    NotApplicable,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Sessions that stand in more than one part.
    SessionInTwoParts,
    /// Targets of the test part, or of the validation part, whose event is a training event too.
    TargetEventInTraining,
    /// Samples of the test part, input and target, with which a training session begins: same user, same events at the
    /// same times.
    SampleInTraining,
    /// Samples of the test part with whose items, input and target, a training session begins.
    SampleRepeatsTraining,
    /// Sessions on the wrong side of the boundary by which the split was made.
    SessionPastBoundary,
    /// Training events at or after the first test event.
    TrainingAfterTest,
    /// Validation sessions that end before the last training session does.
    ValidationInsideTraining,
    /// Items of the test part that stand in no training session.
    ColdItems,
    /// Users of the test part who act in training too.
    UserInTwoParts,
    /// Samples of the test part whose target stands in their own input.
    TargetInInput,
    /// Samples of the test part on which the epoch is picked.
    EpochPickedOnTest,
    /// Samples of the test part whose target's operation a model may see.
    TargetOperationShown,
}

impl Check {
    /// All checks, in the order in which they are told.
    pub const ALL: [Self; 12] = [
        Self::SessionInTwoParts,
        Self::TargetEventInTraining,
        Self::SampleInTraining,
        Self::SampleRepeatsTraining,
        Self::SessionPastBoundary,
        Self::TrainingAfterTest,
        Self::ValidationInsideTraining,
        Self::ColdItems,
        Self::UserInTwoParts,
        Self::TargetInInput,
        Self::EpochPickedOnTest,
        Self::TargetOperationShown,
    ];

    /// What it looks at, as a heading of a table.
    pub fn title(self) -> &'static str {
        match self {
            Self::SessionInTwoParts => "sessions in more than one part",
            Self::TargetEventInTraining => "held-out events that are training events",
            Self::SampleInTraining => "test samples with which a training session begins",
            Self::SampleRepeatsTraining => "test samples whose items begin a training session",
            Self::SessionPastBoundary => "sessions on the wrong side of the boundary",
            Self::TrainingAfterTest => "training events after the first test event",
            Self::ValidationInsideTraining => "validation sessions that end before training does",
            Self::ColdItems => "test items that training lacks",
            Self::UserInTwoParts => "test users who act in training",
            Self::TargetInInput => "test targets in their own input",
            Self::EpochPickedOnTest => "epoch picked on the test part",
            Self::TargetOperationShown => "operation of the target shown",
        }
    }
}

impl Audit {
    /// The finding of a check.
    pub fn of(&self, check: Check) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }

    /// Reads it from its artifact.
    ///
    /// # Errors
    /// When the file is missing or not of this form.
    pub fn read(folder: &Utf8Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&fs_err::read(folder.join(FILE))?)?)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &Utf8Path) -> std::io::Result<()> {
        write_json(&folder.join(FILE), self)
    }
}
