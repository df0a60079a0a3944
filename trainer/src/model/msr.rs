//! MKM-SR (Meng, Yang, Xiao, SIGIR 2020), and M-SR, the same without the knowledge task.
//!
//! The idea: items go through a graph network and operations through a GRU; their pairs, micro-behaviors, are pooled into
//! the session's vector, while TransH on the items' knowledge shapes the item embeddings in turn.
//!
//! **Deviations from the paper, as the authors' code has it:** in- and out-messages side by side, each with its own map and
//! its own normalisation; PyTorch's gates; the GRU starts from zero; dot-product scores (`scorer: mlp` for eq. 9); softmax
//! cross-entropy in place of eq. 10; prefixes, operations and relations in one table; one Adam for both tasks; patience in total.
//! **Deviations from the code, as the paper has it:** weights drawn by `init: paper`, L2 of 1e-5 (code 1e-3), and the energy of
//! eq. 12 (`energy: normalized` for the code's). Left out: parameters that the code never uses, and the knowledge step's extra
//! L2 on the mean square of its rows, a hundred-thousandth of the L2 that Adam adds anyway.
//! Used by: Table 2 and Figures 3 to 5 of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Kind, Tensor};

use super::{Catalog, Gradient, GradientConfig, KnowledgeTask, Mode, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::nn::{
    Edges, Energy, Ggnn, Gru, Initializer, Mlp, Readout, Rule, Scorer, SessionGraph, Table, TransH, gather,
};

/// Settings of M-SR and MKM-SR.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of embeddings and layers.
    pub dimension: NonZeroU32,
    /// How weights are drawn.
    pub init: Init,
    /// How a session vector is compared with an item (eq. 9).
    pub scorer: ScorerKind,
    /// The knowledge task.
    pub knowledge: KnowledgeMode,
    /// The training loop.
    pub training: Training,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dimension: positive(100),
            init: Init::default(),
            scorer: ScorerKind::default(),
            knowledge: KnowledgeMode::default(),
            training: Training::default(),
        }
    }
}

/// How weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Embeddings from N(0, 0.1), all else uniform within 1/sqrt(d).
    #[default]
    Paper,
    /// Everything uniform within 1/sqrt(2d).
    Code,
}

/// How a session vector is compared with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScorerKind {
    /// By the dot product (the authors' code).
    #[default]
    Dot,
    /// By a network with one hidden layer on both vectors (eq. 9).
    Mlp,
}

/// Whether and how the model learns from knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnowledgeMode {
    /// It does not: M-SR.
    #[default]
    None,
    /// One pass over the triples before each epoch, with steps of its own (eq. 15).
    Alternating(Alternating),
}

/// Settings of the alternating knowledge task.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Alternating {
    /// What the energies are multiplied by, `lambda_1`.
    #[schemars(range(min = 0.0))]
    pub lambda: f64,
    /// The energy of a triple.
    pub energy: Energy,
    /// Triples a step.
    pub batch: NonZeroU32,
}

impl Default for Alternating {
    fn default() -> Self {
        Self { lambda: 1e-4, energy: Energy::Squared, batch: positive(256) }
    }
}

impl Config {
    /// The default config of MKM-SR, as JSON.
    ///
    /// # Panics
    /// Never: the config is plain data.
    #[must_use]
    pub fn with_knowledge() -> Value {
        let config = Self { knowledge: KnowledgeMode::Alternating(Alternating::default()), ..Self::default() };
        serde_json::to_value(config).expect("a config is plain data")
    }
}

/// The layers of M-SR and MKM-SR.
#[derive(Debug)]
pub struct Msr {
    training: Training,
    items: i64,
    relations: i64,
    /// Items, then the other entities of the knowledge.
    entity: Table,
    /// Relations of the knowledge (`d_r`), then operations.
    relation: Table,
    ggnn: Ggnn,
    gru: Gru,
    readout: Readout,
    mlp: Option<Mlp>,
    knowledge: Option<Hyperplanes>,
}

/// The knowledge task and the hyperplane normals `w_r` that it alone uses.
#[derive(Debug)]
struct Hyperplanes {
    settings: Alternating,
    normal: Table,
}

impl GradientConfig for Config {
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError> {
        let d = i64::from(self.dimension.get());
        let (embedding, rest) = match self.init {
            Init::Paper => (Rule::Normal(0.1), Rule::Uniform((d as f64).sqrt().recip())),
            Init::Code => {
                (Rule::Uniform((2.0 * d as f64).sqrt().recip()), Rule::Uniform((2.0 * d as f64).sqrt().recip()))
            }
        };
        let knowledge = match self.knowledge {
            KnowledgeMode::None => None,
            KnowledgeMode::Alternating(_) if catalog.relations == 0 => {
                let message = "the config asks for the knowledge task, but the job names no knowledge";
                return Err(TrainerError::data(
                    message,
                    "give the stage a `knowledge` input, or set `knowledge: none`",
                ));
            }
            KnowledgeMode::Alternating(settings) => {
                let normal = Table::new(weights, "normal", catalog.relations, d, embedding);
                Some(Hyperplanes { settings, normal })
            }
        };
        Ok(Box::new(Msr {
            training: self.training.clone(),
            items: catalog.items,
            relations: catalog.relations,
            entity: Table::new(weights, "entity", catalog.entities, d, embedding),
            relation: Table::new(weights, "relation", catalog.relations + catalog.operations, d, embedding),
            ggnn: Ggnn::new(weights, "ggnn", d, rest),
            gru: Gru::new(weights, "gru", d, d, rest),
            readout: Readout::new(weights, 2 * d, d, true, rest),
            mlp: (self.scorer == ScorerKind::Mlp).then(|| Mlp::new(weights, d, rest)),
            knowledge,
        }))
    }
}

impl Gradient for Msr {
    fn training(&self) -> &Training {
        &self.training
    }

    fn represent(&self, batch: &Batch, _mode: Mode) -> Tensor {
        let graph = SessionGraph::new(batch, Edges::Counted);
        let i = self.ggnn.step(&graph, &self.entity.rows(&graph.items)); // eq. 1, [N, d]
        let i = gather(&i, &graph.alias); // eq. 2, [P, d]
        let o = self.relation.rows(&(&batch.operations + self.relations)); // [P, d]
        let o = self.gru.forward(batch, &o); // eq. 3 and 4, [P, d]
        let m = Tensor::cat(&[i, o], 1); // eq. 5, [P, 2d]
        self.readout.forward(batch, &m) // eq. 6 to 8, [B, d]
    }

    fn scorer(&self) -> Scorer<'_> {
        let (table, items) = (&self.entity, self.items);
        match &self.mlp {
            None => Scorer::Dot { table, items },
            Some(mlp) => Scorer::Mlp { table, items, mlp }, // eq. 9
        }
    }

    fn knowledge_task(&self) -> Option<&dyn KnowledgeTask> {
        self.knowledge.is_some().then_some(self as &dyn KnowledgeTask)
    }
}

impl KnowledgeTask for Msr {
    fn batch(&self) -> usize {
        self.knowledge.as_ref().map_or(1, |task| task.settings.batch.get() as usize)
    }

    fn loss(&self, head: &Tensor, relation: &Tensor, tail: &Tensor) -> Tensor {
        let task = self.knowledge.as_ref().expect("offered only with a knowledge task");
        let triples = TransH {
            head: &self.entity.rows(head),
            translation: &self.relation.rows(relation),
            normal: &task.normal.rows(relation),
            tail: &self.entity.rows(tail),
        };
        triples.energy(task.settings.energy).sum(Kind::Float) * task.settings.lambda // eq. 11 and 12
    }
}
