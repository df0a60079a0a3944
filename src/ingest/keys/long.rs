//! The numbers of long names by hash. A place holds 32 bits of the hash beside the number, so that a name itself is looked
//! at once for each search and not when the table grows.

/// Open addressing with linear probing; at most three of four places are taken.
#[derive(Default)]
pub(super) struct Long {
    /// The hash in the upper half, the number and 1 in the lower one; 0 where there is nothing.
    places: Vec<u64>,
    count: usize,
}

impl Long {
    /// True without names.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of the name with this hash for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.first(hash)?;
        loop {
            let place = self.places[at];
            if place == 0 {
                return None;
            }
            let number = (place as u32).wrapping_sub(1);
            if place >> 32 == hash >> 32 && is_it(number) {
                return Some(number);
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    /// Adds a number that is not there.
    pub(super) fn insert(&mut self, hash: u64, number: u32) {
        if self.count * 4 >= self.places.len() * 3 {
            let places = vec![0; (self.places.len() * 2).max(64)];
            let old = std::mem::replace(&mut self.places, places);
            old.into_iter().filter(|place| *place != 0).for_each(|place| self.put(place));
        }
        self.count += 1;
        self.put(hash >> 32 << 32 | u64::from(number + 1));
    }

    fn put(&mut self, place: u64) {
        let Some(mut at) = self.first(place) else { unreachable!("there are places") };
        while self.places[at] != 0 {
            at = (at + 1) & (self.places.len() - 1);
        }
        self.places[at] = place;
    }

    /// Where the search for a hash begins, by its upper half.
    #[inline]
    fn first(&self, hash: u64) -> Option<usize> {
        let bits = self.places.len().checked_ilog2()?;
        Some(((hash >> 32) >> (32 - bits)) as usize)
    }
}
