//! What the command line chooses of an experiment: a profile, values, seeds, cells.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use wildmatch::WildMatch;

use super::points::{Point, Points};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::Setting;
use crate::hash::ContentHash;

/// What the command line chooses of an experiment.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The profile that is laid over the file.
    pub profile: Option<String>,
    /// The values that are set after that.
    pub settings: Vec<Setting>,
    /// The seeds of every cell, instead of those of the file.
    pub seeds: Option<Seeds>,
    /// The cells, by patterns; all when there is none.
    pub only: Vec<Only>,
}

impl Choice {
    /// What was chosen, by argument; an empty map when nothing was.
    pub fn to_json(&self) -> Value {
        let mut chosen = self.changes();
        if !self.only.is_empty() {
            chosen.insert("only".into(), json!(self.only.iter().map(ToString::to_string).collect::<Vec<_>>()));
        }
        Value::Object(chosen)
    }

    /// What was chosen that makes it another experiment than the file alone: all but the cells.
    pub fn changes(&self) -> Map<String, Value> {
        let mut changes = Map::new();
        if let Some(profile) = &self.profile {
            changes.insert("profile".into(), json!(profile));
        }
        if !self.settings.is_empty() {
            changes.insert("set".into(), json!(self.settings.iter().map(ToString::to_string).collect::<Vec<_>>()));
        }
        if let Some(seeds) = &self.seeds {
            changes.insert("seeds".into(), json!(seeds.numbers));
        }
        changes
    }

    /// What stands behind the name of the experiment in the names of its results: `@smoke` for a profile, and a digest
    /// for values and seeds, so that no other choice, and not the file alone, has the same.
    pub fn suffix(&self) -> String {
        let mut suffix = self.profile.iter().map(|name| format!("@{name}")).collect::<String>();
        let mut changes = self.changes();
        changes.shift_remove("profile");
        if !changes.is_empty() {
            suffix.push('+');
            suffix.push_str(&ContentHash::of_json(&Value::Object(changes)).to_string()[..8]);
        }
        suffix
    }

    /// The arguments that make the same experiment of the file again, each with a space before it.
    pub fn arguments(&self) -> String {
        let profile = self.profile.iter().map(|name| format!(" --profile {name}"));
        let settings = self.settings.iter().map(|setting| format!(" --set {}", quoted(&setting.to_string())));
        let seeds = self.seeds.iter().map(|seeds| format!(" --seeds {seeds}"));
        profile.chain(settings).chain(seeds).collect()
    }
}

/// An argument as a shell wants it.
fn quoted(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "._-=/:,@+%".contains(c)) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// `1..5`, `1,3,7`, or both: `1..3,7`. Both ends belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds {
    /// The seeds in the order given.
    pub numbers: Vec<u64>,
}

/// More seeds than this are a slip.
const MOST_SEEDS: u64 = 100_000;

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut numbers, mut seen) = (Vec::new(), HashSet::new());
        for part in text.split(',') {
            let (first, last) = range(part).ok_or_else(|| format!("`{part}` is no seed; write `1..5` or `1,3,7`"))?;
            if last.saturating_sub(first) >= MOST_SEEDS {
                return Err(format!("`{part}` is more than {MOST_SEEDS} seeds"));
            }
            for number in first..=last {
                if !seen.insert(number) {
                    return Err(format!("seed {number} is named twice"));
                }
                numbers.push(number);
            }
        }
        Ok(Self { numbers })
    }
}

/// The same for the same seeds, however they were written: the record of a run has their numbers alone.
impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next)).map(|part| match part {
            [first, .., last] => format!("{first}..{last}"),
            _ => part.iter().map(u64::to_string).collect(),
        });
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

/// `3` or `1..3`, both ends counted.
fn range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// `model=mkm-sr,dataset=demo*`: cells that match on each of these axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Only {
    text: String,
    terms: Vec<Term>,
}

/// An axis and the patterns of which one must match.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    axis: String,
    /// Where the axis begins in the text, in characters.
    at: usize,
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq)]
struct Pattern {
    text: String,
    at: usize,
    matches: Matches,
}

#[derive(Debug, Clone, PartialEq)]
enum Matches {
    Text(WildMatch),
    Seeds(u64, u64),
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write `model=mkm-sr,dataset=demo*`; `|` stands between alternatives";
        let mut terms: Vec<Term> = Vec::new();
        let mut at = 0;
        for written in text.split(',') {
            let Some((axis, patterns)) = written.split_once('=').filter(|(axis, _)| !axis.is_empty()) else {
                return Err(format!("`{written}` is no `axis=pattern`; {example}"));
            };
            if terms.iter().any(|term| term.axis == axis) {
                return Err(format!("axis `{axis}` is named twice; {example}"));
            }
            let mut from = at + axis.chars().count() + 1;
            let mut alternatives = Vec::new();
            for pattern in patterns.split('|') {
                if pattern.is_empty() {
                    return Err(format!("`{written}` names no value; {example}"));
                }
                let matches = match range(pattern).filter(|_| axis == "seed") {
                    Some((first, last)) => Matches::Seeds(first, last),
                    None => Matches::Text(WildMatch::new(pattern)),
                };
                alternatives.push(Pattern { text: pattern.to_owned(), at: from, matches });
                from += pattern.chars().count() + 1;
            }
            terms.push(Term { axis: axis.to_owned(), at, patterns: alternatives });
            at += written.chars().count() + 1;
        }
        Ok(Self { text: text.to_owned(), terms })
    }
}

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    fn matches(&self, point: &Point, axis: &str) -> bool {
        match (&self.matches, point.coordinates.get(axis)) {
            (Matches::Seeds(first, last), _) => (*first..=*last).contains(&point.seed),
            (Matches::Text(pattern), Some(value)) => pattern.matches(value),
            (Matches::Text(pattern), None) if axis == "seed" => pattern.matches(&point.seed.to_string()),
            (Matches::Text(pattern), None) if axis == "group" => point.groups.iter().any(|name| pattern.matches(name)),
            (Matches::Text(_), None) => false,
        }
    }
}

impl Points {
    /// Which cells the patterns choose, one flag a cell.
    ///
    /// # Errors
    /// A message for each axis or pattern that no cell has, pointing into its argument.
    pub fn chosen(&self, only: &[Only]) -> Result<Vec<bool>, Vec<Diagnostic>> {
        let mut chosen = vec![false; self.points.len()];
        let mut errors = Vec::new();
        for alternative in only {
            let mut any = false;
            for (point, chosen) in self.points.iter().zip(&mut chosen) {
                let all = |term: &Term| term.patterns.iter().any(|pattern| pattern.matches(point, &term.axis));
                if alternative.terms.iter().all(all) {
                    (*chosen, any) = (true, true);
                }
            }
            let found = self.strangers(alternative);
            if found.is_empty() && !any {
                let message = "no cell matches all of this".to_owned();
                let help = "each part matches some cells; several `--only` are alternatives";
                errors.push(alternative.error(message, 0, alternative.text.chars().count()).help(help));
            }
            errors.extend(found);
        }
        if errors.is_empty() { Ok(chosen) } else { Err(errors) }
    }

    /// Messages about the axes and patterns that no cell has.
    fn strangers(&self, only: &Only) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        for Term { axis, at, patterns } in &only.terms {
            let values: Vec<String> = match (self.axes.get(axis), axis.as_str()) {
                (Some(values), _) => values.clone(),
                (None, "seed") => distinct(self.points.iter().map(|point| point.seed.to_string())),
                (None, "group") => distinct(self.points.iter().flat_map(|point| point.groups.clone())),
                (None, _) => Vec::new(),
            };
            if values.is_empty() {
                let mut known: Vec<&str> = self.axes.keys().map(String::as_str).collect();
                known.push("seed");
                let groups = self.points.iter().any(|point| !point.groups.is_empty());
                known.extend(groups.then_some("group"));
                let message = format!("unknown axis `{axis}`");
                errors.push(only.error(message, *at, axis.chars().count()).help(suggestion(axis, &known)));
                continue;
            }
            for pattern in patterns {
                if !self.points.iter().any(|point| pattern.matches(point, axis)) {
                    let values: Vec<&str> = values.iter().map(String::as_str).take(20).collect();
                    let help = suggestion(&pattern.text.replace(['*', '?'], ""), &values);
                    let message = format!("no cell has a value of `{axis}` like `{}`", pattern.text);
                    errors.push(only.error(message, pattern.at, pattern.text.chars().count()).help(help));
                }
            }
        }
        errors
    }
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

impl Only {
    fn error(&self, message: String, at: usize, width: usize) -> Diagnostic {
        Diagnostic::new(message).argument("--only", &self.text, at, width)
    }
}
