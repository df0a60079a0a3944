//! Reports over hand-made ranks: each mark, each footnote, each verdict.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::judge::{Verdict, judge};
use super::*;
use crate::data::breakdown::Breakdown;
use crate::data::protocol::{SelectBy, SelectOn, TargetOperation, Ties};
use crate::data::ranks::Rank;
use crate::data::samples::Sample;
use crate::experiment::{AxisValue, Claim, Values};

/// An experiment over `demo` with the models given, and what a report of it needs.
pub(super) struct Case {
    pub(super) experiment: Experiment,
    protocol: Protocol,
    titles: BTreeMap<String, String>,
    floors: BTreeSet<String>,
    pub(super) cells: Vec<CellResult>,
    provenance: Provenance,
    /// The grid, written out at the first report.
    points: OnceCell<Points>,
}

impl Case {
    pub(super) fn new(models: &[&str], seeds: &[u64]) -> Self {
        let experiment = serde_json::from_value(serde_json::json!({
            "title": "Made up",
            "datasets": {},
            "grid": { "product": { "dataset": ["demo"], "model": models }, "seeds": seeds },
            "report": { "metrics": ["hit@20", "mrr@20"] },
        }));
        Self {
            experiment: experiment.unwrap(),
            protocol: serde_json::from_str("{}").unwrap(),
            titles: BTreeMap::from([("mkm-sr".to_owned(), "MKM-SR".to_owned())]),
            floors: BTreeSet::new(),
            cells: Vec::new(),
            points: OnceCell::new(),
            provenance: Provenance {
                experiment_file: "experiments/made-up.yaml".to_owned(),
                experiment_digest: "e0e0".to_owned(),
                protocol_digest: "f1f1".to_owned(),
                datasets: BTreeMap::from([("demo".to_owned(), "d2d2".to_owned())]),
                tool_version: "sr-pipe 0.1.0".to_owned(),
                git_commit: Some("abc123".to_owned()),
                git_dirty: false,
                command: "sr-pipe run experiments/made-up.yaml".to_owned(),
                date: "2026-01-02".to_owned(),
            },
        }
    }

    fn spec(&mut self) -> &mut ReportSpec {
        self.experiment.report.as_mut().unwrap()
    }

    pub(super) fn add(&mut self, model: &str, seed: u64, state: CellState) -> &mut Self {
        let coordinates = [("dataset", "demo"), ("model", model)];
        let coordinates = coordinates.map(|(axis, value)| (axis.to_owned(), value.to_owned())).into();
        self.cells.push(CellResult { coordinates, seed, state, curve: Vec::new(), made: None });
        self
    }

    pub(super) fn claim(&mut self, better: &str, than: &str) -> &mut Self {
        let side = |model: &str| BTreeMap::from([("model".to_owned(), Values::One(AxisValue::Text(model.to_owned())))]);
        let (text, metric) = (format!("{better} is ahead of {than}"), "mrr@20".to_owned());
        self.experiment.claims.push(Claim { text, metric, better: side(better), than: side(than) });
        self
    }

    pub(super) fn report(&self) -> Report<'_> {
        Report {
            name: "made-up",
            spec: self.experiment.report.as_ref().unwrap(),
            experiment: &self.experiment,
            points: self.points.get_or_init(|| Points::of(&self.experiment.grid).0),
            protocol: &self.protocol,
            titles: &self.titles,
            floors: &self.floors,
            cells: &self.cells,
            audits: &[],
            provenance: &self.provenance,
        }
    }

    pub(super) fn render(&self) -> String {
        form::markdown(&page(&self.report()).unwrap())
    }

    #[track_caller]
    pub(super) fn shows(&self, expected: &[&str]) {
        let shown = self.render();
        for expected in expected {
            assert!(shown.contains(expected), "`{expected}` is not in:\n{shown}");
        }
    }

    fn verdicts(&self) -> Vec<Verdict> {
        judge(&self.report()).unwrap().iter().map(|judged| judged.verdict).collect()
    }
}

/// Ranks with these numbers of candidates above, no ties, 100 candidates.
pub(super) fn above(above: &[i32]) -> Vec<Rank> {
    let rank = |(i, above): (usize, &i32)| {
        let sample = i64::try_from(i).unwrap();
        Rank { sample, session: sample, target: 1, above: *above, ties: 0, candidates: 100 }
    };
    above.iter().enumerate().map(rank).collect()
}

pub(super) fn cell(ranks: Vec<Rank>) -> CellRanks {
    CellRanks {
        ranks: Ranks { selections: BTreeMap::from([("best".to_owned(), ranks)]) },
        samples: None,
        protocol_digest: "f1f1".to_owned(),
        test_samples: "5a5a".to_owned(),
        synthetic: false,
        run: "run-1".to_owned(),
    }
}

pub(super) fn done(ranks: CellRanks) -> CellState {
    CellState::Done(Box::new(ranks))
}

/// `hits` of `of` targets in first place, the others far behind.
pub(super) fn hits(hits: usize, of: usize) -> CellState {
    done(cell(above(&(0..of).map(|i| if i < hits { 0 } else { 90 }).collect::<Vec<_>>())))
}

pub(super) fn failed(message: &str) -> CellState {
    CellState::Failed { message: message.to_owned(), log: Some("runs/1/a.log".to_owned()) }
}

#[test]
fn the_mean_and_the_sample_deviation_over_seeds_are_printed() {
    let mut case = Case::new(&["a"], &[1, 2]);
    // 40 and 60 per cent: mean 50, deviation sqrt((10^2 + 10^2) / 1) = 14.14.
    case.add("a", 1, hits(4, 10)).add("a", 2, hits(6, 10));
    case.shows(&[
        "50.00 ± 14.14",
        "mean ± sample standard deviation over n = 2 seeds (1 and 2)",
        "Test sets: demo 10 samples, 100 candidates for each.",
    ]);
}

#[test]
fn with_one_seed_no_spread_is_claimed() {
    let mut case = Case::new(&["a"], &[7]);
    case.add("a", 7, hits(4, 10));
    case.shows(&["40.00 |", "one seed (7), so without a spread"]);
    assert!(!case.render().contains('±'));
}

#[test]
fn the_best_is_bold_the_second_underlined_and_equals_are_marked_alike() {
    let mut case = Case::new(&["a", "b", "c", "d"], &[1]);
    case.add("a", 1, hits(5, 10)).add("b", 1, hits(7, 10)).add("c", 1, hits(7, 10)).add("d", 1, hits(1, 10));
    case.shows(&[
        "| a     | <u>50.00</u> |",
        "| b     |    **70.00** |",
        "| c     |    **70.00** |",
        "| d     |        10.00 |",
    ]);
}

#[test]
fn rows_stand_in_the_order_of_the_grid_under_their_titles() {
    let mut case = Case::new(&["z", "mkm-sr", "a"], &[1]);
    for model in ["a", "mkm-sr", "z"] {
        case.add(model, 1, hits(5, 10));
    }
    let shown = case.render();
    let at = |row: &str| shown.find(row).unwrap();
    assert!(at("| z ") < at("| MKM-SR ") && at("| MKM-SR ") < at("| a "), "{shown}");
}

#[test]
fn the_order_of_the_cells_does_not_change_a_byte() {
    let mut case = Case::new(&["a", "b"], &[1, 2]);
    case.add("a", 1, hits(4, 9))
        .add("a", 2, hits(6, 9))
        .add("b", 1, failed("no"))
        .add("b", 2, hits(5, 9))
        .claim("a", "b");
    let (markdown, csv) = (case.render(), render_csv(&case.report()).unwrap());
    case.cells.reverse();
    assert_eq!((case.render(), render_csv(&case.report()).unwrap()), (markdown, csv));
}

#[test]
fn a_metric_reads_the_selection_of_its_own_name_before_best() {
    let mut ranks = cell(above(&[90, 90]));
    ranks.ranks.selections.insert("hit@20".to_owned(), above(&[0, 90]));
    let mut case = Case::new(&["a"], &[1]);
    case.add("a", 1, done(ranks));
    case.shows(&["50.00 |        0.00 |"]);
    assert!(render_csv(&case.report()).unwrap().contains("demo,a,1,hit@20,done,0.5,hit@20,2,100,"));
}

#[test]
fn a_cell_without_the_selection_or_without_samples_is_missing_and_says_so() {
    for ranks in [cell(Vec::new()), CellRanks { ranks: Ranks::default(), ..cell(Vec::new()) }] {
        let mut case = Case::new(&["a"], &[1]);
        case.add("a", 1, done(ranks));
        case.shows(&["missing [1]", "the ranks hold neither a selection `hit@20` nor `best`, or no samples."]);
    }
}

#[test]
fn the_number_of_the_paper_and_the_difference_stand_beside_ours() {
    let mut case = Case::new(&["a", "b"], &[1]);
    let paper = serde_json::json!({ "source": "A Paper, Table 2", "values": { "demo": { "a": { "hit@20": 41.5 } } } });
    case.spec().paper = Some(serde_json::from_value(paper).unwrap());
    case.add("a", 1, hits(4, 10)).add("b", 1, hits(3, 10));
    case.shows(&[
        "|    **40.00** | 41.50 | −1.50 |",
        "| <u>30.00</u> |     – |     – |",
        "the number printed in A Paper, Table 2",
    ]);
}

#[test]
fn missing_and_failed_cells_are_marked_and_explained() {
    let mut case = Case::new(&["a", "b"], &[1, 2]);
    case.add("a", 1, failed("\n  out of memory | x\nmore")).add("a", 2, failed("out of memory | x")).add(
        "b",
        1,
        CellState::Missing { why: "did not run".to_owned() },
    );
    case.shows(&[
        "failed [1]",
        "- [1] a on demo: seeds 1 and 2 failed: out of memory \\| x (log: `runs/1/a.log`).",
        "missing [2]",
        "- [2] Missing: seeds 1 and 2 did not run.",
    ]);
}

#[test]
fn a_number_over_fewer_seeds_than_asked_for_is_marked() {
    let mut case = Case::new(&["a"], &[1, 2]);
    case.add("a", 1, hits(4, 10)).add("a", 2, failed("killed"));
    case.shows(&["40.00 [1]", "- [1] a on demo: over 1 of 2 seeds; seed 2 failed: killed (log: `runs/1/a.log`)."]);
}

/// Cells for every combination of the grid that was set, each a hit for half of its samples.
fn filled(grid: serde_json::Value) -> Case {
    let mut case = Case::new(&[], &[1]);
    case.experiment.grid = serde_json::from_value(grid).unwrap();
    for point in Points::of(&case.experiment.grid).0.points {
        let coordinates = (*point.coordinates).clone();
        let seed = point.seed;
        case.cells.push(CellResult { coordinates, seed, state: hits(2, 4), curve: Vec::new(), made: None });
    }
    case
}

#[test]
fn a_combination_that_no_cell_has_is_a_dash_with_a_remark() {
    let mut case = filled(serde_json::json!({
        "product": { "dataset": ["demo", "other"], "model": ["a", "b"] },
        "exclude": [{ "dataset": "other", "model": "b" }],
    }));
    case.cells.pop();
    case.shows(&["– [2]", "- [2] Not part of the grid.", "missing [1]", "- [1] Missing: seed 1 did not run."]);
}

#[test]
fn an_axis_that_turns_with_the_rows_makes_no_further_table_and_is_told() {
    let case = filled(serde_json::json!({
        "product": { "dataset": ["demo"], "loss": ["ce"] },
        "zip": { "model": ["a", "b", "c"], "dimension": [50, 100, 50] },
    }));
    assert!(!case.render().contains("###"), "{}", case.render());
    case.shows(&["`dimension` is 50 for a and c; 100 for b.", "`loss` is ce throughout."]);
}

#[test]
fn a_single_cell_with_an_axis_of_its_own_gets_its_own_small_table() {
    let case = filled(serde_json::json!({
        "product": { "dataset": ["demo", "other"], "model": ["a", "b"] },
        "include": [{ "dataset": "demo", "model": "a", "dimension": 200, "seeds": [1, 2] }],
    }));
    let shown = case.render();
    let (plain, wide) = shown.split_once("### dimension = 200").unwrap();
    let wide = wide.split("## Provenance").next().unwrap();
    assert!(plain.contains("### no dimension") && plain.contains("| b "), "{shown}");
    assert!(!wide.contains("| b ") && !wide.contains("| other"), "{shown}");
    assert!(wide.contains("as many seeds as the grid gives a cell (1 or 2; of seeds 1 and 2)"), "{shown}");
}

#[test]
fn a_claim_between_cells_of_a_zip_lets_the_axes_turn_that_turn_with_its_own() {
    let mut case = filled(serde_json::json!({
        "product": { "dataset": ["demo"], "loss": ["ce", "bpr"] },
        "zip": { "model": ["a", "b"], "dimension": [50, 100] },
    }));
    case.claim("a", "b");
    let judged = judge(&case.report()).unwrap();
    let found: Vec<_> = judged[0].parts.iter().map(|part| (part.name(), part.evidence.unwrap().samples)).collect();
    assert_eq!(found, [("a over b, demo, loss = ce".to_owned(), 4), ("a over b, demo, loss = bpr".to_owned(), 4)]);
}

#[test]
fn cells_that_cannot_be_compared_are_not_ranked() {
    let other_candidates = above(&[0, 90]).into_iter().map(|rank| Rank { candidates: 101, ..rank }).collect();
    let plain = || cell(above(&[0, 90]));
    let cases = [
        (CellRanks { protocol_digest: "f2f2".to_owned(), ..plain() }, "protocol (`f1f1` for a; `f2f2` for b)"),
        (CellRanks { test_samples: "5b5b".to_owned(), ..plain() }, "test samples (`5a5a` for a; `5b5b` for b)"),
        (cell(other_candidates), "number of candidates (100 for a; 101 for b)"),
    ];
    for (odd, differing) in cases {
        let mut case = Case::new(&["a", "b"], &[1]);
        case.add("a", 1, done(cell(above(&[0, 0])))).add("b", 1, done(odd)).claim("a", "b");
        let shown = case.render();
        let table = shown.split("## Claims").next().unwrap();
        assert!(!table.contains("**100.00**") && !table.contains("<u>50.00</u>"), "{shown}");
        case.shows(&["demo Hit@20 [1]", "Not ranked: the numbers of demo cannot be compared", differing]);
        case.shows(&["the two sides cannot be compared"]);
        assert_eq!(case.verdicts(), [Verdict::Undecided]);
    }
}

#[test]
fn a_model_that_leans_on_ties_is_named() {
    // Two others tie at place 20: in the best order it is hit, in the worst it is not.
    let tied = Rank { ties: 2, above: 19, ..above(&[0])[0] };
    let mut case = Case::new(&["a", "b"], &[1]);
    case.add("a", 1, done(cell(vec![tied]))).add("b", 1, hits(1, 1));
    case.shows(&[
        "| a [1] |",
        "Ties matter for a:",
        "Hit@20 differs by 100.00 points on demo; the table counts half of the ties.",
    ]);
    case.protocol.ties = Ties::Optimistic;
    case.shows(&["the table takes the better end", "| a [1] |  **100.00** |"]);
}

#[test]
fn warnings_stand_before_the_table() {
    let mut case = Case::new(&["a"], &[1]);
    case.add("a", 1, done(CellRanks { synthetic: true, ..cell(above(&[0])) }));
    case.protocol.select_on = SelectOn::Test;
    case.protocol.select_by = SelectBy::EachMetric;
    case.protocol.target_operation = TargetOperation::Visible;
    case.shows(&[
        "> **Synthetic data.** demo",
        "> **Optimistic numbers.**",
        "> **Leak.**",
        "each metric takes its own best epoch on the test set",
    ]);
    let shown = case.render();
    assert!(shown.find("> **Leak.**") < shown.find("| model"));
}

#[test]
fn a_strict_protocol_on_real_data_warns_of_nothing_and_is_spelled_out() {
    let mut case = Case::new(&["a"], &[1]);
    case.add("a", 1, hits(1, 2));
    assert!(!case.render().contains("\n> "));
    case.shows(&[
        "Protocol `paper`: the best MRR@20 on validation sessions (the last 10 % of the training sessions by end time)",
        "equal scores count as half",
        "hidden from the model",
        "every prefix of a test session is a sample",
    ]);
}

#[test]
fn axes_that_are_neither_rows_nor_columns_get_a_table_for_each_value() {
    let mut case = Case::new(&["a"], &[1]);
    let sizes = vec![AxisValue::Integer(50), AxisValue::Integer(100)];
    case.experiment.grid.product.insert("dimension".to_owned(), sizes);
    case.add("a", 1, hits(1, 4)).add("a", 1, hits(3, 4));
    for (cell, size) in case.cells.iter_mut().zip(["50", "100"]) {
        cell.coordinates.insert("dimension".to_owned(), size.to_owned());
    }
    let shown = case.render();
    let (small, large) = shown.split_once("### dimension = 100").unwrap();
    assert!(small.contains("### dimension = 50") && small.contains("25.00") && large.contains("75.00"), "{shown}");
}

#[test]
fn a_grid_without_the_axis_of_the_rows_says_so() {
    let mut case = Case::new(&["a"], &[1]);
    case.spec().rows = "loss".to_owned();
    case.shows(&["The grid has no axis `loss`, so there is no table."]);
}

#[test]
fn a_claim_is_supported_refuted_or_open() {
    let mut case = Case::new(&["a", "b", "c"], &[1, 2]);
    for seed in [1, 2] {
        case.add("a", seed, hits(30, 40)).add("b", seed, hits(10, 40)).add("c", seed, hits(12, 40));
    }
    case.claim("a", "b").claim("b", "a").claim("c", "b");
    // a and b differ in 20 samples, all one way: p = 2 / 2^20; c and b in two: p = 2 / 2^2.
    assert_eq!(case.verdicts(), [Verdict::Supported, Verdict::Refuted, Verdict::Undecided]);
    let judged = judge(&case.report()).unwrap();
    let p: Vec<f64> = judged.iter().map(|judged| judged.parts[0].evidence.unwrap().p).collect();
    assert_eq!(p, [3.0 * 2.0 / f64::from(1 << 20), 3.0 * 2.0 / f64::from(1 << 20), 0.5]);
    case.shows(&[
        "**supported**",
        "**refuted**",
        "**undecided**",
        "< 0.001",
        "20 of 40",
        "Holm's correction for 3 parts of all claims",
    ]);
}

#[test]
fn a_claim_averages_each_sample_over_the_seeds_first() {
    let mut case = Case::new(&["a", "b"], &[1, 2]);
    // Sample 0 is hit by a with one seed and by b with the other: no difference is left.
    case.add("a", 1, done(cell(above(&[0, 90])))).add("a", 2, done(cell(above(&[90, 90]))));
    case.add("b", 1, done(cell(above(&[90, 90])))).add("b", 2, done(cell(above(&[0, 90])))).claim("a", "b");
    let evidence = judge(&case.report()).unwrap()[0].parts[0].evidence.unwrap();
    assert_eq!((evidence.better, evidence.than, evidence.sessions, evidence.differing), (0.25, 0.25, 2, 0));
}

#[test]
fn a_claim_about_cells_that_did_not_run_is_undecided_and_says_why() {
    let mut case = Case::new(&["a", "b", "c"], &[1]);
    case.add("a", 1, hits(30, 40)).add("b", 1, failed("killed")).claim("a", "b").claim("a", "c").claim("d", "a");
    assert_eq!(case.verdicts(), [Verdict::Undecided; 3]);
    case.shows(&[
        "seed 1 of dataset = demo, model = b failed: killed",
        "seed 1 of dataset = demo, model = c did not run",
        "not in the grid: model = d",
    ]);
}

#[test]
fn the_provenance_names_what_is_needed_to_make_the_numbers_again() {
    let mut case = Case::new(&["a"], &[1]);
    case.provenance.git_dirty = true;
    case.add("a", 1, hits(1, 2));
    case.shows(&[
        "`sr-pipe run experiments/made-up.yaml`",
        "`experiments/made-up.yaml` `e0e0`",
        "`f1f1`",
        "data set demo",
        "`d2d2`",
    ]);
    case.shows(&["sr-pipe 0.1.0", "`abc123`, with changes that are not committed", "2026-01-02", "`run-1`"]);
}

#[test]
fn the_csv_has_a_line_for_each_cell_and_metric_and_quotes_what_needs_it() {
    let mut case = Case::new(&["a", "b"], &[1]);
    case.add("a", 1, hits(1, 4)).add("b", 1, failed("no \"x\", no y"));
    let csv = render_csv(&case.report()).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "dataset,model,seed,metric,state,value,selection,samples,candidates,protocol,test_samples,synthetic,run,message,\
         breakdown,group"
    );
    assert_eq!(lines[1], "demo,a,1,hit@20,done,0.25,best,4,100,f1f1,5a5a,false,run-1,,,");
    assert_eq!(lines[3], "demo,b,1,hit@20,failed,,,,,,,,,\"no \"\"x\"\", no y\",,");
    assert_eq!(lines.len(), 5);
}

#[test]
fn a_metric_that_is_not_known_is_an_error() {
    let mut case = Case::new(&["a"], &[1]);
    case.spec().metrics = vec!["hits@20".to_owned()];
    assert_eq!(page(&case.report()).unwrap_err().to_string(), "unknown metric `hits`");
}

/// The text with the padding of its tables taken out.
fn squeezed(text: &str) -> String {
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_number_that_is_not_ahead_of_the_best_floor_has_a_mark_and_the_floor_is_named() {
    let mut case = Case::new(&["low", "mkm-sr", "rule", "level", "ahead"], &[1]);
    case.floors = BTreeSet::from(["low".to_owned(), "rule".to_owned()]);
    // First places of ten: MRR@20 is the same as Hit@20.
    for (model, first) in [("low", 1), ("mkm-sr", 3), ("rule", 5), ("level", 5), ("ahead", 6)] {
        case.add(model, 1, hits(first, 10));
    }
    let shown = squeezed(&case.render());
    for part in [
        "| low | 10.00 | 10.00 |",
        "| MKM-SR | 30.00 † | 30.00 † |",
        "| rule | <u>50.00</u> | <u>50.00</u> |",
        "| level | <u>50.00</u> † | <u>50.00</u> † |",
        "| ahead | **60.00** | **60.00** |",
        "† Not ahead of the best floor, a plain rule that learns nothing, by the numbers as printed: \
         demo Hit@20 50.00 (rule), MRR@20 50.00 (rule).",
    ] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }
}

#[test]
fn without_a_floor_in_the_grid_or_with_all_models_ahead_nothing_is_marked() {
    let mut case = Case::new(&["rule", "ahead"], &[1]);
    case.add("rule", 1, hits(5, 10)).add("ahead", 1, hits(6, 10));
    assert!(!case.render().contains('†'), "no floor");
    case.floors = BTreeSet::from(["rule".to_owned()]);
    assert!(!case.render().contains('†'), "all ahead");
    case.floors = BTreeSet::from(["ahead".to_owned()]);
    assert!(squeezed(&case.render()).contains("| rule | <u>50.00</u> † |"), "{}", case.render());
}

#[test]
fn what_cannot_be_compared_is_not_held_against_a_floor() {
    let mut case = Case::new(&["rule", "a"], &[1]);
    case.floors = BTreeSet::from(["rule".to_owned()]);
    case.add("rule", 1, hits(5, 10)).add(
        "a",
        1,
        done(CellRanks { test_samples: "5b5b".to_owned(), ..cell(above(&[90])) }),
    );
    assert!(!case.render().contains('†'), "{}", case.render());
}

/// Ranks of five samples: 0 and 1 stand in the session, 2 to 4 do not; 4 is cold. Inputs of 1 to 5 events; targets of
/// 40, 30, 20, 10 and 0 training events.
fn told_apart(above_targets: &[i32; 5]) -> CellRanks {
    let targets = (0..5_i32).map(|at| Target {
        sample: Sample {
            sample: i64::from(at),
            session: i64::from(at),
            target: 1,
            position: at + 1,
            in_session: at < 2,
            cold: at == 4,
        },
        trained: 40 - 10 * u64::from(at.unsigned_abs()),
    });
    CellRanks { samples: Some(targets.collect()), ..cell(above(above_targets)) }
}

#[test]
fn each_group_of_samples_has_its_count_and_its_metrics() {
    let mut case = Case::new(&["a", "b"], &[1, 2]);
    case.spec().breakdowns = vec![Breakdown::InSession, Breakdown::Cold];
    // a, in the session: ranks 1 and 4, then 2 and 4. MRR 0.625 and 0.375: mean 0.5, deviation 0.125 * sqrt(2).
    case.add("a", 1, done(told_apart(&[0, 3, 90, 1, 90]))).add("a", 2, done(told_apart(&[1, 3, 90, 90, 90])));
    case.add("b", 1, done(told_apart(&[90, 90, 0, 90, 0]))).add("b", 2, done(told_apart(&[90, 90, 0, 90, 0])));
    let shown = squeezed(&case.render());
    let (_, broken) = shown.split_once("## Breakdowns").unwrap();
    let (in_session, cold) = broken.split_once("### Warm").unwrap();
    for part in [
        "demo in session Hit@20 | demo in session MRR@20 | demo not in session Hit@20 | demo not in session MRR@20 |",
        "| samples | 2 | 2 | 3 | 3 |",
        "| a | **100.00 ± 0.00** | **50.00 ± 17.68** | <u>16.67 ± 23.57</u> | <u>8.33 ± 11.79</u> |",
        "| b | <u>0.00 ± 0.00</u> | <u>0.00 ± 0.00</u> | **66.67 ± 0.00** | **66.67 ± 0.00** |",
    ] {
        assert!(in_session.contains(part), "no `{part}` in:\n{shown}");
    }
    for part in ["demo warm Hit@20", "| samples | 4 | 4 | 1 | 1 |", "demo cold MRR@20", "| **100.00 ± 0.00** |"] {
        assert!(cold.contains(part), "no `{part}` in:\n{shown}");
    }
    let csv = render_csv(&case.report()).unwrap();
    for line in [
        "demo,a,1,mrr@20,done,0.35,best,5,100,f1f1,5a5a,false,run-1,,,",
        "demo,a,1,mrr@20,done,0.625,best,2,100,f1f1,5a5a,false,run-1,,in-session,in session",
        "demo,b,2,hit@20,done,1,best,1,100,f1f1,5a5a,false,run-1,,cold,cold",
    ] {
        assert!(csv.lines().any(|found| found == line), "no `{line}` in:\n{csv}");
    }
    assert_eq!(csv.lines().count(), 1 + 4 * 2 * 5);
}

#[test]
fn lengths_and_popularities_without_a_sample_have_no_column() {
    let mut case = Case::new(&["a"], &[1]);
    case.spec().breakdowns = vec![Breakdown::SessionLength, Breakdown::Popularity];
    case.spec().metrics = vec!["mrr@20".to_owned()];
    // Ranks 1, 2, 4, 5 and none.
    case.add("a", 1, done(told_apart(&[0, 1, 3, 4, 90])));
    let shown = squeezed(&case.render());
    for part in [
        "| model | demo after 1 MRR@20 | demo after 2 MRR@20 | demo after 3-5 MRR@20 |",
        "| samples | 1 | 1 | 3 |",
        // (1/4 + 1/5) / 3
        "| a | 100.00 | 50.00 | 15.00 |",
        "| model | demo unseen MRR@20 | demo seen 10-99 MRR@20 |",
        "| samples | 1 | 4 |",
        // (1 + 1/2 + 1/4 + 1/5) / 4
        "| a | 0.00 | 48.75 |",
    ] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }
}

#[test]
fn a_column_whose_samples_fall_into_one_group_is_told_in_words() {
    let mut case = Case::new(&["a"], &[1]);
    case.spec().breakdowns = vec![Breakdown::Cold];
    let mut ranks = told_apart(&[0; 5]);
    let targets = ranks.samples.iter().flat_map(|targets| targets.iter());
    let warm = targets.map(|known| Target { sample: Sample { cold: false, ..known.sample }, ..*known }).collect();
    ranks.samples = Some(warm);
    case.add("a", 1, done(ranks));
    case.shows(&["Nothing to tell apart: demo (5 targets, all warm)."]);
    assert!(!case.render().contains("demo warm Hit@20"));
}

#[test]
fn breakdowns_of_cells_without_a_result_or_without_their_dataset_say_so() {
    let mut case = Case::new(&["a", "b", "c"], &[1]);
    case.spec().breakdowns = vec![Breakdown::Cold];
    case.add("a", 1, done(told_apart(&[0; 5]))).add("b", 1, hits(1, 5)).add("c", 1, failed("killed"));
    let shown = case.render();
    let (_, broken) = shown.split_once("## Breakdowns").unwrap();
    for part in [
        "missing [1]",
        "- [1] b on demo: its dataset is not at hand, so its samples cannot be told apart.",
        "failed [2]",
        "- [2] c on demo: seed 1 failed: killed (log: `runs/1/a.log`).",
    ] {
        assert!(broken.contains(part), "no `{part}` in:\n{shown}");
    }
}

#[test]
fn the_last_row_says_by_how_much_the_proposed_model_improves_on_the_best_other() {
    let mut case = Case::new(&["a", "b", "mkm-sr"], &[1]);
    case.add("a", 1, hits(2, 10)).add("b", 1, hits(4, 10)).add("mkm-sr", 1, hits(5, 10));
    case.spec().improvement = Some(AxisValue::Text("mkm-sr".to_owned()));
    let paper = serde_json::json!({ "a": { "hit@20": 40.0 }, "mkm-sr": { "hit@20": 30.0 } });
    let paper = serde_json::json!({ "source": "A Paper", "values": { "demo": paper } });
    case.spec().paper = Some(serde_json::from_value(paper).unwrap());
    let shown = squeezed(&case.render());
    // 5 of 10 over 4 of 10 is a quarter more; the printed 30 is a quarter less than the printed 40.
    assert!(shown.contains("| improvement | +25.00 % | −25.00 % | – | +25.00 % |"), "{shown}");
    assert!(
        shown.contains("Last row: by how much MKM-SR improves on the best other row, relative to that."),
        "{shown}"
    );

    let mut odd = Case::new(&["a", "mkm-sr"], &[1]);
    odd.add("a", 1, hits(2, 10)).add("mkm-sr", 1, failed("killed"));
    odd.spec().improvement = Some(AxisValue::Text("mkm-sr".to_owned()));
    assert!(squeezed(&odd.render()).contains("| improvement | – | – |"), "{}", odd.render());
}
