//! Session graphs of a whole batch, ragged: nodes are the distinct (session, item) pairs, edges the transitions.

use tch::{Kind, Tensor};

use crate::batch::Batch;

/// What a transition that occurs more than once in a session weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edges {
    /// As often as it occurs (MKM-SR).
    Counted,
    /// Once (SR-GNN as published).
    Binary,
}

/// The graphs of `B` sessions with `N` nodes and `E` transitions in all. Node ids run over the whole batch.
#[derive(Debug)]
pub struct SessionGraph {
    /// The item of each node, `[N]`.
    pub items: Tensor,
    /// The node of each position, `[P]`.
    pub alias: Tensor,
    /// Number of nodes `N`.
    pub nodes: i64,
    /// Row of the stacked messages `[2N, d]` that each message is read from, `[2E]`: the in-messages, then the out-messages.
    pub from: Tensor,
    /// Row of the stacked messages that it is added to, `[2E]`.
    pub to: Tensor,
    /// What it weighs there, `[2E, 1]`: its share of the transitions into (or out of) that node.
    pub weight: Tensor,
}

impl SessionGraph {
    /// Builds the graphs on the batch's device. The host knows `N`, so nothing is read back.
    #[must_use]
    pub fn new(batch: &Batch, edges: Edges) -> Self {
        let (nodes, positions, long) = (batch.nodes, batch.positions(), (Kind::Int64, batch.device()));
        // One key for each (session, item): equal keys lie side by side once sorted, and each new key is a node.
        let stride = i64::from(i32::MAX);
        let (sorted, place) = (&batch.rows * stride + &batch.items).sort_stable(true, 0, false);
        let node_of_sorted = starts(&sorted).cumsum(0, Kind::Int64) - 1;
        let alias = Tensor::zeros([positions], long).scatter(0, &place, &node_of_sorted);
        let items = Tensor::zeros([nodes], long).scatter(0, &node_of_sorted, &sorted.remainder(stride));

        let count = positions - batch.size;
        let u = alias.index_select(0, &batch.previous); // [E]
        let v = alias.narrow(0, batch.size, count); // [E]
        let occurrence = match edges {
            Edges::Counted => Tensor::ones([count], (Kind::Float, batch.device())),
            Edges::Binary => {
                let (sorted, place) = (&u * nodes + &v).sort_stable(true, 0, false);
                let first = starts(&sorted).to_kind(Kind::Float);
                first.zeros_like().scatter(0, &place, &first)
            }
        };
        // C[u, v] / sum over u of C[u, v] for what comes in, C[u, v] / sum over v of C[u, v] for what goes out.
        let share = |end: &Tensor| {
            let degree = Tensor::zeros([nodes], (Kind::Float, batch.device())).index_add(0, end, &occurrence);
            &occurrence / degree.index_select(0, end)
        };
        Self {
            items,
            alias,
            nodes,
            weight: Tensor::cat(&[share(&v), share(&u)], 0).unsqueeze(1),
            // In-messages use the even rows of the stack, out-messages the odd ones.
            from: Tensor::cat(&[&u * 2, &v * 2 + 1], 0),
            to: Tensor::cat(&[&v * 2, &u * 2 + 1], 0),
        }
    }
}

/// True where an element of a sorted vector differs from the one before, and at the first.
fn starts(sorted: &Tensor) -> Tensor {
    let count = sorted.size()[0];
    if count == 0 {
        return sorted.to_kind(Kind::Bool);
    }
    let rest = sorted.narrow(0, 1, count - 1).not_equal_tensor(&sorted.narrow(0, 0, count - 1));
    Tensor::cat(&[rest.new_ones([1], (Kind::Bool, rest.device())), rest], 0)
}
