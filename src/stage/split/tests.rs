//! Each way to split, on sessions of a few letters.

mod choices;
mod laws;

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde_json::json;

use super::build::length_quantile;
use super::*;
use crate::data::events::Given;
use crate::data::protocol::SelectOn;
use crate::data::samples::{self, Sample};
use crate::data::sessions::{Session, Step as Event};

/// The names of operations by number.
const OPERATION_NAMES: &[&str] = &["0", "1"];

/// Sessions of one-letter items, each event with its time; numbered as they stand, each of a user of its own.
fn log(sessions: &[(&str, &[i64])]) -> Log {
    let own: Vec<(i32, &str, &[i64])> =
        (0..).zip(sessions).map(|(user, (items, times))| (user, *items, *times)).collect();
    log_of(&own)
}

/// The same, with the number of the user.
fn log_of(sessions: &[(i32, &str, &[i64])]) -> Log {
    let mut log = Log::default();
    let mut row = 0;
    for (number, (user, items, times)) in (0..).zip(sessions) {
        let opened = (times[0], row);
        let steps = items.bytes().zip(*times).map(|(item, time)| {
            row += 1;
            let operation = i32::try_from(time.rem_euclid(2)).unwrap();
            Event { time: *time, row: row - 1, item: i32::from(item - b'a'), operation }
        });
        log.push(&Session { number, user: *user, part: None, opened, steps: steps.collect() });
    }
    log.order();
    log
}

fn protocol(select_on: SelectOn) -> Protocol {
    serde_json::from_value(json!({ "select_on": select_on, "validation_share": 0.5 })).unwrap()
}

/// A split whose config has these fields.
fn split(fields: Value, select_on: SelectOn) -> Split {
    let mut config = json!({ "from": "sessions", "name": "letters", "max_length_quantile": null });
    for (name, value) in fields.as_object().unwrap() {
        config[name.as_str()] = value.clone();
    }
    Split { config: serde_json::from_value(config).unwrap(), protocol: protocol(select_on) }
}

/// The split by events of the last quarter.
fn quarter(cold_items: &str, select_on: SelectOn) -> Split {
    split(json!({ "test_share": 0.25, "cold_items": cold_items }), select_on)
}

fn build(split: &Split, log: Log) -> Result<Built, Diagnostic> {
    split.build(log, OPERATION_NAMES, &[])
}

/// The items of a session, as letters.
fn word(built: &Built, session: &dataset::PartSession) -> String {
    let letter = |item: &i32| {
        let row = built.items[usize::try_from(item - 1).unwrap()];
        char::from(b'a' + u8::try_from(row).unwrap())
    };
    built.events.items[session.range()].iter().map(letter).collect()
}

/// The sessions of a part, as the letters of their items.
fn letters(built: &Built, part: usize) -> Vec<String> {
    built.parts[part].sessions.iter().map(|session| word(built, session)).collect()
}

/// The samples of a part, as the letters of input and target.
fn inputs_and_targets(built: &Built, part: usize) -> Vec<(String, String)> {
    let part = &built.parts[part];
    let shown = part.samples().map(|(index, position)| {
        let word = word(built, &part.sessions[index]);
        (word[..position].to_owned(), word[position..=position].to_owned())
    });
    shown.collect()
}

fn described(built: &Built, part: &str) -> Vec<Sample> {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    dataset::describe_samples(folder, &built.parts, &built.events, built.items.len()).unwrap();
    samples::read_part(folder, part).unwrap()
}

/// Twelve events: the boundary is the time of the tenth, which is 9.
const LOG: &[(&str, &[i64])] = &[("abca", &[0, 1, 2, 3]), ("bcx", &[4, 5, 9]), ("ab", &[6, 7]), ("aby", &[8, 10, 11])];

#[test]
fn a_session_that_ends_at_the_boundary_is_a_test_session_whole() {
    let built = build(&quarter("keep", SelectOn::Test), log(LOG)).unwrap();
    assert_eq!(
        (letters(&built, 0), letters(&built, 2)),
        (vec!["abca".to_owned(), "ab".into()], vec!["bcx".to_owned(), "aby".into()])
    );
    // In the order in which they are met, training sessions first: a, b, c, x, y.
    assert_eq!(built.items, [0, 1, 2, 23, 24]);
    assert_eq!(built.boundaries, (Some(9), Some(9)));
}

#[test]
fn cold_items_are_dropped_from_test_sessions_or_kept_with_a_number() {
    let built = build(&quarter("drop", SelectOn::Test), log(LOG)).unwrap();
    assert_eq!(letters(&built, 2), ["bc", "ab"]);
    assert_eq!((built.items.len(), built.left_out.cold_events), (3, 2));
    let built = build(&quarter("keep", SelectOn::Test), log(LOG)).unwrap();
    let cold: Vec<bool> = described(&built, "test").iter().map(|sample| sample.cold).collect();
    assert_eq!(cold, [true, false, true, false]);
}

#[test]
fn every_prefix_is_a_sample_the_longest_first() {
    let built = build(&quarter("keep", SelectOn::Test), log(LOG)).unwrap();
    let shown: Vec<_> =
        described(&built, "train").iter().map(|s| (s.session, s.position, s.target, s.in_session)).collect();
    // a=1 b=2 c=3; the session `abca` returns to `a`.
    assert_eq!(shown, [(0, 3, 1, true), (0, 2, 3, false), (0, 1, 2, false), (2, 1, 2, false)]);
}

#[test]
fn the_protocol_can_ask_for_whole_test_sessions_only() {
    let mut split = quarter("keep", SelectOn::Test);
    split.protocol.test_prefixes = false;
    let built = build(&split, log(LOG)).unwrap();
    let shown: Vec<_> = described(&built, "test").iter().map(|sample| (sample.session, sample.position)).collect();
    assert_eq!(shown, [(1, 2), (3, 2)]);
    assert_eq!(built.parts[0].sample_count(), 4);
}

#[test]
fn the_training_sessions_that_end_last_are_held_out_for_validation() {
    let built = build(&quarter("keep", SelectOn::Validation), log(LOG)).unwrap();
    assert_eq!((letters(&built, 0), letters(&built, 1)), (vec!["abca".to_owned()], vec!["ab".to_owned()]));
    assert_eq!(built.validation, Validation::Protocol);
}

#[test]
fn long_sessions_keep_their_last_events() {
    let mut split = quarter("keep", SelectOn::Test);
    // The training sessions have 4 and 2 events: the median is 3.
    split.config.max_length_quantile = Some(0.5);
    let built = build(&split, log(LOG)).unwrap();
    assert_eq!(letters(&built, 0), ["bca", "ab"]);
    assert_eq!(built.left_out.cut_training_events, 1);
}

#[test]
fn a_quantile_lies_linear_between_two_lengths_and_is_rounded_down() {
    assert_eq!(length_quantile(vec![2, 10, 4], 0.5), 4);
    // Place 1.5 between 4 and 7 is 5.5.
    assert_eq!(length_quantile(vec![2, 4, 7, 9], 0.5), 5);
    assert_eq!(length_quantile((1..=101).collect(), 0.99), 100);
    assert_eq!(length_quantile(Vec::new(), 0.99), 0);
}

#[test]
fn sessions_stand_in_the_order_in_which_they_begin_whatever_their_numbers() {
    // The second begins first; of those that begin together, the row decides.
    let built = build(
        &split(json!({ "by": "sessions", "test_share": 0.25 }), SelectOn::Test),
        log(&[("ab", &[5, 6]), ("ba", &[1, 2]), ("aa", &[5, 7]), ("bb", &[8, 9])]),
    )
    .unwrap();
    assert_eq!(
        (letters(&built, 0), letters(&built, 2)),
        (vec!["ba".to_owned(), "ab".into(), "aa".into()], vec!["bb".to_owned()])
    );
    assert_eq!(built.items, [1, 0]);
}

#[test]
fn ten_sessions_are_split_70_10_20_by_the_time_of_their_end() {
    // The session that begins first ends last.
    let clocks: Vec<[i64; 2]> = (0..10).map(|at| if at == 0 { [0, 99] } else { [at, 10 + at] }).collect();
    let sessions: Vec<(&str, &[i64])> = clocks.iter().map(|clock| ("ab", &clock[..])).collect();
    let shares = json!({ "by": "sessions", "test_share": 0.2, "valid_share": 0.1 });
    let built = build(&split(shares, SelectOn::Test), log(&sessions)).unwrap();
    let numbers = |part: usize| built.parts[part].sessions.iter().map(|session| session.session).collect::<Vec<_>>();
    assert_eq!((numbers(0), numbers(1), numbers(2)), (vec![1, 2, 3, 4, 5, 6, 7], vec![8], vec![0, 9]));
    assert_eq!((built.boundaries, built.validation), ((Some(18), Some(19)), Validation::Split));
}

/// Six sessions on days 0, 1, 2, 2, 3 and 4, by a clock of days.
const DAYS: &[(&str, &[i64])] = &[
    ("abcd", &[0; 4]),
    ("bca", &[86_400; 3]),
    ("abd", &[172_800; 3]),
    ("dab", &[172_800; 3]),
    ("ade", &[259_200; 3]),
    ("cb", &[345_600; 2]),
];

#[test]
fn the_last_days_are_tested_and_sessions_just_at_the_boundary_are_trained_on_or_left_out() {
    let built = |fields: Value| build(&split(fields, SelectOn::Test), log(DAYS)).unwrap();
    let trained = built(json!({ "by": "span", "test_span": "2d" }));
    assert_eq!([letters(&trained, 0), letters(&trained, 2)], [vec!["abcd", "bca", "abd", "dab"], vec!["ad", "cb"]]);
    assert_eq!((trained.boundaries, trained.left_out.sessions), ((Some(172_801), Some(172_801)), 0));
    let dropped = built(json!({ "by": "span", "test_span": "2d", "drop_boundary": true }));
    assert_eq!([letters(&dropped, 0), letters(&dropped, 2)], [vec!["abcd", "bca"], vec!["ad", "cb"]]);
    assert_eq!((dropped.boundaries, dropped.left_out.sessions), ((Some(172_800), Some(172_801)), 2));
    assert_eq!(letters(&built(json!({ "by": "span" })), 2), ["cb"], "a day, where nothing is said");
}

#[test]
fn the_last_training_samples_are_kept_and_items_before_them_keep_their_numbers() {
    let built = |share: f64| {
        let fields = json!({ "by": "span", "test_span": "1d", "recent_share": share });
        build(&split(fields, SelectOn::Test), log(DAYS)).unwrap()
    };
    // Eleven samples: three of the first session, two of each other one.
    let all = built(1.0);
    assert_eq!(all.parts[0].sample_count(), 11);
    assert_eq!(all.left_out.early_training_samples, 0);
    // Seven: of `bca` the shortest input stays.
    let some = built(0.64);
    assert_eq!(letters(&some, 0), ["bc", "abd", "dab", "ade"]);
    assert_eq!(some.left_out.early_training_samples, 4);
    // `c` is trained on no more, and can be recommended.
    let few = built(0.4);
    assert_eq!((letters(&few, 0), letters(&few, 2)), (vec!["dab".to_owned(), "ade".to_owned()], vec!["cb".to_owned()]));
    assert_eq!(few.items, all.items);
    let longest = json!({ "by": "span", "recent_share": 0.5, "train_prefixes": false });
    let longest = build(&split(longest, SelectOn::Test), log(DAYS)).unwrap();
    assert_eq!(letters(&longest, 0), ["dab", "ade"], "a session has one sample");
    let none = split(json!({ "by": "span", "recent_share": 0.01 }), SelectOn::Test);
    assert!(build(&none, log(DAYS)).unwrap_err().help.unwrap().contains("recent_share"));
}

#[test]
fn steps_after_the_split_do_not_move_a_session_to_another_side() {
    // Without its last events the second session would end before the boundary, 7.
    let log = log(&[("ab", &[0, 1]), ("abbb", &[2, 3, 4, 8]), ("ba", &[5, 6]), ("aa", &[3, 7])]);
    let split = split(json!({ "by": "sessions", "test_share": 0.5 }), SelectOn::Test);
    let steps = [json!("cut_trailing_repeats"), json!({ "min_session_length": 2 })];
    let names = Text::full(OPERATION_NAMES);
    let chain: Vec<Transform> = steps
        .into_iter()
        .map(|step| Transform::of(&serde_json::from_value(step).unwrap(), &names).unwrap().unwrap())
        .collect();
    let built = split.build(log, OPERATION_NAMES, &chain).unwrap();
    assert_eq!((letters(&built, 0), letters(&built, 2)), (vec!["ab".to_owned(), "ba".into()], vec!["ab".to_owned()]));
    // `aa` is `a`, which is too short.
    assert_eq!(built.left_out.sessions, 1);
}

#[test]
fn a_draw_depends_on_seed_and_session_alone() {
    let sessions: Vec<(&str, &[i64])> = vec![("ab", &[0, 1]); 2000];
    let shares = |seed: u64| json!({ "by": "random", "test_share": 0.2, "valid_share": 0.1, "seed": seed });
    let parts = |seed: u64, sessions: &[(&str, &[i64])]| -> BTreeMap<i32, usize> {
        let built = build(&split(shares(seed), SelectOn::Test), log(sessions)).unwrap();
        let of = |part: usize| built.parts[part].sessions.iter().map(move |session| (session.session, part));
        (0..3).flat_map(of).collect()
    };
    let all = parts(1, &sessions);
    let count = |part: usize| all.values().filter(|of| **of == part).count();
    // Four standard deviations of 2,000 draws: 82, 54 and 72.
    assert!(count(0).abs_diff(1400) < 82 && count(1).abs_diff(200) < 54 && count(2).abs_diff(400) < 72);
    assert!(parts(1, &sessions[..500]).iter().all(|(session, part)| all[session] == *part));
    assert_ne!(parts(2, &sessions), all);
}

#[test]
fn the_last_session_of_a_user_is_tested_and_the_one_before_it_validates() {
    // User 0 has three sessions, user 1 two, user 2 one.
    let log = || {
        log_of(&[
            (0, "ab", &[0, 1]),
            (1, "cd", &[2, 3]),
            (0, "bc", &[4, 5]),
            (2, "ac", &[6, 7]),
            (1, "dc", &[8, 9]),
            (0, "ca", &[10, 11]),
        ])
    };
    let built = build(&split(json!({ "by": "last-session" }), SelectOn::Test), log()).unwrap();
    let words = |built: &Built| (0..3).map(|part| letters(built, part).join(" ")).collect::<Vec<_>>();
    assert_eq!(words(&built), ["ab cd ac", "bc", "dc ca"]);
    let built = build(&split(json!({ "by": "last-session", "validation": false }), SelectOn::Test), log()).unwrap();
    assert_eq!(words(&built), ["ab cd bc ac", "", "dc ca"]);
}

#[test]
fn the_last_item_is_tested_and_the_one_before_it_validates() {
    let log = || log(&[("abcd", &[0, 1, 2, 3]), ("ba", &[4, 5]), ("dabe", &[6, 7, 8, 9])]);
    let pair = |input: &str, target: &str| (input.to_owned(), target.to_owned());
    let keep = split(json!({ "by": "last-item", "cold_items": "keep" }), SelectOn::Validation);
    let built = build(&keep, log()).unwrap();
    assert_eq!(inputs_and_targets(&built, 0), [pair("a", "b"), pair("d", "a")]);
    assert_eq!(inputs_and_targets(&built, 1), [pair("ab", "c"), pair("da", "b")]);
    assert_eq!(inputs_and_targets(&built, 2), [pair("abc", "d"), pair("dab", "e")]);
    assert_eq!((built.validation, built.left_out.sessions), (Validation::Split, 1));

    // `c` and `e` are in no training session: the first is gone from the input of `d`, the second from the targets.
    let drop = split(json!({ "by": "last-item" }), SelectOn::Validation);
    let built = build(&drop, log()).unwrap();
    assert_eq!(inputs_and_targets(&built, 1), [pair("da", "b")]);
    assert_eq!(inputs_and_targets(&built, 2), [pair("ab", "d")]);
    assert_eq!(built.left_out.cold_events, 2);

    // Without validation the event before the last is for training.
    let whole = split(json!({ "by": "last-item", "validation": false }), SelectOn::Test);
    let built = build(&whole, log()).unwrap();
    assert_eq!(inputs_and_targets(&built, 0), [pair("ab", "c"), pair("a", "b"), pair("da", "b"), pair("d", "a")]);
    assert_eq!((letters(&built, 1), letters(&built, 2)), (vec![], vec!["abcd".to_owned(), "ba".into()]));
    let error = build(&Split { protocol: protocol(SelectOn::Validation), ..whole }, log()).unwrap_err();
    assert!(error.message.contains("`valid`") && error.help.unwrap().contains("select_on: test"));
}

#[test]
fn all_that_happens_on_the_last_day_is_tested() {
    let day = |day: i64, second: i64| day * 86_400 + second;
    let times = [day(0, 0), day(0, 86_399), day(1, 0), day(5, 1), day(5, 2)];
    let fields = json!({ "by": "last-day", "cold_items": "keep", "min_train_events": 2 });
    let sessions: [(&str, &[i64]); 2] = [("abcde", &times), ("ab", &times[..2])];
    let built = build(&split(fields.clone(), SelectOn::Test), log(&sessions)).unwrap();
    let pair = |input: &str, target: &str| (input.to_owned(), target.to_owned());
    assert_eq!(inputs_and_targets(&built, 0), [pair("a", "b")]);
    assert_eq!(inputs_and_targets(&built, 1), [pair("ab", "c")]);
    assert_eq!(inputs_and_targets(&built, 2), [pair("abcd", "e"), pair("abc", "d")]);
    // A user of a single day has nothing left for training.
    assert_eq!(built.left_out.sessions, 1);

    // Two of five events are less than half.
    let mut strict = split(fields, SelectOn::Test);
    strict.config.min_train_share = Some(0.5);
    assert!(build(&strict, log(&sessions)).is_err());
    strict.config.min_train_share = Some(0.4);
    assert!(build(&strict, log(&sessions)).is_ok());
}

#[test]
fn a_publishers_validation_part_is_used_as_it_is() {
    let given = |parts: [Option<Given>; 4]| {
        let mut log = log(LOG);
        log.sessions.iter_mut().zip(parts).for_each(|(session, part)| session.part = part);
        log
    };
    let split = split(json!({ "by": "given" }), SelectOn::Test);
    let (train, valid, test) = (Some(Given::Train), Some(Given::Valid), Some(Given::Test));
    let built = build(&split, given([train, valid, train, test])).unwrap();
    assert_eq!((letters(&built, 1), built.validation), (vec!["bc".to_owned()], Validation::Split));
    let built = build(&split, given([train, train, train, test])).unwrap();
    assert_eq!(built.validation, Validation::None);
    let error = build(&split, given([train, None, train, test])).unwrap_err();
    assert!(error.help.unwrap().contains("by: events"));
}

#[test]
fn numbers_do_not_enter_the_digest_of_the_test_samples() {
    let digest = |log: &[(&str, &[i64])]| {
        let built = build(&quarter("keep", SelectOn::Test), super::tests::log(log)).unwrap();
        let mut items = Vocabulary::default();
        built.items.iter().for_each(|row| _ = items.add(&row.to_string()));
        let mut operations = Vocabulary::default();
        built.operations.iter().for_each(|row| _ = operations.add(&row.to_string()));
        dataset::samples_digest(&built.parts[2], &built.events, &items, &operations)
    };
    let mut other = LOG.to_vec();
    other[0] = ("acba", other[0].1);
    assert_eq!(digest(LOG), digest(&other));
    other[1] = ("cbx", other[1].1);
    assert_ne!(digest(LOG), digest(&other));
}

#[test]
fn a_split_that_the_log_does_not_have_and_a_share_that_leaves_nothing_are_told() {
    let nothing = split(json!({ "test_share": 0.0 }), SelectOn::Test);
    assert!(build(&nothing, log(LOG)).unwrap_err().message.contains("`test`"));
    let given = split(json!({ "by": "given" }), SelectOn::Test);
    assert!(build(&given, log(LOG)).unwrap_err().help.unwrap().contains("by: events"));
    let nobody: Vec<(i32, &str, &[i64])> = LOG.iter().map(|(items, times)| (-1, *items, *times)).collect();
    let users = split(json!({ "by": "last-session" }), SelectOn::Test);
    assert!(build(&users, log_of(&nobody)).unwrap_err().message.contains("who acts"));
}
