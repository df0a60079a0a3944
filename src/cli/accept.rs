//! `sr-pipe accept`: takes earlier results over after a change of code that a person knows to be cosmetic.

use clap::Args;
use serde_json::json;

use super::workspace::{Selection, Workspace};
use super::{CommandError, Ending, block_on, columns, count, print, say};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::{Aspect, Change, Fingerprint, Reason, RunLock, Status, nearest};
use crate::record::{now, stage_name};

/// Take the earlier results of a stage over after a change of its code that cannot change them.
///
/// A renamed variable, a comment, a faster loop: the key changes with the code, and you know that the bytes would not.
/// Nothing but the code may differ: code is a stage's version, a model's digest, or the command of a shell stage.
/// What was accepted, why and when stays on record, and `plan` and `runs` show it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// The stage, by its name in the pipeline.
    stage: String,
    /// Why the results are still good; kept on record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Only show what would be accepted.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(accept(arguments))
}

async fn accept(arguments: &Arguments) -> Result<Ending, CommandError> {
    let workspace = Workspace::open(&arguments.selection).await?;
    let _share = RunLock::share(&workspace.project.state(), || Ok::<_, std::io::Error>(()))?;
    let graph = &workspace.cells.graph;
    let stages: std::collections::BTreeSet<&str> = graph.nodes.iter().map(|node| stage_name(&node.label)).collect();
    if !stages.contains(arguments.stage.as_str()) {
        let known: Vec<&str> = stages.into_iter().collect();
        return Err(Diagnostic::new(format!("no pipeline of this experiment has a stage `{}`", arguments.stage))
            .help(suggestion(&arguments.stage, &known))
            .into());
    }
    let mut accepted = Vec::new();
    // A stage that reads another of the same name becomes known only after that one was accepted.
    let refused = loop {
        let planner = workspace.planner().await?;
        let plan = planner.plan(graph).await?;
        let before = accepted.len();
        let mut refused = Vec::new();
        for (node, status) in graph.nodes.iter().zip(&plan.statuses) {
            let Status::Run { key, reason: Reason::New } = status else { continue };
            if stage_name(&node.label) != arguments.stage {
                continue;
            }
            let inputs = node
                .inputs
                .iter()
                .filter_map(|(name, input)| plan.statuses[*input].content().map(|object| (name.as_str(), object)));
            let now_made_from = Fingerprint::new(&node.member.identity, inputs.collect()).to_json();
            let earlier = workspace.records.earlier_results(&node.label).await?;
            let near = nearest(&earlier, |one| &one.fingerprint, &now_made_from);
            let only_code = |change: &Change| change.aspect == Aspect::Code;
            match near {
                Some(near) if !near.changes.is_empty() && near.changes.iter().all(only_code) => {
                    let from = format!("from key {}", near.earlier.key.short());
                    accepted.push(vec!["accepted".to_owned(), node.label.clone(), from]);
                    if !arguments.dry_run {
                        let note = json!({ "from": near.earlier.key, "reason": arguments.reason, "at": now() });
                        workspace.records.accept_result(key, &now_made_from, &near.earlier.key, &note).await?;
                    }
                }
                Some(near) => {
                    let others: Vec<String> =
                        near.changes.iter().filter(|change| !only_code(change)).map(ToString::to_string).collect();
                    refused.push(vec!["refused".to_owned(), node.label.clone(), others.join(", ")]);
                }
                None => refused.push(vec!["refused".to_owned(), node.label.clone(), "it never ran".to_owned()]),
            }
        }
        if arguments.dry_run || accepted.len() == before {
            break refused;
        }
    };
    let rows = [accepted.as_slice(), refused.as_slice()].concat();
    if !rows.is_empty() {
        print(&columns(&["", "stage", "why"], &rows))?;
    }
    let would = if arguments.dry_run { "would be " } else { "" };
    say(&format!("{} {would}accepted, {} refused", count(accepted.len(), "result"), refused.len()));
    if !refused.is_empty() {
        say("help: a result is taken over only where nothing but code differs; the others have to run");
    }
    Ok(if refused.is_empty() { Ending::Done } else { Ending::Failed })
}
