//! `synth`: raw files in the layout of a real log, made up with planted structure (see `crate::synth::market`).

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::plain;
use super::share;
use crate::artifact::ArtifactKind;
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
use crate::synth::jdata;
use crate::synth::market::Shape;

/// Makes raw files up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How they are laid out.
    pub format: Format,
    /// Same seed, same bytes. It is the data's own, and does not change with the seeds of an experiment.
    #[serde(default = "one")]
    pub seed: u64,
    /// Items, rounded up to whole brands of twelve.
    #[serde(default = "items")]
    pub items: usize,
    /// Users.
    #[serde(default = "users")]
    pub users: usize,
    /// Sessions, of about six actions each.
    #[serde(default = "sessions")]
    pub sessions: usize,
    /// Days that the log covers.
    #[serde(default = "days")]
    pub days: usize,
    /// The probability that the next item follows no rule.
    #[serde(default = "share::tenth", deserialize_with = "share::read")]
    pub noise: f64,
    /// The probability that the next item is the same one again.
    #[serde(default = "share::tenth", deserialize_with = "share::read")]
    pub repeat: f64,
    /// The share of brands in which an item comes to the market only in the last tenth of the time: cold items.
    #[serde(default = "share::tenth", deserialize_with = "share::read")]
    pub late: f64,
}

/// Layouts of raw files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JDATA 2019: `jdata_action.csv` and `jdata_product.csv`.
    Jdata,
}

fn one() -> u64 {
    1
}

fn items() -> usize {
    600
}

fn users() -> usize {
    1200
}

fn sessions() -> usize {
    3000
}

fn days() -> usize {
    14
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("synth", "1", self, &[])
    }

    fn inputs(&self) -> Vec<Input> {
        Vec::new()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Raw
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        self.write(&task.output)
    }
}

impl Config {
    /// Writes the raw files into a folder.
    ///
    /// # Errors
    /// When a count is out of range, or the folder cannot be written.
    pub fn write(&self, folder: &Utf8Path) -> Result<(), StageError> {
        let shape = self.shape()?;
        match self.format {
            Format::Jdata => jdata::write(folder, shape, self.seed)?,
        }
        Ok(())
    }

    fn shape(&self) -> Result<Shape, Diagnostic> {
        let counts = [("items", self.items), ("users", self.users), ("sessions", self.sessions), ("days", self.days)];
        for (name, count) in counts {
            if count == 0 || count > 1 << 32 {
                return Err(Diagnostic::new(format!("`{name}` is {count}")).help("it must be from 1 to 2^32"));
            }
        }
        Ok(Shape {
            items: self.items,
            users: self.users,
            sessions: self.sessions,
            days: self.days,
            noise: self.noise,
            repeat: self.repeat,
            late: self.late,
        })
    }
}
