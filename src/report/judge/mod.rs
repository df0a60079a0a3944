//! The sentences of a paper, judged: does the difference stand, is it the other way round, or can the data not tell?
//! A claim is made of parts, one for each pair of cells that it speaks of; it is as good as its weakest part.

mod best;
mod evidence;
mod pairs;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

pub(super) use best::best_is_ahead;
pub use evidence::{Evidence, Lacking};

use crate::experiment::Claim;
use crate::metric::significance::holm::holm;
use crate::metric::{MetricAt, MetricError};

use super::Report;
use super::layout::Combinations;
use evidence::Tested;
use pairs::Pairs;
use parts::Parts;

/// Below this corrected p-value a difference is taken for real.
pub const ALPHA: f64 = 0.05;

/// The answer to a claim, or to a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `better` is ahead, and by more than chance; of a claim: in every part.
    Supported,
    /// `better` is behind, and by more than chance; of a claim: in at least one part.
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

/// A claim with its answer.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// Its metric.
    pub metric: MetricAt,
    /// The answer: refuted if any part is, supported if every part is, undecided otherwise.
    pub verdict: Verdict,
    /// The parts, in the order of the grid; none where nothing is there to compare.
    pub parts: Vec<Part<'a>>,
    /// The place of the weakest part, which decides.
    pub deciding: Option<usize>,
    /// The data sets over which it was judged, in the order of the grid.
    pub over: Vec<&'a str>,
    /// Optional data sets that it speaks of and that have no results: they are no parts.
    pub absent: Vec<&'a str>,
    /// What else is to be said: combinations that only one side has.
    pub remarks: Vec<String>,
}

/// One comparison of a claim.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// What should be ahead, by its values on the axes that tell the two sides apart: `MKM-SR`.
    pub ahead: String,
    /// What should be behind.
    pub behind: String,
    /// Where: the data set, and what else tells this part from others.
    pub place: String,
    /// The data set; nothing where the part could not be placed.
    pub dataset: Option<&'a str>,
    /// The coordinates of the cells that should be ahead and of those that should be behind; nothing where the grid lacks
    /// one of them.
    pub sides: Option<[&'a BTreeMap<String, String>; 2]>,
    /// The answer to this part alone.
    pub verdict: Verdict,
    /// Nothing when there was nothing to compare.
    pub evidence: Option<Evidence>,
    /// Why there was nothing to compare, or what is odd about the comparison.
    pub remarks: Vec<String>,
}

impl Part<'_> {
    /// `MKM-SR over NARM, demo`.
    pub fn name(&self) -> String {
        let place = if self.place.is_empty() { String::new() } else { format!(", {}", self.place) };
        format!("{} over {}{place}", self.ahead, self.behind)
    }
}

/// Judges every claim of the experiment.
///
/// Holm's correction counts all parts of all claims, also those that could not be tested (with `p = 1`).
///
/// # Errors
/// When the metric of a claim cannot be read.
pub fn judge<'a>(report: &Report<'a>) -> Result<Vec<Judged<'a>>, MetricError> {
    let combinations = Combinations::of(report);
    let mut claims = Vec::new();
    for claim in &report.experiment.claims {
        let metric: MetricAt = claim.metric.parse()?;
        let parts = Parts::of(report, &combinations, claim);
        let test = |sides: &parts::Sides<'_, 'a>| Pairs::of(report, sides.better, sides.than, metric);
        let tested: Vec<Result<Tested, String>> = parts
            .all
            .iter()
            .map(|part| part.sides.as_ref().map_err(Clone::clone).and_then(test).map(Tested::of))
            .collect();
        claims.push((claim, metric, parts, tested));
    }
    let alone = claims.iter().flat_map(|(_, _, _, tested)| tested);
    let alone: Vec<f64> = alone.map(|tested| tested.as_ref().map_or(1.0, |tested| tested.p())).collect();
    let mut corrected = holm(&alone).into_iter();
    let judged = claims.into_iter().map(|(claim, metric, parts, tested)| {
        let p = corrected.by_ref().take(tested.len());
        let all: Vec<Part<'a>> = parts
            .all
            .into_iter()
            .zip(tested)
            .zip(p)
            .map(|((part, tested), p)| part.judged(tested, p, metric))
            .collect();
        let mut over = Vec::new();
        for dataset in all.iter().filter(|part| part.evidence.is_some()).filter_map(|part| part.dataset) {
            if !over.contains(&dataset) {
                over.push(dataset);
            }
        }
        let verdict = verdict(&all);
        Judged {
            claim,
            metric,
            verdict,
            deciding: deciding(&all, verdict),
            parts: all,
            over,
            absent: parts.absent,
            remarks: parts.remarks,
        }
    });
    Ok(judged.collect())
}

/// The verdict of the weakest part; undecided without a part.
fn verdict(parts: &[Part<'_>]) -> Verdict {
    let any = |verdict: Verdict| parts.iter().any(|part| part.verdict == verdict);
    match (any(Verdict::Refuted), any(Verdict::Undecided), any(Verdict::Supported)) {
        (true, _, _) => Verdict::Refuted,
        (false, false, true) => Verdict::Supported,
        _ => Verdict::Undecided,
    }
}

/// Among the parts with the verdict of the claim the one that speaks loudest: of those that refute, the surest one; of
/// those that support or leave open, the least sure one, one without evidence before all. Of equal ones the first.
fn deciding(parts: &[Part<'_>], verdict: Verdict) -> Option<usize> {
    // The smaller, the earlier chosen: p, then by how little the ranks lean to one side.
    let key = |part: &Part<'_>| match (&part.evidence, verdict) {
        (None, _) => (f64::NEG_INFINITY, 0.0),
        (Some(evidence), Verdict::Refuted) => (evidence.p, -evidence.rank_biserial.abs()),
        (Some(evidence), _) => (-evidence.p, evidence.rank_biserial.abs()),
    };
    let having = parts.iter().enumerate().filter(|(_, part)| part.verdict == verdict);
    let order = |a: &Part<'_>, b: &Part<'_>| {
        let (a, b) = (key(a), key(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    };
    having.min_by(|(_, a), (_, b)| order(a, b)).map(|(at, _)| at)
}
