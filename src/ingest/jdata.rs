//! JDATA 2019: `jdata_action.csv` (user, SKU, time, module, type) and `jdata_product.csv` (brand, shop, category, day on
//! the market). Types: 1 view, 2 order, 3 follow, 4 comment, 5 cart. An action may name a SKU that is no product.

use std::collections::HashSet;

use super::rows::Rows;
use super::{Sink, time};
use crate::artifact::table::Text;
use crate::data::events::Event;
use crate::data::items::Items;
use crate::engine::stage::StageError;

const ACTION: &[&str] = &["user_id", "sku_id", "action_time", "type"];
const PRODUCT: &[&str] = &["sku_id", "brand", "shop_id", "cate", "market_time"];

/// Rows between two looks at the clock of progress.
const PACE: u64 = 1 << 16;

/// Reads both files into the sink.
///
/// # Errors
/// A missing file, or the first broken row with its place.
pub fn ingest(mut sink: Sink<'_>) -> Result<(), StageError> {
    let mut rows = Rows::open(&sink.raw().join("jdata_action.csv"), b',', ACTION)?;
    let mut count = 0_u64;
    while rows.advance()? {
        let operation = rows.number(3)?;
        if !matches!(operation, "1" | "2" | "3" | "4" | "5") {
            let help = "JDATA has 1 view, 2 order, 3 follow, 4 comment, 5 cart";
            return Err(rows.complain(3, "is no type of action").help(help).into());
        }
        let event = Event {
            user: rows.number(0)?,
            item: rows.number(1)?,
            operation,
            time: seconds(&rows, 2)?,
            session: None,
            part: None,
        };
        sink.push(event)?;
        count += 1;
        if count.is_multiple_of(PACE) {
            sink.report(&rows)?;
        }
    }
    let items = products(&sink)?;
    sink.finish(&items)
}

/// The time in a column, in seconds.
pub(super) fn seconds(rows: &Rows, column: usize) -> Result<i64, StageError> {
    time::seconds(rows.text(column)?)
        .ok_or_else(|| rows.complain(column, "is not a time").help("times look like `2018-03-05 09:15:02`").into())
}

fn products(sink: &Sink<'_>) -> Result<Items, StageError> {
    let mut rows = Rows::open(&sink.raw().join("jdata_product.csv"), b',', PRODUCT)?;
    let mut seen = HashSet::new();
    let mut columns: [Vec<Option<String>>; 5] = Default::default();
    while rows.advance()? {
        let item = rows.number(0)?;
        if !seen.insert(item.to_owned()) {
            return Err(rows
                .complain(0, "is a product already")
                .help("each SKU stands once in this file; take one of the rows out")
                .into());
        }
        let market = rows.text(4)?;
        let launch = if market.is_empty() {
            None
        } else {
            let complaint = || rows.complain(4, "is not a time").help("times look like `2016-09-01 10:00:00.0`");
            Some(time::year_month(market).ok_or_else(complaint)?)
        };
        columns[0].push(Some(item.to_owned()));
        for (column, values) in columns.iter_mut().enumerate().take(4).skip(1) {
            values.push(rows.optional_number(column)?.map(str::to_owned));
        }
        columns[4].push(launch);
    }
    let [item, attributes @ ..] = columns.map(Text::from_iter);
    let names = ["brand", "shop", "category", "launch"].map(str::to_owned);
    Ok(Items { item, attributes: names.into_iter().zip(attributes).collect() })
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::super::tests::ingested;
    use super::*;

    const PRODUCTS: &str = "sku_id,brand,shop_id,cate,market_time\n\
        40001,511.0,77,12,2016-09-01 10:00:00.0\n40002,,77,12,\n";

    fn read(action: &str, product: &str) -> Result<(crate::data::events::Events, Items), StageError> {
        ingested(&[("jdata_action.csv", action), ("jdata_product.csv", product)], ingest)
    }

    #[test]
    fn actions_become_events_and_products_items() {
        let actions = "user_id,sku_id,action_time,module_id,type\n\
            900001,40001,2018-03-05 09:15:02,6190001,1\n900001.0,40009,2018-03-05 09:16:40,,2\n";
        let (events, items) = read(actions, PRODUCTS).unwrap();
        assert_eq!(events.user.iter().collect::<Vec<_>>(), [Some("900001"); 2]);
        assert_eq!(events.item.iter().collect::<Vec<_>>(), [Some("40001"), Some("40009")]);
        assert_eq!(events.operation.iter().collect::<Vec<_>>(), [Some("1"), Some("2")]);
        assert_eq!(events.time[1] - events.time[0], 98);
        assert_eq!((events.row, events.session.missing(), events.part.missing()), (vec![0, 1], 2, 2));
        let shown: Vec<_> =
            items.attributes.iter().map(|(name, text)| (name.as_str(), text.get(0), text.get(1))).collect();
        assert_eq!(
            shown,
            [
                ("brand", Some("511"), None),
                ("shop", Some("77"), Some("77")),
                ("category", Some("12"), Some("12")),
                ("launch", Some("201609"), None)
            ]
        );
    }

    #[test]
    fn an_unknown_type_and_a_bad_time_name_their_line() {
        let header = "user_id,sku_id,action_time,module_id,type\n";
        for (row, column) in [("1,2,2018-03-05 09:15:02,,6\n", 26), ("1,2,2018-03-05 25:15:02,,1\n", 5)] {
            let Err(StageError::Data(error)) = read(&format!("{header}{row}"), PRODUCTS) else { panic!("{row}") };
            let at = error.location.unwrap();
            assert_eq!(
                (Utf8PathBuf::from(at.file).file_name(), at.line, at.column),
                (Some("jdata_action.csv"), 2, column)
            );
        }
    }

    #[test]
    fn a_product_that_stands_twice_is_told() {
        let twice = format!("{PRODUCTS}40001,1,2,3,\n");
        let Err(StageError::Data(error)) = read("user_id,sku_id,action_time,type\n", &twice) else { panic!() };
        assert_eq!(error.location.unwrap().line, 4);
    }
}
