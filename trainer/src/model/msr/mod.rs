//! MKM-SR (Meng, Yang, Xiao, SIGIR 2020) and its family: M-SR without the knowledge task, KM-SR without operations, and
//! three that read micro-behaviors otherwise, M(GRU)-SR, M(GGNN)-SR and M(GGNNx2)-SR.
//!
//! The idea: items go through a graph network and operations through a GRU; their pairs, micro-behaviors, are pooled into
//! the session's vector, while TransH on the items' knowledge shapes the item embeddings.
//!
//! **Deviations from the paper, as the authors' code has it:** in- and out-messages side by side, each with its own map and
//! its own normalisation; PyTorch's gates; the GRU starts from zero; dot-product scores (`scorer: mlp` for eq. 9); softmax
//! cross-entropy in place of eq. 10; prefixes, operations and relations in one table; one Adam for both tasks, whose
//! steps leave alone the tensors without a gradient (`moves: everything` for what PyTorch did then); joint training with each triple of a batch once; patience in total.
//! **Deviations from the code, as the paper has it:** weights drawn by `init: paper`, L2 of 1e-5 (code 1e-3), the energy of
//! eq. 12 (`energy: normalized` for the code's), joint training with `lambda_1` (code: its square, `weight`). Left out:
//! parameters that the code never uses, and the knowledge step's extra L2 on the mean square of its rows, a
//! hundred-thousandth of the L2 that Adam adds anyway.
//! **Without published code:** pre-training, and the three variants of the encoder (see there what was inferred).
//! Used by: Table 2 and Figures 3 to 5 of MKM-SR.

mod encoder;
mod knowledge;

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::Tensor;

use super::{Catalog, Gradient, GradientConfig, KnowledgeTask, Mode, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::nn::{Initializer, Mlp, Readout, Rule, Scorer, Table};

pub use encoder::Encoder;
pub use knowledge::{Alternating, Joint, KnowledgeMode, Moves, PreTraining, Weight};

use encoder::MicroBehaviors;
use knowledge::Hyperplanes;

/// Settings of the family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of embeddings and layers.
    pub dimension: NonZeroU32,
    /// How the events of a session become vectors `m_t`.
    pub encoder: Encoder,
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
            encoder: Encoder::default(),
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

impl Config {
    /// The default config of a member of the family, as JSON.
    fn member(encoder: Encoder, knowledge: KnowledgeMode) -> Value {
        serde_json::to_value(Self { encoder, knowledge, ..Self::default() }).expect("a config is plain data")
    }

    /// MKM-SR.
    pub(super) fn mkm_sr() -> Value {
        Self::member(Encoder::GgnnGru, KnowledgeMode::Alternating(Alternating::default()))
    }

    /// KM-SR.
    pub(super) fn km_sr() -> Value {
        Self::member(Encoder::Items, KnowledgeMode::Alternating(Alternating::default()))
    }

    /// M(GRU)-SR.
    pub(super) fn m_gru_sr() -> Value {
        Self::member(Encoder::PairsGru, KnowledgeMode::None)
    }

    /// M(GGNN)-SR.
    pub(super) fn m_ggnn_sr() -> Value {
        Self::member(Encoder::PairsGgnn, KnowledgeMode::None)
    }

    /// M(GGNNx2)-SR.
    pub(super) fn m_ggnnx2_sr() -> Value {
        Self::member(Encoder::GgnnGgnn, KnowledgeMode::None)
    }
}

/// The layers of a member.
#[derive(Debug)]
pub struct Msr {
    training: Training,
    items: i64,
    tables: Tables,
    micro_behaviors: MicroBehaviors,
    readout: Readout,
    mlp: Option<Mlp>,
    knowledge: Option<Hyperplanes>,
}

/// The embeddings that the tasks share.
#[derive(Debug)]
struct Tables {
    /// Items, then the other entities of the knowledge.
    entity: Table,
    /// Relations of the knowledge (`d_r`), then operations; nothing where there is neither.
    relation: Option<Table>,
    /// How many relations stand before the operations.
    relations: i64,
}

impl Tables {
    fn relation(&self) -> &Table {
        self.relation.as_ref().expect("made for whoever has relations or operations")
    }
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
        // The tables of the knowledge task come first and stand side by side, so that its steps can move them alone.
        let knowledge = Hyperplanes::new(self.knowledge, catalog, weights, d, embedding)?;
        let relations = if knowledge.is_some() { catalog.relations } else { 0 };
        let operations = if self.encoder.reads_operations() { catalog.operations } else { 0 };
        let entity = Table::new(weights, "entity", catalog.entities, d, embedding);
        let relation =
            (relations + operations > 0).then(|| Table::new(weights, "relation", relations + operations, d, embedding));
        let micro_behaviors = MicroBehaviors::new(self.encoder, catalog, weights, d, embedding, rest);
        Ok(Box::new(Msr {
            training: self.training.clone(),
            items: catalog.items,
            readout: Readout::new(weights, micro_behaviors.width(), d, true, rest),
            tables: Tables { entity, relation, relations },
            micro_behaviors,
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
        let m = self.micro_behaviors.forward(batch, &self.tables); // eq. 1 to 5, [P, d] or [P, 2d]
        self.readout.forward(batch, &m) // eq. 6 to 8, [B, d]
    }

    fn scorer(&self) -> Scorer<'_> {
        let (table, items) = (&self.tables.entity, self.items);
        match &self.mlp {
            None => Scorer::Dot { table, items },
            Some(mlp) => Scorer::Mlp { table, items, mlp }, // eq. 9
        }
    }

    fn knowledge_task(&self) -> Option<&dyn KnowledgeTask> {
        self.knowledge.is_some().then_some(self as &dyn KnowledgeTask)
    }
}
