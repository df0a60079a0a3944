//! Laws of the split.

use proptest::prelude::*;

use super::*;
use crate::artifact::table::Text;
use crate::data::protocol::{SelectBy, TargetOperation, Ties};

/// Sessions of one-letter items, each event with its time; numbered as they stand.
fn log(sessions: &[(&str, &[i64])]) -> Sessions {
    let events: Vec<(i64, char, i64)> = (0..)
        .zip(sessions)
        .flat_map(|(session, (items, times))| items.chars().zip(*times).map(move |(item, time)| (session, item, *time)))
        .collect();
    Sessions {
        session: events.iter().map(|(session, ..)| *session).collect(),
        user: Text::full(events.iter().map(|(session, ..)| format!("u{session}"))),
        item: Text::full(events.iter().map(|(_, item, _)| item.to_string())),
        operation: Text::full(events.iter().map(|(.., time)| (time % 2).to_string())),
        time: events.iter().map(|(.., time)| *time).collect(),
        row: (0..).take(events.len()).collect(),
        part: Text::absent(events.len()),
    }
}

fn protocol(select_on: SelectOn, test_prefixes: bool) -> Protocol {
    Protocol {
        select_on,
        select_by: SelectBy::Mrr,
        validation_share: 0.5,
        ties: Ties::Mean,
        target_operation: TargetOperation::Hidden,
        test_prefixes,
    }
}

fn split(cold_items: ColdItems, select_on: SelectOn) -> Split {
    Split {
        config: Config {
            from: "sessions".into(),
            name: "letters".into(),
            by: By::Events,
            test_share: 0.25,
            cold_items,
            max_length_quantile: None,
            train_prefixes: true,
        },
        protocol: protocol(select_on, true),
    }
}

/// The sessions of a part, as the letters of their items.
fn letters(built: &Built, part: usize) -> Vec<String> {
    let name = |number: &i32| built.items.names()[usize::try_from(number - 1).unwrap()].clone();
    built.parts[part].sessions.iter().map(|session| session.items.iter().map(name).collect()).collect()
}

/// Twelve events: the boundary is the time of the tenth, which is 9.
const LOG: &[(&str, &[i64])] = &[("abca", &[0, 1, 2, 3]), ("bcx", &[4, 5, 9]), ("ab", &[6, 7]), ("aby", &[8, 10, 11])];

#[test]
fn a_session_that_ends_at_the_boundary_is_a_test_session_whole() {
    let built = split(ColdItems::Keep, SelectOn::Test).build(&log(LOG)).unwrap();
    assert_eq!(
        (letters(&built, 0), letters(&built, 2)),
        (vec!["abca".into(), "ab".into()], vec!["bcx".into(), "aby".into()])
    );
    assert_eq!(built.items.names(), ["a", "b", "c", "x", "y"]);
}

#[test]
fn cold_items_are_dropped_from_test_sessions_or_kept_with_a_number() {
    let built = split(ColdItems::Drop, SelectOn::Test).build(&log(LOG)).unwrap();
    assert_eq!(letters(&built, 2), ["bc", "ab"]);
    assert_eq!((built.items.len(), built.dropped), (3, 2));
    let built = split(ColdItems::Keep, SelectOn::Test).build(&log(LOG)).unwrap();
    let cold: Vec<bool> = built.samples.part("test").iter().map(|sample| sample.cold).collect();
    assert_eq!(cold, [true, false, true, false]);
}

#[test]
fn every_prefix_is_a_sample_the_longest_first() {
    let built = split(ColdItems::Keep, SelectOn::Test).build(&log(LOG)).unwrap();
    let shown: Vec<_> =
        built.samples.part("train").iter().map(|s| (s.session, s.position, s.target, s.in_session)).collect();
    // a=1 b=2 c=3; the session `abca` returns to `a`.
    assert_eq!(shown, [(0, 3, 1, true), (0, 2, 3, false), (0, 1, 2, false), (2, 1, 2, false)]);
}

#[test]
fn the_protocol_can_ask_for_whole_test_sessions_only() {
    let mut split = split(ColdItems::Keep, SelectOn::Test);
    split.protocol.test_prefixes = false;
    let built = split.build(&log(LOG)).unwrap();
    let shown: Vec<_> = built.samples.part("test").iter().map(|sample| (sample.session, sample.position)).collect();
    assert_eq!(shown, [(1, 2), (3, 2)]);
    assert_eq!(built.samples.part("train").len(), 4);
}

#[test]
fn the_training_sessions_that_end_last_are_held_out_for_validation() {
    let built = split(ColdItems::Keep, SelectOn::Validation).build(&log(LOG)).unwrap();
    assert_eq!((letters(&built, 0), letters(&built, 1)), (vec!["abca".into()], vec!["ab".into()]));
}

#[test]
fn long_sessions_keep_their_last_events() {
    let mut split = split(ColdItems::Keep, SelectOn::Test);
    // The training sessions have 4 and 2 events: the median is 3.
    split.config.max_length_quantile = Some(0.5);
    let built = split.build(&log(LOG)).unwrap();
    assert_eq!((letters(&built, 0), built.meta.max_length), (vec!["bca".into(), "ab".into()], 3));
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
fn ids_do_not_enter_the_digest_of_the_test_samples() {
    let built = |log: &[(&str, &[i64])]| split(ColdItems::Keep, SelectOn::Test).build(&super::tests::log(log)).unwrap();
    let mut other = LOG.to_vec();
    other[0] = ("acba", other[0].1);
    assert_eq!(built(LOG).meta.test_samples, built(&other).meta.test_samples);
    other[1] = ("cbx", other[1].1);
    assert_ne!(built(LOG).meta.test_samples, built(&other).meta.test_samples);
}

#[test]
fn choices_of_the_protocol_that_do_not_touch_the_data_do_not_enter_the_key() {
    let one = split(ColdItems::Keep, SelectOn::Test);
    let mut other = one.clone();
    other.protocol.ties = Ties::Pessimistic;
    other.protocol.validation_share = 0.2;
    assert_eq!(one.identity(), other.identity());
    other.protocol.test_prefixes = false;
    assert_ne!(one.identity(), other.identity());
}

#[test]
fn a_split_that_the_log_does_not_have_and_a_share_that_leaves_nothing_are_told() {
    let mut split = split(ColdItems::Keep, SelectOn::Test);
    split.config.test_share = 0.0;
    assert!(split.build(&log(LOG)).err().unwrap().message.contains("`test`"));
    split.config.by = By::Given;
    assert!(split.build(&log(LOG)).err().unwrap().help.unwrap().contains("by: events"));
}

prop_compose! {
    /// Sessions whose beginnings follow each other, with letters from a small alphabet.
    fn any_log()(sessions in proptest::collection::vec(
        (0_i64..20, proptest::collection::vec((0_u8..12, 0_i64..9), 1..7)), 2..25,
    )) -> Sessions {
        let mut start = 0;
        let (mut texts, mut clocks) = (Vec::new(), Vec::new());
        for (pause, events) in sessions {
            start += pause;
            let mut time = start;
            texts.push(events.iter().map(|(item, _)| char::from(b'a' + item)).collect::<String>());
            clocks.push(events.iter().map(|(_, step)| { time += step; time }).collect::<Vec<_>>());
        }
        let sessions: Vec<(&str, &[i64])> = texts.iter().map(String::as_str).zip(clocks.iter().map(Vec::as_slice)).collect();
        log(&sessions)
    }
}

proptest! {
    #[test]
    fn parts_share_no_session_time_divides_them_and_each_event_is_accounted_for(
        sessions in any_log(), share in 0.05_f64..0.9, keep in any::<bool>(), validate in any::<bool>(),
    ) {
        let select_on = if validate { SelectOn::Validation } else { SelectOn::Test };
        let mut split = split(if keep { ColdItems::Keep } else { ColdItems::Drop }, select_on);
        split.config.test_share = share;
        let Ok(built) = split.build(&sessions) else { return Ok(()) };

        let numbers = |part: &Part| part.sessions.iter().map(|session| session.session).collect::<HashSet<_>>();
        let [train, valid, test] = &built.parts[..] else { panic!() };
        prop_assert!(numbers(train).is_disjoint(&numbers(test)) && numbers(valid).is_disjoint(&numbers(test)));
        prop_assert!(numbers(train).is_disjoint(&numbers(valid)));

        // Ends of whole sessions: without cold items the last event of a test session may be an earlier one.
        let ends = sessions.ranges().into_iter().map(|r| (sessions.session[r.start], sessions.time[r.end - 1]));
        let ends: std::collections::HashMap<i64, i64> = ends.collect();
        let of = |part: &Part| part.sessions.iter().map(|session| ends[&session.session]).collect::<Vec<_>>();
        let latest = |part: &Part| of(part).into_iter().max().unwrap_or(i64::MIN);
        let earliest = |part: &Part| of(part).into_iter().min().unwrap_or(i64::MAX);
        prop_assert!(latest(train) < earliest(test) && latest(valid) < earliest(test));
        prop_assert!(latest(train) <= earliest(valid));

        // Whatever is in no part: sessions left with one event, and dropped cold events.
        let in_parts: usize = built.parts.iter().flat_map(|part| &part.sessions).map(|session| session.items.len()).sum();
        let kept: HashSet<i64> = built.parts.iter().flat_map(numbers).collect();
        let Sides { trained, tested } = split.sides(&sessions).unwrap();
        let cold = |range: &Range<usize>| {
            let known = |row: &usize| trained.iter().cloned().flatten().any(|t| sessions.item.at(t) == sessions.item.at(*row));
            if keep { 0 } else { range.clone().filter(|row| !known(row)).count() }
        };
        let mut expected = 0;
        for range in &trained {
            prop_assert_eq!(kept.contains(&sessions.session[range.start]), range.len() >= 2);
            expected += if range.len() >= 2 { range.len() } else { 0 };
        }
        for range in &tested {
            let left = range.len() - cold(range);
            prop_assert_eq!(kept.contains(&sessions.session[range.start]), left >= 2);
            expected += if left >= 2 { left } else { 0 };
        }
        prop_assert_eq!(in_parts, expected);

        for part in &built.parts {
            prop_assert_eq!(part.samples().count(), part.sessions.iter().map(|s| s.items.len() - 1).sum::<usize>());
            for session in &part.sessions {
                prop_assert_eq!(session.items.len(), session.operations.len());
                prop_assert!(session.times.is_sorted());
            }
        }
    }
}
