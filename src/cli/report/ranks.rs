//! The report of an experiment that trains: what became of each cell, from its ranks.

use super::{Absence, Found, Origin};
use crate::cli::CommandError;
use crate::cli::workspace::Workspace;
use crate::data::ranks::Ranks;
use crate::diagnostic::Diagnostic;
use crate::experiment::ReportSpec;
use crate::report::{Audited, CellRanks, CellResult, CellState, Report, render as markdown, render_csv};

/// Markdown and CSV.
pub(super) async fn render(
    workspace: &Workspace,
    spec: &ReportSpec,
    found: &[Found<'_>],
    audits: &[Audited],
) -> Result<(String, String), CommandError> {
    let mut origin = Origin::default();
    let mut cells = Vec::with_capacity(found.len());
    for found in found {
        let cell = found.cell;
        let mut test_samples = String::new();
        if let Some(dataset) = origin.dataset(found) {
            let meta = fs_err::read(dataset.folder.join("meta.json"))?;
            let meta: serde_json::Value = serde_json::from_slice(&meta).map_err(std::io::Error::other)?;
            test_samples = meta["test_samples"].as_str().unwrap_or_default().to_owned();
        }
        let state = match found.done(cell.ranks) {
            Some(outcome) => {
                let ranks = Ranks::read(&outcome.folder.join("ranks.parquet"))
                    .map_err(|error| Diagnostic::new(error.to_string()))?;
                let run = origin.result(workspace, outcome).await?;
                let (protocol_digest, synthetic) = (workspace.file.protocol_digest().short(), cell.synthetic);
                CellState::Done(Box::new(CellRanks { ranks, protocol_digest, test_samples, synthetic, run }))
            }
            None => match found.absence(workspace, cell.ranks) {
                Absence::Failed { message, log } => CellState::Failed { message, log: Some(log) },
                Absence::Missing(why) => CellState::Missing { why },
            },
        };
        cells.push(CellResult { coordinates: cell.coordinates.clone(), seed: cell.seed, state });
    }
    let variants = workspace.file.experiment.variants.iter();
    let variants = variants.filter_map(|(name, variant)| Some((name.clone(), variant.title.clone()?)));
    let titles = workspace
        .trainer
        .iter()
        .flat_map(|trainer| &trainer.description.models)
        .map(|model| (model.name.clone(), model.title.clone()))
        .chain(variants)
        .collect();
    let (protocol, provenance) = (workspace.file.protocol(), origin.provenance(workspace)?);
    let report = Report {
        spec,
        experiment: &workspace.file.experiment,
        points: &workspace.file.points,
        protocol: &protocol,
        titles: &titles,
        cells: &cells,
        audits,
        provenance: &provenance,
    };
    let failed = |error: crate::metric::MetricError| Diagnostic::new(error.to_string()).help(error.help());
    Ok((markdown(&report).map_err(failed)?, render_csv(&report).map_err(failed)?))
}
