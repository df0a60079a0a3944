//! Recency-Markov: three plain rules in a row (a floor, without an author).
//!
//! The idea: first the items of the session, the one seen last first; then what most often followed the last item; then
//! what is most popular. On the Demo set of MKM-SR this is ahead of every figure that its paper prints.
//!
//! Its counts are those of `markov.rs` and `pop.rs`: over the training samples, ties left as they are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::{Catalog, Counting, entry::CountingConfig};
use crate::batch::Batch;
use crate::count::{Popularity, Transitions, latest};
use crate::dataset::Part;
use crate::error::TrainerError;

/// Recency-Markov has no settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl CountingConfig for Config {
    fn build(&self, catalog: Catalog, device: Device) -> Box<dyn Counting> {
        let items = catalog.items;
        let (transitions, popularity) = (Transitions::none(items, device), Popularity::none(items, device));
        Box::new(RecencyMarkov { items, transitions, popularity })
    }
}

/// The counts of the second and the third rule.
#[derive(Debug)]
pub struct RecencyMarkov {
    items: i64,
    transitions: Transitions,
    popularity: Popularity,
}

impl Counting for RecencyMarkov {
    fn fit(&mut self, train: &Part) {
        self.transitions = Transitions::of(train, self.items);
        self.popularity = Popularity::of(train, self.items);
    }

    fn scores(&self, batch: &Batch) -> Tensor {
        let scores = self.popularity.scores(batch); // [B, V]: c_j / (1 + c_j), below 1
        self.transitions.from_last(batch).lift(&scores, 1.0); // 1 + n_ij / (1 + n_ij), below 2
        latest(batch, self.items).lift(&scores, 2.0); // 2 + t / (1 + t)
        scores
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.transitions.state().into_iter().chain(self.popularity.state()).collect()
    }

    fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        self.transitions.restore(state)?;
        self.popularity.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::tests::{batch, rows, train};

    #[test]
    fn the_session_stands_before_what_followed_and_that_before_what_is_popular() {
        let mut model = Config {}.build(Catalog::new(5, 1, None), Device::Cpu);
        model.fit(&train());
        let two_thirds = 2.0 / 3.0;
        let expected = [
            // 1 was seen at step 2 and 3 at step 1; 2 followed 1 three times; 4 was a target once, 5 never.
            vec![2.0 + two_thirds, 1.75, 2.5, 0.5, 0.0],
            // 2 was seen at steps 1 and 2 and followed itself too; 1, 3 and 4 followed it once.
            vec![1.5, 2.0 + two_thirds, 1.5, 1.5, 0.0],
            // Nothing followed 4.
            vec![0.5, 0.8, 0.5, 2.5, 0.0],
        ];
        assert_eq!(rows(&model.scores(&batch(&[&[3, 1], &[2, 2], &[4]]))), expected);
    }
}
