//! Maps of item vectors as small panels: points in the colours and marks of their groups.

use std::fmt::Write;

use super::chart::{MARGIN, ROW, heading, sheet};
use crate::data::map::{Fit, MapPoint, VectorMap};
use crate::report::canvas::{Frame, LETTER, WIDTH, escape, mark, shortened, text};
use crate::report::ink::Pen;
use crate::report::maps::{Mapped, MapsReport};
use crate::report::page::{Figure, Origin};
use crate::report::words::{Words, counted};

/// Left of a panel: the title of its axis.
const LEFT: f64 = 26.0;

/// Above a panel: its heading.
const ABOVE: f64 = 24.0;

/// Below a panel: the title of its axis.
const BELOW: f64 = 26.0;

/// The share of a panel that stays free at each side.
const ROOM: f64 = 0.05;

/// A figure for each data set that has a map.
pub(in crate::report) fn map_figures(report: &MapsReport<'_>, origin: &Origin) -> Vec<Figure> {
    let datasets = report.values("dataset");
    let mut figures: Vec<Figure> = Vec::new();
    for dataset in datasets {
        let made = || report.of(dataset).filter(|cell| cell.map().is_some());
        let Some(seed) = made().map(|cell| cell.seed).min() else { continue };
        let shown: Vec<&Mapped> = made().filter(|cell| cell.seed == seed).collect();
        figures.push(figure(report, origin, dataset, &shown, figures.len() + 1));
    }
    figures
}

/// The maps of one data set with one seed.
fn figure(report: &MapsReport<'_>, origin: &Origin, dataset: &str, shown: &[&Mapped], number: usize) -> Figure {
    let title = format!("{}: {dataset}", report.maps.title.trim().trim_end_matches('.'));
    let warning = shown
        .iter()
        .any(|cell| cell.synthetic)
        .then(|| format!("Synthetic data, generated with planted structure: {dataset}."));
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for (name, size) in shown.iter().filter_map(|cell| cell.map()).flat_map(VectorMap::groups) {
        if !groups.iter().any(|(known, _)| *known == name) {
            groups.push((name, size));
        }
    }
    let relation = shown.iter().find_map(|cell| cell.map()).map_or("", |map| map.quality.relation.as_str());
    let items: usize = groups.iter().map(|(_, size)| size).sum();
    let mut words = vec![format!(
        "{} in {} by {relation}, vectors of seed {}; all panels show the same items.",
        counted(items, "item"),
        counted(groups.len(), "group"),
        shown.first().map_or(0, |cell| cell.seed),
    )];
    let has = |wanted: fn(&Fit) -> bool| shown.iter().filter_map(|cell| cell.map()).any(|map| wanted(&map.quality.fit));
    if has(|fit| matches!(fit, Fit::Pca { .. })) {
        words.push("Principal components have one scale both ways, but each panel its own.".to_owned());
    }
    if has(|fit| matches!(fit, Fit::TSne { .. })) {
        words.push("t-SNE keeps near items near; how far groups lie apart on it means nothing.".to_owned());
    }
    words.extend(warning.clone());
    let caption = Words::new(words.join(" "));
    let mut body = String::new();
    let mut top = heading(&mut body, &title, warning.as_deref());
    top = legend(&mut body, top, relation, &groups);
    let bottom = panels(&mut body, top, report, shown, &groups);
    let svg = sheet(&title, &caption.plain(), &origin.lines(), bottom.ceil(), &body);
    Figure { number, caption, file: Some((format!("{}-maps-{dataset}.svg", report.name), svg)), title }
}

/// Names of the groups with their marks, in rows; gives where the last row ends.
fn legend(svg: &mut String, top: f64, relation: &str, groups: &[(&str, usize)]) -> f64 {
    let (mut left, mut row) = (MARGIN, top + 10.0);
    for (place, (name, size)) in groups.iter().enumerate() {
        let name = shortened(&format!("{relation} {name} ({size})"));
        let wide = 34.0 + LETTER * name.chars().count() as f64;
        if left > MARGIN && left + wide > WIDTH {
            (left, row) = (MARGIN, row + ROW);
        }
        mark(svg, Pen(place), (left + 6.0, row));
        text(svg, left + 16.0, row + 4.0, "start", &name);
        left += wide;
    }
    row + ROW
}

/// The panels; gives where they end.
fn panels(svg: &mut String, top: f64, report: &MapsReport<'_>, shown: &[&Mapped], groups: &[(&str, usize)]) -> f64 {
    let (across, down) = (report.values(&report.maps.across), report.values(&report.maps.down));
    let wide = (WIDTH - MARGIN) / across.len().max(1) as f64;
    let side = wide - LEFT - MARGIN / 2.0;
    let mut end = top;
    for (row, low) in down.iter().enumerate() {
        for (column, name) in across.iter().enumerate() {
            let here =
                |cell: &&&Mapped| cell.value(&report.maps.across) == name && cell.value(&report.maps.down) == low;
            let Some(map) = shown.iter().find(here).and_then(|cell| cell.map()) else { continue };
            let left = MARGIN / 2.0 + column as f64 * wide + LEFT;
            let top = top + row as f64 * (ABOVE + side + BELOW) + ABOVE;
            let frame = Frame { left, right: left + side, top, bottom: top + side };
            let words = shortened(&format!("{}, {}", report.title(name), report.title(low)));
            panel(svg, &frame, &words, map, groups);
            end = frame.bottom + BELOW;
        }
    }
    end
}

/// A map in its frame.
fn panel(svg: &mut String, frame: &Frame, words: &str, map: &VectorMap, groups: &[(&str, usize)]) {
    let Frame { left, right, top, bottom } = *frame;
    let side = right - left;
    let _ = writeln!(svg, "<text class=\"panel\" x=\"{left:.1}\" y=\"{:.1}\">{}</text>", top - 8.0, escape(words));
    let _ = writeln!(
        svg,
        "<rect class=\"grid\" fill=\"none\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{side:.1}\" height=\"{side:.1}\"/>"
    );
    let (x, y) = match map.quality.fit {
        Fit::Pca { .. } => ("first component", "second component"),
        Fit::TSne { .. } => ("t-SNE, across", "t-SNE, upwards"),
    };
    let (middle, height) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    let _ = writeln!(
        svg,
        "<text class=\"soft\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{x}</text>",
        bottom + 16.0
    );
    let _ = writeln!(
        svg,
        "<text class=\"soft\" transform=\"translate({:.1} {height:.1}) rotate(-90)\" text-anchor=\"middle\">{y}</text>",
        left - 8.0
    );
    // One scale both ways, so that distances can be compared.
    let ends = |value: fn(&MapPoint) -> f64| {
        let values = || map.points.iter().map(value);
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    };
    let (across, upwards) = (ends(|point| point.x), ends(|point| point.y));
    let length = (across.1 - across.0).max(upwards.1 - upwards.0).max(f64::MIN_POSITIVE);
    let share =
        |value: f64, ends: (f64, f64)| 0.5 + (1.0 - 2.0 * ROOM) * (value - f64::midpoint(ends.0, ends.1)) / length;
    svg.push_str("<g fill-opacity=\"0.7\">\n");
    for point in &map.points {
        let place = groups.iter().position(|(name, _)| *name == point.group).unwrap_or_default();
        mark(svg, Pen(place), (frame.x(share(point.x, across)), frame.y(share(point.y, upwards))));
    }
    svg.push_str("</g>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::map::Quality;

    #[test]
    fn a_panel_has_one_scale_both_ways_and_a_mark_for_each_group() {
        let point = |group: &str, x, y| MapPoint { item: 1, name: String::new(), group: group.to_owned(), x, y };
        let quality = Quality {
            version: Quality::VERSION,
            width: 2,
            relation: "genre".to_owned(),
            silhouette: 0.0,
            neighbours: 1,
            same_group: 0.0,
            by_chance: 0.0,
            between_within: 1.0,
            fit: Fit::Pca { variance: 1.0 },
        };
        let map = VectorMap { points: vec![point("a", 0.0, 0.0), point("a", 4.0, 0.0), point("b", 0.0, 2.0)], quality };
        let mut svg = String::new();
        let frame = Frame { left: 0.0, right: 100.0, top: 0.0, bottom: 100.0 };
        panel(&mut svg, &frame, "A & B", &map, &[("a", 2), ("b", 1)]);
        // Four wide, so 22.5 to a unit: across from 5 to 95, upwards from 27.5 to 72.5 about the middle.
        assert!(svg.contains("<circle class=\"one\" cx=\"5.0\" cy=\"72.5\" r=\"3.2\"/>"), "{svg}");
        assert!(svg.contains("<circle class=\"one\" cx=\"95.0\" cy=\"72.5\""), "{svg}");
        assert!(svg.contains("<polygon class=\"two\" points=\"2.0,24.5 8.0,24.5 8.0,30.5 2.0,30.5\"/>"), "{svg}");
        assert!(svg.contains("A &amp; B") && svg.contains("first component"), "{svg}");
    }
}
