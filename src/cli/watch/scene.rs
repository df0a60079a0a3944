//! What is known of a run from its beginning: its stages, its cells, and which cell is made of which stages.

use std::sync::Arc;

use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::super::CommandError;
use super::super::workspace::Workspace;
use crate::engine::{Graph, NodeId, Plan, Status};
use crate::hash::ContentHash;
use crate::record::stage_name;

/// How many cells are named where a stage belongs to many.
const NAMED: usize = 5;

/// A run as it begins.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) run: i64,
    /// The experiment file, from the project's root.
    pub(super) experiment: Utf8PathBuf,
    pub(super) command: String,
    pub(super) host: String,
    pub(super) started: Option<Timestamp>,
    /// How many stages may run side by side.
    pub(super) jobs: usize,
    pub(super) graph: Arc<Graph>,
    /// By node.
    pub(super) stages: Vec<StageScene>,
    pub(super) cells: Vec<CellScene>,
    /// Stages that are brought to an end: all but those apart.
    pub(super) total: usize,
    /// Stages that may have to run.
    pub(super) work: usize,
}

/// A node of the graph.
pub(super) struct StageScene {
    /// Nothing is done for it: files outside the project, or a result that nothing reads.
    pub(super) apart: bool,
    /// It may have to run.
    pub(super) works: bool,
    /// Its key, where it is known before the run.
    pub(super) key: Option<ContentHash>,
    /// The cells that are made of it, by their index.
    pub(super) cells: Vec<u32>,
}

/// A cell.
pub(super) struct CellScene {
    pub(super) name: String,
    /// Its stages, each after its inputs.
    pub(super) nodes: Vec<u32>,
}

impl Scene {
    pub(super) fn new(workspace: &Workspace, plan: &Plan, run: i64, jobs: usize) -> Result<Self, CommandError> {
        let graph = Arc::clone(&workspace.cells.graph);
        let mut stages: Vec<StageScene> = plan
            .statuses
            .iter()
            .map(|status| StageScene {
                apart: !(status.works() || matches!(status, Status::Hit { .. } | Status::Blocked { .. })),
                works: status.works(),
                key: match status {
                    Status::Hit { key, .. } | Status::Run { key, .. } => Some(*key),
                    Status::Absent { key, .. } => *key,
                    _ => None,
                },
                cells: Vec::new(),
            })
            .collect();
        let mut seen_by = vec![usize::MAX; stages.len()];
        let mut cells = Vec::with_capacity(workspace.cells.cells.len());
        for (index, cell) in workspace.cells.cells.iter().enumerate() {
            let mut nodes = Vec::new();
            let mut open = cell.ends.clone();
            while let Some(node) = open.pop() {
                if std::mem::replace(&mut seen_by[node], index) != index {
                    nodes.push(as_index(node));
                    stages[node].cells.push(as_index(index));
                    open.extend(graph.nodes[node].inputs.values());
                }
            }
            nodes.sort_unstable();
            cells.push(CellScene { name: cell.name.clone(), nodes });
        }
        let experiment = workspace.file.document.path.canonicalize_utf8()?;
        Ok(Self {
            run,
            experiment: workspace.project.relative(&experiment).to_owned(),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            host: fs_err::read_to_string("/proc/sys/kernel/hostname").map(|n| n.trim().to_owned()).unwrap_or_default(),
            started: Some(Timestamp::now()),
            jobs,
            total: stages.iter().filter(|stage| !stage.apart).count(),
            work: stages.iter().filter(|stage| stage.works).count(),
            graph,
            stages,
            cells,
        })
    }

    /// A node as it is shown.
    pub(super) fn label(&self, node: NodeId) -> &str {
        &self.graph.nodes[node].label
    }

    /// The kind of a node's stage.
    pub(super) fn kind(&self, node: NodeId) -> &'static str {
        self.graph.nodes[node].member.identity.kind
    }

    /// The name of a node's stage in its pipeline.
    pub(super) fn stage_name(&self, node: NodeId) -> &str {
        stage_name(self.label(node))
    }

    /// The cells that a node belongs to: the names of the first few, and how many there are.
    pub(super) fn cells_of(&self, node: NodeId) -> (Vec<&str>, usize) {
        let cells = &self.stages[node].cells;
        (cells.iter().take(NAMED).map(|cell| self.cells[*cell as usize].name.as_str()).collect(), cells.len())
    }

    /// How wide a column of labels should be.
    pub(super) fn label_width(&self) -> usize {
        let works = self.stages.iter().zip(&self.graph.nodes).filter(|(stage, _)| stage.works);
        works.map(|(_, node)| node.label.chars().count()).max().unwrap_or(0)
    }
}

fn as_index(number: usize) -> u32 {
    // A graph of four thousand million nodes does not fit into memory.
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod testing {
    //! Small scenes for tests of observers.

    use std::collections::BTreeMap;

    use super::*;
    use crate::artifact::ArtifactKind;
    use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
    use crate::engine::{GraphBuilder, Handling, Member};

    /// Cells `c0`, `c1`, … that are each a chain of the named stages.
    pub(in crate::cli::watch) struct Shape<'a> {
        pub(in crate::cli::watch) cells: usize,
        pub(in crate::cli::watch) stages: &'a [&'a str],
        pub(in crate::cli::watch) jobs: usize,
    }

    /// A stage that only has to stand somewhere in a graph.
    struct Toy {
        command: String,
        before: Option<String>,
    }

    impl Stage for Toy {
        fn identity(&self) -> Identity {
            Identity {
                kind: "shell",
                version: "1".into(),
                config: serde_json::json!({ "command": self.command }),
                seed: None,
                protocol: None,
                environment: BTreeMap::new(),
            }
        }

        fn inputs(&self) -> Vec<Input> {
            let inputs = self.before.iter();
            inputs.map(|stage| Input { name: "a".into(), stage: stage.clone(), accepts: &[] }).collect()
        }

        fn output(&self) -> ArtifactKind {
            ArtifactKind::Files
        }

        fn run(&self, _: &Task<'_>) -> Result<(), StageError> {
            unreachable!("nothing runs here")
        }
    }

    pub(in crate::cli::watch) fn scene(shape: &Shape<'_>) -> Scene {
        let mut builder = GraphBuilder::default();
        let mut cells = Vec::new();
        for cell in 0..shape.cells {
            let mut members = BTreeMap::new();
            for (at, stage) in shape.stages.iter().enumerate() {
                let before = at.checked_sub(1).map(|before| shape.stages[before].to_owned());
                let toy = Toy { command: format!("{stage} {cell}"), before };
                let stage: Arc<dyn Stage> = Arc::new(toy);
                members.insert(shape.stages[at].to_owned(), Arc::new(Member::new(stage, Handling::default())));
            }
            let nodes = builder.add(&members, |name| format!("c{cell} · {name}")).unwrap();
            let mut nodes: Vec<u32> = nodes.values().map(|node| as_index(*node)).collect();
            nodes.sort_unstable();
            cells.push(CellScene { name: format!("c{cell}"), nodes });
        }
        let graph = Arc::new(builder.finish());
        let mut stages: Vec<StageScene> = graph
            .nodes
            .iter()
            .map(|_| StageScene { apart: false, works: true, key: None, cells: Vec::new() })
            .collect();
        for (index, cell) in cells.iter().enumerate() {
            for node in &cell.nodes {
                stages[*node as usize].cells.push(as_index(index));
            }
        }
        let count = stages.len();
        let experiment = "experiments/e.yaml".into();
        Scene {
            run: 1,
            experiment,
            jobs: shape.jobs,
            graph,
            stages,
            cells,
            total: count,
            work: count,
            ..Scene::default()
        }
    }
}
