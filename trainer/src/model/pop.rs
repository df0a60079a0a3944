//! POP: every session gets the most popular items (a floor of most tables, without an author).
//!
//! The idea: what is looked at most comes next. Only counts, and the same ranking for every session.
//!
//! **Deviations from session-rec.** Popularity is counted over the targets of the training samples, not over all
//! training events: it is the answer that is right most often. Items of equal popularity stay tied.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::{Catalog, Counting, entry::CountingConfig};
use crate::batch::Batch;
use crate::count::Popularity;
use crate::dataset::Part;
use crate::error::TrainerError;

/// POP has no settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl CountingConfig for Config {
    fn build(&self, catalog: Catalog, device: Device) -> Box<dyn Counting> {
        Box::new(Pop { items: catalog.items, popularity: Popularity::none(catalog.items, device) })
    }
}

/// The counts.
#[derive(Debug)]
pub struct Pop {
    items: i64,
    popularity: Popularity,
}

impl Counting for Pop {
    fn fit(&mut self, train: &Part) {
        self.popularity = Popularity::of(train, self.items);
    }

    fn scores(&self, batch: &Batch) -> Tensor {
        self.popularity.scores(batch) // [B, V]: c_j / (1 + c_j)
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.popularity.state()
    }

    fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        self.popularity.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::tests::{batch, rows, train};
    use crate::model::find;

    #[test]
    fn every_session_is_ranked_by_how_often_items_are_targets() {
        let mut model = Config {}.build(Catalog::new(5, 1, None), Device::Cpu);
        model.fit(&train());
        // Targets: item 2 four times, items 1, 3 and 4 once each, item 5 never.
        let expected = [1.0 / 2.0, 4.0 / 5.0, 1.0 / 2.0, 1.0 / 2.0, 0.0];
        assert_eq!(rows(&model.scores(&batch(&[&[5], &[1, 2]]))), [expected, expected]);
    }

    #[test]
    fn the_rules_without_learning_are_floors_and_no_other_model_is() {
        for name in ["pop", "recency", "markov", "recency-markov", "s-pop"] {
            assert!(find(name).unwrap().floor, "{name}");
        }
        assert!(!find("sknn").unwrap().floor && !find("gru4rec-ce").unwrap().floor);
    }
}
