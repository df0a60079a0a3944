//! Which stages a cell is made of: from the files of a run under way or killed, else from the records.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use wildmatch::WildMatch;

use crate::cli::CommandError;
use crate::cli::watch::snapshot::{Visible, visible};
use crate::diagnostic::{Diagnostic, did_you_mean, suggestion};
use crate::record::{RecordError, Records, stage_name};

/// The stages that were asked for, in one run.
pub(super) struct Found {
    pub(super) run: i64,
    pub(super) alive: bool,
    /// The cells that were meant.
    pub(super) cells: Vec<String>,
    /// Their stages, each after its inputs.
    pub(super) stages: Vec<FoundStage>,
}

/// A stage that was asked for.
pub(super) struct FoundStage {
    /// Its place in the run.
    pub(super) node: usize,
    pub(super) label: String,
    pub(super) key: Option<String>,
    /// If the run did not try it, an earlier one made its result.
    pub(super) reused: bool,
}

/// The stages and cells of a run, from wherever they are told.
struct Run {
    run: i64,
    alive: bool,
    stages: BTreeMap<usize, FoundStage>,
    cells: Vec<(String, Vec<usize>)>,
}

/// Finds a cell in the newest run that has it.
pub(super) async fn find(
    records: &Records,
    state: &Utf8Path,
    typed: &str,
    stage: Option<&str>,
    experiment: Option<&str>,
) -> Result<Found, CommandError> {
    let of_experiment = |name: &str| experiment.is_none_or(|wanted| wanted == name);
    let mut seen: Vec<Visible> = visible(state)?;
    seen.retain(|run| of_experiment(run.course.experiment.as_str()));
    let mut told = records.newest_of_each().await?;
    told.retain(|(_, name)| of_experiment(name));
    let mut known: Vec<String> = Vec::new();
    // Newest first; both lists are short.
    loop {
        let newest_seen = seen.last().map_or(-1, |run| run.course.run);
        let newest_told = told.first().map_or(-1, |(run, _)| *run);
        let run = if newest_seen < 0 && newest_told < 0 {
            return Err(unknown(typed, experiment, &known).into());
        } else if newest_seen >= newest_told {
            let Some(run) = seen.pop() else { continue };
            told.retain(|(told, _)| *told != run.course.run);
            of_files(run)
        } else {
            of_records(records, told.remove(0).0).await?
        };
        if let Some(found) = choose(&run, typed, stage)? {
            return Ok(found);
        }
        known.extend(run.cells.into_iter().map(|(name, _)| name));
    }
}

fn of_files(run: Visible) -> Run {
    let stands: Vec<char> = run.snapshot.map(|snapshot| snapshot.stands.chars().collect()).unwrap_or_default();
    let stages = run.course.stages.into_iter().enumerate().map(|(node, stage)| {
        let reused = stands.get(node) == Some(&'=');
        (node, FoundStage { node, label: stage.label, key: stage.key, reused })
    });
    let stages = stages.collect();
    let cells = run.course.cells.into_iter();
    let cells = cells.map(|cell| (cell.name, cell.stages.into_iter().map(|node| node as usize).collect())).collect();
    Run { run: run.course.run, alive: run.alive, stages, cells }
}

async fn of_records(records: &Records, run: i64) -> Result<Run, RecordError> {
    let ends = records.cell_ends(run).await?;
    let wiring = records.wiring(run).await?;
    let inputs: BTreeMap<usize, &[usize]> = wiring.iter().map(|stage| (stage.node, &stage.inputs[..])).collect();
    let cells = ends.into_iter().map(|(name, ends)| {
        let mut nodes = BTreeSet::new();
        let mut open = ends;
        while let Some(node) = open.pop() {
            if nodes.insert(node) {
                open.extend(inputs.get(&node).copied().unwrap_or_default());
            }
        }
        (name, nodes.into_iter().collect())
    });
    let cells = cells.collect();
    let stages = wiring.into_iter().map(|stage| {
        let node = stage.node;
        (node, FoundStage { node, label: stage.label, reused: stage.key.is_some(), key: stage.key })
    });
    Ok(Run { run, alive: false, stages: stages.collect(), cells })
}

/// The stages of the cells that a person means, if this run has such cells.
fn choose(run: &Run, typed: &str, stage: Option<&str>) -> Result<Option<Found>, Diagnostic> {
    let pattern = WildMatch::new(typed);
    let matches = |name: &str| name == typed || pattern.matches(name);
    let label_of = |node: &usize| run.stages.get(node).map_or("", |stage| stage.label.as_str());
    let (mut cells, mut nodes) = (Vec::new(), BTreeSet::new());
    for (name, stages) in &run.cells {
        if matches(name) {
            cells.push(name.clone());
            nodes.extend(stages.iter().copied());
            continue;
        }
        // Failures are told by the labels of stages, so these are understood too.
        let own: Vec<usize> = stages.iter().copied().filter(|node| matches(label_of(node))).collect();
        if !own.is_empty() {
            cells.push(name.clone());
            nodes.extend(own);
        }
    }
    if cells.is_empty() {
        return Ok(None);
    }
    if let Some(wanted) = stage {
        let known: BTreeSet<&str> = nodes.iter().map(|node| stage_name(label_of(node))).collect();
        if !known.contains(wanted) {
            let known: Vec<&str> = known.into_iter().collect();
            return Err(Diagnostic::new(format!("`{typed}` has no stage `{wanted}`")).help(suggestion(wanted, &known)));
        }
        nodes.retain(|node| stage_name(label_of(node)) == wanted);
    }
    let stages = nodes.iter().filter_map(|node| run.stages.get(node)).map(|stage| FoundStage {
        node: stage.node,
        label: stage.label.clone(),
        key: stage.key.clone(),
        reused: stage.reused,
    });
    Ok(Some(Found { run: run.run, alive: run.alive, cells, stages: stages.collect() }))
}

fn unknown(typed: &str, experiment: Option<&str>, known: &[String]) -> Diagnostic {
    let place = experiment.map_or_else(String::new, |name| format!(" of `{name}`"));
    let error = Diagnostic::new(format!("no run{place} on record has a cell `{typed}`"));
    let below = format!("{}/", typed.trim_end_matches('/'));
    if known.iter().any(|name| name.starts_with(&below)) {
        return error.help(format!("`'{below}*'` means all cells below it"));
    }
    match did_you_mean(typed, known.iter().map(String::as_str)) {
        Some(name) => error.help(format!("did you mean `{name}`?")),
        None if known.is_empty() => {
            error.help("`sr-pipe run EXPERIMENT` runs its cells; `sr-pipe plan EXPERIMENT` names them")
        }
        None => error.help("`sr-pipe runs show` names the cells of the newest run; a cell that never ran has no log"),
    }
}
