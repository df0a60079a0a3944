//! The gated graph network of SR-GNN (Li et al., ICLR 2016; Wu et al., AAAI 2019) over ragged session graphs.

use tch::Tensor;

use super::{Initializer, Linear, Rule, SessionGraph, gather, scatter_sum};

/// One propagation over incoming and outgoing edges, then a gated update of each node.
#[derive(Debug)]
pub struct Ggnn {
    d: i64,
    /// `W_in` above `W_out`, with `b_in` and `b_out`.
    edge: Linear,
    /// `c_in` and `c_out`, added after the neighbours are summed.
    message_bias: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor,
    b_hh: Tensor,
}

impl Ggnn {
    /// Layers of width `d`.
    pub fn new(init: &mut Initializer, name: &str, d: i64, rule: Rule) -> Self {
        let mut weight = |part: &str, shape: &[i64]| init.weight(&format!("{name}.{part}"), shape, rule);
        let w_ih = weight("w_ih", &[3 * d, 2 * d]);
        let w_hh = weight("w_hh", &[3 * d, d]);
        let b_ih = weight("b_ih", &[3 * d]);
        let b_hh = weight("b_hh", &[3 * d]);
        let message_bias = weight("message_bias", &[2 * d]);
        Self {
            d,
            edge: Linear::new(init, &format!("{name}.edge"), d, 2 * d, rule),
            message_bias,
            w_ih,
            w_hh,
            b_ih,
            b_hh,
        }
    }

    /// One step from node states `h` `[N, d]` to the next, `[N, d]`.
    pub fn step(&self, graph: &SessionGraph, h: &Tensor) -> Tensor {
        // SR-GNN, eq. 1: m = [A_in (H W_in + b_in) + c_in ; A_out (H W_out + b_out) + c_out]
        let stacked = self.edge.forward(h).reshape([2 * graph.nodes, self.d]); // [2N, d]
        let along = gather(&stacked, &graph.from) * &graph.weight; // [2E, d]
        let m = scatter_sum(&along, &graph.to, 2 * graph.nodes).reshape([graph.nodes, 2 * self.d]) + &self.message_bias;
        // SR-GNN, eq. 2 to 5: r, z = sig(m W + h U), n = tanh(m W + r * (h U)), h' = (1 - z) n + z h
        m.gru_cell(h, &self.w_ih, &self.w_hh, Some(&self.b_ih), Some(&self.b_hh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batch, tests::part};
    use crate::nn::Edges;
    use crate::nn::golden::{assert_close, golden, tensor};

    #[test]
    fn one_step_gives_the_numbers_of_the_authors_of_srgnn() {
        let Some(golden) = golden("srgnn_gnn_step") else { return };
        let parameter = |name: &str| tensor(&golden["params"][name]);
        let both = |of_in: &str, of_out: &str| Tensor::cat(&[parameter(of_in), parameter(of_out)], 0);
        let mut ggnn = Ggnn::new(&mut Initializer::new(0), "ggnn", 2, Rule::Zero);
        let mut edge = Initializer::new(0);
        ggnn.edge = Linear::new(&mut edge, "edge", 2, 4, Rule::Zero);
        let set = |weight: &Tensor, value: Tensor| tch::no_grad(|| weight.shallow_clone().copy_(&value));
        set(&edge.weights[0].1, both("linear_edge_in.weight", "linear_edge_out.weight"));
        set(&edge.weights[1].1, both("linear_edge_in.bias", "linear_edge_out.bias"));
        set(&ggnn.message_bias, both("b_iah", "b_oah"));
        for (weight, name) in [(&ggnn.w_ih, "w_ih"), (&ggnn.w_hh, "w_hh"), (&ggnn.b_ih, "b_ih"), (&ggnn.b_hh, "b_hh")] {
            set(weight, parameter(name));
        }
        let part = part(&[&[(1, 1), (2, 1), (3, 1), (2, 1), (4, 1), (9, 1)]], 9, 1);
        let batch = Batch::gather(&part, &[0]);
        let graph = SessionGraph::new(&batch, &batch.items, batch.nodes.items, Edges::Binary);
        let h = ggnn.step(&graph, &tensor(&golden["h_in"]).squeeze_dim(0));
        assert_close(&h, &tensor(&golden["h_out"]).squeeze_dim(0));
    }
}
