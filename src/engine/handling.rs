//! How a stage is to be handled: what it needs of the machine, its limits, and what becomes of its result.
//! A pipeline says so beside the stage's config; none of it enters the key, since none of it changes the bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unit::{Size, Span};

/// What a pipeline says of a stage beside its config. Left out means: as the stage itself knows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Handling {
    /// What it needs of the machine; it starts only when that much is free.
    pub resources: Needs,
    /// What it may use at most; it is ended when it takes more.
    pub limits: Limits,
    /// How often it is tried again after it ran out of memory or its process was lost.
    pub retries: Option<u32>,
    /// True for a result that is dropped as soon as all that reads it is done, and made again when it is needed.
    pub temp: bool,
    /// True for a stage that keeps its newest result, whatever has changed since.
    pub frozen: bool,
}

/// What a stage needs of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Needs {
    /// Cores.
    pub cpu: Option<usize>,
    /// Memory, `4GB`.
    pub memory: Option<Size>,
    /// GPUs; a fraction for a share of one: `0.25` lets four such stages use one GPU.
    pub gpu: Option<f64>,
}

/// What a stage may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Time of one attempt, `2h`.
    pub time: Option<Span>,
    /// Memory of its processes together, `8GB`.
    pub memory: Option<Size>,
}

impl Handling {
    /// The keys of this type, as they stand in a pipeline beside the kind of stage.
    pub const KEYS: [&str; 5] = ["resources", "limits", "retries", "temp", "frozen"];
}
