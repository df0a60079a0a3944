//! From sessions to samples: each filter at its boundary, each paper's protocol on a log small enough to follow by hand.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use sr_pipe::artifact::table::Text;
use sr_pipe::data::events::{Clock, Given};
use sr_pipe::data::links::Links;

use crate::chain::{Chain, Logged, logged};

/// Filters a log with these steps; answers the words that are left.
fn filtered(log: &[Logged], steps: Value) -> Vec<String> {
    let chain = Chain::new(json!({}));
    chain.write("log", log);
    chain.run("left", json!({ "filter": { "from": "log", "steps": steps } }));
    chain.words("left")
}

/// Why a filter fails.
fn failure(log: &[Logged], steps: Value, clock: Clock) -> String {
    let chain = Chain::new(json!({}));
    chain.write_as("log", log, clock);
    chain.attempt("left", json!({ "filter": { "from": "log", "steps": steps } })).unwrap_err().to_string()
}

/// Sessions of one user, one after the other.
fn words(words: &[&str]) -> Vec<Logged> {
    (0..).zip(words).map(|(at, word)| logged("u", 100 * at, word)).collect()
}

#[test]
fn sessions_of_just_the_least_length_stay() {
    assert_eq!(filtered(&words(&["a", "ab", "abc"]), json!([{ "min_session_length": 2 }])), ["ab", "abc"]);
}

#[test]
fn items_of_just_the_least_count_stay_and_sessions_left_without_events_are_gone() {
    let log = words(&["ab", "aab", "c", "cb"]);
    assert_eq!(filtered(&log, json!([{ "min_item_count": 3 }])), ["ab", "aab", "b"]);
}

#[test]
fn events_of_short_sessions_do_not_count_for_their_items_when_sessions_come_first() {
    // `b` stands three times, once alone in a session.
    let log = words(&["ab", "aab", "b"]);
    let (sessions, items) = (json!({ "min_session_length": 2 }), json!({ "min_item_count": 3 }));
    assert_eq!(filtered(&log, json!([sessions, items, sessions])), ["aa"]);
    assert_eq!(filtered(&log, json!([items, sessions])), ["ab", "aab"]);
}

#[test]
fn items_are_counted_once_whatever_later_steps_take() {
    // Without `x` the first session is gone, and `c` is left twice, fewer than it needed.
    let steps = json!([{ "min_session_length": 2 }, { "min_item_count": 3 }, { "min_session_length": 2 }]);
    assert_eq!(filtered(&words(&["xc", "cac", "aa"]), steps), ["cac", "aa"]);
}

#[test]
fn a_session_with_any_rare_item_goes_whole() {
    let log = words(&["ab", "aab", "bc", "b"]);
    assert_eq!(filtered(&log, json!([{ "drop_sessions_with_rare_items": 3 }])), ["ab", "aab", "b"]);
}

#[test]
fn first_and_last_events_are_kept_up_to_a_number() {
    let log = words(&["abcd", "abc", "ab"]);
    assert_eq!(filtered(&log, json!([{ "keep_first": 3 }])), ["abc", "abc", "ab"]);
    assert_eq!(filtered(&log, json!([{ "keep_last": 3 }])), ["bcd", "abc", "ab"]);
}

#[test]
fn repeats_in_a_row_are_merged_by_item_or_by_item_and_operation() {
    let log = || vec![logged("u", 0, "aabba").doing("12112")];
    assert_eq!(filtered(&log(), json!([{ "merge_repeats": "item" }])), ["aba"]);
    assert_eq!(filtered(&log(), json!([{ "merge_repeats": "item-and-operation" }])), ["aaba"]);
}

#[test]
fn the_first_event_of_a_run_is_kept() {
    let chain = Chain::new(json!({}));
    chain.write("log", &[logged("u", 5, "aab").doing("321")]);
    chain.run("left", json!({ "filter": { "from": "log", "steps": [{ "merge_repeats": "item" }] } }));
    assert_eq!(chain.sessions("left"), [(0, logged("u", 5, "ab").doing("31").at(&[5, 7]))]);
}

#[test]
fn trailing_repeats_are_cut_until_the_last_item_differs_from_the_one_before() {
    let log = words(&["abbb", "aab", "bb", "a", "abab"]);
    assert_eq!(filtered(&log, json!(["cut_trailing_repeats"])), ["ab", "aab", "b", "a", "abab"]);
}

#[test]
fn the_last_occurrence_of_each_item_is_kept_at_its_place() {
    assert_eq!(filtered(&words(&["abcab", "aa"]), json!(["keep_last_occurrence"])), ["cab", "a"]);
}

#[test]
fn operations_are_kept_by_name_and_an_unknown_one_is_told() {
    let log = || vec![logged("u", 0, "abc").doing("123"), logged("u", 9, "dd").doing("33")];
    assert_eq!(filtered(&log(), json!([{ "operations": ["2", "1"] }])), ["ab"]);
    let mut named = log();
    named[0].events[0].1 = "clickout item".into();
    let error = failure(&named, json!([{ "operations": ["clickout itme"] }]), Clock::Seconds);
    assert!(
        error.contains("no operation `clickout itme`") && error.contains("did you mean `clickout item`?"),
        "{error}"
    );
}

#[test]
fn users_are_dropped_by_what_they_did_in_all_their_sessions() {
    let log = [logged("u", 0, "ab"), logged("v", 0, "ab"), logged("u", 9, "c"), logged("w", 0, "abcd")];
    assert_eq!(filtered(&log, json!([{ "min_user_count": 3 }])), ["ab", "c", "abcd"]);
    assert_eq!(filtered(&log, json!([{ "max_user_count": 3 }])), ["ab", "ab", "c"]);
}

#[test]
fn a_core_falls_like_dominoes() {
    // `x` has one event; without him `c` has one; without it `w` has one; what is left holds.
    let log = [logged("u", 0, "ab"), logged("v", 0, "ab"), logged("w", 0, "bc"), logged("x", 0, "c")];
    assert_eq!(filtered(&log, json!([{ "core": { "users": 2, "items": 2 } }])), ["ab", "ab"]);
    // The thresholds are those of users and of items apart.
    assert_eq!(filtered(&log, json!([{ "core": { "users": 1, "items": 2 } }])), ["ab", "ab", "bc", "c"]);
    assert_eq!(filtered(&log, json!([{ "core": { "users": 2, "items": 1 } }])), ["ab", "ab", "bc"]);
}

#[test]
fn time_keeps_its_first_moment_and_not_its_last() {
    let day = 86_400;
    let log = [logged("u", 0, "abcd").at(&[day - 1, day, 2 * day - 1, 2 * day]), logged("v", 0, "ef").at(&[day, day])];
    let between = |of: &str| json!([{ "between": { "from": "1970-01-02", "until": "1970-01-03", "of": of } }]);
    assert_eq!(filtered(&log, between("events")), ["bc", "ef"]);
    assert_eq!(filtered(&log, between("sessions")), ["ef"]);
    assert_eq!(filtered(&log, json!([{ "between": { "until": "1970-01-02" } }])), ["a"]);
}

#[test]
fn only_linked_items_stay() {
    let chain = Chain::new(json!({}));
    chain.write("log", &words(&["abc", "bb"]));
    std::fs::create_dir(chain.output("links")).unwrap();
    let links = Links { item: Text::full(["c", "a", "never seen"]), entity: Text::full(["m.1", "m.2", "m.3"]) };
    links.write(&chain.output("links")).unwrap();
    chain.run("left", json!({ "filter": { "from": "log", "links": "links", "steps": ["linked"] } }));
    assert_eq!(chain.words("left"), ["ac"]);
}

#[test]
fn sessions_keep_number_user_time_and_part() {
    let chain = Chain::new(json!({}));
    let log = [logged("u", 3, "a"), logged("v", 7, "ab").given(Given::Valid), logged("", 9, "ba").doing("21")];
    chain.write("log", &log);
    chain.run("left", json!({ "filter": { "from": "log", "steps": [{ "min_session_length": 2 }] } }));
    assert_eq!(chain.sessions("left"), [(1, log[1].clone()), (2, log[2].clone())]);
}

#[test]
fn each_step_tells_what_there_was_before_and_after() {
    let chain = Chain::new(json!({}));
    chain.write("log", &[logged("u", 0, "abb"), logged("v", 0, "c"), logged("v", 9, "bd")]);
    let steps = json!([{ "min_session_length": 2 }, { "min_item_count": 3 }]);
    let notes = chain.run("left", json!({ "filter": { "from": "log", "steps": steps } }));
    let first = json!({ "sessions": [3, 2], "events": [6, 5], "items": [4, 3], "users": [2, 2] });
    let second = json!({ "sessions": [2, 2], "events": [5, 3], "items": [3, 1], "users": [2, 2] });
    assert_eq!((&notes["1 min_session_length 2"], &notes["2 min_item_count 3"]), (&first, &second));
    assert_eq!((&notes["events before"], &notes["events after"], &notes["passes"]), (&json!(6), &json!(3), &json!(2)));
}

#[test]
fn filters_that_leave_nothing_name_the_step_that_took_the_last() {
    let steps = json!([{ "min_session_length": 2 }, { "min_item_count": 9 }, "cut_trailing_repeats"]);
    let error = failure(&words(&["ab", "a"]), steps, Clock::Seconds);
    assert!(error.contains("step 2, `min_item_count 9`") && error.contains("last 2 events in 1 sessions"), "{error}");
}

#[test]
fn steps_that_ask_for_what_the_log_lacks_are_told() {
    let nobody = [logged("", 0, "ab")];
    assert!(failure(&nobody, json!([{ "min_user_count": 1 }]), Clock::Seconds).contains("who acts"));
    let between = json!([{ "between": { "from": "1970-01-02" } }]);
    assert!(failure(&words(&["ab"]), between, Clock::Rows).contains("no clock"));
}

#[test]
fn a_filter_without_steps_and_links_that_nobody_reads_are_refused() {
    let refused = |config: Value| {
        let chain = Chain::new(json!({}));
        chain.write("log", &words(&["ab"]));
        std::panic::catch_unwind(|| chain.run("left", json!({ "filter": config }))).is_err()
    };
    assert!(refused(json!({ "from": "log", "steps": [] })));
    assert!(refused(json!({ "from": "log", "steps": ["linked"] })));
    assert!(refused(json!({ "from": "log", "steps": ["cut_trailing_repeats"], "links": "log" })));
    assert!(refused(json!({ "from": "log", "steps": [{ "min_session_length": 0 }] })));
}

/// The samples of a part of a dataset: input and target as letters, in the order of the trainer's arrays.
fn samples(chain: &Chain, dataset: &str, part: &str) -> Vec<(String, String)> {
    use sr_pipe::data::dataset::{PartReader, Seen};
    use sr_pipe::data::vocabulary::{ITEMS, Vocabulary};

    let folder = chain.output(dataset);
    let names = Vocabulary::read(&folder.join("items.parquet"), &ITEMS).unwrap();
    let mut reader = PartReader::open(&folder, part).unwrap();
    let (mut session, mut found) = (Seen::default(), Vec::new());
    while reader.read(&mut session).unwrap() {
        let name = |item: &i64| names.names()[usize::try_from(item - 1).unwrap()].as_str();
        let word: Vec<&str> = session.items.iter().map(name).collect();
        found.extend(session.targets.iter().map(|at| (word[..*at].concat(), word[*at].to_owned())));
    }
    found
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(input, target)| ((*input).to_owned(), (*target).to_owned())).collect()
}

#[test]
fn the_protocol_of_mkm_sr_counts_items_before_a_stretch_of_time_is_cut_out() {
    let day = 86_400;
    // `c` has three events in the whole log, two of them on the second day; `x` has two.
    let log = [
        logged("u", 10, "ac"),
        logged("v", day, "abc"),
        logged("u", day + 100, "bax"),
        logged("w", day + 200, "cb"),
        logged("v", day + 300, "x"),
        logged("w", 2 * day, "ab"),
    ];
    let chain = Chain::new(json!({ "select_on": "test" }));
    chain.write("log", &log);
    let stretch = json!({ "between": { "from": "1970-01-02", "until": "1970-01-03", "of": "sessions" } });
    let steps = json!([{ "min_session_length": 2 }, { "min_item_count": 3 }, { "min_session_length": 2 }, stretch]);
    chain.run("demo", json!({ "filter": { "from": "log", "steps": steps } }));
    assert_eq!(chain.words("demo"), ["abc", "ba", "cb"]);
    // Of seven events five lie before the boundary, the time of the sixth.
    chain.run("dataset", json!({ "split": { "from": "demo", "test_share": 0.25, "max_length_quantile": null } }));
    assert_eq!(samples(&chain, "dataset", "train"), pairs(&[("ab", "c"), ("a", "b"), ("b", "a")]));
    assert_eq!(samples(&chain, "dataset", "test"), pairs(&[("c", "b")]));
}

#[test]
fn the_rule_of_hup_drops_whole_sessions_and_keeps_the_first_events() {
    // `z` is rare; the fourth session is short; the second ends in a repeat that differs in its operation only.
    let log = [
        logged("", 0, "abcab"),
        logged("", 10, "abcc").doing("1112"),
        logged("", 20, "azba"),
        logged("", 30, "abc"),
        logged("", 40, "caab").doing("1111"),
    ];
    let chain = Chain::new(json!({ "select_on": "test", "test_prefixes": false }));
    chain.write("log", &log);
    let steps = json!([
        { "drop_sessions_with_rare_items": 3 },
        { "min_session_length": 4 },
        { "keep_first": 4 },
        { "merge_repeats": "item-and-operation" },
        "cut_trailing_repeats",
    ]);
    chain.run("left", json!({ "filter": { "from": "log", "steps": steps } }));
    assert_eq!(chain.words("left"), ["abca", "abc", "cab"]);
    let split = |seed: u64| {
        json!({
            "from": "left", "by": "random", "test_share": 0.5, "train_prefixes": false,
            "max_length_quantile": null, "cold_items": "keep", "seed": seed,
        })
    };
    // A draw may put all three on one side.
    let dataset = |seed: u64| format!("dataset {seed}");
    let seed = (0..20).find(|seed| chain.attempt(&dataset(*seed), json!({ "split": split(*seed) })).is_ok()).unwrap();
    let all = [samples(&chain, &dataset(seed), "train"), samples(&chain, &dataset(seed), "test")].concat();
    let all: BTreeSet<_> = all.into_iter().collect();
    // One sample a session, whose target differs from the item before it.
    assert_eq!(all, pairs(&[("abc", "a"), ("ab", "c"), ("ca", "b")]).into_iter().collect());
}

#[test]
fn the_protocol_of_embsr_on_trivago_splits_before_it_cuts() {
    // Ten sessions that end one after the other. The last of training ends in a repeat; `f` is a filter, not an item.
    let mut log: Vec<Logged> = (0..10).map(|at| logged("u", 10 * at, "ab")).collect();
    log[6] = logged("u", 60, "abb");
    log[7] = logged("u", 70, "bb");
    log[8] = logged("u", 80, "abaf").doing("1112");
    log[9] = logged("u", 90, "abcba");
    log.push(logged("u", 200, "c"));
    let chain = Chain::new(json!({ "select_on": "validation", "test_prefixes": false }));
    chain.write("log", &log);
    let steps = json!([{ "operations": ["1"] }, { "min_item_count": 2 }, { "min_session_length": 2 }]);
    chain.run("left", json!({ "filter": { "from": "log", "steps": steps } }));
    assert_eq!(chain.words("left")[6..], ["abb", "bb", "aba", "abcba"]);
    let split = json!({
        "from": "left", "by": "sessions", "test_share": 0.2, "valid_share": 0.1, "train_prefixes": false,
        "then": ["cut_trailing_repeats", { "min_session_length": 2 }, { "keep_last": 3 }],
        "max_length_quantile": null, "cold_items": "keep",
    });
    let error = chain.attempt("empty", json!({ "split": split })).unwrap_err().to_string();
    assert!(error.contains("`valid`"), "the one validation session is `bb`, which is cut to `b`: {error}");

    log[7] = logged("u", 70, "ba");
    chain.write("other", &log);
    chain.run("kept", json!({ "filter": { "from": "other", "steps": steps } }));
    let mut split = split;
    split["from"] = json!("kept");
    let notes = chain.run("dataset", json!({ "split": split }));
    assert_eq!(samples(&chain, "dataset", "train"), pairs(&[("a", "b"); 7]));
    assert_eq!(samples(&chain, "dataset", "valid"), pairs(&[("b", "a")]));
    // The last three of `abcba`; `c` stands in no training session and has a number.
    assert_eq!(samples(&chain, "dataset", "test"), pairs(&[("ab", "a"), ("cb", "a")]));
    assert_eq!(chain.meta("dataset")["items"], 3);
    assert!(notes["validation"].as_str().unwrap().contains("split's own"));
}

#[test]
fn the_protocol_of_ksr_holds_out_the_last_two_items_of_a_user() {
    // After the last occurrences: `abc`, `cab`, `bac`, `d`; the core of two has no `d`.
    let log = [logged("u", 0, "aabc"), logged("v", 0, "cab"), logged("w", 0, "cbac"), logged("x", 0, "d")];
    let chain = Chain::new(json!({ "select_on": "validation" }));
    chain.write("log", &log);
    let steps = json!(["keep_last_occurrence", { "core": { "users": 2, "items": 2 } }, { "keep_last": 200 }]);
    chain.run("left", json!({ "filter": { "from": "log", "steps": steps } }));
    assert_eq!(chain.words("left"), ["abc", "cab", "bac"]);
    let split = json!({ "from": "left", "by": "last-item", "cold_items": "keep", "max_length_quantile": null });
    let error = chain.attempt("empty", json!({ "split": split })).unwrap_err().to_string();
    assert!(error.contains("no training session has two events") || error.contains("`train`"), "{error}");

    // With four items each there is something to train on.
    let log = [logged("u", 0, "abcd"), logged("v", 0, "dcab"), logged("w", 0, "bdac")];
    chain.write("users", &log);
    let split = json!({ "from": "users", "by": "last-item", "max_length_quantile": null });
    chain.run("dataset", json!({ "split": split }));
    assert_eq!(samples(&chain, "dataset", "train"), pairs(&[("a", "b"), ("d", "c"), ("b", "d")]));
    assert_eq!(samples(&chain, "dataset", "valid"), pairs(&[("ab", "c"), ("dc", "a"), ("bd", "a")]));
    assert_eq!(samples(&chain, "dataset", "test"), pairs(&[("abc", "d"), ("dca", "b"), ("bda", "c")]));
}

/// Any step of a filter that this log can take.
fn any_step() -> impl Strategy<Value = Value> {
    prop_oneof![
        (1_u32..4).prop_map(|n| json!({ "min_session_length": n })),
        (1_u32..5).prop_map(|n| json!({ "min_item_count": n })),
        (1_u32..4).prop_map(|n| json!({ "drop_sessions_with_rare_items": n })),
        (1_u32..5).prop_map(|n| json!({ "min_user_count": n })),
        (3_u32..15).prop_map(|n| json!({ "max_user_count": n })),
        (1_u32..4, 1_u32..4).prop_map(|(users, items)| json!({ "core": { "users": users, "items": items } })),
        (1_u32..6).prop_map(|n| json!({ "keep_first": n })),
        (1_u32..6).prop_map(|n| json!({ "keep_last": n })),
        Just(json!({ "merge_repeats": "item" })),
        Just(json!({ "merge_repeats": "item-and-operation" })),
        Just(json!("cut_trailing_repeats")),
        Just(json!("keep_last_occurrence")),
        Just(json!({ "between": { "from": "1970-01-01T00:00:03" } })),
    ]
}

prop_compose! {
    fn any_log()(sessions in proptest::collection::vec(("[uvwx]", "[abcde]{1,7}", 0_i64..9), 1..12)) -> Vec<Logged> {
        sessions.into_iter().map(|(user, items, start)| logged(&user, start, &items)).collect()
    }
}

/// The events of a log by user and item.
fn counts(log: &[(i32, Logged)]) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut users, mut items) = (BTreeMap::new(), BTreeMap::new());
    for (_, session) in log {
        for (item, ..) in &session.events {
            *users.entry(session.user.clone()).or_default() += 1;
            *items.entry(item.clone()).or_default() += 1;
        }
    }
    (users, items)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn filters_only_take_away(log in any_log(), steps in proptest::collection::vec(any_step(), 1..5)) {
        let chain = Chain::new(json!({}));
        chain.write("log", &log);
        let Ok(notes) = chain.attempt("left", json!({ "filter": { "from": "log", "steps": steps } })) else {
            return Ok(());
        };
        let left = chain.sessions("left");
        prop_assert_eq!(&notes["sessions after"], &json!(left.len()));
        prop_assert!(left.is_sorted_by(|one, next| one.0 < next.0));
        for (number, session) in &left {
            let before = &log[usize::try_from(*number).unwrap()];
            prop_assert_eq!((&session.user, session.part), (&before.user, before.part));
            // What is left is a part of what there was, in its order.
            let mut rest = before.events.iter();
            prop_assert!(!session.events.is_empty());
            prop_assert!(session.events.iter().all(|event| rest.any(|other| other == event)));
        }
        // What a step leaves is what the next one finds.
        let told: Vec<&Value> = notes.iter().filter(|(_, note)| note.is_object()).map(|(_, note)| note).collect();
        prop_assert_eq!(told.len(), steps.len());
        for pair in told.windows(2) {
            for what in ["sessions", "events", "items", "users"] {
                prop_assert_eq!(&pair[0][what][1], &pair[1][what][0]);
            }
        }
    }

    #[test]
    fn a_core_holds_and_is_the_largest_that_does(log in any_log(), users in 1_usize..5, items in 1_usize..5) {
        let chain = Chain::new(json!({}));
        chain.write("log", &log);
        let steps = json!([{ "core": { "users": users, "items": items } }]);
        let left = match chain.attempt("left", json!({ "filter": { "from": "log", "steps": steps } })) {
            Ok(_) => chain.sessions("left"),
            Err(_) => Vec::new(),
        };
        let (by_user, by_item) = counts(&left);
        prop_assert!(by_user.values().all(|count| *count >= users) && by_item.values().all(|count| *count >= items));

        // Every choice of users and items that holds lies in it.
        let all: Vec<(i32, Logged)> = (0..).zip(log).collect();
        let (known_users, known_items) = counts(&all);
        let (known_users, known_items): (Vec<_>, Vec<_>) =
            (known_users.into_keys().collect(), known_items.into_keys().collect());
        let chosen = |names: &[String], bits: usize| -> BTreeSet<String> {
            names.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, name)| name.clone()).collect()
        };
        for bits in 0..1_usize << (known_users.len() + known_items.len()) {
            let (some_users, some_items) =
                (chosen(&known_users, bits), chosen(&known_items, bits >> known_users.len()));
            let part: Vec<(i32, Logged)> = all
                .iter()
                .filter(|(_, session)| some_users.contains(&session.user))
                .map(|(number, session)| {
                    let mut session = session.clone();
                    session.events.retain(|(item, ..)| some_items.contains(item));
                    (*number, session)
                })
                .collect();
            let (some_users, some_items) = counts(&part);
            if some_users.values().all(|count| *count >= users) && some_items.values().all(|count| *count >= items) {
                prop_assert!(some_users.keys().all(|user| by_user.contains_key(user)));
                prop_assert!(some_items.keys().all(|item| by_item.contains_key(item)));
            }
        }
    }
}
