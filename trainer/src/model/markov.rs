//! Markov: a first-order chain, counted (a floor; the simplest of the Markov models that FPMC, WWW 2010, factorizes).
//!
//! The idea: rank what most often followed the last item. Nothing is learned; an item that never followed it is not
//! ranked.
//!
//! **Deviations from session-rec.** Transitions are counted from the last input item of a training sample to its target,
//! repeats of an item among them, so over sessions as the dataset cuts them. Items of equal counts stay tied.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::{Catalog, Counting, entry::CountingConfig};
use crate::batch::Batch;
use crate::count::{Transitions, unranked};
use crate::dataset::Part;
use crate::error::TrainerError;

/// Markov has no settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl CountingConfig for Config {
    fn build(&self, catalog: Catalog, device: Device) -> Box<dyn Counting> {
        Box::new(Markov { items: catalog.items, transitions: Transitions::none(catalog.items, device) })
    }
}

/// The counts.
#[derive(Debug)]
pub struct Markov {
    items: i64,
    transitions: Transitions,
}

impl Counting for Markov {
    fn fit(&mut self, train: &Part) {
        self.transitions = Transitions::of(train, self.items);
    }

    fn scores(&self, batch: &Batch) -> Tensor {
        let scores = unranked(batch, self.items); // [B, V]
        self.transitions.from_last(batch).lift(&scores, 0.0); // n_ij / (1 + n_ij), i the last item
        scores
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.transitions.state()
    }

    fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        self.transitions.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::tests::{UNRANKED, batch, rows, train};

    #[test]
    fn what_followed_the_last_item_most_often_stands_first() {
        let mut model = Config {}.build(Catalog::new(5, 1, None), Device::Cpu);
        model.fit(&train());
        // After 1 came 2, three times; after 2 came 1, 2, 3 and 4, once each; after 3 nothing.
        let half = 1.0 / 2.0;
        let expected = [
            vec![UNRANKED, 3.0 / 4.0, UNRANKED, UNRANKED, UNRANKED],
            vec![half, half, half, half, UNRANKED],
            vec![UNRANKED; 5],
        ];
        assert_eq!(rows(&model.scores(&batch(&[&[3, 1], &[1, 1, 2], &[3]]))), expected);
    }
}
