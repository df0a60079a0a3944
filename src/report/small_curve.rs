//! A learning curve as a picture that stands in a line of a page: one number by epoch, its range at the side.

use std::fmt::Write;

use super::canvas::{escape, joined, plain, range};

/// A drawing whose words are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Svg(pub String);

/// Width and height.
const SIZE: (f64, f64) = (260.0, 90.0);

/// Free at the left for the numbers of the axis, and at the other sides.
const LEFT: f64 = 48.0;
const FREE: f64 = 8.0;

/// Draws `points` (epoch, number), in the order of their epochs. Colours come from the page: its style knows the classes
/// `axis`, `curve` and `point`.
pub fn small_curve(name: &str, points: &[(u32, f64)]) -> Svg {
    let finite = || points.iter().filter(|(_, value)| value.is_finite());
    let (least, most) = finite()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), (_, value)| (least.min(*value), most.max(*value)));
    let (low, high, _) = if least <= most { range(least, most) } else { (0.0, 1.0, 1.0) };
    let (first, last) = (points.first().map_or(1, |(epoch, _)| *epoch), points.last().map_or(1, |(epoch, _)| *epoch));
    let (width, height) = SIZE;
    let place = |(epoch, value): &(u32, f64)| {
        let across = if last > first { f64::from(epoch - first) / f64::from(last - first) } else { 0.0 };
        let up = (value - low) / (high - low);
        (LEFT + across * (width - LEFT - FREE), height - FREE - up * (height - 2.0 * FREE))
    };
    let places: Vec<(f64, f64)> = finite().map(place).collect();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{} by epoch, from {} to {}\">",
        escape(name),
        plain(low),
        plain(high),
    );
    for (value, y) in [(high, FREE), (low, height - FREE)] {
        let right = width - FREE;
        let _ = write!(svg, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\"/>");
        let (x, y) = (LEFT - 6.0, y + 4.0);
        let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{}</text>", plain(value));
    }
    let _ = write!(svg, "<polyline class=\"curve\" points=\"{}\"/>", joined(&places));
    if let Some((x, y)) = places.last() {
        let _ = write!(svg, "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\"/>");
    }
    svg.push_str("</svg>");
    Svg(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_begins_at_the_left_and_ends_at_the_right_of_its_range() {
        let Svg(svg) = small_curve("mrr@20", &[(1, 0.0), (2, 5.0), (3, 10.0)]);
        // From 48 to 252 across; from 82 up to 8 for 0 to 10.
        assert!(svg.contains("points=\"48.0,82.0 150.0,45.0 252.0,8.0\""), "{svg}");
    }

    #[test]
    fn names_are_escaped_and_numbers_that_are_none_are_left_out() {
        let Svg(svg) = small_curve("<b>", &[(1, f64::NAN), (2, 4.0)]);
        assert!(svg.contains("aria-label=\"&lt;b&gt; by epoch") && !svg.contains("NaN"), "{svg}");
        let Svg(none) = small_curve("loss", &[]);
        assert!(none.contains("points=\"\"") && !none.contains("NaN"), "{none}");
    }
}
