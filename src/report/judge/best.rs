//! The star of a table: where the best model is ahead of the second by more than chance.

use std::collections::BTreeMap;

use super::ALPHA;
use super::evidence::Tested;
use super::pairs::Pairs;
use crate::metric::MetricAt;
use crate::metric::significance::holm::holm;
use crate::report::Report;
use crate::report::layout::Table;
use crate::report::score::mean;

/// A best model that is ahead of the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) struct Ahead<'a> {
    /// The row of the best.
    pub(in crate::report) best: &'a str,
    /// The p-value, after Holm's correction over the table.
    pub(in crate::report) p: f64,
}

/// For each column and metric of a table whether the best row is ahead of the second with `p < 0.05`: those that are, by
/// column and by the name of the metric.
///
/// Best and second are those by the mean over seeds, before rounding. Each pair is tested over the test sessions as
/// claims are, and Holm's correction counts every column and metric of the table with two rows or more, also those that
/// may not be compared.
pub(in crate::report) fn best_is_ahead<'a>(
    report: &Report<'a>,
    table: &Table<'a>,
    metrics: &[MetricAt],
) -> BTreeMap<(&'a str, String), Ahead<'a>> {
    let (mut places, mut alone) = (Vec::new(), Vec::new());
    for column in &table.columns {
        for metric in metrics {
            let Some([best, second]) = leaders(report, table, column, *metric) else { continue };
            let pairs = table.slot(best, column).zip(table.slot(second, column));
            let tested = pairs.and_then(|(best, second)| Pairs::of(report, best, second, *metric).ok()).map(Tested::of);
            // What leads by the mean may trail by the ranks of the sessions.
            let leads = tested.as_ref().is_some_and(|tested| tested.leads(*metric));
            places.push(((*column, metric.to_string()), best, leads));
            alone.push(tested.map_or(1.0, |tested| tested.p()));
        }
    }
    let corrected = holm(&alone);
    let ahead = places.into_iter().zip(corrected).filter(|((_, _, leads), p)| *leads && *p < ALPHA);
    ahead.map(|((place, best, _), p)| (place, Ahead { best, p })).collect()
}

/// The best and the second row of a column by their means.
fn leaders<'a>(report: &Report<'a>, table: &Table<'a>, column: &str, metric: MetricAt) -> Option<[&'a str; 2]> {
    let value = |row: &&'a str| {
        let cells = table.slot(row, column)?.cells.values().filter_map(|cell| cell.ranks());
        let values: Vec<f64> = cells.filter_map(|cell| cell.mean(metric, report.protocol.ties)).collect();
        (!values.is_empty()).then(|| (*row, mean(values.into_iter())))
    };
    let mut rows: Vec<(&str, f64)> = table.rows.iter().filter_map(value).collect();
    rows.sort_by(|(_, a), (_, b)| if metric.metric.higher_is_better { b.total_cmp(a) } else { a.total_cmp(b) });
    match rows[..] {
        [(best, _), (second, _), ..] => Some([best, second]),
        _ => None,
    }
}
