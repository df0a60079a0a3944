//! Session graphs of a whole batch, ragged: a session's nodes are its distinct items, or operations, or pairs of both;
//! its edges are the transitions between them.

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
    /// The item, operation or pair of each node, `[N]`.
    pub ids: Tensor,
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
    /// Builds the graphs of `ids` `[P]`, from 1 and below 2^31, on the batch's device. `nodes` is how many distinct ids
    /// the sessions have, summed over the batch: the host knows it, so nothing is read back.
    #[must_use]
    pub fn new(batch: &Batch, ids: &Tensor, nodes: i64, edges: Edges) -> Self {
        let (positions, long) = (batch.positions(), (Kind::Int64, batch.device()));
        // One key for each (session, id): equal keys lie side by side once sorted, and each new key is a node.
        let stride = i64::from(i32::MAX);
        let (sorted, place) = (&batch.rows * stride + ids).sort_stable(true, 0, false);
        let node_of_sorted = starts(&sorted).cumsum(0, Kind::Int64) - 1;
        let alias = Tensor::zeros([positions], long).scatter(0, &place, &node_of_sorted);
        let ids = Tensor::zeros([nodes], long).scatter(0, &node_of_sorted, &sorted.remainder(stride));

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
            ids,
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

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::batch::tests::part;
    use crate::dataset::Part;
    use crate::nn::golden::{assert_close, golden, tensor};

    /// The graphs of the items of these samples.
    fn of_items(part: &Part, samples: &[i64], edges: Edges) -> SessionGraph {
        let batch = Batch::gather(part, samples);
        SessionGraph::new(&batch, &batch.items, batch.nodes.items, edges)
    }

    /// `[N, 2N]` as SR-GNN writes it: shares of incoming transitions, then of outgoing ones.
    fn adjacency(graph: &SessionGraph) -> Tensor {
        let n = graph.nodes;
        let mut dense = Tensor::zeros([2 * n, 2 * n], (Kind::Float, Device::Cpu));
        let _ = dense.index_put_(&[Some(&graph.to), Some(&graph.from)], &graph.weight.squeeze_dim(1), true);
        let every_other = |start: i64, rows: &Tensor| rows.slice(0, start, None, 2).slice(1, start, None, 2);
        Tensor::cat(&[every_other(0, &dense), every_other(1, &dense)], 1)
    }

    #[test]
    fn counted_and_binary_edges_of_one_session_by_hand() {
        // 1 -> 2 twice, 2 -> 1 once, 1 -> 1 once; the last event is the target.
        let part = part(&[&[(2, 1), (1, 1), (1, 1), (2, 1), (9, 1)], &[(1, 1), (2, 1), (1, 1), (2, 1), (9, 1)]], 9, 1);
        let counted = of_items(&part, &[1], Edges::Counted);
        assert_eq!(Vec::<i64>::try_from(&counted.ids).expect("ids"), [1, 2]);
        // Into 1: all from 2. Into 2: all from 1. Out of 1: all to 2. Out of 2: all to 1.
        let full = Tensor::from_slice(&[0f32, 1., 0., 1., 1., 0., 1., 0.]).reshape([2, 4]);
        assert_close(&adjacency(&counted), &full);
        let binary = of_items(&part, &[1], Edges::Binary);
        assert_close(&adjacency(&binary), &full);
        // 2 -> 1, 1 -> 1, 1 -> 2: into 1 half from each, out of 1 half to each.
        let loops = of_items(&part, &[0], Edges::Counted);
        let expected = Tensor::from_slice(&[0.5f32, 0.5, 0.5, 0.5, 1., 0., 1., 0.]).reshape([2, 4]);
        assert_close(&adjacency(&loops), &expected);
    }

    #[test]
    fn a_graph_of_operations_joins_events_of_different_items() {
        // Operations 2 -> 1 -> 2 over the items 4, 4, 5: two nodes, and an edge each way between them.
        let part = part(&[&[(4, 2), (4, 1), (5, 2), (9, 1)]], 9, 2);
        let batch = Batch::gather(&part, &[0]);
        let graph = SessionGraph::new(&batch, &batch.operations, batch.nodes.operations, Edges::Counted);
        assert_eq!(Vec::<i64>::try_from(&graph.ids).expect("ids"), [1, 2]);
        assert_eq!(Vec::<i64>::try_from(&graph.alias).expect("nodes"), [1, 0, 1]);
        let each_way = Tensor::from_slice(&[0f32, 1., 0., 1., 1., 0., 1., 0.]).reshape([2, 4]);
        assert_close(&adjacency(&graph), &each_way);
    }

    #[test]
    fn binary_edges_of_three_sessions_are_those_of_the_authors_of_srgnn() {
        let Some(golden) = golden("srgnn_adjacency") else { return };
        let sessions: Vec<Vec<(i32, i32)>> = serde_json::from_value::<Vec<Vec<i32>>>(golden["sessions"].clone())
            .expect("lists of items")
            .into_iter()
            .map(|items| items.into_iter().chain([9]).map(|item| (item, 1)).collect())
            .collect();
        let sessions: Vec<&[(i32, i32)]> = sessions.iter().map(Vec::as_slice).collect();
        let graph = of_items(&part(&sessions, 9, 1), &[0, 1, 2], Edges::Binary);
        assert_eq!(Vec::<i64>::try_from(&graph.ids).expect("ids"), [1, 2, 3, 4, 5, 7]);
        let found = adjacency(&graph);
        // Theirs is padded to four nodes, with the padding item 0 as node 0 of the shorter sessions.
        let theirs = tensor(&golden["A"]); // [3, 4, 8]
        for (session, (first, count, padding)) in [(0, 4, 0), (4, 1, 1), (5, 1, 1)].into_iter().enumerate() {
            for side in 0..2 {
                let ours = found.narrow(0, first, count).narrow(1, side * 6 + first, count);
                let theirs = theirs.get(session as i64).narrow(0, padding, count).narrow(1, side * 4 + padding, count);
                assert_close(&ours, &theirs);
            }
        }
    }
}
