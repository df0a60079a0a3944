//! Names to numbers: the first name that is met is 0, the next new one 1. Small whole numbers, short names and long ones
//! each have a table that suits them, since a log asks for several names a row.

mod long;

use std::hint::black_box;

use hashbrown::HashTable;

use crate::artifact::table::Text;
use crate::diagnostic::Diagnostic;
use long::Long;

/// Whole numbers below this have their place in a plain list: at most 128 MB of it, and only where they occur.
const DENSE: u32 = 1 << 25;

/// Bytes of a name that is compared as one number.
const SHORT: usize = 15;

/// A name on its way to its number: the number that it is, or where it stands among the long names of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u64);

/// The bit of keys that are whole numbers.
const NUMBER: u64 = 1 << 63;

/// The bit of numbers that are rows.
const ROW: u64 = 1 << 62;

/// Names that [`Keys::fetch`] takes at a time.
pub(super) const FETCHED: usize = 64;

/// Bits of the length of a name; the place stands above them.
const LENGTH: u32 = 25;

impl Key {
    /// No name.
    pub(super) const NONE: Self = Self(u64::MAX);

    /// The key of a name. One that is no small whole number is put behind `text`, with which the key is then read; before
    /// a long one stands its hash, so that the thread that numbers names need not compute it.
    #[inline]
    pub(super) fn new(name: &[u8], text: &mut Vec<u8>) -> Self {
        Self::of_number(name).unwrap_or_else(|| {
            if name.len() > SHORT {
                text.extend_from_slice(&hash_of_bytes(name).to_le_bytes());
            }
            Self::append(name, text)
        })
    }

    /// The key of a small whole number.
    #[inline]
    pub(super) fn of_number(name: &[u8]) -> Option<Self> {
        small(name).map(|number| Self(NUMBER | u64::from(number)))
    }

    /// The key of what has no name but the row on which it stands: so many rows of a batch before it.
    pub(super) fn of_row(row: u32) -> Self {
        Self(NUMBER | ROW | u64::from(row))
    }

    /// The row of [`Key::of_row`].
    #[inline]
    pub(super) fn row(self) -> Option<u32> {
        (self.0 & ROW != 0 && self.0 & NUMBER != 0 && self != Self::NONE).then_some(self.0 as u32)
    }

    /// A hash of the name, the same on every machine.
    pub(super) fn hash(self, text: &[u8]) -> u64 {
        match self.number() {
            Some(number) => hash(number as u128),
            None => self.hash_of_long(text).unwrap_or_else(|| hash_of_bytes(self.name(text))),
        }
    }

    /// The hash that stands before a long name.
    #[inline]
    fn hash_of_long(self, text: &[u8]) -> Option<u64> {
        let long = self.0 & NUMBER == 0 && self.length() > SHORT;
        long.then(|| text[..self.start()].last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    /// Whether two keys that were made with the same text are of one name.
    pub(super) fn is_of_same(self, other: Self, text: &[u8]) -> bool {
        match (self.number(), other.number()) {
            (None, None) => self.name(text) == other.name(text),
            (one, another) => one == another,
        }
    }

    fn append(name: &[u8], text: &mut Vec<u8>) -> Self {
        let start = text.len() as u64;
        text.extend_from_slice(name);
        Self(start << LENGTH | name.len() as u64)
    }

    fn number(self) -> Option<usize> {
        (self.0 & NUMBER != 0).then_some((self.0 & !NUMBER) as usize)
    }

    /// The name among the names that are no small numbers.
    fn name(self, text: &[u8]) -> &[u8] {
        &text[self.start()..self.start() + self.length()]
    }

    fn start(self) -> usize {
        (self.0 >> LENGTH) as usize
    }

    fn length(self) -> usize {
        (self.0 & ((1 << LENGTH) - 1)) as usize
    }
}

/// A whole number as people write it, without leading zeros, if it is small.
#[inline]
fn small(name: &[u8]) -> Option<u32> {
    if name.is_empty() || name.len() > 8 || (name[0] == b'0' && name.len() > 1) {
        return None;
    }
    let mut value = 0_u32;
    for digit in name {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
    }
    (value < DENSE).then_some(value)
}

/// Names and their numbers.
#[derive(Default)]
pub(super) struct Keys {
    /// By small whole number: its number in this table plus 1, or 0.
    dense: Vec<u32>,
    /// Names of at most [`SHORT`] bytes as one number, which also tells their length.
    short: HashTable<(u128, u32)>,
    long: Long,
    /// By number.
    names: Vec<Key>,
    text: Vec<u8>,
}

impl Keys {
    /// The number of a name, which is added if it is new. `text` is what the key was made with.
    #[inline]
    pub(super) fn number(&mut self, key: Key, text: &[u8]) -> u32 {
        match key.number() {
            Some(at) => match self.dense.get(at) {
                Some(number) if *number > 0 => number - 1,
                _ => self.add_dense(at, key),
            },
            None => match key.hash_of_long(text) {
                Some(hash) => self.number_of_long(hash, key.name(text)),
                None => self.number_of_short(key.name(text)),
            },
        }
    }

    /// Fetches what the numbers of these keys, at most [`FETCHED`], are found by. The processor waits for many places of
    /// memory together here; one name after the other it would wait for each.
    pub(super) fn fetch(&self, keys: impl Iterator<Item = Key>, text: &[u8]) {
        if self.long.is_empty() {
            return;
        }
        let (mut found, mut count) = ([0; FETCHED], 0);
        for hash in keys.filter_map(|key| key.hash_of_long(text)).take(FETCHED) {
            if let Some(number) = self.long.find(hash, |_| true) {
                found[count] = number;
                count += 1;
            }
        }
        let names = found.map(|number| self.names[number as usize]);
        let fetch = |key: &Key| self.text.get(key.start()).copied().unwrap_or_default();
        black_box(names[..count].iter().map(fetch).fold(0, u8::wrapping_add));
        let fetch = |key: &Key| self.text.get(key.start() + key.length() - 1).copied().unwrap_or_default();
        black_box(names[..count].iter().map(fetch).fold(0, u8::wrapping_add));
    }

    fn add_dense(&mut self, at: usize, key: Key) -> u32 {
        if at >= self.dense.len() {
            self.dense.resize((at + 1).next_power_of_two(), 0);
        }
        self.names.push(key);
        self.dense[at] = self.names.len() as u32;
        self.dense[at] - 1
    }

    fn number_of_short(&mut self, name: &[u8]) -> u32 {
        let Self { short, names, text, .. } = self;
        let packed = pack(name);
        let entry = short.entry(hash(packed), |(known, _)| *known == packed, |(known, _)| hash(*known));
        let entry = entry.or_insert_with(|| {
            names.push(Key::append(name, text));
            (packed, names.len() as u32 - 1)
        });
        entry.get().1
    }

    fn number_of_long(&mut self, hash: u64, name: &[u8]) -> u32 {
        let Self { long, names, text, .. } = self;
        if let Some(number) = long.find(hash, |number| names[number as usize].name(text) == name) {
            return number;
        }
        names.push(Key::append(name, text));
        let number = names.len() as u32 - 1;
        long.insert(hash, number);
        number
    }

    /// The number of a name, if it has one.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<u32> {
        if let Some(at) = Key::of_number(name).and_then(Key::number) {
            return self.dense.get(at)?.checked_sub(1);
        }
        if name.len() <= SHORT {
            let packed = pack(name);
            return self.short.find(hash(packed), |(known, _)| *known == packed).map(|(_, number)| *number);
        }
        self.long.find(hash_of_bytes(name), |number| self.names[number as usize].name(&self.text) == name)
    }

    /// How many names.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names by number.
    pub(super) fn names(&self) -> Text {
        Text::full(self.names.iter().map(|key| match key.number() {
            Some(number) => number.to_string(),
            None => String::from_utf8_lossy(key.name(&self.text)).into_owned(),
        }))
    }

    /// Refuses more names than a table can number.
    ///
    /// # Errors
    /// Past 2^31 names; `what` are they.
    pub(super) fn check(&self, what: &str) -> Result<(), Diagnostic> {
        if self.names.len() <= i32::MAX as usize {
            return Ok(());
        }
        Err(Diagnostic::new(format!("the log has more than 2,147,483,647 {what}")).help("take a part of the log"))
    }
}

/// A short name as one number.
fn pack(name: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name);
    bytes[SHORT] = name.len() as u8;
    u128::from_le_bytes(bytes)
}

const SEEDS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];

/// Folds two halves into one another by a wide product, as wyhash does.
fn fold(low: u64, high: u64) -> u64 {
    let wide = u128::from(low) * u128::from(high);
    wide as u64 ^ (wide >> 64) as u64
}

fn hash(key: u128) -> u64 {
    fold(key as u64 ^ SEEDS[0], (key >> 64) as u64 ^ SEEDS[1])
}

/// A hash of a name, the same on every machine.
pub(super) fn hash_of_bytes(bytes: &[u8]) -> u64 {
    let (lanes, rest) = bytes.as_chunks::<16>();
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    let lanes = lanes.iter().chain([&last]);
    let folded = lanes.fold(bytes.len() as u64, |state, lane| {
        let lane = u128::from_le_bytes(*lane);
        fold(lane as u64 ^ SEEDS[0] ^ state, (lane >> 64) as u64 ^ SEEDS[1])
    });
    fold(folded ^ SEEDS[1], SEEDS[0])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9]{1,9}", "0?[0-3]", "[a-c]{0,2}", "[a-b]{14,18}", "x{30,60}", "é{6,9}"]
    }

    proptest! {
        #[test]
        fn each_name_has_one_number_in_the_order_of_first_sight(
            names in proptest::collection::vec(name(), 0..200),
        ) {
            let (mut keys, mut known) = (Keys::default(), BTreeMap::new());
            for name in &names {
                let mut text = b"before".to_vec();
                let key = Key::new(name.as_bytes(), &mut text);
                let next = known.len() as u32;
                prop_assert_eq!(keys.find(name.as_bytes()), known.get(name).copied());
                prop_assert_eq!(keys.number(key, &text), *known.entry(name.clone()).or_insert(next));
            }
            let written = keys.names();
            prop_assert_eq!(written.len(), known.len());
            for (name, number) in known {
                prop_assert_eq!(written.at(number as usize), name);
            }
        }
    }

    #[test]
    fn a_number_with_leading_zeros_is_another_name_than_the_number() {
        let mut keys = Keys::default();
        let mut number = |name: &str| {
            let mut text = Vec::new();
            let key = Key::new(name.as_bytes(), &mut text);
            keys.number(key, &text)
        };
        assert_eq!([number("7"), number("07"), number("007"), number("7")], [0, 1, 2, 0]);
    }
}
