//! The report of an experiment that counts its data sets.

use super::{Absence, Found, Origin, Written};
use crate::cli::CommandError;
use crate::cli::workspace::Workspace;
use crate::data::statistics::Statistics;
use crate::experiment::ReportSpec;
use crate::report::Audited;
use crate::report::statistics::{Counted, CountedState, StatisticsReport};

/// Markdown and CSV.
pub(super) async fn render(
    workspace: &Workspace,
    spec: &ReportSpec,
    found: &[Found<'_>],
    audits: &[Audited],
) -> Result<Written, CommandError> {
    let mut origin = Origin::default();
    let mut columns = Vec::with_capacity(found.len());
    for found in found {
        let cell = found.cell;
        origin.dataset(found);
        let mut run = String::new();
        let state = match found.done(cell.statistics) {
            Some(outcome) => {
                run = origin.result(workspace, outcome).await?;
                CountedState::Done(Statistics::read(&outcome.folder)?)
            }
            None => match found.absence(workspace, cell.statistics) {
                Absence::Failed { message, log } => CountedState::Failed { message, log: Some(log) },
                Absence::Missing(why) => CountedState::Missing { why },
            },
        };
        let name = cell.coordinates.get(&spec.columns).cloned().unwrap_or_default();
        columns.push(Counted { name, state, synthetic: cell.synthetic, run });
    }
    let provenance = origin.provenance(workspace)?;
    let report = StatisticsReport {
        spec,
        experiment: &workspace.file.experiment,
        columns: &columns,
        audits,
        provenance: &provenance,
    };
    Ok(Written { markdown: report.render(), csv: report.render_csv(), figures: Vec::new() })
}
