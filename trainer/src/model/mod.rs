//! The models: what each must offer, and the one list of them. A new model is one file and one line of the list.

mod entry;
pub mod fpmc;
pub mod gru;
pub mod gru4rec;
pub mod markov;
pub mod msr;
pub mod narm;
mod objective;
pub mod pop;
pub mod recency;
pub mod recency_markov;
pub mod rib;
pub mod sknn;
pub mod spop;
pub mod srgnn;
pub mod stamp;
mod training;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use tch::Tensor;

pub use entry::{CountingConfig, Entry, GradientConfig, Needs};
pub use objective::{Drawn, LaneTask, Objective, PairTask};
pub use training::{BatchLoss, Clip, Patience, Schedule, Step, Training};

use crate::batch::Batch;
use crate::dataset::{Knowledge, Part};
use crate::error::TrainerError;
use crate::nn::{Parameters, Scorer, Table};
use crate::vectors::Vectors;

use entry::{counting, gradient};
pub(crate) use training::positive;

const GRU4REC: &str = "Hidasi and Karatzoglou, CIKM 2018";

/// Every model that this trainer knows, in the order in which `describe` names them.
pub const MODELS: &[Entry] = &[
    counting::<pop::Config>("pop", "POP", "popularity", "a plain rule, without a paper", "pop").floor(),
    counting::<recency::Config>("recency", "Recency", "session", "a plain rule, without a paper", "recency").floor(),
    counting::<markov::Config>("markov", "Markov", "transitions", "a plain rule, without a paper", "markov").floor(),
    counting::<recency_markov::Config>(
        "recency-markov",
        "Recency-Markov",
        "transitions",
        "a plain rule, without a paper",
        "recency_markov",
    )
    .floor(),
    counting::<spop::Config>("s-pop", "S-POP", "popularity", "session-rec (Ludewig and Jannach, UMUAI 2018)", "spop")
        .floor(),
    counting::<sknn::Config>("sknn", "SKNN", "neighbors", "Jannach and Ludewig, RecSys 2017", "sknn"),
    gradient::<fpmc::Config>("fpmc", "FPMC", "markov chain", "Rendle et al., WWW 2010", "fpmc"),
    gradient::<gru4rec::Config>("gru4rec-bpr", "GRU4Rec+BPR", "recurrent", GRU4REC, "gru4rec")
        .defaults(gru4rec::Config::with_bpr_max),
    gradient::<gru4rec::Config>("gru4rec-ce", "GRU4Rec+CE", "recurrent", GRU4REC, "gru4rec"),
    gradient::<gru::Config>("gru", "GRU (full softmax)", "recurrent", "Hidasi et al., ICLR 2016", "gru"),
    gradient::<narm::Config>("narm", "NARM", "recurrent", "Li et al., CIKM 2017", "narm"),
    gradient::<stamp::Config>("stamp", "STAMP", "attention", "Liu et al., KDD 2018", "stamp"),
    gradient::<srgnn::Config>("sr-gnn", "SR-GNN", "graph", "Wu et al., AAAI 2019", "srgnn"),
    gradient::<rib::Config>("rib", "RIB", "recurrent", "Zhou et al., WSDM 2018", "rib")
        .needs(Needs { vectors: true, ..Needs::OPERATIONS }),
    gradient::<msr::Config>("km-sr", "KM-SR", "graph", "Meng et al., SIGIR 2020", "msr")
        .needs(Needs { knowledge: true, ..Needs::ITEMS })
        .defaults(msr::Config::km_sr),
    gradient::<msr::Config>("m-gru-sr", "M(GRU)-SR", "recurrent", "Meng et al., SIGIR 2020", "msr")
        .needs(Needs::OPERATIONS)
        .defaults(msr::Config::m_gru_sr),
    gradient::<msr::Config>("m-ggnn-sr", "M(GGNN)-SR", "graph", "Meng et al., SIGIR 2020", "msr")
        .needs(Needs::OPERATIONS)
        .defaults(msr::Config::m_ggnn_sr),
    gradient::<msr::Config>("m-ggnnx2-sr", "M(GGNNx2)-SR", "graph", "Meng et al., SIGIR 2020", "msr")
        .needs(Needs::OPERATIONS)
        .defaults(msr::Config::m_ggnnx2_sr),
    gradient::<msr::Config>("m-sr", "M-SR", "graph", "Meng et al., SIGIR 2020", "msr").needs(Needs::OPERATIONS),
    gradient::<msr::Config>("mkm-sr", "MKM-SR", "graph", "Meng et al., SIGIR 2020", "msr")
        .needs(Needs { knowledge: true, ..Needs::OPERATIONS })
        .defaults(msr::Config::mkm_sr),
];

/// The entry of the model called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    MODELS.iter().find(|entry| entry.name == name)
}

/// The entry of the model called `name`.
///
/// # Errors
/// When there is none, with the names of all.
pub fn named(name: &str) -> Result<&'static Entry, TrainerError> {
    find(name).ok_or_else(|| {
        let known: Vec<&str> = MODELS.iter().map(|entry| entry.name).collect();
        TrainerError::job(format!("unknown model `{name}`"), format!("the models are {}", known.join(", ")))
    })
}

/// The sizes that a model is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Items `V`, numbered 1 to `V`.
    pub items: i64,
    /// Operations, numbered from 1.
    pub operations: i64,
    /// Entities of the knowledge, the items first; equal to `items` where no knowledge is given.
    pub entities: i64,
    /// Relations of the knowledge, numbered from 1; 0 where no knowledge is given.
    pub relations: i64,
}

impl Catalog {
    /// The sizes of a dataset, and of the knowledge where there is some.
    #[must_use]
    pub fn new(items: i64, operations: i64, knowledge: Option<&Knowledge>) -> Self {
        let (entities, relations) = knowledge.map_or((items, 0), |knowledge| (knowledge.entities, knowledge.relations));
        Self { items, operations, entities, relations }
    }
}

/// A model that learns by counting its training data once.
pub trait Counting {
    /// Counts the training part; what it counted before is forgotten.
    fn fit(&mut self, train: &Part);
    /// Scores `[B, V]` (float32 or float64) on the batch's device, rows as in the batch, column `j` for item `j + 1`.
    /// An item that the model does not rank scores negative infinity.
    fn scores(&self, batch: &Batch) -> Tensor;
    /// What it counted, as named tensors that `restore` reads.
    fn state(&self) -> Vec<(String, Tensor)>;
    /// Takes back what `state` gave.
    ///
    /// # Errors
    /// When a tensor is missing or of the wrong shape.
    fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError>;
}

/// What a session vector is computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To learn from: dropout is on.
    Train,
    /// To rank by: dropout is off.
    Score,
}

/// A model that learns by gradient: a session becomes a vector, and a scorer compares it with every item.
pub trait Gradient {
    /// How it is trained.
    fn training(&self) -> &Training;
    /// The session vectors `s`, `[B, d]`, rows as in the batch. A row depends on its own session alone; under
    /// `Mode::Score` on nothing else, under `Mode::Train` on libtorch's generator too, where there is dropout.
    fn represent(&self, batch: &Batch, mode: Mode) -> Tensor;
    /// How a session vector is turned into scores of all items.
    fn scorer(&self) -> Scorer<'_>;
    /// What it minimises over the sessions, and in which order it sees them.
    fn objective(&self) -> Objective<'_> {
        Objective::Catalog
    }
    /// The tables of items and of operations that begin with vectors learned ahead, where the model has such.
    fn begins_with_vectors(&self) -> Option<[&Table; 2]> {
        None
    }
    /// The second task, where the model has one.
    fn knowledge_task(&self) -> Option<&dyn KnowledgeTask> {
        None
    }
}

/// Learning from knowledge triples, beside learning from sessions.
pub trait KnowledgeTask {
    /// How the two take turns.
    fn strategy(&self) -> Strategy;
    /// The names of the weights that the loss depends on: the first ones that the model made. A step of this task alone
    /// moves no others.
    fn weights(&self) -> &'static [&'static str];
    /// The loss of the triples (`head`, `relation`, `tail`, each `[M]`, numbered from 1), a scalar.
    fn loss(&self, head: &Tensor, relation: &Tensor, tail: &Tensor) -> Tensor;
}

/// How learning from triples and learning from sessions take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// One pass over the triples before each epoch.
    Alternating {
        /// Triples a step.
        batch: NonZeroU32,
        /// Whether a step moves everything that has had a gradient before, and not the weights of the task alone.
        moves_all: bool,
    },
    /// The triples of a batch's items add to the loss of the batch.
    Joint,
    /// Passes over the triples before the first epoch; what the optimizer remembers of them is forgotten.
    PreTraining {
        /// How many.
        epochs: NonZeroU32,
        /// Triples a step.
        batch: NonZeroU32,
    },
}

/// A network and the parameters that it was built from.
pub struct Network {
    /// The layers.
    pub layers: Box<dyn Gradient>,
    /// Their weights and gradients.
    pub parameters: Parameters,
}

impl Network {
    /// The loss of a batch under `Objective::Catalog` (mean softmax cross-entropy, a scalar on the device); its gradient
    /// is added to that of the parameters, or written over it where the scorer `rewrites` it.
    pub fn accumulate(&self, batch: &Batch) -> Tensor {
        let s = self.layers.represent(batch, Mode::Train);
        self.layers.scorer().cross_entropy(&s, &batch.targets)
    }
}

impl Network {
    /// Puts `vectors` into the tables that begin with some; nothing happens in a model without such.
    ///
    /// # Errors
    /// When there are none, or they are of another width than the tables.
    pub fn begin_with(&self, vectors: Option<&Vectors>) -> Result<(), TrainerError> {
        let Some(tables) = self.layers.begins_with_vectors() else { return Ok(()) };
        let Some(Vectors { items, operations }) = vectors else {
            let message = "the model begins with vectors learned ahead, but the job names no vectors";
            return Err(TrainerError::data(message, "give the stage a `vectors` input"));
        };
        for (table, vectors) in tables.into_iter().zip([items, operations]) {
            let mut rows = table.first(vectors.size()[0]);
            if rows.size() != vectors.size() {
                let message = format!("the vectors have width {}, the model {}", vectors.size()[1], rows.size()[1]);
                return Err(TrainerError::data(message, "give both the same `dimension`"));
            }
            rows.copy_(vectors);
        }
        Ok(())
    }
}

/// A model, ready to learn or to score.
pub enum Model {
    /// It counts.
    Counting(Box<dyn Counting>),
    /// It follows a gradient.
    Gradient(Network),
}

impl Model {
    /// Scores of all items `[B, V]`, rows as in the batch, column `j` for item `j + 1`; negative infinity for an item
    /// that the model does not rank.
    pub fn scores(&self, batch: &Batch) -> Tensor {
        tch::no_grad(|| match self {
            Self::Counting(model) => model.scores(batch),
            Self::Gradient(network) => network.layers.scorer().scores(&network.layers.represent(batch, Mode::Score)),
        })
    }

    /// All that must be kept to score again, as named tensors.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        match self {
            Self::Counting(model) => model.state(),
            Self::Gradient(network) => network.parameters.state(),
        }
    }

    /// Takes back what `state` gave.
    ///
    /// # Errors
    /// When a tensor is missing or of the wrong shape.
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        match self {
            Self::Counting(model) => model.restore(state),
            Self::Gradient(network) => network.parameters.restore(state),
        }
    }

    /// How many numbers it learns by gradient.
    #[must_use]
    pub fn parameter_count(&self) -> i64 {
        match self {
            Self::Counting(_) => 0,
            Self::Gradient(network) => network.parameters.count(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::Value;
    use tch::Device;

    use super::*;

    /// The gradient model `name` of `items` items under `config`, each of its weights set to the numbers of its name.
    pub(crate) fn given(name: &str, config: &Value, items: i64, weights: &[(&str, &[f32])]) -> Model {
        let catalog = Catalog { items, operations: 1, entities: items, relations: 0 };
        let model =
            find(name).expect("in the list").build(config, catalog, Some(1), Device::Cpu).expect("a good config");
        let Model::Gradient(network) = &model else { panic!("`{name}` counts") };
        assert_eq!(network.parameters.iter().count(), weights.len());
        for (name, weight) in network.parameters.iter() {
            let (_, numbers) = weights.iter().find(|(other, _)| *other == name).expect("a value for each weight");
            tch::no_grad(|| weight.shallow_clone().copy_(&Tensor::from_slice(numbers).reshape(weight.size())));
        }
        model
    }
}
