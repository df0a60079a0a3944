//! The grid written out: every cell with its name, its values and its place in one DAG that all cells share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::load::ExperimentFile;
use super::maps::MAPS;
use super::points::{Point, cell_name};
use super::settings::Choices;
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
    /// The node that counts its data set.
    pub statistics: Option<NodeId>,
    /// The node that makes its map.
    pub map: Option<NodeId>,
    /// The node that looks for leaks in its dataset.
    pub audit: Option<NodeId>,
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
    /// Wires the cells of the grid: those that were chosen, or those that were not, which a report shows beside them.
    ///
    /// # Errors
    /// Everything that is wrong, each message once.
    pub fn expand(
        file: &ExperimentFile,
        trainer: Option<&Arc<Trainer>>,
        surroundings: &Surroundings,
        chosen: bool,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut errors: Vec<Diagnostic> = trainer.map(|trainer| file.model_errors(trainer)).unwrap_or_default();
        if !errors.is_empty() {
            return Err(errors);
        }
        let (protocol, choices) = (file.protocol(), Choices::of(&file.experiment));
        // The seed, and what is said of models, are each cell's own.
        let settings = Settings { seed: 0, protocol: &protocol, trainer, models: &BTreeMap::new(), surroundings };
        let (builder, filled) = (GraphBuilder::default(), Filled::default());
        let mut wiring = Wiring { file, choices, settings, builder, filled };
        let mut cells = Vec::new();
        for (index, point) in file.points.points.iter().enumerate() {
            if file.chosen.as_ref().is_none_or(|chosen| chosen[index]) != chosen {
                continue;
            }
            match wiring.add(point) {
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
        if errors.is_empty() { Ok(Self { cells, graph: Arc::new(wiring.builder.finish()) }) } else { Err(errors) }
    }
}

/// What cells are wired from, and the DAG as far as it has come.
struct Wiring<'a> {
    file: &'a ExperimentFile,
    choices: Choices,
    settings: Settings<'a>,
    builder: GraphBuilder,
    filled: Filled,
}

impl Wiring<'_> {
    /// Fills in the pipeline of a cell and adds its stages to the DAG.
    fn add(&mut self, point: &Point) -> Result<Cell, Vec<Diagnostic>> {
        let Self { file, choices, settings, builder, filled } = self;
        let (coordinates, seed) = (&*point.coordinates, point.seed);
        let dataset = &coordinates["dataset"];
        let pipeline = &file.pipelines[dataset];
        let values = file.values(point).unwrap_or_default();
        let models = choices.filled(&values);
        let settings = Settings { seed, models: &models, ..*settings };
        let instance = pipeline.instantiate(&values, &settings, filled, Some(&file.goals(pipeline)))?;

        // A stage is named after the axes that it depends on, itself or through what it reads.
        let mut axes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, member) in &instance.stages {
            let choice = pipeline.model(name, &values).and_then(|model| models.get(&model));
            let places = choice.into_iter().flat_map(|choice| choice.filled.keys().map(String::as_str));
            let places = pipeline.places(name).chain(places);
            let mut own: BTreeSet<&str> =
                places.filter(|place| coordinates.contains_key(*place) || *place == "seed").collect();
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
        let label = |name: &str| {
            let used = &used[name];
            let cell = cell_name(coordinates, used.contains("seed").then_some(seed), |axis| used.contains(axis));
            format!("{cell} · {name}")
        };
        let nodes = builder
            .add(&instance.stages, label)
            .map_err(|errors| errors.iter().map(|error| pipeline.wiring(error)).collect::<Vec<_>>())?;

        let read: BTreeSet<&String> = inputs.values().flatten().collect();
        let ends = nodes.iter().filter(|(name, _)| !read.contains(name)).map(|(_, id)| *id).collect();
        let made_by = |kind: &str| {
            instance.stages.iter().find(|(_, member)| member.identity.kind == kind).map(|(name, _)| nodes[name])
        };
        Ok(Cell {
            name: point.name.clone(),
            coordinates: coordinates.clone(),
            seed,
            ends,
            ranks: made_by("evaluate"),
            dataset: made_by("split"),
            statistics: made_by("statistics"),
            map: made_by(MAPS),
            audit: made_by("audit"),
            synthetic: made_by("synth").is_some(),
        })
    }
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
