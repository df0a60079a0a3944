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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::golden::{assert_close, golden, tensor};

    fn row(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).unsqueeze(0)
    }

    #[test]
    fn energies_of_one_triple_by_hand() {
        // On the hyperplane with the normal (0, 2): h = (3, 0), t = (1, 0); h + d - t = (2, 1) with d = (0, 1).
        let triple = TransH {
            head: &row(&[3.0, 7.0]),
            translation: &row(&[0.0, 1.0]),
            normal: &row(&[0.0, 2.0]),
            tail: &row(&[1.0, -4.0]),
        };
        assert_close(&triple.energy(Energy::Squared), &Tensor::from_slice(&[5f32]));
        // Scaled to length 1: (1, 0) + (0, 1) - (1, 0), of length 1.
        assert_close(&triple.energy(Energy::Normalized), &Tensor::from_slice(&[1f32]));
    }

    #[test]
    fn energies_are_those_of_a_published_implementation() {
        let Some(golden) = golden("kg_energy") else { return };
        let parameters = &golden["values"]["TransH_norm1_p1"]["params"];
        let columns: Vec<Vec<i64>> = serde_json::from_value(golden["triples_h_r_t"].clone()).expect("triples");
        let ids = |column: usize| Tensor::from_slice(&columns.iter().map(|triple| triple[column]).collect::<Vec<_>>());
        let rows = |table: &str, column: usize| tensor(&parameters[table]).index_select(0, &ids(column));
        let triples = TransH {
            head: &rows("ent_embeddings.weight", 0),
            translation: &rows("rel_embeddings.weight", 1),
            normal: &rows("norm_vector.weight", 1),
            tail: &rows("ent_embeddings.weight", 2),
        };
        let expected = |name: &str| tensor(&golden["values"][name]["f"]);
        assert_close(&triples.energy(Energy::Normalized), &expected("TransH_norm1_p2"));
        assert_close(&triples.energy(Energy::Squared).sqrt(), &expected("TransH_norm0_p2"));
    }
}
