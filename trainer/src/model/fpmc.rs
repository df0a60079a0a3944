//! FPMC (Rendle, Freudenthaler, Schmidt-Thieme, WWW 2010) for sessions.
//!
//! The idea: what follows a basket is scored by factorised transitions from its items, learned by pairwise ranking.
//!
//! **Deviations from the paper.** A session has no user that a later session could share, so the user's term is left
//! out: this is the paper's factorised Markov chain (FMC). The basket is the session so far, an item as often as it
//! occurs (`basket: last` for the last item alone). Samples come in shuffled batches, each once an epoch, instead of one
//! by one with replacement; gradients of a batch are summed (`batch_loss: sum`), so that a batch of 1 is the paper's
//! algorithm.
//! **Deviations from the script published with MKM-SR**, whose figures are not comparable: it tests one sample a session
//! instead of every prefix, reads padding as the last item, divides by the padded width, and knows the log's users.
//! Its ten negatives, rate of 0.01, lambda of 0.001 and N(0, 0.1) are the defaults here; factors are 100 as in the paper.
//! Used by: Table 2 of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{BatchLoss, Catalog, Gradient, GradientConfig, Mode, Objective, PairTask, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::nn::{Initializer, OptimizerKind, Rule, Scorer, Table, Touched, scatter_sum};

/// Settings of FPMC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Factors `f` of a transition.
    pub dimension: NonZeroU32,
    /// The items that a transition starts from.
    pub basket: Basket,
    /// Items that each target is compared with.
    pub negatives: NonZeroU32,
    /// L2 penalty `lambda` on the rows of each pair.
    #[schemars(range(min = 0.0))]
    pub regularization: f64,
    /// The training loop.
    pub training: Training,
}

/// The items that a transition starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basket {
    /// All items of the session so far.
    #[default]
    Session,
    /// The last one.
    Last,
}

impl Default for Config {
    fn default() -> Self {
        let training = Training {
            epochs: positive(15),
            optimizer: OptimizerKind::Sgd,
            learning_rate: 0.01,
            weight_decay: 0.0,
            batch_loss: BatchLoss::Sum,
            ..Training::default()
        };
        Self {
            dimension: positive(100),
            basket: Basket::default(),
            negatives: positive(10),
            regularization: 0.001,
            training,
        }
    }
}

/// The factors of FPMC.
#[derive(Debug)]
pub struct Fpmc {
    config: Config,
    items: i64,
    /// `V_IL`: an item as the next one.
    next: Table,
    /// `V_LI`: an item of the basket.
    basket: Table,
}

impl GradientConfig for Config {
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError> {
        let f = i64::from(self.dimension.get());
        Ok(Box::new(Fpmc {
            config: self.clone(),
            items: catalog.items,
            next: Table::new(weights, "next", catalog.items, f, Rule::Normal(0.1)),
            basket: Table::new(weights, "basket", catalog.items, f, Rule::Normal(0.1)),
        }))
    }
}

impl Fpmc {
    /// The items of the baskets `[n]`, the session of each, and the size of each session's basket `[B, 1]`.
    fn baskets(&self, batch: &Batch) -> (Tensor, Tensor, Tensor) {
        match self.config.basket {
            Basket::Session => (
                batch.items.shallow_clone(),
                batch.rows.shallow_clone(),
                batch.lengths.to_kind(Kind::Float).unsqueeze(1),
            ),
            Basket::Last => {
                let rows = Tensor::arange(batch.size, (Kind::Int64, batch.device()));
                let one = Tensor::ones([batch.size, 1], (Kind::Float, batch.device()));
                (batch.items.index_select(0, &batch.last), rows, one)
            }
        }
    }
}

impl Gradient for Fpmc {
    fn training(&self) -> &Training {
        &self.config.training
    }

    fn represent(&self, batch: &Batch, _mode: Mode) -> Tensor {
        // The mean of V_LI over the basket, [B, f]
        let (items, rows, sizes) = self.baskets(batch);
        scatter_sum(&self.basket.rows(&items), &rows, batch.size) / sizes
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::Dot { table: &self.next, items: self.items } // eq. 7 without the user, x_i = V_IL_i . mean
    }

    fn objective(&self) -> Objective<'_> {
        Objective::Pairs(self)
    }
}

impl PairTask for Fpmc {
    fn negatives(&self) -> usize {
        self.config.negatives.get() as usize
    }

    fn loss(&self, batch: &Batch, negatives: &Tensor) -> Tensor {
        let (count, f) = (negatives.size()[1], i64::from(self.config.dimension.get()));
        let (items, rows, sizes) = self.baskets(batch);
        let from = self.basket.rows(&items); // [n, f]
        let mean = scatter_sum(&from, &rows, batch.size) / sizes; // [B, f]
        let right = self.next.rows(&batch.targets); // [B, f]
        let wrong = self.next.rows(&negatives.flatten(0, 1)).view_([batch.size, count, f]);
        // x_i - x_j for each pair, [B, n]
        let right_score = (&right * &mean).sum_dim_intlist(-1, true, Kind::Float);
        let ahead = right_score - wrong.bmm(&mean.unsqueeze(2)).squeeze_dim(2);
        // S-BPR: -ln sig(x_i - x_j) + lambda / 2 of the squares of every row in the pair
        let squares = wrong.square().sum(Kind::Float)
            + (right.square().sum(Kind::Float) + from.square().sum(Kind::Float)) * count as f64;
        squares * (self.config.regularization / 2.0) - ahead.log_sigmoid().sum(Kind::Float)
    }

    fn touched(&self, batch: &Batch, negatives: &Tensor) -> Touched {
        let next = Tensor::cat(&[&batch.targets, &negatives.flatten(0, 1)], 0);
        Touched::Rows(vec![self.next.touched(&next), self.basket.touched(&self.baskets(batch).0)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tch::Device;

    use super::*;
    use crate::batch::tests::part;
    use crate::model::{Model, Network, find};

    /// FPMC of one factor over four items: `V_LI` is (1, 2, 3, 4), `V_IL` is (10, 20, 30, 40) / 10.
    fn network(basket: &str, regularization: f64) -> Network {
        let catalog = Catalog { items: 4, operations: 1, entities: 4, relations: 0 };
        let mut config = find("fpmc").expect("in the list").default_config();
        config["dimension"] = json!(1);
        config["basket"] = json!(basket);
        config["regularization"] = json!(regularization);
        let model =
            find("fpmc").expect("in the list").build(&config, catalog, Some(1), Device::Cpu).expect("a good config");
        let table = Tensor::from_slice(&[0f32, 1., 2., 3., 4.]).unsqueeze(1);
        let state = [("basket".to_owned(), table.shallow_clone()), ("next".to_owned(), table * 0.1)];
        let Model::Gradient(network) = model else { panic!("it has a gradient") };
        network.parameters.restore(&state.into()).expect("its weights");
        network
    }

    #[test]
    fn a_session_is_the_mean_of_its_items_or_the_last_one() {
        let part = part(&[&[(1, 1), (4, 1), (1, 1), (2, 1)], &[(3, 1), (1, 1)]], 4, 1);
        let batch = Batch::gather(&part, &[0, 1]);
        for (basket, expected) in [("session", [2.0, 3.0]), ("last", [1.0, 3.0])] {
            let s = network(basket, 0.0).layers.represent(&batch, Mode::Score).squeeze_dim(1);
            assert_eq!(Vec::<f32>::try_from(s.detach()).expect("floats"), expected, "{basket}");
        }
    }

    #[test]
    fn the_loss_of_two_pairs_by_hand() {
        // The basket (1, 3) has the mean 2; item 4 scores 0.8, items 2 and 1 score 0.4 and 0.2.
        let part = part(&[&[(1, 1), (3, 1), (4, 1)]], 4, 1);
        let batch = Batch::gather(&part, &[0]);
        let negatives = Tensor::from_slice(&[2i64, 1]).unsqueeze(0);
        let network = network("session", 0.5);
        let Objective::Pairs(task) = network.layers.objective() else { panic!("it learns from pairs") };
        let softplus = |x: f64| x.exp().ln_1p();
        let squares = 2.0 * (0.16 + 1.0 + 9.0) + 0.04 + 0.01;
        let expected = softplus(-0.4) + softplus(-0.6) + 0.25 * squares;
        let found = task.loss(&batch, &negatives).double_value(&[]);
        assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
    }
}
