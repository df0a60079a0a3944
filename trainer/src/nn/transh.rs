//! TransH (Wang et al., AAAI 2014) on true triples alone, as MKM-SR uses it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

/// How wrong a triple is, given its projected head `h`, translation `d_r` and projected tail `t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Energy {
    /// Squared length of `h + d_r - t` (eq. 12 of MKM-SR).
    #[default]
    Squared,
    /// Length of `h + d_r - t` with each of the three scaled to length 1 first, as the authors' code has it.
    Normalized,
}

/// Triples as vectors: `head`, `translation`, `normal` and `tail`, each `[M, d]`.
#[derive(Debug)]
pub struct TransH<'a> {
    /// Head entities.
    pub head: &'a Tensor,
    /// `d_r` of each triple.
    pub translation: &'a Tensor,
    /// The normal of the hyperplane of each triple's relation; any length.
    pub normal: &'a Tensor,
    /// Tail entities.
    pub tail: &'a Tensor,
}

impl TransH<'_> {
    /// The energy of each triple, `[M]`.
    #[must_use]
    pub fn energy(&self, energy: Energy) -> Tensor {
        let w = unit(self.normal);
        // x projected = x - (w . x) w (eq. 11)
        let project = |x: &Tensor| x - (x * &w).sum_dim_intlist(-1, true, Kind::Float) * &w;
        let (h, t) = (project(self.head), project(self.tail));
        match energy {
            Energy::Squared => (h + self.translation - t).square().sum_dim_intlist(-1, false, Kind::Float),
            Energy::Normalized => length(&(unit(&h) + unit(self.translation) - unit(&t))).squeeze_dim(-1),
        }
    }
}

fn length(x: &Tensor) -> Tensor {
    x.norm_scalaropt_dim(2, [-1], true)
}

fn unit(x: &Tensor) -> Tensor {
    x / length(x).clamp_min(1e-12)
}
