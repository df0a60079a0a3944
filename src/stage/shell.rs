//! `shell`: any command with declared inputs, outputs and environment, cached like every other stage.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Complaint, Settings};
use crate::artifact::ArtifactKind;
use crate::engine::child::last_lines;
use crate::engine::stage::{Fault, Identity, Input, Resources, Stage, StageError, Task};
use crate::process::{self, Asked};

/// Runs a command with `sh -c`. `$OUT` is the folder to write into; `$IN_NAME` the folder of each input `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The command.
    pub command: String,
    /// Inputs: the name that the command knows, and the stage that makes it.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// What the command must write into `$OUT`, and all that it may: files, and folders with a `/` at their end.
    /// Left out, it may write anything.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// Environment variables with fixed values. Nothing else is passed on but `PATH` and what `pass` names.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Environment variables that are passed on as they are set where `sr-pipe` runs. Their values are part of the key.
    #[serde(default)]
    pub pass: Vec<String>,
}

/// A shell stage.
struct Shell {
    config: Config,
    /// What is passed on and what is fixed.
    environment: BTreeMap<String, String>,
}

/// Looks up what is passed on.
///
/// # Errors
/// A variable that is not set, or an output that lies outside.
pub fn resolve(config: Config, settings: &Settings<'_>) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let mut complaints = Vec::new();
    let mut environment = config.environment.clone();
    for name in &config.pass {
        let complain = |message: String, help: &str| Complaint {
            field: vec!["pass".into()],
            message,
            help: Some(help.to_owned()),
        };
        match settings.surroundings.variables.get(name) {
            _ if config.environment.contains_key(name) => complaints.push(complain(
                format!("`{name}` is passed on and also has a fixed value in `environment`"),
                "take it out of one of them",
            )),
            None => complaints.push(complain(
                format!("the variable `{name}` is not set"),
                "set it where `sr-pipe` runs, or take it out of `pass`",
            )),
            Some(value) => {
                environment.insert(name.clone(), value.clone());
            }
        }
    }
    for output in &config.outputs {
        let path = Utf8Path::new(output);
        if output.is_empty() || path.components().any(|part| !matches!(part, camino::Utf8Component::Normal(_))) {
            complaints.push(Complaint {
                field: vec!["outputs".into()],
                message: format!("`{output}` is no path inside `$OUT`"),
                help: Some("write it from there: `table.csv`, or `plots/` for a folder".into()),
            });
        }
    }
    if complaints.is_empty() { Ok(Arc::new(Shell { config, environment })) } else { Err(complaints) }
}

impl Stage for Shell {
    fn identity(&self) -> Identity {
        // Which stage an input comes from is not part of the key: its content is.
        let mut config = json!({ "command": self.config.command });
        if !self.config.outputs.is_empty() {
            config["outputs"] = json!(self.config.outputs);
        }
        Identity {
            kind: "shell",
            version: "1".into(),
            config,
            seed: None,
            protocol: None,
            environment: self.environment.clone(),
        }
    }

    fn inputs(&self) -> Vec<Input> {
        self.config
            .inputs
            .iter()
            .map(|(name, stage)| Input { name: name.clone(), stage: stage.clone(), accepts: &[] })
            .collect()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Files
    }

    fn resources(&self) -> Resources {
        Resources { threads: 1, gpus: Some(0.0) }
    }

    fn external(&self) -> bool {
        true
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let mut command = process::shell(&self.config.command);
        command.current_dir(&task.scratch).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        // What most numeric libraries heed; they would take every core of the machine otherwise.
        command.env("OMP_NUM_THREADS", task.threads.to_string());
        command.envs(&self.environment).env("OUT", task.output.as_str());
        for (name, folder) in &task.inputs {
            command.env(format!("IN_{}", name.to_uppercase()), folder.as_str());
        }
        let status = task.child("the command", command, Asked::BySignal, |_| Ok(()))?;
        let failed = |outcome, fault| {
            let tail = last_lines(&task.log);
            Err(StageError::Program { program: "the command".into(), outcome, tail, fault })
        };
        match status.code() {
            Some(0) => {}
            // What the shell says of a program of the command that was killed as the kernel kills for memory.
            Some(137) => return failed("was killed from outside; was there enough memory?".into(), Fault::Memory),
            _ => return failed(format!("ended with {status}"), Fault::Stage),
        }
        match undeclared(&self.config.outputs, &task.output)? {
            None => Ok(()),
            Some(words) => failed(words, Fault::Stage),
        }
    }
}

/// How what was written differs from what was declared, if it does.
fn undeclared(outputs: &[String], folder: &Utf8Path) -> std::io::Result<Option<String>> {
    if outputs.is_empty() {
        return Ok(None);
    }
    let written = files(folder)?;
    let covers = |output: &String, file: &Utf8PathBuf| {
        if output.ends_with('/') { file.starts_with(output) } else { file == Utf8Path::new(output) }
    };
    let quoted = |paths: Vec<&str>| paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    let missing: Vec<&str> = outputs
        .iter()
        .filter(|output| !written.iter().any(|file| covers(output, file)))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        return Ok(Some(format!("did not write {}, which `outputs` names", quoted(missing))));
    }
    let strange: Vec<&str> = written
        .iter()
        .filter(|file| !outputs.iter().any(|output| covers(output, file)))
        .map(|file| file.as_str())
        .collect();
    Ok((!strange.is_empty()).then(|| format!("wrote {}, which `outputs` does not name", quoted(strange))))
}

/// Every file below a folder, relative to it, in the order of their names.
fn files(folder: &Utf8Path) -> std::io::Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in at.read_dir_utf8()? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.into_path());
            } else if let Ok(file) = entry.path().strip_prefix(folder) {
                found.push(file.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}
