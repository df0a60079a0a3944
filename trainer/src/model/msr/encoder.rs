//! How the events of a session become the vectors of micro-behaviors: what the variants of MKM-SR differ in.
//!
//! The paper describes three of these in a sentence each and publishes no code for them. Inferred: one embedding for each
//! pair of an item and an operation, `V |O|` rows, read only by the encoder; candidates are still compared by the item's
//! own embedding, since the operation of the next event is not known; the second graph network has the form of the first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Catalog, Tables};
use crate::batch::Batch;
use crate::nn::{Edges, Ggnn, Gru, Initializer, Rule, SessionGraph, Table, gather};

/// What is encoded, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoder {
    /// Items by a graph network, operations by a GRU: M-SR and MKM-SR.
    #[default]
    GgnnGru,
    /// Items by a graph network, operations by another: M(GGNNx2)-SR.
    GgnnGgnn,
    /// Items alone, by a graph network: KM-SR.
    Items,
    /// Pairs of an item and an operation, by a GRU: M(GRU)-SR.
    PairsGru,
    /// Pairs of an item and an operation, by a graph network: M(GGNN)-SR.
    PairsGgnn,
}

impl Encoder {
    /// Whether operations have embeddings of their own.
    pub(super) fn reads_operations(self) -> bool {
        matches!(self, Self::GgnnGru | Self::GgnnGgnn)
    }
}

/// The layers of an encoder.
#[derive(Debug)]
pub(super) struct MicroBehaviors {
    d: i64,
    layers: Layers,
}

#[derive(Debug)]
enum Layers {
    Items { ggnn: Ggnn },
    Beside { ggnn: Ggnn, of_operations: Network },
    Pairs { pair: Table, operations: i64, network: Network },
}

/// What runs over a sequence of embeddings.
#[derive(Debug)]
enum Network {
    Gru(Gru),
    Ggnn(Ggnn),
}

impl Network {
    /// The rows of `table` for `ids` `[P]`, encoded, `[P, d]`; `nodes` is how many distinct ids the sessions have.
    fn forward(&self, batch: &Batch, table: &Table, ids: &Tensor, nodes: i64) -> Tensor {
        match self {
            Self::Gru(gru) => gru.forward(batch, &table.rows(ids)), // eq. 3 and 4
            Self::Ggnn(ggnn) => propagate(ggnn, batch, table, ids, nodes),
        }
    }
}

/// One step over the graph of `ids` (eq. 1), read off at each position (eq. 2), `[P, d]`.
fn propagate(ggnn: &Ggnn, batch: &Batch, table: &Table, ids: &Tensor, nodes: i64) -> Tensor {
    let graph = SessionGraph::new(batch, ids, nodes, Edges::Counted);
    gather(&ggnn.step(&graph, &table.rows(&graph.ids)), &graph.alias)
}

impl MicroBehaviors {
    pub(super) fn new(
        encoder: Encoder,
        catalog: Catalog,
        weights: &mut Initializer,
        d: i64,
        embedding: Rule,
        rest: Rule,
    ) -> Self {
        let gru = |weights: &mut Initializer| Network::Gru(Gru::new(weights, "gru", d, d, rest));
        let ggnn = |weights: &mut Initializer| Ggnn::new(weights, "ggnn", d, rest);
        let (items, operations) = (catalog.items, catalog.operations);
        let pair = |weights: &mut Initializer| Table::new(weights, "pair", items * operations, d, embedding);
        let layers = match encoder {
            Encoder::Items => Layers::Items { ggnn: ggnn(weights) },
            Encoder::GgnnGru => Layers::Beside { ggnn: ggnn(weights), of_operations: gru(weights) },
            Encoder::GgnnGgnn => Layers::Beside {
                ggnn: ggnn(weights),
                of_operations: Network::Ggnn(Ggnn::new(weights, "operation_ggnn", d, rest)),
            },
            Encoder::PairsGru => Layers::Pairs { pair: pair(weights), operations, network: gru(weights) },
            Encoder::PairsGgnn => {
                Layers::Pairs { pair: pair(weights), operations, network: Network::Ggnn(ggnn(weights)) }
            }
        };
        Self { d, layers }
    }

    /// The width of a micro-behavior's vector.
    pub(super) fn width(&self) -> i64 {
        match self.layers {
            Layers::Beside { .. } => 2 * self.d,
            Layers::Items { .. } | Layers::Pairs { .. } => self.d,
        }
    }

    /// The vector `m_t` of each event, `[P, width]`.
    pub(super) fn forward(&self, batch: &Batch, tables: &Tables) -> Tensor {
        let (items, nodes) = (&batch.items, batch.nodes);
        match &self.layers {
            Layers::Items { ggnn } => propagate(ggnn, batch, &tables.entity, items, nodes.items),
            Layers::Beside { ggnn, of_operations } => {
                let i = propagate(ggnn, batch, &tables.entity, items, nodes.items); // eq. 1 and 2
                let rows = &batch.operations + tables.relations;
                let o = of_operations.forward(batch, tables.relation(), &rows, nodes.operations); // eq. 3 and 4
                Tensor::cat(&[i, o], 1) // eq. 5
            }
            Layers::Pairs { pair, operations, network } => {
                let ids = pairs(batch, *operations);
                network.forward(batch, pair, &ids, nodes.pairs)
            }
        }
    }
}

/// The pair of an item and one of `operations` operations at each position, `[P]`, from 1.
fn pairs(batch: &Batch, operations: i64) -> Tensor {
    (&batch.items - 1) * operations + &batch.operations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::part;

    #[test]
    fn each_pair_has_a_number_of_its_own_from_1_to_the_size_of_its_table() {
        let all: Vec<(i32, i32)> = (1..=3).flat_map(|item| (1..=2).map(move |operation| (item, operation))).collect();
        let session: Vec<(i32, i32)> = all.into_iter().chain([(1, 1)]).collect();
        let batch = Batch::gather(&part(&[&session], 3, 2), &[0]);
        assert_eq!(Vec::<i64>::try_from(pairs(&batch, 2)).expect("ids"), [1, 2, 3, 4, 5, 6]);
        assert_eq!(batch.nodes.pairs, 6);
    }
}
