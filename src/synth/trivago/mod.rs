//! Made-up sessions in the three files of the trivago RecSys Challenge 2019 (raw-formats, section 3): sessions lie together,
//! those of a user too, users are in the order of their ids, and many rows of a session have the same time.

mod hotel;

use std::io::Result;

use serde_json::{Value, json};

use super::Plan;
use super::random::{Random, Scramble, Weights};
use super::walk::{Habits, Shares, Walk};
use super::write::{Desk, Raw};
use hotel::{Place, properties};

/// The real tables: rows to train on, items, users and sessions to train on, rows to test on.
const REAL: (u64, u64, u64, u64, u64) = (15_932_992, 927_142, 730_803, 910_683, 3_782_335);
const HEADER: &str = "user_id,session_id,timestamp,step,action_type,reference,platform,city,device,current_filters,\
                      impressions,prices";
/// The first midnight of the training rows, and of the rows to test on.
const BEGIN: [u64; 2] = [1_541_030_400, 1_541_548_800];
/// Days of the rows to train on, and to test on.
const DAYS: [u64; 2] = [6, 2];
/// The probability that a row has the same time as the one before.
const TIE: f64 = 0.68;

/// The action types with their counts in the real training rows; those that name an item have the category that they lead to.
const ACTIONS: [(&str, usize, Option<usize>); 10] = [
    ("interaction item image", 11_860_750, Some(0)),
    ("clickout item", 1_586_586, Some(1)),
    ("filter selection", 695_917, None),
    ("search for destination", 403_066, None),
    ("change of sort order", 400_584, None),
    ("interaction item info", 285_402, Some(2)),
    ("interaction item rating", 217_246, Some(3)),
    ("interaction item deals", 193_794, Some(2)),
    ("search for item", 152_203, Some(3)),
    ("search for poi", 137_444, None),
];
const IMAGE: usize = 0;
const CLICKOUT: usize = 1;
const FILTER: usize = 2;
const DESTINATION: usize = 3;
const SORT: usize = 4;

const SORTS: [&str; 4] = ["interaction sort button", "price only", "price and recommended", "distance only"];
const FILTERS: [&str; 6] = ["Hotel", "4 Star", "5 Star", "Best Value", "Sort by Price", "Focus on Distance"];
const RULE: &str = "An item and the action on it decide the next item: `interaction item image` leads to an item with `2 Star`, \
                    `clickout item` to `3 Star`, `interaction item info` and `deals` to `4 Star`, `interaction item rating` \
                    and `search for item` to `5 Star`, always of the same brand, whose items share most properties.";

/// Writes the files.
pub(super) fn write(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let items = plan.items(REAL.1, REAL.0, 240);
    // People look at one item for several rows.
    let walk = Walk::new(items, 0.1, Habits { noise: 0.1, repeat: 0.5 }, &mut random);
    let ids = Scramble::new(walk.market.items(), &mut random);
    let actions = Weights::new(ACTIONS.iter().map(|action| action.1));
    let places = (0..600).map(|_| Place::new(&mut random)).collect();
    let mut log = Log { walk, ids, actions, places, found: Found::default() };
    let users = plan.users(REAL.2, REAL.0, 1);
    let mut file = desk.begin("train.csv", Some(HEADER))?;
    log.write(&mut file, plan.rows, users, 0, &mut random)?;
    desk.end(file)?;
    let train = (std::mem::take(&mut log.found), log.walk.truth(|item| json!(log.id(item))));
    let mut file = desk.begin("test.csv", Some(HEADER))?;
    log.write(&mut file, super::in_proportion(plan.rows, REAL.4, REAL.0), users / 4, 1, &mut random)?;
    desk.end(file)?;
    let mut file = desk.begin("item_metadata.csv", Some("item_id,properties"))?;
    for place in 0..log.walk.market.items() {
        let item = log.ids.back(place as u64);
        file.number(log.id(item)).comma();
        properties(&mut file, plan.seed, item);
        file.end()?;
    }
    desk.end(file)?;
    Ok(json!({
        "rows": plan.rows, "users": train.0.users, "train": train.0.truth(), "test": log.found.truth(), "rule": RULE, "walk": train.1,
    }))
}

/// What was written.
#[derive(Default)]
struct Found {
    users: u64,
    sessions: u64,
    actions: [u64; ACTIONS.len()],
    ties: u64,
    no_reference: u64,
    unknown_reference: u64,
    with_filters: u64,
    longest: u64,
}

impl Found {
    fn truth(&self) -> Value {
        let actions: serde_json::Map<String, Value> =
            ACTIONS.iter().zip(self.actions).map(|(action, count)| (action.0.to_owned(), json!(count))).collect();
        json!({
            "users": self.users, "sessions": self.sessions, "longest_session": self.longest, "actions": actions,
            "rows_with_the_time_before": self.ties, "empty_references": self.no_reference,
            "unknown_references": self.unknown_reference, "rows_with_filters": self.with_filters,
        })
    }
}

/// The log under way.
struct Log {
    walk: Walk,
    ids: Scramble,
    actions: Weights,
    places: Vec<Place>,
    found: Found,
}

/// A session under way.
struct Session {
    /// 0 to train on, 1 to test on.
    part: usize,
    /// The row whose item is to be predicted.
    hidden: Option<usize>,
    user: u64,
    id: u64,
    time: u64,
    place: usize,
    device: &'static str,
    filters: usize,
    /// The item before, and the category that it led to.
    from: Option<(usize, usize)>,
}

impl Log {
    /// Items have ascending numbers with gaps.
    fn id(&self, item: usize) -> u64 {
        let place = self.ids.of(item);
        5001 + 11 * place + place % 7
    }

    /// Writes the rows to train on (part 0) or to test on (part 1).
    fn write(&mut self, file: &mut Raw<'_>, rows: u64, users: u64, part: usize, random: &mut Random) -> Result<()> {
        let mut shares = Shares::new(rows, users, 1, 3500);
        let step = 36_u64.pow(12) / (shares.people + 1);
        let mut kinds: Vec<u8> = Vec::new();
        let mut user = 0;
        while shares.people > 0 && rows > 0 {
            let share = shares.next(random);
            let id = user * step + random.next() % step;
            user += 1;
            let mut left = share;
            while left > 0 {
                // Four users in five have one session.
                let session = if random.chance(0.8) { left } else { 1 + random.below(left as usize) as u64 };
                left -= session;
                kinds.clear();
                kinds.extend((0..session).map(|_| self.actions.draw(random) as u8));
                // What is to be predicted of a user is the last item that is clicked out.
                let hidden = (part == 1 && left == 0).then(|| {
                    let last = kinds.iter().rposition(|kind| usize::from(*kind) == CLICKOUT).unwrap_or(kinds.len() - 1);
                    kinds[last] = CLICKOUT as u8;
                    last
                });
                self.session(file, id, &kinds, hidden, part, random)?;
            }
        }
        self.found.users = user;
        Ok(())
    }

    fn session(
        &mut self,
        file: &mut Raw<'_>,
        user: u64,
        kinds: &[u8],
        hidden: Option<usize>,
        part: usize,
        random: &mut Random,
    ) -> Result<()> {
        self.found.sessions += 1;
        self.found.longest = self.found.longest.max(kinds.len() as u64);
        let mut session = Session {
            part,
            hidden,
            user,
            id: random.next() >> 12,
            time: BEGIN[part] + random.below(DAYS[part] as usize * 86_400) as u64,
            place: random.below(self.places.len()).min(random.below(self.places.len())),
            device: ["mobile", "desktop", "tablet"][[0, 0, 0, 0, 0, 1, 1, 1, 1, 2][random.below(10)]],
            filters: 0,
            from: None,
        };
        for (step, kind) in kinds.iter().enumerate() {
            if step > 0 {
                if random.chance(TIE) {
                    self.found.ties += 1;
                } else {
                    session.time += 1 + random.falling(40.0) as u64;
                }
            }
            self.row(file, &mut session, step, usize::from(*kind), random)?;
        }
        Ok(())
    }

    fn row(
        &mut self,
        file: &mut Raw<'_>,
        session: &mut Session,
        step: usize,
        kind: usize,
        random: &mut Random,
    ) -> Result<()> {
        self.found.actions[kind] += 1;
        file.code(session.user, 12).comma().hex(session.id, 13).comma().number(session.time).comma();
        file.number(step as u64 + 1).comma().text(ACTIONS[kind].0).comma();
        let mut item = 0;
        match (ACTIONS[kind].2, kind) {
            (Some(category), _) => {
                let late = session.time >= BEGIN[0] + DAYS[0] * 86_400 / 10 * 9;
                item = match session.from {
                    None => self.walk.first(late, random),
                    Some((before, led_to)) => self.walk.next(before, led_to, late, random),
                };
                session.from = Some((item, category));
                let often_empty = kind == IMAGE && session.part == 1;
                self.reference(file, item, session.hidden == Some(step), often_empty, random);
            }
            (None, FILTER) => {
                session.filters = 1 + random.below(FILTERS.len());
                file.text(FILTERS[session.filters - 1]);
            }
            (None, DESTINATION) => {
                if random.chance(0.3) {
                    session.place = random.below(self.places.len());
                }
                file.text(&self.places[session.place].city);
            }
            (None, SORT) => _ = file.text(SORTS[random.below(SORTS.len())]),
            (None, _) => _ = file.text(&self.places[session.place].sight),
        }
        let place = &self.places[session.place];
        file.comma().text(place.platform).comma().text(&place.city).comma().text(session.device).comma();
        if session.filters > 0 {
            self.found.with_filters += 1;
            file.text(FILTERS[session.filters - 1]);
            if session.filters == 2 {
                file.text("|Pet Friendly");
            }
            if random.chance(0.5) {
                session.filters = 0;
            }
        }
        file.comma();
        if kind == CLICKOUT {
            self.impressions(file, item, random)
        } else {
            _ = file.comma()
        }
        file.end()
    }

    /// The item that an action refers to. Where it cannot be told, the field is empty or says `unknown`.
    fn reference(&mut self, file: &mut Raw<'_>, item: usize, hidden: bool, often_empty: bool, random: &mut Random) {
        let empty = if often_empty { 0.007 } else { 0.0005 };
        if hidden || random.chance(empty) {
            self.found.no_reference += 1;
        } else if random.chance(0.0005) {
            self.found.unknown_reference += 1;
            file.text("unknown");
        } else {
            file.number(self.id(item));
        }
    }

    /// What was shown when an item was clicked out, that item among it, with prices.
    fn impressions(&self, file: &mut Raw<'_>, item: usize, random: &mut Random) {
        let count = if random.chance(0.87) { 25 } else { 1 + random.below(24) };
        let mut shown = [item; 25];
        for place in shown.iter_mut().take(count).skip(1) {
            *place = random.below(self.walk.market.items());
        }
        shown[..count].swap(0, random.below(count));
        for (place, item) in shown[..count].iter().enumerate() {
            if place > 0 {
                file.byte(b'|');
            }
            file.number(self.id(*item));
        }
        file.comma();
        for (place, item) in shown[..count].iter().enumerate() {
            if place > 0 {
                file.byte(b'|');
            }
            file.number(5 + (*item as u64).wrapping_mul(2_654_435_761) % 211);
        }
    }
}
