//! What every picture is made of: text, lines, marks, axes. Numbers go into SVG with one decimal, so that the same picture
//! is the same bytes.

use std::fmt::Write;

use super::ink::{Mark, Pen};
use super::words::thousands;

/// The width of every plot.
pub(super) const WIDTH: f64 = 680.0;

/// The width of a letter, as far as labels need it.
pub(super) const LETTER: f64 = 6.6;

/// Where the plot stands inside the picture.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    pub(super) fn x(&self, share: f64) -> f64 {
        self.left + share * (self.right - self.left)
    }

    pub(super) fn y(&self, share: f64) -> f64 {
        self.bottom - share * (self.bottom - self.top)
    }
}

/// A mark of a pen.
pub(super) fn mark(svg: &mut String, pen: Pen, (x, y): (f64, f64)) {
    let corners: &[(f64, f64)] = match pen.mark() {
        Mark::Circle => &[],
        Mark::Square => &[(-3.0, -3.0), (3.0, -3.0), (3.0, 3.0), (-3.0, 3.0)],
        Mark::Triangle => &[(0.0, -4.2), (4.0, 3.0), (-4.0, 3.0)],
        Mark::Diamond => &[(0.0, -4.4), (4.4, 0.0), (0.0, 4.4), (-4.4, 0.0)],
        Mark::Funnel => &[(-4.0, -3.0), (4.0, -3.0), (0.0, 4.2)],
    };
    let colour = pen.colour();
    let _ = match corners {
        [] => writeln!(svg, "<circle class=\"{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"/>"),
        _ => {
            let corners: Vec<(f64, f64)> = corners.iter().map(|(right, down)| (x + right, y + down)).collect();
            writeln!(svg, "<polygon class=\"{colour}\" points=\"{}\"/>", joined(&corners))
        }
    };
}

/// A line of a pen through these points.
pub(super) fn polyline(svg: &mut String, pen: Pen, points: &[(f64, f64)]) {
    let (colour, dashes) = (pen.colour(), pen.dashes());
    let _ = writeln!(svg, "<polyline class=\"line {colour} {dashes}\" points=\"{}\"/>", joined(points));
}

/// Points as SVG lists them.
pub(super) fn joined(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// The numbers of an axis from 0 to `top`.
pub(super) fn ticks(top: f64, step: f64) -> Vec<f64> {
    let count = (top / step).round() as u32;
    (0..=count).map(|at| f64::from(at) * step).collect()
}

/// A number of an axis whose numbers have this distance.
pub(super) fn tick_label(number: f64, step: f64) -> String {
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    if digits <= 2 { plain(number) } else { format!("{number:.digits$}") }
}

/// The end of an axis that must reach `most`, and the distance of its numbers: 1, 2 or 5 times a power of ten.
pub(super) fn linear(most: f64) -> (f64, f64) {
    let most = if most > 0.0 { most } else { 1.0 };
    let step = round_step(most);
    ((most / step).ceil() * step, step)
}

/// Begin and end of an axis that must reach from `least` to `most`, and the distance of its numbers. It begins at 0 unless
/// all values lie in the upper half of what it would show then.
pub(super) fn range(least: f64, most: f64) -> (f64, f64, f64) {
    if least < most / 2.0 || most <= 0.0 {
        let (top, step) = linear(most);
        return (0.0, top, step);
    }
    // Values that are all but equal do not fill an axis with their last digits.
    let room = (most / 50.0 - (most - least)).max(0.0) / 2.0;
    let step = round_step(most - least + 2.0 * room);
    // A value on a number of the axis is not pushed past it by its last digit.
    let low = ((least - room) / step + 1e-9).floor() * step;
    let high = ((most + room) / step - 1e-9).ceil() * step;
    (low.max(0.0), high, step)
}

/// The distance of the numbers of an axis of this length, 1, 2 or 5 times a power of ten: five of them at the most.
pub(super) fn round_step(length: f64) -> f64 {
    let power = 10f64.powf((length / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| step * 5.0 >= length);
    step.unwrap_or(10.0 * power)
}

/// The titles of both axes.
pub(super) fn titles(svg: &mut String, frame: &Frame, x: &str, y: &str) {
    text(svg, (frame.left + frame.right) / 2.0, frame.bottom + 40.0, "middle", x);
    let middle = (frame.top + frame.bottom) / 2.0;
    let _ = writeln!(
        svg,
        "<text transform=\"translate({:.1} {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        frame.left - 60.0,
        escape(y)
    );
}

/// A line of a class.
pub(super) fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

/// Words at a place, which is where they begin, end or have their middle.
pub(super) fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escape(words));
}

/// A label that fits beside its bar.
pub(super) fn shortened(label: &str) -> String {
    const MOST: usize = 36;
    if label.chars().count() <= MOST {
        return label.to_owned();
    }
    label.chars().take(MOST - 1).chain(['…']).collect()
}

/// A number as short as it can be: `12,000`, `0.5`, `37.25`.
pub(super) fn plain(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.split_once('.') {
        Some((whole, part)) => format!("{}.{part}", thousands(whole)),
        None => thousands(text),
    }
}

/// Text as HTML and SVG show it.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A control character has no place in a page.
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_at_0_unless_its_values_lie_close_together() {
        assert_eq!(range(3.0, 7.0), (0.0, 8.0, 2.0));
        assert_eq!(range(60.0, 64.0), (60.0, 64.0, 1.0));
        assert_eq!(range(0.0, 0.0), (0.0, 1.0, 0.2));
        let (low, high, _) = range(50.0, 50.0);
        assert!(low < 50.0 && 50.0 < high, "{low} {high}");
    }

    #[test]
    fn an_axis_ends_at_a_round_number_that_reaches_its_highest_value() {
        assert_eq!(linear(7.0), (8.0, 2.0));
        assert_eq!(linear(100.0), (100.0, 20.0));
        assert_eq!(linear(0.0), (1.0, 0.2));
        for most in [0.003, 0.9, 1.0, 49.9, 123_456.0] {
            let (top, step) = linear(most);
            assert!(top >= most && top / step <= 5.0 + 1e-9 && top / step >= 2.0, "{most}: {top} {step}");
        }
    }
}
