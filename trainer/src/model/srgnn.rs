//! SR-GNN (Wu et al., AAAI 2019).
//!
//! The idea: the items of a session form a graph; a gated graph network lets each item see its neighbours, and a soft
//! attention led by the last item makes the session's vector.
//!
//! **Deviations.** As the authors' code, not the paper, where they differ: an edge counts once however often it occurs
//! (`edges: counted` for the paper's form), the readout has biases, the rate falls after 2 epochs and then after each 3.
//! The code's unused third edge map is left out. The paper's gate `z` is the code's `1 - z`, the same up to its name.
//! Used by: Table 2 of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Catalog, Gradient, GradientConfig, Mode, Schedule, Step, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::nn::{Edges, Ggnn, Initializer, Readout, Rule, Scorer, SessionGraph, Table, gather};

/// Settings of SR-GNN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of item embeddings and of all layers.
    pub dimension: NonZeroU32,
    /// Propagations `T` of the graph network.
    pub steps: NonZeroU32,
    /// What a repeated transition weighs.
    pub edges: EdgeWeights,
    /// The training loop.
    pub training: Training,
}

/// What a repeated transition weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeWeights {
    /// As much as one that occurs once (the authors' code).
    Binary,
    /// As often as it occurs (the paper).
    Counted,
}

impl Default for Config {
    fn default() -> Self {
        let schedule = Schedule::Step(Step::default());
        Self {
            dimension: positive(100),
            steps: positive(1),
            edges: EdgeWeights::Binary,
            training: Training { epochs: positive(30), batch: positive(100), schedule, ..Training::default() },
        }
    }
}

/// The layers of SR-GNN.
#[derive(Debug)]
pub struct SrGnn {
    config: Config,
    items: i64,
    embedding: Table,
    ggnn: Ggnn,
    readout: Readout,
}

impl GradientConfig for Config {
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError> {
        let d = i64::from(self.dimension.get());
        let rule = Rule::Uniform(1.0 / f64::from(self.dimension.get()).sqrt());
        Ok(Box::new(SrGnn {
            config: self.clone(),
            items: catalog.items,
            embedding: Table::new(weights, "embedding", catalog.items, d, rule),
            ggnn: Ggnn::new(weights, "ggnn", d, rule),
            readout: Readout::new(weights, d, d, false, rule),
        }))
    }
}

impl Gradient for SrGnn {
    fn training(&self) -> &Training {
        &self.config.training
    }

    fn represent(&self, batch: &Batch, _mode: Mode) -> Tensor {
        let edges = match self.config.edges {
            EdgeWeights::Binary => Edges::Binary,
            EdgeWeights::Counted => Edges::Counted,
        };
        let graph = SessionGraph::new(batch, &batch.items, batch.nodes.items, edges);
        let mut h = self.embedding.rows(&graph.ids); // [N, d]
        for _ in 0..self.config.steps.get() {
            h = self.ggnn.step(&graph, &h); // eq. 1 to 5
        }
        let h = gather(&h, &graph.alias); // [P, d]
        self.readout.forward(batch, &h) // eq. 6 and 7, [B, d]
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::Dot { table: &self.embedding, items: self.items } // eq. 8
    }
}
