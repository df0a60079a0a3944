//! From session vectors to scores of all items, and the softmax cross-entropy over them with its gradient.

use tch::{Kind, Tensor};

use super::softmax::Softmax;
use super::{Mlp, Table};

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

impl Scorer<'_> {
    /// Scores `[B, V]` of session vectors `s` `[B, d]`, outside autograd.
    pub fn scores(&self, s: &Tensor) -> Tensor {
        tch::no_grad(|| match self {
            Self::Dot { table, items } => s.matmul(&table.first(*items).tr()),
            Self::Affine { table, bias, items } => bias.first(*items).tr().addmm(s, &table.first(*items).tr()),
            Self::Mlp { table, items, mlp } => mlp.scores(s, table, *items),
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
        match self {
            Self::Dot { table, items } | Self::Affine { table, items, .. } => {
                let (loss, ds) = tch::no_grad(|| {
                    let Softmax { loss, exponentials: e, share } = Softmax::of(self.scores(&s.detach()), &column);
                    let (candidates, part) = (table.first(*items), s.detach() / rows);
                    // d loss / d e_j = sum over rows of (p_j - [j is the target]) s / B
                    let mut gradient = table.first_gradient(*items);
                    let _ = gradient.addmm_(&e.tr(), &(&part * &share));
                    let _ = gradient.index_add_(0, &column, &-part);
                    if let Self::Affine { bias, .. } = self {
                        // d loss / d b_j = sum over rows of (p_j - [j is the target]) / B
                        let mut gradient = bias.first_gradient(*items);
                        let _ = gradient.addmm_(&e.tr(), &(&share / rows));
                        let _ = gradient.index_add_(0, &column, &share.full_like(-1.0 / rows));
                    }
                    // d loss / d s = (sum over j of p_j e_j - e_target) / B
                    (loss, (e.matmul(&candidates) * share - candidates.index_select(0, &column)) / rows)
                });
                (s * ds).sum(Kind::Float).backward();
                loss
            }
            Self::Mlp { table, items, mlp } => mlp.learn(s, table, *items, |scores| {
                let Softmax { loss, exponentials: mut dz, share } = Softmax::of(scores, &column);
                dz *= &share / rows;
                (loss, dz.scatter_add_(1, &column.unsqueeze(1), &share.full_like(-1.0 / rows)))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::nn::{Initializer, Parameters, Rule};

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
            Form::Mlp => mlp.plain(&s, &candidates),
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
}
