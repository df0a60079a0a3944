//! `ingest`: raw files of a known format to `events.parquet` and `items.parquet`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::items::ColdItems;
use crate::engine::stage::{Identity, Input, Resources, Stage, StageError, Task};
use crate::ingest::{BadRows, Format, TableMapping, Options, AmazonColumns, KkboxOperation, Ratings};

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
    /// Only for `jd-micro` and `amazon`, whose files have no name of their own: which is meant, where several lie there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Only for `kkbox`: the column that is the operation; `source_screen_name` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<KkboxOperation>,
    /// Only for `movielens` and `amazon`: what a rating is; `ignored` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratings: Option<Ratings>,
    /// Only for `amazon`: what stands first in a row; found out from the first 1,000 rows when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<AmazonColumns>,
    /// Only for `table`: which files there are, and which column is what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Box<TableMapping>>,
    /// What becomes of rows that cannot be read: `strict` stops at the first; `quarantine: { at_most: 0.001 }` writes each
    /// to `rejected.parquet` with its reason, and fails where more than this share of a file's rows are bad.
    #[serde(default, skip_serializing_if = "BadRows::is_strict")]
    pub bad_rows: BadRows,
}

/// Formats whose publishers name the file as they like.
const NAMELESS: [Format; 2] = [Format::JdMicro, Format::Amazon];

/// Formats that have ratings.
const RATED: [Format; 2] = [Format::Movielens, Format::Amazon];

/// Checks what only the fields together can tell.
///
/// # Errors
/// A choice that the format does not have.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let of = |formats: &[Format]| formats.contains(&config.format);
    let choices = [
        ("cold_items", config.cold_items.is_some(), of(&[Format::MkmDemo]), "the format `mkm-demo`"),
        ("file", config.file.is_some(), of(&NAMELESS), "the formats `jd-micro` and `amazon`"),
        ("operation", config.operation.is_some(), of(&[Format::Kkbox]), "the format `kkbox`"),
        ("ratings", config.ratings.is_some(), of(&RATED), "the formats `movielens` and `amazon`"),
        ("table", config.table.is_some(), of(&[Format::Table]), "the format `table`"),
        ("columns", config.columns.is_some(), of(&[Format::Amazon]), "the format `amazon`"),
    ];
    let strange = choices.iter().filter(|(_, set, has, _)| *set && !has);
    let mut complaints: Vec<Complaint> = strange
        .map(|(field, _, _, whose)| Complaint {
            field: vec![(*field).into()],
            message: format!("`{field}` is a choice of {whose} only"),
            help: Some(match *field {
                "cold_items" => "set it in the `split` stage, which cuts this log".into(),
                _ => "take it out".into(),
            }),
        })
        .collect();
    match &config.table {
        Some(mapping) => complaints.extend(mapping.problems().into_iter().map(|problem| Complaint {
            field: std::iter::once("table".to_owned()).chain(problem.field).collect(),
            message: problem.message,
            help: Some(problem.help),
        })),
        None if config.format == Format::Table => complaints.push(Complaint {
            field: Vec::new(),
            message: "the format `table` is not told which column is what".into(),
            help: Some("add `table:` with `log` and `columns`".into()),
        }),
        None => {}
    }
    if complaints.is_empty() { Ok(Arc::new(config)) } else { Err(complaints) }
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("ingest", "3", &self.filled(), &self.inputs())
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
        let options = Options {
            bad_rows: self.bad_rows,
            cold_items: self.cold_items.unwrap_or_default(),
            file: self.file.clone(),
            kkbox_operation: self.operation,
            ratings: self.ratings.unwrap_or_default(),
            amazon_columns: self.columns,
            table: self.table.as_deref().cloned(),
        };
        self.format.ingest(task, &options)
    }

    fn resources(&self) -> Resources {
        Resources { threads: 4, gpus: None }
    }
}

impl Config {
    /// With the choices of the format that hold, whether written or not.
    fn filled(&self) -> Self {
        let format = self.format;
        Self {
            cold_items: (format == Format::MkmDemo).then(|| self.cold_items.unwrap_or_default()),
            operation: (format == Format::Kkbox).then(|| self.operation.unwrap_or_default()),
            ratings: RATED.contains(&format).then(|| self.ratings.unwrap_or_default()),
            ..self.clone()
        }
    }
}
