//! What is known of items or users: one value for each attribute, from tables of their own or from the rows of a log.

use hashbrown::HashTable;

use super::keys::{FETCHED, Key, Keys, hash_of_bytes};
use super::reading::Batch;
use super::tally::Tally;
use crate::artifact::table::Text;
use crate::data::events::NONE;

/// What is known of some items or users: one value for each attribute of a row.
#[derive(Default)]
pub(super) struct Values {
    keys: Vec<Key>,
    names: Vec<u8>,
    text: String,
    /// For each value where its text ends; [`ABSENT`] where there is none.
    ends: Vec<usize>,
    /// For each name where its text, the text of its values and the values begin.
    begins: Vec<[usize; 3]>,
    /// Names with their values that have been settled: hash and number.
    settled: HashTable<(u64, u32)>,
    /// Counts worth telling.
    pub tally: Tally,
    began: usize,
}

const ABSENT: usize = usize::MAX;

impl Values {
    /// Begins what is known of a name.
    pub(super) fn name(&mut self, name: &[u8]) {
        self.begins.push([self.names.len(), self.text.len(), self.ends.len()]);
        self.keys.push(Key::new(name, &mut self.names));
    }

    /// Adds the next attribute; empty text is a missing value.
    pub(super) fn push(&mut self, value: Option<&str>) {
        match value {
            Some(value) if !value.is_empty() => {
                self.text.push_str(value);
                self.ends.push(self.text.len());
            }
            _ => self.ends.push(ABSENT),
        }
    }

    /// Ends what is known of a name; what was said of it in the same words already is not kept again.
    pub(super) fn settle(&mut self) {
        let Some(last) = self.keys.len().checked_sub(1) else { return };
        let [_, text, ends] = self.begins[last];
        let key = self.keys[last].hash(&self.names);
        let values = hash_of_bytes(&self.text.as_bytes()[text..]) ^ self.ends.len().wrapping_sub(ends) as u64;
        let hash = values ^ key.rotate_left(17);
        let same = |other: &(u64, u32)| {
            // A row that was undone has left its number here; then the one that has it now is meant.
            let other = other.1 as usize;
            other < last && self.same(other, last)
        };
        if self.settled.find(hash, same).is_some() {
            self.cut(last);
        } else {
            self.settled.insert_unique(hash, (hash, last as u32), |entry| entry.0);
        }
    }

    /// Whether two names are one and have the same values.
    fn same(&self, first: usize, second: usize) -> bool {
        let of = |at: usize| {
            let [_, text, ends] = self.begins[at];
            let next = self.begins.get(at + 1).copied();
            let [_, text_end, ends_end] = next.unwrap_or([0, self.text.len(), self.ends.len()]);
            let lengths = self.ends[ends..ends_end].iter().map(move |end| end.checked_sub(text));
            (&self.text[text..text_end], lengths)
        };
        let ((first_text, first_ends), (second_text, second_ends)) = (of(first), of(second));
        let named = self.keys[first].is_of_same(self.keys[second], &self.names);
        let absent = |end: Option<usize>| end.filter(|end| *end <= self.text.len());
        named && first_text == second_text && first_ends.map(absent).eq(second_ends.map(absent))
    }

    fn cut(&mut self, names: usize) {
        if let Some([long, text, ends]) = self.begins.get(names).copied() {
            self.keys.truncate(names);
            self.begins.truncate(names);
            self.names.truncate(long);
            self.text.truncate(text);
            self.ends.truncate(ends);
        }
    }
}

impl Batch for Values {
    fn begin_row(&mut self) {
        self.began = self.keys.len();
        self.tally.begin_row();
    }

    fn undo_row(&mut self) {
        self.cut(self.began);
        self.tally.undo_row();
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.names.clear();
        self.text.clear();
        self.ends.clear();
        self.begins.clear();
        self.settled.clear();
        self.tally.clear();
        self.began = 0;
    }
}

/// Columns of text in the order of a file, and which row belongs to which number.
pub(super) struct Known {
    names: Vec<String>,
    text: Vec<String>,
    /// For each attribute and row where the value stands in its text: start and length, or [`NOWHERE`].
    spans: Vec<Vec<u64>>,
    /// By number: the row, or [`NONE`].
    rows: Vec<u32>,
    count: u32,
    /// By row: whether another row says otherwise.
    disputed: Vec<bool>,
}

/// Bits of a length: a record, and so a value of it, is shorter than 2^25 bytes even where its letters take two.
const LENGTH: u32 = 25;
const NOWHERE: u64 = u64::MAX;

/// What rows said of a name that an earlier row had named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Repeats {
    /// Rows.
    pub rows: u64,
    /// Names of which rows say different things, told once each.
    pub disputed: u64,
}

impl Known {
    /// Nothing yet, of these attributes.
    pub(super) fn new(names: &[&str]) -> Self {
        let columns = names.len();
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            text: vec![String::new(); columns],
            spans: vec![Vec::new(); columns],
            rows: Vec::new(),
            count: 0,
            disputed: Vec::new(),
        }
    }

    /// Adds values. The first row that names a value stands; answers what later ones say again.
    pub(super) fn take(&mut self, values: &Values, keys: &mut Keys) -> Repeats {
        let (mut from, mut repeats, width) = (0, Repeats::default(), self.names.len());
        for (row, key) in values.keys.iter().enumerate() {
            if row.is_multiple_of(FETCHED) {
                keys.fetch(values.keys[row..].iter().copied().take(FETCHED), &values.names);
            }
            let number = keys.number(*key, &values.names) as usize;
            if number >= self.rows.len() {
                self.rows.resize(number + 1, NONE);
            }
            let first = self.rows[number] == NONE;
            if first {
                self.rows[number] = self.count;
                self.count += 1;
                self.disputed.push(false);
                self.spans.iter_mut().for_each(|spans| spans.push(NOWHERE));
            } else {
                repeats.rows += 1;
            }
            let at = self.rows[number] as usize;
            let mut disputed = false;
            for column in 0..width {
                let end = values.ends[row * width + column];
                if end == ABSENT {
                    continue;
                }
                let value = &values.text[from..end];
                from = end;
                match self.value(column, at) {
                    Some(known) => disputed |= known != value,
                    None => {
                        let text = &mut self.text[column];
                        self.spans[column][at] = (text.len() as u64) << LENGTH | value.len() as u64;
                        text.push_str(value);
                    }
                }
            }
            if disputed && !self.disputed[at] {
                self.disputed[at] = true;
                repeats.disputed += 1;
            }
        }
        repeats
    }

    fn value(&self, column: usize, row: usize) -> Option<&str> {
        let span = self.spans[column][row];
        let start = (span >> LENGTH) as usize;
        (span != NOWHERE).then(|| &self.text[column][start..start + (span & ((1 << LENGTH) - 1)) as usize])
    }

    /// The columns by number.
    pub(super) fn columns(self, numbers: usize) -> Vec<(String, Text)> {
        let value = |column: usize, number: usize| {
            let row = *self.rows.get(number).filter(|row| **row != NONE)? as usize;
            self.value(column, row)
        };
        let column = |at: usize| (0..numbers).map(|number| value(at, number)).collect();
        self.names.iter().enumerate().map(|(at, name)| (name.clone(), column(at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows of a name and two values, as they come out: by name, the first value that was given of each.
    fn taken(rows: &[(String, [Option<String>; 2])], settle: bool) -> (Vec<(String, Text)>, Repeats, usize) {
        let (mut values, mut keys) = (Values::default(), Keys::default());
        for (name, [first, second]) in rows {
            values.begin_row();
            values.name(name.as_bytes());
            values.push(first.as_deref());
            values.push(second.as_deref());
            if settle {
                values.settle();
            }
        }
        let kept = values.keys.len();
        let mut known = Known::new(&["first", "second"]);
        let repeats = known.take(&values, &mut keys);
        (known.columns(keys.len()), repeats, kept)
    }

    fn row() -> impl Strategy<Value = (String, [Option<String>; 2])> {
        let value = || proptest::option::of("[ab]{1,2}");
        (prop_oneof!["[ab]", "long-name-of-an-item-[ab]", "[0-9]"], value(), value()).prop_map(|(n, a, b)| (n, [a, b]))
    }

    proptest! {
        #[test]
        fn what_was_said_already_changes_nothing(rows in proptest::collection::vec(row(), 0..40)) {
            let (plain, all, _) = taken(&rows, false);
            let (settled, fewer, kept) = taken(&rows, true);
            prop_assert_eq!(plain, settled);
            prop_assert_eq!(all.disputed, fewer.disputed);
            let mut distinct = rows.clone();
            distinct.sort();
            distinct.dedup();
            prop_assert_eq!(kept, distinct.len());
        }
    }

    #[test]
    fn the_first_value_stands_a_missing_one_is_filled_in_and_a_dispute_is_told_once() {
        let row = |first: Option<&str>, second: Option<&str>| {
            ("i".to_owned(), [first.map(str::to_owned), second.map(str::to_owned)])
        };
        let rows = [row(Some("a"), None), row(Some("b"), Some("c")), row(Some("d"), Some("c"))];
        let (columns, repeats, _) = taken(&rows, false);
        assert_eq!((columns[0].1.get(0), columns[1].1.get(0)), (Some("a"), Some("c")));
        assert_eq!(repeats, Repeats { rows: 2, disputed: 1 });
    }

    #[test]
    fn a_row_that_is_undone_leaves_nothing() {
        let mut values = Values::default();
        for (name, undo) in [("a", false), ("b", true), ("c", true), ("b", false)] {
            values.begin_row();
            values.name(name.as_bytes());
            values.push(Some(name));
            values.settle();
            if undo {
                values.undo_row();
            }
        }
        let mut keys = Keys::default();
        let mut known = Known::new(&["x"]);
        known.take(&values, &mut keys);
        let columns = known.columns(keys.len());
        assert_eq!(columns[0].1.iter().collect::<Vec<_>>(), [Some("a"), Some("b")]);
    }
}
