//! The report of an experiment that shows maps of item vectors.

use super::files::Rendered;
use super::gather::{Absence, Found, Origin};
use crate::cli::CommandError;
use crate::cli::workspace::Workspace;
use crate::data::map::VectorMap;
use crate::diagnostic::Diagnostic;
use crate::experiment::{MapsSpec, ReportSpec};
use crate::report::Audited;
use crate::report::maps::{MapState, Mapped, MapsReport};

/// The page and the CSV.
pub(super) async fn render(
    workspace: &Workspace,
    spec: &ReportSpec,
    maps: &MapsSpec,
    found: &[Found<'_>],
    audits: &[Audited],
) -> Result<Rendered, CommandError> {
    let mut origin = Origin::default();
    let mut cells = Vec::with_capacity(found.len());
    for found in found {
        let cell = found.cell;
        origin.dataset(found);
        let (mut run, mut made) = (String::new(), None);
        let state = match found.done(cell.map) {
            Some(outcome) => {
                (run, made) = origin.result(workspace, found, cell.map, outcome).await?;
                let map = VectorMap::read(&outcome.folder).map_err(|error| Diagnostic::new(error.to_string()))?;
                MapState::Done(Box::new(map))
            }
            None => match found.absence(workspace, cell.map) {
                Absence::Failed { message, log } => MapState::Failed { message, log: Some(log) },
                Absence::Missing(why) => MapState::Missing { why },
            },
        };
        let coordinates = cell.coordinates.clone();
        cells.push(Mapped { coordinates, seed: cell.seed, state, synthetic: cell.synthetic, run, made });
    }
    let (name, provenance) = (workspace.file.name(), origin.provenance(workspace)?);
    let report = MapsReport {
        name: &name,
        spec,
        maps,
        experiment: &workspace.file.experiment,
        axes: &workspace.file.points.axes,
        cells: &cells,
        audits,
        provenance: &provenance,
    };
    Ok(Rendered { page: report.page(), csv: report.render_csv() })
}
