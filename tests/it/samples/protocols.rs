//! Each paper's protocol, from sessions to samples, on a log small enough to follow by hand.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::chain::{Chain, Logged, logged, shipped};

/// The items of an input, and the target.
type Sample = (Vec<String>, String);

/// The samples of a part of a dataset, in the order of the trainer's arrays.
fn named_samples(chain: &Chain, dataset: &str, part: &str) -> Vec<Sample> {
    use sr_pipe::data::dataset::{PartReader, Seen};
    use sr_pipe::data::vocabulary::{ITEMS, Vocabulary};

    let folder = chain.output(dataset);
    let names = Vocabulary::read(&folder.join("items.parquet"), &ITEMS).unwrap();
    let mut reader = PartReader::open(&folder, part).unwrap();
    let (mut session, mut found) = (Seen::default(), Vec::new());
    while reader.read(&mut session).unwrap() {
        let name = |item: &i64| names.names()[usize::try_from(item - 1).unwrap()].clone();
        let items: Vec<String> = session.items.iter().map(name).collect();
        found.extend(session.targets.iter().map(|at| (items[..*at].to_vec(), items[*at].clone())));
    }
    found
}

/// The same, the input as a word where items are letters.
fn samples(chain: &Chain, dataset: &str, part: &str) -> Vec<(String, String)> {
    named_samples(chain, dataset, part).into_iter().map(|(input, target)| (input.concat(), target)).collect()
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

/// A row of a log: session, item, place in the session, time in seconds.
type Row = (String, String, i64, i64);

/// What SR-GNN's `preprocess.py` makes of a log, step by step: the training and the test samples, each in its order.
fn as_sr_gnn_prepares(rows: &[Row], test_days: i64) -> (Vec<Sample>, Vec<Sample>) {
    // The rows of a session lie together.
    let mut sessions: Vec<(Vec<String>, i64)> = Vec::new();
    for session in rows.chunk_by(|one, next| one.0 == next.0) {
        let end = session.last().unwrap().3;
        let mut session = session.to_vec();
        session.sort_by_key(|row| row.2);
        sessions.push((session.into_iter().map(|row| row.1).collect(), end));
    }
    sessions.retain(|(items, _)| items.len() > 1);
    let mut counts: HashMap<String, usize> = HashMap::new();
    sessions.iter().flat_map(|(items, _)| items).for_each(|item| *counts.entry(item.clone()).or_default() += 1);
    sessions.iter_mut().for_each(|(items, _)| items.retain(|item| counts[item] >= 5));
    sessions.retain(|(items, _)| items.len() > 1);
    let boundary = sessions.iter().map(|(_, end)| *end).max().unwrap() - test_days * 86_400;
    let part = |is_in: &dyn Fn(i64) -> bool| {
        let mut part: Vec<_> = sessions.iter().filter(|(_, end)| is_in(*end)).cloned().collect();
        part.sort_by_key(|(_, end)| *end);
        part
    };
    let (train, mut test) = (part(&|end| end < boundary), part(&|end| end > boundary));
    let known: BTreeSet<&String> = train.iter().flat_map(|(items, _)| items).collect();
    test.iter_mut().for_each(|(items, _)| items.retain(|item| known.contains(item)));
    let prefixes = |part: &[(Vec<String>, i64)]| -> Vec<Sample> {
        let longest_first = |items: &Vec<String>| {
            let samples = (1..items.len()).rev().map(|at| (items[..at].to_vec(), items[at].clone()));
            samples.collect::<Vec<_>>()
        };
        part.iter().flat_map(|(items, _)| longest_first(items)).collect()
    };
    (prefixes(&train), prefixes(&test))
}

fn sorted(mut samples: Vec<Sample>) -> Vec<Sample> {
    samples.sort_unstable();
    samples
}

/// A made-up log, sent through the stages of this project's own pipeline up to the dataset.
fn prepare(chain: &Chain, pipeline: &str) {
    chain.run("raw", json!({ "synth": { "format": pipeline, "rows": 20_000, "items": 600, "seed": 11 } }));
    for stage in ["events", "sessions", "kept", "dataset"] {
        chain.run(stage, shipped(pipeline, stage, &[("name", pipeline), ("share", "0.015625")]));
    }
}

#[test]
fn the_protocol_of_sr_gnn_on_diginetica_leaves_a_day_out_and_sorts_by_timeframe() {
    let chain = Chain::new(json!({ "select_on": "test" }));
    prepare(&chain, "diginetica");
    let text = std::fs::read_to_string(chain.output("raw").join("train-item-views.csv")).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(';').collect();
        let day: jiff::civil::Date = fields[4].parse().unwrap();
        let time = day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
        (fields[0].to_owned(), fields[2].to_owned(), fields[3].parse().unwrap(), time)
    });
    let (train, test) = as_sr_gnn_prepares(&rows.collect::<Vec<_>>(), 7);
    assert!(train.len() > 5000 && test.len() > 200, "{} and {}", train.len(), test.len());
    assert!(sorted(named_samples(&chain, "dataset", "train")) == sorted(train), "training samples");
    assert!(sorted(named_samples(&chain, "dataset", "test")) == sorted(test), "test samples");
    let rule: Value =
        serde_json::from_slice(&std::fs::read(chain.output("dataset").join("split.json")).unwrap()).unwrap();
    assert!(rule["left_out"]["sessions"].as_u64().unwrap() > 0, "{rule}");
}

#[test]
fn the_protocol_of_sr_gnn_on_yoochoose_trains_on_the_last_64th_of_the_samples() {
    let chain = Chain::new(json!({ "select_on": "test" }));
    prepare(&chain, "yoochoose");
    let text = std::fs::read_to_string(chain.output("raw").join("yoochoose-clicks.dat")).unwrap();
    let rows = text.lines().map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let time: jiff::Timestamp = fields[1].parse().unwrap();
        (fields[0].to_owned(), fields[2].to_owned(), 0, time.as_second())
    });
    let (train, test) = as_sr_gnn_prepares(&rows.collect::<Vec<_>>(), 1);
    let last = train[train.len() - train.len() / 64..].to_vec();
    assert!(last.len() > 100 && test.len() > 30, "{} and {}", last.len(), test.len());
    assert!(sorted(named_samples(&chain, "dataset", "train")) == sorted(last), "training samples");
    assert!(sorted(named_samples(&chain, "dataset", "test")) == sorted(test), "test samples");
    let all: BTreeSet<&String> = train.iter().flat_map(|(input, target)| input.iter().chain([target])).collect();
    assert_eq!(chain.meta("dataset")["items"], all.len(), "every item of training has a number");
}
