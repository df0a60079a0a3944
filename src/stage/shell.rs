//! `shell`: any command with declared inputs, outputs and environment, cached like every other stage.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trainer::last_lines;
use crate::artifact::ArtifactKind;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};

/// Runs a command with `sh -c`. `$OUT` is the folder to write into; `$IN_NAME` the folder of each input `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The command.
    pub command: String,
    /// Inputs: the name that the command knows, and the stage that makes it.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// Environment variables that the command may see, with their values. Nothing else is passed on but `PATH`.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// A shell stage.
pub struct Shell {
    config: Config,
}

impl Shell {
    /// A stage of this config.
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

impl Stage for Shell {
    fn identity(&self) -> Identity {
        Identity {
            kind: "shell",
            version: "1".into(),
            // Which stage an input comes from is not part of the key: its content is.
            config: serde_json::json!({ "command": self.config.command }),
            seed: None,
            protocol: None,
            environment: self.config.environment.clone(),
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

    fn external(&self) -> bool {
        true
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let log = fs_err::OpenOptions::new().create(true).append(true).open(&task.log)?.into_file();
        let mut command = Command::new("sh");
        command.args(["-c", &self.config.command]).current_dir(&task.scratch).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.envs(&self.config.environment).env("OUT", task.output.as_str());
        for (name, folder) in &task.inputs {
            command.env(format!("IN_{}", name.to_uppercase()), folder.as_str());
        }
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log)).spawn()?;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if (task.stop)() {
                child.kill()?;
                child.wait()?;
                return Err(StageError::Interrupted);
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        };
        if status.success() {
            return Ok(());
        }
        Err(StageError::Program {
            program: "the command".into(),
            outcome: format!("ended with {status}"),
            tail: last_lines(&task.log),
        })
    }
}
