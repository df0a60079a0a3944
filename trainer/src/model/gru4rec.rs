//! GRU4Rec (Hidasi et al., ICLR 2016; Hidasi and Karatzoglou, CIKM 2018), as its authors train it.
//!
//! The idea: a recurrent unit reads sessions side by side, an event a step, and its state scores the next item against
//! the targets of the other sessions and some more items, drawn by popularity.
//!
//! Sessions in order of their first event, the state carried on and its gradient cut at each step; columns and losses as
//! in `nn/sampled.rs`, divided by the lanes at the start; Adagrad with momentum on the rows of the step; dropout on the
//! input, and on the state before it is carried on. BPR in MKM-SR's "GRU4Rec+BPR" is BPR-max: it cites the 2018 paper.
//! **Deviations from the authors' code.** One layer. Their Theano unit, also where their PyTorch port takes libtorch's.
//! No one-hot input: `separate` embeddings are the same function. It goes on to the end of the last session where
//! theirs stops at one lane if nothing is drawn, so that no event is lost.
//! Defaults are those that the authors tuned for each loss on Diginetica, a shop as JDATA is, at the width of 100 that
//! MKM-SR gives every model. With what they tuned for CE on RSC15 (rate 0.2, no dropout on the input) Demo is overfitted.
//! Used by: Table 2 of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::Tensor;

use super::{Catalog, Drawn, Gradient, GradientConfig, LaneTask, Mode, Objective, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::lanes::LaneStep;
use crate::nn::{
    BprMax, Cell, Dropout, Initializer, Momentum, OptimizerKind, Rule, SampledCrossEntropy, SampledLoss, Scorer, Table,
    Touched,
};

/// Settings of GRU4Rec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of the unit and of item vectors.
    pub dimension: NonZeroU32,
    /// Where the vectors of the items that are read come from.
    pub embedding: Embedding,
    /// What is minimised.
    pub loss: SampledLoss,
    /// Items drawn at each step beside the targets, `n_sample`.
    pub negatives: u32,
    /// An item that occurs `c` times is drawn in proportion to `c^alpha`, `sample_alpha`.
    #[schemars(range(min = 0.0))]
    pub alpha: f64,
    /// What is dropped while training.
    pub dropout: Dropouts,
    /// The training loop; `batch` sessions stand side by side.
    pub training: Training,
}

/// What is dropped while training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dropouts {
    /// Of the item vectors that the unit reads, `dropout_p_embed`.
    pub items: Dropout,
    /// Of the states, `dropout_p_hidden`.
    pub states: Dropout,
}

impl Default for Dropouts {
    fn default() -> Self {
        Self { items: Dropout::of(0.45), states: Dropout::of(0.15) }
    }
}

/// Where the vectors of the items that are read come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Embedding {
    /// They are the weights of the output (`constrained_embedding`).
    #[default]
    Constrained,
    /// A table of their own.
    Separate,
}

impl Default for Config {
    /// GRU4Rec with cross-entropy.
    fn default() -> Self {
        Self {
            dimension: positive(100),
            embedding: Embedding::default(),
            loss: SampledLoss::CrossEntropy(SampledCrossEntropy::default()),
            negatives: 2048,
            alpha: 0.0,
            dropout: Dropouts::default(),
            training: training(0.1, 0.0),
        }
    }
}

/// Ten epochs of Adagrad, 128 sessions side by side.
fn training(learning_rate: f64, momentum: f64) -> Training {
    Training {
        epochs: positive(10),
        batch: positive(128),
        optimizer: OptimizerKind::Adagrad(Momentum { momentum }),
        learning_rate,
        weight_decay: 0.0,
        ..Training::default()
    }
}

impl Config {
    /// The default config of GRU4Rec with BPR-max, as JSON.
    ///
    /// # Panics
    /// Never: the config is plain data.
    #[must_use]
    pub fn with_bpr_max() -> Value {
        let config = Self {
            loss: SampledLoss::BprMax(BprMax::default()),
            alpha: 0.3,
            dropout: Dropouts { items: Dropout::of(0.5), states: Dropout::of(0.3) },
            training: training(0.05, 0.15),
            ..Self::default()
        };
        serde_json::to_value(config).expect("a config is plain data")
    }
}

/// The layers of GRU4Rec.
#[derive(Debug)]
pub struct Gru4Rec {
    config: Config,
    items: i64,
    /// The vectors of items that are read, where they are not `output`.
    embedding: Option<Table>,
    cell: Cell,
    /// `W_y`.
    output: Table,
    /// `b_y`, a table of width 1.
    bias: Table,
}

impl GradientConfig for Config {
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError> {
        if self.negatives == 0 && self.training.batch.get() == 1 {
            let message = "one session at a time and no drawn items leave a target nothing to be compared with";
            return Err(TrainerError::job(message, "raise `negatives` or `training.batch`"));
        }
        let (d, items) = (i64::from(self.dimension.get()), catalog.items);
        let embedding = match self.embedding {
            Embedding::Constrained => None,
            Embedding::Separate => Some(Table::new(weights, "embedding", items, d, Rule::glorot(items, d))),
        };
        Ok(Box::new(Gru4Rec {
            config: self.clone(),
            items,
            embedding,
            cell: Cell::new(weights, "gru", d, d),
            output: Table::new(weights, "output.weight", items, d, Rule::glorot(items, d)),
            bias: Table::new(weights, "output.bias", items, 1, Rule::Zero),
        }))
    }
}

impl Gru4Rec {
    /// The table whose rows are read.
    fn input(&self) -> &Table {
        self.embedding.as_ref().unwrap_or(&self.output)
    }
}

impl Gradient for Gru4Rec {
    fn training(&self) -> &Training {
        &self.config.training
    }

    fn represent(&self, batch: &Batch, _mode: Mode) -> Tensor {
        self.cell.last(batch, &self.input().rows(&batch.items)) // [B, d]
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::Affine { table: &self.output, bias: &self.bias, items: self.items }
    }

    fn objective(&self) -> Objective<'_> {
        Objective::Lanes(self)
    }
}

impl LaneTask for Gru4Rec {
    fn drawn(&self) -> Drawn {
        Drawn { count: self.config.negatives as usize, alpha: self.config.alpha }
    }

    fn width(&self) -> i64 {
        self.config.dimension.get().into()
    }

    fn step(&self, step: &LaneStep, states: &Tensor, log_counts: &Tensor) -> (Tensor, Tensor) {
        let Config { loss, alpha, dropout, .. } = &self.config;
        let x = dropout.items.apply(&self.input().rows(&step.inputs), Mode::Train); // [M, d]
        let h = dropout.states.apply(&self.cell.step(&x, states), Mode::Train); // [M, d]
        let (w_y, b_y) = (self.output.rows(&step.candidates), self.bias.rows(&step.candidates)); // [C, d], [C, 1]
        let r = b_y.tr().addmm(&h, &w_y.tr()); // [M, C]
        let loss = loss.sum(&r, || {
            // log c for the targets, as they come by popularity; alpha log c for what is drawn.
            let (lanes, all) = (step.lanes(), log_counts.index_select(0, &step.candidates));
            Tensor::cat(&[all.narrow(0, 0, lanes), all.narrow(0, lanes, all.size()[0] - lanes) * *alpha], 0)
        });
        (loss, h)
    }

    fn touched(&self, step: &LaneStep) -> Touched {
        let (output, bias) = (&self.output, self.bias.touched(&step.candidates));
        Touched::Rows(match &self.embedding {
            None => vec![output.touched(&step.seen), bias],
            Some(embedding) => vec![embedding.touched(&step.inputs), output.touched(&step.candidates), bias],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tch::{Device, Kind};

    use super::*;
    use crate::lanes::Turn;
    use crate::model::{Model, Network, find};

    fn network(change: impl FnOnce(&mut Value)) -> Network {
        let catalog = Catalog { items: 4, operations: 1, entities: 4, relations: 0 };
        let entry = find("gru4rec-ce").expect("in the list");
        let mut config = entry.default_config();
        config["dimension"] = json!(8);
        config["dropout"] = json!({ "items": 0.0, "states": 0.0 });
        change(&mut config);
        let Model::Gradient(network) = entry.build(&config, catalog, Some(1), Device::Cpu).expect("a good config")
        else {
            panic!("it has a gradient")
        };
        network
    }

    /// Two lanes that begin with items 3 and 4 and go on to items 1 and 2; item 3 was drawn.
    fn step() -> LaneStep {
        let turn = Turn { inputs: vec![3, 4], targets: vec![1, 2], origins: vec![0, 1], kept: vec![0, 0] };
        LaneStep::new(&turn, &[3], &Tensor::zeros([1], (Kind::Float, Device::Cpu)))
    }

    fn run(network: &Network, log_counts: &Tensor) -> (Tensor, Tensor) {
        let Objective::Lanes(task) = network.layers.objective() else { panic!("it walks over sessions") };
        task.step(&step(), &Tensor::zeros([2, 8], (Kind::Float, Device::Cpu)), log_counts)
    }

    #[test]
    fn the_correction_takes_off_what_makes_targets_and_drawn_items_come_often() {
        let network = network(|config| config["alpha"] = json!(0.5));
        // With all weights zero every score is zero, and only the correction tells the columns apart.
        let _ = network.parameters.values().shallow_clone().zero_();
        let log_counts = Tensor::from_slice(&[1f32, 4., 1., 16., 1.]).log();
        // Items 1 and 2 come with 4 and 1, item 3 is drawn with 16^0.5 = 4: the columns weigh 1/4, 1 and 1/4.
        let expected = 1.5f64.ln() + 4f64.ln() + 1.5f64.ln();
        let found = run(&network, &log_counts).0.double_value(&[]);
        assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
    }

    #[test]
    fn what_is_dropped_from_a_state_is_carried_on() {
        let zeros = |share: f64| {
            let network = network(|config| config["dropout"]["states"] = json!(share));
            let (_, states) = run(&network, &Tensor::zeros([5], (Kind::Float, Device::Cpu)));
            states.eq(0.0).sum(Kind::Int64).int64_value(&[])
        };
        assert_eq!(zeros(0.0), 0);
        assert!((1..=15).contains(&zeros(0.5)), "of 16");
    }

    #[test]
    fn one_session_at_a_time_needs_drawn_items() {
        let entry = find("gru4rec-ce").expect("in the list");
        let mut config = entry.default_config();
        config["negatives"] = json!(0);
        config["training"]["batch"] = json!(1);
        let catalog = Catalog { items: 4, operations: 1, entities: 4, relations: 0 };
        let error =
            entry.build(&config, catalog, Some(1), Device::Cpu).err().expect("nothing to compare a target with");
        assert_eq!(error.exit_code(), 2);
    }
}
