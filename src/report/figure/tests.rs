//! Pictures over hand-made points: places that can be worked out on paper.

use super::chart::{Chart, Form};
use super::series::{Line, Panel, Point};
use crate::experiment::Spacing;

fn point(x: f64, mean: f64, deviation: Option<f64>) -> Point {
    Point { x, label: x.to_string(), mean, deviation }
}

fn svg(form: Form, panels: &[Panel]) -> String {
    let (title, origin) = ("Curves", ["experiment: e.yaml e0e0".to_owned()]);
    let (x, y) = ("epoch", "MRR@20 in per cent");
    Chart { title, warning: None, description: "what is seen", origin: &origin, form, x, y, panels }.svg()
}

fn panel(lines: Vec<(&str, Vec<Point>)>) -> Panel {
    let line = |(place, (name, points)): (usize, (&str, Vec<Point>))| Line { place, name: name.to_owned(), points };
    Panel { heading: None, lines: lines.into_iter().enumerate().map(line).collect() }
}

#[test]
fn a_band_lies_one_deviation_to_each_side_of_its_line() {
    let points = vec![point(1.0, 10.0, Some(2.0)), point(2.0, 20.0, Some(0.0)), point(3.0, 16.0, Some(4.0))];
    let drawn = svg(Form::Epochs, &[panel(vec![("a", points)])]);
    // Title to 40, legend to 70, the frame from 76 to 336 and from 74 to 664; the axis from 0 to 20, so 13 to a point.
    // Across, 3 % of 590 are free at each side: 91.7, 369.0 and 646.3.
    assert!(
        drawn.contains("<polyline class=\"line one solid\" points=\"91.7,206.0 369.0,76.0 646.3,128.0\"/>"),
        "{drawn}"
    );
    let band = "91.7,180.0 369.0,76.0 646.3,76.0 646.3,180.0 369.0,76.0 91.7,232.0";
    assert!(drawn.contains(&format!("<polygon class=\"band one\" points=\"{band}\"/>")), "{drawn}");
}

#[test]
fn a_point_without_a_spread_parts_a_band_and_one_alone_has_a_whisker() {
    let points = vec![point(1.0, 10.0, Some(2.0)), point(2.0, 20.0, None), point(3.0, 16.0, Some(4.0))];
    let drawn = svg(Form::Values(Spacing::Linear), &[panel(vec![("a", points)])]);
    assert!(!drawn.contains("<polygon class=\"band"), "{drawn}");
    assert_eq!(drawn.matches("<line class=\"whisker\"").count(), 2);
}

#[test]
fn a_logarithmic_axis_gives_equal_room_to_equal_ratios() {
    let points = vec![point(0.001, 5.0, None), point(0.01, 5.0, None), point(0.1, 5.0, None)];
    let drawn = svg(Form::Values(Spacing::Log), &[panel(vec![("a", points)])]);
    assert!(drawn.contains("points=\"91.7,"), "{drawn}");
    assert!(drawn.contains(" 369.0,") && drawn.contains(" 646.3,"), "{drawn}");
}

#[test]
fn whiskers_of_a_bar_end_one_deviation_from_its_end() {
    let drawn = svg(Form::Bars, &[panel(vec![("a", vec![point(0.0, 10.0, Some(2.0))])])]);
    // The axis goes from 0 to 15, over 74 to 576, so 33.47 to a point: 10 is at 408.7, 8 at 341.7, 12 at 475.6.
    assert!(drawn.contains("width=\"334.7\""), "{drawn}");
    assert!(drawn.contains("<line class=\"whisker\" x1=\"341.7\" y1=\"58.0\" x2=\"475.6\" y2=\"58.0\"/>"), "{drawn}");
}

#[test]
fn lines_differ_in_more_than_their_colour() {
    let lines = (0..12).map(|at| ("a", vec![point(1.0, f64::from(at), None), point(2.0, f64::from(at), None)]));
    let drawn = svg(Form::Epochs, &[panel(lines.collect())]);
    let classes = drawn.split("<polyline class=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut classes: Vec<&str> = classes.collect();
    classes.sort_unstable();
    classes.dedup();
    assert_eq!(classes.len(), 12, "{classes:?}");
}

#[test]
fn what_people_write_cannot_break_out_of_the_picture() {
    let drawn = svg(Form::Epochs, &[panel(vec![("<script>alert(\"1\")</script>", vec![point(1.0, 1.0, None)])])]);
    assert!(drawn.contains("&lt;script&gt;alert") && !drawn.contains("<script"), "{drawn}");
}
