//! `split`: sessions to a dataset of train, valid and test, with its vocabulary and samples.
//!
//! Where time decides, a session is in the test set when its last event is: sessions that begin before the boundary and
//! end at or after it are test sessions whole. This is how the published Demo set of MKM-SR is cut.

mod build;
mod log;
mod side;

use std::num::NonZeroU32;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::build::Built;
use self::log::Log;
use super::filter::{Step, Transform};
use super::identity::plain;
use super::{Complaint, share};
use crate::artifact::ArtifactKind;
use crate::artifact::table::{TableReader, Text};
use crate::data::dataset::{self, Meta};
use crate::data::events::{self, Clock};
use crate::data::items::{self, ColdItems};
use crate::data::names::{self, USERS};
use crate::data::protocol::Protocol;
use crate::data::rule::{Rule, VERSION, Validation};
use crate::data::vocabulary::{ITEMS, OPERATIONS, Vocabulary};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
use crate::unit::Span;

pub use crate::data::rule::By;

/// Splits sessions and makes samples. The protocol decides whether each prefix of a test session is a sample and, where
/// the split makes no validation part itself, whether one is held out from training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the sessions.
    pub from: String,
    /// What people call the dataset.
    #[serde(default = "unnamed")]
    pub name: String,
    /// What decides which sessions, or which events, are held out.
    #[serde(default)]
    pub by: By,
    /// With `by: events`, `sessions` or `random`, the share that is the test set; of the log, its end. 0.1 when left out.
    #[serde(default, deserialize_with = "share::read_optional", skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// With `by: events`, `sessions` or `random`, the share that is the validation set, before the test set. When left
    /// out, the protocol says what is held out from training.
    #[serde(default, deserialize_with = "share::read_optional", skip_serializing_if = "Option::is_none")]
    pub valid_share: Option<f64>,
    /// With `by: span`, how long before the end of the last session the test set begins. A day when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_span: Option<Span>,
    /// With `by: span`, whether sessions that end just `test_span` before the end of the last are in no part, as in the
    /// code of SR-GNN; with a clock of days that is a whole day. If not, they are for training.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop_boundary: bool,
    /// With `by: random`, the seed of the draws. 1 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// With `by: last-item`, `last-day` or `last-session`, whether what comes before the last is the validation set. If
    /// not, it is for training, and there is no validation set.
    #[serde(default = "yes")]
    pub validation: bool,
    /// With `by: last-item` or `last-day`, how many training events a session needs; one with fewer is left out. 1 when
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_train_events: Option<NonZeroU32>,
    /// With `by: last-item` or `last-day`, the share of its events that a session needs for training; one with less is
    /// left out.
    #[serde(default, deserialize_with = "share::read_optional", skip_serializing_if = "Option::is_none")]
    pub min_train_share: Option<f64>,
    /// The share of the training samples that is kept, the last by the end of their sessions, as in Yoochoose 1/64. Items
    /// that stand before them only keep their numbers, and can be recommended.
    #[serde(default, deserialize_with = "share::read_optional", skip_serializing_if = "Option::is_none")]
    pub recent_share: Option<f64>,
    /// Steps of `filter` that are applied to each session once its side is decided; only those that count nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Step>,
    /// What becomes of items that stand in held-out sessions but in no training session. Kept, they have a number and
    /// can be recommended.
    #[serde(default)]
    pub cold_items: ColdItems,
    /// The quantile of training session lengths (linear between two lengths, rounded down) that is the maximum length;
    /// longer sessions keep their last events. `null` cuts nothing.
    #[serde(default = "most", deserialize_with = "share::read_optional")]
    pub max_length_quantile: Option<f64>,
    /// Whether every prefix of a training session is a sample, or only the longest.
    #[serde(default = "yes")]
    pub train_prefixes: bool,
}

fn unnamed() -> String {
    "dataset".into()
}

fn most() -> Option<f64> {
    Some(0.99)
}

fn yes() -> bool {
    true
}

impl Config {
    fn shared(&self) -> bool {
        matches!(self.by, By::Events | By::Sessions | By::Random)
    }

    fn test_share(&self) -> f64 {
        self.test_share.unwrap_or_else(share::tenth)
    }

    fn test_span(&self) -> Span {
        self.test_span.unwrap_or(Span::of_seconds(86_400))
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    fn min_train_events(&self) -> u32 {
        self.min_train_events.map_or(1, NonZeroU32::get)
    }

    /// With the values that hold, whether written or not.
    fn filled(&self) -> Self {
        let least = NonZeroU32::new(self.min_train_events()).filter(|_| self.by.cuts_sessions());
        Self {
            test_share: self.shared().then(|| self.test_share()),
            test_span: (self.by == By::Span).then(|| self.test_span()),
            seed: (self.by == By::Random).then(|| self.seed()),
            min_train_events: least,
            ..self.clone()
        }
    }
}

/// The stage: its config, and the experiment's protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What the pipeline says.
    pub config: Config,
    /// What the experiment says.
    pub protocol: Protocol,
}

/// Checks what only the fields together can tell.
///
/// # Errors
/// A field of another way to split, shares of more than the whole, a step that needs counts over the whole log.
pub fn resolve(config: Config, protocol: &Protocol) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let last = config.by.cuts_sessions() || config.by == By::LastSession;
    let cuts = config.by.cuts_sessions();
    let by_share = "`by: events`, `sessions` or `random`";
    let idle = [
        ("test_share", config.test_share.is_some() && !config.shared(), by_share),
        ("valid_share", config.valid_share.is_some() && !config.shared(), by_share),
        ("test_span", config.test_span.is_some() && config.by != By::Span, "`by: span`"),
        ("drop_boundary", config.drop_boundary && config.by != By::Span, "`by: span`"),
        ("recent_share", config.recent_share.is_some() && cuts, "ways to split that keep sessions whole"),
        ("seed", config.seed.is_some() && config.by != By::Random, "`by: random`"),
        ("validation", !config.validation && !last, "`by: last-item`, `last-day` or `last-session`"),
        ("min_train_events", config.min_train_events.is_some() && !cuts, "`by: last-item` or `last-day`"),
        ("min_train_share", config.min_train_share.is_some() && !cuts, "`by: last-item` or `last-day`"),
    ];
    let mut complaints: Vec<Complaint> = idle
        .into_iter()
        .filter(|(_, idle, _)| *idle)
        .map(|(field, _, of)| Complaint {
            field: vec![field.into()],
            message: format!("`{field}` is used with {of} only"),
            help: Some(format!("take it out, or split in another way than `by: {}`", config.by.name())),
        })
        .collect();
    if config.test_share() + config.valid_share.unwrap_or(0.0) > 1.0 {
        complaints.push(Complaint {
            field: vec!["valid_share".into()],
            message: "`test_share` and `valid_share` are more than the whole together".into(),
            help: Some("leave a share for training".into()),
        });
    }
    for (index, step) in config.then.iter().enumerate() {
        let refused = if cuts {
            Some((
                format!("`then` cannot be used with `by: {}`, which cuts sessions", config.by.name()),
                "put the step into a `filter` stage before this one",
            ))
        } else if !step.is_local() {
            Some((
                format!("`{}` looks at the whole log, which is split already", step.label()),
                "put the step into a `filter` stage before this one",
            ))
        } else {
            step.complaint().map(|(message, help)| (message.to_owned(), help))
        };
        complaints.extend(refused.map(|(message, help)| Complaint {
            field: vec!["then".into(), index.to_string()],
            message,
            help: Some(help.into()),
        }));
    }
    if complaints.is_empty() { Ok(Arc::new(Split { config, protocol: protocol.clone() })) } else { Err(complaints) }
}

impl Split {
    /// Whether the split makes its own validation part; none where only the data can tell, or the protocol decides.
    fn own_validation(&self) -> Option<bool> {
        match self.config.by {
            By::LastItem | By::LastDay | By::LastSession => Some(self.config.validation),
            By::Events | By::Sessions | By::Random => self.config.valid_share.map(|_| true),
            By::Span | By::Given => None,
        }
    }

    /// The choices of the protocol that change the dataset; the others must not make it anew.
    fn protocol(&self) -> Value {
        let mut choices = serde_json::Map::new();
        if self.own_validation() != Some(true) {
            let share = json!(self.protocol.validation_share);
            choices.insert("select_on".into(), json!(self.protocol.select_on));
            let held_out = self.protocol.select_on == crate::data::protocol::SelectOn::Validation;
            choices.insert("validation_share".into(), if held_out { share } else { Value::Null });
        }
        if !self.config.by.cuts_sessions() {
            choices.insert("test_prefixes".into(), json!(self.protocol.test_prefixes));
        }
        Value::Object(choices)
    }
}

impl Stage for Split {
    fn identity(&self) -> Identity {
        let identity = plain("split", "2", &self.config.filled(), &self.inputs());
        Identity { protocol: Some(self.protocol()), ..identity }
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { name: "from".into(), stage: self.config.from.clone(), accepts: &[ArtifactKind::Sessions] }]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Dataset
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let from = task.input("from");
        let clock = events::Meta::read(from)?.clock;
        let instead = match self.config.by {
            By::LastDay => Some("last-item"),
            By::Span => Some("events"),
            _ => None,
        };
        if let Some(instead) = instead.filter(|_| clock == Clock::Rows) {
            let by = self.config.by.name();
            let message = format!("`by: {by}` asks for times, and the log has no clock but the order of its rows");
            return Err(Diagnostic::new(message).help(format!("use `by: {instead}`")).into());
        }
        if let Some(step) = self.config.then.iter().find(|step| step.needs_clock() && clock == Clock::Rows) {
            return Err(step.lacks_clock().into());
        }
        let names = names::OPERATIONS.read(from)?;
        let chain: Result<Vec<Option<Transform>>, Diagnostic> =
            self.config.then.iter().map(|step| Transform::of(step, &names)).collect();
        let then: Vec<Transform> = chain?.into_iter().flatten().collect();
        let operations: Vec<&str> = names.iter().map(Option::unwrap_or_default).collect();
        let built = self.build(Log::read(task)?, &operations, &then)?;
        self.write(task, &built, &operations, clock)
    }
}

impl Split {
    fn write(&self, task: &Task<'_>, built: &Built, operations: &[&str], clock: Clock) -> Result<(), StageError> {
        let (from, folder) = (task.input("from"), &task.output);
        let items = item_names(from, &built.items)?;
        let mut named = Vocabulary::default();
        for row in &built.operations {
            named.add(operations.get(usize::from(*row)).copied().unwrap_or_default());
        }
        items.write(&folder.join("items.parquet"), &ITEMS)?;
        named.write(&folder.join("operations.parquet"), &OPERATIONS)?;
        let [.., test] = &built.parts[..] else { return Ok(()) };
        let sessions = built.parts.iter().flat_map(|part| &part.sessions);
        let meta = Meta {
            version: 1,
            name: self.config.name.clone(),
            items: items.len(),
            operations: named.len(),
            max_length: sessions.map(|session| session.length as usize).max().unwrap_or(0),
            test_samples: dataset::samples_digest(test, &built.events, &items, &named),
        };
        dataset::write_meta(folder, &meta)?;
        dataset::write_samples(folder, &built.parts, &built.events)?;
        dataset::write_sessions(folder, &built.parts, &built.events, &USERS.read(from)?)?;
        let cold = dataset::describe_samples(folder, &built.parts, &built.events, items.len())?;
        let (held_out_from, test_from) = built.boundaries;
        let rule = Rule {
            version: VERSION,
            by: self.config.by,
            clock,
            held_out_from,
            test_from,
            validation: built.validation,
            cold_items: self.config.cold_items,
            left_out: built.left_out,
        };
        rule.write(folder)?;
        self.tell(task, &meta, built, &cold);
        Ok(())
    }

    fn tell(&self, task: &Task<'_>, meta: &Meta, built: &Built, cold: &[usize]) {
        task.note("items", meta.items);
        task.note("operations", meta.operations);
        task.note("max length", meta.max_length);
        for part in &built.parts {
            task.note(&format!("{} sessions", part.name), part.sessions.len());
            task.note(&format!("{} samples", part.name), part.sample_count());
        }
        task.note("cold test samples", cold.last().copied().unwrap_or_default());
        let left_out = built.left_out;
        task.note("held-out events dropped", left_out.cold_events);
        task.note("sessions left out", left_out.sessions);
        task.note("training sessions without a sample", left_out.short_training_sessions);
        task.note("held-out sessions without a sample", left_out.short_held_out_sessions);
        task.note("training events cut off", left_out.cut_training_events);
        if self.config.recent_share.is_some() {
            task.note("earlier training samples left out", left_out.early_training_samples);
        }
        task.note(
            "validation",
            match built.validation {
                Validation::Split => "the split's own; the protocol's `validation_share` is not used".to_owned(),
                Validation::Protocol => format!("the protocol's share, {}", self.protocol.validation_share),
                Validation::None => "none".to_owned(),
            },
        );
    }
}

/// The names of items by their rows, in the order of the vocabulary.
fn item_names(from: &camino::Utf8Path, rows: &[i32]) -> Result<Vocabulary, StageError> {
    let mut pieces: Vec<Text> = Vec::new();
    let mut starts = Vec::new();
    let mut count = 0;
    for piece in TableReader::open_columns(&from.join(items::FILE), &items::SCHEMA, &["item"])? {
        let names = piece?.text("item");
        starts.push(count);
        count += names.len();
        pieces.push(names);
    }
    let mut vocabulary = Vocabulary::default();
    for row in rows {
        let row = usize::try_from(*row).unwrap_or_default();
        let piece = starts.partition_point(|start| *start <= row).saturating_sub(1);
        let name = pieces.get(piece).and_then(|names| names.get(row - starts[piece])).ok_or_else(|| {
            Diagnostic::new(format!("the sessions name item {row}, and `items.parquet` has {count} rows"))
                .help("the files do not belong together; try `sr-pipe cache verify`")
        })?;
        vocabulary.add(name);
    }
    Ok(vocabulary)
}

#[cfg(test)]
mod tests;
