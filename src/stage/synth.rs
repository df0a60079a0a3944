//! `synth`: raw files in the layout of a real log, made up with planted structure (see `crate::synth`).

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::plain;
use super::{Complaint, share};
use crate::artifact::ArtifactKind;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};
use crate::synth::market::Shape;
use crate::synth::{Compress, Extent, Format, Request, SynthError, write};

/// Makes raw files up: a small log of a given shape, or with `rows` one of any size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How they are laid out. Only `jdata` takes a shape; the others want `rows`.
    pub format: Format,
    /// Same seed, same bytes. It is the data's own, and does not change with the seeds of an experiment.
    #[serde(default = "one")]
    pub seed: u64,
    /// Rows of the main log. Items and users grow with it as in the real data, unless they are given; the rest of the
    /// shape is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// How the files are packed; as their publisher does where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compress>,
    /// Items, rounded up to whole brands of twelve [default without `rows`: 600].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<usize>,
    /// Users [default without `rows`: 1200].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<usize>,
    /// Sessions, of about six actions each [default: 3000].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<usize>,
    /// Days that the log covers [default: 14].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<usize>,
    /// The probability that the next item follows no rule [default: 0.1].
    #[serde(default, deserialize_with = "share::read_optional", skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// The probability that the next item is the same one again [default: 0.1].
    #[serde(default, deserialize_with = "share::read_optional", skip_serializing_if = "Option::is_none")]
    pub repeat: Option<f64>,
    /// The share of brands in which an item comes to the market only in the last tenth of the time: cold items
    /// [default: 0.1].
    #[serde(default, deserialize_with = "share::read_optional", skip_serializing_if = "Option::is_none")]
    pub late: Option<f64>,
    /// Only these of its files, for a stage that reads all that it is given; all of them, and the truth, when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

fn one() -> u64 {
    1
}

/// The stage, where its size can be met.
///
/// # Errors
/// A size that contradicts itself or that the format does not have.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    match config.request().and_then(|request| request.check()) {
        Ok(()) => Ok(Arc::new(config)),
        Err(wrong) => Err(vec![Complaint { field: Vec::new(), message: wrong.message, help: wrong.help }]),
    }
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        // With the defaults filled in: what is written out and what is left out have the same key.
        match self.extent() {
            Ok(Extent::Shape(shape)) => plain("synth", "2", &Self { rows: None, ..self.shaped(shape) }, &[]),
            _ => plain("synth", "2", self, &[]),
        }
    }

    fn inputs(&self) -> Vec<Input> {
        Vec::new()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Raw
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let made = write(&task.output, &self.request()?, task.stop).map_err(|error| match error {
            SynthError::Request(diagnostic) => StageError::Data(diagnostic),
            SynthError::Io(error) if error.kind() == std::io::ErrorKind::Interrupted => StageError::Interrupted,
            SynthError::Io(error) => StageError::Io(error),
        })?;
        let names: Vec<&str> = made.files.iter().filter_map(|file| file.path.file_name()).collect();
        if let Some(stranger) = self.files.iter().find(|file| !names.contains(&file.as_str())) {
            return Err(Diagnostic::new(format!("this format has no file `{stranger}`"))
                .help(suggestion(stranger, &names))
                .into());
        }
        let wanted = |name: &str| self.files.is_empty() || self.files.iter().any(|file| file == name);
        for entry in task.output.read_dir_utf8()? {
            let entry = entry?;
            if !wanted(entry.file_name()) {
                fs_err::remove_file(entry.path())?;
            }
        }
        for file in made.files.iter().filter(|file| file.path.file_name().is_some_and(wanted)) {
            task.note(&format!("rows of {}", file.path.file_name().unwrap_or_default()), file.rows);
        }
        if !made.remarks.is_empty() {
            task.note("remarks", made.remarks);
        }
        Ok(())
    }
}

impl Config {
    /// What is wanted.
    ///
    /// # Errors
    /// When `rows` stands beside a measure of a shape.
    pub fn request(&self) -> Result<Request, Diagnostic> {
        Ok(Request { format: self.format, extent: self.extent()?, seed: self.seed, compress: self.compress })
    }

    fn extent(&self) -> Result<Extent, Diagnostic> {
        let Some(rows) = self.rows else {
            return Ok(Extent::Shape(Shape {
                items: self.items.unwrap_or(600),
                users: self.users.unwrap_or(1200),
                sessions: self.sessions.unwrap_or(3000),
                days: self.days.unwrap_or(14),
                noise: self.noise.unwrap_or(0.1),
                repeat: self.repeat.unwrap_or(0.1),
                late: self.late.unwrap_or(0.1),
            }));
        };
        let shape = [
            ("sessions", self.sessions.is_some()),
            ("days", self.days.is_some()),
            ("noise", self.noise.is_some()),
            ("repeat", self.repeat.is_some()),
            ("late", self.late.is_some()),
        ];
        if let Some((name, _)) = shape.iter().find(|(_, given)| *given) {
            return Err(Diagnostic::new(format!("`{name}` and `rows` are both given"))
                .help(format!("leave out `{name}` for a log of so many rows, or `rows` for one of a given shape")));
        }
        Ok(Extent::Rows { rows, items: self.items, users: self.users })
    }

    /// The same with every measure of the shape written out.
    fn shaped(&self, shape: Shape) -> Self {
        Self {
            items: Some(shape.items),
            users: Some(shape.users),
            sessions: Some(shape.sessions),
            days: Some(shape.days),
            noise: Some(shape.noise),
            repeat: Some(shape.repeat),
            late: Some(shape.late),
            ..self.clone()
        }
    }
}
