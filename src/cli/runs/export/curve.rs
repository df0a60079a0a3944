//! The numbers of a cell over its epochs, with the time at which each epoch ended.

use serde_json::Value;

use crate::record::{CellDetail, Details, RunDetail};

/// A number of an epoch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// `loss`, `mrr@20`.
    pub(super) name: String,
    /// The epoch.
    pub(super) step: i64,
    /// When the epoch ended, in milliseconds since 1970.
    pub(super) time: i64,
    /// The number.
    pub(super) value: f64,
}

/// All numbers of all epochs of a cell, in the order of time.
pub(super) fn points(details: &Details, run: &RunDetail, cell: &CellDetail) -> Vec<Point> {
    let mut points = Vec::new();
    for key in run.stages_of(cell).into_iter().filter_map(|stage| stage.key.as_deref()) {
        let mut time =
            details.attempts.get(key).and_then(|attempts| attempts.first()).map_or(0, |first| millis(&first.started));
        for event in details.curve(key) {
            #[expect(clippy::cast_possible_truncation, reason = "an epoch takes no age of the world")]
            let took = (event["seconds"].as_f64().unwrap_or_default() * 1000.0) as i64;
            time += took;
            let step = event["epoch"].as_i64().unwrap_or_default();
            let own = event.as_object().into_iter().flatten();
            let own = own.filter(|(name, _)| !["epoch", "epochs"].contains(&name.as_str()));
            for (name, value) in own.chain(event["metrics"].as_object().into_iter().flatten()) {
                if let Some(value) = value.as_f64() {
                    points.push(Point { name: name.clone(), step, time, value });
                }
            }
        }
    }
    points
}

/// A time of the records in milliseconds since 1970; 0 where there is none.
pub(super) fn millis(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().map(|time| time.as_millisecond()).unwrap_or_default()
}

/// When a run ended; while it has not, when it began.
pub(super) fn ended(run: &RunDetail) -> i64 {
    millis(run.run.finished.as_deref().unwrap_or(&run.run.started))
}

/// The metrics of the test set that a row holds.
pub(super) fn finals<'a>(
    row: &'a serde_json::Map<String, Value>,
    metrics: &'a [crate::metric::MetricAt],
) -> impl Iterator<Item = (String, f64)> + 'a {
    metrics.iter().filter_map(|metric| {
        let name = metric.to_string();
        let value = row.get(&name)?.as_f64()?;
        Some((name, value))
    })
}
