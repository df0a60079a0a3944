//! `split.json` of a dataset: the rule by which its parts were made, and what it left out. The audit holds the parts
//! against it.

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::Clock;
use super::items::ColdItems;
use super::write_json;

/// The name of the file in an artifact.
pub const FILE: &str = "split.json";

/// The version of the form that is written.
pub const VERSION: u32 = 1;

/// What decides which part a session, or an event, belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The boundary is the time before which `1 - test_share` of the events lie; a session belongs where it ends.
    #[default]
    Events,
    /// The boundary is the time before which `1 - test_share` of the sessions end; a session belongs where it ends.
    Sessions,
    /// The boundary lies `test_span` before the last session ends; a session belongs where it ends.
    Span,
    /// The publisher.
    Given,
    /// A draw for each session, from the seed and the session's number.
    Random,
    /// The last session of each user is for testing, the one before it for validation.
    LastSession,
    /// The last event of each session is for testing, the one before it for validation. Cut sessions `by: user` before.
    LastItem,
    /// The events of the last day of each session are for testing, those of the day before it on which there are any for
    /// validation; days by the log's own clock read as UTC. Cut sessions `by: user` before.
    LastDay,
}

impl By {
    /// Whether a session is cut, so that its beginning is for training and its end is held out.
    pub fn cuts_sessions(self) -> bool {
        matches!(self, Self::LastItem | Self::LastDay)
    }

    /// Whether parts follow each other in time, by the end of their sessions.
    pub fn goes_by_time(self) -> bool {
        matches!(self, Self::Events | Self::Sessions | Self::Span)
    }

    /// Its name in a pipeline.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Sessions => "sessions",
            Self::Span => "span",
            Self::Given => "given",
            Self::Random => "random",
            Self::LastSession => "last-session",
            Self::LastItem => "last-item",
            Self::LastDay => "last-day",
        }
    }
}

/// Where the validation part comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validation {
    /// The split makes it, whatever the protocol says.
    Split,
    /// The last training sessions, as many as the protocol says.
    Protocol,
    /// There is none.
    None,
}

/// The rule, and what it left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The version of this file's form.
    pub version: u32,
    /// What decides which part a session belongs to.
    pub by: By,
    /// What the times count.
    pub clock: Clock,
    /// Sessions that end at this time or later are no training sessions, where time decides.
    pub held_out_from: Option<i64>,
    /// Sessions that end at this time or later are test sessions, where time decides.
    pub test_from: Option<i64>,
    /// Where the validation part comes from.
    pub validation: Validation,
    /// What became of items that no training session has.
    pub cold_items: ColdItems,
    /// What is in no part.
    pub left_out: LeftOut,
}

/// What is in no part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Sessions that the rule puts nowhere, or that `then` left without events.
    pub sessions: u64,
    /// Training sessions that give no sample.
    pub short_training_sessions: u64,
    /// Sessions held out from training that give no sample.
    pub short_held_out_sessions: u64,
    /// Events that the maximum length cut off training sessions.
    pub cut_training_events: u64,
    /// Events held out from training that are gone because no training session has their item.
    pub cold_events: u64,
    /// Training samples before those that `recent_share` keeps.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub early_training_samples: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_nothing(count: &u64) -> bool {
    *count == 0
}

impl Rule {
    /// Reads it from a dataset.
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
