//! `audit`: looks through a dataset for what would flatter a result, and holds its parts against the rule by which they
//! were made. Every count is exact; each part is read once.

mod look;
mod trace;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::look::{Found, Looked, look};
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::audit::{Audit, Check, Finding, VERSION, Verdict};
use crate::data::dataset::Meta;
use crate::data::events::Clock;
use crate::data::items::ColdItems;
use crate::data::protocol::{Protocol, SelectOn, TargetOperation};
use crate::data::rule::{By, Rule, Validation};
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};

/// Looks for leaks in a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that makes the dataset.
    pub dataset: String,
}

struct Auditor {
    config: Config,
    protocol: Protocol,
}

/// The stage, with the experiment's protocol.
pub fn resolve(config: Config, protocol: &Protocol) -> Arc<dyn Stage> {
    Arc::new(Auditor { config, protocol: protocol.clone() })
}

impl Stage for Auditor {
    fn identity(&self) -> Identity {
        let protocol = json!({
            "select_on": self.protocol.select_on, "target_operation": self.protocol.target_operation,
        });
        Identity { protocol: Some(protocol), ..plain("audit", "1", &self.config, &self.inputs()) }
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { name: "dataset".into(), stage: self.config.dataset.clone(), accepts: &[ArtifactKind::Dataset] }]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Audit
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let folder = task.input("dataset");
        let (meta, rule) = (Meta::read(folder)?, Rule::read(folder)?);
        let looked = look(task, folder, &rule)?;
        let findings: Vec<Finding> = Check::ALL.into_iter().map(|check| self.finding(check, &looked, &rule)).collect();
        for (name, verdict) in [("leaks", Verdict::Leak), ("by design", Verdict::ByDesign), ("clean", Verdict::Clean)] {
            task.note(name, findings.iter().filter(|finding| finding.verdict == verdict).count());
        }
        for finding in findings.iter().filter(|finding| finding.verdict == Verdict::Leak) {
            task.note(&format!("leak: {}", finding.check.title()), finding.words.as_str());
        }
        Audit { version: VERSION, dataset: meta.name, test_samples: meta.test_samples, findings }
            .write(&task.output)?;
        Ok(())
    }
}

impl Auditor {
    fn finding(&self, check: Check, looked: &Looked, rule: &Rule) -> Finding {
        let by = rule.by.name();
        let cuts = rule.by.cuts_sessions();
        let all = |shown: bool| Found {
            count: if shown { looked.test_samples } else { 0 },
            of: looked.test_samples,
            examples: Vec::new(),
        };
        let (found, verdict, what, why) = match check {
            Check::SessionInTwoParts => {
                let verdict = if cuts { Verdict::ByDesign } else { Verdict::Leak };
                let why =
                    if cuts { format!("`by: {by}` trains on the beginning of what it tests") } else { String::new() };
                (looked.sessions.clone(), verdict, "sessions stand in more than one part", why)
            }
            Check::TargetEventInTraining => {
                let what = "targets of the validation and test parts are training events";
                (looked.target_events.clone(), Verdict::Leak, what, String::new())
            }
            Check::SampleInTraining => {
                let what = "test samples begin a training session of the same user at the same times";
                (looked.samples.clone(), Verdict::Leak, what, String::new())
            }
            Check::SampleRepeatsTraining => {
                let why = "what others did in the same order; short inputs are alike by chance".to_owned();
                let what = "test samples have the items with which a training session begins";
                (looked.items_repeated.clone(), Verdict::ByDesign, what, why)
            }
            Check::SessionPastBoundary => self.past_boundary(looked, rule),
            Check::TrainingAfterTest => {
                let place = if rule.clock == Clock::Rows { "in the log" } else { "in time" };
                let why = match rule.by {
                    By::Events | By::Sessions | By::Span => format!("`by: {by}` keeps sessions whole and cuts where they end"),
                    By::Given => "so its publisher has split it".to_owned(),
                    _ => format!("`by: {by}` does not go by time"),
                };
                let why = format!("{place}; {why}");
                let what = "training events stand at or after the first held-out test event";
                (looked.after_test.clone(), Verdict::ByDesign, what, why)
            }
            Check::ValidationInsideTraining => {
                // What a session loses at its end moves its end; that training ends before the boundary is held apart.
                let moved = rule.validation == Validation::Split && rule.cold_items == ColdItems::Drop;
                let (verdict, why) = if rule.validation != Validation::Protocol && !rule.by.goes_by_time() {
                    (Verdict::ByDesign, format!("`by: {by}` does not go by time"))
                } else if moved {
                    (Verdict::ByDesign, "`cold_items: drop` took their last events out".to_owned())
                } else {
                    (Verdict::Leak, String::new())
                };
                let what = "validation sessions end before the last training session does";
                (looked.validation.clone(), verdict, what, why)
            }
            Check::ColdItems => cold_items(looked, rule),
            Check::UserInTwoParts => {
                let why = "what they did before is known to the model".to_owned();
                (looked.users.clone(), Verdict::ByDesign, "users of the test part act in training too", why)
            }
            Check::TargetInInput => {
                let why = "a model that repeats its input hits them".to_owned();
                (looked.in_input.clone(), Verdict::ByDesign, "test targets stand in their own input", why)
            }
            Check::EpochPickedOnTest => {
                let why = "the protocol says `select_on: test`".to_owned();
                let what = "test samples pick the epoch that is reported";
                (all(self.protocol.select_on == SelectOn::Test), Verdict::ByDesign, what, why)
            }
            Check::TargetOperationShown => {
                let why = "the protocol says `target_operation: visible`".to_owned();
                let what = "test samples show the operation of their target";
                (all(self.protocol.target_operation == TargetOperation::Visible), Verdict::ByDesign, what, why)
            }
        };
        let verdict = match (found.of, found.count) {
            (0, _) => Verdict::NotApplicable,
            (_, 0) => Verdict::Clean,
            _ => verdict,
        };
        let reason = if verdict == Verdict::ByDesign && !why.is_empty() { format!(" ({why})") } else { String::new() };
        let words = match verdict {
            Verdict::NotApplicable => "nothing to look at".to_owned(),
            _ => format!("{} of {} {what}{reason}", found.count, found.of),
        };
        Finding { check, verdict, count: found.count, of: found.of, words, examples: found.examples }
    }

    fn past_boundary(&self, looked: &Looked, rule: &Rule) -> (Found, Verdict, &'static str, String) {
        if rule.by == By::Given {
            let what = "sessions of training and validation end after a test session has ended";
            return (looked.past_boundary.clone(), Verdict::ByDesign, what, "so its publisher has split it".to_owned());
        }
        let what = "sessions of training and validation end at or after the boundary";
        (looked.past_boundary.clone(), Verdict::Leak, what, String::new())
    }
}

/// Cold items are a leak of the rule only where it drops them and nothing else explains them.
fn cold_items(looked: &Looked, rule: &Rule) -> (Found, Verdict, &'static str, String) {
    let left_out = rule.left_out;
    let explained = left_out.cut_training_events > 0
        || left_out.short_training_sessions > 0
        || left_out.early_training_samples > 0
        || rule.validation == Validation::Protocol;
    let targets = format!("targets of {} test samples", looked.cold_targets);
    let (verdict, why) = match rule.cold_items {
        ColdItems::Keep => (Verdict::ByDesign, format!("`cold_items: keep`; {targets}")),
        ColdItems::Drop if explained => {
            let place =
                "in what was cut off long training sessions, in training sessions of one event, or in validation";
            let early = if left_out.early_training_samples > 0 { ", or before what `recent_share` keeps" } else { "" };
            (Verdict::ByDesign, format!("they stand {place}{early}; {targets}"))
        }
        ColdItems::Drop => (Verdict::Leak, String::new()),
    };
    (looked.cold_items.clone(), verdict, "items of the test part stand in no training session", why)
}
