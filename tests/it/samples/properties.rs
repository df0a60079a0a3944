//! What holds of every filter and every log.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::chain::{Chain, Logged, logged};

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
