//! `ingest`: raw files of a known format to `events.parquet` and `items.parquet`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::items::ColdItems;
use crate::engine::stage::{Identity, Input, Resources, Stage, StageError, Task};
use crate::ingest::{BadRows, Format, Options};

/// Reads raw files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the raw files.
    pub from: String,
    /// How they are laid out.
    pub format: Format,
    /// Only for `mkm-demo`, which is published in two variants: without the cold items (`drop`, also when left out), or
    /// with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_items: Option<ColdItems>,
    /// What becomes of rows that cannot be read: `strict` stops at the first; `quarantine: { at_most: 0.001 }` writes each
    /// to `rejected.parquet` with its reason, and fails where more than this share of a file's rows are bad.
    #[serde(default, skip_serializing_if = "BadRows::is_strict")]
    pub bad_rows: BadRows,
}

/// Checks what only the fields together can tell.
///
/// # Errors
/// A choice that the format does not have.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    if config.format != Format::MkmDemo && config.cold_items.is_some() {
        return Err(vec![Complaint {
            field: vec!["cold_items".into()],
            message: "`cold_items` is a choice of the format `mkm-demo` only".into(),
            help: Some("set it in the `split` stage, which cuts this log".into()),
        }]);
    }
    Ok(Arc::new(config))
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("ingest", "2", self, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input {
            name: "from".into(),
            stage: self.from.clone(),
            accepts: &[ArtifactKind::Raw, ArtifactKind::Files],
        }]
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Events
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let options = Options { bad_rows: self.bad_rows, cold_items: self.cold_items.unwrap_or_default() };
        self.format.ingest(task, &options)
    }

    fn resources(&self) -> Resources {
        Resources { threads: 4, gpus: None }
    }
}
