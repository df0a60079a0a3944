//! Events to sessions through the stages: where each rule cuts, and in which order events stand.

use proptest::prelude::*;
use serde_json::{Value, json};
use sr_pipe::engine::stage::StageError;

use crate::chain::Chain;

/// Ingests a log of `session,user,time,place,item` rows; an empty field is left out for all rows by its column.
fn ingest(chain: &Chain, log: &str, columns: Value) {
    let raw = chain.output("raw");
    std::fs::create_dir(&raw).unwrap();
    std::fs::write(raw.join("log.csv"), format!("session,user,time,place,item\n{log}")).unwrap();
    let table = json!({ "log": "log.csv", "columns": columns });
    chain.run("events", json!({ "ingest": { "from": "raw", "format": "table", "table": table } }));
}

fn by_user() -> Value {
    json!({ "item": "item", "user": "user", "time": { "seconds": "time" } })
}

/// Cuts the log of the chain; answers its sessions as user and items.
fn cut(chain: &Chain, name: &str, how: Value) -> Vec<String> {
    let mut stage = json!({ "from": "events" });
    stage.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
    chain.run(name, json!({ "sessionize": stage }));
    let word = |items: Vec<(String, String, i64)>| items.into_iter().map(|(item, ..)| item).collect::<String>();
    chain.sessions(name).into_iter().map(|(_, logged)| format!("{} {}", logged.user, word(logged.events))).collect()
}

fn refused(chain: &Chain, by: &str) -> String {
    let stage = json!({ "sessionize": { "from": "events", "by": by } });
    let Err(StageError::Data(error)) = chain.attempt(&format!("refused {by}"), stage) else { panic!("{by} is taken") };
    error.message
}

#[test]
fn a_pause_of_just_the_gap_stays_in_the_session_and_a_longer_one_does_not() {
    let chain = Chain::new(json!({}));
    ingest(&chain, ",u,0,,a\n,u,3600,,b\n,u,7201,,c\n,v,7201,,d\n", by_user());
    assert_eq!(cut(&chain, "hour", json!({ "by": "gap" })), ["u ab", "u c", "v d"]);
    assert_eq!(cut(&chain, "longer", json!({ "by": "gap", "gap": "3601s" })), ["u abc", "v d"]);
}

#[test]
fn a_distance_of_just_the_rows_stays_in_the_session_and_a_longer_one_does_not() {
    let chain = Chain::new(json!({}));
    let columns = json!({ "item": "item", "user": "user" });
    ingest(&chain, ",u,,,a\n,v,,,x\n,u,,,b\n,v,,,y\n,v,,,z\n,u,,,c\n", columns);
    assert_eq!(cut(&chain, "rows", json!({ "by": "row-gap", "rows": 2 })), ["u ab", "u c", "v xyz"]);
    assert_eq!(cut(&chain, "usual", json!({ "by": "row-gap" })), ["u abc", "v xyz"]);
    assert!(refused(&chain, "gap").contains("no clock"));
    assert!(refused(&chain, "day").contains("no clock"));
    assert!(refused(&chain, "given").contains("no session"));
}

#[test]
fn a_day_ends_at_midnight_and_a_user_never() {
    let chain = Chain::new(json!({}));
    ingest(&chain, ",u,86399,,a\n,u,86400,,b\n,u,172799,,c\n,u,-1,,z\n", by_user());
    assert_eq!(cut(&chain, "day", json!({ "by": "day" })), ["u z", "u a", "u bc"]);
    assert_eq!(cut(&chain, "user", json!({ "by": "user" })), ["u zabc"]);
}

#[test]
fn events_of_one_second_keep_the_order_of_the_log() {
    let chain = Chain::new(json!({}));
    ingest(&chain, ",u,7,,a\n,v,7,,x\n,u,7,,b\n,u,6,,c\n", by_user());
    assert_eq!(cut(&chain, "gap", json!({ "by": "gap" })), ["u cab", "v x"]);
}

#[test]
fn given_sessions_follow_the_place_that_the_log_gives_before_time() {
    let chain = Chain::new(json!({}));
    let columns = json!({
        "item": "item", "session": "session", "user": "user", "order": "place", "time": { "seconds": "time" }
    });
    ingest(&chain, "s,u,5,2,b\nt,u,1,1,x\ns,u,5,1,a\ns,u,4,3,c\n", columns);
    assert_eq!(cut(&chain, "given", json!({ "by": "given" })), ["u abc", "u x"]);
    // By the pauses of the user the same log is put in the order of time.
    assert_eq!(cut(&chain, "gap", json!({ "by": "gap" })), ["u xcba"]);
}

#[test]
fn a_log_that_names_nobody_is_cut_only_where_it_says_so() {
    let chain = Chain::new(json!({}));
    let columns = json!({ "item": "item", "session": "session", "time": { "seconds": "time" } });
    ingest(&chain, "s,,2,,b\ns,,1,,a\nt,,1,,x\n", columns);
    assert_eq!(cut(&chain, "given", json!({ "by": "given" })), [" ab", " x"]);
    assert!(refused(&chain, "gap").contains("who acts"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_event_is_in_one_session_and_only_longer_pauses_part_them(
        events in proptest::collection::vec((0_u8..4, 0_i64..400), 1..60), gap in 0_i64..80,
    ) {
        let chain = Chain::new(json!({}));
        let log: String = events.iter().map(|(user, time)| format!(",u{user},{time},,i\n")).collect();
        ingest(&chain, &log, by_user());
        let stage = json!({ "sessionize": { "from": "events", "by": "gap", "gap": format!("{gap}s") } });
        chain.run("sessions", stage);
        let mut last: Option<(String, i64)> = None;
        let mut found = Vec::new();
        for (_, session) in chain.sessions("sessions") {
            for (at, (_, _, time)) in session.events.iter().enumerate() {
                if let Some((user, before)) = &last && *user == session.user {
                    let pause = time - before;
                    let right = if at == 0 { pause > gap } else { (0..=gap).contains(&pause) };
                    prop_assert!(right, "a pause of {} s at event {}", pause, at);
                }
                last = Some((session.user.clone(), *time));
                found.push((session.user.clone(), *time));
            }
        }
        let mut expected: Vec<_> = events.iter().map(|(user, time)| (format!("u{user}"), *time)).collect();
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }
}
