//! The report of an experiment that counts its data sets.

use super::files::Rendered;
use super::gather::{Absence, Found, Origin};
use crate::cli::CommandError;
use crate::cli::workspace::Workspace;
use crate::data::statistics::Statistics;
use crate::experiment::ReportSpec;
use crate::report::Audited;
use crate::report::statistics::{Counted, CountedState, StatisticsReport};

/// The page and the CSV.
pub(super) async fn render(
    workspace: &Workspace,
    spec: &ReportSpec,
    found: &[Found<'_>],
    audits: &[Audited],
) -> Result<Rendered, CommandError> {
    let mut origin = Origin::default();
    let mut columns = Vec::with_capacity(found.len());
    for found in found {
        let cell = found.cell;
        origin.dataset(found);
        let (mut run, mut made) = (String::new(), None);
        let state = match found.done(cell.statistics) {
            Some(outcome) => {
                (run, made) = origin.result(workspace, found, cell.statistics, outcome).await?;
                CountedState::Done(Statistics::read(&outcome.folder)?)
            }
            None => match found.absence(workspace, cell.statistics) {
                Absence::Failed { message, log } => CountedState::Failed { message, log: Some(log) },
                Absence::Missing(why) => CountedState::Missing { why },
            },
        };
        let name = cell.coordinates.get(&spec.columns).cloned().unwrap_or_default();
        columns.push(Counted { name, state, synthetic: cell.synthetic, run, made });
    }
    let provenance = origin.provenance(workspace)?;
    let name = workspace.file.name();
    let report = StatisticsReport {
        name: &name,
        spec,
        experiment: &workspace.file.experiment,
        columns: &columns,
        audits,
        provenance: &provenance,
    };
    Ok(Rendered { page: report.page(), csv: report.render_csv() })
}
