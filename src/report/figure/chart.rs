//! Panels as one SVG file that stands by itself: title, legend, axes, lines with bands or bars with whiskers.

use std::fmt::Write;

use super::series::{Line, Panel, Point};
use crate::experiment::Spacing;
use crate::report::canvas::{
    Frame, LETTER, WIDTH, escape, joined, line, linear, mark, plain, polyline, range, round_step, shortened, text,
    tick_label, titles,
};
use crate::report::ink::{Pen, rules};

/// What is drawn in each panel.
pub(super) enum Form {
    /// Lines over epochs.
    Epochs,
    /// Lines over the values of an axis.
    Values(Spacing),
    /// Lines over groups, which stand as far apart as they are many.
    Groups,
    /// One bar a line.
    Bars,
}

/// A figure.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    /// Printed under the title: what must be known wherever the file ends up.
    pub(super) warning: Option<String>,
    /// What it shows, for those who cannot see it.
    pub(super) description: &'a str,
    /// What made it, one fact a line.
    pub(super) origin: &'a [String],
    pub(super) form: Form,
    /// The title of the axis across; bars have none.
    pub(super) x: &'a str,
    /// The title of the axis of the metric.
    pub(super) y: &'a str,
    pub(super) panels: &'a [Panel],
}

/// The space beside the outermost things.
pub(super) const MARGIN: f64 = 16.0;

/// The height of a row of the legend, and of a line of text.
pub(super) const ROW: f64 = 20.0;

/// The height of a bar with the space around it.
const BAR: f64 = 24.0;

/// Left of the axes: numbers and title.
const LEFT: f64 = 74.0;

/// Below the axes: numbers and title.
const BELOW: f64 = 52.0;

/// Longer numbers of an axis are written with powers of ten: `0.00001` as `1e-5`.
const LONGEST_LABEL: usize = 6;

/// More marks than this on a line hide it.
const MOST_MARKS: usize = 12;

impl Chart<'_> {
    /// The file.
    pub(super) fn svg(&self) -> String {
        let mut body = String::new();
        let top = heading(&mut body, self.title, self.warning.as_deref());
        let bottom = match self.form {
            Form::Bars => self.bars(&mut body, top),
            Form::Epochs | Form::Values(_) | Form::Groups => {
                let top = self.legend(&mut body, top);
                self.lines(&mut body, top)
            }
        };
        sheet(self.title, self.description, self.origin, bottom, &body)
    }

    /// Names of the lines with what they are drawn with, in rows; gives where the last row ends.
    fn legend(&self, svg: &mut String, top: f64) -> f64 {
        let mut lines: Vec<&Line> = self.panels.iter().flat_map(|panel| &panel.lines).collect();
        lines.sort_by_key(|line| line.place);
        lines.dedup_by_key(|line| line.place);
        let (mut left, mut row) = (MARGIN, top + 10.0);
        for Line { place, name, .. } in lines {
            let (pen, name) = (Pen(*place), shortened(name));
            let wide = 58.0 + LETTER * name.chars().count() as f64;
            if left > MARGIN && left + wide > WIDTH {
                (left, row) = (MARGIN, row + ROW);
            }
            polyline(svg, pen, &[(left, row), (left + 32.0, row)]);
            mark(svg, pen, (left + 16.0, row));
            text(svg, left + 38.0, row + 4.0, "start", &name);
            left += wide;
        }
        row + ROW
    }

    /// Panels of lines, one alone or two beside each other; gives where they end.
    fn lines(&self, svg: &mut String, top: f64) -> f64 {
        let (wide, high) = if self.panels.len() == 1 { (WIDTH, 260.0) } else { (WIDTH / 2.0, 190.0) };
        let across = self.across();
        let headed = if self.panels.iter().any(|panel| panel.heading.is_some()) { 24.0 } else { 6.0 };
        for (at, panel) in self.panels.iter().enumerate() {
            let left = if at % 2 == 0 { 0.0 } else { wide };
            let top = top + (at / 2) as f64 * (headed + high + BELOW) + headed;
            let frame = Frame { left: left + LEFT, right: left + wide - MARGIN, top, bottom: top + high };
            write_heading(svg, panel, &frame);
            let points = || panel.lines.iter().flat_map(|line| &line.points);
            let least = points().map(|point| point.mean - point.deviation.unwrap_or(0.0)).fold(f64::INFINITY, f64::min);
            let most = points().map(|point| point.mean + point.deviation.unwrap_or(0.0)).fold(0.0, f64::max);
            let (low, high, step) = range(least.max(0.0), most);
            for tick in 0..=((high - low) / step).round() as u32 {
                let value = low + f64::from(tick) * step;
                let at = frame.y((value - low) / (high - low));
                line(svg, "grid", (frame.left, at), (frame.right, at));
                text(svg, frame.left - 8.0, at + 4.0, "end", &tick_label(value, step));
            }
            across.ticks(svg, &frame);
            titles(svg, &frame, self.x, self.y);
            // What falls below 0 is cut off there: no metric does.
            let share = |value: f64| ((value - low) / (high - low)).max(0.0);
            let place = |point: &Point, value: f64| (frame.x(across.share(point.x)), frame.y(share(value)));
            panel.lines.iter().for_each(|one| write_band(svg, one, place));
            panel.lines.iter().for_each(|one| self.write_line(svg, one, place));
        }
        top + self.panels.len().div_ceil(2) as f64 * (headed + high + BELOW)
    }

    /// Where points stand across, the same in each panel.
    fn across(&self) -> Across {
        let points = self.panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.points);
        let mut values: Vec<(f64, String)> = points.map(|point| (point.x, point.label.clone())).collect();
        values.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        values.dedup_by_key(|(value, _)| value.to_bits());
        let log = matches!(self.form, Form::Values(Spacing::Log));
        let scaled = |value: f64| if log { value.log10() } else { value };
        let first = values.first().map_or(0.0, |(value, _)| scaled(*value));
        let last = values.last().map_or(1.0, |(value, _)| scaled(*value));
        if matches!(self.form, Form::Epochs) {
            let step = round_step(last).max(1.0);
            values = (0..=(last / step) as u32)
                .map(|at| f64::from(at) * step)
                .filter(|epoch| *epoch >= first)
                .map(|epoch| (epoch, plain(epoch)))
                .collect();
        }
        // Powers of ten, where a number would be long: on all of the axis, so that they can be compared at a glance.
        let long = |(_, label): &(f64, String)| label.chars().count() > LONGEST_LABEL;
        if !matches!(self.form, Form::Groups) && values.iter().any(long) {
            values.iter_mut().for_each(|(value, label)| *label = format!("{value:e}"));
        }
        Across { log, first, last, values }
    }

    fn write_line(&self, svg: &mut String, one: &Line, place: impl Fn(&Point, f64) -> (f64, f64)) {
        let pen = Pen(one.place);
        let points: Vec<(f64, f64)> = one.points.iter().map(|point| place(point, point.mean)).collect();
        polyline(svg, pen, &points);
        let every = one.points.len().div_ceil(MOST_MARKS);
        for (at, (point, place)) in one.points.iter().zip(points).enumerate() {
            if at % every == 0 || at + 1 == one.points.len() {
                let _ = write!(
                    svg,
                    "<g><title>{}, {} {}: {}</title>",
                    escape(&one.name),
                    escape(self.x),
                    escape(&point.label),
                    number(point)
                );
                mark(svg, pen, place);
                svg.push_str("</g>\n");
            }
        }
    }

    /// Panels of bars below each other; gives where they end.
    fn bars(&self, svg: &mut String, mut top: f64) -> f64 {
        let lines = || self.panels.iter().flat_map(|panel| &panel.lines);
        let widest = lines().map(|line| shortened(&line.name).chars().count()).max().unwrap_or(1) as f64;
        let left = (widest * LETTER + 8.0 + MARGIN).max(LEFT);
        for panel in self.panels {
            top += if panel.heading.is_some() { 24.0 } else { 6.0 };
            let bottom = top + BAR * panel.lines.len() as f64;
            let frame = Frame { left, right: WIDTH - 104.0, top, bottom };
            write_heading(svg, panel, &frame);
            let points = || panel.lines.iter().flat_map(|line| line.points.first().map(|point| (line, point)));
            let reach = |point: &Point| point.mean + point.deviation.unwrap_or(0.0);
            let (end, step) = linear(points().map(|(_, point)| reach(point)).fold(0.0, f64::max));
            for tick in 0..=(end / step).round() as u32 {
                let value = f64::from(tick) * step;
                let at = frame.x(value / end);
                line(svg, "grid", (at, frame.top), (at, frame.bottom));
                text(svg, at, frame.bottom + 17.0, "middle", &tick_label(value, step));
            }
            for (row, (one, point)) in points().enumerate() {
                let (high, end_of_bar) = (frame.top + BAR * row as f64, frame.x(point.mean / end));
                let middle = high + BAR / 2.0;
                let _ = writeln!(
                    svg,
                    "<rect class=\"one\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}: {}</title></rect>",
                    high + 4.0,
                    end_of_bar - left,
                    BAR - 8.0,
                    escape(&one.name),
                    number(point),
                );
                if let Some(deviation) = point.deviation {
                    let ends =
                        [point.mean - deviation, point.mean + deviation].map(|value| frame.x((value / end).max(0.0)));
                    line(svg, "whisker", (ends[0], middle), (ends[1], middle));
                    ends.iter().for_each(|at| line(svg, "whisker", (*at, middle - 4.0), (*at, middle + 4.0)));
                }
                text(svg, left - 8.0, middle + 4.0, "end", &shortened(&one.name));
                text(svg, frame.x(reach(point) / end) + 6.0, middle + 4.0, "start", &number(point));
            }
            text(svg, (frame.left + frame.right) / 2.0, frame.bottom + 40.0, "middle", self.y);
            top = bottom + BELOW;
        }
        top
    }
}

/// The title, and under it what must be known; gives where they end.
pub(super) fn heading(svg: &mut String, title: &str, warning: Option<&str>) -> f64 {
    let mut top = MARGIN + 4.0;
    for words in wrapped(title, 1.25) {
        let _ = writeln!(svg, "<text class=\"title\" x=\"{MARGIN}\" y=\"{:.1}\">{}</text>", top + 8.0, escape(&words));
        top += ROW;
    }
    for words in warning.into_iter().flat_map(|warning| wrapped(warning, 1.0)) {
        let _ = writeln!(svg, "<text class=\"soft\" x=\"{MARGIN}\" y=\"{:.1}\">{}</text>", top + 6.0, escape(&words));
        top += ROW;
    }
    top
}

/// A file that stands by itself, as high as `bottom`: what it is called, shows and comes from, its style, its ground, and
/// what is drawn.
pub(super) fn sheet(title: &str, description: &str, origin: &[String], bottom: f64, body: &str) -> String {
    let origin: Vec<String> = origin.iter().map(|fact| escape(fact)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure\" width=\"{WIDTH}\" height=\"{bottom}\" \
         viewBox=\"0 0 {WIDTH} {bottom}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n<desc>{}</desc>\n<metadata>\n{}\n</metadata>\n<style>\n{}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{bottom}\"/>\n{body}</svg>\n",
        escape(description),
        origin.join("\n"),
        rules(".figure"),
        title = escape(title),
    )
}

/// Where points stand across, as a share of the axis, and which numbers stand below it.
struct Across {
    log: bool,
    first: f64,
    last: f64,
    values: Vec<(f64, String)>,
}

impl Across {
    /// Marks keep off the ends of the axis; a value alone stands in the middle.
    fn share(&self, value: f64) -> f64 {
        let value = if self.log { value.log10() } else { value };
        let wide = self.last - self.first;
        if wide > 0.0 { 0.03 + 0.94 * (value - self.first) / wide } else { 0.5 }
    }

    /// The numbers, as many as have room.
    fn ticks(&self, svg: &mut String, frame: &Frame) {
        let mut free = f64::NEG_INFINITY;
        for (value, label) in &self.values {
            let at = frame.x(self.share(*value));
            let half = LETTER * label.chars().count() as f64 / 2.0;
            line(svg, "grid", (at, frame.bottom), (at, frame.bottom + 4.0));
            if at - half >= free {
                text(svg, at, frame.bottom + 17.0, "middle", label);
                free = at + half + LETTER;
            }
        }
    }
}

fn write_heading(svg: &mut String, panel: &Panel, frame: &Frame) {
    if let Some(heading) = &panel.heading {
        let heading = escape(&shortened(heading));
        let _ = writeln!(
            svg,
            "<text class=\"panel\" x=\"{:.1}\" y=\"{:.1}\">{heading}</text>",
            frame.left,
            frame.top - 9.0
        );
    }
}

/// One standard deviation to each side: a band between neighbours, a whisker where a point has none.
fn write_band(svg: &mut String, one: &Line, place: impl Fn(&Point, f64) -> (f64, f64)) {
    let colour = Pen(one.place).colour();
    for run in one.points.chunk_by(|point, next| point.deviation.is_some() == next.deviation.is_some()) {
        let ends = |sign: f64| run.iter().filter_map(move |point| Some((point, point.mean + sign * point.deviation?)));
        let upper: Vec<(f64, f64)> = ends(1.0).map(|(point, value)| place(point, value)).collect();
        let lower: Vec<(f64, f64)> = ends(-1.0).map(|(point, value)| place(point, value)).collect();
        match (&upper[..], &lower[..]) {
            ([], _) => {}
            ([high], [low]) => line(svg, "whisker", *high, *low),
            _ => {
                let around: Vec<(f64, f64)> = upper.iter().chain(lower.iter().rev()).copied().collect();
                let _ = writeln!(svg, "<polygon class=\"band {colour}\" points=\"{}\"/>", joined(&around));
            }
        }
    }
}

/// `62.15 ± 1.15`.
pub(super) fn number(point: &Point) -> String {
    match point.deviation {
        Some(deviation) => format!("{:.2} ± {deviation:.2}", point.mean),
        None => format!("{:.2}", point.mean),
    }
}

/// Words in lines that fit the width of the picture, where letters are this much wider than usual.
fn wrapped(words: &str, wider: f64) -> Vec<String> {
    let most = ((WIDTH - 2.0 * MARGIN) / (LETTER * wider)) as usize;
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => *line = format!("{line} {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
