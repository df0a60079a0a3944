//! What a claim compares: for each cell that should be ahead, the one that should be behind.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Tested;
use super::{Part, Verdict};
use crate::experiment::{Claim, choices};
use crate::metric::MetricAt;
use crate::report::Report;
use crate::report::layout::{Combination, Combinations, describe};

/// The comparisons of a claim.
pub(super) struct Parts<'c, 'a> {
    pub(super) all: Vec<Comparison<'c, 'a>>,
    /// Optional data sets without results, in the order of the grid.
    pub(super) absent: Vec<&'a str>,
    /// Combinations that only one side has.
    pub(super) remarks: Vec<String>,
}

/// One comparison.
pub(super) struct Comparison<'c, 'a> {
    ahead: String,
    behind: String,
    place: String,
    dataset: Option<&'a str>,
    /// The cells of the two sides, or why there are none.
    pub(super) sides: Result<Sides<'c, 'a>, String>,
}

/// The cells of a comparison.
pub(super) struct Sides<'c, 'a> {
    pub(super) better: &'c Combination<'a>,
    pub(super) than: &'c Combination<'a>,
}

impl<'a> Comparison<'_, 'a> {
    /// With its answer; `p` is corrected.
    pub(super) fn judged(self, tested: Result<Tested, String>, p: f64, metric: MetricAt) -> Part<'a> {
        let Self { ahead, behind, place, dataset, sides } = self;
        let sides = sides.ok().map(|sides| [sides.better.coordinates, sides.than.coordinates]);
        let (verdict, evidence, remarks) = match tested {
            Ok(tested) => {
                let (verdict, mut remarks) = tested.verdict(p, metric);
                let evidence = tested.evidence(p);
                if verdict != Verdict::Undecided {
                    remarks.extend(evidence.reservations());
                }
                (verdict, Some(evidence), remarks)
            }
            Err(why) => (Verdict::Undecided, None, vec![why]),
        };
        Part { ahead, behind, place, dataset, sides, verdict, evidence, remarks }
    }
}

impl<'c, 'a> Parts<'c, 'a> {
    /// Finds them: an axis that the claim leaves out makes a part for each of its values that both sides have.
    pub(super) fn of(report: &Report<'a>, combinations: &'c Combinations<'a>, claim: &'a Claim) -> Self {
        let absent = report.absent();
        let mut this = Self { all: Vec::new(), absent: Vec::new(), remarks: Vec::new() };
        let mut found: Vec<Sides<'c, 'a>> = Vec::new();
        let behind = choices(&claim.than);
        // By the choice of `than`, what it lacks and whether it was found anywhere.
        let mut lacking: Vec<(Vec<String>, bool)> = vec![(Vec::new(), false); behind.len()];
        let counterparts = Counterparts::of(combinations, claim);
        for ahead in choices(&claim.better) {
            let mut cells = combinations.all.iter().filter(|here| fits(here, &ahead)).peekable();
            if cells.peek().is_none() {
                this.all.push(Comparison::nowhere(spelled(&ahead), &spelled_all(&behind), spelled(&ahead)));
            }
            for better in cells {
                for (choice, (lacking, there)) in behind.iter().zip(&mut lacking) {
                    let than = match counterparts.find(better, choice) {
                        // Cells are not compared with themselves: `than` names an axis that `better` leaves open.
                        Ok(than) if std::ptr::eq(than, better) => continue,
                        Ok(than) => than,
                        Err(coordinates) => {
                            lacking.push(coordinates);
                            continue;
                        }
                    };
                    *there = true;
                    let gone = [better, than].into_iter().filter_map(|side| side.value("dataset"));
                    let gone: Vec<&str> = gone.filter(|dataset| absent.contains(dataset)).collect();
                    match gone.first() {
                        Some(dataset) if this.absent.contains(dataset) => {}
                        Some(dataset) => this.absent.push(dataset),
                        None => found.push(Sides { better, than }),
                    }
                }
            }
        }
        for (choice, (lacking, there)) in behind.iter().zip(lacking) {
            match (there, lacking.split_first()) {
                (false, Some((first, _))) => {
                    let ahead = spelled_all(&choices(&claim.better));
                    this.all.push(Comparison::nowhere(ahead, &spelled(choice), first.clone()));
                }
                (true, Some(_)) => {
                    this.remarks.push(format!("not compared, since it is not in the grid: {}", lacking.join("; ")));
                }
                (_, None) => {}
            }
        }
        let telling = telling(claim, &found);
        this.all.extend(found.into_iter().map(|sides| Comparison::of(report, claim, &telling, sides)));
        this
    }
}

impl<'c, 'a> Comparison<'c, 'a> {
    /// One of which no cell was found.
    fn nowhere(ahead: String, behind: &str, lacking: String) -> Self {
        let behind = behind.to_owned();
        let why = format!("not in the grid: {lacking}");
        Self { ahead, behind, place: String::new(), dataset: None, sides: Err(why) }
    }

    /// One that was found; `telling` are the axes that tell it from others of the claim.
    fn of(report: &Report<'a>, claim: &Claim, telling: &BTreeSet<&str>, sides: Sides<'c, 'a>) -> Self {
        let named = |side: &Combination<'a>| {
            let values = claim.than.keys().map(|axis| match side.value(axis) {
                Some(value) if axis == "model" || axis == "dataset" => report.title(value).to_owned(),
                Some(value) => format!("{axis} = {value}"),
                None => format!("no {axis}"),
            });
            values.collect::<Vec<_>>().join(", ")
        };
        let places = telling.iter().filter_map(|axis| match sides.better.value(axis)? {
            value if *axis == "model" || *axis == "dataset" => Some(report.title(value).to_owned()),
            value => Some(format!("{axis} = {value}")),
        });
        Self {
            ahead: named(sides.better),
            behind: named(sides.than),
            place: places.collect::<Vec<_>>().join(", "),
            dataset: sides.better.value("dataset"),
            sides: Ok(sides),
        }
    }
}

/// The axes outside `than` that must be named to tell the parts of a claim apart: the data set, always, and what varies.
fn telling<'a>(claim: &Claim, found: &[Sides<'_, 'a>]) -> BTreeSet<&'a str> {
    let axes = found.iter().flat_map(|sides| sides.better.coordinates.keys()).map(String::as_str);
    let varies = |axis: &&str| found.iter().any(|sides| sides.better.value(axis) != found[0].better.value(axis));
    axes.filter(|axis| !claim.than.contains_key(*axis)).filter(|axis| *axis == "dataset" || varies(axis)).collect()
}

/// Finds for each combination that should be ahead the one that should be behind.
struct Counterparts<'c, 'a> {
    combinations: &'c Combinations<'a>,
    /// Axes that the axes of the claim decide: they turn with them, as the axes of a zip do.
    led: Vec<&'c str>,
}

impl<'c, 'a> Counterparts<'c, 'a> {
    fn of(combinations: &'c Combinations<'a>, claim: &Claim) -> Self {
        let named: Vec<&str> = claim.better.keys().chain(claim.than.keys()).map(String::as_str).collect();
        let axes = combinations.all.iter().flat_map(|here| here.coordinates.keys()).map(String::as_str);
        let axes: BTreeSet<&str> = axes.filter(|axis| !named.contains(axis)).collect();
        Self { combinations, led: axes.into_iter().filter(|axis| combinations.decide(&named, axis)).collect() }
    }

    /// The error says which cell the grid lacks.
    fn find(&self, here: &Combination<'_>, than: &BTreeMap<&str, String>) -> Result<&'c Combination<'a>, String> {
        let mut behind = here.coordinates.clone();
        behind.extend(than.iter().map(|(axis, value)| ((*axis).to_owned(), value.clone())));
        if let Some(found) = self.combinations.at(&behind) {
            return Ok(found);
        }
        behind.retain(|axis, _| !self.led.contains(&axis.as_str()));
        let fits = |other: &&Combination<'_>| {
            let fixed = other.coordinates.iter().filter(|(axis, _)| !self.led.contains(&axis.as_str()));
            fixed.eq(behind.iter())
        };
        self.combinations.all.iter().find(fits).ok_or_else(|| describe(&behind))
    }
}

fn fits(combination: &Combination<'_>, wanted: &BTreeMap<&str, String>) -> bool {
    wanted.iter().all(|(axis, value)| combination.value(axis) == Some(value.as_str()))
}

/// `model = m-sr, loss = ce`.
fn spelled(choice: &BTreeMap<&str, String>) -> String {
    describe(&choice.iter().map(|(axis, value)| ((*axis).to_owned(), value.clone())).collect())
}

/// The choices of a side, for a comparison that is placed nowhere.
fn spelled_all(choices: &[BTreeMap<&str, String>]) -> String {
    choices.iter().map(spelled).collect::<Vec<_>>().join("; ")
}
