//! The sentences of a paper, judged: does the difference stand, is it the other way round, or can the data not tell?

use std::collections::BTreeMap;
use std::fmt;

use crate::data::protocol::Ties;
use crate::experiment::{AxisValue, Claim};
use crate::metric::significance::{holm, wilcoxon};
use crate::metric::{MetricAt, MetricError, rank};

use super::comparable::differences;
use super::layout::{Combination, Combinations, describe};
use super::words::list;
use super::score::mean;
use super::table::failure;
use super::{CellRanks, CellState, Report};

/// Below this corrected p-value a difference is taken for real.
pub const ALPHA: f64 = 0.05;

/// The answer to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `better` is ahead, and by more than chance.
    Supported,
    /// `better` is behind, and by more than chance.
    Refuted,
    /// The difference may be chance, or there is nothing to compare.
    Undecided,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supported => "supported",
            Self::Refuted => "refuted",
            Self::Undecided => "undecided",
        })
    }
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Mean of the cells that should be ahead, 0 to 1.
    pub better: f64,
    /// Mean of the cells that should be behind, 0 to 1.
    pub than: f64,
    /// Test samples that were paired.
    pub pairs: usize,
    /// Pairs that differ.
    pub differing: usize,
    /// Two-sided p-value of the signed-rank test, after Holm's correction over all claims.
    pub p: f64,
}

/// A claim with its answer.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// Its metric.
    pub metric: MetricAt,
    /// The answer.
    pub verdict: Verdict,
    /// Nothing when there was nothing to compare.
    pub evidence: Option<Evidence>,
    /// Why there was nothing to compare, or what is odd about the comparison.
    pub remark: Option<String>,
}

/// Judges every claim of the experiment.
///
/// Samples are paired by cell and sample, each value averaged over the seeds that both sides have. Supported: the mean
/// and the rank sums are ahead and `p < 0.05`; refuted: both are behind and `p < 0.05`. Holm's correction counts all
/// claims, also those that could not be tested (with `p = 1`).
///
/// # Errors
/// When the metric of a claim cannot be read.
pub fn judge<'a>(report: &Report<'a>) -> Result<Vec<Judged<'a>>, MetricError> {
    let combinations = Combinations::of(report);
    let mut tested = Vec::new();
    for claim in &report.experiment.claims {
        let metric: MetricAt = claim.metric.parse()?;
        tested.push((claim, metric, Pairs::collect(report, &combinations, claim, metric)));
    }
    let tests: Vec<_> = tested.iter().map(|(_, _, pairs)| pairs.as_ref().ok().map(Pairs::test)).collect();
    let p = holm(&tests.iter().map(|test| test.map_or(1.0, |test| test.p)).collect::<Vec<_>>());
    let judged = tested.into_iter().zip(tests).zip(p).map(|(((claim, metric, pairs), test), p)| {
        let (pairs, test) = match (pairs, test) {
            (Ok(pairs), Some(test)) => (pairs, test),
            (Err(why), _) => {
                return Judged { claim, metric, verdict: Verdict::Undecided, evidence: None, remark: Some(why) };
            }
            (Ok(_), None) => unreachable!("pairs that were collected were tested"),
        };
        let evidence = Evidence {
            better: mean(pairs.better.iter().copied()),
            than: mean(pairs.than.iter().copied()),
            pairs: pairs.better.len(),
            differing: test.differing,
            p,
        };
        let towards = |difference: f64| if metric.metric.higher_is_better { difference } else { -difference };
        let by_mean = towards(evidence.better - evidence.than);
        let by_ranks = towards(test.positive - test.negative);
        let verdict = match p < ALPHA {
            true if by_mean > 0.0 && by_ranks > 0.0 => Verdict::Supported,
            true if by_mean < 0.0 && by_ranks < 0.0 => Verdict::Refuted,
            _ => Verdict::Undecided,
        };
        let mut remarks = pairs.remarks;
        if p < ALPHA && verdict == Verdict::Undecided {
            remarks.push("the mean and the signed ranks point in opposite directions".to_owned());
        }
        let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        Judged { claim, metric, verdict, evidence: Some(evidence), remark }
    });
    Ok(judged.collect())
}

/// The values of both sides, pair by pair.
struct Pairs {
    better: Vec<f64>,
    than: Vec<f64>,
    remarks: Vec<String>,
}

impl Pairs {
    /// Finds the cells of both sides; the error says why there is nothing to compare.
    fn collect(
        report: &Report<'_>,
        combinations: &Combinations<'_>,
        claim: &Claim,
        metric: MetricAt,
    ) -> Result<Self, String> {
        let mut ahead = combinations.all.iter().filter(|here| matches(here, &claim.better)).peekable();
        if ahead.peek().is_none() {
            return Err(format!("no cell has {}", axes(&claim.better)));
        }
        let others = Counterparts::of(combinations, claim);
        let mut pairs = Self { better: Vec::new(), than: Vec::new(), remarks: Vec::new() };
        for here in ahead {
            let other = others.find(here)?;
            let mut seeds = here.seeds.clone();
            seeds.sort_unstable();
            let (mut both, mut gaps) = (Vec::new(), Vec::new());
            for seed in seeds {
                match (ranks(here, seed), ranks(other, seed)) {
                    (Ok(better), Ok(than)) => both.push((better, than)),
                    (a, b) => gaps.extend([a.err(), b.err()].into_iter().flatten()),
                }
            }
            if both.is_empty() {
                return Err(gaps.join("; "));
            }
            pairs.remarks.extend(gaps);
            pairs.add(report.protocol.ties, metric, &both)?;
        }
        Ok(pairs)
    }

    /// Adds the samples of one pair of cells, each value averaged over the seeds.
    fn add(&mut self, ties: Ties, metric: MetricAt, seeds: &[(&CellRanks, &CellRanks)]) -> Result<(), String> {
        let named: Vec<(&str, &CellRanks)> =
            seeds.iter().flat_map(|(better, than)| [("`better`", *better), ("`than`", *than)]).collect();
        let differing = differences(&named);
        if !differing.is_empty() {
            return Err(format!("the two sides cannot be compared, they differ in {}", list(&differing)));
        }
        let better = over_seeds(ties, metric, seeds.iter().map(|(better, _)| *better))?;
        let than = over_seeds(ties, metric, seeds.iter().map(|(_, than)| *than))?;
        if !better.keys().eq(than.keys()) {
            return Err("the two sides ranked different samples".to_owned());
        }
        self.better.extend(better.values());
        self.than.extend(than.values());
        Ok(())
    }

    fn test(&self) -> crate::metric::significance::Wilcoxon {
        let differences: Vec<f64> = self.better.iter().zip(&self.than).map(|(better, than)| better - than).collect();
        wilcoxon(&differences)
    }
}

/// The value of each sample, averaged over seeds.
fn over_seeds<'a>(
    ties: Ties,
    metric: MetricAt,
    seeds: impl ExactSizeIterator<Item = &'a CellRanks>,
) -> Result<BTreeMap<i64, f64>, String> {
    let count = seeds.len();
    let mut values: BTreeMap<i64, (usize, f64)> = BTreeMap::new();
    for cell in seeds {
        let (_, ranks) =
            cell.selection(metric).ok_or_else(|| format!("no ranks were kept for `{metric}`, nor for `best`"))?;
        for r in ranks {
            let value = values.entry(r.sample).or_default();
            value.0 += 1;
            value.1 += metric.value(rank(r.above, r.ties, ties));
        }
    }
    if values.values().any(|(seen, _)| *seen != count) {
        return Err("the seeds ranked different samples".to_owned());
    }
    Ok(values.into_iter().map(|(sample, (_, sum))| (sample, sum / count as f64)).collect())
}

/// Finds for each combination that should be ahead the one that should be behind.
struct Counterparts<'a> {
    combinations: &'a Combinations<'a>,
    claim: &'a Claim,
    /// Axes that the axes of the claim decide: they turn with them, as the axes of a zip do.
    led: Vec<&'a str>,
}

impl<'a> Counterparts<'a> {
    fn of(combinations: &'a Combinations<'a>, claim: &'a Claim) -> Self {
        let named: Vec<&str> = claim.better.keys().chain(claim.than.keys()).map(String::as_str).collect();
        let mut led: Vec<&str> =
            combinations.all.iter().flat_map(|here| here.coordinates.keys()).map(String::as_str).collect();
        led.sort_unstable();
        led.dedup();
        led.retain(|axis| !named.contains(axis) && combinations.decide(&named, axis));
        Self { combinations, claim, led }
    }

    fn find(&self, here: &Combination<'_>) -> Result<&'a Combination<'a>, String> {
        let mut behind = here.coordinates.clone();
        behind.extend(self.claim.than.iter().map(|(axis, value)| (axis.clone(), value.to_string())));
        if let Some(found) = self.combinations.at(&behind) {
            return Ok(found);
        }
        behind.retain(|axis, _| !self.led.contains(&axis.as_str()));
        let fits = |other: &&Combination<'_>| {
            let fixed = other.coordinates.iter().filter(|(axis, _)| !self.led.contains(&axis.as_str()));
            fixed.eq(behind.iter())
        };
        self.combinations.all.iter().find(fits).ok_or_else(|| format!("{} is not in the grid", describe(&behind)))
    }
}

fn matches(combination: &Combination<'_>, wanted: &BTreeMap<String, AxisValue>) -> bool {
    wanted.iter().all(|(axis, value)| combination.value(axis) == Some(value.to_string().as_str()))
}

fn axes(wanted: &BTreeMap<String, AxisValue>) -> String {
    describe(&wanted.iter().map(|(axis, value)| (axis.clone(), value.to_string())).collect())
}

/// The ranks of a cell, or why it has none.
fn ranks<'a>(combination: &Combination<'a>, seed: u64) -> Result<&'a CellRanks, String> {
    let why = match combination.cells.get(&seed).map(|cell| &cell.state) {
        Some(CellState::Done(ranks)) => return Ok(ranks),
        Some(CellState::Failed { message, log }) => failure(message, log.as_deref()),
        None if !combination.seeds.contains(&seed) => "is not in the grid".to_owned(),
        Some(CellState::Missing { why }) => why.clone(),
        None => "did not run".to_owned(),
    };
    Err(format!("seed {seed} of {} {why}", describe(combination.coordinates)))
}
