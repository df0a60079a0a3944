//! The leakage audit: a leak of each kind is found where it was planted, and none in a clean split.

use proptest::prelude::*;
use serde_json::{Value, json};
use sr_pipe::artifact::table::Text;
use sr_pipe::data::audit::{Audit, Check, Finding, Verdict};
use sr_pipe::data::dataset::{self, Events, Meta, PARTS, Part, PartSession, Prefixes};
use sr_pipe::data::events::{Clock, Given};
use sr_pipe::data::items::ColdItems;
use sr_pipe::data::rule::{By, LeftOut, Rule, Validation};
use sr_pipe::data::vocabulary::{ITEMS, OPERATIONS, Vocabulary};

use crate::chain::{Chain, logged};

/// A session of a dataset: its number, its user by number (from `u0`), its items as letters, its times, and how many of
/// its events are no targets.
type Cut = (i32, i32, &'static str, Vec<i64>, u32);

/// A session in which every event but the first is a target, one event a second.
fn cut(session: i32, user: i32, items: &'static str, start: i64) -> Cut {
    (session, user, items, (start..).take(items.len()).collect(), 1)
}

fn rule(by: By) -> Rule {
    let boundary = by.goes_by_time().then_some(100);
    Rule {
        version: 1,
        by,
        clock: Clock::Seconds,
        held_out_from: boundary,
        test_from: boundary,
        validation: Validation::None,
        cold_items: ColdItems::Drop,
        left_out: LeftOut::default(),
    }
}

/// Audits a dataset written by hand.
fn audited(parts: [&[Cut]; 3], rule: &Rule, protocol: Value) -> Audit {
    let chain = Chain::new(protocol);
    let folder = chain.output("dataset");
    std::fs::create_dir(&folder).unwrap();
    let (mut items, mut operations) = (Vocabulary::default(), Vocabulary::default());
    operations.add("1");
    let mut events = Events::default();
    let parts: Vec<Part> = PARTS
        .into_iter()
        .zip(parts)
        .map(|(name, sessions)| {
            let sessions = sessions.iter().map(|(session, user, letters, times, history)| {
                let start = events.items.len();
                let length = u32::try_from(letters.len()).unwrap();
                events.items.extend(letters.chars().map(|item| items.add(&item.to_string())));
                events.operations.extend(letters.chars().map(|_| 1));
                events.times.extend(times);
                PartSession { session: *session, user: *user, start, length, history: *history }
            });
            Part { name, sessions: sessions.collect(), prefixes: Prefixes::All }
        })
        .collect();
    items.write(&folder.join("items.parquet"), &ITEMS).unwrap();
    operations.write(&folder.join("operations.parquet"), &OPERATIONS).unwrap();
    dataset::write_samples(&folder, &parts, &events).unwrap();
    dataset::write_sessions(&folder, &parts, &events, &Text::full(["u0", "u1", "u2", "u3"])).unwrap();
    dataset::describe_samples(&folder, &parts, &events, items.len()).unwrap();
    let meta = Meta {
        version: 1,
        name: "letters".into(),
        items: items.len(),
        operations: 1,
        max_length: 9,
        test_samples: "digest".into(),
    };
    dataset::write_meta(&folder, &meta).unwrap();
    rule.write(&folder).unwrap();
    chain.run("audit", json!({ "audit": { "dataset": "dataset" } }));
    Audit::read(&chain.output("audit")).unwrap()
}

fn paper() -> Value {
    json!({ "select_on": "validation" })
}

/// Two training sessions before the boundary, one test session after it, of three users.
fn clean() -> [Vec<Cut>; 3] {
    [vec![cut(0, 0, "abc", 10), cut(1, 1, "cab", 20)], vec![cut(2, 3, "ba", 30)], vec![cut(3, 2, "bca", 100)]]
}

/// Audits the clean dataset with something planted into one part.
fn with(part: usize, planted: Cut, rule: &Rule) -> Audit {
    let mut parts = clean();
    parts[part].push(planted);
    let [train, valid, test] = &parts;
    audited([train, valid, test], rule, paper())
}

#[track_caller]
fn finding(audit: &Audit, check: Check) -> &Finding {
    audit.of(check).unwrap()
}

/// The checks with this verdict.
fn of(audit: &Audit, verdict: Verdict) -> Vec<Check> {
    audit.findings.iter().filter(|finding| finding.verdict == verdict).map(|finding| finding.check).collect()
}

#[test]
fn nothing_is_found_in_a_clean_dataset() {
    let [train, valid, test] = &clean();
    let audit = audited([train, valid, test], &rule(By::Events), paper());
    assert_eq!(of(&audit, Verdict::Leak), []);
    assert_eq!(of(&audit, Verdict::ByDesign), []);
    let order: Vec<Check> = audit.findings.iter().map(|finding| finding.check).collect();
    assert_eq!(order, Check::ALL);
    assert_eq!((audit.version, audit.dataset.as_str(), audit.test_samples.as_str()), (1, "letters", "digest"));
    assert_eq!(finding(&audit, Check::SessionInTwoParts).words, "0 of 4 sessions stand in more than one part");
}

#[test]
fn a_session_in_two_parts_and_its_targets_are_found() {
    // Session 3 is in the test part; in training it has its first two events.
    let audit = with(0, cut(3, 2, "bc", 100), &rule(By::Given));
    let sessions = finding(&audit, Check::SessionInTwoParts);
    assert_eq!((sessions.verdict, sessions.count, sessions.of), (Verdict::Leak, 1, 4));
    assert_eq!(sessions.examples, ["session 3 (train, test)"]);
    // Of its targets `c` and `a` the first is trained on.
    let targets = finding(&audit, Check::TargetEventInTraining);
    assert_eq!((targets.verdict, targets.count, targets.of), (Verdict::Leak, 1, 3));
    assert_eq!(targets.examples, ["session 3 of user `u2` (test)"]);
}

#[test]
fn a_copy_of_a_test_session_under_another_number_is_found() {
    let audit = with(0, cut(9, 2, "bcax", 100), &rule(By::Given));
    let samples = finding(&audit, Check::SampleInTraining);
    assert_eq!((samples.verdict, samples.count, samples.of), (Verdict::Leak, 2, 2));
    assert_eq!(samples.examples, ["session 3 of user `u2`"]);
    assert_eq!(finding(&audit, Check::SessionInTwoParts).verdict, Verdict::Clean);
}

#[test]
fn the_same_items_at_another_time_or_of_another_user_are_no_leak() {
    // The one begins as the test session does, up to its first target.
    let audit = with(0, cut(9, 0, "bcx", 40), &rule(By::Events));
    let (samples, items) = (finding(&audit, Check::SampleInTraining), finding(&audit, Check::SampleRepeatsTraining));
    assert_eq!((samples.verdict, items.verdict, items.count, items.of), (Verdict::Clean, Verdict::ByDesign, 1, 2));
}

#[test]
fn a_training_session_that_ends_at_the_boundary_is_found() {
    let audit = with(0, cut(9, 3, "ab", 99), &rule(By::Sessions));
    let past = finding(&audit, Check::SessionPastBoundary);
    assert_eq!((past.verdict, past.count, past.of), (Verdict::Leak, 1, 4));
    assert_eq!(past.examples, ["session 9 of user `u3` (train)"]);
    let audit = with(0, cut(9, 3, "ab", 98), &rule(By::Sessions));
    assert_eq!(finding(&audit, Check::SessionPastBoundary).verdict, Verdict::Clean);
    // A publisher may split as he likes: it is told, and is no leak.
    let audit = with(0, cut(9, 3, "ab", 200), &rule(By::Given));
    let past = finding(&audit, Check::SessionPastBoundary);
    assert_eq!((past.verdict, past.count), (Verdict::ByDesign, 1));
    // A draw knows no time.
    let audit = with(0, cut(9, 3, "ab", 200), &rule(By::Random));
    assert_eq!(finding(&audit, Check::SessionPastBoundary).verdict, Verdict::NotApplicable);
}

#[test]
fn training_events_beside_test_sessions_are_counted() {
    // The test session begins at 50 and ends after the boundary; two training events lie beside it.
    let audit = {
        let [mut train, ..] = clean();
        train.push(cut(9, 3, "aba", 49));
        audited([&train, &[], &[(3, 2, "ca", vec![50, 100], 1)]], &rule(By::Events), paper())
    };
    let after = finding(&audit, Check::TrainingAfterTest);
    assert_eq!((after.verdict, after.count, after.of), (Verdict::ByDesign, 2, 9));
    assert!(after.words.contains("cuts where they end"), "{}", after.words);
    assert_eq!(of(&audit, Verdict::Leak), []);
}

#[test]
fn validation_that_ends_before_training_does_is_found_where_time_decides() {
    let audit = with(1, cut(9, 3, "ab", 15), &rule(By::Events));
    let inside = finding(&audit, Check::ValidationInsideTraining);
    assert_eq!((inside.verdict, inside.count, inside.of), (Verdict::Leak, 1, 2));
    let audit = with(1, cut(9, 3, "ab", 15), &rule(By::Random));
    assert_eq!(finding(&audit, Check::ValidationInsideTraining).verdict, Verdict::ByDesign);
}

#[test]
fn cold_items_are_a_leak_only_where_nothing_explains_them() {
    let cold = |rule: &Rule| {
        let audit = with(2, cut(9, 3, "axbx", 110), rule);
        let found = finding(&audit, Check::ColdItems);
        assert_eq!((found.count, found.of, &found.examples[..]), (1, 4, &["item `x`".to_owned()][..]));
        (found.verdict, found.words.clone())
    };
    let dropped = rule(By::Events);
    assert_eq!(cold(&dropped).0, Verdict::Leak);
    let kept = Rule { cold_items: ColdItems::Keep, ..dropped.clone() };
    let (verdict, words) = cold(&kept);
    assert!(verdict == Verdict::ByDesign && words.contains("targets of 2 test samples"), "{words}");
    let cut_off = LeftOut { cut_training_events: 1, ..LeftOut::default() };
    assert_eq!(cold(&Rule { left_out: cut_off, ..dropped.clone() }).0, Verdict::ByDesign);
    let early = LeftOut { early_training_samples: 1, ..LeftOut::default() };
    let (verdict, words) = cold(&Rule { left_out: early, ..dropped });
    assert!(verdict == Verdict::ByDesign && words.contains("before what `recent_share` keeps"), "{words}");
}

#[test]
fn users_and_targets_that_were_seen_before_are_counted() {
    let audit = with(2, cut(9, 1, "abab", 110), &rule(By::Events));
    let (users, inputs) = (finding(&audit, Check::UserInTwoParts), finding(&audit, Check::TargetInInput));
    assert_eq!((users.verdict, users.count, users.of), (Verdict::ByDesign, 1, 2));
    assert_eq!(users.examples, ["user `u1`"]);
    // `ab` and `aba` are followed by what they have.
    assert_eq!((inputs.verdict, inputs.count, inputs.of), (Verdict::ByDesign, 2, 5));
}

#[test]
fn what_the_protocol_shows_is_by_design() {
    let [train, valid, test] = &clean();
    let shown = json!({ "select_on": "test", "target_operation": "visible" });
    let audit = audited([train, valid, test], &rule(By::Events), shown);
    assert_eq!(of(&audit, Verdict::ByDesign), [Check::EpochPickedOnTest, Check::TargetOperationShown]);
    assert_eq!(finding(&audit, Check::EpochPickedOnTest).count, 2);
}

#[test]
fn sessions_that_are_cut_may_train_on_their_beginning_and_not_on_what_is_held_out() {
    let rule = rule(By::LastItem);
    let parts = |train: Cut| {
        let (valid, test) = ((5, 0, "abc", vec![1, 2, 3], 2), (5, 0, "abcd", vec![1, 2, 3, 4], 3));
        audited([&[train, cut(6, 1, "dcb", 1)], &[valid], &[test]], &rule, paper())
    };
    let audit = parts(cut(5, 0, "ab", 1));
    assert_eq!(of(&audit, Verdict::Leak), []);
    assert_eq!(finding(&audit, Check::SessionInTwoParts).verdict, Verdict::ByDesign);
    let audit = parts(cut(5, 0, "abc", 1));
    assert_eq!(of(&audit, Verdict::Leak), [Check::TargetEventInTraining]);
    let audit = parts(cut(5, 0, "abcd", 1));
    assert_eq!(of(&audit, Verdict::Leak), [Check::TargetEventInTraining, Check::SampleInTraining]);
    assert_eq!(finding(&audit, Check::TargetEventInTraining).count, 2);
}

#[test]
fn a_validation_session_that_lost_its_cold_end_is_no_leak() {
    // `b` is cold: without it the validation session ends before the last training session does.
    let log = [
        logged("u", 0, "aaab").at(&[0, 1, 2, 60]),
        logged("v", 0, "aa").at(&[10, 20]),
        logged("w", 0, "aa").at(&[11, 21]),
        logged("x", 0, "aa").at(&[30, 70]),
    ];
    let chain = Chain::new(json!({ "select_on": "test" }));
    chain.write("log", &log);
    for (cold_items, verdict) in [("drop", Verdict::ByDesign), ("keep", Verdict::Clean)] {
        let (dataset, audit) = (format!("dataset, {cold_items}"), format!("audit, {cold_items}"));
        let split = json!({
            "from": "log", "by": "sessions", "test_share": 0.25, "valid_share": 0.25, "cold_items": cold_items,
        });
        chain.run(&dataset, json!({ "split": split }));
        chain.run(&audit, json!({ "audit": { "dataset": dataset } }));
        let audit = Audit::read(&chain.output(&audit)).unwrap();
        assert_eq!(of(&audit, Verdict::Leak), []);
        assert_eq!(finding(&audit, Check::ValidationInsideTraining).verdict, verdict);
    }
}

prop_compose! {
    fn any_split()(
        by in prop_oneof![
            Just("events"), Just("sessions"), Just("random"), Just("last-session"), Just("last-item"), Just("last-day"),
            Just("given"), Just("span"),
        ],
        share in 0.1_f64..0.4, own: bool, keep: bool, recent: bool,
    ) -> Value {
        let mut split = json!({
            "from": "log", "by": by, "cold_items": if keep { "keep" } else { "drop" },
        });
        if matches!(by, "events" | "sessions" | "random") {
            split["test_share"] = json!(share);
            if own {
                split["valid_share"] = json!(share / 2.0);
            }
        }
        if by == "span" {
            split["test_span"] = json!(format!("{}s", (share * 2e5).floor()));
            split["drop_boundary"] = json!(own);
        }
        if recent && !matches!(by, "last-item" | "last-day") {
            split["recent_share"] = json!(0.5);
        }
        split
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_split_leaks(
        split in any_split(), validate: bool,
        // Users that are alone in their second, so that no two sessions are copies of each other.
        sessions in proptest::collection::vec(("[uvwx]", "[abcdefg]{1,7}", 0_i64..200, 0_u8..3), 4..30),
    ) {
        let log: Vec<_> = sessions
            .iter()
            .enumerate()
            .map(|(at, (user, items, start, part))| {
                let spread = i64::try_from(at).unwrap() * 7;
                let times: Vec<i64> = (0..).take(items.len()).map(|step| start * 1000 + spread + step * 20_000).collect();
                let part = [Given::Train, Given::Valid, Given::Test][usize::from(*part)];
                logged(user, 0, items).at(&times).given(part)
            })
            .collect();
        let chain = Chain::new(json!({ "select_on": if validate { "validation" } else { "test" } }));
        chain.write("log", &log);
        if chain.attempt("dataset", json!({ "split": split })).is_err() {
            return Ok(());
        }
        chain.run("audit", json!({ "audit": { "dataset": "dataset" } }));
        let audit = Audit::read(&chain.output("audit")).unwrap();
        prop_assert_eq!(of(&audit, Verdict::Leak), [], "{:#?}", audit);
    }
}
