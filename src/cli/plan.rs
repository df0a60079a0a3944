//! `sr-pipe plan`: what a run would do, and why; whether it would do anything.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::left_out::LeftOut;
use super::watch::roughly;
use super::workspace::{Selection, Workspace};
use super::{CommandError, Ending, block_on, columns, count, print, say};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::{Aspect, Fingerprint, NodeId, Plan, Reason, Status, Trust, in_words, nearest};
use crate::hash::ContentHash;
use crate::record::stage_name;

/// Show what would run, what is in the cache, and why. Runs nothing.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Every stage of one cell, with each field of its key that differs from the nearest earlier result.
    ///
    /// `*` and `?` stand for any text and any character.
    #[arg(long, value_name = "CELL")]
    why: Option<String>,
    /// For a CI: list only what would run, and exit with 1 if anything would.
    ///
    /// Asks the records alone: neither raw data nor stored results have to be on this machine.
    #[arg(long, conflicts_with = "why")]
    check: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(plan(arguments))
}

async fn plan(arguments: &Arguments) -> Result<Ending, CommandError> {
    let workspace = Workspace::open(&arguments.selection).await?;
    let planner = workspace.planner().await?;
    let planner = planner.trusting(if arguments.check { Trust::Records } else { Trust::Disk });
    let plan = planner.plan(&workspace.cells.graph).await?;
    let told = Told {
        workspace: &workspace,
        plan: &plan,
        left_out: LeftOut::of(&workspace, &plan),
        accepted: workspace.records.accepted().await?.into_iter().collect(),
    };
    match &arguments.why {
        Some(cell) => told.why(cell).await,
        None => told.overview(arguments.check).await,
    }
}

/// A plan, ready to be told.
struct Told<'a> {
    workspace: &'a Workspace,
    plan: &'a Plan,
    left_out: LeftOut,
    accepted: BTreeMap<ContentHash, serde_json::Value>,
}

impl Told<'_> {
    async fn overview(&self, only_work: bool) -> Result<Ending, CommandError> {
        let mut rows = Vec::new();
        let (mut hits, mut runs, mut stuck) = (0, 0, 0);
        for (id, status) in self.plan.statuses.iter().enumerate() {
            hits += usize::from(matches!(status, Status::Hit { .. } | Status::Absent { key: Some(_), .. }));
            runs += usize::from(status.works());
            let is_stuck =
                matches!(status, Status::Missing { .. } | Status::Blocked { .. }) && !self.left_out.nodes[id];
            stuck += usize::from(is_stuck);
            if !only_work || status.works() || is_stuck {
                let (word, why) = self.status(id).await?;
                rows.push(vec![word.to_owned(), self.label(id).to_owned(), why]);
            }
        }
        if !rows.is_empty() {
            print(&(columns(&["", "stage", "why"], &rows) + "\n"))?;
        }
        let cells = self.workspace.cells.cells.len();
        let stuck_words = if stuck == 0 { String::new() } else { format!(", {stuck} blocked") };
        print(&format!(
            "{}, {} in the cache, {runs} to run{stuck_words}\n",
            count(cells, "cell"),
            count(hits, "stage")
        ))?;
        if let Some(outlook) = self.outlook().await?.filter(|_| !only_work) {
            print(&(outlook + "\n"))?;
        }
        self.left_out.told().iter().for_each(|sentence| say(sentence));
        if only_work && runs + stuck > 0 {
            say("help: `sr-pipe plan --why CELL` tells which field of a key is another one");
            return Ok(Ending::Failed);
        }
        Ok(Ending::Done)
    }

    /// How long what is to run will take, where earlier results of the same cells tell: those of another data set
    /// would mislead.
    async fn outlook(&self) -> Result<Option<String>, CommandError> {
        let graph = &self.workspace.cells.graph;
        let durations = self.workspace.records.durations().await?;
        let (mut work, mut longest, mut known, mut unknown) = (0.0, 0.0_f64, 0, 0);
        // By node: seconds to its end when nothing waits for a place.
        let mut ends = vec![0.0_f64; graph.nodes.len()];
        for (id, node) in graph.nodes.iter().enumerate().filter(|(id, _)| self.plan.statuses[*id].works()) {
            let expected = durations.known(node.member.identity.kind, &node.label);
            *if expected.is_some() { &mut known } else { &mut unknown } += 1;
            let seconds = expected.unwrap_or(0.0);
            work += seconds;
            ends[id] = seconds + node.inputs.values().map(|input| ends[*input]).fold(0.0, f64::max);
            longest = longest.max(ends[id]);
        }
        Ok((known > 0).then(|| {
            let rest =
                if unknown == 0 { String::new() } else { format!("; of {} nothing is known", count(unknown, "stage")) };
            format!(
                "by what earlier runs took, {} one after another and {} all side by side{rest}",
                roughly(work),
                roughly(longest)
            )
        }))
    }

    /// Everything about the cells of a name or pattern.
    async fn why(&self, name: &str) -> Result<Ending, CommandError> {
        let cells = &self.workspace.cells.cells;
        let pattern = wildmatch::WildMatch::new(name);
        let chosen: Vec<_> = cells.iter().filter(|cell| pattern.matches(&cell.name)).collect();
        if chosen.is_empty() {
            let names: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).take(1_000).collect();
            let help = match names.len() {
                0..=12 => suggestion(name, &names),
                _ => crate::diagnostic::did_you_mean(name, names.iter().copied()).map_or_else(
                    || format!("a cell is named like `{}`", names[0]),
                    |near| format!("did you mean `{near}`?"),
                ),
            };
            return Err(Diagnostic::new(format!("this experiment has no cell `{name}`")).help(help).into());
        }
        for (at, cell) in chosen.iter().enumerate() {
            let gap = if at == 0 { "" } else { "\n" };
            print(&format!("{gap}{}\n", cell.name))?;
            let ids = self.ancestors(&cell.ends);
            let stage = |id: NodeId| stage_name(self.label(id));
            let width = ids.iter().map(|id| stage(*id).chars().count()).max().unwrap_or(0);
            for id in ids {
                let (word, why) = self.status(id).await?;
                print(&format!("  {:<width$}  {word:<7}  {why}\n", stage(id)))?;
                for line in self.fields(id).await? {
                    print(&format!("  {:<width$}           {line}\n", ""))?;
                }
            }
        }
        Ok(Ending::Done)
    }

    /// The nodes that these end nodes depend on, and they themselves, each after its inputs.
    fn ancestors(&self, ends: &[NodeId]) -> BTreeSet<NodeId> {
        let (mut found, mut open) = (BTreeSet::new(), ends.to_vec());
        while let Some(id) = open.pop() {
            if found.insert(id) {
                open.extend(self.workspace.cells.graph.nodes[id].inputs.values());
            }
        }
        found
    }

    fn label(&self, id: NodeId) -> &str {
        &self.workspace.cells.graph.nodes[id].label
    }

    /// The status in a word, and why.
    async fn status(&self, id: NodeId) -> Result<(&'static str, String), CommandError> {
        let names = |ids: &[NodeId]| ids.iter().map(|id| self.label(*id)).collect::<Vec<_>>().join(", ");
        Ok(match &self.plan.statuses[id] {
            Status::Source { .. } => ("raw", "files outside the project; all there".to_owned()),
            Status::Missing { files } => {
                ("missing", files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", "))
            }
            Status::Absent { key: None, .. } => {
                ("raw", "files outside the project; not here, and nothing that has to run reads them".to_owned())
            }
            Status::Absent { object, .. } => ("hit", format!("object {}, dropped after use (`temp`)", object.short())),
            Status::Hit { object, frozen: true, .. } => {
                ("frozen", format!("keeps its newest result, object {}", object.short()))
            }
            Status::Hit { key, object, .. } => {
                let note = self.accepted.get(key).map(|note| {
                    let reason = note["reason"].as_str().map_or_else(String::new, |reason| format!(": {reason}"));
                    format!(", accepted{reason}")
                });
                ("hit", format!("object {}{}", object.short(), note.unwrap_or_default()))
            }
            Status::After { inputs } => ("run", format!("after {}", names(inputs))),
            Status::Blocked { inputs } => ("blocked", format!("by {}", names(inputs))),
            Status::Idle => ("idle", "only frozen stages read it".to_owned()),
            Status::Run { reason: Reason::Damaged { object, damage }, .. } => {
                ("run", format!("object {} is damaged: {damage}", object.short()))
            }
            Status::Run { reason: Reason::Needed, .. } => {
                ("run", "its result was dropped after use (`temp`) and is needed again".to_owned())
            }
            Status::Run { reason: Reason::New, .. } => ("run", self.reason(id).await?),
        })
    }

    /// Why a node has no result: in what it differs from the nearest earlier one, in short.
    async fn reason(&self, id: NodeId) -> Result<String, CommandError> {
        let earlier = self.workspace.records.earlier_results(self.label(id)).await?;
        let near = nearest(&earlier, |one| &one.fingerprint, &self.fingerprint(id));
        Ok(near.map_or_else(|| "no earlier run".into(), |near| in_words(&near.changes)))
    }

    /// One line for each field of the key that differs from the nearest earlier result.
    async fn fields(&self, id: NodeId) -> Result<Vec<String>, CommandError> {
        let differs = match &self.plan.statuses[id] {
            Status::Run { reason: Reason::New, .. } => true,
            Status::Hit { frozen, .. } => *frozen && self.inputs_are_known(id),
            _ => false,
        };
        if !differs {
            return Ok(Vec::new());
        }
        let records = &self.workspace.records;
        let mut earlier = records.earlier_results(self.label(id)).await?;
        if earlier.is_empty() {
            // The same stage in another cell: what this cell is a variation of.
            let stage = stage_name(self.label(id));
            earlier = records.earlier_results_of_stage(stage).await?;
        }
        let Some(near) = nearest(&earlier, |one| &one.fingerprint, &self.fingerprint(id)) else {
            return Ok(Vec::new());
        };
        let mut lines = vec![format!(
            "nearest: `{}` of attempt {}, key {}",
            near.earlier.label,
            near.earlier.attempt,
            near.earlier.key.short()
        )];
        for change in &near.changes {
            let what = match change.aspect {
                Aspect::Code => "code",
                Aspect::Input => "input",
                Aspect::Parameter => "parameter",
                Aspect::Seed => "seed",
                Aspect::Protocol => "protocol",
                Aspect::Environment => "environment",
                Aspect::Form => "form",
            };
            lines.push(format!("  {what:<11}  {}: {} → {}", change.field, change.was, change.is));
        }
        Ok(lines)
    }

    fn inputs_are_known(&self, id: NodeId) -> bool {
        let mut inputs = self.workspace.cells.graph.nodes[id].inputs.values();
        inputs.all(|input| self.plan.statuses[*input].content().is_some())
    }

    fn fingerprint(&self, id: NodeId) -> serde_json::Value {
        let node = &self.workspace.cells.graph.nodes[id];
        let contents = node
            .inputs
            .iter()
            .filter_map(|(name, input)| self.plan.statuses[*input].content().map(|object| (name.as_str(), object)));
        Fingerprint::new(&node.member.identity, contents.collect()).to_json()
    }
}
