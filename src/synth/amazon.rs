//! Made-up ratings in the files of Amazon books (raw-formats, section 9), in the column order of 2014 or of 2018. Rows are
//! sorted by item, as the real ones are, while users are made up one by one: so rows go to temporary files by ranges of
//! items first, and each of these is sorted in memory. Nobody rates an item twice.

use std::io::{BufWriter, Read, Result, Seek, Write};

use serde_json::{Value, json};

use super::Plan;
use super::random::{Random, Scramble, Weights};
use super::walk::{Habits, Person, Shares, Walk, most_unseen};
use super::write::{Desk, Raw};

/// The real table: ratings, items, users.
const REAL: (u64, u64, u64) = (22_507_155, 2_330_066, 8_026_324);
/// Rows of a range of items, about.
const RANGE: u64 = 1 << 18;
/// The first day and the last one of a first rating, counted from 1970.
const DAYS: (u64, u64) = (10_000, 15_800);
/// The last day of all.
const LAST: u64 = 16_270;
/// How often 1 to 5 stars are given, and the category that each leads to.
const STARS: [(usize, usize); 5] = [(6, 3), (6, 3), (10, 2), (22, 1), (56, 0)];

const RULE: &str = "An item and its rating decide the next item that is rated: 5 leads to the items of a brand whose place is 0 \
                    modulo 4, 4 to 1, 3 to 2, less to 3. Nobody rates an item twice.";

/// A rating as it waits in a temporary file.
struct Rating {
    place: u32,
    user: u32,
    day: u16,
    stars: u8,
}

const BYTES: usize = 11;

impl Rating {
    fn pack(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(&self.place.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.user.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.day.to_le_bytes());
        bytes[10] = self.stars;
        bytes
    }

    fn unpack(bytes: &[u8]) -> Self {
        Self {
            place: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            user: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            day: u16::from_le_bytes([bytes[8], bytes[9]]),
            stars: bytes[10],
        }
    }
}

/// Writes `ratings_Books.csv` of 2014 (user first), or `Books.csv` of 2018 (item first).
pub(super) fn write(desk: &mut Desk<'_>, plan: &Plan, item_first: bool) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let walk_items = plan.items(REAL.1, REAL.0, 1200);
    let mut walk = Walk::new(walk_items, 0.1, Habits { noise: 0.1, repeat: 0.0 }, &mut random);
    let items = walk.market.items();
    let order = Scramble::new(items, &mut random);
    let stars = Weights::new(STARS.iter().map(|star| star.0));
    // Not more than a process may hold open.
    let ranges = plan.rows.div_ceil(RANGE).min(256);
    let mut waiting = Vec::new();
    for _ in 0..ranges {
        waiting.push(BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(desk.folder())?));
    }
    let mut shares = Shares::new(plan.rows, plan.users(REAL.2, REAL.0, 1), 1, most_unseen(items).max(1));
    let (mut users, mut user_days) = (0_u32, 0_u64);
    while shares.people > 0 {
        let share = shares.next(&mut random);
        let mut person = Person::new(users.into());
        let mut day = DAYS.0 + random.below((DAYS.1 - DAYS.0) as usize) as u64;
        let (mut taken, mut from, mut before) = (0, None, 0);
        while taken < share {
            let late = day >= LAST - (LAST - DAYS.0) / 10;
            let Some(item) = walk.unseen(&mut person, from, late, &mut random) else { break };
            let star = stars.draw(&mut random);
            let place = order.of(item);
            let rating = Rating { place: place as u32, user: users, day: day as u16, stars: star as u8 + 1 };
            waiting[(place * ranges / items as u64) as usize].write_all(&rating.pack())?;
            taken += 1;
            from = Some(STARS[star].1);
            user_days += u64::from(day != before);
            before = day;
            if !random.chance(0.3) {
                day = (day + random.falling(50.0) as u64).min(LAST);
            }
        }
        shares.give_back(share - taken);
        users += 1;
    }

    let names = Names { seed: plan.seed, items: items as u64 };
    let mut file = desk.begin(if item_first { "Books.csv" } else { "ratings_Books.csv" }, None)?;
    let mut found = [0_u64; 5];
    for range in waiting {
        let mut bytes = Vec::new();
        let mut range = range.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        range.rewind()?;
        range.read_to_end(&mut bytes)?;
        let mut ratings: Vec<Rating> = bytes.chunks_exact(BYTES).map(Rating::unpack).collect();
        ratings.sort_by_key(|rating| rating.place);
        for rating in ratings {
            found[usize::from(rating.stars) - 1] += 1;
            if item_first {
                names.item(&mut file, rating.place.into());
                file.comma();
                names.user(&mut file, rating.user.into());
            } else {
                names.user(&mut file, rating.user.into());
                file.comma();
                names.item(&mut file, rating.place.into());
            }
            file.comma().number(rating.stars.into()).text(".0,").number(u64::from(rating.day) * 86_400).end()?;
        }
    }
    desk.end(file)?;
    let ratings: serde_json::Map<String, Value> =
        (1..6).map(|star| (format!("{star}.0"), json!(found[star - 1]))).collect();
    Ok(json!({
        "rows": plan.rows, "users": users, "sessions": users, "user_days": user_days, "ratings": ratings,
        "rule": RULE, "walk": walk.truth(|item| json!(names.item_text(order.of(item)))),
    }))
}

/// Ids of users and items.
struct Names {
    seed: u64,
    items: u64,
}

impl Names {
    /// `A` and 12 or 13 capital letters or digits.
    fn user(&self, file: &mut Raw<'_>, user: u64) {
        let value = Random::of(self.seed, user).next();
        file.byte(b'A').code(value, if value < 36_u64.pow(12) { 12 } else { 13 });
    }

    fn item(&self, file: &mut Raw<'_>, place: u64) {
        let (digits, check) = self.isbn(place);
        match check {
            Some(check) => file.padded(digits, 9).byte(check),
            None => file.text("B00").code(36_u64.pow(6) + digits, 7),
        };
    }

    fn item_text(&self, place: u64) -> Value {
        let (digits, check) = self.isbn(place);
        match check {
            Some(check) => json!(format!("{digits:09}{}", char::from(check))),
            None => {
                let digit = |power: u32| ((36_u64.pow(6) + digits) / 36_u64.pow(power) % 36) as u32;
                let code: String = (0..7).rev().filter_map(|power| char::from_digit(digit(power), 36)).collect();
                json!(format!("B00{}", code.to_ascii_uppercase()))
            }
        }
    }

    /// An ascending ISBN of nine digits and its check digit; the last items, one in 23, have an ASIN instead.
    fn isbn(&self, place: u64) -> (u64, Option<u8>) {
        let books = self.items - self.items / 23;
        if place >= books {
            return ((place - books) * 331, None);
        }
        let digits = 1000 + place * (990_000_000 / books);
        let (mut sum, mut rest) = (0, digits);
        for weight in 2..11 {
            sum += weight * (rest % 10);
            rest /= 10;
        }
        (digits, Some(b"0123456789X"[((11 - sum % 11) % 11) as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_isbn() {
        // 0-306-40615-2 is the example of the standard: 9 digits 030640615.
        let names = Names { seed: 1, items: 1 };
        let (digits, check) = names.isbn(0);
        assert_eq!((digits, check), (1000, Some(b'6')));
        let sum = |text: &str| text.bytes().zip((2..=10).rev()).map(|(d, w)| u32::from(d - b'0') * w).sum::<u32>();
        assert_eq!((sum("030640615") + 2) % 11, 0);
        assert_eq!((sum("000001000") + 6) % 11, 0);
    }
}
