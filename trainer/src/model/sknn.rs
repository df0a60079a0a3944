//! SKNN: session-kNN (Jannach and Ludewig, `RecSys` 2017; the form of session-rec, as in the EMBSR tables).
//!
//! The idea: find the past sessions most like this one, and rank items by the summed likeness of those that hold them.
//!
//! **Deviations from session-rec.** The cosine is the true one (its expression multiplies by `sqrt(|C|)` where it should
//! divide; no order changes). Ties among sessions, left to the order of a set there, are settled by the later end, then
//! by the later place in the training data. Recent sampling and cosine are the only ones, as in all published settings.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::thread;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::{Catalog, Counting, entry::CountingConfig};
use crate::batch::Batch;
use crate::dataset::Part;
use crate::error::TrainerError;

/// Settings of SKNN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many of the nearest sessions vote, `k`.
    pub k: NonZeroUsize,
    /// How many of the newest sessions that share an item are compared, `S`.
    pub sample_size: NonZeroUsize,
}

impl Default for Config {
    fn default() -> Self {
        const K: NonZeroUsize = NonZeroUsize::new(100).expect("not zero");
        const S: NonZeroUsize = NonZeroUsize::new(500).expect("not zero");
        Self { k: K, sample_size: S }
    }
}

impl CountingConfig for Config {
    fn build(&self, catalog: Catalog, _: Device) -> Box<dyn Counting> {
        let items = usize::try_from(catalog.items).expect("a catalog has no negative size");
        Box::new(Sknn::new(self.clone(), items, Sessions::default()))
    }
}

/// Sessions as sets of items, the newest first.
#[derive(Debug, Default)]
struct Sessions {
    /// Distinct items, numbered from 1, session after session.
    items: Vec<i32>,
    /// Where each session ends in `items`.
    ends: Vec<i64>,
}

impl Sessions {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn of(&self, session: usize) -> &[i32] {
        let start = if session == 0 { 0 } else { self.ends[session - 1] };
        &self.items[index(start)..index(self.ends[session])]
    }
}

/// The training sessions, and which of them hold each item.
#[derive(Debug)]
pub struct Sknn {
    config: Config,
    sessions: Sessions,
    /// The sessions of each item, newest first, item after item.
    holders: Vec<usize>,
    /// Where the sessions of each item begin in `holders`, `[V+1]`.
    holder_offsets: Vec<usize>,
}

impl Sknn {
    /// The model of these sessions.
    fn new(config: Config, catalog: usize, sessions: Sessions) -> Self {
        let mut holder_offsets = vec![0; catalog + 1];
        for &item in &sessions.items {
            holder_offsets[index(item)] += 1;
        }
        for item in 0..catalog {
            holder_offsets[item + 1] += holder_offsets[item];
        }
        let mut next = holder_offsets.clone();
        let mut holders = vec![0; sessions.items.len()];
        for session in 0..sessions.len() {
            for &item in sessions.of(session) {
                let place = &mut next[index(item) - 1];
                holders[*place] = session;
                *place += 1;
            }
        }
        Self { config, sessions, holders, holder_offsets }
    }

    fn catalog(&self) -> usize {
        self.holder_offsets.len() - 1
    }

    /// Finds the newest `S` sessions that share an item with the query, newest first, with how many items they share.
    /// The lists of the items are merged from their newest ends, so older sessions are never touched.
    fn find(&self, query: &mut Query) {
        let holders = |&item: &i64| self.holder_offsets[index(item) - 1]..self.holder_offsets[index(item)];
        query.lists.clear();
        query.lists.extend(query.items.iter().map(holders));
        query.found.clear();
        while query.found.len() < self.config.sample_size.get() {
            query.lists.retain(|list| !list.is_empty());
            let Some(session) = query.lists.iter().map(|list| self.holders[list.start]).min() else { break };
            let mut shared = 0;
            for list in query.lists.iter_mut().filter(|list| self.holders[list.start] == session) {
                list.start += 1;
                shared += 1;
            }
            query.found.push(Found {
                session,
                similarity: similarity(shared, query.items.len(), self.sessions.of(session).len()),
            });
        }
    }

    /// Adds up the scores of the items after the events `session` into `query`.
    fn score(&self, session: &[i64], query: &mut Query) {
        query.start(session);
        self.find(query);
        // The sort is stable and the newest stand first: a tie at the k-th place goes to the newer session.
        query.found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        query.found.truncate(self.config.k.get());
        // score(j) = sum of sim(s) over the k nearest sessions s that hold j. Every sum runs from the nearest session to
        // the farthest, so items with the same votes get the same bits, and rounding breaks no tie.
        for found in &query.found {
            for &item in self.sessions.of(found.session) {
                let score = &mut query.scores[index(item) - 1];
                if *score == 0.0 {
                    query.ranked.push(index(item) - 1);
                }
                *score += found.similarity;
            }
        }
    }

    /// Scores of the ranked items of `sessions`, which begin with row `row` of a batch, as places in the flat `[B, V]`
    /// and values.
    fn score_rows(&self, row: usize, sessions: &[Vec<i64>]) -> (Vec<i64>, Vec<f64>) {
        let mut query = Query::new(self.catalog());
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for (row, session) in (row..).zip(sessions) {
            self.score(session, &mut query);
            let place = |&column: &usize| i64::try_from(row * self.catalog() + column).expect("an index");
            places.extend(query.ranked.iter().map(place));
            values.extend(query.ranked.iter().map(|&column| query.scores[column]));
        }
        (places, values)
    }
}

/// `sim = |C & s| / (sqrt(|C|) sqrt(|s|))`, as the root of one quotient of whole numbers: equal ones are equal bits.
fn similarity(shared: usize, query: usize, session: usize) -> f64 {
    ((shared * shared) as f64 / (query * session) as f64).sqrt()
}

/// A session that shares an item with the query.
struct Found {
    session: usize,
    similarity: f64,
}

/// Memory that the queries of one thread use in turn, so that none clears anything as long as the catalog.
struct Query {
    /// Distinct items `C`.
    items: Vec<i64>,
    /// What is left to merge of each item's sessions.
    lists: Vec<Range<usize>>,
    found: Vec<Found>,
    /// Score of each item, `[V]`; 0 for those that no neighbor holds.
    scores: Vec<f64>,
    /// Columns of the items with a score.
    ranked: Vec<usize>,
}

impl Query {
    fn new(catalog: usize) -> Self {
        let scores = vec![0.0; catalog];
        Self { items: Vec::new(), lists: Vec::new(), found: Vec::new(), scores, ranked: Vec::new() }
    }

    fn start(&mut self, session: &[i64]) {
        for column in self.ranked.drain(..) {
            self.scores[column] = 0.0;
        }
        self.items.clear();
        self.items.extend(session);
        self.items.sort_unstable();
        self.items.dedup();
    }
}

impl Counting for Sknn {
    fn fit(&mut self, train: &Part) {
        let items = Vec::<i32>::try_from(train.items.to_device(Device::Cpu)).expect("a part has flat int32 items");
        let times = Vec::<i64>::try_from(train.times.to_device(Device::Cpu)).expect("a part has flat int64 times");
        let offsets =
            Vec::<i64>::try_from(train.session_offsets.to_device(Device::Cpu)).expect("a part has flat int64 offsets");
        let mut newest: Vec<Range<usize>> =
            offsets.windows(2).map(|pair| index(pair[0])..index(pair[1])).filter(|events| !events.is_empty()).collect();
        // t(s) is the time of the last event; of equal ones the later in the data is the newer.
        newest.sort_by_key(|events| Reverse((times[events.end - 1], events.end)));
        let mut sessions = Sessions::default();
        for events in newest {
            let mut distinct = items[events].to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            sessions.items.extend(distinct);
            sessions.ends.push(i64::try_from(sessions.items.len()).expect("a count"));
        }
        *self = Self::new(self.config.clone(), self.catalog(), sessions);
    }

    fn scores(&self, batch: &Batch) -> Tensor {
        let sessions = batch.sequences();
        // As many threads as libtorch was given; no score depends on another row, so their number changes no byte.
        let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1).max(1);
        let share = sessions.len().div_ceil(threads).max(1);
        let parts: Vec<(Vec<i64>, Vec<f64>)> = thread::scope(|scope| {
            let start = |(part, sessions)| scope.spawn(move || self.score_rows(part * share, sessions));
            let running: Vec<_> = sessions.chunks(share).enumerate().map(start).collect();
            running.into_iter().map(|thread| thread.join().expect("a panic in there is a bug")).collect()
        });
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for part in parts {
            places.extend(part.0);
            values.extend(part.1);
        }
        let to = |tensor: Tensor| tensor.to_device(batch.device());
        let count = batch.size * i64::try_from(self.catalog()).expect("a catalog's size");
        let mut scores = Tensor::full([count], f64::NEG_INFINITY, (Kind::Double, batch.device()));
        let _ = scores.scatter_(0, &to(Tensor::from_slice(&places)), &to(Tensor::from_slice(&values)));
        scores.view([batch.size, -1]) // [B, V]
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let items = Tensor::from_slice(&self.sessions.items);
        vec![("items".to_owned(), items), ("ends".to_owned(), Tensor::from_slice(&self.sessions.ends))]
    }

    fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        let tensor = |name, kind| state.get(name).filter(|tensor| tensor.kind() == kind);
        let items = tensor("items", Kind::Int).and_then(|items| Vec::<i32>::try_from(items).ok());
        let ends = tensor("ends", Kind::Int64).and_then(|ends| Vec::<i64>::try_from(ends).ok());
        let sessions = items.zip(ends).map(|(items, ends)| Sessions { items, ends }).filter(|sessions| {
            let known = |&item: &i32| usize::try_from(item).is_ok_and(|item| (1..=self.catalog()).contains(&item));
            let length = i64::try_from(sessions.items.len()).unwrap_or(i64::MAX);
            sessions.ends.is_sorted()
                && sessions.ends.first().is_none_or(|&end| end >= 0)
                && sessions.ends.last().copied().unwrap_or(0) == length
                && sessions.items.iter().all(known)
        });
        let Some(sessions) = sessions else {
            let message = format!("the model does not hold sessions of items 1 to {}", self.catalog());
            return Err(TrainerError::data(message, "train it again on this dataset"));
        };
        *self = Self::new(self.config.clone(), self.catalog(), sessions);
        Ok(())
    }
}

/// A checked id, count or offset as an index.
fn index(value: impl TryInto<usize>) -> usize {
    value.try_into().ok().expect("ids and offsets were checked when they were read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::part;
    use crate::dataset::{DatasetMeta, Events};

    const UNRANKED: f64 = f64::NEG_INFINITY;

    fn config(k: usize, sample_size: usize) -> Config {
        Config { k: NonZeroUsize::new(k).unwrap(), sample_size: NonZeroUsize::new(sample_size).unwrap() }
    }

    /// Scores after the events `session`, from training sessions of `(item, time)`.
    fn scores(config: Config, train: &[&[(i32, i64)]], session: &[i32], items: i64) -> Vec<f64> {
        let mut events = Events { session_offsets: vec![0], ..Events::default() };
        for session in train {
            for &(item, time) in *session {
                events.items.push(item);
                events.operations.push(1);
                events.times.push(time);
            }
            events.session_offsets.push(events.items.len().try_into().unwrap());
        }
        let meta = DatasetMeta { version: 1, name: "toy".into(), items, operations: 1, max_length: 9 };
        let mut model = Sknn::new(config, index(items), Sessions::default());
        model.fit(&Part::new(events, &[], &meta, Device::Cpu).unwrap());
        let session: Vec<(i32, i32)> = session.iter().chain(&[1]).map(|&item| (item, 1)).collect();
        let batch = Batch::gather(&part(&[&session], items, 1), &[0]);
        Vec::try_from(model.scores(&batch).view(-1)).unwrap()
    }

    #[test]
    fn items_are_scored_by_the_cosines_of_the_sessions_that_hold_them() {
        // C = {1, 2}: sim is 2 / sqrt(2 * 2) = 1 with {1, 2}, 1 / sqrt(2 * 2) = 1/2 with {2, 3}, 0 with {4}.
        let train: &[&[(i32, i64)]] = &[&[(1, 1), (2, 2), (1, 3)], &[(2, 4), (3, 5)], &[(4, 6)]];
        assert_eq!(scores(config(100, 500), train, &[2, 1, 2], 5), [1.0, 1.5, 0.5, UNRANKED, UNRANKED]);
    }

    #[test]
    fn only_the_k_nearest_vote_and_a_tie_goes_to_the_session_that_ended_later() {
        // All three have sim 1 / sqrt(2); the ends are 9, 8 and 9, and of equal ones the later in the data is newer.
        let train: &[&[(i32, i64)]] = &[&[(1, 1), (2, 9)], &[(1, 7), (3, 8)], &[(1, 2), (4, 9)]];
        let sim = 0.5_f64.sqrt();
        assert_eq!(scores(config(1, 500), train, &[1], 4), [sim, UNRANKED, UNRANKED, sim]);
        assert_eq!(scores(config(2, 500), train, &[1], 4), [sim + sim, sim, UNRANKED, sim]);
    }

    #[test]
    fn only_the_newest_sessions_are_compared() {
        // The first session is nearer, but older.
        let train: &[&[(i32, i64)]] = &[&[(1, 1)], &[(1, 2), (2, 3)]];
        let sim = 0.5_f64.sqrt();
        assert_eq!(scores(config(100, 1), train, &[1], 2), [sim, sim]);
    }

    #[test]
    fn items_with_the_same_votes_tie_whatever_their_order_in_time() {
        // Items 2 and 3 each get 1/sqrt(2), 1/sqrt(3) and 1/2 from sessions that share item 1, in different order of time.
        let sizes: [&[i32]; 6] = [&[1, 2, 9], &[1, 2, 8, 7], &[1, 2], &[1, 3, 4, 5], &[1, 3], &[1, 3, 6]];
        let train: Vec<Vec<(i32, i64)>> =
            sizes.iter().map(|items| items.iter().map(|&item| (item, 0)).collect()).collect();
        let train: Vec<&[(i32, i64)]> = train.iter().map(Vec::as_slice).collect();
        let scores = scores(config(100, 500), &train, &[1], 9);
        assert_eq!(scores[1].to_bits(), scores[2].to_bits());
    }

    #[test]
    fn the_toy_of_the_dossier_scores_as_worked_out_there() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/specs/golden.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: {path} is not there");
            return;
        };
        let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
        let toy = &golden["sknn_toy"];
        let item = |letter: &serde_json::Value| i32::from(letter.as_str().unwrap().as_bytes()[0] - b'a' + 1);
        let mut train: BTreeMap<i64, Vec<(i32, i64)>> = BTreeMap::new();
        for row in toy["train"].as_array().unwrap() {
            train.entry(row[0].as_i64().unwrap()).or_default().push((item(&row[1]), row[2].as_i64().unwrap()));
        }
        let train: Vec<&[(i32, i64)]> = train.values().map(Vec::as_slice).collect();
        let prefix: Vec<i32> = toy["prefix"].as_array().unwrap().iter().map(item).collect();
        for (name, k, sample_size) in [("k100_S500", 100, 500), ("k2_S500", 2, 500), ("k100_S2", 100, 2)] {
            let found = scores(config(k, sample_size), &train, &prefix, 6);
            let expected = toy["scores_with_correct_cosine"][name].as_object().unwrap();
            for (found, expected) in found.into_iter().zip(expected.values()) {
                let expected = expected.as_f64().unwrap();
                let same = if expected == 0.0 { found == UNRANKED } else { (found - expected).abs() < 1e-6 };
                assert!(same, "{name}: {found} for {expected}");
            }
        }
    }
}
