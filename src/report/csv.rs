//! The numbers of a report for scripts, one line for each cell, seed and metric, and one for each group of samples where
//! they are broken down.

use super::comparable::candidates;
use super::{CellResult, CellState, Report};
use crate::data::breakdown::Split;
use crate::metric::MetricAt;

/// A header, then the cells by coordinates and seed. Values are fractions in full precision.
pub(super) fn render(report: &Report<'_>, metrics: &[MetricAt]) -> String {
    let axes: Vec<&String> = report.points.axes.keys().collect();
    let mut header: Vec<String> = axes.iter().map(|axis| (*axis).clone()).collect();
    let facts = "seed metric state value selection samples candidates protocol test_samples synthetic run message breakdown group";
    header.extend(facts.split(' ').map(ToOwned::to_owned));
    let mut cells: Vec<&CellResult> = report.cells.iter().collect();
    cells.sort_by(|a, b| (&a.coordinates, a.seed).cmp(&(&b.coordinates, b.seed)));
    let mut lines = vec![header];
    for cell in cells {
        for metric in metrics {
            let mut line: Vec<String> =
                axes.iter().map(|axis| cell.coordinates.get(*axis).cloned().unwrap_or_default()).collect();
            line.extend([cell.seed.to_string(), metric.to_string()]);
            let outcome = outcome(report, cell, *metric);
            lines.push([&line[..], &outcome, &[String::new(), String::new()]].concat());
            for split in report.spec.breakdowns.iter().map(|breakdown| breakdown.split()) {
                lines.extend(
                    groups(report, cell, *metric, split, &outcome).map(|fields| [&line[..], &fields[..]].concat()),
                );
            }
        }
    }
    lines.iter().map(|line| line.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",") + "\n").collect()
}

/// The fields from `state` on.
fn outcome(report: &Report<'_>, cell: &CellResult, metric: MetricAt) -> [String; 10] {
    let mut fields: [String; 10] = Default::default();
    match &cell.state {
        CellState::Done(ranks) => {
            fields[0] = "done".to_owned();
            if let Some((name, samples)) = ranks.selection(metric) {
                fields[2] = name.to_owned();
                fields[3] = samples.len().to_string();
            }
            if let Some(value) = ranks.mean(metric, report.protocol.ties) {
                fields[1] = value.to_string();
            }
            fields[4] = candidates(ranks).replace(',', "");
            fields[5].clone_from(&ranks.protocol_digest);
            fields[6].clone_from(&ranks.test_samples);
            fields[7] = ranks.synthetic.to_string();
            fields[8].clone_from(&ranks.run);
        }
        CellState::Failed { message, .. } => {
            fields[0] = "failed".to_owned();
            fields[9].clone_from(message);
        }
        CellState::Missing { why } => {
            fields[0] = "missing".to_owned();
            fields[9].clone_from(why);
        }
    }
    fields
}

/// For each group of samples the fields from `state` on; nothing where the samples are not known. `whole` are the fields
/// of all samples together.
fn groups(
    report: &Report<'_>,
    cell: &CellResult,
    metric: MetricAt,
    split: &'static Split,
    whole: &[String; 10],
) -> impl Iterator<Item = Vec<String>> {
    let ranks = cell.ranks();
    let sizes = ranks.and_then(|ranks| ranks.sizes(split)).unwrap_or_default();
    sizes.into_iter().zip(split.groups).enumerate().map(move |(group, (size, name))| {
        let value = ranks.and_then(|ranks| ranks.mean_in(metric, report.protocol.ties, split, group));
        let mut fields = whole.to_vec();
        fields[1] = value.map(|value| value.to_string()).unwrap_or_default();
        fields[3] = size.to_string();
        fields.extend([split.name.to_owned(), (*name).to_owned()]);
        fields
    })
}

/// A field as RFC 4180 wants it.
pub(super) fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
