//! A made-up market in the five files of JDATA 2019 (raw-formats, section 2). Action rows are in no order by user or time:
//! the next row is that of any of up to 65,536 users, and each block of 262,144 rows is shuffled.

use std::io::Result;

use jiff::civil::date;
use serde_json::{Value, json};

use super::Plan;
use super::market::{BRAND, Market, Operation, Shape, any_operation};
use super::random::{Random, Scramble, Weights};
use super::walk::{Habits, Rhythm, Shares, Walk};
use super::write::{Calendar, Desk, Raw};

/// The real tables: action rows, products, users, comments.
const REAL: (u64, u64, u64, u64) = (37_214_269, 352_539, 1_608_707, 1_774_233);
/// One item in so many is no product; the real log has 355,423 such rows of 37,214,269.
const UNLISTED: usize = 105;
/// The share of items that are no product in a log of a given shape.
const UNLISTED_SHARE: f64 = 0.01;
/// The log covers 2018-02-01 .. 2018-04-15.
const DAYS: u64 = 74;
/// Adding to the cart is logged from 2018-04-08 on.
const CART_FROM: u32 = 66 * 86_400;
/// Views are nearly missing on 2018-03-27 and 28.
const FEW_VIEWS: std::ops::Range<u32> = 54 * 86_400..56 * 86_400;
/// Sessions stand more than the hour apart after which one ends.
const RHYTHM: Rhythm = Rhythm { span: DAYS * 86_400, rest: 3900, step: 305, scale: 1 };
/// Users that are in the middle of their actions at a time.
const OPEN: usize = 1 << 16;
/// Rows that are shuffled at a time.
const BLOCK: usize = 1 << 18;

/// Writes a log of a given shape; its actions lie in memory.
pub(super) fn write_shape(desk: &mut Desk<'_>, shape: Shape, seed: u64) -> Result<Value> {
    let mut random = Random::new(seed);
    let market = Market::new(shape.items, shape.late, &mut random);
    let mut actions = shape.actions(&market, &mut random);
    random.shuffle(&mut actions);
    // Numbers of SKUs tell nothing about brands.
    let mut skus: Vec<usize> = (40_001..).take(market.items()).collect();
    random.shuffle(&mut skus);

    // Where few users have many sessions, these go on past the last day.
    let last = actions.iter().map(|action| action.time.unsigned_abs()).max().unwrap_or(0);
    let calendar = calendar(last.max(shape.late_from().unsigned_abs()) / 86_400 + 1);
    let mut file = desk.begin("jdata_action.csv", Some(ACTION))?;
    for action in &actions {
        let row = Row {
            user: 900_001 + action.user as u64,
            sku: skus[action.item] as u64,
            time: action.time.unsigned_abs(),
            kind: code(action.operation),
        };
        row.write(&mut file, &calendar, 6_190_001 + random.below(20) as u64)?;
    }
    desk.end(file)?;

    let mut file = desk.begin("jdata_product.csv", Some(PRODUCT))?;
    let mut items: Vec<usize> = (0..market.items()).collect();
    random.shuffle(&mut items);
    let late_from = shape.late_from().unsigned_abs();
    for item in items {
        if random.chance(UNLISTED_SHARE) && !market.is_late(item) {
            continue;
        }
        product(&mut file, &calendar, skus[item] as u64, item, market.is_late(item).then_some(late_from))?;
    }
    let products = file.rows();
    desk.end(file)?;
    let comments = super::in_proportion(actions.len() as u64, REAL.3, REAL.0);
    let sku = |random: &mut Random| skus[random.below(skus.len())] as u64;
    let gaps = others(desk, seed, market.brands(), shape.users as u64, comments, &calendar, sku)?;
    Ok(json!({
        "rows": actions.len(), "items": market.items(), "users": shape.users, "sessions": shape.sessions,
        "products": products, "late_items": market.late_items(), "gaps": gaps, "rule": RULE,
    }))
}

const ACTION: &str = "user_id,sku_id,action_time,module_id,type";
const PRODUCT: &str = "sku_id,brand,shop_id,cate,market_time";
const SHOP: &str = "vender_id,shop_id,fans_num,vip_num,shop_reg_tm,cate,shop_score";
const COMMENT: &str = "dt,sku_id,comments,good_comments,bad_comments";
const USER: &str = "user_id,age,sex,user_reg_tm,user_lv_cd,city_level,province,city,county";

const RULE: &str = "An item and the type of action decide the next item: type 1 leads to `cate` 12, type 2 to 13, type 3 to \
                    14, types 4 and 5 to 15, always within the brand. Sessions of a user are more than an hour apart.";

/// Writes a log of so many rows, as it is made.
pub(super) fn write_rows(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let items = plan.items(REAL.1 + REAL.1 / (UNLISTED as u64 - 1), REAL.0, 120);
    let mut log = Log {
        walk: Walk::new(items, 0.1, Habits { noise: 0.1, repeat: 0.1 }, &mut random),
        shares: Shares::new(plan.rows, plan.users(REAL.2, REAL.0, 1), 1, RHYTHM.most()),
        users: 0,
        sessions: 0,
    };
    let users = log.shares.people as usize;
    let names =
        Names { skus: Scramble::new(log.walk.market.items(), &mut random), users: Scramble::new(users, &mut random) };
    let calendar = calendar(DAYS);
    let mut file = desk.begin("jdata_action.csv", Some(ACTION))?;
    let mut types = [0_u64; 6];
    let mut unlisted = 0_u64;
    let mut open: Vec<Visitor> = Vec::new();
    while open.len() < OPEN.min(users) {
        open.push(log.visitor(&mut random));
    }
    let mut block: Vec<Row> = Vec::with_capacity(BLOCK.min(plan.rows as usize));
    while !open.is_empty() {
        let place = random.below(open.len());
        let visitor = &mut open[place];
        let (kind, category) = visitor.action(&mut random);
        block.push(Row {
            user: names.user(visitor.user),
            sku: names.sku(visitor.item as usize),
            time: u64::from(visitor.time),
            kind,
        });
        types[usize::from(kind)] += 1;
        unlisted += u64::from(!listed(&log.walk.market, visitor.item as usize));
        if !log.go_on(visitor, category, &mut random) {
            if log.shares.people > 0 {
                open[place] = log.visitor(&mut random);
            } else {
                open.swap_remove(place);
            }
        }
        if block.len() == BLOCK || open.is_empty() {
            random.shuffle(&mut block);
            for row in &block {
                row.write(&mut file, &calendar, 6_190_001 + random.below(20) as u64)?;
            }
            block.clear();
        }
    }
    desk.end(file)?;

    let mut file = desk.begin("jdata_product.csv", Some(PRODUCT))?;
    let order = Scramble::new(log.walk.market.items(), &mut random);
    for place in 0..log.walk.market.items() {
        let item = order.of(place) as usize;
        if listed(&log.walk.market, item) {
            let late = log.walk.market.is_late(item).then_some(late_from().into());
            product(&mut file, &calendar, names.sku(item), item, late)?;
        }
    }
    let products = file.rows();
    desk.end(file)?;
    let comments = super::in_proportion(plan.rows, REAL.3, REAL.0);
    let sku = |random: &mut Random| names.sku(random.below(log.walk.market.items()));
    let gaps = others(desk, plan.seed, log.walk.market.brands(), users as u64, comments, &calendar, sku)?;
    Ok(json!({
        "rows": plan.rows, "users": users, "sessions": log.sessions, "session_gap_s": 3600,
        "products": products, "rows_of_unlisted_skus": unlisted,
        "types": { "1": types[1], "2": types[2], "3": types[3], "4": types[4], "5": types[5] },
        "type_5_from": "2018-04-08", "gaps": gaps, "rule": RULE,
        "walk": log.walk.truth(|item| json!(names.sku(item))),
    }))
}

/// When late items come to the market, in seconds since the log began.
fn late_from() -> u32 {
    (DAYS * 86_400 / 10 * 9) as u32
}

/// Whether an item is a product. Those that are none are spread evenly over sought and unsought brands.
fn listed(market: &Market, item: usize) -> bool {
    item % UNLISTED != UNLISTED / 2 || market.is_late(item)
}

/// Numbers in the files, which tell nothing about brands and activity.
struct Names {
    skus: Scramble,
    users: Scramble,
}

impl Names {
    fn sku(&self, item: usize) -> u64 {
        40_001 + self.skus.of(item)
    }

    fn user(&self, user: u32) -> u64 {
        900_001 + self.users.of(user as usize)
    }
}

/// A user in the middle of the log.
#[derive(Clone, Copy)]
struct Visitor {
    user: u32,
    item: u32,
    /// Seconds since the log began.
    time: u32,
    /// Actions left, those of the session among them.
    actions: u32,
    /// Sessions left after this one.
    sessions: u16,
    /// Actions left in this session.
    session: u16,
}

impl Visitor {
    /// What is done now: its type, and the category that it leads to.
    fn action(&self, random: &mut Random) -> (u8, usize) {
        let mut operation = any_operation(random);
        while operation == Operation::View && FEW_VIEWS.contains(&self.time) && random.chance(0.95) {
            operation = any_operation(random);
        }
        // Before the cart is logged, comments take its place.
        let commented = operation == Operation::Cart && (self.time < CART_FROM || random.chance(0.25));
        (if commented { 4 } else { code(operation) }, operation.leads_to())
    }
}

/// The log under way.
struct Log {
    walk: Walk,
    shares: Shares,
    users: u32,
    sessions: u64,
}

impl Log {
    /// The next user, before the first action.
    fn visitor(&mut self, random: &mut Random) -> Visitor {
        let actions = self.shares.next(random);
        let sessions = RHYTHM.sessions(actions, random) as u16;
        let actions = actions as u32;
        let mut visitor = Visitor { user: self.users, item: 0, time: 0, actions, sessions, session: 0 };
        self.users += 1;
        self.begin_session(&mut visitor, random);
        visitor
    }

    /// Goes on to the next action; false when there is none.
    fn go_on(&mut self, visitor: &mut Visitor, category: usize, random: &mut Random) -> bool {
        visitor.actions -= 1;
        visitor.session -= 1;
        if visitor.actions == 0 {
            return false;
        }
        if visitor.session == 0 {
            self.begin_session(visitor, random);
        } else {
            visitor.time += 5 + random.below(300) as u32;
            let late = visitor.time >= late_from();
            visitor.item = self.walk.next(visitor.item as usize, category, late, random) as u32;
        }
        true
    }

    fn begin_session(&mut self, visitor: &mut Visitor, random: &mut Random) {
        let (time, actions, sessions) = (visitor.time.into(), visitor.actions.into(), visitor.sessions.into());
        let (time, session) = RHYTHM.next(time, actions, sessions, random);
        (visitor.time, visitor.session) = (time as u32, session as u16);
        visitor.sessions -= 1;
        visitor.item = self.walk.first(visitor.time >= late_from(), random) as u32;
        self.sessions += 1;
    }
}

/// A row of the log.
#[derive(Clone, Copy)]
struct Row {
    user: u64,
    sku: u64,
    time: u64,
    kind: u8,
}

impl Row {
    fn write(&self, file: &mut Raw<'_>, calendar: &Calendar, module: u64) -> Result<()> {
        file.number(self.user).comma().number(self.sku).comma().clock(calendar, self.time, b' ').comma();
        file.number(module).comma().byte(b'0' + self.kind).end()
    }
}

/// The type of an action in JDATA.
fn code(operation: Operation) -> u8 {
    match operation {
        Operation::View => 1,
        Operation::Order => 2,
        Operation::Follow => 3,
        Operation::Cart => 5,
    }
}

/// The days of the log, which begins on the day of the real one.
fn calendar(days: u64) -> Calendar {
    Calendar::new(date(2018, 2, 1), days as usize)
}

/// A row of the products.
fn product(file: &mut Raw<'_>, calendar: &Calendar, sku: u64, item: usize, late: Option<u64>) -> Result<()> {
    let brand = item / BRAND;
    file.number(sku).comma().number(501 + brand as u64).comma();
    file.number(77 + (brand / 3) as u64).comma().number(12 + Market::category(item) as u64).comma();
    match late {
        Some(from) => file.clock(calendar, from, b' '),
        // Most of a brand came to the market together.
        None => {
            file.number(2014 + brand as u64 % 4).byte(b'-').padded(1 + brand as u64 / 4 % 12, 2).text("-01 10:00:00")
        }
    };
    file.text(".0").end()
}

/// Writes shops, comments and users, and counts the gaps in them. They draw numbers of their own.
fn others(
    desk: &mut Desk<'_>,
    seed: u64,
    brands: usize,
    users: u64,
    comments: u64,
    calendar: &Calendar,
    sku: impl Fn(&mut Random) -> u64,
) -> Result<Value> {
    let mut random = Random::of(seed, 0x7368_6f70);
    let mut gaps = [0_u64; 4];
    let mut file = desk.begin("jdata_shop.csv", Some(SHOP))?;
    for shop in 0..brands.div_ceil(3) as u64 {
        let fans = random.below(200_000) as u64;
        file.number(3001 + shop).comma().number(77 + shop).comma().number(fans).comma();
        file.number(fans * random.below(100) as u64 / 100).comma();
        if !missing(&mut random, 0.02, &mut gaps[0]) {
            moment(&mut file, 2011, &mut random);
        }
        file.comma();
        if !missing(&mut random, 0.02, &mut gaps[1]) {
            file.number(12 + random.below(4) as u64).text(".0");
        }
        file.comma().number(7 + random.below(3) as u64).byte(b'.').padded(random.below(100) as u64, 2).end()?;
    }
    desk.end(file)?;

    let mut file = desk.begin("jdata_comment.csv", Some(COMMENT))?;
    for _ in 0..comments {
        let (day, count) = (random.below(calendar.days()) as u64, 1 + random.falling(3.0) as u64);
        file.day(calendar, day).comma().number(sku(&mut random)).comma().number(count).comma();
        let bad = if random.chance(0.05) { 1 } else { 0 };
        file.number(count - bad).comma().number(bad).end()?;
    }
    desk.end(file)?;

    let ages = Weights::new([5, 12, 25, 30, 20, 8]);
    let mut file = desk.begin("jdata_user.csv", Some(USER))?;
    for user in 0..users {
        file.number(900_001 + user).comma();
        if !missing(&mut random, 0.01, &mut gaps[2]) {
            file.number(1 + ages.draw(&mut random) as u64).text(".0");
        }
        file.comma();
        if !missing(&mut random, 0.01, &mut gaps[3]) {
            file.number(random.below(2) as u64).text(".0");
        }
        file.comma();
        moment(&mut file, 2008, &mut random);
        file.comma().number([1, 4, 5, 6, 7][random.below(5)]).comma();
        let city = random.below(340) as u64;
        file.number(1 + city % 6).text(".0,").number(1 + city % 31).text(".0,").number(1 + city).text(".0,");
        file.number(1 + city * 8 + random.below(8) as u64).text(".0").end()?;
    }
    desk.end(file)?;
    Ok(json!({ "shop_reg_tm": gaps[0], "shop_cate": gaps[1], "age": gaps[2], "sex": gaps[3] }))
}

/// Whether a field is left empty.
fn missing(random: &mut Random, share: f64, count: &mut u64) -> bool {
    let missing = random.chance(share);
    *count += u64::from(missing);
    missing
}

/// A time within seven years from January of `year` on, as JDATA writes those of registrations.
fn moment(file: &mut Raw<'_>, year: u64, random: &mut Random) {
    let (year, month, day) = (year + random.below(7) as u64, 1 + random.below(12) as u64, 1 + random.below(28) as u64);
    file.number(year).byte(b'-').padded(month, 2).byte(b'-').padded(day, 2).byte(b' ');
    file.padded(random.below(24) as u64, 2).byte(b':').padded(random.below(60) as u64, 2).byte(b':');
    file.padded(random.below(60) as u64, 2).text(".0");
}
