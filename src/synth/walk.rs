//! How people go through the market: which brands they seek, what they take next, and how a number of rows is shared out
//! among them. A log of any length is made of these, with a few bytes a person.

use serde_json::{Value, json};

use super::market::{BRAND, Market, length};
use super::random::Random;

/// Large primes, one of which shares no divisor with any number of brands.
const STRIDES: [u64; 5] = [2_654_435_761, 2_246_822_519, 3_266_489_917, 668_265_263, 374_761_393];

/// Brands in four groups, of which each is sought as often as the others: one brand in 64, one in 16, one in 4, the rest.
#[derive(Debug, Clone)]
pub(super) struct Tiers {
    /// Where each group begins; the last number is where the last one ends.
    begins: [usize; 5],
}

impl Tiers {
    pub(super) fn new(brands: usize) -> Self {
        let mut begins = [0, brands / 64, brands / 16, brands / 4, brands];
        for group in 1..4 {
            begins[group] = begins[group].max(begins[group - 1] + 1).min(brands);
        }
        Self { begins }
    }

    /// Any brand; a person may meet it again and again.
    fn any(&self, random: &mut Random) -> usize {
        let group = random.below(4);
        let size = self.begins[group + 1] - self.begins[group];
        // A small market has fewer groups than four.
        if size == 0 { random.below(self.begins[4]) } else { self.begins[group] + random.below(size) }
    }

    /// A brand that this person has not met yet, as long as there is one. `met` counts those of each group that were.
    fn unmet(&self, person: u64, met: &mut [u32; 4], random: &mut Random) -> Option<usize> {
        let first = random.below(4);
        let group = (0..4)
            .map(|step| (first + step) % 4)
            .find(|group| (met[*group] as usize) < self.begins[group + 1] - self.begins[*group])?;
        let size = (self.begins[group + 1] - self.begins[group]) as u64;
        let own = Random::new(person ^ (group as u64) << 60).next();
        let place = (u64::from(met[group]) * (STRIDES[(own % 5) as usize] % size) + (own >> 8) % size) % size;
        met[group] += 1;
        Some(self.begins[group] + place as usize)
    }
}

/// How strictly the market's rules are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// The probability that the next item is any item.
    pub(super) noise: f64,
    /// The probability that it is the same one again.
    pub(super) repeat: f64,
}

/// A market with its crowd: it counts what is met, and how often the rule is followed.
pub(super) struct Walk {
    pub(super) market: Market,
    tiers: Tiers,
    habits: Habits,
    /// How often each item was met.
    pub(super) met: Vec<u32>,
    /// Steps from one item to the next in a session.
    pub(super) steps: u64,
    /// Those that followed the rule.
    pub(super) by_rule: u64,
}

impl Walk {
    pub(super) fn new(items: usize, late: f64, habits: Habits, random: &mut Random) -> Self {
        let market = Market::new(items, late, random);
        let tiers = Tiers::new(market.brands());
        Self { met: vec![0; market.items()], market, tiers, habits, steps: 0, by_rule: 0 }
    }

    /// The first item of a session.
    pub(super) fn first(&mut self, late: bool, random: &mut Random) -> usize {
        let item = self.market.item_of(self.tiers.any(random), late, random);
        self.met[item] += 1;
        item
    }

    /// The item after `item`, which led to a category.
    pub(super) fn next(&mut self, item: usize, category: usize, late: bool, random: &mut Random) -> usize {
        self.steps += 1;
        let point = random.unit();
        let next = if point < self.habits.noise {
            self.market.item_of(self.tiers.any(random), late, random)
        } else if point < self.habits.noise + self.habits.repeat {
            item
        } else {
            self.by_rule += 1;
            self.market.successor(item, category, late)
        };
        self.met[next] += 1;
        next
    }

    /// The next item of a person who takes no item twice; `from` is the item before in the session and the category that it
    /// led to. Nothing when there is no item left for this person.
    pub(super) fn unseen(
        &mut self,
        person: &mut Person,
        from: Option<usize>,
        late: bool,
        random: &mut Random,
    ) -> Option<usize> {
        let follows = from.and_then(|category| {
            self.steps += 1;
            let next = self.market.successor(person.item as usize, category, late);
            (person.seen >> (next % BRAND) & 1 == 0 && !random.chance(self.habits.noise)).then_some(next)
        });
        let next = match follows {
            Some(next) => {
                self.by_rule += 1;
                next
            }
            None => {
                let brand = self.tiers.unmet(person.number, &mut person.met, random)?;
                person.seen = 0;
                self.market.item_of(brand, late, random)
            }
        };
        person.seen |= 1 << (next % BRAND);
        person.item = next as u32;
        self.met[next] += 1;
        Some(next)
    }

    /// What a test or a reader may want to know of the crowd; `name` gives an item's name in the files.
    pub(super) fn truth(&self, name: impl Fn(usize) -> Value) -> Value {
        let mut order: Vec<usize> = (0..self.met.len()).filter(|item| self.met[*item] > 0).collect();
        let known = order.len();
        order.sort_unstable_by_key(|item| (std::cmp::Reverse(self.met[*item]), *item));
        order.truncate(20);
        let popular: Vec<Value> = order.iter().map(|item| json!([name(*item), self.met[*item]])).collect();
        json!({
            "items": self.market.items(),
            "items_met": known,
            "late_items": self.market.late_items(),
            "steps": self.steps,
            "steps_by_rule": self.by_rule,
            "most_met": popular,
        })
    }
}

/// Someone who takes no item twice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    number: u64,
    met: [u32; 4],
    /// The last item.
    pub(super) item: u32,
    /// Which items of its brand were taken.
    seen: u16,
}

impl Person {
    pub(super) fn new(number: u64) -> Self {
        Self { number, met: [0; 4], item: 0, seen: 0 }
    }
}

/// How many rows one person should have at most in a market of so many items where nobody takes an item twice. From a
/// brand about four items are taken before it is left.
pub(super) fn most_unseen(items: usize) -> u64 {
    (items / BRAND * 2) as u64
}

/// How a person's sessions are spread over the time of a log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    /// The length of the log in seconds.
    pub(super) span: u64,
    /// The least pause between two sessions, in seconds.
    pub(super) rest: u64,
    /// The most seconds between two rows of a session.
    pub(super) step: u64,
    /// By how much sessions are longer than `length` says.
    pub(super) scale: u64,
}

/// Rows of a session at the most, and about how many it has, before they are scaled.
const LONGEST: u64 = 30;
const USUAL: f64 = 5.6;

impl Rhythm {
    /// The longest time that a session with the pause before it takes.
    fn longest(&self) -> u64 {
        self.rest + self.scale * LONGEST * self.step
    }

    /// The most rows for which a person has time.
    pub(super) fn most(&self) -> u64 {
        self.span / self.longest() * self.scale * 4
    }

    /// How many sessions a person with so many rows has.
    pub(super) fn sessions(&self, rows: u64, random: &mut Random) -> u64 {
        let wanted = (rows as f64 / (USUAL * self.scale as f64) * (0.5 + random.unit())).round() as u64;
        wanted.max(rows.div_ceil(self.scale * LONGEST)).min(rows).min(self.span / self.longest()).max(1)
    }

    /// When the next of `sessions` sessions begins, whose last one ended at `time`, and how many of `rows` rows it has. It
    /// is so late that it is one of its own, and so early that there is time for those after it.
    pub(super) fn next(&self, time: u64, rows: u64, sessions: u64, random: &mut Random) -> (u64, u64) {
        let spare = self.span.saturating_sub(time + sessions * self.longest()) / sessions;
        let pause = if sessions > 1 { 2 * spare } else { spare };
        let begin = time + self.rest + random.below(pause.max(1) as usize) as u64;
        let (after, longest) = (sessions - 1, self.scale * LONGEST);
        let mut session = length(random) as u64 * self.scale - random.below(self.scale as usize) as u64;
        session = session.min(rows - after).max(rows.saturating_sub(longest * after)).max(1);
        (begin, if after == 0 { rows } else { session })
    }
}

/// Shares a number of rows out among people: each gets some, a few get many, and all are used up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
    /// Rows left.
    pub(super) rows: u64,
    /// People left.
    pub(super) people: u64,
    least: u64,
    most: u64,
}

impl Shares {
    /// `people` is lowered where there are too few rows for so many, and raised where one would have to take more than
    /// `most`.
    pub(super) fn new(rows: u64, people: u64, least: u64, most: u64) -> Self {
        let people = people.min(rows / least).max(rows.div_ceil(most)).max(1);
        Self { rows, people, least: least.min(rows / people), most }
    }

    /// The rows of the next person; 0 when all are used up.
    pub(super) fn next(&mut self, random: &mut Random) -> u64 {
        if self.people == 0 {
            return 0;
        }
        let others = self.people - 1;
        let low = self.rows.saturating_sub(others * self.most).max(self.least);
        let high = (self.rows - others * self.least).min(self.most);
        let mean = self.rows as f64 / self.people as f64 - self.least as f64;
        // One in 128 gets ten times as much, and the others a little less for it.
        let much = if random.below(128) == 0 { 10.0 } else { 119.0 / 127.0 };
        let wanted = self.least + (random.falling(mean) * much).round() as u64;
        let taken = wanted.min(high).max(low).min(self.rows);
        self.rows -= taken;
        self.people -= 1;
        taken
    }

    /// Takes back what a person could not use; where nobody is left to have it, there is one person more.
    pub(super) fn give_back(&mut self, rows: u64) {
        self.rows += rows;
        if rows > 0 && self.people == 0 {
            self.people = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn shares_use_up_all_rows_and_keep_to_their_bounds() {
        let cases = [(10, 3, 1, 100), (1000, 40, 20, 30), (7, 100, 1, 5), (100, 1, 1, 30), (5, 5, 20, 90)];
        for (rows, people, least, most) in cases {
            let mut shares = Shares::new(rows, people, least, most);
            let mut random = Random::new(rows);
            let mut given = Vec::new();
            while shares.people > 0 {
                given.push(shares.next(&mut random));
            }
            assert_eq!(given.iter().sum::<u64>(), rows);
            assert!(given.iter().all(|share| (1..=most).contains(share)), "{given:?}");
        }
    }

    #[test]
    fn a_person_takes_no_item_twice_and_gets_as_many_as_promised() {
        let mut random = Random::new(1);
        let mut walk = Walk::new(600, 0.5, Habits { noise: 0.1, repeat: 0.0 }, &mut random);
        for number in 0..50 {
            let (mut person, mut seen) = (Person::new(number), BTreeSet::new());
            let mut from = None;
            while let Some(item) = walk.unseen(&mut person, from, false, &mut random) {
                assert!(seen.insert(item), "{item} comes again");
                assert!(!walk.market.is_late(item));
                from = (!random.chance(0.1)).then(|| random.below(4));
            }
            assert!(seen.len() > 90, "{} of {}", seen.len(), most_unseen(600));
        }
    }

    #[test]
    fn each_group_of_brands_is_sought_as_often_as_the_others() {
        let (tiers, mut random) = (Tiers::new(640), Random::new(4));
        assert_eq!(tiers.begins, [0, 10, 40, 160, 640]);
        let top = (0..10_000).filter(|_| tiers.any(&mut random) < 10).count();
        assert!((2300..2700).contains(&top), "{top}");
        for brands in 1..8 {
            let tiers = Tiers::new(brands);
            assert!((0..200).all(|_| tiers.any(&mut random) < brands));
        }
    }

    #[test]
    fn sessions_use_up_all_rows_in_the_time_of_the_log_and_stand_apart() {
        for rhythm in [
            Rhythm { span: 74 * 86_400, rest: 3900, step: 305, scale: 1 },
            Rhythm { span: 600 * 86_400, rest: 3900, step: 300, scale: 2 },
        ] {
            let mut random = Random::new(9);
            for rows in (1..80).chain([rhythm.most() / 2, rhythm.most()]) {
                let (mut left, mut time, sessions) = (rows, 0, rhythm.sessions(rows, &mut random));
                for to_come in (1..=sessions).rev() {
                    let (begin, session) = rhythm.next(time, left, to_come, &mut random);
                    assert!(begin >= time + rhythm.rest && session >= 1, "{rows} rows");
                    assert!(session <= 30 * rhythm.scale, "{session} of {rows} rows");
                    left -= session;
                    time = begin + (session - 1) * rhythm.step;
                }
                assert_eq!(left, 0);
                assert!(time < rhythm.span, "{rows} rows");
            }
        }
    }
}
