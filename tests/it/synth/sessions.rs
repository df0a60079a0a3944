//! trivago, JD micro-behaviors, Last.fm, Diginetica, Yoochoose.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sr_pipe::synth::Format;

use super::{Made, about, real, tells};

const ROWS: u64 = 50_000;

/// The action types that name an item.
fn of_item(kind: &str) -> bool {
    kind.starts_with("interaction item") || kind == "clickout item" || kind == "search for item"
}

#[test]
fn trivago_has_whole_sessions_in_the_order_of_users_with_the_real_shares_of_actions() {
    let made = Made::new(Format::Trivago, ROWS, 1);
    for (file, part) in [("train.csv", "train"), ("test.csv", "test")] {
        let (header, rows) = made.csv(file);
        let columns = "user_id,session_id,timestamp,step,action_type,reference,platform,city,device,current_filters,impressions,prices";
        assert_eq!(header, columns);
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let (mut sessions, mut seen, mut ties) = (0, BTreeSet::new(), 0);
        let mut before: Option<&Vec<String>> = None;
        for row in &rows {
            *counts.entry(&row[4]).or_default() += 1;
            assert!(row[0].len() == 12 && row[0].bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
            assert!(row[1].len() == 13 && row[1].bytes().all(|c| c.is_ascii_hexdigit()));
            assert!(row[7].contains(", "), "{row:?}");
            match before.filter(|before| before[1] == row[1]) {
                Some(before) => {
                    assert_eq!(row[3].parse::<u32>().unwrap(), before[3].parse::<u32>().unwrap() + 1);
                    assert!(before[2] <= row[2] && before[0] == row[0]);
                    ties += u64::from(before[2] == row[2]);
                }
                None => {
                    assert_eq!(row[3], "1");
                    assert!(seen.insert(&row[1]), "a session lies together");
                    assert!(before.is_none_or(|before| before[0] <= row[0]));
                    sessions += 1;
                }
            }
            let (shown, prices): (Vec<&str>, Vec<&str>) = (row[10].split('|').collect(), row[11].split('|').collect());
            assert_eq!(row[10].is_empty(), row[4] != "clickout item");
            assert!(shown.len() == prices.len() && shown.len() <= 25);
            if row[4] == "clickout item" && row[5].bytes().all(|c| c.is_ascii_digit()) && !row[5].is_empty() {
                assert!(shown.contains(&row[5].as_str()), "{row:?}");
            }
            before = Some(row);
        }
        assert_eq!(sessions, made.told(&format!("/{part}/sessions")));
        assert_eq!(ties, made.told(&format!("/{part}/rows_with_the_time_before")));
        for (kind, count) in &counts {
            assert_eq!(*count, made.truth[part]["actions"][kind], "{kind}");
        }
        let empty = rows.iter().filter(|row| of_item(&row[4]) && row[5].is_empty()).count() as u64;
        assert_eq!(empty, made.told(&format!("/{part}/empty_references")));
        let unknown = rows.iter().filter(|row| of_item(&row[4]) && row[5] == "unknown").count() as u64;
        assert_eq!(unknown, made.told(&format!("/{part}/unknown_references")));
        if part == "train" {
            assert_eq!(counts.len(), 10);
            for (kind, real) in [
                ("interaction item image", 11_860_750.0),
                ("clickout item", 1_586_586.0),
                ("search for poi", 137_444.0),
            ] {
                about(counts[kind] as usize, rows.len(), real / 15_932_992.0, 0.01);
            }
            about(ties as usize, rows.len(), 0.65, 0.05);
            about(rows.iter().filter(|row| !row[9].is_empty()).count(), rows.len(), 0.085, 0.02);
            assert!(rows.iter().any(|row| row[4] == "search for destination" && row[5].contains(", ")));
        } else {
            let hidden = rows.iter().filter(|row| row[4] == "clickout item" && row[5].is_empty()).count() as u64;
            assert!(hidden >= made.told("/test/users"), "one click of each user is to be predicted");
        }
    }
    // Among steps to another item, the action tells more than the item alone.
    let (_, rows) = made.csv("train.csv");
    let named: Vec<&Vec<String>> = rows.iter().filter(|row| of_item(&row[4]) && !row[5].is_empty()).collect();
    let moves = named.windows(2).filter(|pair| pair[0][1] == pair[1][1] && pair[0][5] != pair[1][5]);
    let steps: Vec<(&str, &str, &str)> =
        moves.map(|pair| (pair[0][5].as_str(), pair[0][4].as_str(), pair[1][5].as_str())).collect();
    let (alone, with_action) = tells(&steps);
    assert!(with_action > alone + 0.1, "{alone} by item, {with_action} by item and action");

    let (header, items) = made.csv("item_metadata.csv");
    assert_eq!(header, "item_id,properties");
    let numbers: Vec<u64> = items.iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(numbers.is_sorted());
    let known: BTreeSet<u64> = numbers.into_iter().collect();
    assert!(named.iter().filter_map(|row| row[5].parse().ok()).all(|item: u64| known.contains(&item)));
    let properties: usize = items.iter().map(|row| row[1].split('|').count()).sum();
    about(properties, items.len(), 33.3, 3.0);
}

#[test]
fn headers_of_trivago_are_those_of_the_real_files() {
    let made = Made::new(Format::Trivago, 500, 1);
    for name in ["train.csv", "test.csv", "item_metadata.csv"] {
        let Some(bytes) = real(&format!("trivago/{name}")) else { return };
        let first = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').next().unwrap().to_vec();
        assert_eq!(first(&made.bytes(name)), first(&bytes), "{name}");
    }
}

#[test]
fn jd_micro_has_a_session_a_line_and_one_dwell_time_a_visit() {
    let made = Made::new(Format::JdMicro, ROWS, 1);
    let mut rows = 0;
    for name in ["JD_Applicances.txt", "JD_Computers.txt"] {
        let text = made.text(name);
        let (mut categories, mut counts) = (BTreeMap::new(), BTreeMap::new());
        for line in text.lines() {
            let session: Vec<Vec<u64>> =
                line.split(' ').map(|one| one.split('+').map(|field| field.parse().unwrap()).collect()).collect();
            assert!(session.len() >= 7, "{line}");
            for one in &session {
                assert_eq!(one.len(), 5, "{line}");
                assert!((1..=10).contains(&one[1]) && one[0] < 100_000_000_000);
                assert_eq!(*categories.entry(one[0]).or_insert(one[2]), one[2], "a SKU has one category");
                *counts.entry(one[1]).or_insert(0_u64) += 1;
            }
            for pair in session.windows(2).filter(|pair| pair[0][0] == pair[1][0]) {
                assert_eq!(pair[0][4], pair[1][4], "{line}");
            }
        }
        let truth = &made.truth["logs"][name];
        assert_eq!(text.lines().count() as u64, truth["sessions"]);
        let all: u64 = counts.values().sum();
        assert_eq!(all, truth["rows"]);
        rows += all;
        for (kind, count) in counts {
            assert_eq!(count, truth["behaviors"][kind.to_string()]);
        }
        about(truth["behaviors"]["5"].as_u64().unwrap() as usize, all as usize, 0.504, 0.05);
        assert!(categories.keys().any(|sku| *sku > 10_000_000_000) && categories.keys().any(|sku| *sku < 10_000_000));
    }
    assert_eq!(rows, ROWS);
}

#[test]
fn lastfm_lies_together_by_user_with_the_newest_first_in_sessions_an_hour_apart() {
    let made = Made::new(Format::Lastfm, ROWS, 1);
    let text = made.text("LFM-1b_LEs.txt");
    let rows: Vec<Vec<i64>> =
        text.lines().map(|line| line.split('\t').map(|field| field.parse().unwrap()).collect()).collect();
    assert_eq!(rows.len() as u64, ROWS);
    assert!(rows.iter().all(|row| row.len() == 5));
    let mut sessions = 1;
    let mut users = BTreeSet::from([rows[0][0]]);
    for pair in rows.windows(2) {
        if pair[0][0] == pair[1][0] {
            assert!(pair[0][4] > pair[1][4]);
            sessions += u64::from(pair[0][4] - pair[1][4] > 3600);
        } else {
            assert!(users.insert(pair[1][0]));
            sessions += 1;
        }
    }
    assert_eq!((sessions, users.len() as u64), (made.told("/sessions"), made.told("/users")));
    let table = |name: &str| -> Vec<Vec<String>> {
        made.text(name).lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    };
    let (artists, albums, tracks) =
        (table("LFM-1b_artists.txt"), table("LFM-1b_albums.txt"), table("LFM-1b_tracks.txt"));
    let artist_of = |rows: &[Vec<String>]| -> BTreeMap<i64, i64> {
        rows.iter().map(|row| (row[0].parse().unwrap(), row[2].parse().unwrap())).collect()
    };
    let (albums, tracks) = (artist_of(&albums), artist_of(&tracks));
    for row in &rows {
        assert_eq!((tracks[&row[3]], albums[&row[2]]), (row[1], row[1]));
    }
    assert!(artists.iter().all(|row| row.len() == 2));
    let users = made.text("LFM-1b_users.txt");
    assert!(users.starts_with("user_id\tcountry\tage\tgender\tplaycount\tregistered_unixtime\n"));
    let plays: u64 = users.lines().skip(1).map(|line| line.split('\t').nth(4).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(plays, ROWS);
    let without = users.lines().skip(1).filter(|line| line.split('\t').nth(1) == Some("")).count();
    assert_eq!(without as u64, made.told("/without_country"));
}

#[test]
fn lastfm_1k_has_times_with_a_z_names_without_quoting_and_ids_that_may_be_missing() {
    let made = Made::new(Format::Lastfm1k, ROWS, 1);
    let text = made.text("userid-timestamp-artid-artname-traid-traname.tsv");
    let [mut no_artist, mut no_track, mut sessions] = [0_u64; 3];
    let mut before: Option<(&str, Timestamp)> = None;
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [user, time, artist, _, track, _] = fields[..] else { panic!("{line}") };
        assert!(time.len() == 20 && time.ends_with('Z'), "{line}");
        let time: Timestamp = time.parse().unwrap();
        let same = before.filter(|(other, _)| *other == user);
        sessions += u64::from(same.is_none_or(|(_, newer)| newer.as_second() - time.as_second() > 3600));
        assert!(same.is_none_or(|(_, newer)| newer > time));
        before = Some((user, time));
        for (id, missing) in [(artist, &mut no_artist), (track, &mut no_track)] {
            assert!(id.is_empty() || (id.len() == 36 && id.split('-').count() == 5), "{line}");
            *missing += u64::from(id.is_empty());
        }
    }
    assert_eq!(text.lines().count() as u64, ROWS);
    assert_eq!(sessions, made.told("/sessions"));
    assert_eq!((no_artist, no_track), (made.told("/rows_without_artist_id"), made.told("/rows_without_track_id")));
    assert!(no_artist > 0 && no_track > no_artist && text.contains('"'));
    assert!(made.text("userid-profile.tsv").starts_with("#id\tgender\tage\tcountry\tregistered\nuser_000001\t"));
}

#[test]
fn diginetica_has_sessions_of_one_day_whose_views_lie_in_no_order() {
    let made = Made::new(Format::Diginetica, ROWS, 1);
    let text = made.text("train-item-views.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("sessionId;userId;itemId;timeframe;eventdate"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(';').collect()).collect();
    assert_eq!(rows.len() as u64, ROWS);
    let nobody = rows.iter().filter(|row| row[1] == "NA").count();
    about(nobody, rows.len(), 0.7, 0.03);
    assert!(rows.iter().all(|row| ("2016-01-01".."2016-06-01").contains(&row[4])));
    let mut sessions: Vec<Vec<(u64, &str)>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let goes_on = at > 0 && rows[at - 1][0] == row[0];
        if goes_on {
            assert_eq!((row[1], row[4]), (rows[at - 1][1], rows[at - 1][4]), "a session has one user and one day");
        } else {
            sessions.push(Vec::new());
        }
        sessions.last_mut().unwrap().push((row[3].parse().unwrap(), row[2]));
    }
    assert_eq!(sessions.len() as u64, made.told("/sessions"));
    // What follows what is seen in the order of `timeframe` alone.
    let steps = |sessions: &[Vec<(u64, &str)>]| {
        let pairs = sessions.iter().flat_map(|session| session.windows(2).map(|pair| (pair[0].1, "", pair[1].1)));
        tells(&pairs.collect::<Vec<_>>()).0
    };
    let shuffled = steps(&sessions);
    sessions.iter_mut().for_each(|session| session.sort_unstable());
    let ordered = steps(&sessions);
    assert!(ordered > shuffled + 0.05, "{ordered} in order, {shuffled} as they lie");
    let categories = made.text("product-categories.csv");
    let known: BTreeSet<&str> = categories.lines().skip(1).filter_map(|line| line.split(';').next()).collect();
    assert!(rows.iter().all(|row| known.contains(row[2])));
}

#[test]
fn yoochoose_has_no_header_and_clicks_in_the_order_of_time() {
    let made = Made::new(Format::Yoochoose, ROWS, 1);
    let text = made.text("yoochoose-clicks.dat");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len() as u64, ROWS);
    let mut sessions = 0;
    for (at, row) in rows.iter().enumerate() {
        let time: Timestamp = row[1].parse().unwrap();
        assert!(row.len() == 4 && row[1].len() == 24, "{row:?}");
        let goes_on = at > 0 && rows[at - 1][0] == row[0];
        if goes_on {
            assert!(rows[at - 1][1].parse::<Timestamp>().unwrap() < time);
        } else {
            sessions += 1;
        }
    }
    assert_eq!(sessions, made.told("/sessions"));
    about(rows.iter().filter(|row| row[3] == "0").count(), rows.len(), 0.5, 0.02);
    about(rows.iter().filter(|row| row[3] == "S").count(), rows.len(), 0.33, 0.02);
    assert!((made.rule_share("/walk") - 0.8).abs() < 0.02);
}
