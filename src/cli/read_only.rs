//! A run over a cache that cannot be written: good for a report, if nothing has to run.

use super::workspace::Workspace;
use super::{CommandError, Ending, report, say};
use crate::diagnostic::Diagnostic;
use crate::engine::{NodeState, Outcome, Planner, Status};

/// Writes the report where all is there, and says at once that nothing can run where something is missing.
pub(super) async fn run(workspace: &Workspace) -> Result<Ending, CommandError> {
    let planner = Planner::new(&workspace.records, &workspace.store, &workspace.data).await?;
    let plan = planner.plan(&workspace.cells.graph).await?;
    let ended: Vec<NodeState> = plan
        .statuses
        .iter()
        .filter_map(|status| match status {
            Status::Hit { key, object } => {
                Some(NodeState::Done(Outcome { key: Some(*key), object: *object, folder: workspace.store.files(object) }))
            }
            Status::Source { object, folder } => {
                Some(NodeState::Done(Outcome { key: None, object: *object, folder: folder.clone() }))
            }
            _ => None,
        })
        .collect();
    let open = plan.statuses.len() - ended.len();
    if open > 0 {
        let stages = if open == 1 { "1 stage has".to_owned() } else { format!("{open} stages have") };
        let state = workspace.project.state();
        return Err(Diagnostic::new(format!("the cache in `{state}` cannot be written, and {stages} to run"))
            .help("make the folder writable, or copy the project to a place that is; `sr-pipe plan` shows what has to run")
            .into());
    }
    let cells = workspace.cells.cells.len();
    say(&format!("{cells} of {cells} cells done, nothing had to run; not on record, since the cache cannot be written"));
    if workspace.file.experiment.report.is_some() {
        let path = report::write(workspace, &ended).await?;
        say(&format!("report: {path}"));
    }
    Ok(Ending::Done)
}
