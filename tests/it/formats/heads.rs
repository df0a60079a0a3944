//! The heads of the real files: every count here was taken from the files by other means.

use std::collections::BTreeSet;

use serde_json::json;

use super::raw_of;

const KKBOX: [(&str, &str); 4] = [
    ("train.csv", "train.csv"),
    ("songs.csv", "songs.csv"),
    ("song_extra_info.csv", "song_extra_info.csv"),
    ("members.csv", "members.csv"),
];

#[test]
fn the_head_of_kkbox_is_read_whole() {
    let Some(raw) = raw_of("kkbox", &KKBOX) else { return };
    let made = raw.ingest(json!({ "format": "kkbox", "operation": "source_system_tab" })).unwrap();
    assert_eq!((made.events.len(), made.note("rows of train.csv"), made.note("rejected rows")), (19_999, 19_999, 0));
    assert_eq!((made.note("rows of songs.csv"), made.note("rows of song_extra_info.csv")), (39_999, 39_999));
    assert_eq!((made.items.item.len(), made.users.len()), (83_736, 34_403));
    // 7 of the 8 tabs, and one for what is missing: 17 times the word, 50 times nothing.
    assert_eq!((made.operations.len(), made.with_operation("missing")), (8, 67));
    assert_eq!(made.note("events with an empty operation"), 50);
    assert_eq!(made.note("events with the operation `null`"), 17);
    assert_eq!(made.note("songs without an ISRC"), 5346);
    let song = "LP7pLJoJFBvyuUwvu+oLzjT+bI+UeBPURCecJsX1jjs=";
    assert_eq!((made.attribute("release_year", song), made.attribute("name", song)), (Some("2012"), Some("我們")));
    let (_, years) = made.items.attributes.iter().find(|(name, _)| name == "release_year").unwrap();
    assert_eq!(years.iter().filter(|year| *year == Some("2016")).count(), 4110);
    // The rows are the clock.
    assert!(made.events.iter().all(|event| event.time == i64::from(event.row)));

    let made = raw.ingest(json!({ "format": "kkbox" })).unwrap();
    assert_eq!((made.operations.len(), made.with_operation("missing")), (18, 576));
}

#[test]
fn the_head_of_trivago_is_read_whole() {
    let files = [("train.csv", "train.csv"), ("item_metadata.csv", "item_metadata.csv")];
    let Some(raw) = raw_of("trivago", &files) else { return };
    let made = raw.ingest(json!({ "format": "trivago" })).unwrap();
    assert_eq!((made.note("rows of train.csv"), made.events.len(), made.operations.len()), (2363, 2103, 6));
    let sessions: BTreeSet<u32> = made.events.iter().map(|event| event.session).collect();
    assert_eq!(sessions.len(), 121);
    for (action, count) in [
        ("filter selection", 136),
        ("search for destination", 52),
        ("change of sort order", 39),
        ("search for poi", 33),
    ] {
        assert_eq!(made.note(&format!("rows left out: `{action}`")), count, "{action}");
    }
    assert_eq!((made.with_operation("interaction item image"), made.with_operation("clickout item")), (1758, 194));
    assert_eq!(made.note("rows of item_metadata.csv"), 2333);
    // Within a session the steps rise, whatever the times.
    assert!(made.events.windows(2).all(|pair| pair[0].session != pair[1].session || pair[0].order < pair[1].order));
}

#[test]
fn the_samples_of_jd_micro_behaviours_are_read_whole() {
    for (file, behaviours, skus, categories) in
        [("JD_Applicances_sample.1000b", 57_332, 9134, 71), ("JD_Computers_sample.1000b", 43_014, 9289, 77)]
    {
        let Some(raw) = raw_of("jd_hup", &[(file, file)]) else { return };
        let made = raw.ingest(json!({ "format": "jd-micro" })).unwrap();
        assert_eq!((made.events.len(), made.items.item.len(), made.operations.len()), (behaviours, skus, 10), "{file}");
        let (name, column) = &made.items.attributes[0];
        let distinct: BTreeSet<Option<&str>> = column.iter().collect();
        assert_eq!((name.as_str(), distinct.len(), column.missing()), ("category", categories, 0), "{file}");
        let sessions: BTreeSet<u32> = made.events.iter().map(|event| event.session).collect();
        assert_eq!(sessions.len(), 1000, "{file}");
        assert!(!made.notes.keys().any(|note| note.contains("different things")), "a SKU has one category");
    }
}

#[test]
fn both_layouts_of_movielens_are_read_whole() {
    let old =
        [("ratings_users1-2999.dat.gz", "ratings.dat.gz"), ("movies.dat", "movies.dat"), ("users.dat", "users.dat")];
    let Some(raw) = raw_of("ml-1m", &old) else { return };
    let made = raw.ingest(json!({ "format": "movielens", "ratings": "operations" })).unwrap();
    assert_eq!((made.events.len(), made.users.len(), made.operations.len()), (487_650, 6040, 5));
    assert_eq!(made.note("rows of movies.dat"), 3883);
    assert_eq!((made.attribute("title", "73"), made.attribute("year", "73")), (Some("Misérables, Les"), Some("1995")));

    let new = [("ratings.csv", "ratings.csv"), ("movies.csv", "movies.csv")];
    let Some(raw) = raw_of("ml-latest-small", &new) else { return };
    let made = raw.ingest(json!({ "format": "movielens" })).unwrap();
    assert_eq!((made.events.len(), made.items.item.len(), made.with_operation("rate")), (100_836, 9742, 100_836));
    assert_eq!(made.note("films whose title names no year"), 13);
    let (_, genres) = made.items.attributes.iter().find(|(name, _)| name == "genres").unwrap();
    assert_eq!(genres.missing(), 34);
}

#[test]
fn a_table_of_ones_own_reads_what_a_format_reads() {
    let files = [("ratings.csv", "ratings.csv"), ("movies.csv", "movies.csv")];
    let Some(raw) = raw_of("ml-latest-small", &files) else { return };
    let format = raw.ingest(json!({ "format": "movielens", "ratings": "operations" })).unwrap();
    let columns = json!({
        "user": "userId", "item": "movieId", "operation": "rating", "time": { "seconds": "timestamp" },
    });
    let items = json!({ "file": "movies.csv", "name": "movieId", "attributes": { "genres": "genres" } });
    let mapping =
        json!({ "log": "ratings.csv", "columns": columns, "items": items, "missing": ["(no genres listed)"] });
    let table = raw.ingest(json!({ "format": "table", "table": mapping })).unwrap();
    assert!(table.events == format.events && table.items.item == format.items.item);
    assert_eq!(table.attribute("genres", "1"), format.attribute("genres", "1"));
    let (_, genres) = &table.items.attributes[0];
    assert_eq!(genres.missing(), 34);
}
