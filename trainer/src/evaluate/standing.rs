//! Where targets stand among the scores of their rows: counted in one look at each score on the host, by comparisons of
//! whole tensors on a GPU.

use tch::{Kind, Tensor};

use crate::native;

/// How many scores of each row there are, each count `[B]` int64.
pub(super) struct Standing {
    /// Above that of the target.
    pub(super) above: Tensor,
    /// Equal to it, its own among them.
    pub(super) same: Tensor,
    /// Not a number.
    pub(super) wrong: Tensor,
}

impl Standing {
    /// Of scores `[B, V]`, with the places of the targets `[B]` int64, from 0.
    pub(super) fn of(scores: &Tensor, places: &Tensor) -> Self {
        if native::serve(scores) {
            let [above, same, wrong] = native::stand(scores, places);
            return Self { above, same, wrong };
        }
        Self::by_tensors(scores, places)
    }

    fn by_tensors(scores: &Tensor, places: &Tensor) -> Self {
        let target = scores.gather(1, &places.unsqueeze(1), false); // [B, 1]
        let count = |hits: &Tensor| hits.sum_dim_intlist(-1, false, Kind::Int64);
        Self {
            above: count(&scores.gt_tensor(&target)),
            same: count(&scores.eq_tensor(&target)),
            wrong: count(&scores.isnan()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn the_host_counts_as_comparisons_of_tensors_do() {
        tch::manual_seed(7);
        for kind in [Kind::Float, Kind::Double] {
            // 37 rows of 1,003 scores: no width of a register divides them. One decimal, so that many are equal.
            let scores = (Tensor::randn([37, 1_003], (kind, Device::Cpu)) * 10).round() / 10;
            let places = Tensor::randint(1_003, [37], (Kind::Int64, Device::Cpu));
            let _ = scores.get(1).masked_fill_(&scores.get(1).gt(0.5), f64::NEG_INFINITY);
            let _ = scores.get(2).slice(0, 5, 9, 1).fill_(f64::NAN);
            let _ = scores.get(3).fill_(f64::NEG_INFINITY);
            let _ = scores.get(4).fill_(0.25);
            let (here, there) = (Standing::of(&scores, &places), Standing::by_tensors(&scores, &places));
            for (here, there) in [(&here.above, &there.above), (&here.same, &there.same), (&here.wrong, &there.wrong)] {
                assert_eq!(here, there, "{kind:?}");
            }
            assert_eq!(i64::try_from(here.same.get(4)).unwrap(), 1_003);
            assert_eq!(i64::try_from(here.wrong.sum(Kind::Int64)).unwrap(), 4);
        }
    }

    #[test]
    fn rows_of_a_larger_tensor_are_counted_where_they_lie() {
        let scores = Tensor::from_slice(&[0f32, 3., 1., 2., 9., 9.]).view([3, 2]).tr(); // rows 0 1 9 and 3 2 9
        let standing = Standing::of(&scores, &Tensor::from_slice(&[1i64, 0]));
        assert_eq!(Vec::<i64>::try_from(&standing.above).unwrap(), [1, 1]);
    }
}
