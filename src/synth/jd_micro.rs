//! Made-up sessions in the files of JD micro-behaviors (raw-formats, section 4): one session a line, each micro-behavior
//! `sku+behavior+category+interval+dwell`. Both files, Applicances (so spelled) and Computers. Each session is a user's only
//! one.

use std::io::Result;

use serde_json::{Map, Value, json};

use super::Plan;
use super::market::{BRAND, Market};
use super::random::{Random, Scramble, Weights};
use super::walk::{Habits, Shares, Walk};
use super::write::{Desk, Raw};

/// A file: its name, and the real one's micro-behaviors, users, SKUs and categories.
const FILES: [(&str, u64, u64, u64, u64); 2] = [
    ("JD_Applicances.txt", 176_483_033, 6_166_916, 169_856, 103),
    ("JD_Computers.txt", 88_766_833, 3_191_573, 419_388, 93),
];

/// A visit to a product begins with one of these behaviors, by their counts in the published samples.
const ENTRIES: [(u8, usize); 5] = [(5, 50_608), (4, 7_679), (2, 5_497), (1, 991), (3, 402)];
/// It goes on with some of these; each has the category that it leads to when it is the last one.
const DETAILS: [(u8, usize, usize); 5] = [(7, 15_265, 1), (6, 8_511, 2), (9, 6_343, 3), (8, 4_765, 2), (10, 285, 3)];
/// The probability that a visit goes on with one behavior more.
const MORE: f64 = 0.35;
/// The shortest session, and the longest.
const LENGTHS: (u64, u64) = (7, 600);

const RULE: &str = "A product and the last behavior on it decide the next product: without details looked at it leads to one \
                    whose category is 0 modulo 4, behavior 7 to 1, 6 and 8 to 2, 9 and 10 to 3, always of the same brand.";

/// Writes both files; the rows are shared out as in the real ones.
pub(super) fn write(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let whole: u64 = FILES.iter().map(|file| file.1).sum();
    let first = super::in_proportion(plan.rows, FILES[0].1, whole);
    let mut truths = Map::new();
    let mut users = 0;
    for ((number, file), rows) in (0..).zip(FILES).zip([first, plan.rows - first]) {
        let mut random = Random::of(plan.seed, number);
        let items = plan.items.unwrap_or_else(|| super::in_proportion(rows, file.3, file.1).max(240) as usize);
        let walk = Walk::new(items, 0.1, Habits { noise: 0.1, repeat: 0.0 }, &mut random);
        let skus = Scramble::new(walk.market.items(), &mut random);
        let mut log = Log {
            walk,
            skus,
            categories: file.4 / 4,
            entries: Weights::new(ENTRIES.iter().map(|entry| entry.1)),
            details: Weights::new(DETAILS.iter().map(|detail| detail.1)),
            counts: [0; 11],
        };
        let people = plan.users.map_or_else(
            || super::in_proportion(rows, file.2, file.1),
            |users| super::in_proportion(users as u64, rows, plan.rows),
        );
        let mut shares = Shares::new(rows, people.max(1), LENGTHS.0, LENGTHS.1);
        let mut raw = desk.begin(file.0, None)?;
        while shares.people > 0 && rows > 0 {
            let length = shares.next(&mut random);
            log.session(&mut raw, length, &mut random)?;
        }
        let sessions = raw.rows();
        users += sessions;
        desk.end(raw)?;
        let counts: Map<String, Value> = (1..11).map(|kind| (kind.to_string(), json!(log.counts[kind]))).collect();
        truths.insert(
            file.0.to_owned(),
            json!({
                "rows": rows, "sessions": sessions, "behaviors": counts,
                "walk": log.walk.truth(|item| json!(log.sku(item))),
            }),
        );
    }
    Ok(json!({ "rows": plan.rows, "users": users, "logs": truths, "rule": RULE }))
}

/// A log under way.
struct Log {
    walk: Walk,
    skus: Scramble,
    /// Categories of each of the four kinds.
    categories: u64,
    entries: Weights,
    details: Weights,
    /// By behavior.
    counts: [u64; 11],
}

impl Log {
    /// Half of the SKUs are short, half have eleven digits.
    fn sku(&self, item: usize) -> u64 {
        let place = self.skus.of(item);
        if place.is_multiple_of(2) { 100_003 + 13 * place } else { 10_000_000_019 + 1009 * place }
    }

    fn session(&mut self, file: &mut Raw<'_>, length: u64, random: &mut Random) -> Result<()> {
        let mut item = self.walk.first(false, random);
        let (mut left, mut dwell) = (length, 0);
        let mut before = None;
        while left > 0 {
            // Who looks at the same product again goes on with the same visit.
            if before != Some(item) {
                dwell = random.falling(55.0) as u64;
                if random.below(2000) == 0 {
                    dwell += random.below(78_000) as u64;
                }
            }
            before = Some(item);
            let mut leads_to = 0;
            let mut behavior = ENTRIES[self.entries.draw(random)].0;
            loop {
                if left < length {
                    file.byte(b' ');
                }
                self.counts[usize::from(behavior)] += 1;
                let category = 600 + (item / BRAND) as u64 % self.categories * 4 + Market::category(item) as u64;
                let mut interval = random.falling(22.0) as u64;
                if random.below(1000) == 0 {
                    interval += random.below(103_000) as u64;
                }
                file.number(self.sku(item)).byte(b'+').number(behavior.into()).byte(b'+').number(category);
                file.byte(b'+').number(interval).byte(b'+').number(dwell);
                left -= 1;
                if left == 0 || !random.chance(MORE) {
                    break;
                }
                let detail = DETAILS[self.details.draw(random)];
                (behavior, leads_to) = (detail.0, detail.2);
            }
            if left > 0 {
                // There is no clock, so nothing is late.
                item = self.walk.next(item, leads_to, false, random);
            }
        }
        file.end()
    }
}
