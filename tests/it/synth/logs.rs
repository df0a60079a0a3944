//! JDATA and KKBOX.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use sr_pipe::synth::Format;

use super::{Made, about, real, tells};

const ROWS: u64 = 50_000;

fn seconds(text: &str) -> i64 {
    let time: DateTime = text.replace(' ', "T").parse().unwrap();
    time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second()
}

#[test]
fn jdata_has_five_files_and_its_truth_is_what_a_recount_finds() {
    let made = Made::new(Format::Jdata, ROWS, 1);
    let (header, actions) = made.csv("jdata_action.csv");
    assert_eq!(header, "user_id,sku_id,action_time,module_id,type");
    assert_eq!(actions.len() as u64, ROWS);
    let mut by_user: BTreeMap<&str, Vec<(i64, &str, &str)>> = BTreeMap::new();
    let mut types: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &actions {
        assert_eq!(row[2].len(), 19, "{row:?}");
        assert!("2018-02-01" <= &row[2][..10] && &row[2][..10] <= "2018-04-15", "{row:?}");
        assert!(row[4] != "5" || &row[2][..10] >= "2018-04-08", "{row:?}");
        by_user.entry(&row[0]).or_default().push((seconds(&row[2]), &row[1], &row[4]));
        *types.entry(&row[4]).or_default() += 1;
    }
    for (kind, count) in types {
        assert_eq!(count, made.told(&format!("/types/{kind}")));
    }
    // No order by time, nor by user; and not even within a user.
    let rising = |key: &dyn Fn(&[String]) -> String| actions.windows(2).filter(|w| key(&w[0]) <= key(&w[1])).count();
    about(rising(&|row| row[2].clone()), actions.len(), 0.5, 0.02);
    about(rising(&|row| row[0].clone()), actions.len(), 0.5, 0.02);
    assert!(by_user.values().filter(|own| !own.is_sorted_by_key(|action| action.0)).count() > by_user.len() / 2);

    let (mut sessions, mut steps) = (0, Vec::new());
    for own in by_user.values_mut() {
        own.sort_unstable();
        sessions += 1;
        for pair in own.windows(2) {
            if pair[1].0 - pair[0].0 > 3600 {
                sessions += 1;
            } else {
                steps.push((pair[0].1, pair[0].2, pair[1].1));
            }
        }
    }
    assert_eq!(sessions, made.told("/sessions"));
    assert_eq!(by_user.len() as u64, made.told("/users"));
    assert_eq!(steps.len() as u64, made.told("/walk/steps"));
    let (alone, with_type) = tells(&steps);
    assert!(with_type > 0.78 && alone < 0.55, "{alone} by item, {with_type} by item and type");

    let (header, products) = made.csv("jdata_product.csv");
    assert_eq!(header, "sku_id,brand,shop_id,cate,market_time");
    assert!(products.iter().all(|row| row[4].len() == 21 && row[4].ends_with(".0")));
    let known: BTreeSet<&str> = products.iter().map(|row| row[0].as_str()).collect();
    assert_eq!((known.len(), products.len() as u64), (products.len(), made.told("/products")));
    let unlisted = actions.iter().filter(|row| !known.contains(row[1].as_str())).count();
    assert_eq!(unlisted as u64, made.told("/rows_of_unlisted_skus"));
    about(unlisted, actions.len(), 355_423.0 / 37_214_269.0, 0.006);

    let (header, users) = made.csv("jdata_user.csv");
    assert_eq!(header, "user_id,age,sex,user_reg_tm,user_lv_cd,city_level,province,city,county");
    let named: BTreeSet<&str> = users.iter().map(|row| row[0].as_str()).collect();
    assert!(by_user.keys().all(|user| named.contains(user)));
    for (column, name) in [(1, "age"), (2, "sex")] {
        let gaps = users.iter().filter(|row| row[column].is_empty()).count();
        assert_eq!(gaps as u64, made.told(&format!("/gaps/{name}")));
    }
    let (header, shops) = made.csv("jdata_shop.csv");
    assert_eq!(header, "vender_id,shop_id,fans_num,vip_num,shop_reg_tm,cate,shop_score");
    let shops: BTreeSet<&str> = shops.iter().map(|row| row[1].as_str()).collect();
    assert!(products.iter().all(|row| shops.contains(row[2].as_str())));
    let (header, comments) = made.csv("jdata_comment.csv");
    assert_eq!(header, "dt,sku_id,comments,good_comments,bad_comments");
    about(comments.len(), actions.len(), 1_774_233.0 / 37_214_269.0, 0.001);
}

#[test]
fn an_item_of_jdata_that_comes_late_is_met_only_then() {
    let made = Made::new(Format::Jdata, 200_000, 2);
    let (_, products) = made.csv("jdata_product.csv");
    let late: BTreeSet<&str> =
        products.iter().filter(|row| row[4].starts_with("2018-")).map(|row| row[0].as_str()).collect();
    assert_eq!(late.len() as u64, made.told("/walk/late_items"));
    let (_, actions) = made.csv("jdata_action.csv");
    let met: Vec<&str> = actions.iter().filter(|row| late.contains(row[1].as_str())).map(|row| &row[2][..10]).collect();
    assert!(!met.is_empty() && met.iter().all(|day| *day >= "2018-04-08"), "{:?}", met.iter().min());
}

#[test]
fn kkbox_has_its_quirks_at_the_real_rates_and_its_truth_is_what_a_recount_finds() {
    let made = Made::new(Format::Kkbox, ROWS, 1);
    let (header, train) = made.csv("train.csv");
    assert_eq!(header, "msno,song_id,source_system_tab,source_screen_name,source_type,target");
    let (header, test) = made.csv("test.csv");
    assert_eq!(header, "id,msno,song_id,source_system_tab,source_screen_name,source_type");
    about(test.len(), train.len(), 2_556_790.0 / 7_377_418.0, 0.001);
    assert!(test.iter().enumerate().all(|(id, row)| row[0] == id.to_string()));
    for row in &train {
        for id in &row[..2] {
            assert!(id.len() == 44 && id.ends_with('='), "{id}");
        }
    }
    let tested = test.iter().map(|row| (&row[1], &row[2]));
    let pairs: BTreeSet<(&String, &String)> = train.iter().map(|row| (&row[0], &row[1])).chain(tested).collect();
    assert_eq!(pairs.len(), train.len() + test.len(), "nobody meets a song twice");

    // Sessions end where the next row of a person is more than 2,000 rows away.
    let mut last: BTreeMap<&str, (usize, &str, &str)> = BTreeMap::new();
    let (mut sessions, mut steps) = (0, Vec::new());
    for (at, row) in train.iter().enumerate() {
        match last.insert(&row[0], (at, &row[1], &row[2])) {
            Some((before, song, tab)) if at - before <= 2000 => steps.push((song, tab, row[1].as_str())),
            _ => sessions += 1,
        }
    }
    assert_eq!(sessions, made.told("/sessions"));
    assert!(sessions > 3000, "{sessions}");
    let share = made.rule_share("/walk");
    assert!(share > 0.6, "{share}");

    let count = |column: usize, value: &str| train.iter().filter(|row| row[column] == value).count();
    for (tab, real) in [("my library", 3_684_730.0), ("discover", 2_179_252.0), ("radio", 476_701.0)] {
        assert_eq!(count(2, tab) as u64, made.truth["sources"]["tabs"][tab]);
        about(count(2, tab), train.len(), real / 7_377_418.0, 0.01);
    }
    for (column, value, name, rate) in [
        (2, "", "tab_empty", 24_849.0 * 50.0 / 67.0 / 7_377_418.0),
        (2, "null", "tab_null", 24_849.0 * 17.0 / 67.0 / 7_377_418.0),
        (3, "", "screen_empty", 414_804.0 / 7_377_418.0),
        (4, "", "type_empty", 21_539.0 / 7_377_418.0),
    ] {
        assert_eq!(count(column, value) as u64, made.truth["sources"][name], "{name}");
        about(count(column, value), train.len(), rate, 0.005);
        assert!(count(column, value) > 0, "{name}");
    }
}

#[test]
fn songs_and_members_of_kkbox_have_their_quirks() {
    let made = Made::new(Format::Kkbox, ROWS, 1);
    let (header, songs) = made.csv("songs.csv");
    assert_eq!(header, "song_id,song_length,genre_ids,artist_name,composer,lyricist,language");
    let empty = |rows: &[Vec<String>], column: usize| rows.iter().filter(|row| row[column].is_empty()).count();
    for (column, name, rate) in [
        (2, "genre_empty", 0.018),
        (4, "composer_empty", 0.42),
        (5, "lyricist_empty", 0.727),
        (6, "language_empty", 0.0),
    ] {
        assert_eq!(empty(&songs, column) as u64, made.truth["songs"][name], "{name}");
        about(empty(&songs, column), songs.len(), rate, 0.02);
    }
    assert_eq!(empty(&songs, 6), 1);
    let languages: BTreeSet<&str> = songs.iter().map(|row| row[6].as_str()).collect();
    assert!(languages.contains("52.0") && languages.contains("-1.0") && !languages.contains("52"), "{languages:?}");
    assert!(songs.iter().any(|row| row[3].contains('|')) && songs.iter().any(|row| row[4].contains('"')));

    let (header, extra) = made.csv("song_extra_info.csv");
    assert_eq!(header, "song_id,name,isrc");
    assert_eq!(extra.len() as u64, made.told("/extra/rows"));
    for (column, what, name) in
        [(1, "\n", "name_with_line_break"), (1, ",", "name_with_comma"), (1, "\"", "name_with_quotes")]
    {
        let found = extra.iter().filter(|row| row[column].contains(what)).count() as u64;
        assert!(found > 0 && found == made.truth["extra"][name], "{name}: {found}");
    }
    about(empty(&extra, 2), extra.len(), 0.1337, 0.02);
    assert!(extra.iter().all(|row| row[2].is_empty() || row[2].len() == 12));
    // Some songs that were met have no metadata.
    let (_, train) = made.csv("train.csv");
    let known: BTreeSet<&str> = songs.iter().map(|row| row[0].as_str()).collect();
    let without = train.iter().filter(|row| !known.contains(row[1].as_str())).count();
    assert!(without > 0 && without < train.len() / 100, "{without}");

    let (header, members) = made.csv("members.csv");
    assert_eq!(header, "msno,city,bd,gender,registered_via,registration_init_time,expiration_date");
    about(members.iter().filter(|row| row[2] == "0").count(), members.len(), 0.58, 0.08);
    about(empty(&members, 3), members.len(), 0.58, 0.08);
    let named: BTreeSet<&str> = members.iter().map(|row| row[0].as_str()).collect();
    assert!(train.iter().all(|row| named.contains(row[0].as_str())));
}

#[test]
fn headers_of_kkbox_are_those_of_the_real_files() {
    let made = Made::new(Format::Kkbox, 500, 1);
    for name in ["train.csv", "test.csv", "songs.csv", "song_extra_info.csv", "members.csv"] {
        let Some(bytes) = real(&format!("kkbox/{name}")) else { return };
        let first = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').next().unwrap().to_vec();
        assert_eq!(first(&made.bytes(name)), first(&bytes), "{name}");
    }
}
