//! Results by groups of test samples.

use super::*;

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
