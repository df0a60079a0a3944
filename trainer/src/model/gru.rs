//! A recurrent network trained like every other model here, to tell what GRU4Rec owes to its unit and what to its training.
//!
//! The idea: a recurrent unit reads the items of a session one by one; its state scores the next item.
//!
//! **Deviations from GRU4Rec** (Hidasi et al., ICLR 2016; `gru4rec.rs` has it as its authors mean it). Samples are prefixes
//! of sessions in shuffled batches with the gradient through the whole prefix; theirs runs sessions side by side and cuts
//! the gradient at each event. The softmax is over the whole catalog, theirs over sampled items. The unit is libtorch's
//! (reset gate after the product), the optimizer is Adam instead of Adagrad, item embeddings serve as input and output
//! (their `constrained` setting) and the output has no bias. All are choices for an even comparison: it sees the same samples
//! and candidates as NARM, STAMP and the graph models.
//! Used by: no paper's table; it stands beside GRU4Rec in those of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Catalog, Gradient, GradientConfig, Mode, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::nn::{Gru, Initializer, Rule, Scorer, Table};

/// Settings of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of item embeddings and of the unit.
    pub dimension: NonZeroU32,
    /// The training loop.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dimension: positive(100),
            training: Training { epochs: positive(30), weight_decay: 0.0, ..Training::default() },
        }
    }
}

/// The layers of the network.
#[derive(Debug)]
pub struct GruNetwork {
    training: Training,
    items: i64,
    embedding: Table,
    gru: Gru,
}

impl GradientConfig for Config {
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError> {
        let d = i64::from(self.dimension.get());
        Ok(Box::new(GruNetwork {
            training: self.training.clone(),
            items: catalog.items,
            embedding: Table::new(weights, "embedding", catalog.items, d, Rule::glorot(catalog.items, d)),
            gru: Gru::new(weights, "gru", d, d, Rule::glorot(d, d)),
        }))
    }
}

impl Gradient for GruNetwork {
    fn training(&self) -> &Training {
        &self.training
    }

    fn represent(&self, batch: &Batch, _mode: Mode) -> Tensor {
        let x = self.embedding.rows(&batch.items); // [P, d]
        self.gru.forward(batch, &x).index_select(0, &batch.last) // [B, d]
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::Dot { table: &self.embedding, items: self.items }
    }
}
