//! Whether a report still says what it said: claims that held, and numbers within their tolerance.

use std::collections::BTreeMap;

use serde_json::Value;

use super::form::JSON_VERSION;
use super::words::{percent, points};

/// What a number may always move by: half of the last digit that is printed.
const HALF_A_DIGIT: f64 = 0.000_05;

/// Something that a report said and does not say any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The claim, or where the number stands.
    pub what: String,
    /// What was said.
    pub was: String,
    /// What is said now.
    pub is: String,
    /// By how much a number moved; empty where that cannot be said.
    pub by: String,
    /// By how much it might have.
    pub allowed: String,
}

/// What was compared, and what of it moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drift {
    /// How many claims held.
    pub claims: usize,
    /// How many numbers there were.
    pub numbers: usize,
    /// What moved: claims first.
    pub moved: Vec<Moved>,
}

/// Compares a report with what it was, both in their JSON form. A number may move by `tolerance` points; without one, by
/// its standard deviation as it was. Statistics of data sets may not move at all. What is new is no drift.
///
/// # Errors
/// When one of the two is no report of this version.
pub fn drift(was: &Value, is: &Value, tolerance: Option<f64>) -> Result<Drift, String> {
    for report in [was, is] {
        if report["version"] != JSON_VERSION {
            return Err(format!(
                "it is of version {}, and this `sr-pipe` knows version {JSON_VERSION}",
                report["version"]
            ));
        }
    }
    let mut drift = Drift::default();
    for claim in each(&was["claims"]).filter(|claim| claim["verdict"] == "supported") {
        drift.claims += 1;
        let now = each(&is["claims"]).find(|now| now["text"] == claim["text"] && now["metric"] == claim["metric"]);
        let verdict = now.map_or("not claimed", |now| now["verdict"].as_str().unwrap_or_default());
        if verdict != "supported" {
            drift.moved.push(Moved {
                what: text(&claim["text"]),
                was: "supported".to_owned(),
                is: verdict.to_owned(),
                by: String::new(),
                allowed: String::new(),
            });
        }
    }
    let now = numbers(is);
    for (place, number) in numbers(was) {
        drift.numbers += usize::from(number.cell["value"].is_number());
        drift.moved.extend(number.moved(&place, now.get(&place), tolerance));
    }
    Ok(drift)
}

/// A number of a table.
struct Number<'a> {
    cell: &'a Value,
    /// Whether it counts a data set.
    counts: bool,
}

impl Number<'_> {
    /// How it moved; nothing where it did not.
    fn moved(&self, place: &[String], now: Option<&Number<'_>>, tolerance: Option<f64>) -> Option<Moved> {
        let was = self.cell["value"].as_f64()?;
        let moved = |is: String, by: String, allowed: String| {
            let what = place.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" · ");
            Some(Moved { what, was: text(&self.cell["text"]), is, by, allowed })
        };
        let Some((now, is)) = now.and_then(|now| Some((now, now.cell["value"].as_f64()?))) else {
            let is = now.map_or_else(|| "not there".to_owned(), |now| text(&now.cell["text"]));
            return moved(is, String::new(), String::new());
        };
        let shown = text(&now.cell["text"]);
        if self.counts {
            let same = self.cell["text"] == now.cell["text"];
            return if same { None } else { moved(shown, String::new(), "0".to_owned()) };
        }
        let own = self.cell["deviation"].as_f64().unwrap_or_default();
        let allowed = tolerance.map_or(own, |points| points / 100.0).max(HALF_A_DIGIT);
        if (is - was).abs() <= allowed { None } else { moved(shown, points(100.0 * (is - was)), percent(allowed)) }
    }
}

/// Our numbers by where they stand: section, table, row, column, metric, group.
fn numbers(report: &Value) -> BTreeMap<Vec<String>, Number<'_>> {
    let mut numbers = BTreeMap::new();
    for section in ["results", "breakdowns"] {
        for table in each(&report[section]["tables"]) {
            let path: Vec<String> = each(&table["path"]).map(text).collect();
            // What stands apart follows from the other rows, or says how many samples a column has.
            for row in each(&table["rows"]).filter(|row| row["apart"] != true) {
                for (column, cell) in each(&table["columns"]).zip(each(&row["cells"])) {
                    if column["holds"] != "ours" {
                        continue;
                    }
                    let mut place = path.clone();
                    place.push(text(&row["row"]));
                    place.extend([&column["column"], &column["group"], &column["metric"]].map(text));
                    // The same place stands in the tables of both sections.
                    place.push(if section == "results" { String::new() } else { section.to_owned() });
                    numbers.insert(place, Number { cell, counts: column["metric"].is_null() });
                }
            }
        }
    }
    numbers
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(cells: Value, verdict: &str) -> Value {
        let columns = json!([
            { "holds": "ours", "column": "demo", "metric": "hit@20", "group": null },
            { "holds": "paper" },
        ]);
        let table = json!({ "path": [], "columns": columns, "rows": [{ "row": "a", "cells": cells }] });
        let claim = json!({ "text": "A is ahead.", "metric": "hit@20", "verdict": verdict });
        json!({ "version": JSON_VERSION, "results": { "tables": [table] }, "claims": [claim] })
    }

    fn cell(value: f64, deviation: Option<f64>) -> Value {
        json!([{ "text": percent(value), "value": value, "deviation": deviation }, { "value": 0.5 }])
    }

    fn moved(was: Value, is: Value, tolerance: Option<f64>) -> Vec<Moved> {
        drift(&report(was, "supported"), &report(is, "supported"), tolerance).unwrap().moved
    }

    #[test]
    fn a_number_may_move_by_its_deviation_or_by_the_points_that_are_set() {
        let was = || cell(0.20, Some(0.01));
        assert_eq!(moved(was(), cell(0.2099, Some(0.5)), None), []);
        let found = moved(was(), cell(0.2101, Some(0.5)), None);
        let expected = Moved {
            what: "a · demo · hit@20".to_owned(),
            was: "20.00".to_owned(),
            is: "21.01".to_owned(),
            by: "+1.01".to_owned(),
            allowed: "1.00".to_owned(),
        };
        assert_eq!(found, [expected]);
        assert_eq!(moved(was(), cell(0.2101, None), Some(1.5)), []);
        assert_eq!(moved(was(), cell(0.195, None), Some(0.4)).len(), 1);
    }

    #[test]
    fn a_number_without_a_deviation_may_move_by_less_than_is_printed() {
        assert_eq!(moved(cell(0.2, None), cell(0.200_04, None), None), []);
        assert_eq!(moved(cell(0.2, None), cell(0.200_06, None), None).len(), 1);
    }

    #[test]
    fn a_number_that_is_gone_has_moved_and_a_new_one_has_not() {
        let gone = json!([{ "text": "failed", "state": "failed" }, {}]);
        let found = moved(cell(0.2, None), gone.clone(), Some(50.0));
        assert_eq!((found.len(), found[0].is.as_str()), (1, "failed"));
        assert_eq!(moved(gone, cell(0.2, None), None), []);
    }

    #[test]
    fn a_claim_must_hold_as_long_as_it_held() {
        let check = |was: &str, is: &str| {
            let cells = || cell(0.2, None);
            drift(&report(cells(), was), &report(cells(), is), None).unwrap()
        };
        let lost = check("supported", "undecided");
        assert_eq!((lost.claims, lost.numbers), (1, 1));
        assert_eq!((lost.moved[0].what.as_str(), lost.moved[0].is.as_str()), ("A is ahead.", "undecided"));
        assert_eq!(check("undecided", "refuted").moved, []);
        assert_eq!(check("refuted", "supported").moved, []);
        let mut without = report(cell(0.2, None), "supported");
        without["claims"] = json!([]);
        let found = drift(&report(cell(0.2, None), "supported"), &without, None).unwrap();
        assert_eq!(found.moved[0].is, "not claimed");
    }

    #[test]
    fn statistics_may_not_move_at_all() {
        let counted = |text: &str, value: f64| {
            let mut report = report(json!([{ "text": text, "value": value }, {}]), "supported");
            report["results"]["tables"][0]["columns"][0]["metric"] = Value::Null;
            report
        };
        let moved =
            |text: &str, value: f64| drift(&counted("5,633", 5633.0), &counted(text, value), Some(9.0)).unwrap();
        assert_eq!(moved("5,633", 5633.0).moved, []);
        assert_eq!(moved("5,634", 5634.0).moved.len(), 1);
    }

    #[test]
    fn what_another_version_wrote_is_not_compared() {
        let mut newer = report(cell(0.2, None), "supported");
        newer["version"] = json!(JSON_VERSION + 1);
        assert!(drift(&newer, &report(cell(0.2, None), "supported"), None).is_err());
    }
}
