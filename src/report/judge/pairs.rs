//! What is compared: the values of both sides, sample by sample, gathered by test session and by seed.

use crate::data::protocol::Ties;
use crate::metric::significance::bootstrap::Cluster;
use crate::metric::{MetricAt, rank};
use crate::report::comparable::differences;
use crate::report::layout::{Combination, describe};
use crate::report::table::failure;
use crate::report::words::list;
use crate::report::{CellRanks, CellState, Report};

/// A sample by its session and its number, which the samples of both sides share.
type Key = (i64, i64);

/// The values of both sides.
pub(super) struct Pairs {
    /// Mean over the samples of the cells that should be ahead, averaged over the seeds.
    pub(super) better: f64,
    /// Likewise of those that should be behind.
    pub(super) than: f64,
    /// By session the sum of the differences of its samples, each averaged over the seeds.
    pub(super) sessions: Vec<Cluster>,
    /// By seed the difference of the means over samples.
    pub(super) seeds: Vec<f64>,
    /// Seeds that only one side has, and why.
    pub(super) remarks: Vec<String>,
}

impl Pairs {
    /// Pairs the cells of two combinations over the seeds that both have; the error says why nothing can be compared.
    pub(super) fn of(
        report: &Report<'_>,
        better: &Combination<'_>,
        than: &Combination<'_>,
        metric: MetricAt,
    ) -> Result<Self, String> {
        let mut seeds = better.seeds.clone();
        seeds.sort_unstable();
        let (mut both, mut gaps) = (Vec::new(), [Gaps::default(), Gaps::default()]);
        for seed in seeds {
            match (ranks(better, seed), ranks(than, seed)) {
                (Ok(better), Ok(than)) => both.push((better, than)),
                sides => {
                    gaps[0].add(seed, sides.0.err());
                    gaps[1].add(seed, sides.1.err());
                }
            }
        }
        let remarks: Vec<String> =
            gaps.iter().zip([better, than]).flat_map(|(gaps, side)| gaps.told(&describe(side.coordinates))).collect();
        if both.is_empty() {
            return Err(remarks.join("; "));
        }
        let named: Vec<(&str, &CellRanks)> =
            both.iter().flat_map(|(better, than)| [("`better`", *better), ("`than`", *than)]).collect();
        let differing = differences(&named);
        if !differing.is_empty() {
            return Err(format!("the two sides cannot be compared, they differ in {}", list(&differing)));
        }
        Self::gather(report.protocol.ties, metric, &both, remarks)
    }

    fn gather(
        ties: Ties,
        metric: MetricAt,
        both: &[(&CellRanks, &CellRanks)],
        remarks: Vec<String>,
    ) -> Result<Self, String> {
        let mut sums: Vec<(Key, f64)> = Vec::new();
        let (mut means, mut seeds) = ([0.0, 0.0], Vec::new());
        let count = both.len() as f64;
        for (better, than) in both {
            let (better, than) = (values(ties, metric, better)?, values(ties, metric, than)?);
            let keys =
                |of: &[(Key, f64)], with: &[(Key, f64)]| of.iter().map(|one| one.0).eq(with.iter().map(|one| one.0));
            if !keys(&better, &than) {
                return Err("the two sides ranked different samples".to_owned());
            }
            if sums.is_empty() {
                sums = better.iter().map(|(key, _)| (*key, 0.0)).collect();
            } else if !keys(&sums, &better) {
                return Err("the seeds ranked different samples".to_owned());
            }
            let mut seed = [0.0, 0.0];
            for ((sum, better), than) in sums.iter_mut().zip(&better).zip(&than) {
                sum.1 += better.1 - than.1;
                seed[0] += better.1;
                seed[1] += than.1;
            }
            let seed = seed.map(|sum| sum / better.len() as f64);
            means = [means[0] + seed[0] / count, means[1] + seed[1] / count];
            seeds.push(seed[0] - seed[1]);
        }
        // The keys are sorted by session, so the samples of one stand together.
        let sessions = sums.chunk_by(|a, b| a.0.0 == b.0.0).map(|session| Cluster {
            sum: session.iter().map(|(_, sum)| sum / count).sum(),
            samples: session.len() as f64,
        });
        Ok(Self { better: means[0], than: means[1], sessions: sessions.collect(), seeds, remarks })
    }
}

/// The value of each sample of a cell, by session and number.
fn values(ties: Ties, metric: MetricAt, cell: &CellRanks) -> Result<Vec<(Key, f64)>, String> {
    let (_, ranks) =
        cell.selection(metric).ok_or_else(|| format!("no ranks were kept for `{metric}`, nor for `best`"))?;
    let value = |r: &crate::data::ranks::Rank| ((r.session, r.sample), metric.value(rank(r.above, r.ties, ties)));
    let mut values: Vec<(Key, f64)> = ranks.iter().map(value).collect();
    values.sort_unstable_by_key(|(key, _)| *key);
    Ok(values)
}

/// The seeds of a side that have no ranks, by the reason.
#[derive(Default)]
struct Gaps(Vec<(String, Vec<String>)>);

impl Gaps {
    fn add(&mut self, seed: u64, reason: Option<String>) {
        let Some(reason) = reason else { return };
        match self.0.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, seeds)) => seeds.push(seed.to_string()),
            None => self.0.push((reason, vec![seed.to_string()])),
        }
    }

    /// `seeds 2 and 3 of model = m-sr did not run`, a remark for each reason.
    fn told(&self, side: &str) -> Vec<String> {
        let told = self.0.iter().map(|(reason, seeds)| {
            format!("seed{} {} of {side} {reason}", if seeds.len() == 1 { "" } else { "s" }, list(seeds))
        });
        told.collect()
    }
}

/// The ranks of a cell, or why it has none.
fn ranks<'a>(combination: &Combination<'a>, seed: u64) -> Result<&'a CellRanks, String> {
    Err(match combination.cells.get(&seed).map(|cell| &cell.state) {
        Some(CellState::Done(ranks)) => return Ok(ranks),
        Some(CellState::Failed { message, log }) => failure(message, log.as_deref()),
        None if !combination.seeds.contains(&seed) => "is not in the grid".to_owned(),
        Some(CellState::Missing { why }) => why.clone(),
        None => "did not run".to_owned(),
    })
}
