//! Claims over hand-made ranks: what is compared with what, what a verdict rests on, and the star of a table.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::data::ranks::Rank;
use crate::experiment::Points;
use crate::report::layout::Layout;
use crate::report::tests::{Case, above, cell, done, failed, hits};
use crate::report::{CellResult, CellState};

/// A case over these data sets and models with one seed; `first` says how many of 40 targets a model puts first.
fn grid(datasets: &[&str], models: &[&str], first: impl Fn(&str, &str) -> usize) -> Case {
    let mut case = Case::new(&[], &[1]);
    case.experiment.grid =
        serde_json::from_value(json!({ "product": { "dataset": datasets, "model": models } })).unwrap();
    for point in Points::of(&case.experiment.grid).0.points {
        let coordinates = (*point.coordinates).clone();
        let state = hits(first(&coordinates["dataset"], &coordinates["model"]), 40);
        case.cells.push(CellResult { coordinates, seed: point.seed, state, curve: Vec::new(), made: None });
    }
    case
}

fn claims(case: &mut Case, better: serde_json::Value, than: serde_json::Value) {
    let claim = json!({ "text": "As the paper says.", "metric": "mrr@20", "better": better, "than": than });
    case.experiment.claims.push(serde_json::from_value(claim).unwrap());
}

#[track_caller]
fn only<'a>(case: &'a Case) -> Judged<'a> {
    let mut judged = judge(&case.report()).unwrap();
    assert_eq!(judged.len(), 1);
    judged.remove(0)
}

fn verdicts(judged: &Judged<'_>) -> Vec<(String, Verdict)> {
    judged.parts.iter().map(|part| (part.name(), part.verdict)).collect()
}

#[test]
fn ahead_of_all_baselines_on_all_data_sets_is_one_claim_of_a_part_each() {
    let mut case = grid(&["demo", "kkbox"], &["mkm-sr", "narm", "gru"], |_, model| match model {
        "mkm-sr" => 30,
        "narm" => 12,
        _ => 8,
    });
    claims(&mut case, json!({ "model": "mkm-sr" }), json!({ "model": ["narm", "gru"] }));
    let judged = only(&case);
    let names: Vec<String> = judged.parts.iter().map(Part::name).collect();
    let expected =
        ["MKM-SR over narm, demo", "MKM-SR over gru, demo", "MKM-SR over narm, kkbox", "MKM-SR over gru, kkbox"];
    assert_eq!(names, expected);
    assert_eq!((judged.verdict, &judged.over[..]), (Verdict::Supported, &["demo", "kkbox"][..]));
    // 18 sessions differ from narm, 22 from gru, all one way: p = 2 / 2^18 and 2 / 2^22. Sorted, the two of gru are
    // multiplied by 4 and 3 (lifted to the first), those of narm by 2 and 1 (likewise).
    let p: Vec<f64> = judged.parts.iter().map(|part| part.evidence.unwrap().p).collect();
    let (narm, gru) = (2.0 * 2.0 / f64::from(1 << 18), 4.0 * 2.0 / f64::from(1 << 22));
    assert_eq!(p, [narm, gru, narm, gru]);
    // The least sure part decides, of equal ones the first.
    assert_eq!(judged.deciding, Some(0));
}

#[test]
fn one_part_that_is_behind_refutes_a_claim_and_one_that_is_open_leaves_it_open() {
    let first = |dataset: &str, model: &str| match (dataset, model) {
        (_, "a") => 20,
        ("demo", "b") => 5,
        (_, "b") => 19,
        (_, _) => 40,
    };
    let mut case = grid(&["demo", "kkbox"], &["a", "b", "c"], first);
    claims(&mut case, json!({ "model": "a" }), json!({ "model": "b" }));
    let judged = only(&case);
    let expected =
        [("a over b, demo".to_owned(), Verdict::Supported), ("a over b, kkbox".to_owned(), Verdict::Undecided)];
    assert_eq!(verdicts(&judged), expected);
    assert_eq!((judged.verdict, judged.deciding), (Verdict::Undecided, Some(1)));

    case.experiment.claims.clear();
    claims(&mut case, json!({ "model": "a" }), json!({ "model": ["b", "c"] }));
    let judged = only(&case);
    assert_eq!(judged.verdict, Verdict::Refuted);
    assert_eq!(judged.parts[judged.deciding.unwrap()].name(), "a over c, demo");
}

#[test]
fn each_value_of_better_is_compared_with_each_of_than() {
    let mut case = grid(&["demo"], &["a", "b", "c", "d"], |_, model| if model < "c" { 30 } else { 5 });
    claims(&mut case, json!({ "model": ["a", "b"] }), json!({ "model": ["c", "d"] }));
    let names: Vec<String> = only(&case).parts.iter().map(Part::name).collect();
    assert_eq!(names, ["a over c, demo", "a over d, demo", "b over c, demo", "b over d, demo"]);
}

#[test]
fn an_optional_data_set_without_results_is_no_part_and_is_told() {
    let mut case = grid(&["demo", "kkbox"], &["a", "b"], |_, model| if model == "a" { 30 } else { 5 });
    let optional = json!({ "pipeline": "p.yaml", "optional": true });
    case.experiment.datasets.insert("kkbox".to_owned(), serde_json::from_value(optional).unwrap());
    claims(&mut case, json!({ "model": "a" }), json!({ "model": "b" }));
    assert_eq!(only(&case).parts.len(), 2, "it has results");

    for cell in case.cells.iter_mut().filter(|cell| cell.coordinates["dataset"] == "kkbox") {
        cell.state = CellState::Missing { why: "did not run".to_owned() };
    }
    {
        let judged = only(&case);
        assert_eq!(verdicts(&judged), [("a over b, demo".to_owned(), Verdict::Supported)]);
        assert_eq!((&judged.over[..], &judged.absent[..]), (&["demo"][..], &["kkbox"][..]));
        case.shows(&["1 over demo", "without kkbox, of which there are no results"]);
        case.shows(&["Left out: kkbox, which did not run."]);
    }

    // One that is not optional is missed, and one that failed is a part that cannot be judged.
    case.experiment.datasets.get_mut("kkbox").unwrap().optional = false;
    assert_eq!(only(&case).verdict, Verdict::Undecided);
    case.experiment.datasets.get_mut("kkbox").unwrap().optional = true;
    case.cells.last_mut().unwrap().state = failed("killed");
    assert_eq!((only(&case).verdict, only(&case).parts.len()), (Verdict::Undecided, 2));
}

#[test]
fn a_claim_of_nothing_but_absent_data_sets_is_undecided_and_says_so() {
    let mut case = grid(&["kkbox"], &["a", "b"], |_, _| 1);
    let optional = json!({ "pipeline": "p.yaml", "optional": true });
    case.experiment.datasets.insert("kkbox".to_owned(), serde_json::from_value(optional).unwrap());
    case.cells.clear();
    claims(&mut case, json!({ "model": "a" }), json!({ "model": "b" }));
    assert_eq!((only(&case).verdict, only(&case).parts.len()), (Verdict::Undecided, 0));
    case.shows(&["there is nothing to compare"]);
}

#[test]
fn only_combinations_that_both_sides_have_are_compared() {
    let mut case = grid(&["demo", "kkbox"], &["a", "b"], |_, model| if model == "a" { 30 } else { 5 });
    case.experiment.grid.exclude = serde_json::from_value(json!([{ "dataset": "kkbox", "model": "b" }])).unwrap();
    claims(&mut case, json!({ "model": "a" }), json!({ "model": "b" }));
    let judged = only(&case);
    assert_eq!(verdicts(&judged), [("a over b, demo".to_owned(), Verdict::Supported)]);
    assert_eq!(judged.remarks, ["not compared, since it is not in the grid: dataset = kkbox, model = b"]);
}

#[test]
fn cells_are_not_compared_with_themselves() {
    let mut case = Case::new(&[], &[1]);
    let product = json!({ "dataset": ["demo"], "model": ["a"], "loss": ["ce", "bpr"] });
    case.experiment.grid = serde_json::from_value(json!({ "product": product })).unwrap();
    for point in Points::of(&case.experiment.grid).0.points {
        let coordinates = (*point.coordinates).clone();
        case.cells.push(CellResult { coordinates, seed: 1, state: hits(3, 40), curve: Vec::new(), made: None });
    }
    claims(&mut case, json!({ "model": "a" }), json!({ "loss": "bpr" }));
    let names: Vec<String> = only(&case).parts.iter().map(Part::name).collect();
    assert_eq!(names, ["loss = ce over loss = bpr, demo"]);
}

/// Ranks of sessions: by session the number of candidates above each of its targets.
fn sessions(above: &[&[i32]]) -> CellState {
    let samples =
        above.iter().enumerate().flat_map(|(session, targets)| targets.iter().map(move |above| (session, above)));
    let ranks = samples.enumerate().map(|(sample, (session, above))| {
        let (sample, session) = (i64::try_from(sample).unwrap(), i64::try_from(session).unwrap());
        Rank { sample, session, target: 1, above: *above, ties: 0, candidates: 100 }
    });
    done(cell(ranks.collect()))
}

#[test]
fn the_pairs_of_the_test_are_sessions_and_the_means_are_over_samples() {
    let mut case = Case::new(&["a", "b"], &[1]);
    // Session 0: a hits three of three, b none; 1: both hit one of two; 2: b hits its one.
    case.add("a", 1, sessions(&[&[0, 0, 0], &[0, 90], &[90]])).add("b", 1, sessions(&[&[90, 90, 90], &[90, 0], &[0]]));
    case.claim("a", "b");
    let evidence = only(&case).parts[0].evidence.unwrap();
    assert_eq!((evidence.samples, evidence.sessions, evidence.differing), (6, 3, 2));
    assert_eq!((evidence.better, evidence.than), (4.0 / 6.0, 2.0 / 6.0));
    // Sums 3, 0 and -1: ranks 2 and 1, r = 1/3; mean 2/3, variance (49 + 4 + 25) / 9 / 2 = 13/3. Of the four patterns of
    // signs two are as lopsided on this side.
    let near = |value: f64, expected: f64| (value - expected).abs() < 1e-12;
    assert!(
        near(evidence.rank_biserial, 1.0 / 3.0) && near(evidence.d_z.unwrap(), 2.0 / 3.0 / (13.0_f64 / 3.0).sqrt())
    );
    assert_eq!(evidence.p, 1.0);
    let bounds = evidence.interval.unwrap();
    assert!(bounds.low < 0.0 && bounds.high > 0.3, "{bounds:?}");
}

#[test]
fn a_long_session_counts_for_as_much_as_the_means_of_the_table_give_it() {
    // b wins one sample in each of eight sessions of one, a two samples in each of eight sessions of eight. By the means of
    // sessions b would be ahead; by the table a is, and by the sums: ranks 1 to 8 for b (4.5 each), 9 to 16 for a (12.5).
    let long = [[0, 0, 90, 90, 90, 90, 90, 90]; 8];
    let (lost, won) = ([[90; 1]; 8], [[0; 1]; 8]);
    let a: Vec<&[i32]> = long.iter().map(|s| &s[..]).chain(lost.iter().map(|s| &s[..])).collect();
    let b: Vec<&[i32]> = std::iter::repeat_n(&[90; 8][..], 8).chain(won.iter().map(|s| &s[..])).collect();
    let mut case = Case::new(&["a", "b"], &[1]);
    case.add("a", 1, sessions(&a)).add("b", 1, sessions(&b)).claim("a", "b");
    let evidence = only(&case).parts[0].evidence.unwrap();
    assert_eq!((evidence.better, evidence.than), (16.0 / 72.0, 8.0 / 72.0));
    assert_eq!(evidence.rank_biserial, (100.0 - 36.0) / 136.0);
}

#[test]
fn many_prefixes_of_one_session_are_not_much_evidence() {
    // 40 samples, all won by a, but of two sessions: two pairs that differ, p = 2 / 2^2.
    let mut case = Case::new(&["a", "b"], &[1]);
    case.add("a", 1, sessions(&[&[0; 20], &[0; 20]])).add("b", 1, sessions(&[&[90; 20], &[90; 20]])).claim("a", "b");
    let evidence = only(&case).parts[0].evidence.unwrap();
    assert_eq!((evidence.samples, evidence.sessions, evidence.p), (40, 2, 0.5));
}

#[test]
fn the_spread_over_seeds_says_how_many_are_needed() {
    let mut case = Case::new(&["a", "b"], &[1, 2]);
    // Of 40 targets a hits 10 and 12, b 10 and 10: differences 0 and 0.05, which is 18 seeds in all (see `power`).
    for (seed, of_a) in [(1, 10), (2, 12)] {
        case.add("a", seed, hits(of_a, 40)).add("b", seed, hits(10, 40));
    }
    case.claim("a", "b");
    let evidence = only(&case).parts[0].evidence.unwrap();
    assert_eq!((evidence.seeds, evidence.lacking), (2, Lacking::Seeds(16.0)));
    // t = 0.025 / (0.05 / sqrt(2) / sqrt(2)) = 1, and with one degree of freedom p = 1/2.
    let test = evidence.over_seeds.unwrap();
    assert!((test.t - 1.0).abs() < 1e-12 && (test.p - 0.5).abs() < 1e-12, "{test:?}");
    case.shows(&["**undecided**, about 16 more seeds needed for the test over seeds", "0.500 (n = 2)"]);
}

#[test]
fn without_a_spread_over_seeds_the_report_says_what_is_lacking_instead() {
    let mut one = Case::new(&["a", "b"], &[1]);
    one.add("a", 1, hits(11, 40)).add("b", 1, hits(10, 40)).claim("a", "b");
    one.shows(&["**undecided** [1]", "how many seeds are needed can be said from two seeds on"]);

    let mut steady = Case::new(&["a", "b"], &[1, 2]);
    for seed in [1, 2] {
        steady.add("a", seed, hits(11, 40)).add("b", seed, hits(10, 40));
    }
    steady.claim("a", "b");
    steady.shows(&["**undecided** [1]", "it is test sessions that are too few"]);
}

#[test]
fn seeds_that_one_side_lacks_are_told_together() {
    let mut case = Case::new(&["a", "b"], &[1, 2, 3]);
    case.add("a", 1, hits(30, 40)).add("b", 1, hits(5, 40)).add("a", 2, failed("killed")).claim("a", "b");
    let remarks = &only(&case).parts[0].remarks;
    let expected = [
        "seed 2 of dataset = demo, model = a failed: killed (log: `runs/1/a.log`)",
        "seed 3 of dataset = demo, model = a did not run",
        "seeds 2 and 3 of dataset = demo, model = b did not run",
        "of one trained model a side: with one seed nothing is known of training again",
    ];
    assert_eq!(remarks, &expected);
    case.shows(&["- [3] seeds 2 and 3 of dataset = demo, model = b did not run."]);
}

#[test]
fn the_parts_of_a_claim_stand_in_a_table_of_their_own() {
    let mut case = grid(&["demo", "kkbox"], &["mkm-sr", "b"], |_, model| if model == "b" { 5 } else { 30 });
    claims(&mut case, json!({ "model": "mkm-sr" }), json!({ "model": "b" }));
    case.shows(&[
        "2 over demo and kkbox",
        "### Parts of: As the paper says.",
        "| MKM-SR over b, demo ",
        "| MKM-SR over b, kkbox ",
        "Holm's correction for 2 parts of all claims",
    ]);
}

/// The stars of the only table of a case.
fn stars(case: &Case) -> BTreeMap<(String, String), (String, f64)> {
    let report = case.report();
    let combinations = Combinations::of(&report);
    let layout = Layout::of(&report, &combinations).unwrap();
    let metrics = ["hit@20", "mrr@20"].map(|metric| metric.parse().unwrap());
    let found = best_is_ahead(&report, &layout.tables[0], &metrics);
    let owned = found.into_iter().map(|((column, metric), ahead)| ((column.to_owned(), metric), ahead));
    owned.map(|(place, ahead)| (place, (ahead.best.to_owned(), ahead.p))).collect()
}

#[test]
fn a_best_model_has_its_star_where_it_is_ahead_of_the_second_by_more_than_chance() {
    let case = grid(&["demo", "kkbox"], &["a", "b", "c"], |dataset, model| match (dataset, model) {
        ("demo", "b") => 20,
        ("demo", "a") => 10,
        (_, "c") => 2,
        _ => 9,
    });
    // On demo ten sessions differ, all one way: p = 2 / 2^10, times 4 and 3 over the table of two columns by two metrics,
    // the second lifted to the first. On kkbox the first two are equal.
    let p = 4.0 * 2.0 / 1024.0;
    let star = |metric: &str| (("demo".to_owned(), metric.to_owned()), ("b".to_owned(), p));
    assert_eq!(stars(&case), BTreeMap::from([star("hit@20"), star("mrr@20")]));
    case.shows(&["**50.00** *", "\\* Ahead of the second with p < 0.05"]);
}

#[test]
fn a_lead_that_holm_does_not_leave_or_that_may_not_be_compared_has_no_star() {
    // Six sessions, all one way: p = 2 / 2^6 = 0.031 alone, above 0.05 over two metrics.
    let close = grid(&["demo"], &["a", "b"], |_, model| if model == "a" { 16 } else { 10 });
    assert!(stars(&close).is_empty() && !close.render().contains("Ahead of the second"));
    let mut case = grid(&["demo"], &["a", "b"], |_, model| if model == "a" { 30 } else { 10 });
    assert_eq!(stars(&case).len(), 2);
    let other = CellState::Done(Box::new(crate::report::CellRanks {
        test_samples: "5b5b".to_owned(),
        ..cell(above(&[90; 40]))
    }));
    case.cells[1].state = other;
    assert!(stars(&case).is_empty());
}
