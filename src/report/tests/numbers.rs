//! Numbers: means over seeds, marks, the paper beside ours, what is missing.

use super::*;

#[test]
fn the_mean_and_the_sample_deviation_over_seeds_are_printed() {
    let mut case = Case::new(&["a"], &[1, 2]);
    // 40 and 60 per cent: mean 50, deviation sqrt((10^2 + 10^2) / 1) = 14.14.
    case.add("a", 1, hits(4, 10)).add("a", 2, hits(6, 10));
    case.shows(&[
        "50.00 ± 14.14",
        "mean ± sample standard deviation over n = 2 seeds (1 and 2)",
        "Test sets: demo (raw files) 10 samples, 100 candidates for each.",
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

#[test]
fn a_metric_that_is_not_known_is_an_error() {
    let mut case = Case::new(&["a"], &[1]);
    case.spec().metrics = vec!["hits@20".to_owned()];
    assert_eq!(page(&case.report()).unwrap_err().to_string(), "unknown metric `hits`");
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
