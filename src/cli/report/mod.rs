//! `sr-pipe report`: tables, figures and verdicts of experiments, from what is on record.

mod asked;
mod check;
mod curves;
mod files;
mod gather;
mod maps;
mod ranks;
mod statistics;

use clap::Args;

use super::place::Place;
use super::workspace::{Chosen, Workspace};
use super::{CommandError, Ending, block_on, print, say};
use crate::diagnostic::Diagnostic;
use crate::document::Part;
use crate::engine::NodeState;
use crate::project::Project;
use crate::record::RunRow;
use crate::report::form;

use asked::Asked;
pub(super) use files::unclaimed;
use files::{Format, Rendered};
pub(super) use gather::states;

/// Write reports of experiments from what is in the cache. Runs nothing.
///
/// Cells that did not run are marked as missing. Without an experiment, every experiment on record is reported, each with
/// the profile, the values and the seeds of its runs.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The experiment files [default: those on record].
    #[arg(value_name = "EXPERIMENT")]
    experiments: Vec<camino::Utf8PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    place: Place,
    /// The forms to write.
    #[arg(long, value_delimiter = ',', value_name = "FORMS", default_values_t = Format::DEFAULT)]
    format: Vec<Format>,
    /// Also print the report to stdout, as markdown.
    #[arg(long)]
    print: bool,
    /// For a CI: write nothing, compare with `results/NAME.json`, and exit with 1 if a claim that held does not hold any
    /// more, or a number moved by more than its tolerance.
    ///
    /// A number may move by `report.tolerance` points, without that by its standard deviation as it was.
    #[arg(long, conflicts_with = "print")]
    check: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(report(arguments))
}

async fn report(arguments: &Arguments) -> Result<Ending, CommandError> {
    let mut asked = Asked::of(arguments).await?;
    files::apart(&asked.workspaces)?;
    for workspace in std::mem::take(&mut asked.workspaces) {
        let rendered = match unclaimed(&workspace) {
            Ok(()) => render_cached(&workspace).await,
            Err(error) => Err(error),
        };
        match rendered {
            Ok(rendered) if arguments.check => match rendered.check(&workspace) {
                Ok(holds) => asked.moved |= !holds,
                Err(error) => asked.fail(&workspace.file.document.path, error)?,
            },
            Ok(rendered) => {
                say(&format!("report: {}", rendered.write(&workspace, &arguments.format)?));
                if arguments.print {
                    print(&form::markdown(&rendered.page))?;
                }
            }
            Err(error) => asked.fail(&workspace.file.document.path, error)?,
        }
    }
    asked.ending()
}

/// The report of what is in the cache.
async fn render_cached(workspace: &Workspace) -> Result<Rendered, CommandError> {
    let _gate = gather::keep_all(workspace)?;
    let planner = workspace.planner().await?;
    let plan = planner.plan(&workspace.cells.graph).await?;
    render(workspace, &states(workspace, &plan)).await
}

/// The report of a run's experiment as it stands now, as HTML; nothing is written.
pub(super) async fn live(run: &RunRow, project: &Project) -> Result<String, CommandError> {
    let workspace = Workspace::open(&asked::of_run(run, project, None)?).await?;
    Ok(form::html(&render_cached(&workspace).await?.page))
}

/// Whether the experiment of a run can be read and has a report.
pub(super) fn has_report(run: &RunRow, project: &Project) -> bool {
    let selection = asked::of_run(run, project, None);
    selection.is_ok_and(|selection| selection.read().is_ok_and(|file| file.experiment.report.is_some()))
}

/// Writes the report in its usual forms; gives the path of the first.
pub(super) async fn write(workspace: &Workspace, states: &[NodeState]) -> Result<camino::Utf8PathBuf, CommandError> {
    let _gate = gather::keep_all(workspace)?;
    render(workspace, states).await?.write(workspace, &Format::DEFAULT)
}

/// The report of the whole grid.
async fn render(workspace: &Workspace, states: &[NodeState]) -> Result<Rendered, CommandError> {
    let Some(spec) = &workspace.file.experiment.report else { return Err(without_report(workspace).into()) };
    let rest = gather::rest(workspace).await?;
    let found = gather::found(workspace, states, rest.as_ref());
    let audits = gather::audits(workspace, &found)?;
    match (workspace.file.counts(), workspace.file.maps()) {
        (true, _) => statistics::render(workspace, spec, &found, &audits).await,
        (false, Some(maps)) => maps::render(workspace, spec, maps, &found, &audits).await,
        (false, None) => ranks::render(workspace, spec, &found, &audits).await,
    }
}

fn without_report(workspace: &Workspace) -> Diagnostic {
    let error = workspace.file.document.error(&[], Part::Value, "this experiment has no `report`");
    error.help("add `report: { metrics: [hit@20, mrr@20] }`")
}
