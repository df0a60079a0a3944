//! Sets of numbers and counts by number, as small as rows of a key table allow.

/// A set of numbers of a key table: one bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(Vec<u64>);

impl Marks {
    /// Adds a number; a missing one is left out.
    pub fn add(&mut self, number: i32) {
        let Ok(number) = usize::try_from(number) else { return };
        if number / 64 >= self.0.len() {
            self.0.resize(number / 64 + 1, 0);
        }
        self.0[number / 64] |= 1 << (number % 64);
    }

    /// Whether a number is in the set; a missing one never is.
    pub fn has(&self, number: i32) -> bool {
        let word = usize::try_from(number).ok().and_then(|number| self.0.get(number / 64));
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// How often each number of a key table was met.
#[derive(Debug, Clone, Default)]
pub struct Counts(Vec<u32>);

impl Counts {
    /// Counts a number some times more; a missing one is left out.
    pub fn add(&mut self, number: i32, times: usize) {
        let Ok(number) = usize::try_from(number) else { return };
        if number >= self.0.len() {
            self.0.resize(number + 1, 0);
        }
        self.0[number] = self.0[number].saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }

    /// The numbers that were met, and met no less and no more often than this.
    pub fn within(&self, least: u32, most: u32) -> Marks {
        let mut marks = Marks::default();
        for (number, count) in (0..).zip(&self.0) {
            if (least.max(1)..=most).contains(count) {
                marks.add(number);
            }
        }
        marks
    }

    /// Whether each number that was met was met this often.
    pub fn all_reach(&self, least: u32) -> bool {
        self.0.iter().all(|count| *count == 0 || *count >= least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_added_and_nothing_that_is_missing() {
        let mut marks = Marks::default();
        [0, 63, 64, 63, -1].into_iter().for_each(|number| marks.add(number));
        let has: Vec<bool> = [-1, 0, 1, 63, 64, 65, 1_000_000].into_iter().map(|number| marks.has(number)).collect();
        assert_eq!((has, marks.count()), (vec![false, true, false, true, true, false, false], 3));
    }

    #[test]
    fn numbers_that_were_never_met_are_within_no_bounds() {
        let mut counts = Counts::default();
        [(4, 2), (1, 3), (4, 1), (-1, 9)].into_iter().for_each(|(number, times)| counts.add(number, times));
        assert_eq!((counts.within(0, 9).count(), counts.within(4, 9).count(), counts.within(0, 2).count()), (2, 0, 0));
        assert!(counts.all_reach(3) && !counts.all_reach(4));
    }
}
