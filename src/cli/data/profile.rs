//! `sr-pipe data profile`: a page about a data set, from its sealed stages.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use clap::Args;
use serde_json::{Value, json};

use crate::artifact::{ArtifactKind, Gate, Store};
use crate::cli::{CommandError, Ending, block_on, say};
use crate::data::protocol::Protocol;
use crate::data::statistics::Source;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Document, Setting};
use crate::engine::stage::StageError;
use crate::engine::{GraphBuilder, Plan, Planner, Status};
use crate::experiment::{Choice, ExperimentFile};
use crate::pipeline::{Filled, Instance, PipelineFile};
use crate::project::{Project, write_atomically};
use crate::record::Records;
use crate::report::profile::{Measures, Profile};
use crate::stage::{Settings, Surroundings};

/// Write a page about a data set: session length, item frequency, operations, gaps, repeats, users, cold targets.
///
/// It reads what a run has made, and runs nothing. The page is written as `results/profile-NAME.md`, and with plots as
/// `results/profile-NAME.html`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// An experiment file, or a pipeline file whose places all have defaults.
    file: Utf8PathBuf,
    /// Of an experiment: which of its data sets.
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// The stage that makes the sessions or the dataset [default: what the pipeline splits, and the split].
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// The folder that holds raw files [default: `data` in the project].
    #[arg(long, value_name = "DIR")]
    data: Option<Utf8PathBuf>,
    /// Lay a profile of the experiment file over it.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Set one value of the experiment; may be given again.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<Setting>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let subject = if Document::read(&arguments.file)?.value.get("stages").is_some() {
        arguments.of_pipeline()?
    } else {
        arguments.of_experiment()?
    };
    block_on(arguments.write(&subject))
}

/// A data set that is to be profiled.
struct Subject {
    /// What its page is called.
    name: String,
    pipeline: PipelineFile,
    /// The values of the pipeline's places.
    values: BTreeMap<String, Value>,
    seed: u64,
    protocol: Protocol,
    /// Axes on which its cells differ.
    apart: BTreeSet<String>,
    /// The command that makes its stages.
    command: String,
}

impl Arguments {
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

    async fn write(&self, subject: &Subject) -> Result<Ending, CommandError> {
        let project = Project::of(&self.file.canonicalize_utf8()?);
        let data = self.data.clone().unwrap_or_else(|| project.root.join("data"));
        let (records, store) = (Records::open(&project.state()).await?, Store::new(&project.state()));
        let instance = subject.instance(self.stage.as_deref(), &project)?;
        let chosen = subject.choose(self.stage.as_deref(), &instance)?;
        let mut builder = GraphBuilder::default();
        let nodes = builder
            .add(&instance.stages, |stage| format!("{} · {stage}", subject.name))
            .map_err(|errors| errors.iter().map(|error| subject.pipeline.wiring(error)).collect::<Vec<_>>())?;
        // No collection takes an object away while it is read.
        let _gate = records.writable().then(|| Gate::share(&project.state())).transpose()?;
        let plan = Planner::new(&records, &store, &data).await?.plan(&builder.finish()).await?;
        let mut folders = BTreeMap::new();
        let mut stages = BTreeMap::new();
        for (source, stage) in &chosen {
            match sealed(&plan, nodes[stage], &store) {
                Some((folder, digest)) => {
                    folders.insert(*source, folder);
                    stages.insert(stage.clone(), digest);
                }
                // The log is only counted, where it is there.
                None if *source == Source::Events => {}
                None => {
                    let message = format!("stage `{stage}` of `{}` has no result to profile", subject.name);
                    return Err(Diagnostic::new(message).help(format!("run it first: `{}", subject.command)).into());
                }
            }
        }
        let Some(sessions) = folders.get(&Source::Sessions) else {
            return Err(Diagnostic::new("there are no sessions to profile").into());
        };
        let given = folders.iter().map(|(source, folder)| (*source, folder.as_path())).collect();
        let measures = Measures::of(&given, sessions, &mut |_, _, _| Ok(())).map_err(|error| match error {
            StageError::Data(diagnostic) => CommandError::from(*diagnostic),
            StageError::Io(error) => CommandError::Io(error),
            other => Diagnostic::new(other.to_string()).into(),
        })?;
        let page = Profile {
            name: &subject.name,
            synthetic: instance.stages.values().any(|member| member.identity.kind == "synth"),
            measures: &measures,
            stages: &stages,
            tool_version: concat!("sr-pipe ", env!("CARGO_PKG_VERSION")),
        };
        let file = format!("profile-{}", file_name(&subject.name, self.stage.as_deref()));
        for (ending, text) in [("md", page.markdown()), ("html", page.html())] {
            let path = project.results().join(format!("{file}.{ending}"));
            write_atomically(&path, text.as_bytes())?;
            say(&format!("wrote {}", project.relative(&path)));
        }
        Ok(Ending::Done)
    }
}

/// The folder of a stage's result and its digest, where it is there.
fn sealed(plan: &Plan, node: usize, store: &Store) -> Option<(Utf8PathBuf, String)> {
    match &plan.statuses[node] {
        Status::Hit { object, .. } => Some((store.files(object), object.short())),
        _ => None,
    }
}

/// The name of a page's files: that of the data set, and of the stage where one was named.
fn file_name(name: &str, stage: Option<&str>) -> String {
    let whole = stage.map_or_else(|| name.to_owned(), |stage| format!("{name}-{stage}"));
    let plain = |letter: char| letter.is_alphanumeric() || "-_.@+".contains(letter);
    whole.chars().map(|letter| if plain(letter) { letter } else { '-' }).collect()
}

impl Subject {
    /// The stages of the pipeline that the profile needs.
    fn instance(&self, stage: Option<&str>, project: &Project) -> Result<Instance, CommandError> {
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
    fn choose(&self, stage: Option<&str>, instance: &Instance) -> Result<BTreeMap<Source, String>, Diagnostic> {
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
