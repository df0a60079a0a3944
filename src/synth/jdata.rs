//! A made-up market in the files of JDATA 2019: `jdata_action.csv`, whose rows are in no order, and `jdata_product.csv`,
//! which lacks a few of the SKUs, as the real one does.

use std::io::{BufWriter, Write};

use camino::Utf8Path;
use jiff::{SignedDuration, civil::DateTime, civil::date};

use super::market::{BRAND, Market, Operation, Shape};
use super::random::Random;

/// The share of items that are no product.
const UNLISTED: f64 = 0.01;

/// Writes both files.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Utf8Path, shape: Shape, seed: u64) -> std::io::Result<()> {
    let mut random = Random::new(seed);
    let market = Market::new(shape, &mut random);
    let mut actions = market.actions(&mut random);
    random.shuffle(&mut actions);
    // Numbers of SKUs tell nothing about brands.
    let mut skus: Vec<usize> = (40_001..).take(market.items()).collect();
    random.shuffle(&mut skus);

    let mut file = BufWriter::new(fs_err::File::create(folder.join("jdata_action.csv"))?);
    writeln!(file, "user_id,sku_id,action_time,module_id,type")?;
    for action in &actions {
        let (user, sku, kind) = (900_001 + action.user, skus[action.item], code(action.operation));
        let module = 6_190_001 + random.below(20);
        writeln!(file, "{user},{sku},{},{module},{kind}", clock(action.time))?;
    }
    file.flush()?;

    let mut file = BufWriter::new(fs_err::File::create(folder.join("jdata_product.csv"))?);
    writeln!(file, "sku_id,brand,shop_id,cate,market_time")?;
    let mut items: Vec<usize> = (0..market.items()).collect();
    random.shuffle(&mut items);
    for item in items {
        if random.chance(UNLISTED) && !market.is_late(item) {
            continue;
        }
        let brand = item / BRAND;
        let (shop, category) = (77 + brand / 3, 12 + Market::category(item));
        // Most of a brand came to the market together.
        let market_time = if market.is_late(item) {
            clock(market.late_from())
        } else {
            format!("{}-{:02}-01 10:00:00", 2014 + brand % 4, 1 + brand / 4 % 12)
        };
        writeln!(file, "{},{},{shop},{category},{market_time}.0", skus[item], 501 + brand)?;
    }
    file.flush()
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

/// A time of the log, which begins on the day of the real one.
fn clock(seconds: i64) -> String {
    let begin = DateTime::from(date(2018, 2, 1));
    (begin + SignedDuration::from_secs(seconds)).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    const SHAPE: Shape = Shape { items: 60, users: 20, sessions: 100, days: 5, noise: 0.1, repeat: 0.1, late: 0.2 };

    fn files(seed: u64) -> [String; 2] {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        write(&path, SHAPE, seed).unwrap();
        ["jdata_action.csv", "jdata_product.csv"].map(|name| fs_err::read_to_string(path.join(name)).unwrap())
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        assert_eq!(files(1), files(1));
        assert_ne!(files(1), files(2));
    }

    #[test]
    fn rows_have_the_layout_of_the_real_files_and_are_in_no_order() {
        let [actions, products] = files(1);
        let mut users = Vec::new();
        for row in actions.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let [user, _, time, _, kind] = fields[..] else { panic!("{row}") };
            assert_eq!((time.len(), &time[..5]), (19, "2018-"), "{row}");
            assert!(["1", "2", "3", "5"].contains(&kind), "{row}");
            users.push(user);
        }
        assert!(!users.is_sorted());
        for row in products.lines().skip(1) {
            let market_time = row.rsplit(',').next().unwrap();
            assert!(market_time.len() == 21 && market_time.ends_with(".0"), "{row}");
        }
    }
}
