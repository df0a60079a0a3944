//! Which numbers of a key table were met, and how many.

/// A mark for each number; memory grows with the highest number that was met.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    met: Vec<bool>,
    count: u64,
}

impl Marks {
    /// Marks a number; a negative one stands for a value that is missing, and is not marked.
    pub fn mark(&mut self, number: i32) {
        let Ok(at) = usize::try_from(number) else { return };
        if at >= self.met.len() {
            self.met.resize(at + 1, false);
        }
        self.count += u64::from(!self.met[at]);
        self.met[at] = true;
    }

    /// Whether a number was met.
    pub fn has(&self, number: i32) -> bool {
        usize::try_from(number).is_ok_and(|at| self.met.get(at).copied().unwrap_or(false))
    }

    /// How many numbers were met.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_once_and_a_missing_one_never() {
        let mut marks = Marks::default();
        for number in [3, 0, 3, -1] {
            marks.mark(number);
        }
        assert_eq!(marks.count(), 2);
        assert_eq!([0, 1, 3, 4, -1].map(|number| marks.has(number)), [true, false, true, false, false]);
    }
}
