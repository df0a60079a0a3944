//! From an experiment file to its parts: the file, its pipelines, its protocol; all errors at once.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use super::choice::Choice;
use super::points::Points;
use super::types::{Experiment, ProtocolChoice};
use crate::data::protocol::{Protocol, SelectBy, SelectOn, Ties};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::document::{Document, Part, keys};
use crate::hash::ContentHash;
use crate::pipeline::PipelineFile;

/// An experiment file that has been read, with the pipelines that it names.
#[derive(Debug, Clone)]
pub struct ExperimentFile {
    /// The file.
    pub document: Document,
    /// What it says.
    pub experiment: Experiment,
    /// Pipelines by data set.
    pub pipelines: BTreeMap<String, PipelineFile>,
    /// The cells of its grid.
    pub points: Points,
    /// What the command line chose of it.
    pub choice: Choice,
    /// Which of the cells are chosen, one flag a cell; all when nothing was said.
    pub chosen: Option<Vec<bool>>,
}

impl ExperimentFile {
    /// Reads an experiment with what is chosen of it, and its pipelines.
    ///
    /// # Errors
    /// Everything that is wrong with the files by themselves, each with its place.
    pub fn read(path: &Utf8Path, choice: &Choice) -> Result<Self, Vec<Diagnostic>> {
        let file = Document::read(path).map_err(|error| vec![error])?;
        if let Some(name) = path.file_stem().filter(|name| name.contains(['@', '+'])) {
            let error = Diagnostic::new(format!("the name of an experiment cannot be `{name}`"));
            return Err(vec![
                error.help("`@` and `+` are left for the names of the results of profiles and set values"),
            ]);
        }
        let mut errors = file.written_twice();
        errors.extend(profile_errors(&file));
        let (document, experiment, plain) = match laid_over(&file, choice) {
            Ok(laid) if errors.is_empty() => laid,
            Ok(_) => return Err(errors),
            Err(found) => {
                errors.extend(found.into_iter().filter(|error| !errors.contains(error)).collect::<Vec<_>>());
                return Err(errors);
            }
        };
        let folder = path.parent().unwrap_or(Utf8Path::new("."));
        let mut pipelines = BTreeMap::new();
        for (name, dataset) in &experiment.datasets {
            let file = tidy(&folder.join(&dataset.pipeline));
            match PipelineFile::read(&file) {
                Ok(pipeline) => {
                    let twice = pipeline.document.written_twice();
                    errors.extend(twice.into_iter().filter(|error| !errors.contains(error)).collect::<Vec<_>>());
                    pipelines.insert(name.clone(), pipeline);
                }
                Err(error) if error.location.is_none() => {
                    let path = keys(["datasets", name, "pipeline"]);
                    errors.push(
                        document
                            .error(&path, Part::Value, error.message)
                            .help("the path of a pipeline is relative to the experiment file"),
                    );
                }
                Err(error) => errors.push(error),
            }
        }
        let (points, mistakes) = Points::of(&experiment.grid);
        let choice = choice.clone();
        let mut this = Self { document, experiment, pipelines, points, choice, chosen: None };
        errors.extend(this.own_errors(mistakes, plain.as_ref()));
        if let Some(seeds) = &this.choice.seeds {
            this.experiment.grid.reseed(&seeds.numbers);
            // With other seeds a cell may be named twice, by its block and by itself; it is one cell all the same.
            this.points = Points::of(&this.experiment.grid).0;
        }
        if errors.is_empty() && !this.choice.only.is_empty() {
            this.chosen = Some(this.points.chosen(&this.choice.only)?);
        }
        if errors.is_empty() { Ok(this) } else { Err(errors) }
    }

    /// The protocol, each choice spelled out.
    pub fn protocol(&self) -> Protocol {
        let paper = Protocol {
            select_on: SelectOn::Validation,
            select_by: SelectBy::Mrr,
            validation_share: 0.1,
            ties: Ties::Mean,
            target_operation: crate::data::protocol::TargetOperation::Hidden,
            test_prefixes: true,
        };
        match &self.experiment.protocol {
            ProtocolChoice::Paper => paper,
            ProtocolChoice::PublishedCode => {
                Protocol { select_on: SelectOn::Test, select_by: SelectBy::EachMetric, validation_share: 0.0, ..paper }
            }
            ProtocolChoice::Custom(protocol) => protocol.clone(),
        }
    }

    /// Digest of the protocol: two numbers may be compared when theirs is the same.
    pub fn protocol_digest(&self) -> ContentHash {
        ContentHash::of_json(&json!(self.protocol()))
    }

    /// Its name, as its results carry it: that of the file, and what was chosen to make it another experiment.
    pub fn name(&self) -> String {
        format!("{}{}", self.document.path.file_stem().unwrap_or("experiment"), self.choice.suffix())
    }

    /// Digest of the experiment and its pipelines as they are written, and of what was chosen to change it.
    pub fn digest(&self) -> ContentHash {
        let mut texts = vec![json!(self.document.text)];
        texts.extend(self.pipelines.values().map(|pipeline| json!(pipeline.document.text)));
        let changes = self.choice.changes();
        if !changes.is_empty() {
            texts.push(changes.into());
        }
        ContentHash::of_json(&json!(texts))
    }

    /// True when some stage trains, or learns vectors: only then is a trainer needed.
    pub fn needs_trainer(&self) -> bool {
        if self.counts() {
            return false;
        }
        self.pipelines.values().any(|pipeline| {
            let stages = pipeline.document.value["stages"].as_object();
            stages
                .into_iter()
                .flatten()
                .any(|(_, stage)| ["train", "evaluate", "learn_vectors"].iter().any(|kind| stage.get(kind).is_some()))
        })
    }
}

/// The document with all that was chosen laid over it, what it says then, and the grid of the file alone where that is
/// another.
fn laid_over(file: &Document, choice: &Choice) -> Result<(Document, Experiment, Option<Points>), Vec<Diagnostic>> {
    // The file must stand by itself, so that a profile cannot hide what is wrong with it.
    let plain: Experiment = file.typed()?;
    if choice.profile.is_none() && choice.settings.is_empty() {
        return Ok((file.clone(), plain, None));
    }
    let mut document = file.clone();
    if let Some(name) = &choice.profile {
        if !plain.profiles.contains_key(name) {
            let known: Vec<&str> = plain.profiles.keys().map(String::as_str).collect();
            let help = match known.is_empty() {
                true => "the file has no `profiles`".to_owned(),
                false => suggestion(name, &known),
            };
            let error = Diagnostic::new(format!("unknown profile `{name}`"));
            return Err(vec![error.argument("--profile", name, 0, name.chars().count()).help(help)]);
        }
        document = file.with_piece(&keys(["profiles", name]));
    }
    let errors: Vec<Diagnostic> =
        choice.settings.iter().filter_map(|setting| document.set("--set", setting).err()).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let experiment = document.typed()?;
    Ok((document, experiment, Some(Points::of(&plain.grid).0)))
}

/// What is wrong with the profiles of a file, named or not: each must make a whole experiment of it.
fn profile_errors(file: &Document) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for (name, piece) in file.value.get("profiles").and_then(Value::as_object).into_iter().flatten() {
        let path = keys(["profiles", name]);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            let error = file.error(&path, Part::Key, format!("`{name}` is no name for a profile"));
            errors.push(error.help("use letters, digits, `-`, `_` and `.`: it stands in the names of the results"));
        }
        if piece.get("profiles").is_some() {
            let path = [path.clone(), keys(["profiles"])].concat();
            errors.push(file.error(&path, Part::Key, "a profile holds no profiles"));
        }
        if let (true, Err(found)) = (piece.is_object(), file.with_piece(&path).typed::<Experiment>()) {
            errors.extend(found);
        }
    }
    let mut once: Vec<Diagnostic> = Vec::new();
    for error in errors {
        if !once.contains(&error) {
            once.push(error);
        }
    }
    once
}

/// `experiments/../pipelines/a.yaml` as a person would write it: `pipelines/a.yaml`.
fn tidy(path: &Utf8Path) -> Utf8PathBuf {
    let mut tidy = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            camino::Utf8Component::ParentDir
                if matches!(tidy.components().next_back(), Some(camino::Utf8Component::Normal(_))) =>
            {
                tidy.pop();
            }
            camino::Utf8Component::CurDir => {}
            other => tidy.push(other),
        }
    }
    tidy
}
