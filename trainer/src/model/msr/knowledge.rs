//! The knowledge task of MKM-SR: TransH on the triples of the items, and the strategies of learning it beside the sessions.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::Msr;
use crate::error::TrainerError;
use crate::model::{Catalog, KnowledgeTask, Strategy, positive};
use crate::nn::{Energy, Initializer, Rule, Table, TransH};

/// Whether and how the model learns from knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnowledgeMode {
    /// It does not.
    #[default]
    None,
    /// One pass over the triples before each epoch, with steps of its own (eq. 15).
    Alternating(Alternating),
    /// With each batch of sessions, all triples of its items, in one step (eq. 16).
    Joint(Joint),
    /// Some passes over the triples before the first epoch, and none after it.
    PreTraining(PreTraining),
}

/// Settings of alternating training.
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
    /// What a step moves.
    pub moves: Moves,
}

/// What a step of the knowledge task moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moves {
    /// The tables that the task knows (eq. 15).
    #[default]
    Tables,
    /// From the second epoch on every weight, by its momentum and its L2 penalty: the authors' code under the PyTorch of
    /// its time, where a gradient that was cleared was zero and not absent.
    Everything,
}

/// Settings of joint training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Joint {
    /// `lambda_1`.
    #[schemars(range(min = 0.0))]
    pub lambda: f64,
    /// What the energies are multiplied by.
    pub weight: Weight,
    /// The energy of a triple.
    pub energy: Energy,
}

/// What energies are multiplied by in joint training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// `lambda_1` (eq. 16).
    #[default]
    Lambda,
    /// `lambda_1` squared: the authors' code multiplies twice.
    LambdaSquared,
}

/// Settings of pre-training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreTraining {
    /// Passes over the triples.
    pub epochs: NonZeroU32,
    /// The energy of a triple.
    pub energy: Energy,
    /// Triples a step.
    pub batch: NonZeroU32,
}

impl Default for Alternating {
    fn default() -> Self {
        Self { lambda: 1e-4, energy: Energy::Squared, batch: positive(256), moves: Moves::default() }
    }
}

impl Default for Joint {
    fn default() -> Self {
        Self { lambda: 1e-4, weight: Weight::Lambda, energy: Energy::Squared }
    }
}

impl Default for PreTraining {
    fn default() -> Self {
        Self { epochs: positive(10), energy: Energy::Squared, batch: positive(256) }
    }
}

/// The task, and the hyperplane normals `w_r` that it alone uses.
#[derive(Debug)]
pub(super) struct Hyperplanes {
    normal: Table,
    energy: Energy,
    weight: f64,
    strategy: Strategy,
}

impl Hyperplanes {
    /// The task of `mode`, where there is one.
    pub(super) fn new(
        mode: KnowledgeMode,
        catalog: Catalog,
        weights: &mut Initializer,
        d: i64,
        rule: Rule,
    ) -> Result<Option<Self>, TrainerError> {
        let (strategy, energy, weight) = match mode {
            KnowledgeMode::None => return Ok(None),
            KnowledgeMode::Alternating(Alternating { lambda, energy, batch, moves }) => {
                (Strategy::Alternating { batch, moves_all: moves == Moves::Everything }, energy, lambda)
            }
            KnowledgeMode::Joint(Joint { lambda, weight, energy }) => {
                let weight = match weight {
                    Weight::Lambda => lambda,
                    Weight::LambdaSquared => lambda * lambda,
                };
                (Strategy::Joint, energy, weight)
            }
            // Alone, L_K needs no weight against another loss.
            KnowledgeMode::PreTraining(PreTraining { epochs, energy, batch }) => {
                (Strategy::PreTraining { epochs, batch }, energy, 1.0)
            }
        };
        if catalog.relations == 0 {
            let message = "the config asks for the knowledge task, but the job names no knowledge";
            return Err(TrainerError::data(message, "give the stage a `knowledge` input, or set `knowledge: none`"));
        }
        let normal = Table::new(weights, "normal", catalog.relations, d, rule);
        Ok(Some(Self { normal, energy, weight, strategy }))
    }
}

impl Msr {
    fn task(&self) -> &Hyperplanes {
        self.knowledge.as_ref().expect("offered only with a knowledge task")
    }
}

impl KnowledgeTask for Msr {
    fn strategy(&self) -> Strategy {
        self.task().strategy
    }

    fn weights(&self) -> &'static [&'static str] {
        &["normal", "entity", "relation"]
    }

    fn loss(&self, head: &Tensor, relation: &Tensor, tail: &Tensor) -> Tensor {
        let task = self.task();
        let triples = TransH {
            head: &self.tables.entity.rows(head),
            translation: &self.tables.relation().rows(relation),
            normal: &task.normal.rows(relation),
            tail: &self.tables.entity.rows(tail),
        };
        triples.energy(task.energy).sum(Kind::Float) * task.weight // eq. 11 and 12
    }
}
