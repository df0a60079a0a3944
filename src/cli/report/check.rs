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
        let (text, which) = match committed(workspace, &shown)? {
            Some(text) => (text, "as committed"),
            // No commit has it, so what lies there is all there is.
            None => match fs_err::read(&path) {
                Ok(text) => (text, "as it lies there, since no commit has it"),
                Err(_) => {
                    let error = Diagnostic::new(format!("there is no `{shown}` to compare with"));
                    return Err(error.help("`sr-pipe report` writes it: commit what it says, then check").into());
                }
            },
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
            say(&format!("`{shown}` holds, {which}: {compared}"));
            return Ok(true);
        }
        let rows: Vec<Vec<String>> = drift
            .moved
            .iter()
            .map(|moved| [&moved.what, &moved.was, &moved.is, &moved.by, &moved.allowed].map(Clone::clone).into())
            .collect();
        print(&columns(&["moved", "was", "is", "by points", "allowed"], &rows))?;
        say(&format!("`{shown}`, {which}, does not hold any more: {} moved, of {compared}", drift.moved.len()));
        say("help: find out what changed with `sr-pipe runs diff`, or write the new report with `sr-pipe report`");
        Ok(false)
    }
}

/// A file as the last commit has it, since a run writes over what lies in the folder; nothing outside of a repository, and
/// where the commit has no such file. A git that gives no answer is an error: what lies there may be the report itself.
fn committed(workspace: &Workspace, path: &Utf8Path) -> Result<Option<Vec<u8>>, CommandError> {
    let root = workspace.project.root.canonicalize_utf8()?;
    if !root.ancestors().any(|folder| folder.join(".git").exists()) {
        return Ok(None);
    }
    let git = |arguments: &[&str]| {
        let unanswered = |why: String| {
            let error = Diagnostic::new(format!("git does not say what the last commit has: {why}"));
            error.help("`--check` compares with the report as committed: make `git show HEAD` work in this folder")
        };
        let output = std::process::Command::new("git").current_dir(&root).args(arguments).output();
        let output = output.map_err(|error| unanswered(error.to_string()))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(unanswered(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        }
    };
    let known = git(&["ls-tree", "--name-only", "HEAD", "--", path.as_str()])?;
    if known.is_empty() {
        return Ok(None);
    }
    Ok(Some(git(&["show", &format!("HEAD:./{path}")])?))
}
