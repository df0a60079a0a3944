//! RIB (Zhou, Ding, Tang, Yin, WSDM 2018: "Micro Behaviors: A New Perspective in E-commerce Recommender Systems").
//!
//! The idea: a GRU reads micro-behaviors, each the vectors of its item and of its operation side by side; an attention over
//! its states makes the session's vector.
//!
//! **The authors published no code, and their paper prints no numbers for these data.** As MKM-SR describes it as a
//! baseline: vectors learned ahead by skip-gram, one width for items and operations. Inferred: the vectors are learned on
//! in training, attention is a softmax over the events of the session, items are scored by the dot product with their own
//! vectors and trained with cross-entropy, as all models here (a re-implementation by the authors of HUP fits the target's
//! vector by its cosine, with attention weights by position). The time that a visitor dwells on a page is not an input.
//! Used by: Table 2 of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Catalog, Gradient, GradientConfig, Mode, Training, positive};
use crate::batch::Batch;
use crate::error::TrainerError;
use crate::nn::{Gru, Initializer, Linear, Rule, Scorer, Table, scatter_sum, session_softmax};

/// Settings of RIB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of item and operation vectors and of the unit.
    pub dimension: NonZeroU32,
    /// What the vectors of items and operations begin as.
    pub start: Start,
    /// The training loop.
    pub training: Training,
}

/// What vectors begin as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Vectors learned ahead.
    #[default]
    Vectors,
    /// Drawn from N(0, 0.1).
    Normal,
}

impl Default for Config {
    fn default() -> Self {
        Self { dimension: positive(100), start: Start::default(), training: Training::default() }
    }
}

/// The layers of RIB.
#[derive(Debug)]
pub struct Rib {
    config: Config,
    items: i64,
    item: Table,
    operation: Table,
    gru: Gru,
    attention: Linear,
    weigh: Linear,
    out: Linear,
}

impl GradientConfig for Config {
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError> {
        let d = i64::from(self.dimension.get());
        let rule = Rule::Uniform((d as f64).sqrt().recip());
        Ok(Box::new(Rib {
            config: self.clone(),
            items: catalog.items,
            item: Table::new(weights, "item", catalog.items, d, Rule::Normal(0.1)),
            operation: Table::new(weights, "operation", catalog.operations, d, Rule::Normal(0.1)),
            gru: Gru::new(weights, "gru", 2 * d, d, rule),
            attention: Linear::new(weights, "attention.w", d, d, rule),
            // A bias would cancel in the softmax.
            weigh: Linear::without_bias(weights, "attention.v", d, 1, rule),
            out: Linear::new(weights, "out", d, d, rule),
        }))
    }
}

impl Gradient for Rib {
    fn training(&self) -> &Training {
        &self.config.training
    }

    fn represent(&self, batch: &Batch, _mode: Mode) -> Tensor {
        // x_t = [E_i ; E_o], h_t = GRU(x_t)
        let x = Tensor::cat(&[self.item.rows(&batch.items), self.operation.rows(&batch.operations)], 1); // [P, 2d]
        let h = self.gru.forward(batch, &x); // [P, d]
        // a_t = softmax over the session of v . tanh(W h_t + b)
        let a = session_softmax(batch, &self.weigh.forward(&self.attention.forward(&h).tanh())); // [P, 1]
        // s = W_p (sum of a_t h_t) + b_p
        self.out.forward(&scatter_sum(&(a * h), &batch.rows, batch.size)) // [B, d]
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer::Dot { table: &self.item, items: self.items }
    }

    fn begins_with_vectors(&self) -> Option<[&Table; 2]> {
        (self.config.start == Start::Vectors).then_some([&self.item, &self.operation])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tch::{Device, Kind};

    use super::*;
    use crate::batch::tests::part;
    use crate::model::{Model, find};
    use crate::vectors::Vectors;

    #[test]
    fn a_session_of_one_event_by_hand_from_given_vectors() {
        let config = json!({ "dimension": 1 });
        let catalog = Catalog { items: 2, operations: 1, entities: 2, relations: 0 };
        let model =
            find("rib").expect("in the list").build(&config, catalog, Some(1), Device::Cpu).expect("a good config");
        let Model::Gradient(network) = &model else { panic!("it learns by gradient") };
        for (name, weight) in network.parameters.iter() {
            let value: &[f32] = match name {
                // r, z, n: only the new state hears its input, and the update gate is half open.
                "gru.w_ih" => &[0., 0., 0., 0., 1., 10.],
                "out.weight" => &[4.],
                "out.bias" => &[0.5],
                _ => &vec![0.; weight.numel()],
            };
            tch::no_grad(|| weight.shallow_clone().copy_(&Tensor::from_slice(value).reshape(weight.size())));
        }
        let vectors = |values: &[f32]| Tensor::from_slice(values).unsqueeze(1);
        let vectors = Vectors { items: vectors(&[0.2, -3.0]), operations: vectors(&[0.05]) };
        network.begin_with(Some(&vectors)).expect("vectors that fit");
        let scores = model.scores(&Batch::gather(&part(&[&[(1, 1), (2, 1)]], 2, 1), &[0]));
        // h = tanh(0.2 + 10 * 0.05) / 2, alone with a weight of 1; s = 4 h + 0.5; scores s * 0.2 and s * -3.
        let s = 2.0 * 0.7f64.tanh() + 0.5;
        let expected = Tensor::from_slice(&[s * 0.2, s * -3.0]).unsqueeze(0).to_kind(Kind::Float);
        assert!(scores.allclose(&expected, 1e-5, 1e-6, false), "{scores} {expected}");
    }

    #[test]
    fn vectors_that_are_missing_or_of_another_width_are_told() {
        let network = |config: serde_json::Value| {
            let catalog = Catalog { items: 2, operations: 1, entities: 2, relations: 0 };
            find("rib").expect("in the list").build(&config, catalog, Some(1), Device::Cpu).expect("a good config")
        };
        let wide = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        let vectors = Vectors { items: wide.shallow_clone(), operations: wide.narrow(0, 0, 1) };
        let Model::Gradient(narrow) = network(json!({ "dimension": 2 })) else { panic!("it learns by gradient") };
        let told = |given: Option<&Vectors>| narrow.begin_with(given).expect_err("it cannot begin").to_string();
        assert!(told(None).contains("names no vectors"));
        assert!(told(Some(&vectors)).contains("width 3, the model 2"));
        let Model::Gradient(own) = network(json!({ "start": "normal" })) else { panic!("it learns by gradient") };
        own.begin_with(None).expect("it needs none");
    }
}
