//! Vectors that were learned ahead of a model, as the `embed` verb writes them.

use std::path::Path;

use tch::Tensor;

use crate::dataset::read_tensors;
use crate::error::TrainerError;

/// Vectors of the items and of the operations of a dataset, float32 on the host.
#[derive(Debug)]
pub struct Vectors {
    /// Of the items 1 to `V`, `[V, d]`.
    pub items: Tensor,
    /// Of the operations 1 to `O`, `[O, d]`.
    pub operations: Tensor,
}

impl Vectors {
    /// Reads the folder at `folder`, whose vectors must be of `items` items and `operations` operations.
    ///
    /// # Errors
    /// When the file is missing, damaged, or of another dataset.
    pub fn open(folder: &Path, items: i64, operations: i64) -> Result<Self, TrainerError> {
        let file = folder.join("vectors.safetensors");
        let mut tensors = read_tensors(&file)?;
        let mut table = |name: &str, rows: i64| {
            let found = tensors.remove(name).ok_or_else(|| {
                let message = format!("`{}` has no table `{name}`", file.display());
                TrainerError::data(message, "learn the vectors with a method that gives some, such as `skip-gram`")
            })?;
            if found.dim() != 2 || found.size()[0] != rows || found.kind() != tch::Kind::Float {
                let message =
                    format!("`{name}` of `{}` is not of {rows} vectors, but {:?}", file.display(), found.size());
                return Err(TrainerError::data(message, "learn the vectors on the dataset of the model"));
            }
            Ok(found)
        };
        Ok(Self { items: table("items", items)?, operations: table("operations", operations)? })
    }
}
