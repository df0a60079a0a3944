//! From session vectors to scores of all items, and the softmax cross-entropy over them with its gradient.

use tch::{Kind, Tensor};

use super::{Initializer, Linear, Rule, Table};

/// How many numbers the hidden layer of a block of candidates may have; about what the second-level cache holds.
const BLOCK: i64 = 1 << 18;

/// How a session vector is compared with the rows 1 to `items` of a table.
#[derive(Debug)]
pub enum Scorer<'a> {
    /// `s . e_j`.
    Dot {
        /// The item embeddings.
        table: &'a Table,
        /// Items `V`.
        items: i64,
    },
    /// `s . w_j + b_j`.
    Affine {
        /// The output weights `w`.
        table: &'a Table,
        /// The output biases `b`, a table of width 1.
        bias: &'a Table,
        /// Items `V`.
        items: i64,
    },
    /// `v . relu(W_s s + W_e e_j + b)`, a network on `s` and `e_j` side by side.
    Mlp {
        /// The item embeddings.
        table: &'a Table,
        /// Items `V`.
        items: i64,
        /// The network.
        mlp: &'a Mlp,
    },
}

/// The network of `Scorer::Mlp`, one hidden layer of width `d`. Its output bias would cancel in the softmax.
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

    /// Sessions `[B, d]` already mapped by `of_session` against a block of items `[n, d]`, `[B, n]`.
    fn block(&self, sessions: &Tensor, items: &Tensor) -> Tensor {
        let hidden = (sessions.unsqueeze(1) + self.of_item.forward(items).unsqueeze(0)).relu(); // [B, n, d]
        self.out.forward(&hidden).squeeze_dim(-1)
    }
}

impl Scorer<'_> {
    /// Scores `[B, V]` of session vectors `s` `[B, d]`, outside autograd.
    pub fn scores(&self, s: &Tensor) -> Tensor {
        tch::no_grad(|| match self {
            Self::Dot { table, items } => s.matmul(&table.first(*items).tr()),
            Self::Affine { table, bias, items } => bias.first(*items).tr().addmm(s, &table.first(*items).tr()),
            Self::Mlp { table, items, mlp } => {
                let (sessions, candidates) = (mlp.of_session.forward(s), table.first(*items));
                let blocks: Vec<Tensor> = blocks(s, *items)
                    .map(|(start, count)| mlp.block(&sessions, &candidates.narrow(0, start, count)))
                    .collect();
                Tensor::cat(&blocks, 1)
            }
        })
    }

    /// Mean softmax cross-entropy of the targets (items, `[B]`), a scalar. Its gradient is added to that of every
    /// parameter on which `s` `[B, d]` and the scores depend.
    ///
    /// The gradient with respect to the scores is known in closed form, softmax minus one at the target, so the scores
    /// never enter autograd: one `[B, V]` tensor is all that this holds.
    pub fn cross_entropy(&self, s: &Tensor, targets: &Tensor) -> Tensor {
        let rows = s.size()[0] as f64;
        let column = targets - 1;
        let (loss, p) = tch::no_grad(|| {
            let scores = self.scores(&s.detach());
            let mut log_p = scores.log_softmax(-1, None::<Kind>);
            let loss = -log_p.gather(1, &column.unsqueeze(1), false).mean(Kind::Float);
            (loss, log_p.exp_())
        });
        match self {
            Self::Dot { table, items } | Self::Affine { table, items, .. } => {
                let ds = tch::no_grad(|| {
                    let (candidates, share) = (table.first(*items), s.detach() / rows);
                    // d loss / d e_j = sum over rows of (p_j - [j is the target]) s / B
                    let mut gradient = table.first_gradient(*items);
                    let _ = gradient.addmm_(&p.tr(), &share);
                    let _ = gradient.index_add_(0, &column, &-share);
                    if let Self::Affine { bias, .. } = self {
                        // d loss / d b_j = sum over rows of (p_j - [j is the target]) / B
                        let ones = Tensor::full([s.size()[0], 1], 1.0 / rows, (p.kind(), p.device()));
                        let mut gradient = bias.first_gradient(*items);
                        let _ = gradient.addmm_(&p.tr(), &ones);
                        let _ = gradient.index_add_(0, &column, &-ones);
                    }
                    // d loss / d s = (sum over j of p_j e_j - e_target) / B
                    (p.matmul(&candidates) - candidates.index_select(0, &column)) / rows
                });
                (s * ds).sum(Kind::Float).backward();
            }
            Self::Mlp { table, items, mlp } => {
                let dz = tch::no_grad(|| {
                    let ones = Tensor::ones([s.size()[0], 1], (p.kind(), p.device()));
                    p.scatter_add(1, &column.unsqueeze(1), &-ones) / rows
                });
                self.backward_in_blocks(table, *items, mlp, s, &dz);
            }
        }
        loss
    }

    /// Computes each block of candidates again, now within autograd, and sends its part `dz` `[B, V]` back.
    fn backward_in_blocks(&self, table: &Table, items: i64, mlp: &Mlp, s: &Tensor, dz: &Tensor) {
        let sessions = mlp.of_session.forward(s);
        let sessions_leaf = sessions.detach().set_requires_grad(true);
        for (start, count) in blocks(s, items) {
            let candidates = table.first(items).narrow(0, start, count).set_requires_grad(true);
            let scores = mlp.block(&sessions_leaf, &candidates);
            (scores * dz.narrow(1, start, count)).sum(Kind::Float).backward();
            let mut gradient = table.first_gradient(items).narrow(0, start, count);
            tch::no_grad(|| gradient += candidates.grad());
        }
        (&sessions * sessions_leaf.grad()).sum(Kind::Float).backward();
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

    /// What is checked.
    #[derive(Clone, Copy)]
    enum Form {
        Dot,
        Affine,
        Mlp,
    }

    /// Compares loss and gradients of `cross_entropy` with autograd through all scores at once.
    fn check(form: Form) {
        let mut init = Initializer::new(5);
        let (rule, items) = (Rule::Normal(0.5), 7);
        let table = Table::new(&mut init, "table", 9, 3, rule);
        let bias = Table::new(&mut init, "bias", 9, 1, rule);
        let mlp = Mlp::new(&mut init, 3, rule);
        let s = init.weight("s", &[4, 3], rule);
        let [whole, biases] = [0, 1].map(|place: usize| init.weights[place].1.shallow_clone());
        let parameters = Parameters::gather(init, Device::Cpu);
        let scorer = match form {
            Form::Dot => Scorer::Dot { table: &table, items },
            Form::Affine => Scorer::Affine { table: &table, bias: &bias, items },
            Form::Mlp => Scorer::Mlp { table: &table, items, mlp: &mlp },
        };
        let targets = Tensor::from_slice(&[1i64, 7, 3, 3]);

        let loss = scorer.cross_entropy(&s, &targets);
        let found = parameters.gradients().copy();
        parameters.clear_gradients();

        let candidates = whole.narrow(0, 1, items);
        let scores = match form {
            Form::Dot => s.matmul(&candidates.tr()),
            Form::Affine => s.matmul(&candidates.tr()) + biases.narrow(0, 1, items).tr(),
            Form::Mlp => mlp.block(&mlp.of_session.forward(&s), &candidates),
        };
        assert!(scores.detach().allclose(&scorer.scores(&s), 1e-5, 1e-6, false));
        let expected = scores.cross_entropy_for_logits(&(&targets - 1));
        expected.backward();
        assert!(loss.allclose(&expected.detach(), 1e-5, 1e-6, false), "{loss} {expected}");
        assert!(found.allclose(parameters.gradients(), 1e-5, 1e-6, false), "{found} {}", parameters.gradients());
    }

    #[test]
    fn the_closed_form_of_the_dot_scorer_agrees_with_autograd() {
        check(Form::Dot);
    }

    #[test]
    fn the_closed_form_of_the_scorer_with_biases_agrees_with_autograd() {
        check(Form::Affine);
    }

    #[test]
    fn the_blocks_of_the_network_scorer_agree_with_autograd() {
        check(Form::Mlp);
    }

    #[test]
    fn blocks_cover_each_candidate_once() {
        let s = Tensor::zeros([256, 256], (Kind::Float, Device::Cpu));
        assert_eq!(blocks(&s, 10).collect::<Vec<_>>(), [(0, 4), (4, 4), (8, 2)]);
    }
}
