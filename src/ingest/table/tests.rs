//! Tables in the layouts of public data sets, and the traps of one's own.

use serde_json::{Value, json};

use super::super::Format;
use super::super::tests::{Ingested, ingested};
use super::*;
use crate::artifact::sheet::{self, SheetColumn};

fn read(mapping: Value, files: &[(&str, &[u8])]) -> Result<Ingested, StageError> {
    let mapping: TableMapping = serde_json::from_value(mapping).unwrap();
    assert_eq!(mapping.problems(), []);
    ingested(Format::Table, &Options { table: Some(mapping), ..Options::default() }, files)
}

/// Session, user, item, operation, time of each event.
fn found(made: &Ingested) -> Vec<(&str, &str, &str, &str, i64)> {
    made.events.iter().map(|e| (e.1.as_str(), e.0.as_str(), e.2.as_str(), e.3.as_str(), e.4)).collect()
}

fn attribute<'a>(made: &'a Ingested, name: &str) -> Vec<Option<&'a str>> {
    made.items.attributes.iter().find(|(known, _)| known == name).unwrap().1.iter().collect()
}

#[test]
fn yoochoose_as_published_has_no_header_and_its_category_is_an_attribute() {
    let mapping = json!({
        "log": "yoochoose-clicks.dat",
        "layout": { "columns": ["session", "time", "item", "category"] },
        "columns": { "session": "session", "item": "item", "time": { "iso": "time" } },
        "item_attributes": { "category": "category" },
        "missing": ["0"],
    });
    let log = b"1,2014-04-07T10:51:09.277Z,214536502,0\n1,2014-04-07T10:54:09.868Z,214536500,S\n";
    let made = read(mapping, &[("yoochoose-clicks.dat", log)]).unwrap();
    assert_eq!(
        found(&made),
        [("1", "-", "214536502", "event", 1_396_867_869), ("1", "-", "214536500", "event", 1_396_868_049)]
    );
    assert_eq!(attribute(&made, "category"), [None, Some("S")]);
    assert_eq!((made.meta.grouped_by, made.meta.clock, made.meta.users), (Group::Session, Clock::Seconds, false));
}

#[test]
fn yoochoose_as_it_is_often_preprocessed_has_parts_of_its_own() {
    let mapping = json!({
        "parts": { "train": "train.txt", "test": "test.txt" },
        "layout": { "delimiter": "\t" },
        "columns": { "session": "SessionId", "item": "ItemId", "time": { "seconds": "Time" } },
    });
    let files: [(&str, &[u8]); 2] = [
        ("train.txt", b"SessionId\tItemId\tTime\n1\t7\t1396867869.277\n"),
        ("test.txt", b"SessionId\tItemId\tTime\r\n2\t8\t1396867869\r\n"),
    ];
    let made = read(mapping, &files).unwrap();
    assert_eq!(
        found(&made).iter().map(|event| (event.0, event.4)).collect::<Vec<_>>(),
        [("1", 1_396_867_869), ("2", 1_396_867_869)]
    );
    assert_eq!(made.parts, [Some(Given::Train), Some(Given::Test)]);
}

#[test]
fn diginetica_has_a_day_a_timeframe_users_who_are_not_there_and_a_table_of_categories() {
    let mapping = json!({
        "log": "train-item-views.csv",
        "layout": { "delimiter": ";" },
        "columns": {
            "session": "sessionId", "user": "userId", "item": "itemId",
            "time": { "day": { "date": "eventdate", "milliseconds": "timeframe" } },
        },
        "missing": ["NA"],
        "items": {
            "file": "product-categories.csv", "layout": { "delimiter": ";" },
            "name": "itemId", "attributes": { "category": "categoryId" },
        },
    });
    let files: [(&str, &[u8]); 2] = [
        (
            "train-item-views.csv",
            b"sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n1;5;31331;1031018;2016-05-09\n",
        ),
        ("product-categories.csv", b"itemId;categoryId\n31331;1096\n139578;1096\n"),
    ];
    let made = read(mapping, &files).unwrap();
    // 2016-05-09 is day 16,930 since 1970.
    let day = 16_930 * 86_400;
    assert_eq!(found(&made), [("1", "-", "81766", "event", day + 526), ("1", "5", "31331", "event", day + 1031)]);
    assert_eq!(attribute(&made, "category"), [None, Some("1096"), Some("1096")]);
    assert_eq!((&made.notes["events of nobody"], made.meta.users), (&1.into(), false));
}

#[test]
fn retail_rocket_has_visitors_milliseconds_and_operations() {
    let mapping = json!({
        "log": "events.csv",
        "columns": {
            "user": "visitorid", "item": "itemid", "operation": "event", "time": { "milliseconds": "timestamp" },
        },
    });
    let log = b"timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n\
        1433224214164,992329,transaction,248676,7\n";
    let made = read(mapping, &[("events.csv", log)]).unwrap();
    assert_eq!(
        found(&made),
        [("-", "257597", "355908", "view", 1_433_221_332), ("-", "992329", "248676", "transaction", 1_433_224_214)]
    );
    assert_eq!((made.meta.grouped_by, made.meta.users), (Group::User, true));
}

#[test]
fn a_log_without_time_and_operation_is_ordered_by_its_rows_or_by_a_place() {
    let columns = json!({ "session": "s", "item": "i", "order": "n" });
    let made =
        read(json!({ "log": "l.tsv", "columns": columns }), &[("l.tsv", b"i\ts\tn\na\t1\t2\nb\t1\t1\n")]).unwrap();
    assert_eq!((made.meta.clock, &made.orders[..]), (Clock::Rows, [Some(2), Some(1)].as_slice()));
    assert_eq!(found(&made), [("1", "-", "a", "event", 0), ("1", "-", "b", "event", 1)]);
}

#[test]
fn missing_operations_are_one_operation_and_missing_items_bad_rows() {
    let columns = json!({ "user": "u", "item": "i", "operation": "o" });
    let mapping = json!({ "log": "l.csv", "columns": columns, "missing": ["null"] });
    let made = read(mapping.clone(), &[("l.csv", b"u,i,o\n1,7,null\n1,7,\n1,7,buy\n")]).unwrap();
    let operations: Vec<&str> = found(&made).iter().map(|event| event.3).collect();
    assert_eq!(
        (operations, &made.notes["events without an operation"]),
        (vec!["missing", "missing", "buy"], &2.into())
    );
    for (row, column) in [("1,null,buy", 3), ("1,,buy", 3), (",7,buy", 1)] {
        let log = format!("u,i,o\n{row}\n");
        let Err(StageError::Data(error)) = read(mapping.clone(), &[("l.csv", log.as_bytes())]) else { panic!("{row}") };
        let at = error.location.unwrap();
        assert_eq!((at.line, at.column), (2, column), "{row}");
    }
}

#[test]
fn a_column_that_the_header_lacks_is_told_with_its_file() {
    let mapping = json!({ "log": "l.csv", "columns": { "user": "user_id", "item": "item" } });
    let Err(StageError::Data(error)) = read(mapping, &[("l.csv", b"userid,item\n1,2\n")]) else { panic!() };
    assert!(error.message.contains("`user_id`") && error.help.unwrap().contains("`userid`"));
    assert_eq!(error.location.unwrap().line, 1);
}

/// A table of Parquet as another program writes it.
fn parquet(columns: Vec<(&str, SheetColumn)>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("t.parquet")).unwrap();
    sheet::write(&path, columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap();
    fs_err::read(path).unwrap()
}

#[test]
fn parquet_is_read_as_a_text_file_of_the_same_rows_would_be() {
    let whole = |values: &[i64]| SheetColumn::Whole(values.iter().copied().map(Some).collect());
    let text = |values: &[Option<&str>]| SheetColumn::Text(values.iter().map(|v| v.map(str::to_owned)).collect());
    let rows = 20_000;
    let items: Vec<i64> = (0..rows).map(|row| row % 100).collect();
    let users: Vec<i64> = (0..rows).map(|row| row / 10).collect();
    let kinds: Vec<Option<&str>> = (0..rows).map(|row| (row % 3 > 0).then_some("a,\"b\"")).collect();
    let times: Vec<Option<f64>> = (0..rows).map(|row| Some(1.4e9 + row as f64 + 0.5)).collect();
    let log = parquet(vec![
        ("other", SheetColumn::Switch(vec![None; rows as usize])),
        ("item", whole(&items)),
        ("user", whole(&users)),
        ("kind", text(&kinds)),
        ("time", SheetColumn::Number(times)),
    ]);
    let mut csv = "user,item,kind,time\n".to_owned();
    for row in 0..rows as usize {
        let kind = kinds[row].map_or("", |_| "\"a,\"\"b\"\"\"");
        csv += &format!("{},{},{kind},{}.5\n", users[row], items[row], 1_400_000_000 + row);
    }
    let mapping = |file: &str| {
        let columns = json!({ "user": "user", "item": "item", "operation": "kind", "time": { "seconds": "time" } });
        json!({ "log": file, "columns": columns })
    };
    let table = read(mapping("log.parquet"), &[("log.parquet", &log)]).unwrap();
    let text = read(mapping("log.csv"), &[("log.csv", csv.as_bytes())]).unwrap();
    assert_eq!(table.events.len(), 20_000);
    assert!(table.events == text.events);
    assert_eq!(table.notes["events without an operation"], text.notes["events without an operation"]);
}

#[test]
fn a_bad_row_of_parquet_names_its_number_and_a_missing_column_what_there_is() {
    let log = parquet(vec![
        ("item", SheetColumn::Text(vec![Some("a".into()), None])),
        ("user", SheetColumn::Whole(vec![Some(1), Some(2)])),
    ]);
    let mapping = json!({ "log": "l.parquet", "columns": { "user": "user", "item": "item" } });
    let Err(StageError::Data(error)) = read(mapping, &[("l.parquet", &log)]) else { panic!() };
    assert_eq!((error.location.unwrap().line, error.message.as_str()), (2, "`` in `item` is empty"));
    let mapping = json!({ "log": "l.parquet", "columns": { "user": "users", "item": "item" } });
    let Err(StageError::Data(error)) = read(mapping, &[("l.parquet", &log)]) else { panic!() };
    assert!(error.message.contains("has no column `users`") && error.help.unwrap().contains("`user`"));
}

#[test]
fn a_file_that_is_no_more_than_its_header_has_no_rows() {
    let mapping = json!({ "log": "l.csv", "columns": { "user": "u", "item": "i" } });
    for text in ["u,i", "u,i\n", "u,i\r\n\r\n"] {
        assert!(read(mapping.clone(), &[("l.csv", text.as_bytes())]).unwrap().events.is_empty(), "{text:?}");
    }
}

#[test]
fn a_header_is_of_the_letters_of_its_file() {
    let columns = json!({ "user": "Käufer", "item": "i" });
    let mapping = json!({ "log": "l.csv", "layout": { "encoding": "latin-1" }, "columns": columns });
    let made = read(mapping, &[("l.csv", b"i,K\xe4ufer\n7,M\xfcller\n")]).unwrap();
    assert_eq!(found(&made), [("-", "Müller", "7", "event", 0)]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(60))]

    #[test]
    fn damaged_parquet_is_told_or_read(places in proptest::collection::vec((0.0..1.0, 0..255_u8), 1..4)) {
        let mut log = parquet(vec![
            ("item", SheetColumn::Text((0..300).map(|row| Some(format!("item {}", row % 40))).collect())),
            ("user", SheetColumn::Whole((0..300).map(|row| Some(row / 7)).collect())),
        ]);
        for (place, byte) in places {
            // The first four bytes say that it is Parquet.
            let at = 4 + ((log.len() - 4) as f64 * place) as usize;
            log[at] ^= byte;
        }
        let mapping = json!({ "log": "l.parquet", "columns": { "user": "user", "item": "item" } });
        match read(mapping, &[("l.parquet", &log)]) {
            Ok(_) | Err(StageError::Data(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn packed_or_cut_off_parquet_is_told() {
    let log = parquet(vec![("item", SheetColumn::Whole(vec![Some(1)])), ("user", SheetColumn::Whole(vec![Some(1)]))]);
    let mapping = json!({ "log": "l.parquet", "columns": { "user": "user", "item": "item" } });
    let error = read(mapping.clone(), &[("l.parquet", &log[..log.len() - 9])]).unwrap_err().to_string();
    assert!(error.contains("cannot be read as Parquet"), "{error}");
    let packed = zstd::encode_all(log.as_slice(), 1).unwrap();
    let error = read(mapping, &[("l.parquet.zst", &packed)]).unwrap_err().to_string();
    assert!(error.contains("Parquet in a container"), "{error}");
}
