//! Which experiments are to be reported: those that were named, or all that are on record.

use camino::Utf8Path;
use serde_json::Value;

use super::Arguments;
use crate::cli::workspace::{Chosen, Selection, Workspace};
use crate::cli::{CommandError, Ending, color, say};
use crate::diagnostic::Diagnostic;
use crate::experiment::Seeds;
use crate::project::Project;
use crate::record::RunRow;

/// The experiments to report, and what became of those that cannot be.
pub(super) struct Asked {
    /// Those that can be read.
    pub(super) workspaces: Vec<Workspace>,
    /// Whether they were named, so that what is wrong with them is wrong input.
    named: bool,
    /// What is wrong with those that were named.
    errors: Vec<Diagnostic>,
    /// How many of those on record could not be reported.
    lost: usize,
    /// Whether a report does not say any more what it said.
    pub(super) moved: bool,
}

impl Asked {
    /// Opens the experiments. One that cannot be read is told and does not stop the others.
    pub(super) async fn of(arguments: &Arguments) -> Result<Self, CommandError> {
        let named = !arguments.experiments.is_empty();
        let mut this = Self { workspaces: Vec::new(), named, errors: Vec::new(), lost: 0, moved: false };
        let selections = if named { arguments.selections() } else { on_record(arguments).await? };
        for selection in selections {
            match Workspace::open(&selection).await {
                // What trains for the sake of other commands is no report that is lost.
                Ok(workspace) if !named && workspace.file.experiment.report.is_none() => {}
                Ok(workspace) => this.workspaces.push(workspace),
                Err(error) => this.fail(&selection.experiment, error)?,
            }
        }
        Ok(this)
    }

    /// Notes that an experiment cannot be reported.
    pub(super) fn fail(&mut self, experiment: &Utf8Path, error: CommandError) -> Result<(), CommandError> {
        match error {
            CommandError::Input(errors) if self.named => self.errors.extend(errors),
            CommandError::Input(errors) => {
                self.lost += 1;
                let words: Vec<String> = errors.iter().map(|error| error.render(color())).collect();
                say(&format!("not reported: `{experiment}`\n{}\n", words.join("\n")));
            }
            error => return Err(error),
        }
        Ok(())
    }

    /// How the command ends.
    pub(super) fn ending(self) -> Result<Ending, CommandError> {
        match (self.errors.is_empty(), self.lost > 0 || self.moved) {
            (false, _) => Err(self.errors.into()),
            (true, true) => Ok(Ending::Failed),
            (true, false) => Ok(Ending::Done),
        }
    }
}

impl Arguments {
    fn selections(&self) -> Vec<Selection> {
        let named = self.experiments.iter();
        named.map(|file| Selection { experiment: file.clone(), chosen: self.chosen.clone() }).collect()
    }
}

/// Every experiment on record, once for each choice of profile, values and seeds that a run made.
async fn on_record(arguments: &Arguments) -> Result<Vec<Selection>, CommandError> {
    let Chosen { data, profile, set, seeds, only } = &arguments.chosen;
    if profile.is_some() || seeds.is_some() || !set.is_empty() || !only.is_empty() {
        let error = Diagnostic::new("which experiment is meant is not said");
        return Err(error.help("name its file, or leave the choices out to report all that is on record").into());
    }
    let records = arguments.place.records().await?;
    let mut seen = std::collections::BTreeSet::new();
    let project = arguments.place.project();
    let mut selections = Vec::new();
    for run in records.runs(i64::MAX).await? {
        let choices = &run.choices;
        let changes = [&choices["profile"], &choices["set"], &choices["seeds"]];
        if !seen.insert((run.experiment.clone(), format!("{changes:?}"))) {
            continue;
        }
        selections.push(of_run(&run, &project, data.as_deref())?);
    }
    // Newest first on record; by name for people.
    selections.sort_by(|one, other| one.experiment.cmp(&other.experiment));
    Ok(selections)
}

/// The whole grid of a run's experiment, with what the run chose of the file.
pub(super) fn of_run(run: &RunRow, project: &Project, data: Option<&Utf8Path>) -> Result<Selection, CommandError> {
    let Some(chosen) = chosen_by(&run.choices, project, data) else {
        return Err(Diagnostic::new(format!("what run {} chose cannot be read", run.id))
            .help("name the experiment files instead")
            .into());
    };
    Ok(Selection { experiment: project.root.join(&run.experiment), chosen })
}

/// What a run chose, from its record; nothing where this version does not understand it.
fn chosen_by(choices: &Value, project: &Project, data: Option<&Utf8Path>) -> Option<Chosen> {
    let list = |name: &str| choices[name].as_array().into_iter().flatten();
    let set = list("set").map(|setting| setting.as_str()?.parse().ok()).collect::<Option<_>>()?;
    let seeds = list("seeds").map(|seed| Some(seed.as_u64()?.to_string())).collect::<Option<Vec<_>>>()?;
    let seeds: Option<Seeds> = if seeds.is_empty() { None } else { Some(seeds.join(",").parse().ok()?) };
    let profile = choices["profile"].as_str().map(str::to_owned);
    // The folder of that run, as long as it is there.
    let of_run = choices["data"].as_str().map(|name| project.root.join(name)).filter(|folder| folder.is_dir());
    Some(Chosen { data: data.map(Utf8Path::to_owned).or(of_run), profile, set, seeds, only: Vec::new() })
}
