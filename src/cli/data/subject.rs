//! Which data set a command is about: one of an experiment, or that of a pipeline; and which of its stages.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use clap::Args;
use serde_json::{Value, json};

use crate::artifact::ArtifactKind;
use crate::cli::CommandError;
use crate::data::protocol::Protocol;
use crate::data::statistics::Source;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Document, Setting};
use crate::experiment::{Choice, ExperimentFile};
use crate::pipeline::{Filled, Instance, PipelineFile};
use crate::project::Project;
use crate::stage::{Settings, Surroundings};

/// A data set on the command line.
#[derive(Debug, Args)]
pub(super) struct Of {
    /// An experiment file, or a pipeline file whose places all have defaults.
    pub(super) file: Utf8PathBuf,
    /// Of an experiment: which of its data sets.
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// The stage that is looked at [default: the sessions that the pipeline splits].
    #[arg(long, value_name = "NAME")]
    pub(super) stage: Option<String>,
    /// The folder that holds raw files [default: `data` in the project].
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<Utf8PathBuf>,
    /// Lay a profile of the experiment file over it.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Set one value of the experiment; may be given again.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<Setting>,
}

/// A data set that is looked at.
pub(super) struct Subject {
    /// What its page is called.
    pub(super) name: String,
    pub(super) pipeline: PipelineFile,
    /// The values of the pipeline's places.
    values: BTreeMap<String, Value>,
    seed: u64,
    protocol: Protocol,
    /// Axes on which its cells differ.
    apart: BTreeSet<String>,
    /// The command that makes its stages.
    pub(super) command: String,
}

impl Of {
    /// The data set.
    pub(super) fn subject(&self) -> Result<Subject, CommandError> {
        if Document::read(&self.file)?.value.get("stages").is_some() {
            self.of_pipeline()
        } else {
            self.of_experiment()
        }
    }

    fn of_pipeline(&self) -> Result<Subject, CommandError> {
        let odd = [
            ("--dataset", self.dataset.is_some()),
            ("--profile", self.profile.is_some()),
            ("--set", !self.set.is_empty()),
        ];
        if let Some((argument, _)) = odd.into_iter().find(|(_, given)| *given) {
            let message = format!("`{argument}` is for an experiment, and `{}` is a pipeline", self.file);
            return Err(Diagnostic::new(message)
                .help("take it out, or name an experiment that uses the pipeline")
                .into());
        }
        let pipeline = PipelineFile::read(&self.file)?;
        let protocol = serde_json::from_value(json!({})).map_err(std::io::Error::other)?;
        Ok(Subject {
            name: self.file.file_stem().unwrap_or("pipeline").to_owned(),
            values: pipeline.defaults(),
            pipeline,
            seed: 1,
            protocol,
            apart: BTreeSet::new(),
            command: "sr-pipe run EXPERIMENT` with an experiment that uses the pipeline".to_owned(),
        })
    }

    fn of_experiment(&self) -> Result<Subject, CommandError> {
        let choice = Choice { profile: self.profile.clone(), settings: self.set.clone(), ..Choice::default() };
        let mut file = ExperimentFile::read(&self.file, &choice)?;
        let known: Vec<&str> = file.experiment.datasets.keys().map(String::as_str).collect();
        let name = match (&self.dataset, &known[..]) {
            (Some(name), known) if known.contains(&name.as_str()) => name.clone(),
            (Some(name), known) => {
                let error = Diagnostic::new(format!("unknown data set `{name}`"));
                let error = error.argument("--dataset", name, 0, name.chars().count());
                return Err(error.help(suggestion(name, known)).into());
            }
            (None, [only]) => (*only).to_owned(),
            (None, known) => {
                let help = format!("choose one with `--dataset NAME`: {}", known.join(", "));
                return Err(Diagnostic::new("the experiment has several data sets").help(help).into());
            }
        };
        let cells = || file.points.points.iter().filter(|point| point.coordinates.get("dataset") == Some(&name));
        let Some(first) = cells().next() else {
            return Err(Diagnostic::new(format!("the grid has no cell of data set `{name}`")).into());
        };
        let apart = first
            .coordinates
            .iter()
            .filter(|(axis, value)| cells().any(|cell| cell.coordinates.get(*axis) != Some(value)))
            .map(|(axis, _)| axis.clone())
            .chain(cells().any(|cell| cell.seed != first.seed).then(|| "seed".to_owned()))
            .collect();
        let Some(pipeline) = file.pipelines.remove(&name) else {
            return Err(Diagnostic::new(format!("data set `{name}` has no pipeline")).into());
        };
        let mut values = pipeline.defaults();
        values.extend(file.experiment.datasets[&name].with.clone());
        values.extend(first.values.iter().map(|(axis, value)| (axis.clone(), json!(value))));
        values.insert("seed".into(), json!(first.seed));
        let data = self.data.as_ref().map(|data| format!(" --data {data}")).unwrap_or_default();
        Ok(Subject {
            command: format!("sr-pipe run {}{}{data}`", self.file, choice.arguments()),
            name: format!("{name}{}", choice.suffix()),
            seed: first.seed,
            protocol: file.protocol(),
            pipeline,
            values,
            apart,
        })
    }
}

impl Subject {
    /// The stages that are looked at, with all that they are made of.
    pub(super) fn instance(&self, stage: Option<&str>, project: &Project) -> Result<Instance, CommandError> {
        let of_kind = |kind: &'static str| self.pipeline.stages_of(kind).map(str::to_owned);
        let mut goals: BTreeSet<String> = match stage {
            Some(stage) => BTreeSet::from([stage.to_owned()]),
            None => of_kind("split").chain(of_kind("filter")).chain(of_kind("sessionize")).collect(),
        };
        // A stage of sessions is profiled with the dataset that is made of it.
        goals.extend(of_kind("split"));
        let models = BTreeMap::new();
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let surroundings = Surroundings { root: project.root.clone(), variables };
        let (seed, protocol) = (self.seed, &self.protocol);
        let settings = Settings { seed, protocol, trainer: None, models: &models, surroundings: &surroundings };
        let instance = self.pipeline.instantiate(&self.values, &settings, &mut Filled::default(), Some(&goals))?;
        if let Some((stage, axis)) = instance.stages.keys().find_map(|stage| {
            let axis = self.pipeline.places(stage).find(|place| self.apart.contains(*place));
            axis.map(|axis| (stage, axis))
        }) {
            let message = format!("stage `{stage}` depends on `{axis}`, which has several values in the grid");
            return Err(Diagnostic::new(message)
                .help(format!(
                    "choose one: `--set 'grid.product.{axis}=[VALUE]'`, or `--set 'grid.seeds=[N]'` for the seed"
                ))
                .into());
        }
        Ok(instance)
    }

    /// The stages that are read: the one named, else what the pipeline splits, and the split.
    pub(super) fn choose(
        &self,
        stage: Option<&str>,
        instance: &Instance,
    ) -> Result<BTreeMap<Source, String>, Diagnostic> {
        let makes = |stage: &str, kind: ArtifactKind| {
            instance.stages.get(stage).is_some_and(|member| member.stage.output() == kind)
        };
        let names = |kind: ArtifactKind| -> Vec<&str> {
            instance.stages.keys().map(String::as_str).filter(|stage| makes(stage, kind)).collect()
        };
        let reads = |stage: &str, kind: ArtifactKind| {
            let inputs = instance.stages.get(stage).into_iter().flat_map(|member| &member.inputs);
            inputs.map(|input| input.stage.as_str()).find(|input| makes(input, kind))
        };
        let datasets = names(ArtifactKind::Dataset);
        let sessions = match stage {
            Some(stage) if makes(stage, ArtifactKind::Sessions) => Some(stage),
            Some(stage) if makes(stage, ArtifactKind::Dataset) => reads(stage, ArtifactKind::Sessions),
            Some(stage) => {
                let known = [names(ArtifactKind::Sessions), datasets].concat();
                let message = format!("stage `{stage}` of the pipeline makes neither sessions nor a dataset");
                let error = Diagnostic::new(message).argument("--stage", stage, 0, stage.chars().count());
                return Err(error.help(suggestion(stage, &known)));
            }
            None => datasets.iter().find_map(|dataset| reads(dataset, ArtifactKind::Sessions)).or_else(|| {
                // Without a split, the sessions that no other stage of sessions reads.
                let all = names(ArtifactKind::Sessions);
                all.iter()
                    .copied()
                    .find(|one| all.iter().all(|other| reads(other, ArtifactKind::Sessions) != Some(one)))
            }),
        };
        let Some(sessions) = sessions else {
            return Err(Diagnostic::new("the pipeline makes no sessions").help("add a `sessionize` stage"));
        };
        let dataset = stage.filter(|stage| makes(stage, ArtifactKind::Dataset)).or_else(|| {
            datasets.iter().copied().find(|dataset| reads(dataset, ArtifactKind::Sessions) == Some(sessions))
        });
        let mut chosen = BTreeMap::from([(Source::Sessions, sessions.to_owned())]);
        chosen.extend(dataset.map(|dataset| (Source::Dataset, dataset.to_owned())));
        let mut above = Some(sessions);
        while let Some(stage) = above {
            if let Some(events) = reads(stage, ArtifactKind::Events) {
                chosen.insert(Source::Events, events.to_owned());
                break;
            }
            above = reads(stage, ArtifactKind::Sessions);
        }
        Ok(chosen)
    }
}
