//! The `train` verb and its loop: lessons from knowledge, a pass over the sessions, a ranking, a checkpoint.

mod checkpoint;
mod knowledge;
mod lanes;
mod negatives;
mod pairs;
mod passes;
mod selection;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use tch::{Device, Tensor};

pub use checkpoint::{Checkpoint, KeptWeights, Progress};
pub use selection::{Best, Judges, Kept};

use crate::dataset::{Dataset, Knowledge, Part, PartName};
use crate::describe::code;
use crate::error::TrainerError;
use crate::evaluate::{ModelFile, Selected, rank};
use crate::event::{Event, Peaks, Stopwatch};
use crate::job::{Job, Selection};
use crate::model::{Catalog, Entry, Model, Training};
use crate::nn::Optimizer;
use crate::seed::{Stream, start_libtorch};
use crate::vectors::Vectors;

pub(crate) use knowledge::{Lessons, Tally};
pub(crate) use passes::Passes;

/// The `train` verb: trains the model of `job` and writes `model.json`, `curve.jsonl` and the kept weights.
///
/// # Errors
/// When the job and the data do not fit together, or training diverges.
pub fn train(job: &Job, entry: &Entry, device: Device) -> Result<(), TrainerError> {
    let watch = Stopwatch::default();
    let missing = |field: &str| TrainerError::job(format!("`{field}` is missing"), "a `train` job names it");
    let selection = job.selection.as_ref().ok_or_else(|| missing("selection"))?;
    let judges = Judges::new(selection)?;
    let Opened { dataset, knowledge, catalog, mut model } = Opened::of(job, entry, &[selection.part], device)?;
    for name in [PartName::Train, selection.part] {
        if dataset.part(name).samples() == 0 {
            let message = format!("the `{}` part has no samples", name.as_str());
            return Err(TrainerError::data(message, "choose other data, or another part to pick the epoch on"));
        }
    }

    let start = |parameters, samples, epochs| {
        Event::Start { model: entry.name, parameters, samples, epochs, device: &job.device }.say();
    };
    let (progress, kept) = if let Model::Counting(counts) = &mut model {
        start(0, dataset.part(PartName::Train).samples(), 0);
        counts.fit(dataset.part(PartName::Train));
        let best = Best { epoch: 0, metrics: BTreeMap::new() };
        let kept = Kept { best: BTreeMap::from([("best".to_owned(), best)]), barren: 0 };
        (Progress { kept, ..Progress::default() }, KeptWeights::from([("best".to_owned(), model.state())]))
    } else {
        let folder = job.checkpoint.as_deref().ok_or_else(|| missing("checkpoint"))?;
        let run = Run {
            digest: digest(job, entry, selection),
            passes: Passes { seed: job.seed, part: dataset.part(PartName::Train), catalog },
            judge_part: dataset.part(selection.part),
            judges,
            knowledge: knowledge.as_ref(),
            evaluation_share: job.evaluation_share,
            checkpoint: Checkpoint::at(folder)?,
        };
        run.learn(&model, |training, samples| start(model.parameter_count(), samples, training.epochs.get()))?
    };
    write_output(job, catalog, &progress, &kept)?;
    Event::Done { seconds: watch.seconds(), peaks: Peaks::of(device) }.say();
    Ok(())
}

/// All that stays the same from epoch to epoch.
struct Run<'a> {
    digest: String,
    passes: Passes<'a>,
    judge_part: &'a Part,
    judges: Judges,
    knowledge: Option<&'a Knowledge>,
    evaluation_share: f64,
    checkpoint: Checkpoint,
}

impl Run<'_> {
    /// The loop over epochs. `started` hears how many samples an epoch has.
    fn learn(
        &self,
        model: &Model,
        started: impl FnOnce(&Training, usize),
    ) -> Result<(Progress, KeptWeights), TrainerError> {
        let Model::Gradient(network) = model else { unreachable!("models that count have no epochs") };
        let training = network.layers.training();
        let epochs = training.epochs.get();
        let Passes { seed, part, catalog } = self.passes;
        let samples = self.passes.samples(network);
        started(training, samples);
        let device = part.items.device();
        let mut optimizer = Optimizer::new(training.optimizer, &network.parameters);
        let lessons = Lessons::new(network, self.knowledge, seed);
        let resumed = self.checkpoint.load(&self.digest, network, &optimizer)?;
        let (mut progress, mut kept) = resumed
            .unwrap_or_else(|| (Progress { job: self.digest.clone(), ..Progress::default() }, KeptWeights::new()));

        while progress.epoch < epochs && !progress.kept.is_exhausted(training) {
            let watch = Stopwatch::default();
            let epoch = progress.epoch + 1;
            let mut tally = Tally::new(device);
            if let Some(lessons) = &lessons {
                lessons.before(epoch, &mut optimizer, &mut tally);
            }
            let session_watch = Stopwatch::default();
            start_libtorch(seed, Stream::Noise, epoch);
            let passed = self.passes.pass(network, &mut optimizer, epoch, |batch| match &lessons {
                Some(lessons) => lessons.beside(batch, &mut tally),
                None => Ok(()),
            })?;
            let loss = passed.loss;
            let knowledge_loss = tally.mean()?;
            let samples_per_second = session_watch.speed(samples);

            let ranks = rank(model, self.judge_part, catalog.items, self.evaluation_share, |_| ())?;
            let metrics = self.judges.measure(&ranks)?;
            for name in progress.kept.offer(&self.judges, training, epoch, &metrics) {
                kept.insert(name, model.state());
            }
            let mut line = json!({ "epoch": epoch, "loss": loss });
            if let Some(knowledge_loss) = knowledge_loss {
                line["knowledge_loss"] = json!(knowledge_loss);
            }
            line["metrics"] = json!(metrics);
            progress.curve.push(line.to_string());
            progress.epoch = epoch;
            self.checkpoint.save(&progress, network, &optimizer, &kept)?;
            let (seconds, peaks) = (watch.seconds(), Peaks::of(device));
            let metrics = &metrics;
            Event::Epoch { epoch, epochs, loss, knowledge_loss, metrics, seconds, samples_per_second, peaks }.say();
        }
        Ok((progress, kept))
    }
}

/// What a `train` job names, opened, and the model that learns from it.
pub(crate) struct Opened {
    pub(crate) dataset: Dataset,
    pub(crate) knowledge: Option<Knowledge>,
    pub(crate) catalog: Catalog,
    pub(crate) model: Model,
}

impl Opened {
    /// Opens the training part and those of `others`.
    pub(crate) fn of(job: &Job, entry: &Entry, others: &[PartName], device: Device) -> Result<Self, TrainerError> {
        let names: Vec<PartName> = [&[PartName::Train], others].concat();
        let dataset = Dataset::open(&job.inputs.dataset, &names, device)?;
        let knowledge = job.inputs.knowledge.as_deref();
        let knowledge = knowledge.map(|path| Knowledge::open(path, dataset.meta.items, device)).transpose()?;
        let catalog = Catalog::new(dataset.meta.items, dataset.meta.operations, knowledge.as_ref());
        let model = entry.build(&job.config, catalog, Some(job.seed), device)?;
        if let Model::Gradient(network) = &model {
            let open = |path: &PathBuf| Vectors::open(path, catalog.items, catalog.operations);
            network.begin_with(job.inputs.vectors.as_ref().map(open).transpose()?.as_ref())?;
        }
        Ok(Self { dataset, knowledge, catalog, model })
    }
}

/// What a checkpoint must agree with: everything that decides the numbers but the content of the inputs, which the
/// attempt folder stands for.
fn digest(job: &Job, entry: &Entry, selection: &Selection) -> String {
    let parts = json!([job.model, job.config, selection, job.seed, job.device, job.threads, code(entry)]);
    blake3::hash(parts.to_string().as_bytes()).to_hex().to_string()
}

fn write_output(job: &Job, catalog: Catalog, progress: &Progress, kept: &KeptWeights) -> Result<(), TrainerError> {
    let mut selected = Vec::new();
    for (name, weights) in kept {
        let file = format!("{name}.safetensors");
        let host: Vec<_> = weights.iter().map(|(name, tensor)| (name, tensor.to_device(Device::Cpu))).collect();
        Tensor::write_safetensors(&host, job.output.join(&file))?;
        let Best { epoch, metrics } = progress.kept.best[name].clone();
        selected.push(Selected { name: name.clone(), epoch, file, metrics });
    }
    let curve: String = progress.curve.iter().map(|line| format!("{line}\n")).collect();
    write(&job.output.join("curve.jsonl"), &curve)?;
    let file = ModelFile { version: 1, model: job.model.clone(), config: job.config.clone(), catalog, selected };
    let text = serde_json::to_string_pretty(&file).expect("a model file is plain data");
    write(&job.output.join("model.json"), &format!("{text}\n"))
}

fn write(path: &Path, text: &str) -> Result<(), TrainerError> {
    File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(TrainerError::file(path))
}
