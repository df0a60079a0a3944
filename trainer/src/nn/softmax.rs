//! The softmax over all items with the cross-entropy of the targets: our own kernel on the host, libtorch's on a GPU.

use tch::{Kind, Tensor};

use crate::native;

/// The softmax of scores `[B, V]`, row by row, in the memory of the scores.
#[derive(Debug)]
pub(super) struct Softmax {
    /// Mean cross-entropy of the targets, `-ln p[target]`, a scalar.
    pub(super) loss: Tensor,
    /// `exp(score - largest of the row)`, `[B, V]`: the softmax is `exponentials * share`.
    pub(super) exponentials: Tensor,
    /// One over the sum of the row's exponentials, `[B, 1]`. Whoever multiplies with a row puts this factor on the short
    /// side of the product.
    pub(super) share: Tensor,
}

impl Softmax {
    /// Of `scores`, which nobody else uses, and the place of each row's target, `[B]` int64 from 0.
    pub(super) fn of(scores: Tensor, places: &Tensor) -> Self {
        if native::serve(&scores) {
            let (loss, share) = native::softmax(&scores, places);
            return Self { loss, exponentials: scores, share };
        }
        Self::by_tensors(&scores, places)
    }

    pub(super) fn by_tensors(scores: &Tensor, places: &Tensor) -> Self {
        let mut log_p = scores.log_softmax(-1, None::<Kind>);
        let loss = -log_p.gather(1, &places.unsqueeze(1), false).mean(Kind::Float);
        let share = Tensor::ones([scores.size()[0], 1], (scores.kind(), scores.device()));
        Self { loss, exponentials: log_p.exp_(), share }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    fn check(scores: &Tensor, places: &[i64]) {
        let places = Tensor::from_slice(places);
        let (ours, theirs) = (Softmax::of(scores.copy(), &places), Softmax::by_tensors(scores, &places));
        assert!(ours.loss.allclose(&theirs.loss, 1e-5, 1e-6, false), "{} {}", ours.loss, theirs.loss);
        let p = &ours.exponentials * &ours.share;
        assert!(p.allclose(&theirs.exponentials, 1e-5, 1e-9, false));
        assert!(p.sum_dim_intlist(-1, false, Kind::Double).allclose(&Tensor::from(1.0), 1e-5, 1e-6, false));
    }

    #[test]
    fn our_kernel_agrees_with_libtorch_at_every_width() {
        tch::manual_seed(3);
        // Narrower than a register, a multiple of all blocks, one more, and several stretches of sums.
        for items in [1, 3, 64, 65, 1_003, 40_001] {
            let scores = Tensor::randn([5, items], (Kind::Float, Device::Cpu)) * 4;
            check(&scores, &[0, items - 1, items / 2, 0, items / 3]);
        }
    }

    #[test]
    fn scores_far_apart_neither_overflow_nor_lose_the_loss() {
        let scores = Tensor::from_slice(&[1e4f32, -1e4, 0.0, -500.0, -500.0, -500.5]).view([2, 3]);
        check(&scores, &[0, 2]);
        let far = Softmax::of(scores.copy(), &Tensor::from_slice(&[1i64, 0]));
        assert!((f64::try_from(&far.loss).expect("a number") - 10_000.0).abs() < 1.0, "{}", far.loss);
    }

    #[test]
    fn a_score_that_is_not_a_number_makes_the_loss_none() {
        let scores = Tensor::from_slice(&[1f32, f32::NAN, 2.0, 3.0]).view([1, 4]);
        assert!(f64::try_from(&Softmax::of(scores, &Tensor::from_slice(&[0i64])).loss).expect("a number").is_nan());
    }

    #[test]
    fn exponentials_are_right_to_a_unit_in_the_last_place() {
        let steps: Vec<f32> = (0..100_000).map(|step| -86.9 * step as f32 / 1e5).collect();
        let scores = Tensor::from_slice(&steps).view([1, -1]);
        let found = Softmax::of(scores, &Tensor::from_slice(&[0i64])).exponentials;
        let found = Vec::<f32>::try_from(found.view([-1])).expect("floats");
        for (found, x) in found.into_iter().zip(steps) {
            let expected = f64::from(x).exp();
            assert!(
                (f64::from(found) / expected - 1.0).abs() < f64::from(f32::EPSILON),
                "{x}: {found}, not {expected}"
            );
        }
    }
}
