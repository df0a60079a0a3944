//! How the events of a session become the vectors of micro-behaviors: what the variants of MKM-SR differ in.
//!
//! The paper describes three of these in a sentence each and publishes no code for them. Inferred: one embedding for each
//! pair of an item and an operation, `V |O|` rows, read only by the encoder; candidates are still compared by the item's
//! own embedding, since the operation of the next event is not known; the second graph network has the form of the first.
//! Another reading of the same sentence stands beside it: the pair's embedding is made of its item's and its operation's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Catalog, Tables};
use crate::batch::Batch;
use crate::nn::{Edges, Ggnn, Gru, Initializer, Linear, Rule, SessionGraph, Table, gather};

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
    /// Pairs made of the embeddings of their item and their operation, by a GRU: M(GRU)-SR in another reading.
    JoinedGru,
    /// Pairs made of the embeddings of their item and their operation, by a graph network.
    JoinedGgnn,
}

impl Encoder {
    /// Whether operations have embeddings of their own.
    pub(super) fn reads_operations(self) -> bool {
        matches!(self, Self::GgnnGru | Self::GgnnGgnn | Self::JoinedGru | Self::JoinedGgnn)
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
    Pairs { pair: Pair, operations: i64, network: Network },
}

/// Where the embedding of a pair comes from.
#[derive(Debug)]
enum Pair {
    /// A table with a row for each.
    Own(Table),
    /// `W [e_item ; e_operation] + b`.
    Joined(Linear),
}

/// What runs over a sequence of embeddings.
#[derive(Debug)]
enum Network {
    Gru(Gru),
    Ggnn(Ggnn),
}

impl Network {
    /// The embeddings of `ids` `[P]`, which `embed` knows, encoded, `[P, d]`; `nodes` is how many distinct ids the sessions
    /// have.
    fn forward(&self, batch: &Batch, embed: impl Fn(&Tensor) -> Tensor, ids: &Tensor, nodes: i64) -> Tensor {
        match self {
            Self::Gru(gru) => gru.forward(batch, &embed(ids)), // eq. 3 and 4
            Self::Ggnn(ggnn) => propagate(ggnn, batch, embed, ids, nodes),
        }
    }
}

/// One step over the graph of `ids` (eq. 1), read off at each position (eq. 2), `[P, d]`.
fn propagate(ggnn: &Ggnn, batch: &Batch, embed: impl Fn(&Tensor) -> Tensor, ids: &Tensor, nodes: i64) -> Tensor {
    let graph = SessionGraph::new(batch, ids, nodes, Edges::Counted);
    gather(&ggnn.step(&graph, &embed(&graph.ids)), &graph.alias)
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
        let own = |weights: &mut Initializer| Pair::Own(Table::new(weights, "pair", items * operations, d, embedding));
        let joined = |weights: &mut Initializer| Pair::Joined(Linear::new(weights, "pair", 2 * d, d, rest));
        let layers = match encoder {
            Encoder::Items => Layers::Items { ggnn: ggnn(weights) },
            Encoder::GgnnGru => Layers::Beside { ggnn: ggnn(weights), of_operations: gru(weights) },
            Encoder::GgnnGgnn => Layers::Beside {
                ggnn: ggnn(weights),
                of_operations: Network::Ggnn(Ggnn::new(weights, "operation_ggnn", d, rest)),
            },
            Encoder::PairsGru => Layers::Pairs { pair: own(weights), operations, network: gru(weights) },
            Encoder::PairsGgnn => {
                Layers::Pairs { pair: own(weights), operations, network: Network::Ggnn(ggnn(weights)) }
            }
            Encoder::JoinedGru => Layers::Pairs { pair: joined(weights), operations, network: gru(weights) },
            Encoder::JoinedGgnn => {
                Layers::Pairs { pair: joined(weights), operations, network: Network::Ggnn(ggnn(weights)) }
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
        let item = |ids: &Tensor| tables.entity.rows(ids);
        let operation = |ids: &Tensor| tables.relation().rows(&(ids + tables.relations));
        match &self.layers {
            Layers::Items { ggnn } => propagate(ggnn, batch, item, items, nodes.items),
            Layers::Beside { ggnn, of_operations } => {
                let i = propagate(ggnn, batch, item, items, nodes.items); // eq. 1 and 2
                let o = of_operations.forward(batch, operation, &batch.operations, nodes.operations); // eq. 3 and 4
                Tensor::cat(&[i, o], 1) // eq. 5
            }
            Layers::Pairs { pair, operations, network } => {
                let embed = |ids: &Tensor| match pair {
                    Pair::Own(table) => table.rows(ids),
                    Pair::Joined(linear) => {
                        let [i, o] = parts(ids, *operations);
                        linear.forward(&Tensor::cat(&[item(&i), operation(&o)], 1))
                    }
                };
                network.forward(batch, embed, &pairs(batch, *operations), nodes.pairs)
            }
        }
    }
}

/// The pair of an item and one of `operations` operations at each position, `[P]`, from 1.
fn pairs(batch: &Batch, operations: i64) -> Tensor {
    (&batch.items - 1) * operations + &batch.operations
}

/// The item and the operation of each pair.
fn parts(pairs: &Tensor, operations: i64) -> [Tensor; 2] {
    let from_zero = pairs - 1;
    [from_zero.divide_scalar_mode(operations, "floor") + 1, from_zero.remainder(operations) + 1]
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::batch::tests::part;
    use crate::nn::Parameters;

    #[test]
    fn each_pair_has_a_number_of_its_own_from_1_to_the_size_of_its_table() {
        let all: Vec<(i32, i32)> = (1..=3).flat_map(|item| (1..=2).map(move |operation| (item, operation))).collect();
        let session: Vec<(i32, i32)> = all.into_iter().chain([(1, 1)]).collect();
        let batch = Batch::gather(&part(&[&session], 3, 2), &[0]);
        assert_eq!(Vec::<i64>::try_from(pairs(&batch, 2)).expect("ids"), [1, 2, 3, 4, 5, 6]);
        assert_eq!(batch.nodes.pairs, 6);
        let [items, operations] = parts(&pairs(&batch, 2), 2);
        assert_eq!(items, batch.items);
        assert_eq!(operations, batch.operations);
    }

    #[test]
    fn a_joined_pair_is_made_of_the_embeddings_of_its_item_and_its_operation() {
        let (mut init, rule, d) = (Initializer::new(1), Rule::Normal(1.0), 2);
        let entity = Table::new(&mut init, "entity", 4, d, rule);
        let relation = Some(Table::new(&mut init, "relation", 5, d, rule));
        // Three relations of knowledge stand before the two operations.
        let tables = Tables { entity, relation, relations: 3 };
        let micro_behaviors =
            MicroBehaviors::new(Encoder::JoinedGru, Catalog::new(4, 2, None), &mut init, d, rule, rule);
        let _ = Parameters::gather(init, Device::Cpu);
        let batch = Batch::gather(&part(&[&[(4, 2), (1, 1), (4, 1), (2, 1)], &[(3, 2), (1, 1)]], 4, 2), &[0, 1]);

        let Layers::Pairs { pair: Pair::Joined(linear), network: Network::Gru(gru), .. } = &micro_behaviors.layers
        else {
            panic!("another encoder: {micro_behaviors:?}")
        };
        let (items, operations) = (tables.entity.rows(&batch.items), tables.relation().rows(&(&batch.operations + 3)));
        let expected = gru.forward(&batch, &linear.forward(&Tensor::cat(&[items, operations], 1)));
        let found = micro_behaviors.forward(&batch, &tables);
        assert!(found.allclose(&expected, 1e-6, 1e-7, false), "{found} {expected}");
    }
}
