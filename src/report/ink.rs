//! The colours of everything that is drawn, on paper, on a screen and in the dark, and what tells lines apart where
//! colours do not: dashes and marks.

use std::fmt::Write;

/// The name of a colour, what it is on light ground, and what on dark.
type Colour = (&'static str, &'static str, &'static str);

/// Colours that the colour-blind can tell apart (after Okabe and Ito, darker or lighter where theirs would not stand out from
/// the ground).
const COLOURS: [Colour; 7] = [
    ("one", "#0072b2", "#56b4e9"),
    ("two", "#d55e00", "#e69f00"),
    ("three", "#009e73", "#2fc7a0"),
    ("four", "#b3589a", "#cc79a7"),
    ("five", "#000000", "#f2f2f2"),
    ("six", "#b87f00", "#f0e442"),
    ("seven", "#3d97cc", "#e8743b"),
];

/// How a line is dashed: the name, and the lengths of strokes and gaps.
const DASHES: [(&str, &str); 4] = [("solid", "none"), ("dashed", "7 4"), ("dotted", "2 3"), ("mixed", "9 3 2 3")];

/// The colours of what is no line: text, what is less than text, grid, ground.
const LIGHT: [&str; 4] = ["#1b1b1b", "#565656", "#d8d8d8", "#ffffff"];
const DARK: [&str; 4] = ["#e6e6e6", "#a6a6a6", "#3d3d3d", "#161616"];

/// What a line is drawn with: the first pen, the second, and so on. Colour, dashes and marks turn at different paces, so
/// that 140 pens differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen(pub(super) usize);

/// The shape of the marks of a pen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
    Funnel,
}

impl Pen {
    /// The name of its colour.
    pub(super) fn colour(self) -> &'static str {
        COLOURS[self.0 % COLOURS.len()].0
    }

    /// The name of its dashes.
    pub(super) fn dashes(self) -> &'static str {
        DASHES[self.0 % DASHES.len()].0
    }

    /// The shape of its marks.
    pub(super) fn mark(self) -> Mark {
        [Mark::Circle, Mark::Square, Mark::Triangle, Mark::Diamond, Mark::Funnel][self.0 % 5]
    }
}

/// The rules of a style sheet for drawings inside what `scope` selects. They name each colour outright, so that programs
/// that know neither variables nor queries draw the light figure.
pub(super) fn rules(scope: &str) -> String {
    let mut rules = format!(
        "{scope} text {{ font-family: system-ui, sans-serif; font-size: 12px; }}\n\
         {scope} .title {{ font-size: 15px; font-weight: 600; }}\n\
         {scope} .panel {{ font-weight: 600; }}\n"
    );
    rules += &theme(scope, &LIGHT, |colour| colour.1);
    let _ = writeln!(
        rules,
        "{scope} .grid {{ stroke-width: 1; }}\n{scope} .whisker {{ stroke-width: 1.5; }}\n\
         {scope} .line {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}\n\
         {scope} .band {{ fill-opacity: 0.18; stroke: none; }}"
    );
    for (name, lengths) in DASHES {
        let _ = writeln!(rules, "{scope} .{name} {{ stroke-dasharray: {lengths}; }}");
    }
    let _ = write!(
        rules,
        "@media screen and (prefers-color-scheme: dark) {{\n{}}}\n",
        theme(scope, &DARK, |colour| colour.2)
    );
    rules
}

fn theme(scope: &str, [ink, soft, grid, ground]: &[&str; 4], shade: fn(&Colour) -> &'static str) -> String {
    let mut rules = format!(
        "{scope} text {{ fill: {ink}; }}\n{scope} .soft {{ fill: {soft}; }}\n{scope} .ground {{ fill: {ground}; }}\n\
         {scope} .grid {{ stroke: {grid}; }}\n{scope} .whisker {{ stroke: {ink}; }}\n"
    );
    for colour in &COLOURS {
        let (name, shade) = (colour.0, shade(colour));
        let _ = writeln!(
            rules,
            "{scope} .{name} {{ fill: {shade}; }}\n{scope} .line.{name} {{ fill: none; stroke: {shade}; }}"
        );
    }
    rules
}
