//! JDATA 2019: `jdata_action.csv` (user, SKU, time, module, type), `jdata_product.csv` (brand, shop, category, day on the
//! market), and, where they are there, `jdata_user.csv`, `jdata_shop.csv` and `jdata_comment.csv`. Types: 1 view, 2 order, 3 follow, 4 comment, 5 cart. An action may
//! name a SKU that is no product.

use super::draft::{Draft, Drafts};
use super::intake::Intake;
use super::keys::Key;
use super::known::Values;
use super::raw::{Fault, Form, Row};
use super::{Options, time};
use crate::artifact::table::Column;
use crate::data::comments;
use crate::data::events::{Clock, Group};
use crate::data::names::SHOPS;
use crate::engine::stage::{StageError, Task};

const ACTION: &[&str] = &["user_id", "sku_id", "action_time", "type"];
const PRODUCT: &[&str] = &["sku_id", "brand", "shop_id", "cate", "market_time"];
const SHOP: &[&str] = &["shop_id", "vender_id", "fans_num", "vip_num", "shop_reg_tm", "cate", "shop_score"];
const COMMENT: &[&str] = &["sku_id", "dt", "comments", "good_comments", "bad_comments"];
const USER: &[&str] =
    &["user_id", "age", "sex", "user_reg_tm", "user_lv_cd", "city_level", "province", "city", "county"];

/// Reads the files.
///
/// # Errors
/// A missing file, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let mut intake = Intake::create(task, options.bad_rows, Clock::Seconds, Group::User)?;
    let (action, product) = (intake.raw().require("jdata_action.csv")?, intake.raw().require("jdata_product.csv")?);
    let [user, shop, comment] =
        ["jdata_user.csv", "jdata_shop.csv", "jdata_comment.csv"].map(|name| intake.raw().find(name));
    intake.log(&action, &Form::csv(ACTION), event)?;
    intake.items(&product, &Form::csv(PRODUCT), &["brand", "shop", "category", "launch"], item)?;
    if let Some(user) = user? {
        intake.users(&user, &Form::csv(USER), &USER[1..], described)?;
    }
    if let Some(shop) = shop? {
        intake.others(&SHOPS, &shop, &Form::csv(SHOP), &SHOP[1..], described)?;
    }
    if let Some(comment) = comment? {
        let days = intake.list(&comment, &Form::csv(COMMENT), commented)?;
        let mut days: Vec<(i32, [i64; 4])> =
            days.into_iter().map(|(item, day)| (intake.item(&item.to_string()).cast_signed(), day)).collect();
        days.sort_unstable();
        let column = |at: usize| Column::Int64(days.iter().map(|(_, day)| day[at]).collect());
        let items = Column::Int32(days.iter().map(|(item, _)| *item).collect());
        intake.write(comments::FILE, &comments::SCHEMA, vec![items, column(0), column(1), column(2), column(3)])?;
        intake.note("rows of jdata_comment.csv", days.len());
    }
    intake.finish()
}

/// An action.
fn event(row: &Row<'_>, drafts: &mut Drafts) -> Result<(), Fault> {
    let operation = row.digits(3)?;
    if !matches!(operation, b"1" | b"2" | b"3" | b"4" | b"5") {
        return Err(Fault::of(3, "is no type of action", "JDATA has 1 view, 2 order, 3 follow, 4 comment, 5 cart"));
    }
    let draft = Draft {
        user: drafts.number(row, 0)?,
        item: drafts.number(row, 1)?,
        operation: drafts.key_of(operation),
        time: Some(row.clock(2)?),
        session: Key::NONE,
        order: None,
        part: None,
    };
    drafts.push(draft);
    Ok(())
}

/// A product.
fn item(row: &Row<'_>, values: &mut Values) -> Result<(), Fault> {
    values.name(row.digits(0)?);
    for column in 1..4 {
        values.push(row.optional_digits(column)?.map(ascii));
    }
    let market = row.bytes(4);
    let launch = if market.is_empty() {
        None
    } else {
        let complaint = || Fault::of(4, "is not a time", "times look like `2016-09-01 10:00:00.0`");
        Some(time::year_month(market).ok_or_else(complaint)?)
    };
    values.push(launch.as_deref());
    Ok(())
}

/// What was counted of a SKU on a day: its first second, comments, good ones, bad ones.
fn commented(row: &Row<'_>) -> Result<(u64, [i64; 4]), Fault> {
    let item = ascii(row.digits(0)?).parse();
    let item = item.map_err(|_| Fault::of(0, "is too great a number", "SKUs have up to 18 digits"))?;
    let day = time::day(row.bytes(1)).ok_or_else(|| Fault::of(1, "is not a day", "days look like `2018-03-05`"))?;
    Ok((item, [day * 86_400, row.number(2)?, row.number(3)?, row.number(4)?]))
}

/// A user or a shop.
fn described(row: &Row<'_>, values: &mut Values) -> Result<(), Fault> {
    values.name(row.digits(0)?);
    for column in 1..row.width() {
        // Numbers in columns with gaps may be printed with `.0`; the time of registration is no number.
        let text = row.text(column)?;
        values.push(Some(text.strip_suffix(".0").unwrap_or(&text)));
    }
    Ok(())
}

/// Digits as text.
fn ascii(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Ingested, ingested, ingested_into};
    use super::super::{BadRows, Format, Quarantine};
    use super::*;
    use crate::artifact::table::{self, Text};

    const PRODUCTS: &str = "sku_id,brand,shop_id,cate,market_time\n\
        40001,511.0,77,12,2016-09-01 10:00:00.0\n40002,,77,12,\n";
    const HEADER: &str = "user_id,sku_id,action_time,module_id,type\n";

    fn read(action: &str, product: &str) -> Result<Ingested, StageError> {
        read_with(&Options::default(), action, product)
    }

    fn read_with(options: &Options, action: &str, product: &str) -> Result<Ingested, StageError> {
        let files = [("jdata_action.csv", action.as_bytes()), ("jdata_product.csv", product.as_bytes())];
        ingested(Format::Jdata, options, &files)
    }

    #[test]
    fn actions_become_events_and_products_items() {
        let actions = "900001,40001,2018-03-05 09:15:02,6190001,1\n900001.0,40009,2018-03-05 09:16:40,,2\n";
        let made = read(&format!("{HEADER}{actions}"), PRODUCTS).unwrap();
        let event = |item: &str, operation: &str, time, row| {
            ("900001".to_owned(), "-".to_owned(), item.to_owned(), operation.to_owned(), time, row)
        };
        assert_eq!(made.events, [event("40001", "1", 1_520_241_302, 0), event("40009", "2", 1_520_241_400, 1)]);
        assert_eq!((made.meta.grouped_by, made.meta.users), (Group::User, true));
        assert_eq!(made.items.item.iter().collect::<Vec<_>>(), [Some("40001"), Some("40009"), Some("40002")]);
        let shown =
            made.items.attributes.iter().map(|(name, text)| (name.as_str(), text.get(0), text.get(1), text.get(2)));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                ("brand", Some("511"), None, None),
                ("shop", Some("77"), None, Some("77")),
                ("category", Some("12"), None, Some("12")),
                ("launch", Some("201609"), None, None)
            ]
        );
    }

    #[test]
    fn shops_and_comments_become_tables_of_their_own() {
        let shops = "vender_id,shop_id,fans_num,vip_num,shop_reg_tm,cate,shop_score\n\
            31,77,1200,1100,2014-05-06 08:00:00.0,12.0,9.41\n32,78,,,,,\n";
        let comments = "dt,sku_id,comments,good_comments,bad_comments\n\
            2018-03-06,40002,1,0,1\n2018-03-05,40009,4,4,0\n2018-03-05,40002,3,3,0\n";
        let folder = tempfile::tempdir().unwrap();
        let root = camino::Utf8Path::from_path(folder.path()).unwrap();
        let files = [
            ("jdata_action.csv", HEADER.as_bytes()),
            ("jdata_product.csv", PRODUCTS.as_bytes()),
            ("jdata_shop.csv", shops.as_bytes()),
            ("jdata_comment.csv", comments.as_bytes()),
        ];
        let made = ingested_into(root, Format::Jdata, &Options::default(), &files).unwrap();
        let folder = root.join("output");
        let mut shops = table::read(&folder.join(SHOPS.file), &SHOPS.schema).unwrap();
        let known: Vec<(String, Text)> = shops.further();
        let shown = known.iter().map(|(name, text)| (name.as_str(), text.get(0), text.get(1)));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                ("vender_id", Some("31"), Some("32")),
                ("fans_num", Some("1200"), None),
                ("vip_num", Some("1100"), None),
                ("shop_reg_tm", Some("2014-05-06 08:00:00"), None),
                ("cate", Some("12"), None),
                ("shop_score", Some("9.41"), None),
            ]
        );
        assert_eq!(made.items.item.iter().collect::<Vec<_>>(), [Some("40001"), Some("40002"), Some("40009")]);
        let mut table = table::read(&folder.join(comments::FILE), &comments::SCHEMA).unwrap();
        assert_eq!(table.int32("item"), [1, 1, 2]);
        assert_eq!(table.int64("time"), [1_520_208_000, 1_520_294_400, 1_520_208_000]);
        assert_eq!(["comments", "good", "bad"].map(|name| table.int64(name)), [[3, 1, 4], [3, 0, 4], [0, 1, 0]]);
    }

    #[test]
    fn an_unknown_type_and_a_bad_time_name_their_line() {
        for (row, column) in [("1,2,2018-03-05 09:15:02,,6\n", 26), ("1,2,2018-03-05 25:15:02,,1\n", 5)] {
            let result = read(&format!("{HEADER}{row}"), PRODUCTS);
            let Err(StageError::Data(error)) = result else { panic!("{row}") };
            let at = error.location.unwrap();
            assert!(at.file.ends_with("jdata_action.csv"));
            assert_eq!((at.line, at.column), (2, column));
        }
    }

    #[test]
    fn bad_rows_in_quarantine_are_written_with_their_reason_and_keep_their_place_in_the_log() {
        let options = Options { bad_rows: BadRows::Quarantine(Quarantine { at_most: 0.5 }), ..Options::default() };
        let rows = "1,2,2018-03-05 09:15:02,,6\n1,2,2018-03-05 09:15:02,,1\n";
        let made = read_with(&options, &format!("{HEADER}{rows}"), PRODUCTS).unwrap();
        let reason = "`6` in `type` is no type of action".to_owned();
        assert_eq!(made.rejected, [("jdata_action.csv".to_owned(), 2, 26, reason)]);
        assert_eq!(made.events.iter().map(|event| event.5).collect::<Vec<_>>(), [1]);
        assert_eq!((&made.notes["rejected rows"], &made.notes["rows of jdata_action.csv"]), (&1.into(), &2.into()));
        let strict = Options { bad_rows: BadRows::Quarantine(Quarantine { at_most: 0.4 }), ..Options::default() };
        let Err(StageError::Data(error)) = read_with(&strict, &format!("{HEADER}{rows}"), PRODUCTS) else { panic!() };
        assert!(error.message.contains("1 of 2 rows") && error.message.contains("50.000 %"), "{}", error.message);
        assert_eq!(error.location.unwrap().line, 2);
    }

    #[test]
    fn a_product_that_stands_twice_is_counted_and_its_first_row_stands() {
        let made = read(HEADER, &format!("{PRODUCTS}40001,1,2,3,\n")).unwrap();
        assert_eq!(made.notes["rows of jdata_product.csv that name again what an earlier one named"], 1);
        assert_eq!(made.items.attributes[0].1.get(0), Some("511"));
    }
}
