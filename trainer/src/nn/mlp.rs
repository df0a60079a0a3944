//! The network that scores an item for a session (eq. 9 of MKM-SR): one hidden layer on both vectors, over all items.
//!
//! On the host its hidden layer is a kernel of ours: each (session, item, hidden number) costs five vector operations,
//! forward and backward together, and none of them is kept. Elsewhere autograd goes through blocks of items.

use tch::{Kind, Tensor};

use super::{Initializer, Linear, Rule, Table};
use crate::native::{mlp_gradients, mlp_scores, serve};

/// How many numbers the hidden layer of a block of candidates may have, where autograd goes through blocks.
const BLOCK: i64 = 1 << 22;

/// `v . relu(W_s s + W_e e_j + b)`, with a hidden layer of width `d`. An output bias would cancel in the softmax.
#[derive(Debug)]
pub struct Mlp {
    of_session: Linear,
    of_item: Linear,
    out: Linear,
}

impl Mlp {
    /// A network on two vectors of width `d`.
    pub fn new(init: &mut Initializer, d: i64, rule: Rule) -> Self {
        Self {
            of_session: Linear::new(init, "scorer.session", d, d, rule),
            of_item: Linear::without_bias(init, "scorer.item", d, d, rule),
            out: Linear::without_bias(init, "scorer.out", d, 1, rule),
        }
    }

    /// Scores `[B, V]` of session vectors `s` `[B, d]` against the rows 1 to `items` of `table`, outside autograd.
    pub(super) fn scores(&self, s: &Tensor, table: &Table, items: i64) -> Tensor {
        tch::no_grad(|| {
            let (sessions, candidates) = (self.of_session.forward(s), table.first(items));
            if serve(s) {
                return mlp_scores(&sessions, &self.projected(&candidates), self.out.weight());
            }
            let blocks: Vec<Tensor> = blocks(s, items)
                .map(|(start, count)| self.block(&sessions, &candidates.narrow(0, start, count)))
                .collect();
            Tensor::cat(&blocks, 1)
        })
    }

    /// Scores as `scores` gives them, turned into a loss and its gradient `dz` `[B, V]` by `loss`; the gradient is sent
    /// back to `s`, to the rows of `table` and to the network.
    pub(super) fn learn(
        &self,
        s: &Tensor,
        table: &Table,
        items: i64,
        loss: impl FnOnce(Tensor) -> (Tensor, Tensor),
    ) -> Tensor {
        if !serve(s) {
            let (loss, dz) = loss(self.scores(&s.detach(), table, items));
            self.backward_in_blocks(s, table, items, &dz);
            return loss;
        }
        let a = self.of_session.forward(s); // [B, d]
        let (loss, da) = tch::no_grad(|| {
            let (v, w) = (self.out.weight(), self.of_item.weight()); // [1, d], [d, d]
            let candidates = table.first(items); // [V, d]
            let c = self.projected(&candidates); // [d, V]
            let (loss, dz) = loss(mlp_scores(&a, &c, v));
            // Sums of dz where a_k > -c_k: over the items `da` [B, d], over the sessions `dc` [d, V].
            let (da, dc) = mlp_gradients(&a, &c, &dz);
            let through = dc.matmul(&candidates); // [d, d]
            // d / d W_e and d / d e_j, both times v_k
            let _ = w.grad().addcmul_(&v.tr(), &through);
            let _ = table.first_gradient(items).addmm_(&dc.tr(), &(v.tr() * w));
            // d / d v_k = sum of dz relu(a_k + c_k) = sum over b of a_bk da_bk + sum over j of c_jk dc_jk
            let of_sessions = (&a * &da).sum_dim_intlist(0, true, Kind::Float);
            let mut dv = v.grad();
            dv += of_sessions + (w * through).sum_dim_intlist(1, true, Kind::Float).tr();
            (loss, da * v)
        });
        (a * da).sum(Kind::Float).backward();
        loss
    }

    /// `c = W_e e_j` of all candidates `[V, d]`, transposed, `[d, V]`.
    fn projected(&self, candidates: &Tensor) -> Tensor {
        self.of_item.weight().detach().matmul(&candidates.tr())
    }

    /// Computes each block of candidates again, now within autograd.
    fn backward_in_blocks(&self, s: &Tensor, table: &Table, items: i64, dz: &Tensor) {
        let sessions = self.of_session.forward(s);
        let leaf = sessions.detach().set_requires_grad(true);
        for (start, count) in blocks(s, items) {
            let candidates = table.first(items).narrow(0, start, count).set_requires_grad(true);
            let scores = self.block(&leaf, &candidates);
            (scores * dz.narrow(1, start, count)).sum(Kind::Float).backward();
            let mut gradient = table.first_gradient(items).narrow(0, start, count);
            tch::no_grad(|| gradient += candidates.grad());
        }
        (&sessions * leaf.grad()).sum(Kind::Float).backward();
    }

    /// Sessions `[B, d]` already mapped by `of_session` against a block of items `[n, d]`, `[B, n]`.
    fn block(&self, sessions: &Tensor, items: &Tensor) -> Tensor {
        let hidden = (sessions.unsqueeze(1) + self.of_item.forward(items).unsqueeze(0)).relu(); // [B, n, d]
        self.out.forward(&hidden).squeeze_dim(-1)
    }

    /// Scores of `s` `[B, d]` against `candidates` `[V, d]`, within autograd and in one piece.
    #[cfg(test)]
    pub(super) fn plain(&self, s: &Tensor, candidates: &Tensor) -> Tensor {
        self.block(&self.of_session.forward(s), candidates)
    }
}

/// Ranges of candidates (start, count) for which `[B, count, d]` stays within `BLOCK` numbers.
fn blocks(s: &Tensor, items: i64) -> impl Iterator<Item = (i64, i64)> + use<> {
    let step = (BLOCK / s.numel().max(1) as i64).clamp(1, items);
    (0..items)
        .step_by(usize::try_from(step).expect("a positive step"))
        .map(move |start| (start, step.min(items - start)))
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::nn::Parameters;
    use crate::nn::golden::{assert_close, slopes};

    /// Scores and gradients of a network, of the table and of the sessions, from a gradient of the scores, by `learn`.
    fn run(
        (sessions, items, d): (i64, i64, i64),
        learn: impl Fn(&Mlp, &Tensor, &Table, i64, &Tensor) -> Tensor,
    ) -> (Tensor, Tensor) {
        let (mut init, rule) = (Initializer::new(7), Rule::Normal(0.5));
        // Rows beyond `items` are entities that are no candidates.
        let table = Table::new(&mut init, "table", items + 2, d, rule);
        let mlp = Mlp::new(&mut init, d, rule);
        let s = init.weight("s", &[sessions, d], rule);
        let dz = Initializer::new(8).weight("dz", &[sessions, items], rule).detach();
        let parameters = Parameters::gather(init, Device::Cpu);
        let scores = learn(&mlp, &s, &table, items, &dz);
        (scores.detach(), parameters.gradients().copy())
    }

    #[test]
    fn the_kernel_agrees_with_autograd_at_sizes_on_both_sides_of_its_tiles() {
        for sizes in [(1, 1, 1), (4, 64, 16), (3, 7, 5), (9, 130, 33), (19, 1200, 100), (8, 1025, 150)] {
            let by_kernel = run(sizes, |mlp, s, table, items, dz| {
                mlp.learn(s, table, items, |scores| (scores, dz.shallow_clone()))
            });
            let by_autograd = run(sizes, |mlp, s, table, items, dz| {
                mlp.backward_in_blocks(s, table, items, dz);
                mlp.plain(s, &table.first(items))
            });
            for (found, expected) in [(by_kernel.0, by_autograd.0), (by_kernel.1, by_autograd.1)] {
                let scale = f64::try_from(expected.abs().max()).expect("a number").max(1.0);
                let off = f64::try_from((found - expected).abs().max()).expect("a number");
                assert!(off < 1e-5 * scale, "{sizes:?}: {off} of {scale}");
            }
        }
    }

    #[test]
    fn the_sums_of_the_kernel_are_slopes_in_double_precision() {
        tch::manual_seed(4);
        let draw = |shape: [i64; 2]| Tensor::randn(shape, (Kind::Double, Device::Cpu));
        let (a, c, v, dz) = (draw([3, 5]), draw([5, 7]), draw([1, 5]), draw([3, 7]));
        // sum over b, j of dz_bj sum over k of v_k relu(a_bk + c_kj)
        let whole = |a: &Tensor, c: &Tensor| {
            let scores =
                ((a.unsqueeze(2) + c.unsqueeze(0)).relu() * v.unsqueeze(2)).sum_dim_intlist(1, false, Kind::Double);
            (scores * &dz).sum(Kind::Double)
        };
        let float = |x: &Tensor| x.to_kind(Kind::Float);
        let (da, dc) = mlp_gradients(&float(&a), &float(&c), &float(&dz));
        assert_close(&(da * float(&v)), &float(&slopes(&a, |a| whole(a, &c))));
        assert_close(&(dc * float(&v).tr()), &float(&slopes(&c, |c| whole(&a, c))));
    }

    #[test]
    fn the_score_of_a_pair_by_hand() {
        let mut init = Initializer::new(0);
        let table = Table::new(&mut init, "table", 1, 2, Rule::Zero);
        let mlp = Mlp::new(&mut init, 2, Rule::Zero);
        // e = (1, 2), W_s = I, b = (0.5, -5), W_e = [[1, 1], [0, 1]], v = (2, 3)
        let values: [&[f32]; 5] = [&[0., 0., 1., 2.], &[1., 0., 0., 1.], &[0.5, -5.], &[1., 1., 0., 1.], &[2., 3.]];
        for ((_, weight), value) in init.weights.iter().zip(values) {
            tch::no_grad(|| weight.shallow_clone().copy_(&Tensor::from_slice(value).reshape(weight.size())));
        }
        let s = Tensor::from_slice(&[-1f32, 1.]).reshape([1, 2]);
        // W_s s + b = (-0.5, -4), W_e e = (3, 2): relu gives (2.5, 0).
        assert_eq!(mlp.scores(&s, &table, 1).double_value(&[0, 0]), 5.0);
    }

    #[test]
    fn more_threads_give_the_same_numbers_up_to_rounding() {
        let with = |threads: i32| {
            tch::set_num_threads(threads);
            run((12, 700, 24), |mlp, s, table, items, dz| {
                mlp.learn(s, table, items, |scores| (scores, dz.shallow_clone()))
            })
        };
        let (one, three) = (with(1), with(3));
        assert!(one.0.equal(&three.0), "a score is made by one thread");
        assert!(one.1.allclose(&three.1, 1e-5, 1e-5, false));
    }

    #[test]
    fn blocks_cover_each_candidate_once() {
        let s = Tensor::zeros([1024, 1024], (Kind::Float, Device::Cpu));
        assert_eq!(blocks(&s, 10).collect::<Vec<_>>(), [(0, 4), (4, 4), (8, 2)]);
    }
}
