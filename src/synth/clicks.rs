//! Made-up sessions of nobody, in two layouts: Diginetica, whose views have a day and a place in their session, and Yoochoose,
//! whose clicks have a time to the millisecond and whose file has no header.

use std::io::Result;

use jiff::civil::date;
use serde_json::{Value, json};

use super::Plan;
use super::market::{BRAND, Market};
use super::random::{Random, Scramble, Weights};
use super::walk::{Habits, Shares, Walk};
use super::write::{Calendar, Desk};

/// A real log.
struct Real {
    rows: u64,
    sessions: u64,
    items: u64,
    days: u64,
}

/// Diginetica, from 2016-01-01 on.
const VIEWS: Real = Real { rows: 1_235_380, sessions: 310_324, items: 122_993, days: 152 };
/// Yoochoose, from 2014-04-01 on.
const CLICKS: Real = Real { rows: 33_003_944, sessions: 9_249_729, items: 52_739, days: 183 };
/// The longest session.
const LONGEST: u64 = 60;
/// Brands of Diginetica that have the same four categories.
const BRANDS: usize = 8;
/// Views of Diginetica that name nobody.
const NOBODY: f64 = 0.7;
/// What a click of Yoochoose has for a category: none, a special offer, one of twelve, a brand.
const KINDS: [usize; 4] = [50, 33, 15, 2];

const RULE: &str =
    "There are no operations. An item decides the next one: always of the same brand, one category after another.";

/// A log under way.
struct Log {
    walk: Walk,
    names: Scramble,
    shares: Shares,
    sessions: u64,
    days: u64,
}

/// The items of a session, and the second at which it begins.
struct Visit {
    begin: u64,
    items: Vec<usize>,
}

impl Log {
    fn new(plan: &Plan, real: &Real, random: &mut Random) -> Self {
        let walk = Walk::new(plan.items(real.items, real.rows, 240), 0.1, Habits { noise: 0.1, repeat: 0.1 }, random);
        let names = Scramble::new(walk.market.items(), random);
        let shares = Shares::new(plan.rows, plan.users(real.sessions, real.rows, 1), 1, LONGEST);
        Self { walk, names, shares, sessions: 0, days: real.days }
    }

    /// The next session; none when all rows are used up. Sessions lie in no order of time.
    fn visit(&mut self, random: &mut Random) -> Option<Visit> {
        let length = self.shares.next(random);
        if length == 0 {
            return None;
        }
        self.sessions += 1;
        let begin = random.below((self.days * 86_400) as usize) as u64;
        let late = begin >= self.days * 86_400 / 10 * 9;
        let mut item = self.walk.first(late, random);
        let mut items = vec![item];
        for _ in 1..length {
            item = self.walk.next(item, (Market::category(item) + 1) % 4, late, random);
            items.push(item);
        }
        Some(Visit { begin, items })
    }

    fn truth(&self, rows: u64, item: impl Fn(usize) -> u64) -> Value {
        let walk = self.walk.truth(|number| json!(item(number)));
        // Each session is somebody's only one.
        json!({ "rows": rows, "users": self.sessions, "sessions": self.sessions, "walk": walk, "rule": RULE })
    }
}

/// Writes the views of Diginetica, those of a session in no order, and the categories of its items.
pub(super) fn write_diginetica(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let mut log = Log::new(plan, &VIEWS, &mut random);
    let calendar = Calendar::new(date(2016, 1, 1), VIEWS.days as usize);
    let mut file = desk.begin("train-item-views.csv", Some("sessionId;userId;itemId;timeframe;eventdate"))?;
    while let Some(visit) = log.visit(&mut random) {
        let somebody = (!random.chance(NOBODY)).then(|| 1 + log.sessions);
        // Milliseconds since the session's first query.
        let mut place = random.falling(200_000.0) as u64;
        let mut views: Vec<(u64, usize)> = Vec::with_capacity(visit.items.len());
        for item in visit.items {
            views.push((place, item));
            place += 1000 + random.falling(90_000.0) as u64;
        }
        random.shuffle(&mut views);
        for (place, item) in views {
            file.number(log.sessions).byte(b';');
            match somebody {
                Some(user) => file.number(user),
                None => file.text("NA"),
            };
            file.byte(b';').number(1 + log.names.of(item)).byte(b';').number(place).byte(b';');
            file.day(&calendar, visit.begin / 86_400).end()?;
        }
    }
    desk.end(file)?;
    let mut file = desk.begin("product-categories.csv", Some("itemId;categoryId"))?;
    for place in 0..log.walk.market.items() as u64 {
        let item = log.names.back(place);
        let category = item / BRAND / BRANDS * 4 + Market::category(item);
        file.number(1 + place).byte(b';').number(1 + category as u64).end()?;
    }
    desk.end(file)?;
    Ok(log.truth(plan.rows, |item| 1 + log.names.of(item)))
}

/// Writes the clicks of Yoochoose, those of a session in the order of time.
pub(super) fn write_yoochoose(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    const FIRST_ITEM: u64 = 214_507_000;
    let mut random = Random::new(plan.seed);
    let mut log = Log::new(plan, &CLICKS, &mut random);
    // A session that begins in the last night goes on after it.
    let calendar = Calendar::new(date(2014, 4, 1), CLICKS.days as usize + 2);
    let kinds = Weights::new(KINDS);
    let name = |names: &Scramble, item: usize| FIRST_ITEM + names.of(item);
    let mut file = desk.begin("yoochoose-clicks.dat", None)?;
    while let Some(visit) = log.visit(&mut random) {
        let mut milliseconds = 1000 * visit.begin;
        for item in visit.items {
            file.number(log.sessions).comma().clock(&calendar, milliseconds / 1000, b'T').byte(b'.');
            file.padded(milliseconds % 1000, 3).text("Z,").number(name(&log.names, item)).comma();
            match kinds.draw(&mut random) {
                0 => file.byte(b'0'),
                1 => file.byte(b'S'),
                2 => file.number(1 + random.below(12) as u64),
                _ => file.number(2_089_000_000 + log.names.of(item) / 12),
            };
            file.end()?;
            milliseconds += 1000 + random.falling(120_000.0).min(1_200_000.0) as u64;
        }
    }
    desk.end(file)?;
    Ok(log.truth(plan.rows, |item| name(&log.names, item)))
}
