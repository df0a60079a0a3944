//! The grid written out: every cell with its name, its values and its place in one DAG that all cells share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::load::ExperimentFile;
use super::types::AxisValue;
use crate::diagnostic::Diagnostic;
use crate::engine::{Graph, GraphBuilder, NodeId};
use crate::pipeline::Filled;
use crate::stage::trainer::Trainer;
use crate::stage::{Settings, Surroundings};

/// One cell of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// `demo/mkm-sr/seed=3`.
    pub name: String,
    /// Its value on each axis.
    pub coordinates: BTreeMap<String, String>,
    /// Its seed.
    pub seed: u64,
    /// The nodes it ends in: those that no other stage of its pipeline reads.
    pub ends: Vec<NodeId>,
    /// The node that makes its ranks.
    pub ranks: Option<NodeId>,
    /// The node that makes its dataset.
    pub dataset: Option<NodeId>,
    /// True when its data were made up by a `synth` stage.
    pub synthetic: bool,
}

/// All cells of an experiment, in the grid's order, and the DAG they share.
pub struct Cells {
    /// The cells.
    pub cells: Vec<Cell>,
    /// The DAG.
    pub graph: Arc<Graph>,
}

impl Cells {
    /// Writes out the grid and wires every cell.
    ///
    /// # Errors
    /// Everything that is wrong, each message once.
    pub fn expand(
        file: &ExperimentFile,
        trainer: Option<&Arc<Trainer>>,
        surroundings: &Surroundings,
    ) -> Result<Self, Vec<Diagnostic>> {
        let protocol = file.protocol();
        let (mut builder, mut filled) = (GraphBuilder::default(), Filled::default());
        let mut cells = Vec::new();
        let mut errors: Vec<Diagnostic> = Vec::new();
        if let Some(trainer) = trainer {
            errors.extend(file.model_errors(trainer));
            if !errors.is_empty() {
                return Err(errors);
            }
        }
        for coordinates in combinations(file) {
            for seed in &file.experiment.grid.seeds {
                match add_cell(file, &coordinates, *seed, &protocol, trainer, surroundings, &mut builder, &mut filled) {
                    Ok(cell) => cells.push(cell),
                    Err(found) => {
                        for error in found {
                            if !errors.contains(&error) {
                                errors.push(error);
                            }
                        }
                    }
                }
            }
        }
        if errors.is_empty() { Ok(Self { cells, graph: Arc::new(builder.finish()) }) } else { Err(errors) }
    }
}

fn add_cell(
    file: &ExperimentFile,
    coordinates: &BTreeMap<String, AxisValue>,
    seed: u64,
    protocol: &crate::data::protocol::Protocol,
    trainer: Option<&Arc<Trainer>>,
    surroundings: &Surroundings,
    builder: &mut GraphBuilder,
    filled: &mut Filled,
) -> Result<Cell, Vec<Diagnostic>> {
    let dataset = coordinates["dataset"].to_string();
    let pipeline = &file.pipelines[&dataset];
    let mut values = pipeline.defaults();
    values.extend(file.experiment.datasets[&dataset].with.clone());
    values.extend(coordinates.iter().map(|(axis, value)| (axis.clone(), json!(value))));
    values.insert("seed".into(), json!(seed));
    let settings = Settings { seed, protocol, trainer, models: &file.experiment.models, surroundings };
    let instance = pipeline.instantiate(&values, &settings, filled)?;

    // A stage is named after the axes that it depends on, itself or through what it reads.
    let mut axes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, member) in &instance.stages {
        let mut own: BTreeSet<&str> =
            pipeline.places(name).filter(|place| coordinates.contains_key(*place) || *place == "seed").collect();
        if member.identity.seed.is_some() {
            own.insert("seed");
        }
        axes.insert(name, own);
    }
    let inputs: BTreeMap<&str, Vec<String>> = instance
        .stages
        .iter()
        .map(|(name, member)| (name.as_str(), member.inputs.iter().map(|input| input.stage.clone()).collect()))
        .collect();
    let used = axes_used(&axes, &inputs);
    let label = |name: &str| format!("{} · {name}", cell_name(coordinates, seed, |axis| used[name].contains(axis)));
    let nodes = builder
        .add(&instance.stages, label)
        .map_err(|errors| errors.iter().map(|error| pipeline.wiring(error)).collect::<Vec<_>>())?;

    let read: BTreeSet<&String> = inputs.values().flatten().collect();
    let ends = nodes.iter().filter(|(name, _)| !read.contains(name)).map(|(_, id)| *id).collect();
    let made_by = |kind: &str| {
        instance.stages.iter().find(|(_, member)| member.identity.kind == kind).map(|(name, _)| nodes[name])
    };
    Ok(Cell {
        name: cell_name(coordinates, seed, |_| true),
        coordinates: coordinates.iter().map(|(axis, value)| (axis.clone(), value.to_string())).collect(),
        seed,
        ends,
        ranks: made_by("evaluate"),
        dataset: made_by("split"),
        synthetic: made_by("synth").is_some(),
    })
}

/// The axes that each stage depends on, itself or through what it reads: each stage after its inputs, without recursion.
fn axes_used<'a>(
    own: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    inputs: &'a BTreeMap<&'a str, Vec<String>>,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut entered = BTreeSet::new();
    let mut open: Vec<(&str, bool)> = inputs.keys().map(|name| (*name, false)).collect();
    while let Some((name, inputs_are_known)) = open.pop() {
        if inputs_are_known {
            let mut axes = BTreeSet::from(["dataset"]);
            axes.extend(&own[name]);
            for input in &inputs[name] {
                axes.extend(used.get(input.as_str()).into_iter().flatten());
            }
            used.insert(name, axes);
        } else if entered.insert(name) {
            open.push((name, true));
            // An input that is not there, or a cycle, is told by the graph.
            let known = inputs[name].iter().filter_map(|input| inputs.get_key_value(input.as_str()));
            open.extend(known.map(|(input, _)| (*input, false)));
        }
    }
    used
}

/// `demo/mkm-sr/seed=3`: data set and model bare, further axes and the seed with their names.
fn cell_name(coordinates: &BTreeMap<String, AxisValue>, seed: u64, uses: impl Fn(&str) -> bool) -> String {
    let mut parts: Vec<String> = ["dataset", "model"]
        .iter()
        .filter(|axis| uses(axis))
        .filter_map(|axis| coordinates.get(*axis))
        .map(ToString::to_string)
        .collect();
    for (axis, value) in coordinates {
        if !["dataset", "model"].contains(&axis.as_str()) && uses(axis) {
            parts.push(format!("{axis}={value}"));
        }
    }
    if uses("seed") {
        parts.push(format!("seed={seed}"));
    }
    parts.join("/")
}

/// Every combination of the axes but those excluded; `dataset` turns slowest, then `model`, then the rest by name.
fn combinations(file: &ExperimentFile) -> Vec<BTreeMap<String, AxisValue>> {
    let grid = &file.experiment.grid;
    let mut axes: Vec<(&String, &Vec<AxisValue>)> = grid.product.iter().collect();
    axes.sort_by_key(|(axis, _)| match axis.as_str() {
        "dataset" => (0, String::new()),
        "model" => (1, String::new()),
        other => (2, other.to_owned()),
    });
    let mut combinations = vec![BTreeMap::new()];
    for (axis, values) in axes {
        combinations = combinations
            .into_iter()
            .flat_map(|so_far: BTreeMap<String, AxisValue>| {
                values.iter().map(move |value| {
                    let mut next = so_far.clone();
                    next.insert(axis.clone(), value.clone());
                    next
                })
            })
            .collect();
    }
    combinations
        .retain(|cell| !grid.exclude.iter().any(|out| out.iter().all(|(axis, value)| cell.get(axis) == Some(value))));
    combinations
}
