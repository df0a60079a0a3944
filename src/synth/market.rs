//! A market with planted structure. Items stand in brands; in each brand, every item has one successor for each
//! operation. What a user does with an item decides in which category the next one lies: a model that sees operations
//! can name the next item, one that does not is left with as many candidates as there are operations, and brand and
//! category together tell where an item belongs, even one that has only just come to the market.

use super::random::Random;

/// Operations, and how often each is done, in per cent.
const OPERATIONS: [(Operation, usize); OPERATION_COUNT] =
    [(Operation::View, 40), (Operation::Order, 20), (Operation::Follow, 20), (Operation::Cart, 20)];

const OPERATION_COUNT: usize = 4;

/// Items of a brand: as many in each category, one category an operation.
pub(super) const BRAND: usize = 3 * OPERATION_COUNT;

/// What a user does with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    View,
    Order,
    Follow,
    Cart,
}

impl Operation {
    /// The category in which the next item lies.
    pub(super) fn leads_to(self) -> usize {
        self as usize
    }
}

/// How large the market is, and how strictly it keeps its rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Items; rounded up to whole brands.
    pub items: usize,
    /// Users.
    pub users: usize,
    /// Sessions.
    pub sessions: usize,
    /// Days that the log covers.
    pub days: usize,
    /// The probability that the next item is any item.
    pub noise: f64,
    /// The probability that the next item is the same one again.
    pub repeat: f64,
    /// The share of brands in which an item comes to the market only in the last tenth of the time.
    pub late: f64,
}

/// One action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) user: usize,
    pub(super) item: usize,
    pub(super) operation: Operation,
    /// Seconds since the log began.
    pub(super) time: i64,
}

/// The items and what follows what. Five bytes an item.
pub(super) struct Market {
    /// By item, then by the category that is led to: where in its brand the item that follows stands.
    successors: Vec<[u8; OPERATION_COUNT]>,
    /// Where in its brand the late item stands, which comes in for another of its category.
    late: Vec<u8>,
}

/// No item of a brand.
const NONE: u8 = u8::MAX;

impl Market {
    /// A market of so many items, rounded up to whole brands, where a share of the brands has a late item.
    pub(super) fn new(items: usize, late: f64, random: &mut Random) -> Self {
        let brands = items.div_ceil(BRAND);
        let late: Vec<u8> =
            (0..brands).map(|_| if random.chance(late) { random.below(BRAND) as u8 } else { NONE }).collect();
        let mut successors = Vec::with_capacity(brands * BRAND);
        for item in 0..brands * BRAND {
            let late = usize::from(late[item / BRAND]);
            successors.push(std::array::from_fn(|category| {
                let members = (0..BRAND / OPERATION_COUNT).map(|member| member * OPERATION_COUNT + category);
                // Neither itself nor an item that is not there yet.
                let mut possible = [0; BRAND / OPERATION_COUNT];
                let mut count = 0;
                for other in members.filter(|other| *other != item % BRAND && *other != late) {
                    possible[count] = other as u8;
                    count += 1;
                }
                possible[random.below(count)]
            }));
        }
        Self { successors, late }
    }

    /// How many items there are.
    pub(super) fn items(&self) -> usize {
        self.successors.len()
    }

    /// How many brands there are.
    pub(super) fn brands(&self) -> usize {
        self.late.len()
    }

    /// How many items come to the market late.
    pub(super) fn late_items(&self) -> usize {
        self.late.iter().filter(|place| **place != NONE).count()
    }

    /// The category of an item.
    pub(super) fn category(item: usize) -> usize {
        item % OPERATION_COUNT
    }

    /// True for an item that comes to the market late.
    pub(super) fn is_late(&self, item: usize) -> bool {
        usize::from(self.late[item / BRAND]) == item % BRAND
    }

    /// The item that follows by rule when a category is led to; `late` says that late items are on the market.
    pub(super) fn successor(&self, item: usize, category: usize, late: bool) -> usize {
        let (first, place) = (item - item % BRAND, self.late[item / BRAND]);
        let comes_in = late && place != NONE && Self::category(usize::from(place)) == category;
        if comes_in && usize::from(place) != item % BRAND {
            first + usize::from(place)
        } else {
            first + usize::from(self.successors[item][category])
        }
    }

    /// An item of a brand that is on the market.
    pub(super) fn item_of(&self, brand: usize, late: bool, random: &mut Random) -> usize {
        loop {
            let item = brand * BRAND + random.below(BRAND);
            if late || !self.is_late(item) {
                return item;
            }
        }
    }
}

impl Shape {
    /// When late items come to the market, in seconds since the log began.
    pub(super) fn late_from(&self) -> i64 {
        self.seconds() / 10 * 9
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.days).unwrap_or(i64::MAX).saturating_mul(86_400)
    }

    /// The log, in the order of time of the sessions' beginnings.
    pub(super) fn actions(&self, market: &Market, random: &mut Random) -> Vec<Action> {
        let mut starts: Vec<i64> = (0..self.sessions)
            .map(|_| i64::try_from(random.below(usize::try_from(self.seconds()).unwrap_or(1))).unwrap_or(0))
            .collect();
        starts.sort_unstable();
        // When each user may begin again: well over an hour after the last action.
        let mut free = vec![0; self.users];
        let mut actions = Vec::new();
        for start in starts {
            let mut user = random.below(self.users);
            // Of a few users one is most likely free; where none is, the session begins when the last of them is.
            for _ in 0..16 {
                if free[user] <= start {
                    break;
                }
                user = random.below(self.users);
            }
            let mut time = start.max(free[user]);
            let mut item = self.any_item(market, time, random);
            for _ in 0..length(random) {
                let operation = any_operation(random);
                actions.push(Action { user, item, operation, time });
                time += 5 + i64::try_from(random.below(300)).unwrap_or(0);
                item = if random.chance(self.noise) {
                    self.any_item(market, time, random)
                } else if random.chance(self.repeat) {
                    item
                } else {
                    market.successor(item, operation.leads_to(), time >= self.late_from())
                };
            }
            free[user] = time + 7200;
        }
        actions
    }

    /// An item that is on the market; some brands are sought more often than others.
    fn any_item(&self, market: &Market, time: i64, random: &mut Random) -> usize {
        let brands = market.brands();
        let brand = random.below(brands).min(random.below(brands));
        market.item_of(brand, time >= self.late_from(), random)
    }
}

/// The length of a session: one in ten has a single action; the others go on with four chances in five.
pub(super) fn length(random: &mut Random) -> usize {
    if random.chance(0.1) {
        return 1;
    }
    let mut length = 2;
    while length < 30 && random.chance(0.8) {
        length += 1;
    }
    length
}

/// What is done next.
pub(super) fn any_operation(random: &mut Random) -> Operation {
    let mut point = random.below(100);
    for (operation, weight) in OPERATIONS {
        if point < weight {
            return operation;
        }
        point -= weight;
    }
    Operation::View
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { items: 120, users: 50, sessions: 600, days: 10, noise: 0.1, repeat: 0.1, late: 0.5 };

    fn log() -> (Market, Vec<Action>) {
        let mut random = Random::new(3);
        let market = Market::new(SHAPE.items, SHAPE.late, &mut random);
        let actions = SHAPE.actions(&market, &mut random);
        (market, actions)
    }

    #[test]
    fn each_operation_leads_to_another_item_of_the_brand() {
        let (market, _) = log();
        for item in 0..market.items() {
            let next: Vec<usize> =
                (0..OPERATION_COUNT).map(|category| market.successor(item, category, false)).collect();
            assert!(next.iter().all(|next| next / BRAND == item / BRAND && *next != item));
            let different: std::collections::BTreeSet<usize> = next.iter().copied().collect();
            assert_eq!(different.len(), OPERATION_COUNT);
        }
    }

    #[test]
    fn item_and_operation_tell_the_next_item_and_the_item_alone_does_not() {
        let (market, actions) = log();
        let pairs =
            actions.windows(2).filter(|pair| pair[0].user == pair[1].user && pair[1].time - pair[0].time < 3600);
        let (mut all, mut told) = (0.0, 0.0);
        for pair in pairs {
            all += 1.0;
            let late = pair[1].time >= SHAPE.late_from();
            let next = market.successor(pair[0].item, pair[0].operation.leads_to(), late);
            told += f64::from(u8::from(next == pair[1].item));
        }
        // By the rule in 0.9 * 0.9 of the steps, and now and then by chance.
        assert!((0.76..0.88).contains(&(told / all)), "{told} of {all}");
    }

    #[test]
    fn late_items_are_met_only_late_but_are_met() {
        let (market, actions) = log();
        let (late, early): (Vec<Action>, Vec<Action>) =
            actions.iter().copied().partition(|action| action.time >= SHAPE.late_from());
        assert!(early.iter().all(|action| !market.is_late(action.item)));
        assert!(late.iter().any(|action| market.is_late(action.item)));
    }

    #[test]
    fn a_user_rests_for_more_than_an_hour_between_sessions() {
        let (_, actions) = log();
        let mut by_user: std::collections::BTreeMap<usize, Vec<i64>> = std::collections::BTreeMap::new();
        actions.iter().for_each(|action| by_user.entry(action.user).or_default().push(action.time));
        for times in by_user.values() {
            assert!(times.windows(2).all(|pair| (0..=305).contains(&(pair[1] - pair[0])) || pair[1] - pair[0] > 3600));
        }
    }
}
