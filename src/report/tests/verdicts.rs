//! Claims and their verdicts.

use super::*;

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
