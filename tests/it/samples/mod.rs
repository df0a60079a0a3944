//! From sessions to samples: each filter at its boundary, on a log small enough to follow by hand.

mod properties;
mod protocols;

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
