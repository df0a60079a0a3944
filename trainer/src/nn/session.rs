//! What is taken over the positions of each session of a batch, ragged: softmax and mean.

use tch::{Kind, Tensor};

use super::{gather, scatter_sum};
use crate::batch::Batch;

/// `exp(a_t) / sum of exp(a_j)` over the positions `j` of the session of `t`: `a` `[P, 1]` to `[P, 1]`.
pub fn session_softmax(batch: &Batch, a: &Tensor) -> Tensor {
    // The largest of each session is taken off first: no exponential overflows, and no other session has a say.
    let largest = tch::no_grad(|| {
        let start = Tensor::zeros([batch.size], (a.kind(), a.device()));
        let largest = start.internal_scatter_reduce(0, &batch.rows, &a.detach().squeeze_dim(1), "amax", false); // [B]
        largest.index_select(0, &batch.rows).unsqueeze(1) // [P, 1]
    });
    let e = (a - largest).exp();
    let sum = scatter_sum(&e, &batch.rows, batch.size); // [B, 1]
    e / gather(&sum, &batch.rows)
}

/// The mean of the rows of `x` `[P, d]` over the positions of each session, `[B, d]`.
pub fn session_mean(batch: &Batch, x: &Tensor) -> Tensor {
    scatter_sum(x, &batch.rows, batch.size) / batch.lengths.to_kind(Kind::Float).unsqueeze(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::part;
    use crate::nn::golden::assert_close;

    /// Rows 1, 0, 1, 1 at the positions 0 to 3.
    fn batch() -> Batch {
        Batch::gather(&part(&[&[(1, 1), (9, 1)], &[(1, 1), (2, 1), (3, 1), (9, 1)]], 9, 1), &[0, 1])
    }

    #[test]
    fn weights_of_a_session_add_up_to_one_and_huge_ones_do_not_overflow() {
        let a = Tensor::from_slice(&[1000f32, -1000., 1000., 999.]).unsqueeze(1).set_requires_grad(true);
        let alpha = session_softmax(&batch(), &a);
        // Session 1 has 1000, 1000 and 999: 1 / (2 + 1/e), twice, and (1/e) / (2 + 1/e). Session 0 has one event.
        let share = 1.0 / (2.0 + (-1f32).exp());
        let expected = Tensor::from_slice(&[share, 1., share, share * (-1f32).exp()]).unsqueeze(1);
        assert_close(&alpha, &expected);
        // d alpha_0 / d a = alpha_0 ([t = 0] - alpha_t) within the session, 0 outside it.
        alpha.narrow(0, 0, 1).sum(Kind::Float).backward();
        let own = Tensor::from_slice(&[1f32, 0., 0., 0.]).unsqueeze(1);
        let inside = Tensor::from_slice(&[1f32, 0., 1., 1.]).unsqueeze(1);
        assert_close(&a.grad(), &(f64::from(share) * (own - &expected * inside)));
    }

    #[test]
    fn the_mean_of_a_session_by_hand() {
        let x = Tensor::from_slice(&[1f32, 10., 2., 6.]).unsqueeze(1);
        assert_close(&session_mean(&batch(), &x), &Tensor::from_slice(&[10f32, 3.]).unsqueeze(1));
    }
}
