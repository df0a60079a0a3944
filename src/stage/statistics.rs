//! `statistics`: counts a data set as papers print it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::statistics::{Source, Statistics, Value};
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};

/// Counts a data set: what it is given decides what can be counted. At least one input is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the events of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,
    /// The stage that has the sessions, after the filters whose effect is to be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<String>,
    /// The stage that makes the dataset of these sessions. Events of items that it does not know are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The stage that makes the triples of the dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<String>,
}

/// Checks what only the fields together can tell.
///
/// # Errors
/// No input at all.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    if config.inputs().is_empty() {
        return Err(vec![Complaint {
            field: Vec::new(),
            message: "there is nothing to count".into(),
            help: Some("name at least one of `events`, `sessions`, `dataset` and `knowledge`".into()),
        }]);
    }
    Ok(Arc::new(config))
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("statistics", "2", self, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        let inputs: [(Source, &Option<String>, &'static [ArtifactKind]); 4] = [
            (Source::Events, &self.events, &[ArtifactKind::Events]),
            (Source::Sessions, &self.sessions, &[ArtifactKind::Sessions]),
            (Source::Dataset, &self.dataset, &[ArtifactKind::Dataset]),
            (Source::Knowledge, &self.knowledge, &[ArtifactKind::Knowledge]),
        ];
        let named = inputs.into_iter().filter_map(|(source, stage, accepts)| {
            Some(Input { name: source.name().into(), stage: stage.clone()?, accepts })
        });
        named.collect()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Statistics
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let folder = |source: Source| Some((source, task.inputs.get(source.name())?.as_path()));
        let folders = Source::ALL.into_iter().filter_map(folder).collect();
        let statistics = Statistics::count(&folders, &mut |done, total, what| {
            task.step(done, total, what);
            if (task.stop)() { Err(StageError::Interrupted) } else { Ok(()) }
        })?;
        for number in &statistics.numbers {
            if let Value::Count(count) = number.value {
                task.note(&number.name, count);
            }
        }
        statistics.write(&task.output)?;
        Ok(())
    }
}
