//! `sr-pipe report --check`: whether what is on record still says what the report as committed says.

use camino::Utf8Path;
use serde_json::Value;

use super::files::Rendered;
use crate::cli::workspace::Workspace;
use crate::cli::{CommandError, columns, count, print, say};
use crate::diagnostic::Diagnostic;
use crate::report::form;

impl Rendered {
    /// Compares the report with `results/NAME.json` and prints what moved; true where nothing did. Writes nothing.
    pub(super) fn check(&self, workspace: &Workspace) -> Result<bool, CommandError> {
        let path = workspace.project.results().join(format!("{}.json", self.page.name));
        let shown = workspace.project.relative(&path).to_owned();
        let Some(text) = committed(workspace, &shown).or_else(|| fs_err::read(&path).ok()) else {
            let error = Diagnostic::new(format!("there is no `{shown}` to compare with"));
            return Err(error.help("`sr-pipe report` writes it: commit what it says, then check").into());
        };
        let refused = |why: String| {
            let error = Diagnostic::new(format!("`{shown}` cannot be compared with: {why}"));
            error.help("`sr-pipe report` writes it anew; look at what changes before you commit it")
        };
        let was: Value = serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
        let is: Value = serde_json::from_str(&form::json(&self.page)).map_err(std::io::Error::other)?;
        let tolerance = workspace.file.experiment.report.as_ref().and_then(|report| report.tolerance);
        let drift = crate::report::drift(&was, &is, tolerance).map_err(refused)?;
        let compared = format!("{} that held, {}", count(drift.claims, "claim"), count(drift.numbers, "number"));
        if drift.moved.is_empty() {
            say(&format!("`{shown}` holds: {compared}"));
            return Ok(true);
        }
        let rows: Vec<Vec<String>> = drift
            .moved
            .iter()
            .map(|moved| [&moved.what, &moved.was, &moved.is, &moved.by, &moved.allowed].map(Clone::clone).into())
            .collect();
        print(&columns(&["moved", "was", "is", "by points", "allowed"], &rows))?;
        say(&format!("`{shown}` does not hold any more: {} moved, of {compared}", drift.moved.len()));
        say("help: find out what changed with `sr-pipe runs diff`, or write the new report with `sr-pipe report`");
        Ok(false)
    }
}

/// A file as the last commit has it, since a run writes over what lies in the folder; nothing where git does not have it.
fn committed(workspace: &Workspace, path: &Utf8Path) -> Option<Vec<u8>> {
    let mut git = std::process::Command::new("git");
    git.current_dir(&workspace.project.root).arg("show").arg(format!("HEAD:./{path}"));
    let output = git.stderr(std::process::Stdio::null()).output().ok()?;
    output.status.success().then_some(output.stdout)
}
