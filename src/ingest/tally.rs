//! Counts of what rows leave out or lack, kept on the threads that read rows, so that nothing is dropped in silence.

use crate::engine::stage::Task;

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    counts: Vec<(&'static str, u64)>,
    /// What the present row has added, by place in `counts`.
    of_row: Vec<usize>,
}

impl Tally {
    /// Counts one of these.
    pub(super) fn add(&mut self, what: &'static str) {
        let at = self.place(what);
        self.counts[at].1 += 1;
        self.of_row.push(at);
    }

    /// A row begins.
    pub(super) fn begin_row(&mut self) {
        self.of_row.clear();
    }

    /// The row that began last cannot be read: what it added goes.
    pub(super) fn undo_row(&mut self) {
        for at in self.of_row.drain(..) {
            self.counts[at].1 -= 1;
        }
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.counts.clear();
        self.of_row.clear();
    }

    /// Adds the counts of another.
    pub(super) fn merge(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            let at = self.place(what);
            self.counts[at].1 += count;
        }
    }

    /// Leaves the counts in the manifest; what never occurred is not told.
    pub(super) fn note(&self, task: &Task<'_>) {
        for (what, count) in self.counts.iter().filter(|(_, count)| *count > 0) {
            task.note(what, *count);
        }
    }

    fn place(&mut self, what: &'static str) -> usize {
        // A format counts a handful of things.
        self.counts.iter().position(|(known, _)| *known == what).unwrap_or_else(|| {
            self.counts.push((what, 0));
            self.counts.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_cannot_be_read_takes_its_counts_back() {
        let (mut tally, mut all) = (Tally::default(), Tally::default());
        tally.begin_row();
        tally.add("a");
        tally.begin_row();
        tally.add("a");
        tally.add("b");
        tally.undo_row();
        all.merge(&tally);
        all.merge(&tally);
        assert_eq!(all.counts, [("a", 2), ("b", 0)]);
    }
}
