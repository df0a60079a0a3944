//! Recency: the items of the session, the one seen last first (a floor, without an author).
//!
//! The idea: people go back to what they just looked at. Nothing is counted and nothing is learned; an item that the
//! session has not seen is not ranked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::{Catalog, Counting, entry::CountingConfig};
use crate::batch::Batch;
use crate::count::{latest, unranked};
use crate::dataset::Part;
use crate::error::TrainerError;

/// Recency has no settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl CountingConfig for Config {
    fn build(&self, catalog: Catalog, _: Device) -> Box<dyn Counting> {
        Box::new(Recency { items: catalog.items })
    }
}

/// The rule; all that it knows is how many items there are.
#[derive(Debug)]
pub struct Recency {
    items: i64,
}

impl Counting for Recency {
    fn fit(&mut self, _: &Part) {}

    fn scores(&self, batch: &Batch) -> Tensor {
        let scores = unranked(batch, self.items); // [B, V]
        latest(batch, self.items).lift(&scores, 0.0); // t / (1 + t), t the last step with item j
        scores
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        vec![("items".to_owned(), Tensor::from_slice(&[self.items]))]
    }

    fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        let items = state.get("items").and_then(|tensor| Vec::<i64>::try_from(tensor).ok());
        if items.as_deref() == Some(&[self.items]) {
            return Ok(());
        }
        let message = format!("the model does not rank {} items", self.items);
        Err(TrainerError::data(message, "train it again on this dataset"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::tests::{UNRANKED, batch, rows, train};

    #[test]
    fn the_item_seen_last_stands_first_and_what_was_not_seen_is_not_ranked() {
        let mut model = Config {}.build(Catalog::new(5, 1, None), Device::Cpu);
        model.fit(&train());
        let expected = [
            // 3 at steps 1 and 4, 2 at step 2, 4 at step 3.
            vec![UNRANKED, 2.0 / 3.0, 4.0 / 5.0, 3.0 / 4.0, UNRANKED],
            vec![1.0 / 2.0, UNRANKED, UNRANKED, UNRANKED, UNRANKED],
        ];
        assert_eq!(rows(&model.scores(&batch(&[&[3, 2, 4, 3], &[1]]))), expected);
    }

    #[test]
    fn a_model_of_another_catalog_is_refused() {
        let state: BTreeMap<String, Tensor> = Recency { items: 5 }.state().into_iter().collect();
        assert!(Recency { items: 5 }.restore(&state).is_ok());
        assert!(Recency { items: 4 }.restore(&state).is_err());
    }
}
