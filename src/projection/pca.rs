//! Principal components (Pearson, 1901): the two directions along which vectors spread the most.

use super::Rows;

/// Vectors by their two first principal components.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// A point for each row, `[n]`; their mean is 0.
    pub points: Vec<[f64; 2]>,
    /// The share of all variance that lies along the two, from 0 to 1; 0 where nothing varies.
    pub kept: f64,
}

/// Sweeps over a matrix, of which a handful is enough.
const MOST_SWEEPS: usize = 100;

/// Projects rows onto the eigenvectors of their covariance that have the two largest eigenvalues.
///
/// An eigenvector may point either way: its number that is farthest from 0, the first of equals, is made positive.
pub fn pca(rows: &Rows) -> Components {
    let (n, d) = (rows.len(), rows.width());
    if n < 2 {
        return Components { points: vec![[0.0; 2]; n], kept: 0.0 };
    }
    let mut mean = vec![0.0; d];
    for at in 0..n {
        mean.iter_mut().zip(rows.row(at)).for_each(|(mean, value)| *mean += value / n as f64);
    }
    let centred = |at: usize| rows.row(at).iter().zip(&mean).map(|(value, mean)| value - mean).collect::<Vec<f64>>();
    let mut covariance = vec![0.0; d * d];
    for at in 0..n {
        let row = centred(at);
        for i in 0..d {
            for j in 0..d {
                covariance[i * d + j] += row[i] * row[j] / (n - 1) as f64;
            }
        }
    }
    let (values, vectors) = eigen(covariance, d);
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|one, other| values[*other].total_cmp(&values[*one]));
    // A column of `vectors`, pointing the way that is agreed on.
    let axis = |place: usize| {
        let mut axis: Vec<f64> =
            order.get(place).map_or_else(Vec::new, |at| (0..d).map(|i| vectors[i * d + at]).collect());
        let farthest =
            axis.iter().fold(0.0f64, |most, value| if value.abs() > most.abs() + 1e-9 { *value } else { most });
        if farthest < 0.0 {
            axis.iter_mut().for_each(|value| *value = -*value);
        }
        axis
    };
    let axes = [axis(0), axis(1)];
    let along = |row: &[f64], axis: &[f64]| row.iter().zip(axis).map(|(value, weight)| value * weight).sum::<f64>();
    let points = (0..n).map(centred).map(|row| [along(&row, &axes[0]), along(&row, &axes[1])]).collect();
    let all: f64 = values.iter().sum();
    let kept = order.iter().take(2).map(|at| values[*at]).sum::<f64>();
    Components { points, kept: if all > 0.0 { kept / all } else { 0.0 } }
}

/// Eigenvalues and, as columns, eigenvectors of a symmetric matrix `[d, d]`, by Jacobi's rotations (1846): each makes one
/// number off the diagonal 0.
fn eigen(mut matrix: Vec<f64>, d: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors = vec![0.0; d * d];
    (0..d).for_each(|i| vectors[i * d + i] = 1.0);
    let whole: f64 = matrix.iter().map(|value| value * value).sum();
    for _ in 0..MOST_SWEEPS {
        let off: f64 = (0..d * d).filter(|at| at / d != at % d).map(|at| matrix[at] * matrix[at]).sum();
        if off <= 1e-24 * whole {
            break;
        }
        for p in 0..d {
            for q in p + 1..d {
                let off = matrix[p * d + q];
                if off == 0.0 {
                    continue;
                }
                let theta = (matrix[q * d + q] - matrix[p * d + p]) / (2.0 * off);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                let turn = |one: f64, other: f64| (cosine * one - sine * other, sine * one + cosine * other);
                for k in 0..d {
                    let (one, other) = turn(matrix[k * d + p], matrix[k * d + q]);
                    (matrix[k * d + p], matrix[k * d + q]) = (one, other);
                }
                for k in 0..d {
                    let (one, other) = turn(matrix[p * d + k], matrix[q * d + k]);
                    (matrix[p * d + k], matrix[q * d + k]) = (one, other);
                    let (one, other) = turn(vectors[k * d + p], vectors[k * d + q]);
                    (vectors[k * d + p], vectors[k * d + q]) = (one, other);
                }
            }
        }
    }
    ((0..d).map(|i| matrix[i * d + i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        assert!(
            found.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-9),
            "{found:?}, not {expected:?}"
        );
    }

    #[test]
    fn the_eigenvalues_of_small_matrices_are_those_worked_out_by_hand() {
        // (2 - v)^2 = 1: 1 and 3, along (1, -1) and (1, 1).
        let (mut values, vectors) = eigen(vec![2.0, 1.0, 1.0, 2.0], 2);
        let along: Vec<f64> = (0..2).map(|at| (vectors[at] * vectors[2 + at]).signum()).collect();
        assert!(along.contains(&1.0) && along.contains(&-1.0));
        values.sort_by(f64::total_cmp);
        close(&values, &[1.0, 3.0]);
        // The chain of three: 2 and 2 +- the root of 2.
        let (mut values, _) = eigen(vec![2.0, -1.0, 0.0, -1.0, 2.0, -1.0, 0.0, -1.0, 2.0], 3);
        values.sort_by(f64::total_cmp);
        close(&values, &[2.0 - 2f64.sqrt(), 2.0, 2.0 + 2f64.sqrt()]);
    }

    #[test]
    fn points_lie_along_the_directions_of_the_largest_spread() {
        // Along (3, 4) / 5 by -2, 0 and 2 and across it, along (-4, 3) / 5, by 1, -2 and 1, about (10, 20): in the third
        // place nothing moves.
        let at = |along: f64, across: f64| [10.0 + 0.6 * along - 0.8 * across, 20.0 + 0.8 * along + 0.6 * across, 7.0];
        let rows = Rows::new(3, [at(-2.0, 1.0), at(0.0, -2.0), at(2.0, 1.0)].concat());
        let found = pca(&rows);
        // Variances 4 along and 3 across; the larger numbers, 0.8 of the first and -0.8 of the second, become positive.
        close(&found.points.concat(), &[-2.0, -1.0, 0.0, 2.0, 2.0, -1.0]);
        close(&[found.kept], &[1.0]);
    }

    #[test]
    fn what_the_plane_cannot_show_is_left_out_of_what_is_kept() {
        // Two points on each of three axes: variances as 16 to 4 to 1.
        let mut values = vec![0.0; 18];
        for (axis, reach) in [4.0f64, 2.0, 1.0].into_iter().enumerate() {
            (values[6 * axis + axis], values[6 * axis + 3 + axis]) = (reach, -reach);
        }
        close(&[pca(&Rows::new(3, values)).kept], &[20.0 / 21.0]);
    }

    #[test]
    fn rows_that_do_not_differ_and_rows_of_one_number_have_their_points_too() {
        assert_eq!(pca(&Rows::new(2, vec![1.0; 6])).points, [[0.0; 2]; 3]);
        assert_eq!(pca(&Rows::new(2, vec![1.0, 5.0])).points, [[0.0; 2]]);
        close(&pca(&Rows::new(1, vec![1.0, 3.0])).points.concat(), &[-1.0, 0.0, 1.0, 0.0]);
    }
}
