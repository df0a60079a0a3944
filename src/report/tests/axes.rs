//! Axes of a grid as tables, rows and columns.

use super::*;

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
