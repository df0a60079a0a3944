//! What a verdict rests on: tests over sessions and over seeds, effect sizes, bounds, and what more seeds could show.

use super::pairs::Pairs;
use super::{ALPHA, Verdict};
use crate::metric::MetricAt;
use crate::metric::significance::bootstrap::{Interval, interval};
use crate::metric::significance::effect::{d_z, rank_biserial};
use crate::metric::significance::power::pairs_needed;
use crate::metric::significance::student::{self, Student};
use crate::metric::significance::wilcoxon::{Wilcoxon, wilcoxon};

/// How sure bounds are.
const LEVEL: f64 = 0.95;

/// How often a test with the seeds that are asked for should find a difference that is there.
const POWER: f64 = 0.8;

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Mean over the samples of the cells that should be ahead, 0 to 1.
    pub better: f64,
    /// Mean over the samples of the cells that should be behind, 0 to 1.
    pub than: f64,
    /// Bounds of the difference of the two, from sessions drawn anew; nothing where nothing varies.
    pub interval: Option<Interval>,
    /// Test samples that were paired.
    pub samples: usize,
    /// Test sessions that these come from: the pairs of the signed-rank test.
    pub sessions: usize,
    /// Sessions in which the sides differ.
    pub differing: usize,
    /// Two-sided p-value of the signed-rank test over sessions, after Holm's correction over all parts of all claims.
    pub p: f64,
    /// The same before the correction.
    pub p_alone: f64,
    /// Matched-pairs rank-biserial correlation over sessions, -1 to 1.
    pub rank_biserial: f64,
    /// Cohen's `d_z` over sessions; nothing where all differences are the same.
    pub d_z: Option<f64>,
    /// Seeds that both sides have.
    pub seeds: usize,
    /// Paired t-test over seeds; nothing with one seed or without a spread.
    pub over_seeds: Option<Student>,
    /// What is lacking for a verdict, by the spread over seeds.
    pub lacking: Lacking,
}

/// What more seeds could do for a difference that is not decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lacking {
    /// With one seed nothing is known of the spread.
    Spread,
    /// About so many more seeds, for the test over seeds to find the difference.
    Seeds(f64),
    /// There are as many seeds as such a difference needs: it is sessions that are lacking.
    Sessions,
    /// The means over seeds are equal: no number of seeds would tell them apart.
    Difference,
}

impl Evidence {
    /// What a verdict does not say: whether it would hold for models that are trained again, and by how much.
    pub(super) fn reservations(&self) -> Vec<String> {
        let mut told = Vec::new();
        match self.over_seeds {
            _ if self.seeds == 1 => {
                told.push("of one trained model a side: with one seed nothing is known of training again".to_owned());
            }
            Some(test) if test.p >= ALPHA => told.push(
                "of these trained models: the test over seeds does not show that it holds when they are trained again"
                    .to_owned(),
            ),
            _ => {}
        }
        if self.interval.is_some_and(|bounds| bounds.low <= 0.0 && bounds.high >= 0.0) {
            told.push("by the signed ranks: the interval of the difference of the means has 0 in it".to_owned());
        }
        told
    }
}

/// The pairs of a comparison with the test over their sessions.
pub(super) struct Tested {
    pairs: Pairs,
    /// By session the sum of the differences of its samples. Not their mean: sums add up to the difference of the numbers in
    /// the table, which are means over samples, and means over sessions do not.
    differences: Vec<f64>,
    test: Wilcoxon,
}

impl Tested {
    pub(super) fn of(pairs: Pairs) -> Self {
        let differences: Vec<f64> = pairs.sessions.iter().map(|session| session.sum).collect();
        let test = wilcoxon(&differences);
        Self { pairs, differences, test }
    }

    /// The p-value of the signed-rank test, before any correction.
    pub(super) fn p(&self) -> f64 {
        self.test.p
    }

    /// The answer under a corrected p-value, and what is odd about the comparison. Supported: the mean over samples and the
    /// rank sums over sessions are ahead, and `p` is small; refuted: both are behind.
    pub(super) fn verdict(&self, p: f64, metric: MetricAt) -> (Verdict, Vec<String>) {
        let [by_mean, by_ranks] = self.towards(metric);
        let mut remarks = self.pairs.remarks.clone();
        let verdict = match p < ALPHA {
            true if by_mean > 0.0 && by_ranks > 0.0 => Verdict::Supported,
            true if by_mean < 0.0 && by_ranks < 0.0 => Verdict::Refuted,
            true => {
                remarks.push("the mean and the signed ranks point in opposite directions".to_owned());
                Verdict::Undecided
            }
            false => Verdict::Undecided,
        };
        (verdict, remarks)
    }

    /// Whether the side that should be ahead is, by the mean over samples and by the rank sums over sessions.
    pub(super) fn leads(&self, metric: MetricAt) -> bool {
        self.towards(metric).into_iter().all(|lead| lead > 0.0)
    }

    /// By how much that side is ahead: by the mean over samples, and by the rank sums over sessions.
    fn towards(&self, metric: MetricAt) -> [f64; 2] {
        let leads = [self.pairs.better - self.pairs.than, self.test.positive - self.test.negative];
        if metric.metric.higher_is_better { leads } else { leads.map(|lead| -lead) }
    }

    /// All that is known of the comparison; `p` is corrected.
    pub(super) fn evidence(&self, p: f64) -> Evidence {
        let Pairs { better, than, sessions, seeds, .. } = &self.pairs;
        let samples: f64 = sessions.iter().map(|session| session.samples).sum();
        Evidence {
            better: *better,
            than: *than,
            interval: interval(sessions, LEVEL),
            samples: samples as usize,
            sessions: sessions.len(),
            differing: self.test.differing,
            p,
            p_alone: self.test.p,
            rank_biserial: rank_biserial(&self.test),
            d_z: d_z(&self.differences),
            seeds: seeds.len(),
            over_seeds: student::paired(seeds),
            lacking: lacking(seeds),
        }
    }
}

/// What is lacking, by the differences over seeds.
fn lacking(seeds: &[f64]) -> Lacking {
    if student::paired(seeds).is_some_and(|test| test.p < ALPHA) {
        return Lacking::Sessions;
    }
    match pairs_needed(seeds, ALPHA, POWER) {
        None if seeds.len() < 2 => Lacking::Spread,
        None => Lacking::Difference,
        Some(needed) if needed > seeds.len() as f64 => Lacking::Seeds(needed - seeds.len() as f64),
        Some(_) => Lacking::Sessions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_follows_from_the_spread_over_seeds() {
        assert_eq!(lacking(&[0.02]), Lacking::Spread);
        // Mean 1, deviation sqrt(2): 18 seeds are needed, see `power`.
        assert_eq!(lacking(&[0.0, 2.0]), Lacking::Seeds(16.0));
        assert_eq!(lacking(&[0.3, 0.3]), Lacking::Sessions);
        // Mean 2, deviation 1.58: t = 2.83, p = 0.047 with 5 seeds, where a power of 0.8 would want two more.
        assert_eq!(lacking(&[0.0, 1.0, 2.0, 3.0, 4.0]), Lacking::Sessions);
        assert_eq!(lacking(&[0.3, -0.3]), Lacking::Difference);
    }
}
