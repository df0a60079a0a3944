//! Another program run for a stage: on the GPUs that it was given, held to its limits, its words in the attempt's log.

use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};

use camino::Utf8Path;

use super::stage::{Fault, StageError, Taken, Task};
use crate::process::{self, Asked, Cause};
use crate::unit::Size;

impl Task<'_> {
    /// Runs a program until it ends by itself. `listen` is given its standard output when `asked` is by lifeline;
    /// otherwise that goes to the log.
    ///
    /// # Errors
    /// When it cannot be started, a signal or the limit of memory ends it, or the stage is to stop.
    pub fn child(
        &self,
        program: &str,
        mut command: Command,
        asked: Asked,
        listen: impl FnOnce(ChildStdout) -> std::io::Result<()> + Send,
    ) -> Result<ExitStatus, StageError> {
        let log = fs_err::OpenOptions::new().create(true).append(true).open(&self.log)?.into_file();
        command.stdout(match asked {
            Asked::BySignal => Stdio::from(log.try_clone()?),
            Asked::ByLifeline => Stdio::piped(),
        });
        // An empty list hides every GPU from a stage that was given none.
        command.stderr(log).env("CUDA_VISIBLE_DEVICES", self.share.gpus.join(","));
        let most = self.share.limits.memory;
        let ended = process::run(&mut command, asked, most.map(Size::bytes), self.stop, listen);
        let failed = |outcome: String, fault| StageError::Program {
            program: program.to_owned(),
            outcome,
            tail: last_lines(&self.log),
            fault,
        };
        let ended = ended.map_err(|error| failed(format!("cannot be run: {error}"), Fault::Lost))?;
        if ended.peak_memory > 0 {
            self.took(Taken { memory: Some(ended.peak_memory), gpu_memory: None });
        }
        match ended.cause {
            // A trainer that came to its end in spite of it says so with its code; a command may mean anything by it.
            Cause::Stopped if asked == Asked::ByLifeline && ended.status.success() => Ok(ended.status),
            Cause::Stopped => Err(StageError::Interrupted),
            Cause::Memory(used) => Err(StageError::Limit {
                message: format!(
                    "{program} was ended: its processes held {}, and the stage's limit is {}",
                    Size::of_bytes(used),
                    most.map(|most| most.to_string()).unwrap_or_default(),
                ),
                help: "raise `memory` in the stage's `limits`, or make it need less".into(),
                fault: Fault::Memory,
            }),
            Cause::Itself => match ended.status.signal() {
                None => Ok(ended.status),
                // The kernel ends what takes too much memory with this signal.
                Some(9) => Err(failed("was killed from outside; was there enough memory?".into(), Fault::Memory)),
                Some(_) => Err(failed(format!("was ended by a signal ({})", ended.status), Fault::Lost)),
            },
        }
    }
}

/// The last lines of a log, for the message.
pub fn last_lines(log: &Utf8Path) -> Option<String> {
    let text = fs_err::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(8)..].join("\n");
    (!last.is_empty()).then_some(last)
}
