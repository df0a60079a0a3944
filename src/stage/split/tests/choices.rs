//! What a split can be asked for, and what of it enters its key.

use super::*;
use crate::data::protocol::Ties;

#[test]
fn choices_of_the_protocol_that_do_not_touch_the_data_do_not_enter_the_key() {
    let differs = |one: &Split, change: fn(&mut Protocol)| {
        let mut other = one.clone();
        change(&mut other.protocol);
        one.identity() != other.identity()
    };
    let one = quarter("keep", SelectOn::Test);
    assert!(!differs(&one, |protocol| protocol.validation_share = 0.2));
    assert!(!differs(&one, |protocol| protocol.ties = Ties::Pessimistic));
    assert!(differs(&one, |protocol| protocol.select_on = SelectOn::Validation));
    assert!(differs(&one, |protocol| protocol.test_prefixes = false));
    // A split that makes its own validation part gives the same dataset whichever part picks the epoch.
    let own = split(json!({ "by": "sessions", "valid_share": 0.1 }), SelectOn::Test);
    assert!(!differs(&own, |protocol| protocol.select_on = SelectOn::Validation));
    let last = split(json!({ "by": "last-item" }), SelectOn::Test);
    assert!(!differs(&last, |protocol| protocol.test_prefixes = false));
}

#[test]
fn values_that_hold_enter_the_key_whether_written_or_not() {
    let same =
        |one: Value, other: Value| split(one, SelectOn::Test).identity() == split(other, SelectOn::Test).identity();
    assert!(same(json!({}), json!({ "by": "events", "test_share": 0.1 })));
    assert!(same(json!({ "by": "random" }), json!({ "by": "random", "seed": 1, "test_share": 0.1 })));
    assert!(same(json!({ "by": "span" }), json!({ "by": "span", "test_span": "24h", "drop_boundary": false })));
    assert!(same(json!({ "by": "last-item" }), json!({ "by": "last-item", "min_train_events": 1 })));
    assert!(!same(json!({ "by": "random" }), json!({ "by": "random", "seed": 2 })));
}

#[test]
fn fields_of_another_way_to_split_are_refused() {
    let refused = |fields: Value| -> Vec<String> {
        let split = split(fields, SelectOn::Test);
        let complaints = resolve(split.config, &split.protocol).err().unwrap_or_default();
        complaints.into_iter().map(|complaint| complaint.field.join(".")).collect()
    };
    assert_eq!(refused(json!({ "by": "given", "test_share": 0.1, "valid_share": 0.1 })), ["test_share", "valid_share"]);
    assert_eq!(refused(json!({ "by": "events", "seed": 1 })), ["seed"]);
    assert_eq!(refused(json!({ "by": "events", "test_span": "1d", "drop_boundary": true })), ["test_span", "drop_boundary"]);
    assert_eq!(refused(json!({ "by": "span", "test_share": 0.1 })), ["test_share"]);
    assert_eq!(refused(json!({ "by": "last-item", "recent_share": 0.5 })), ["recent_share"]);
    assert_eq!(refused(json!({ "by": "sessions", "validation": false })), ["validation"]);
    assert_eq!(refused(json!({ "by": "last-session", "min_train_events": 5 })), ["min_train_events"]);
    assert_eq!(refused(json!({ "by": "random", "test_share": 0.6, "valid_share": 0.5 })), ["valid_share"]);
    assert_eq!(refused(json!({ "then": ["cut_trailing_repeats", { "min_item_count": 2 }] })), ["then.1"]);
    assert_eq!(refused(json!({ "by": "last-item", "then": ["cut_trailing_repeats"] })), ["then.0"]);
    assert_eq!(refused(json!({ "by": "last-day", "min_train_share": 0.5, "validation": false })), Vec::<String>::new());
}
