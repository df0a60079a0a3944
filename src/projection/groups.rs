//! How groups of vectors lie to each other in the space of the vectors, not in a map of it. Distances are Euclidean.

use super::Rows;

/// How far groups stand apart. None of the numbers changes when all vectors are made longer alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apartness {
    /// The mean silhouette (Rousseeuw, 1987), from -1 to 1: 1 where each group is tight and far from the others, 0 where
    /// they overlap.
    pub silhouette: f64,
    /// The mean share of a vector's nearest neighbours that are of its group.
    pub neighbours: f64,
    /// The same share if neighbours were drawn by chance.
    pub by_chance: f64,
    /// The mean distance between vectors of different groups, divided by that between vectors of one group.
    pub between_within: f64,
}

/// Looks at rows whose groups, numbered from 0, are `group`; `k` neighbours of each row count, of equally near ones those
/// that come first.
///
/// # Panics
/// When there are not as many groups as rows, or fewer than two different ones.
pub fn apartness(rows: &Rows, group: &[usize], k: usize) -> Apartness {
    let n = rows.len();
    let count = group.iter().max().map_or(0, |last| last + 1);
    let mut sizes = vec![0usize; count];
    group.iter().for_each(|at| sizes[*at] += 1);
    assert!(group.len() == n && sizes.iter().filter(|size| **size > 0).count() > 1, "two groups or more, one a row");
    let distances: Vec<f64> = rows.squared_distances().into_iter().map(f64::sqrt).collect();
    let (mut silhouette, mut neighbours, mut by_chance) = (0.0, 0.0, 0.0);
    let (mut within, mut between) = ((0.0, 0usize), (0.0, 0usize));
    for i in 0..n {
        let mut sums = vec![0.0; count];
        (0..n).for_each(|j| sums[group[j]] += distances[i * n + j]);
        let own = group[i];
        within = (within.0 + sums[own], within.1 + sizes[own] - 1);
        between = (between.0 + sums.iter().sum::<f64>() - sums[own], between.1 + n - sizes[own]);
        if sizes[own] > 1 {
            let inside = sums[own] / (sizes[own] - 1) as f64;
            let others = (0..count).filter(|other| *other != own && sizes[*other] > 0);
            let nearest = others.map(|other| sums[other] / sizes[other] as f64).fold(f64::INFINITY, f64::min);
            let larger = inside.max(nearest);
            silhouette += if larger > 0.0 { (nearest - inside) / larger } else { 0.0 };
        }
        let mut order: Vec<usize> = (0..n).filter(|j| *j != i).collect();
        order.sort_by(|one, other| distances[i * n + one].total_cmp(&distances[i * n + other]));
        order.truncate(k);
        neighbours += order.iter().filter(|j| group[**j] == own).count() as f64 / order.len() as f64;
        by_chance += (sizes[own] - 1) as f64 / (n - 1) as f64;
    }
    let mean = |(sum, count): (f64, usize)| sum / count as f64;
    let n = n as f64;
    Apartness {
        silhouette: silhouette / n,
        neighbours: neighbours / n,
        by_chance: by_chance / n,
        between_within: mean(between) / mean(within),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pairs_on_a_line_stand_apart_as_worked_out_by_hand() {
        // 0 and 1 are of one group, 4 and 6 of the other.
        let found = apartness(&Rows::new(1, vec![0.0, 1.0, 4.0, 6.0]), &[0, 0, 1, 1], 1);
        // 0: 1 inside, 5 outside: 4/5. 1: 1 and 4: 3/4. 4: 2 and 3.5: 1.5/3.5. 6: 2 and 5.5: 3.5/5.5.
        let silhouette = (0.8 + 0.75 + 1.5 / 3.5 + 3.5 / 5.5) / 4.0;
        assert!((found.silhouette - silhouette).abs() < 1e-12, "{found:?}");
        assert_eq!((found.neighbours, found.by_chance), (1.0, 1.0 / 3.0));
        // Between: 4, 6, 3 and 5; within: 1 and 2.
        assert!((found.between_within - 4.5 / 1.5).abs() < 1e-12);
    }

    #[test]
    fn groups_that_alternate_are_nobodys_neighbours() {
        let found = apartness(&Rows::new(1, vec![0.0, 1.0, 2.0, 3.0]), &[0, 1, 0, 1], 1);
        // Each row's nearest, and of the two beside an inner row the first, is of the other group.
        assert_eq!(found.neighbours, 0.0);
        assert!(found.silhouette < 0.0 && found.between_within < 1.0, "{found:?}");
    }

    #[test]
    fn a_row_that_is_alone_in_its_group_has_no_silhouette() {
        let found = apartness(&Rows::new(1, vec![0.0, 1.0, 9.0]), &[0, 0, 1], 2);
        assert!((found.silhouette - (8.0 / 9.0 + 7.0 / 8.0) / 3.0).abs() < 1e-12, "{found:?}");
        // Of two neighbours one is of the group, for two rows of three.
        assert!((found.neighbours - 1.0 / 3.0).abs() < 1e-12);
    }
}
