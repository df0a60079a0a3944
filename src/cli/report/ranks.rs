//! The report of an experiment that trains: what became of each cell, from its ranks.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::curves::curve;
use super::files::Rendered;
use super::gather::{Absence, Found, Origin};
use crate::cli::CommandError;
use crate::cli::workspace::Workspace;
use crate::data::breakdown::{Target, targets};
use crate::data::ranks::Ranks;
use crate::diagnostic::Diagnostic;
use crate::experiment::{Drawing, FigureSpec, ReportSpec};
use crate::report::{Audited, CellRanks, CellResult, CellState, Report, page, render_csv};

/// The page and the CSV.
pub(super) async fn render(
    workspace: &Workspace,
    spec: &ReportSpec,
    found: &[Found<'_>],
    audits: &[Audited],
) -> Result<Rendered, CommandError> {
    let mut origin = Origin::default();
    let mut cells = Vec::with_capacity(found.len());
    let mut tested = Tested::default();
    let breaks_down = |figure: &FigureSpec| matches!(figure.draw, Drawing::Breakdown(_));
    let tells_samples_apart = !spec.breakdowns.is_empty() || spec.figures.iter().any(breaks_down);
    let draws_curves = spec.figures.iter().any(|figure| figure.draw == Drawing::Curves);
    for found in found {
        let cell = found.cell;
        let (mut test_samples, mut samples) = (String::new(), None);
        if let Some(dataset) = origin.dataset(found) {
            let meta = fs_err::read(dataset.folder.join("meta.json"))?;
            let meta: serde_json::Value = serde_json::from_slice(&meta).map_err(std::io::Error::other)?;
            test_samples = meta["test_samples"].as_str().unwrap_or_default().to_owned();
            if tells_samples_apart {
                samples = Some(tested.of(&dataset.folder)?);
            }
        }
        let mut made = None;
        let state = match found.done(cell.ranks) {
            Some(outcome) => {
                let ranks = Ranks::read(&outcome.folder.join("ranks.parquet"))
                    .map_err(|error| Diagnostic::new(error.to_string()))?;
                if let Some(samples) = samples.as_deref().filter(|samples| !are_of(&ranks, samples)) {
                    let message = format!("the ranks of `{}` are not of the {} test samples", cell.name, samples.len());
                    let help = "`sr-pipe cache verify` says which of the two is damaged";
                    return Err(Diagnostic::new(message + " of its dataset").help(help).into());
                }
                let (run, with) = origin.result(workspace, found, cell.ranks, outcome).await?;
                made = with;
                let (protocol_digest, synthetic) = (workspace.file.protocol_digest().short(), cell.synthetic);
                CellState::Done(Box::new(CellRanks {
                    ranks,
                    samples,
                    protocol_digest,
                    test_samples,
                    synthetic,
                    frozen: found.frozen(cell.ranks),
                    run,
                }))
            }
            None => match found.absence(workspace, cell.ranks) {
                Absence::Failed { message, log } => CellState::Failed { message, log: Some(log) },
                Absence::Missing(why) => CellState::Missing { why },
            },
        };
        // A curve that nobody asked for costs no report.
        let curve = if draws_curves { curve(found)? } else { curve(found).unwrap_or_default() };
        cells.push(CellResult { coordinates: cell.coordinates.clone(), seed: cell.seed, state, curve, made });
    }
    let models = || workspace.trainer.iter().flat_map(|trainer| &trainer.description.models);
    let variants = workspace.file.experiment.variants.iter();
    let variants = variants.filter_map(|(name, variant)| Some((name.clone(), variant.title.clone()?)));
    let titles = models().map(|model| (model.name.clone(), model.title.clone())).chain(variants).collect();
    let floors = models().filter(|model| model.floor).map(|model| model.name.clone()).collect();
    let (protocol, provenance) = (workspace.file.protocol(), origin.provenance(workspace)?);
    let name = workspace.file.name();
    let report = Report {
        name: &name,
        spec,
        experiment: &workspace.file.experiment,
        points: &workspace.file.points,
        protocol: &protocol,
        titles: &titles,
        floors: &floors,
        cells: &cells,
        audits,
        provenance: &provenance,
    };
    let failed = |error: crate::metric::MetricError| Diagnostic::new(error.to_string()).help(error.help());
    Ok(Rendered { page: page(&report).map_err(failed)?, csv: render_csv(&report).map_err(failed)? })
}

/// The test samples of the datasets, each read once.
#[derive(Default)]
struct Tested(BTreeMap<Utf8PathBuf, Arc<[Target]>>);

impl Tested {
    /// Those of the dataset in this folder.
    fn of(&mut self, dataset: &Utf8Path) -> Result<Arc<[Target]>, CommandError> {
        if let Some(known) = self.0.get(dataset) {
            return Ok(Arc::clone(known));
        }
        let samples = targets(dataset).map_err(|error| Diagnostic::new(error.to_string()))?;
        let samples: Arc<[Target]> = samples.into();
        self.0.insert(dataset.to_owned(), Arc::clone(&samples));
        Ok(samples)
    }
}

/// Whether each rank is of the sample at the place of its number.
fn are_of(ranks: &Ranks, samples: &[Target]) -> bool {
    ranks.selections.values().flatten().all(|rank| {
        let sample = usize::try_from(rank.sample).ok().and_then(|at| samples.get(at));
        sample.is_some_and(|known| (known.sample.sample, known.sample.target) == (rank.sample, rank.target))
    })
}
