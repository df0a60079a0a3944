//! S-POP: the session's own items by popularity (the baseline of the NARM, SR-GNN, MKM-SR and EMBSR tables).
//!
//! The idea: what a session looked at most often comes next. Nothing is learned; the supports of the items are counted.
//!
//! **Deviations from session-rec.** None in the scores. Items that score the same stay tied: what a tie is worth is the
//! protocol's choice, not the model's. Under `fill: none` the items outside the session are not ranked at all, which is
//! what a table with Hit@K = 0 on data without repeated items must have used.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::{Catalog, Counting, entry::CountingConfig};
use crate::batch::Batch;
use crate::dataset::Part;
use crate::error::TrainerError;

/// Settings of S-POP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What ranks the items outside the session, and breaks ties inside it.
    pub fill: Fill,
    /// How many of the most popular items count under `fill: global`; of equally popular ones the lower id.
    pub top: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { fill: Fill::Global, top: 100 }
    }
}

/// What ranks the items that the counts of a session do not tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fill {
    /// Nothing: items outside the session are not ranked.
    None,
    /// How often the most popular items occur in the training events.
    Global,
}

impl CountingConfig for Config {
    fn build(&self, catalog: Catalog, _: Device) -> Box<dyn Counting> {
        let items = usize::try_from(catalog.items).expect("a catalog has no negative size");
        Box::new(SPop::new(self.clone(), vec![0; items]))
    }
}

/// The counted supports.
#[derive(Debug)]
pub struct SPop {
    config: Config,
    /// `c_j`, training events of each item, `[V]`.
    support: Vec<i64>,
    /// Score of each item in an empty session, `[V]`.
    empty: Vec<f64>,
}

impl SPop {
    /// The model of the supports `c_j`, `[V]`.
    fn new(config: Config, support: Vec<i64>) -> Self {
        let mut popular: Vec<usize> = match config.fill {
            Fill::None => Vec::new(),
            Fill::Global => (0..support.len()).filter(|&j| support[j] > 0).collect(),
        };
        popular.sort_by_key(|&j| (Reverse(support[j]), j));
        popular.truncate(config.top);
        let mut empty = vec![f64::NEG_INFINITY; support.len()];
        for j in popular {
            let c = support[j] as f64;
            empty[j] = c / (1.0 + c);
        }
        Self { config, support, empty }
    }
}

impl Counting for SPop {
    fn fit(&mut self, train: &Part) {
        let mut support = vec![0; self.support.len()];
        let items = Vec::<i32>::try_from(train.items.to_device(Device::Cpu)).expect("a part has flat int32 items");
        for item in items {
            support[column(item.into())] += 1;
        }
        *self = Self::new(self.config.clone(), support);
    }

    fn scores(&self, batch: &Batch) -> Tensor {
        let width = self.empty.len();
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for (row, mut session) in batch.sequences().into_iter().enumerate() {
            session.sort_unstable();
            for same in session.chunk_by(|a, b| a == b) {
                // s_j = n_j + c_j / (1 + c_j), the second term for popular items only
                let j = column(same[0]);
                let fill = if self.empty[j].is_finite() { self.empty[j] } else { 0.0 };
                places.push(i64::try_from(row * width + j).expect("an index"));
                values.push(same.iter().map(|_| 1.0).sum::<f64>() + fill);
            }
        }
        let to = |tensor: Tensor| tensor.to_device(batch.device());
        let mut scores = to(Tensor::from_slice(&self.empty)).repeat([batch.size]);
        let _ = scores.scatter_(0, &to(Tensor::from_slice(&places)), &to(Tensor::from_slice(&values)));
        scores.view([batch.size, -1]) // [B, V]
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        vec![("support".to_owned(), Tensor::from_slice(&self.support))]
    }

    fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        let support = state.get("support").filter(|tensor| tensor.kind() == Kind::Int64);
        let support = support.and_then(|tensor| Vec::<i64>::try_from(tensor).ok());
        let Some(support) = support.filter(|support| support.len() == self.support.len()) else {
            let message = format!("the model has no `support` of {} items", self.support.len());
            return Err(TrainerError::data(message, "train it again on this dataset"));
        };
        *self = Self::new(self.config.clone(), support);
        Ok(())
    }
}

/// The column of an item, numbered from 1, in a row of scores.
fn column(item: i64) -> usize {
    usize::try_from(item - 1).expect("items are numbered from 1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::part;

    const UNRANKED: f64 = f64::NEG_INFINITY;

    /// Scores of five items after `session`, counted on events with supports 3, 2, 1, 0, 2.
    fn scores(config: Config, session: &[i32]) -> Vec<f64> {
        let train = [[1, 2, 3, 1].map(|item| (item, 1)), [1, 5, 2, 5].map(|item| (item, 1))];
        let mut model = SPop::new(config, vec![0; 5]);
        model.fit(&part(&[&train[0], &train[1]], 5, 1));
        let session: Vec<(i32, i32)> = session.iter().chain(&[1]).map(|&item| (item, 1)).collect();
        let batch = Batch::gather(&part(&[&session], 5, 1), &[0]);
        Vec::try_from(model.scores(&batch).view(-1)).unwrap()
    }

    #[test]
    fn counts_of_the_session_dominate_and_supports_fill() {
        // n + c / (1 + c) with supports 3, 2, 1, 0, 2.
        assert_eq!(scores(Config::default(), &[3, 4, 3]), [3.0 / 4.0, 2.0 / 3.0, 2.5, 1.0, 2.0 / 3.0]);
    }

    #[test]
    fn only_the_most_popular_items_fill_and_the_lower_id_wins_the_last_place() {
        let config = Config { top: 2, ..Config::default() };
        assert_eq!(scores(config, &[3]), [3.0 / 4.0, 2.0 / 3.0, 1.0, UNRANKED, UNRANKED]);
    }

    #[test]
    fn without_fill_only_the_items_of_the_session_are_ranked() {
        let config = Config { fill: Fill::None, ..Config::default() };
        assert_eq!(scores(config, &[2, 5, 2]), [UNRANKED, 2.0, UNRANKED, UNRANKED, 1.0]);
    }
}
