//! The metrics that pick an epoch. Ties count as half: rank = 1 + above + ties / 2.

use std::str::FromStr;

use tch::Kind;

use super::Ranks;
use crate::error::TrainerError;

/// A metric at a cut-off, higher is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Share of targets with a rank up to K.
    Hit(u32),
    /// Mean of 1 / rank, 0 where the rank is beyond K.
    Mrr(u32),
    /// Mean of 1 / log2(rank + 1), 0 where the rank is beyond K.
    Ndcg(u32),
}

impl FromStr for Metric {
    type Err = TrainerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('@').and_then(|(name, k)| match (name, k.parse().ok()?) {
            (_, 0) => None,
            ("hit", k) => Some(Self::Hit(k)),
            ("mrr", k) => Some(Self::Mrr(k)),
            ("ndcg", k) => Some(Self::Ndcg(k)),
            _ => None,
        });
        let help = "an epoch is picked by `hit@K`, `mrr@K` or `ndcg@K`";
        parsed.ok_or_else(|| TrainerError::job(format!("unknown metric `{text}`"), help))
    }
}

impl Metric {
    /// Its mean over the samples; 0 where there are none.
    ///
    /// # Errors
    /// When the device fails.
    pub fn mean(self, ranks: &Ranks) -> Result<f64, TrainerError> {
        if ranks.above.numel() == 0 {
            return Ok(0.0);
        }
        let rank = ranks.above.to_kind(Kind::Double) + ranks.ties.to_kind(Kind::Double) / 2.0 + 1.0;
        let (gain, k) = match self {
            Self::Hit(k) => (rank.ones_like(), k),
            Self::Mrr(k) => (rank.reciprocal(), k),
            Self::Ndcg(k) => ((&rank + 1.0).log2().reciprocal(), k),
        };
        let within = rank.le(f64::from(k)).to_kind(Kind::Double);
        Ok(f64::try_from((gain * within).mean(Kind::Double))?)
    }
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::*;

    #[test]
    fn metrics_of_four_ranks_by_hand() {
        // Ranks 1, 2.5 (one above, one tie), 4 and 9.
        let ranks = Ranks { above: Tensor::from_slice(&[0i64, 1, 3, 8]), ties: Tensor::from_slice(&[0i64, 1, 0, 0]) };
        let mean = |text: &str| text.parse::<Metric>().expect("known").mean(&ranks).expect("on the host");
        assert!((mean("hit@4") - 0.75).abs() < 1e-12);
        assert!((mean("hit@2") - 0.25).abs() < 1e-12);
        assert!((mean("mrr@4") - (1.0 + 0.4 + 0.25) / 4.0).abs() < 1e-12);
        assert!((mean("ndcg@1") - 0.25).abs() < 1e-12);
        assert!("hit@0".parse::<Metric>().is_err());
        assert!("recall@20".parse::<Metric>().is_err());
    }
}
