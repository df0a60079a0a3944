//! Models beside plain rules that learn nothing.

use super::*;

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
        "† Not ahead of the best floor, by the numbers as printed: demo Hit@20 50.00 (rule), MRR@20 50.00 (rule). \
         Floors, which learn nothing: low and rule.",
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
