//! A run over a cache that cannot be written: good for a report, if nothing has to run.

use super::left_out::LeftOut;
use super::workspace::Workspace;
use super::{CommandError, Ending, count, report, say};
use crate::diagnostic::Diagnostic;
use crate::engine::Status;

/// Writes the report where all is there, and says at once that nothing can run where something is missing.
pub(super) async fn run(workspace: &Workspace) -> Result<Ending, CommandError> {
    let planner = workspace.planner().await?;
    let plan = planner.plan(&workspace.cells.graph).await?;
    let left_out = LeftOut::of(workspace, &plan);
    let unfit = |status: &Status| status.works() || matches!(status, Status::Missing { .. } | Status::Blocked { .. });
    let open = plan.statuses.iter().zip(&left_out.nodes).filter(|(status, out)| !**out && unfit(status)).count();
    if open > 0 {
        let stages = format!("{} {}", count(open, "stage"), if open == 1 { "has" } else { "have" });
        let state = workspace.project.state();
        return Err(Diagnostic::new(format!("the cache in `{state}` cannot be written, and {stages} to run"))
            .help("make the folder writable, or copy the project to a place that is; `sr-pipe plan` shows what has to run")
            .into());
    }
    left_out.told().iter().for_each(|sentence| say(sentence));
    let cells = workspace.cells.cells.len();
    let done = cells - left_out.count();
    say(&format!("{done} of {cells} cells done, nothing had to run; not on record, since the cache cannot be written"));
    if workspace.file.experiment.report.is_some() {
        let path = report::write(workspace, &report::states(workspace, &plan)).await?;
        say(&format!("report: {path}"));
    }
    Ok(Ending::Done)
}
