//! Draws things by how often they occur, from a generator of ours.

use crate::seed::SplitMix;

/// Items in proportion to a power of how often they occur, one draw in constant time (Walker 1977; Vose 1991).
#[derive(Debug)]
pub struct Popularity {
    /// One column for each item that occurs: its number, ...
    items: Vec<i64>,
    /// ... up to which rest of a draw the column stands for it, ...
    thresholds: Vec<u64>,
    /// ... and for which column it stands beyond that.
    others: Vec<usize>,
}

impl Popularity {
    /// Draws item `j` in proportion to `counts[j]^alpha`, and never one whose count is 0.
    pub fn new(counts: &[u32], alpha: f64) -> Self {
        let items: Vec<i64> = (0i64..).zip(counts).filter(|(_, count)| **count > 0).map(|(item, _)| item).collect();
        let weights: Vec<f64> = counts.iter().filter(|count| **count > 0).map(|&c| f64::from(c).powf(alpha)).collect();
        let mean = weights.iter().sum::<f64>() / items.len() as f64;
        // What each column holds of a whole draw. A small one is filled up from a large one, which keeps the rest.
        let mut share: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut others: Vec<usize> = (0..items.len()).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..items.len()).partition(|&column| share[column] < 1.0);
        while let (Some(&giver), Some(column)) = (large.last(), small.pop()) {
            others[column] = giver;
            share[giver] -= 1.0 - share[column];
            if share[giver] < 1.0 {
                large.pop();
                small.push(giver);
            }
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 64 bits, kept in them")]
        let thresholds = share.iter().map(|share| (share * 2f64.powi(64)) as u64).collect();
        Self { items, thresholds, others }
    }

    /// Draws `count` items into `drawn`, each for itself.
    pub fn draw(&self, generator: &mut SplitMix, count: usize, drawn: &mut Vec<i64>) {
        drawn.clear();
        drawn.extend((0..count).map(|_| {
            let (column, rest) = generator.below_with_rest(self.items.len() as u64);
            let column = usize::try_from(column).expect("a column");
            self.items[if rest < self.thresholds[column] { column } else { self.others[column] }]
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    #[test]
    fn an_item_is_drawn_in_proportion_to_a_power_of_its_count() {
        for alpha in [0.0, 0.5, 1.0] {
            let counts = [0, 4, 0, 100, 25, 9, 1];
            let weight = |count: u32| if count == 0 { 0.0 } else { f64::from(count).powf(alpha) };
            let total: f64 = counts.iter().map(|&count| weight(count)).sum();
            let mut drawn = Vec::new();
            Popularity::new(&counts, alpha).draw(&mut Stream::Negatives.generator(3, 1), 200_000, &mut drawn);
            for (item, &count) in (0i64..).zip(&counts) {
                let found = drawn.iter().filter(|&&other| other == item).count() as f64 / drawn.len() as f64;
                let expected = weight(count) / total;
                // Five standard errors.
                let error = 5.0 * (expected * (1.0 - expected) / 200_000.0).sqrt();
                assert!((found - expected).abs() <= error, "alpha {alpha}, item {item}: {found}, not {expected}");
            }
        }
    }
}
