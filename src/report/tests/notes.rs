//! What stands around the tables: warnings, notes, provenance, and the CSV.

use super::*;

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
fn the_provenance_names_what_is_needed_to_make_the_numbers_again() {
    let mut case = Case::new(&["a"], &[1]);
    case.provenance.git_commit = Some("abc123 with changes".to_owned());
    case.provenance.other_commits = vec!["def456".to_owned()];
    case.add("a", 1, hits(1, 2));
    case.shows(&[
        "`sr-pipe run experiments/made-up.yaml`",
        "`experiments/made-up.yaml` `e0e0`",
        "`f1f1`",
        "data set demo",
        "`d2d2`",
    ]);
    case.shows(&["sr-pipe 0.1.0", "`abc123` with changes that are not committed", "`def456`", "2026-01-02", "`run-1`"]);
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
fn a_star_does_not_stand_in_a_column_that_is_not_ranked() {
    let mut case = Case::new(&["a", "b", "c"], &[1]);
    let with = |first: usize| cell(above(&(0..40).map(|at| if at < first { 0 } else { 90 }).collect::<Vec<_>>()));
    case.add("a", 1, done(with(40))).add("b", 1, done(with(0)));
    case.add("c", 1, done(with(0)));
    case.shows(&["**100.00** *", "Ahead of the second"]);
    let CellState::Done(odd) = &mut case.cells[2].state else { panic!() };
    odd.test_samples = "5b5b".to_owned();
    let shown = case.render();
    assert!(
        shown.contains("Not ranked") && !shown.contains("100.00 *") && !shown.contains("Ahead of the second"),
        "{shown}"
    );
}

#[test]
fn made_up_data_are_named_by_their_data_set_whatever_the_columns_are() {
    let mut case = Case::new(&["a"], &[1]);
    (case.spec().rows, case.spec().columns) = ("dataset".to_owned(), "model".to_owned());
    case.add("a", 1, done(CellRanks { synthetic: true, ..cell(above(&[0])) }));
    case.shows(&["> **Synthetic data.** demo was generated", "Test sets: demo (made up) 1 sample"]);
}

#[test]
fn a_number_that_was_kept_as_it_was_says_so() {
    let mut case = Case::new(&["a"], &[1]);
    case.add("a", 1, done(CellRanks { frozen: true, ..cell(above(&[0])) }));
    case.shows(&["100.00 [1]", "- [1] Kept as it was (`frozen`)"]);
}

#[test]
fn the_caption_counts_the_seeds_that_ran() {
    let mut case = Case::new(&["a", "b", "c"], &[1, 2, 3]);
    case.add("a", 1, hits(1, 2)).add("a", 2, hits(1, 2)).add("b", 1, hits(1, 2));
    case.shows(&["over the seeds that ran, 1 to 2 of 3, one seed without a spread"]);
}
