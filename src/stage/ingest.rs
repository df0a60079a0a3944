//! `ingest`: raw files of a known format to `events.parquet` and `items.parquet`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::items::ColdItems;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
use crate::ingest::{Sink, jdata, mkm_demo};

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
}

/// Layouts of raw files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JDATA 2019: `jdata_action.csv` and `jdata_product.csv`.
    Jdata,
    /// The published Demo set of MKM-SR.
    MkmDemo,
}

/// Checks what only the fields together can tell.
///
/// # Errors
/// A choice that the format does not have.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    if config.format == Format::Jdata && config.cold_items.is_some() {
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
        plain("ingest", "1", self, &self.inputs())
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
        match (self.format, self.cold_items) {
            (Format::Jdata, _) => jdata::ingest(Sink::create(task)?),
            (Format::MkmDemo, cold_items) => mkm_demo::ingest(Sink::create(task)?, cold_items.unwrap_or_default()),
        }
    }
}
