//! From session vectors to scores of all items, and the softmax cross-entropy over them with its gradient.

use tch::{Kind, Tensor};

use super::softmax::Softmax;
use super::{Mlp, Table, Written};
use crate::native::{self, Learned};

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
    /// parameter on which `s` `[B, d]` and the scores depend; that of the rows that `rewrites` names is written anew.
    ///
    /// The gradient with respect to the scores is known in closed form, softmax minus one at the target, so the scores
    /// never enter autograd: one `[B, V]` tensor is all that this holds.
    pub fn cross_entropy(&self, s: &Tensor, targets: &Tensor) -> Tensor {
        let places = targets - 1;
        match self {
            Self::Dot { table, items } => Self::of_products(s, &table.learned(*items), None, &places),
            Self::Affine { table, bias, items } => {
                Self::of_products(s, &table.learned(*items), Some(&bias.learned(*items)), &places)
            }
            Self::Mlp { table, items, mlp } => mlp.learn(s, table, *items, |scores| {
                let rows = scores.size()[0] as f64;
                let Softmax { loss, exponentials: mut dz, share } = Softmax::of(scores, &places);
                dz *= &share / rows;
                (loss, dz.scatter_add_(1, &places.unsqueeze(1), &share.full_like(-1.0 / rows)))
            }),
        }
    }

    /// The tables whose gradient `cross_entropy` writes anew, so that nobody needs to clear it before; their rows 1 to `V`.
    #[must_use]
    pub fn rewrites(&self) -> Vec<Written> {
        match self {
            Self::Dot { table, items } => vec![table.written(*items)],
            Self::Affine { table, bias, items } => vec![table.written(*items), bias.written(*items)],
            Self::Mlp { .. } => Vec::new(),
        }
    }

    /// `cross_entropy` of scores that are products with the rows of `table`, plus `bias` where there is one.
    fn of_products(s: &Tensor, table: &Learned, bias: Option<&Learned>, places: &Tensor) -> Tensor {
        let (loss, ds) = tch::no_grad(|| {
            let s = s.detach().contiguous();
            if native::serve(&s) {
                return native::cross_entropy(&s, table, bias, places);
            }
            Self::of_products_by_tensors(&s, table, bias, places)
        });
        (s * ds).sum(Kind::Float).backward();
        loss
    }

    /// The same by operations of libtorch, outside autograd: the loss, and its gradient with respect to `s`.
    fn of_products_by_tensors(
        s: &Tensor,
        table: &Learned,
        bias: Option<&Learned>,
        places: &Tensor,
    ) -> (Tensor, Tensor) {
        let rows = s.size()[0] as f64;
        let (candidates, mut gradient) = (&table.values, table.gradient.shallow_clone());
        let scores = match bias {
            Some(bias) => bias.values.tr().addmm(s, &candidates.tr()),
            None => s.matmul(&candidates.tr()),
        };
        let Softmax { loss, exponentials: p, .. } = Softmax::by_tensors(&scores, places);
        // d loss / d e_j = sum over rows of (p_j - [j is the target]) s / B
        let part = s / rows;
        gradient.copy_(&p.tr().matmul(&part));
        let _ = gradient.index_add_(0, places, &-part);
        if let Some(bias) = bias {
            // d loss / d b_j = sum over rows of (p_j - [j is the target]) / B
            let ones = Tensor::full([s.size()[0], 1], 1.0 / rows, (p.kind(), p.device()));
            let mut gradient = bias.gradient.shallow_clone();
            gradient.copy_(&p.tr().matmul(&ones));
            let _ = gradient.index_add_(0, places, &-ones);
        }
        // d loss / d s = (sum over j of p_j e_j - e_target) / B
        (loss, (p.matmul(candidates) - candidates.index_select(0, places)) / rows)
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::nn::golden::{assert_close, slopes};
    use crate::nn::{Initializer, Parameters, Rule};

    /// What is checked.
    #[derive(Clone, Copy)]
    enum Form {
        Dot,
        Affine,
        Mlp,
    }

    /// Compares loss and gradients of `cross_entropy` with autograd through all scores at once.
    fn check(form: Form, items: i64) {
        let mut init = Initializer::new(5);
        let rule = Rule::Normal(0.5);
        let table = Table::new(&mut init, "table", items + 2, 3, rule);
        let bias = Table::new(&mut init, "bias", items + 2, 1, rule);
        let mlp = Mlp::new(&mut init, 3, rule);
        let s = init.weight("s", &[4, 3], rule);
        let [whole, biases] = [0, 1].map(|place: usize| init.weights[place].1.shallow_clone());
        let parameters = Parameters::gather(init, Device::Cpu);
        let scorer = match form {
            Form::Dot => Scorer::Dot { table: &table, items },
            Form::Affine => Scorer::Affine { table: &table, bias: &bias, items },
            Form::Mlp => Scorer::Mlp { table: &table, items, mlp: &mlp },
        };
        let targets = Tensor::from_slice(&[1, items, 3, 3]);

        // What stood in the gradient of the candidates is written over, and nothing else.
        for Written { place, rows } in scorer.rewrites() {
            let _ = parameters.part(parameters.gradients(), place).narrow(0, 1, rows).fill_(7.0);
        }
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

    /// One block of our kernel, and three of which the last is short.
    const SIZES: [i64; 2] = [7, 2_000];

    #[test]
    fn the_closed_form_of_the_dot_scorer_agrees_with_autograd() {
        SIZES.into_iter().for_each(|items| check(Form::Dot, items));
    }

    #[test]
    fn the_closed_form_of_the_scorer_with_biases_agrees_with_autograd() {
        SIZES.into_iter().for_each(|items| check(Form::Affine, items));
    }

    #[test]
    fn the_blocks_of_the_network_scorer_agree_with_autograd() {
        check(Form::Mlp, 7);
    }

    #[test]
    fn our_kernel_agrees_with_libtorch_where_later_blocks_have_the_larger_scores() {
        tch::manual_seed(2);
        let options = (Kind::Float, Device::Cpu);
        let rising = Tensor::linspace(0.1, 20.0, 3_000, options).unsqueeze(1);
        let learned = |values: Tensor| Learned { gradient: values.full_like(7.0), values };
        let table =
            || learned((Tensor::ones([3_000, 4], options) + &rising * Tensor::ones([1, 4], options)).contiguous());
        let (s, places) = (Tensor::randn([6, 4], options), Tensor::from_slice(&[0i64, 2_999, 767, 768, 1_536, 5]));
        let bias = || learned(rising.copy());
        for with_bias in [false, true] {
            let (ours, theirs) = (table(), table());
            let (our_bias, their_bias) = (with_bias.then(bias), with_bias.then(bias));
            let (loss, ds) = native::cross_entropy(&s, &ours, our_bias.as_ref(), &places);
            let expected = Scorer::of_products_by_tensors(&s, &theirs, their_bias.as_ref(), &places);
            assert!(loss.allclose(&expected.0, 1e-5, 1e-5, false), "{loss} {}", expected.0);
            assert!(ds.allclose(&expected.1, 1e-4, 1e-5, false), "{ds} {}", expected.1);
            assert!(ours.gradient.allclose(&theirs.gradient, 1e-4, 1e-6, false));
            for (ours, theirs) in our_bias.iter().zip(&their_bias) {
                assert!(ours.gradient.allclose(&theirs.gradient, 1e-4, 1e-6, false));
            }
        }
    }
    #[test]
    fn the_gradients_of_our_kernel_are_the_slopes_of_the_loss_in_double_precision() {
        tch::manual_seed(3);
        let draw = |shape: [i64; 2]| Tensor::randn(shape, (Kind::Double, Device::Cpu));
        let (s, table, bias) = (draw([4, 3]), draw([9, 3]), draw([9, 1]));
        let places = Tensor::from_slice(&[0i64, 8, 3, 3]);
        let loss = |s: &Tensor, table: &Tensor, bias: &Tensor| {
            let log_p = (s.matmul(&table.tr()) + bias.tr()).log_softmax(-1, None::<Kind>);
            -log_p.gather(1, &places.unsqueeze(1), false).mean(Kind::Double)
        };
        let learned = |values: &Tensor| {
            let values = values.to_kind(Kind::Float);
            Learned { gradient: values.full_like(7.0), values }
        };
        let (our_table, our_bias) = (learned(&table), learned(&bias));
        let (found, ds) = native::cross_entropy(&s.to_kind(Kind::Float), &our_table, Some(&our_bias), &places);
        assert_close(&found, &loss(&s, &table, &bias).to_kind(Kind::Float));
        for (found, slopes) in [
            (&ds, slopes(&s, |s| loss(s, &table, &bias))),
            (&our_table.gradient, slopes(&table, |table| loss(&s, table, &bias))),
            (&our_bias.gradient, slopes(&bias, |bias| loss(&s, &table, bias))),
        ] {
            assert_close(found, &slopes.to_kind(Kind::Float));
        }
    }
}
