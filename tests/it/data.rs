//! Raw files to datasets through the stages, on the real Demo set of MKM-SR where it is there.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use sr_pipe::data::audit::{Audit, Check, Verdict};

use crate::chain::Chain;

/// The real Demo set, or a printed line and nothing.
fn demo() -> Option<Utf8PathBuf> {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mkm_demo");
    if !folder.is_dir() {
        eprintln!("skipped: the Demo set is not at {folder}");
        return None;
    }
    Some(folder)
}

fn whole_log() -> Value {
    json!({ "select_on": "test" })
}

/// Runs one variant of the Demo set from its files to triples.
fn check_demo(cold_items: &str, test_samples: usize, items: usize, triples: usize, cold_share: std::ops::Range<usize>) {
    let Some(raw) = demo() else { return };
    let chain = Chain::new(whole_log());
    chain.run("events", json!({ "ingest": { "from": raw, "format": "mkm-demo", "cold_items": cold_items } }));
    let notes = chain.run("sessions", json!({ "sessionize": { "from": "events", "by": "given" } }));
    let test_sessions = if cold_items == "keep" { 644 } else { 581 };
    assert_eq!(notes["sessions"], 5052 + test_sessions);
    let split = json!({ "from": "sessions", "name": "demo", "by": "given", "cold_items": cold_items });
    let notes = chain.run("dataset", json!({ "split": split }));
    assert_eq!(notes["train sessions"], 5052);
    assert_eq!(notes["train samples"], 20_993);
    assert_eq!(notes["test samples"], test_samples);
    assert_eq!(notes["valid samples"], 0);
    let cold = usize::try_from(notes["cold test samples"].as_u64().unwrap()).unwrap();
    assert!(cold_share.contains(&cold), "{cold} targets stand in no training session");
    let meta = chain.meta("dataset");
    assert_eq!((&meta["items"], &meta["operations"], &meta["max_length"]), (&json!(items), &json!(4), &json!(29)));
    chain.run("audit", json!({ "audit": { "dataset": "dataset" } }));
    let audit = Audit::read(&chain.output("audit")).unwrap();
    let leaks = audit.findings.iter().filter(|finding| finding.verdict == Verdict::Leak);
    assert_eq!(leaks.count(), 0, "{audit:#?}");
    let found = |check: Check| audit.of(check).map(|finding| (finding.verdict, finding.count)).unwrap();
    // Targets in their own input: 18.45 % of the test samples, and 16.59 % with cold items.
    let repeated = if cold_items == "keep" { 406 } else { 304 };
    assert_eq!(found(Check::TargetInInput), (Verdict::ByDesign, repeated));
    // The published set is cut by the end of sessions, so that none of training ends late and some act late. Without
    // their cold items some test sessions end earlier than they did when it was cut.
    let past = if cold_items == "keep" { Verdict::Clean } else { Verdict::ByDesign };
    assert_eq!(found(Check::SessionPastBoundary).0, past);
    assert_eq!(found(Check::TrainingAfterTest).0, Verdict::ByDesign);
    assert_eq!(found(Check::EpochPickedOnTest), (Verdict::ByDesign, test_samples as u64));
    let knowledge = json!({ "extract_knowledge": { "dataset": "dataset", "items": "sessions" } });
    assert_eq!(chain.run("knowledge", knowledge)["triples"], triples);
    if cold_items == "drop" {
        assert_eq!(chain.meta("knowledge")["entities"], 16_705);
    }
}

#[test]
fn the_published_demo_set_has_the_counts_of_its_authors_files() {
    // 42 targets stand only in what was cut off from long training sessions.
    check_demo("drop", 1648, 12_195, 48_780, 42..43);
}

#[test]
fn the_published_demo_set_with_cold_items_has_the_counts_of_its_authors_files() {
    check_demo("keep", 2447, 12_971, 51_884, 43..2447);
}

/// The published actions in JDATA's own layout, under the names of its files.
fn jdata() -> Option<(tempfile::TempDir, Utf8PathBuf)> {
    let demo = demo()?;
    let folder = tempfile::tempdir().unwrap();
    for file in ["jdata_action", "jdata_product"] {
        std::fs::copy(demo.join(format!("{file}_from_demo.csv")), folder.path().join(format!("{file}.csv"))).unwrap();
    }
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    Some((folder, path))
}

#[test]
fn the_layout_of_jdata_gives_the_same_items_and_nearly_the_same_sessions() {
    let Some((_folder, raw)) = jdata() else { return };
    let chain = Chain::new(whole_log());
    let notes = chain.run("events", json!({ "ingest": { "from": raw, "format": "jdata" } }));
    assert_eq!((&notes["events"], &notes["items"]), (&json!(30_360), &json!(12_971)));
    // Pauses inside the published sessions reach 1:18:58, since items were taken out after sessions were cut, and
    // 3,604 s between two sessions of a user: no one gap finds them again.
    let cut = |name: &str, gap: &str| {
        let notes = chain.run(name, json!({ "sessionize": { "from": "events", "by": "gap", "gap": gap } }));
        notes["sessions"].as_u64().unwrap()
    };
    let (hour, more) = (cut("hour", "1h"), cut("more", "4738s"));
    assert!(more <= 5696 && 5696 <= hour && hour - more < 100, "{more} and {hour} sessions, published: 5,696");
    let split = json!({ "split": { "from": "hour", "by": "events", "test_share": 0.1, "cold_items": "keep" } });
    let notes = chain.run("dataset", split);
    assert_eq!(chain.meta("dataset")["items"], 12_971);
    let samples = notes["test samples"].as_u64().unwrap() + notes["train samples"].as_u64().unwrap();
    assert!((23_000..23_600).contains(&samples), "{samples} samples, published: 23,440");
}

#[test]
fn the_split_by_events_cuts_the_log_where_the_published_one_is_cut() {
    let Some(raw) = demo() else { return };
    let chain = Chain::new(whole_log());
    chain.run("events", json!({ "ingest": { "from": raw, "format": "mkm-demo", "cold_items": "keep" } }));
    chain.run("sessions", json!({ "sessionize": { "from": "events", "by": "given" } }));
    for by in ["given", "events"] {
        chain
            .run(&format!("split by {by}"), json!({ "split": { "from": "sessions", "by": by, "cold_items": "keep" } }));
    }
    let bytes = |by: &str| std::fs::read(chain.output(&format!("split by {by}")).join("samples.safetensors")).unwrap();
    assert!(bytes("given") == bytes("events"));
    assert_eq!(chain.meta("split by given")["test_samples"], chain.meta("split by events")["test_samples"]);
}

#[test]
fn made_up_files_go_through_every_stage_and_come_out_the_same_each_time() {
    let build = |seed: u64| {
        let chain = Chain::new(json!({ "select_on": "validation" }));
        let size = json!({ "format": "jdata", "seed": seed, "items": 120, "users": 60, "sessions": 300, "days": 5, "late": 0.5 });
        chain.run("raw", json!({ "synth": size }));
        chain.run("events", json!({ "ingest": { "from": "raw", "format": "jdata" } }));
        chain.run("sessions", json!({ "sessionize": { "from": "events", "gap": "1h" } }));
        let steps = json!([{ "min_session_length": 2 }, { "min_item_count": 3 }, { "min_session_length": 2 }]);
        let notes = chain.run("filtered", json!({ "filter": { "from": "sessions", "steps": steps } }));
        assert!(notes["sessions after"].as_u64() < notes["sessions before"].as_u64());
        let notes = chain.run("dataset", json!({ "split": { "from": "filtered", "cold_items": "keep" } }));
        assert!(notes["valid samples"].as_u64() > Some(0) && notes["cold test samples"].as_u64() > Some(0));
        chain.run("knowledge", json!({ "extract_knowledge": { "dataset": "dataset", "items": "filtered" } }));
        let file = |stage: &str, file: &str| std::fs::read(chain.output(stage).join(file)).unwrap();
        [file("dataset", "samples.safetensors"), file("dataset", "meta.json"), file("knowledge", "triples.safetensors")]
    };
    assert!(build(1) == build(1));
    assert!(build(1)[0] != build(2)[0]);
}
