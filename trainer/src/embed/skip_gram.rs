//! Skip-gram with negative sampling (Mikolov, Sutskever, Chen, Corrado, Dean, NIPS 2013): the "Word2Vec" of items.
//!
//! The idea: sessions are sentences; the vector of an item should tell the items around it from items drawn by chance.
//! Items and operations each get vectors of their own, from the items and the operations of the training sessions.
//!
//! **Deviations from the published tool:** every item keeps a vector, however rare (its `min-count` is 5); the logistic
//! function is computed, not looked up; the rate falls from session to session, not from ten thousand words to ten
//! thousand; one thread, so that a seed gives the same bytes. An item that no training session has keeps what it began with.
//! Used by: RIB (Table 2 of MKM-SR), Figure 4 of MKM-SR.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::Tensor;

use super::{Learned, Material, parse};
use crate::error::TrainerError;
use crate::model::positive;
use crate::native::{SKIP_GRAM_LANES, skip_gram_step};
use crate::popularity::Popularity;
use crate::seed::{Draw, SplitMix, Stream};

/// Settings of skip-gram; the defaults are those of the published tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of a vector.
    pub dimension: NonZeroU32,
    /// How far a neighbour may stand at most; how far is drawn for each event.
    pub window: NonZeroU32,
    /// Draws that each neighbour is told from, `k`.
    pub negatives: u32,
    /// Passes over the sessions.
    pub epochs: NonZeroU32,
    /// The rate at the beginning; it falls to a ten-thousandth of it.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// The share of all events above which events of an item are left out now and then, `t`; 0 keeps every event.
    #[schemars(range(min = 0.0))]
    pub subsample: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dimension: positive(100),
            window: positive(5),
            negatives: 5,
            epochs: positive(5),
            learning_rate: 0.025,
            subsample: 1e-3,
        }
    }
}

/// Learns the vectors of the items and of the operations.
pub(super) fn learn(config: &Value, material: &Material<'_>) -> Result<Learned, TrainerError> {
    let config: Config = parse(config)?;
    let offsets: Vec<i64> = Vec::try_from(&material.train.session_offsets)?;
    let mut said = material.said(2 * config.epochs.get() as usize * material.events());
    let mut table = |tokens: &Tensor, kinds: i64, stream: u32| -> Result<Tensor, TrainerError> {
        let tokens: Vec<i32> = Vec::try_from(tokens)?;
        let corpus = Corpus::new(&tokens, &offsets, kinds);
        let vectors = corpus.vectors(&config, material.seed, stream, &mut said);
        Ok(Tensor::from_slice(&vectors).view_([kinds, i64::from(config.dimension.get())]))
    };
    let items = table(&material.train.items, material.meta.items, 1)?;
    let operations = table(&material.train.operations, material.meta.operations, 2)?;
    Ok(vec![("items", items), ("operations", operations)])
}

/// Sentences of tokens that are numbered from 1.
struct Corpus<'a> {
    tokens: &'a [i32],
    offsets: &'a [i64],
    /// How often each token occurs, by its number, from 0.
    counts: Vec<u32>,
}

/// A vector for each token, each filled up with zeros to what the kernel wants.
struct Rows {
    numbers: Vec<f32>,
    width: usize,
}

impl Rows {
    fn zeros(tokens: usize, dimension: usize) -> Self {
        let width = dimension.next_multiple_of(SKIP_GRAM_LANES);
        Self { numbers: vec![0.0; tokens * width], width }
    }

    fn row(&mut self, token: usize) -> &mut [f32] {
        &mut self.numbers[token * self.width..][..self.width]
    }
}

impl<'a> Corpus<'a> {
    fn new(tokens: &'a [i32], offsets: &'a [i64], kinds: i64) -> Self {
        let mut counts = vec![0; index(kinds) + 1];
        for &token in tokens {
            counts[index(token.into())] += 1;
        }
        Self { tokens, offsets, counts }
    }

    /// The vectors of the tokens 1 to the last, `[kinds, d]` row by row. `said` hears how many tokens are done.
    fn vectors(&self, config: &Config, seed: u64, stream: u32, said: &mut impl FnMut(usize)) -> Vec<f32> {
        let d = config.dimension.get() as usize;
        let (mut v, mut u) = (Rows::zeros(self.counts.len(), d), Rows::zeros(self.counts.len(), d));
        let mut draw = Draw::weights(seed);
        for token in 1..self.counts.len() {
            for number in v.row(token).iter_mut().take(d) {
                *number = draw.uniform(0.5 / d as f64);
            }
        }
        if !self.tokens.is_empty() {
            let generator = Stream::Vectors.generator(seed, stream);
            self.learn(config, generator, &mut v, &mut u, said);
        }
        (1..self.counts.len()).flat_map(|token| v.row(token)[..d].to_vec()).collect()
    }

    fn learn(
        &self,
        config: &Config,
        mut generator: SplitMix,
        v: &mut Rows,
        u: &mut Rows,
        said: &mut impl FnMut(usize),
    ) {
        let keep = self.keep(config.subsample);
        let popularity = Popularity::new(&self.counts, 0.75);
        let total = self.tokens.len() * config.epochs.get() as usize;
        let (mut sentence, mut tokens, mut change) = (Vec::new(), Vec::new(), vec![0.0; v.width]);
        let mut done = 0;
        for _ in 0..config.epochs.get() {
            for bounds in self.offsets.windows(2) {
                let events = &self.tokens[index(bounds[0])..index(bounds[1])];
                let left = (1.0 - done as f64 / total as f64).max(1e-4);
                let rate = (config.learning_rate * left) as f32;
                sentence.clear();
                sentence.extend(events.iter().copied().filter(|&token| {
                    let keep = keep[index(token.into())];
                    keep >= 1.0 || generator.unit() < keep
                }));
                for (place, &center) in sentence.iter().enumerate() {
                    let reach = 1 + generator.below(config.window.get().into()) as usize;
                    let (first, last) = (place.saturating_sub(reach), (place + reach).min(sentence.len() - 1));
                    for &neighbour in sentence[first..place].iter().chain(&sentence[place + 1..=last]) {
                        popularity.draw(&mut generator, config.negatives as usize, &mut tokens);
                        // A negative that is the neighbour is left out; the neighbour itself comes first.
                        tokens.retain(|&token| token != i64::from(neighbour));
                        tokens.insert(0, neighbour.into());
                        skip_gram_step(v.row(index(center.into())), &mut u.numbers, &tokens, rate, &mut change);
                    }
                }
                done += events.len();
                said(events.len());
            }
        }
    }

    /// With which chance an event of each token is kept: `(sqrt(f / t) + 1) t / f` for its share `f` of all events.
    fn keep(&self, t: f64) -> Vec<f64> {
        let all = self.tokens.len() as f64;
        let keep = |&count: &u32| {
            let times = f64::from(count) / (t * all);
            if t == 0.0 || count == 0 { 1.0 } else { (times.sqrt() + 1.0) / times }
        };
        self.counts.iter().map(keep).collect()
    }
}

fn index(number: i64) -> usize {
    usize::try_from(number).expect("a number from 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(vectors: &[&[f32]]) -> Rows {
        let mut rows = Rows::zeros(vectors.len(), vectors[0].len());
        for (token, vector) in vectors.iter().enumerate() {
            rows.row(token)[..vector.len()].copy_from_slice(vector);
        }
        rows
    }

    #[test]
    fn one_pair_moves_as_its_gradient_by_hand() {
        // v = (1, 2); the neighbour's u = (0, 0), a negative's u = (ln 3, 0), so that sig(u . v) = 3/4.
        let third = 3f32.ln();
        let mut v = rows(&[&[1.0, 2.0]]);
        let mut u = rows(&[&[0.0, 0.0], &[7.0, 7.0], &[third, 0.0]]);
        skip_gram_step(v.row(0), &mut u.numbers, &[0, 2], 0.4, &mut [0.0; SKIP_GRAM_LANES]);
        let close = |found: &[f32], expected: [f32; 2]| {
            assert!((found[0] - expected[0]).abs() < 1e-6 && (found[1] - expected[1]).abs() < 1e-6, "{found:?}");
            assert!(found[2..].iter().all(|&padding| padding == 0.0));
        };
        // u_o += 0.4 (1 - 1/2) v; u_n += 0.4 (0 - 3/4) v; v += 0.2 * (0, 0) - 0.3 * (ln 3, 0), by the old u.
        close(u.row(0), [0.2, 0.4]);
        close(u.row(1), [7.0, 7.0]);
        close(u.row(2), [third - 0.3, -0.6]);
        close(v.row(0), [1.0 - 0.3 * third, 2.0]);
    }

    #[test]
    fn an_event_of_a_frequent_token_is_kept_with_the_published_chance() {
        let (tokens, offsets) = ([1, 1, 1, 2], [0, 4]);
        let corpus = Corpus::new(&tokens, &offsets, 3);
        // f / t = 0.75 / 0.03 = 25 and 0.25 / 0.03 = 25 / 3: (5 + 1) / 25, and (sqrt(25 / 3) + 1) * 3 / 25.
        let keep = corpus.keep(0.03);
        let expected = [1.0, 0.24, ((25f64 / 3.0).sqrt() + 1.0) * 0.12, 1.0];
        assert!(keep.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{keep:?}");
        assert_eq!(corpus.keep(0.0), [1.0; 4]);
    }

    /// Vectors of 24 tokens of which 1 to 8, 9 to 16 and 17 to 24 stand in sessions together; 25 stands in none.
    fn planted(seed: u64) -> Vec<f32> {
        let (mut tokens, mut offsets, mut generator) = (Vec::new(), vec![0], Stream::Vectors.generator(1, 9));
        for session in 0..600 {
            let block = session % 3 * 8;
            tokens.extend((0..6).map(|_| block + 1 + generator.below(8) as i32));
            offsets.push(tokens.len() as i64);
        }
        let config = Config { dimension: positive(20), subsample: 0.0, epochs: positive(20), ..Config::default() };
        Corpus::new(&tokens, &offsets, 25).vectors(&config, seed, 1, &mut |_| ())
    }

    #[test]
    fn tokens_that_stand_together_become_nearest_neighbours() {
        let vectors = planted(5);
        let row = |token: usize| &vectors[token * 20..][..20];
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let cosine = |a: usize, b: usize| dot(row(a), row(b)) / (dot(row(a), row(a)) * dot(row(b), row(b))).sqrt();
        for token in 0..24 {
            let mut others: Vec<usize> = (0..24).filter(|&other| other != token).collect();
            others.sort_by(|&a, &b| cosine(token, b).total_cmp(&cosine(token, a)));
            assert!(others[..7].iter().all(|other| other / 8 == token / 8), "{token}: {others:?}");
        }
        assert!(row(24).iter().all(|number| number.abs() <= 0.5 / 20.0), "a token without a session stays as it began");
    }

    #[test]
    fn a_seed_gives_the_same_vectors_each_time() {
        assert_eq!(planted(5), planted(5));
        assert_ne!(planted(5), planted(6));
    }

    #[test]
    fn a_corpus_without_a_token_leaves_what_was_drawn() {
        let vectors = Corpus::new(&[], &[0], 2).vectors(&Config::default(), 1, 1, &mut |_| ());
        assert!(vectors.len() == 200 && vectors.iter().any(|&number| number != 0.0));
    }
}
