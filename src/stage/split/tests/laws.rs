//! What holds for any log, whichever way it is split.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::data::dataset::Part;
use crate::stage::split::side::{self, Side, boundary, sides};

prop_compose! {
    /// Sessions whose beginnings follow each other, with letters from a small alphabet and a few users.
    fn any_log()(sessions in proptest::collection::vec(
        (0_i64..20, 0_i32..4, proptest::collection::vec((0_u8..12, 0_i64..50_000), 1..7)), 2..25,
    )) -> Log {
        let mut start = 0;
        let mut found: Vec<(i32, String, Vec<i64>)> = Vec::new();
        for (pause, user, events) in sessions {
            start += pause;
            let mut time = start;
            let word = events.iter().map(|(item, _)| char::from(b'a' + item)).collect();
            found.push((user, word, events.iter().map(|(_, step)| { time += step; time }).collect()));
        }
        let sessions: Vec<(i32, &str, &[i64])> =
            found.iter().map(|(user, word, times)| (*user, word.as_str(), times.as_slice())).collect();
        log_of(&sessions)
    }
}

/// Any way to split, but by the publisher.
fn any_split() -> impl Strategy<Value = Split> {
    let by = prop_oneof![
        Just("events"),
        Just("sessions"),
        Just("random"),
        Just("span"),
        Just("last-session"),
        Just("last-item"),
        Just("last-day")
    ];
    (by, 0.05_f64..0.5, proptest::option::of(0.05_f64..0.4), any::<bool>(), any::<bool>()).prop_map(
        |(by, test, valid, keep, validate)| {
            let select_on = if validate { SelectOn::Validation } else { SelectOn::Test };
            let mut fields = json!({ "by": by, "cold_items": if keep { "keep" } else { "drop" } });
            if matches!(by, "events" | "sessions" | "random") {
                fields["test_share"] = json!(test);
                if let Some(valid) = valid {
                    fields["valid_share"] = json!(valid);
                }
            }
            if by == "span" {
                fields["test_span"] = json!(format!("{}s", (test * 1e5).floor()));
                fields["drop_boundary"] = json!(keep);
            }
            split(fields, select_on)
        },
    )
}

proptest! {
    #[test]
    fn a_boundary_is_the_order_statistic_of_the_sorted_times(
        mut times in proptest::collection::vec(prop_oneof![-9_i64..9, any::<i64>()], 1..40), share in 0.0_f64..1.0,
    ) {
        let found = boundary(|| times.iter().copied(), share);
        times.sort_unstable();
        prop_assert_eq!(found, times.get(side::part_of(times.len(), 1.0 - share)).copied());
    }

    #[test]
    fn parts_share_no_target_and_each_event_is_accounted_for(log in any_log(), split in any_split()) {
        let Ok(built) = build(&split, log.clone()) else { return Ok(()) };
        let cuts = split.config.by.cuts_sessions();
        let numbers = |part: &Part| part.sessions.iter().map(|session| session.session).collect::<BTreeSet<_>>();
        let [train, valid, test] = &built.parts[..] else { panic!() };
        if !cuts {
            prop_assert!(numbers(train).is_disjoint(&numbers(test)) && numbers(valid).is_disjoint(&numbers(test)));
            prop_assert!(numbers(train).is_disjoint(&numbers(valid)));
        }
        // Each event is the target of one part at most, and no training session reaches a target of another part.
        let mut held_out = BTreeMap::new();
        for part in [valid, test] {
            for (index, position) in part.samples() {
                let session = part.sessions[index];
                let place = session.start + position;
                prop_assert!(held_out.insert(place, part.name).is_none());
            }
        }
        let trained: BTreeSet<usize> = train.sessions.iter().flat_map(dataset::PartSession::range).collect();
        prop_assert!(held_out.keys().all(|place| !trained.contains(place)));

        // The sides alone decide how many events there are; what is cold or too short is counted.
        let sides = sides(&split.config, &log).unwrap();
        let out: usize = log.sessions.iter().zip(&sides.of).filter(|(_, side)| **side == Side::Out).count();
        prop_assert_eq!(built.left_out.sessions, out as u64);
        if !cuts {
            let whole = log.sessions.len() - out;
            let short = built.left_out.short_training_sessions + built.left_out.short_held_out_sessions;
            let placed: usize = built.parts.iter().map(|part| part.sessions.len()).sum();
            prop_assert_eq!(placed as u64 + short, whole as u64);
        }
        if split.config.cold_items == ColdItems::Keep {
            prop_assert_eq!(built.left_out.cold_events, 0);
        }

        // By time: whole sessions, by the time at which they end.
        if split.config.by.goes_by_time() && split.config.cold_items == ColdItems::Keep {
            let ends = |part: &Part| part.sessions.iter().map(|s| built.events.times[s.range().end - 1]).collect::<Vec<_>>();
            let latest = |part: &Part| ends(part).into_iter().max().unwrap_or(i64::MIN);
            let earliest = |part: &Part| ends(part).into_iter().min().unwrap_or(i64::MAX);
            prop_assert!(latest(train) < earliest(test) && latest(valid) < earliest(test));
            prop_assert!(latest(train) <= earliest(valid));
        }
        for part in &built.parts {
            prop_assert_eq!(part.samples().count(), part.sample_count());
            for session in &part.sessions {
                prop_assert!(session.history >= 1 && session.length > session.history);
                prop_assert!(built.events.times[session.range()].is_sorted());
                prop_assert!(built.events.items[session.range()].iter().all(|item| *item > 0));
            }
        }
    }
}
