//! The two moves between rows of one ragged tensor and rows of another; each is the other's gradient.

use tch::Tensor;

/// Row `ids[i]` of `rows` `[n, d]` for each `i`, `[m, d]`.
pub fn gather(rows: &Tensor, ids: &Tensor) -> Tensor {
    // Not `index_select`: the gradient of an embedding is one loop over the rows on the host.
    Tensor::embedding(rows, ids, -1, false, false)
}

/// The sum of the rows of `values` `[m, d]` that share an id in `0..count`, `[count, d]`; zero where there is none.
pub fn scatter_sum(values: &Tensor, ids: &Tensor, count: i64) -> Tensor {
    if ids.numel() == 0 {
        return Tensor::zeros([count, values.size()[1]], (values.kind(), values.device()));
    }
    // The gradient of `gather`, taken forward: the fastest ordered sum that libtorch has, and differentiable.
    Tensor::embedding_dense_backward(values, ids, count, -1, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scattered_sum_and_its_gradient_by_hand() {
        let values = Tensor::from_slice(&[1f32, 2., 3., 4., 5., 6.]).reshape([3, 2]).set_requires_grad(true);
        let sum = scatter_sum(&values, &Tensor::from_slice(&[2i64, 0, 2]), 3);
        assert_eq!(Vec::<f32>::try_from(sum.detach().flatten(0, 1)).expect("floats"), [3., 4., 0., 0., 6., 8.]);
        let weight = Tensor::from_slice(&[1f32, 10., 100.]).reshape([3, 1]);
        (sum * weight).sum(tch::Kind::Float).backward();
        let gradient: Vec<f32> = Vec::try_from(values.grad().flatten(0, 1)).expect("floats");
        assert_eq!(gradient, [100., 100., 1., 1., 100., 100.]);
    }
}
