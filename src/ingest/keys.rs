//! Names to numbers: the first name that is met is 0, the next new one 1. Small whole numbers, short names and long ones
//! each have a table that suits them, since a log asks for several names a row.

use hashbrown::HashTable;

use crate::artifact::table::Text;
use crate::diagnostic::Diagnostic;

/// Whole numbers below this have their place in a plain list: at most 128 MB of it, and only where they occur.
const DENSE: u32 = 1 << 25;

/// Bytes of a name that a key holds itself.
const SHORT: usize = 15;

/// A name on its way to its number, in 16 bytes whose last tells what the others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u128);

const NUMBER: u8 = 0x40;
const LONG: u8 = 0x41;
const ABSENT: u8 = 0xff;

impl Key {
    /// No name.
    pub const NONE: Self = Self((ABSENT as u128) << 120);

    /// The key of a name. Long names are put behind `long`, with which the key is then read.
    pub fn new(name: &[u8], long: &mut Vec<u8>) -> Self {
        if let Some(number) = small(name) {
            return Self::tagged(NUMBER, u128::from(number));
        }
        if name.len() <= SHORT {
            let mut bytes = [0; 16];
            bytes[..name.len()].copy_from_slice(name);
            return Self::tagged(name.len() as u8, u128::from_le_bytes(bytes));
        }
        let start = long.len();
        long.extend_from_slice(name);
        Self::tagged(LONG, (start as u128) << 32 | name.len() as u128)
    }

    fn tagged(tag: u8, rest: u128) -> Self {
        Self(u128::from(tag) << 120 | rest)
    }

    fn tag(self) -> u8 {
        (self.0 >> 120) as u8
    }

    /// Where a long name stands.
    fn range(self) -> std::ops::Range<usize> {
        let start = (self.0 >> 32) as u64 as usize & ((1 << 56) - 1);
        start..start + self.0 as u32 as usize
    }
}

/// A whole number as people write it, without leading zeros, if it is small.
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
pub struct Keys {
    /// By small number: its number in this table plus 1, or 0.
    dense: Vec<u32>,
    short: HashTable<(u128, u32)>,
    long: HashTable<u32>,
    /// By number.
    names: Vec<Key>,
    bytes: Vec<u8>,
}

impl Keys {
    /// The number of a name, which is added if it is new. `long` is what the key was made with.
    pub fn number(&mut self, key: Key, long: &[u8]) -> u32 {
        let next = self.names.len() as u32;
        match key.tag() {
            NUMBER => {
                let at = key.0 as u32 as usize;
                if at >= self.dense.len() {
                    self.dense.resize((at + 1).next_power_of_two(), 0);
                }
                if self.dense[at] == 0 {
                    self.dense[at] = next + 1;
                    self.names.push(key);
                }
                self.dense[at] - 1
            }
            LONG => {
                let name = &long[key.range()];
                let (names, bytes) = (&self.names, &self.bytes);
                let same = |number: &u32| bytes[names[*number as usize].range()] == *name;
                if let Some(number) = self.long.find(hash_of_bytes(name), same) {
                    return *number;
                }
                let start = self.bytes.len();
                self.bytes.extend_from_slice(name);
                self.names.push(Key::tagged(LONG, (start as u128) << 32 | name.len() as u128));
                let (names, bytes) = (&self.names, &self.bytes);
                let again = |number: &u32| hash_of_bytes(&bytes[names[*number as usize].range()]);
                self.long.insert_unique(hash_of_bytes(name), next, again);
                next
            }
            _ => {
                let entry = self.short.entry(hash(key.0), |(known, _)| *known == key.0, |(known, _)| hash(*known));
                let names = &mut self.names;
                entry
                    .or_insert_with(|| {
                        names.push(key);
                        (key.0, next)
                    })
                    .get()
                    .1
            }
        }
    }

    /// The number of a name, if it has one.
    pub fn find(&self, name: &[u8]) -> Option<u32> {
        if name.len() > SHORT {
            let same = |number: &u32| self.bytes[self.names[*number as usize].range()] == *name;
            return self.long.find(hash_of_bytes(name), same).copied();
        }
        // Nothing of a short name is put behind the key.
        let key = Key::new(name, &mut Vec::new());
        if key.tag() == NUMBER {
            return self.dense.get(key.0 as u32 as usize)?.checked_sub(1);
        }
        self.short.find(hash(key.0), |(known, _)| *known == key.0).map(|(_, number)| *number)
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The names by number.
    pub fn names(&self) -> Text {
        let mut digits = [0; 16];
        let mut name = |key: &Key| -> String {
            let bytes = match key.tag() {
                NUMBER => return (key.0 as u32).to_string(),
                LONG => &self.bytes[key.range()],
                length => {
                    digits = key.0.to_le_bytes();
                    &digits[..usize::from(length)]
                }
            };
            String::from_utf8_lossy(bytes).into_owned()
        };
        Text::full(self.names.iter().map(&mut name))
    }

    /// Refuses more names than a table can number.
    ///
    /// # Errors
    /// Past 2^31 names; `what` are they.
    pub fn check(&self, what: &str) -> Result<(), Diagnostic> {
        if self.names.len() <= i32::MAX as usize {
            return Ok(());
        }
        Err(Diagnostic::new(format!("the log has more than 2,147,483,647 {what}")).help("take a part of the log"))
    }
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

fn hash_of_bytes(bytes: &[u8]) -> u64 {
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
    use std::collections::HashMap;

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
            let (mut keys, mut known) = (Keys::default(), HashMap::new());
            for name in &names {
                let mut long = b"before".to_vec();
                let key = Key::new(name.as_bytes(), &mut long);
                let next = known.len() as u32;
                prop_assert_eq!(keys.find(name.as_bytes()), known.get(name).copied());
                prop_assert_eq!(keys.number(key, &long), *known.entry(name.clone()).or_insert(next));
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
        let mut number = |name: &str| keys.number(Key::new(name.as_bytes(), &mut Vec::new()), &[]);
        assert_eq!([number("7"), number("07"), number("007"), number("7")], [0, 1, 2, 0]);
    }
}
