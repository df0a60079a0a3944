//! `sr-pipe plan`: what a run would do, and why.

use clap::Args;

use super::workspace::{Selection, Workspace};
use super::{CommandError, Ending, block_on, columns, print};
use crate::engine::{Fingerprint, Planner, Reason, Status, difference};

/// Show what would run, what is in the cache, and why. Runs nothing.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(plan(arguments))
}

async fn plan(arguments: &Arguments) -> Result<Ending, CommandError> {
    let workspace = Workspace::open(&arguments.selection).await?;
    let graph = &workspace.cells.graph;
    let planner = Planner::new(&workspace.records, &workspace.store, &workspace.data).await?;
    let plan = planner.plan(graph).await?;
    let (mut rows, mut hits, mut runs) = (Vec::new(), 0, 0);
    for (id, status) in plan.statuses.iter().enumerate() {
        let node = &graph.nodes[id];
        let names = |ids: &[usize]| ids.iter().map(|id| graph.nodes[*id].label.as_str()).collect::<Vec<_>>().join(", ");
        let (word, why) = match status {
            Status::Source { .. } => ("raw", "files outside the project; all there".to_owned()),
            Status::Missing { files } => {
                ("missing", files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", "))
            }
            Status::Hit { object, .. } => {
                hits += 1;
                ("hit", format!("object {}", object.short()))
            }
            Status::After { inputs } => {
                runs += 1;
                ("run", format!("after {}", names(inputs)))
            }
            Status::Blocked { inputs } => ("blocked", format!("by {}", names(inputs))),
            Status::Run { reason: Reason::Damaged { object, damage }, .. } => {
                runs += 1;
                ("run", format!("object {} is damaged: {damage}", object.short()))
            }
            Status::Run { reason: Reason::New, .. } => {
                runs += 1;
                let why = match workspace.records.fingerprint_of_label(&node.label).await? {
                    None => "no earlier run".to_owned(),
                    Some(earlier) => {
                        let contents = node
                            .inputs
                            .iter()
                            .filter_map(|(name, input)| match &plan.statuses[*input] {
                                Status::Source { object, .. } | Status::Hit { object, .. } => {
                                    Some((name.as_str(), *object))
                                }
                                _ => None,
                            })
                            .collect();
                        difference(&earlier, &Fingerprint::new(&node.stage.identity(), contents).to_json())
                    }
                };
                ("run", why)
            }
        };
        rows.push(vec![word.to_owned(), node.label.clone(), why]);
    }
    print(&columns(&["", "stage", "why"], &rows))?;
    let cells = workspace.cells.cells.len();
    print(&format!("\n{cells} cells, {hits} stages in the cache, {runs} to run\n"))?;
    Ok(Ending::Done)
}
