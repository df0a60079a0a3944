//! One line of the list of models: its names, what it needs, and the functions that build it from JSON.

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tch::Device;

use super::{Catalog, Counting, Gradient, Model, Network};
use crate::error::TrainerError;
use crate::nn::{Initializer, Parameters};

/// What a model wants to see beside items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// The operations of the events.
    pub operations: bool,
    /// A knowledge folder.
    pub knowledge: bool,
    /// Vectors of items and operations to begin with.
    pub vectors: bool,
}

impl Needs {
    /// Items alone.
    pub const ITEMS: Self = Self { operations: false, knowledge: false, vectors: false };
    /// Operations too.
    pub const OPERATIONS: Self = Self { operations: true, ..Self::ITEMS };
}

/// A model in the list.
#[derive(Debug)]
pub struct Entry {
    /// Its name in experiments.
    pub name: &'static str,
    /// Its name in tables.
    pub title: &'static str,
    /// What kind of model it is.
    pub family: &'static str,
    /// Who published it, where.
    pub paper: &'static str,
    /// The file of `src/model` that defines it, without `.rs`.
    pub source: &'static str,
    /// What it wants to see.
    pub needs: Needs,
    /// Whether it is a plain rule that learns nothing, which a model has to beat to be worth its training.
    pub floor: bool,
    default_config: fn() -> Value,
    config_schema: fn() -> Value,
    build: fn(&Value, Catalog, Option<u64>, Device) -> Result<Model, TrainerError>,
}

/// The config of a counting model.
pub trait CountingConfig {
    /// The model, before it has counted.
    fn build(&self, catalog: Catalog, device: Device) -> Box<dyn Counting>;
}

/// The config of a model that learns by gradient.
pub trait GradientConfig {
    /// The layers, with weights drawn by `weights`.
    ///
    /// # Errors
    /// When the data lack something that this config wants.
    fn build(&self, catalog: Catalog, weights: &mut Initializer) -> Result<Box<dyn Gradient>, TrainerError>;
}

/// A line for a model that counts.
pub(super) const fn counting<C>(
    name: &'static str,
    title: &'static str,
    family: &'static str,
    paper: &'static str,
    source: &'static str,
) -> Entry
where
    C: CountingConfig + Default + Serialize + DeserializeOwned + JsonSchema,
{
    Entry {
        name,
        title,
        family,
        paper,
        source,
        needs: Needs::ITEMS,
        floor: false,
        default_config: defaults_of::<C>,
        config_schema: schema_of::<C>,
        build: |config, catalog, _, device| Ok(Model::Counting(parse::<C>(config)?.build(catalog, device))),
    }
}

/// A line for a model that learns by gradient.
pub(super) const fn gradient<C>(
    name: &'static str,
    title: &'static str,
    family: &'static str,
    paper: &'static str,
    source: &'static str,
) -> Entry
where
    C: GradientConfig + Default + Serialize + DeserializeOwned + JsonSchema,
{
    Entry {
        name,
        title,
        family,
        paper,
        source,
        needs: Needs::ITEMS,
        floor: false,
        default_config: defaults_of::<C>,
        config_schema: schema_of::<C>,
        build: |config, catalog, seed, device| {
            let mut weights = seed.map_or_else(Initializer::blank, Initializer::new);
            let layers = parse::<C>(config)?.build(catalog, &mut weights)?;
            let parameters = Parameters::gather(weights, device);
            let parameters = match layers.knowledge_task() {
                Some(task) => parameters.with_second_task(task.weights()),
                None => parameters,
            };
            Ok(Model::Gradient(Network { layers, parameters }))
        },
    }
}

impl Entry {
    /// The same line with other needs.
    pub(super) const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    /// The same line for a plain rule that learns nothing.
    pub(super) const fn floor(self) -> Self {
        Self { floor: true, ..self }
    }

    /// The same line with another default config.
    pub(super) const fn defaults(self, default_config: fn() -> Value) -> Self {
        Self { default_config, ..self }
    }

    /// The whole default config.
    #[must_use]
    pub fn default_config(&self) -> Value {
        (self.default_config)()
    }

    /// The default config with other values for some of its keys.
    #[must_use]
    pub fn config_with(&self, keys: &Map<String, Value>) -> Value {
        let mut config = self.default_config();
        for (key, value) in keys {
            config[key] = value.clone();
        }
        config
    }

    /// The JSON Schema of its config.
    #[must_use]
    pub fn schema(&self) -> Value {
        (self.config_schema)()
    }

    /// Builds the model; weights are drawn from `seed` on the host, so that they are the same on every device. Without a
    /// seed they are zero: others will be read into them.
    ///
    /// # Errors
    /// When the config is wrong, or the data lack what the model needs.
    pub fn build(
        &self,
        config: &Value,
        catalog: Catalog,
        seed: Option<u64>,
        device: Device,
    ) -> Result<Model, TrainerError> {
        if self.needs.knowledge && catalog.relations == 0 {
            let message = format!("`{}` learns from knowledge, but the job names none", self.name);
            return Err(TrainerError::data(message, "give the stage a `knowledge` input, or train `m-sr`"));
        }
        (self.build)(config, catalog, seed, device)
    }
}

fn parse<C: DeserializeOwned>(config: &Value) -> Result<C, TrainerError> {
    C::deserialize(config)
        .map_err(|error| TrainerError::job(format!("config: {error}"), "see `describe` for the schema of the config"))
}

fn defaults_of<C: Default + Serialize>() -> Value {
    serde_json::to_value(C::default()).expect("a config is plain data")
}

fn schema_of<C: JsonSchema>() -> Value {
    serde_json::to_value(schema_for!(C)).expect("a schema is plain data")
}
