//! Whether two models differ by more than chance, by how much, and what more runs could show. One file a method; their
//! numbers are held against SciPy's in `reference.rs`.

pub mod bootstrap;
pub mod effect;
pub mod holm;
mod normal;
pub mod power;
pub mod student;
pub mod wilcoxon;

#[cfg(test)]
mod reference;

/// Values no further apart than this count as equal, and differences no larger as none: it is beyond the last bit of a
/// mean over seeds and below any true difference.
const SAME: f64 = 1e-12;

/// The mean and the sample standard deviation (divided by n - 1) of at least two values; nothing of fewer. Values that are
/// the same have none, also where their mean is rounded.
fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.iter().all(|value| (value - values[0]).abs() <= SAME) {
        return Some((mean, 0.0));
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (n - 1.0)).sqrt()))
}
