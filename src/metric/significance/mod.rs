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

/// The mean and the sample standard deviation (divided by n - 1) of at least two values; nothing of fewer.
fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (n - 1.0)).sqrt()))
}
