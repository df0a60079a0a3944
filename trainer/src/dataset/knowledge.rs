//! The knowledge folder of the contract: triples over entities.

use std::path::Path;

use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use super::{check_version, host, read_meta, read_tensors, take};
use crate::error::TrainerError;

#[derive(Debug, Deserialize)]
struct KnowledgeMeta {
    version: u32,
    entities: i64,
    relations: Vec<String>,
}

/// A knowledge folder, opened: triples over entities, of which the first are the items.
#[derive(Debug)]
pub struct Knowledge {
    /// Entities are numbered 1 to this.
    pub entities: i64,
    /// Relations are numbered 1 to this.
    pub relations: i64,
    /// Head of each triple, `[M]` int64.
    pub head: Tensor,
    /// Relation of each triple, `[M]` int64.
    pub relation: Tensor,
    /// Tail of each triple, `[M]` int64.
    pub tail: Tensor,
}

impl Knowledge {
    /// Reads the knowledge folder at `folder` onto `device`; its first `items` entities are the items of the dataset.
    ///
    /// # Errors
    /// When a file is missing, damaged or of another version, or an id is out of range.
    pub fn open(folder: &Path, items: i64, device: Device) -> Result<Self, TrainerError> {
        let meta: KnowledgeMeta = read_meta(folder)?;
        check_version(folder, meta.version)?;
        if meta.entities < items {
            let message = format!("the knowledge has {} entities, the dataset has {items} items", meta.entities);
            return Err(TrainerError::data(message, "extract the knowledge from the same dataset"));
        }
        let relations = i64::try_from(meta.relations.len()).unwrap_or(i64::MAX);
        let file = folder.join("triples.safetensors");
        let mut tensors = read_tensors(&file)?;
        let mut column = |name: &str, limit: i64| -> Result<Tensor, TrainerError> {
            let ids = take(&mut tensors, &file, name)?;
            let wrong: Vec<i32> = host(&ids)?;
            if let Some(id) = wrong.into_iter().find(|&id| i64::from(id) < 1 || i64::from(id) > limit) {
                let message = format!("{name} {id} is outside 1..={limit}");
                return Err(TrainerError::data(message, "make the knowledge again; its files are damaged"));
            }
            Ok(ids.to_kind(Kind::Int64).to_device(device))
        };
        let head = column("head", meta.entities)?;
        let relation = column("relation", relations)?;
        let tail = column("tail", meta.entities)?;
        if head.size() != relation.size() || head.size() != tail.size() {
            let message = "`head`, `relation` and `tail` differ in length";
            return Err(TrainerError::data(message, "make the knowledge again; its files are damaged"));
        }
        Ok(Self { entities: meta.entities, relations, head, relation, tail })
    }

    /// How many triples there are.
    #[must_use]
    pub fn triples(&self) -> usize {
        usize::try_from(self.head.size()[0]).expect("a length is not negative")
    }
}
