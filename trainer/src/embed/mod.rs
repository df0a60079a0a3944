//! The `embed` verb: vectors learned ahead of a model, from the training sessions or from knowledge.

pub mod skip_gram;
pub mod transh;

use std::fs::File;
use std::io::Write as _;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tch::{Device, Tensor};

use crate::dataset::{Dataset, DatasetMeta, Knowledge, Part, PartName};
use crate::error::TrainerError;
use crate::event::{Event, Peaks, Stopwatch};
use crate::job::Job;

/// Every method that this trainer knows, in the order in which `describe` names them.
pub const METHODS: &[Method] = &[
    method::<skip_gram::Config>("skip-gram", "Skip-gram", "Mikolov et al., NIPS 2013", "skip_gram", skip_gram::learn),
    method::<transh::Config>("transh", "TransH", "Wang et al., AAAI 2014", "transh", transh::learn).with_knowledge(),
];

/// Tables of vectors by name, each `[rows, d]` float32 on the host.
type Learned = Vec<(&'static str, Tensor)>;

/// A method in the list.
#[derive(Debug)]
pub struct Method {
    /// Its name in pipelines.
    pub name: &'static str,
    /// Its name in tables.
    pub title: &'static str,
    /// Who published it, where.
    pub paper: &'static str,
    /// The file of `src/embed` that defines it, without `.rs`.
    pub source: &'static str,
    /// Whether it learns from triples.
    pub reads_knowledge: bool,
    /// The whole default config.
    pub default_config: fn() -> Value,
    /// The JSON Schema of its config.
    pub schema: fn() -> Value,
    learn: fn(&Value, &Material<'_>) -> Result<Learned, TrainerError>,
}

/// A line of the list.
const fn method<C>(
    name: &'static str,
    title: &'static str,
    paper: &'static str,
    source: &'static str,
    learn: fn(&Value, &Material<'_>) -> Result<Learned, TrainerError>,
) -> Method
where
    C: Default + Serialize + JsonSchema,
{
    Method {
        name,
        title,
        paper,
        source,
        reads_knowledge: false,
        default_config: || serde_json::to_value(C::default()).expect("a config is plain data"),
        schema: || serde_json::to_value(schema_for!(C)).expect("a schema is plain data"),
        learn,
    }
}

impl Method {
    const fn with_knowledge(self) -> Self {
        Self { reads_knowledge: true, ..self }
    }
}

/// Types a config.
fn parse<C: DeserializeOwned>(config: &Value) -> Result<C, TrainerError> {
    C::deserialize(config)
        .map_err(|error| TrainerError::job(format!("config: {error}"), "see `describe` for the schema of the config"))
}

/// What a method learns from.
struct Material<'a> {
    meta: &'a DatasetMeta,
    train: &'a Part,
    knowledge: Option<&'a Knowledge>,
    seed: u64,
}

impl Material<'_> {
    /// How many events the sessions have.
    fn events(&self) -> usize {
        usize::try_from(self.train.items.size()[0]).expect("a length is not negative")
    }

    /// Hears how much of `total` is done, and says so where it is time to.
    fn said(&self, total: usize) -> impl FnMut(usize) + use<> {
        let (mut watch, mut done) = (Stopwatch::default(), 0);
        move |more| {
            done += more;
            if watch.is_due() {
                let samples_per_second = watch.speed(done);
                Event::Progress { epoch: 1, epochs: 1, done, total, loss: None, samples_per_second }.say();
            }
        }
    }
}

/// The method called `name`.
///
/// # Errors
/// When there is none.
fn named(name: &str) -> Result<&'static Method, TrainerError> {
    METHODS.iter().find(|method| method.name == name).ok_or_else(|| {
        let known: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
        TrainerError::job(format!("unknown method `{name}`"), format!("the methods are {}", known.join(", ")))
    })
}

/// The `embed` verb: learns vectors by the method that `job` names as its model, and writes `vectors.safetensors` and
/// `meta.json`.
///
/// # Errors
/// When the job and the data do not fit together.
pub fn embed(job: &Job) -> Result<(), TrainerError> {
    let watch = Stopwatch::default();
    let method = named(&job.model)?;
    // The methods learn on the host, whatever the device of the job.
    let dataset = Dataset::open(&job.inputs.dataset, &[PartName::Train], Device::Cpu)?;
    let knowledge = job.inputs.knowledge.as_deref();
    let knowledge = knowledge.map(|path| Knowledge::open(path, dataset.meta.items, Device::Cpu)).transpose()?;
    let (train, knowledge) = (dataset.part(PartName::Train), knowledge.as_ref());
    let material = Material { meta: &dataset.meta, train, knowledge, seed: job.seed };
    let samples = material.events();
    Event::Start { model: method.name, parameters: 0, samples, epochs: 1, device: "cpu" }.say();
    let tables = (method.learn)(&job.config, &material)?;
    Tensor::write_safetensors(&tables, job.output.join("vectors.safetensors"))?;
    let rows = |(name, table): &(&str, Tensor)| ((*name).to_owned(), json!(table.size()));
    let shapes: serde_json::Map<String, Value> = tables.iter().map(rows).collect();
    let meta = json!({ "version": 1, "method": method.name, "config": job.config, "tables": shapes });
    let path = job.output.join("meta.json");
    let text = serde_json::to_string_pretty(&meta).expect("plain data");
    File::create(&path).and_then(|mut file| writeln!(file, "{text}")).map_err(TrainerError::file(&path))?;
    Event::Done { seconds: watch.seconds(), peaks: Peaks::of(Device::Cpu) }.say();
    Ok(())
}
