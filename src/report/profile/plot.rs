//! Plots as SVG that takes its colours from the page: columns, bars, ranks on logarithmic axes, shares by place.

use std::fmt::Write;

use crate::report::canvas::{
    Frame, LETTER, WIDTH, escape, line, linear, mark, plain, polyline, shortened, text, ticks, titles,
};
use crate::report::ink::Pen;

/// A plot.
pub(super) enum Plot {
    /// A column for each value of something that has an order.
    Columns {
        /// The title of the axis along which the columns stand.
        x: String,
        /// The title of the axis along which they grow.
        y: String,
        /// Label and value, from left to right.
        columns: Vec<(String, f64)>,
    },
    /// A bar for each value of something that has names.
    Bars {
        /// The title of the axis along which the bars grow.
        x: String,
        /// Label and value, from top to bottom.
        bars: Vec<(String, f64)>,
    },
    /// Counts by rank, both axes logarithmic.
    Ranks {
        /// The title of the axis of ranks.
        x: String,
        /// The title of the axis of counts.
        y: String,
        /// The counts, most first; none is 0.
        counts: Vec<u64>,
    },
    /// Shares in per cent.
    Shares {
        /// The title of the axis along which they stand.
        x: String,
        /// The title of the axis of shares.
        y: String,
        /// Name and points.
        lines: Vec<(String, Vec<(f64, f64)>)>,
    },
}

/// The height of a plot whose bars do not decide it.
const HEIGHT: f64 = 300.0;

/// The height of a bar with the space around it.
const BAR: f64 = 22.0;

impl Plot {
    /// The picture; `title` says what it shows to those who cannot see it.
    pub(super) fn svg(&self, title: &str) -> String {
        let mut body = String::new();
        let height = match self {
            Self::Columns { x, y, columns } => draw_columns(&mut body, x, y, columns),
            Self::Bars { x, bars } => draw_bars(&mut body, x, bars),
            Self::Ranks { x, y, counts } => draw_ranks(&mut body, x, y, counts),
            Self::Shares { x, y, lines } => draw_shares(&mut body, x, y, lines),
        };
        format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n{body}</svg>\n", escape(title))
    }
}

fn frame() -> Frame {
    Frame { left: 74.0, right: WIDTH - 16.0, top: 28.0, bottom: HEIGHT - 52.0 }
}

fn draw_columns(svg: &mut String, x: &str, y: &str, columns: &[(String, f64)]) -> f64 {
    let frame = frame();
    let (top, step) = linear(columns.iter().map(|(_, value)| *value).fold(0.0, f64::max));
    linear_y(svg, &frame, top, step);
    titles(svg, &frame, x, y);
    let slot = (frame.right - frame.left) / columns.len().max(1) as f64;
    let widest = columns.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(1) as f64;
    let every = ((widest + 1.5) * LETTER / slot).ceil().max(1.0) as usize;
    for (at, (label, value)) in columns.iter().enumerate() {
        let left = frame.left + slot * at as f64;
        let high = frame.y(value / top);
        let (width, height) = (slot * 0.82, frame.bottom - high);
        let _ = writeln!(
            svg,
            "<rect class=\"one\" x=\"{:.1}\" y=\"{high:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{}: {}</title></rect>",
            left + slot * 0.09,
            escape(label),
            plain(*value),
        );
        if at.is_multiple_of(every) {
            text(svg, left + slot / 2.0, frame.bottom + 17.0, "middle", label);
        }
    }
    HEIGHT
}

fn draw_bars(svg: &mut String, x: &str, bars: &[(String, f64)]) -> f64 {
    let widest = bars.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(1) as f64;
    let left = (widest * LETTER + 20.0).clamp(74.0, 260.0);
    let bottom = 12.0 + BAR * bars.len() as f64;
    let frame = Frame { left, right: WIDTH - 64.0, top: 12.0, bottom };
    let (top, step) = linear(bars.iter().map(|(_, value)| *value).fold(0.0, f64::max));
    for tick in ticks(top, step) {
        let at = frame.x(tick / top);
        line(svg, "grid", (at, frame.top), (at, frame.bottom));
        text(svg, at, frame.bottom + 17.0, "middle", &plain(tick));
    }
    for (row, (label, value)) in bars.iter().enumerate() {
        let (high, width) = (frame.top + BAR * row as f64, frame.x(value / top) - frame.left);
        let _ = writeln!(
            svg,
            "<rect class=\"one\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"><title>{}: {}</title></rect>",
            frame.left,
            high + 3.0,
            BAR - 6.0,
            escape(label),
            plain(*value),
        );
        text(svg, frame.left - 8.0, high + BAR / 2.0 + 4.0, "end", &shortened(label));
        text(svg, frame.left + width + 6.0, high + BAR / 2.0 + 4.0, "start", &plain(*value));
    }
    text(svg, (frame.left + frame.right) / 2.0, frame.bottom + 40.0, "middle", x);
    bottom + 52.0
}

fn draw_ranks(svg: &mut String, x: &str, y: &str, counts: &[u64]) -> f64 {
    let frame = frame();
    // An axis ends a little past its highest value, and shows one decade at least.
    let decades = |most: f64| (most.log10() + 0.05).max(1.0);
    let most = |count: Option<u64>| count.unwrap_or(1).max(1) as f64;
    let (wide, high) = (decades(most(Some(counts.len() as u64))), decades(most(counts.first().copied())));
    for decade in 0..=wide as i32 {
        let at = frame.x(f64::from(decade) / wide);
        line(svg, "grid", (at, frame.top), (at, frame.bottom));
        text(svg, at, frame.bottom + 17.0, "middle", &plain(10f64.powi(decade)));
    }
    for decade in 0..=high as i32 {
        let at = frame.y(f64::from(decade) / high);
        line(svg, "grid", (frame.left, at), (frame.right, at));
        text(svg, frame.left - 8.0, at + 4.0, "end", &plain(10f64.powi(decade)));
    }
    titles(svg, &frame, x, y);
    let point = |rank: usize| {
        let count = counts[rank - 1] as f64;
        (frame.x((rank as f64).log10() / wide), frame.y(count.log10() / high))
    };
    let points: Vec<(f64, f64)> = spread(counts.len()).into_iter().map(point).collect();
    polyline(svg, Pen(0), &points);
    HEIGHT
}

/// Ranks from 1 to the last, as many as an axis of their logarithms can show.
fn spread(last: usize) -> Vec<usize> {
    let mut ranks: Vec<usize> = (0..400).map(|at| 10f64.powf(f64::from(at) / 40.0).round() as usize).collect();
    ranks.push(last);
    ranks.retain(|rank| (1..=last).contains(rank));
    ranks.sort_unstable();
    ranks.dedup();
    ranks
}

fn draw_shares(svg: &mut String, x: &str, y: &str, lines: &[(String, Vec<(f64, f64)>)]) -> f64 {
    let frame = frame();
    let points = || lines.iter().flat_map(|(_, points)| points);
    let (top, step) = linear(points().map(|(_, value)| *value).fold(0.0, f64::max));
    let last = points().map(|(at, _)| *at).fold(1.0, f64::max);
    linear_y(svg, &frame, top, step);
    titles(svg, &frame, x, y);
    let across = |at: f64| frame.x((at - 0.5) / last);
    let every = (last / 15.0).ceil().max(1.0);
    let mut tick = 1.0;
    while tick <= last {
        text(svg, across(tick), frame.bottom + 17.0, "middle", &plain(tick));
        tick += every;
    }
    let mut legend = frame.left;
    for (at, (name, points)) in lines.iter().enumerate() {
        let pen = Pen(at);
        let placed: Vec<(f64, f64)> = points.iter().map(|(at, value)| (across(*at), frame.y(value / top))).collect();
        polyline(svg, pen, &placed);
        placed.iter().for_each(|at| mark(svg, pen, *at));
        mark(svg, pen, (legend + 6.0, 14.0));
        text(svg, legend + 16.0, 18.0, "start", name);
        legend += 40.0 + LETTER * name.chars().count() as f64;
    }
    HEIGHT
}

/// Grid and numbers of an axis that begins at 0.
fn linear_y(svg: &mut String, frame: &Frame, top: f64, step: f64) {
    for tick in ticks(top, step) {
        let at = frame.y(tick / top);
        line(svg, "grid", (frame.left, at), (frame.right, at));
        text(svg, frame.left - 8.0, at + 4.0, "end", &plain(tick));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_shown_from_the_first_to_the_last() {
        assert_eq!(spread(3), [1, 2, 3]);
        let ranks = spread(1_000_003);
        assert_eq!((ranks.first(), ranks.last()), (Some(&1), Some(&1_000_003)));
        assert!(ranks.len() < 300);
        assert!(spread(0).is_empty());
    }

    #[test]
    fn numbers_are_short_and_labels_are_escaped() {
        assert_eq!([12_000.0, 0.5, 37.25, 0.0].map(plain), ["12,000", "0.5", "37.25", "0"]);
        let bars = vec![("a<b & \"c\"".to_owned(), 1.0)];
        let svg = Plot::Bars { x: "events".to_owned(), bars }.svg("what");
        assert!(svg.contains("a&lt;b &amp; &quot;c&quot;") && !svg.contains("a<b"), "{svg}");
    }

    #[test]
    fn a_plot_without_values_is_a_plot_all_the_same() {
        for plot in [
            Plot::Columns { x: String::new(), y: String::new(), columns: Vec::new() },
            Plot::Bars { x: String::new(), bars: Vec::new() },
            Plot::Ranks { x: String::new(), y: String::new(), counts: Vec::new() },
            Plot::Shares { x: String::new(), y: String::new(), lines: Vec::new() },
        ] {
            let svg = plot.svg("nothing");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
