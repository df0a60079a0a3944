//! The files of a report: their forms, their names, and whose they are.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use clap::ValueEnum;
use serde_json::Value;

use crate::cli::CommandError;
use crate::cli::workspace::Workspace;
use crate::diagnostic::Diagnostic;
use crate::project::write_atomically;
use crate::report::form;
use crate::report::page::Page;

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// `NAME.md`, for people.
    Markdown,
    /// `NAME.csv`: one line for each cell, seed and metric, under comments (`#`) that say what made them.
    Csv,
    /// `NAME.json`: everything, for programs.
    Json,
    /// `NAME.html`: everything, with a way from each number to its runs.
    Html,
    /// `NAME.tex`: the tables, for a paper.
    Latex,
}

impl Format {
    /// What is written where nothing was said.
    pub(super) const DEFAULT: [Self; 4] = [Self::Markdown, Self::Csv, Self::Json, Self::Html];

    fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Html => "html",
            Self::Latex => "tex",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// A report in memory.
pub(super) struct Rendered {
    pub(super) page: Page,
    pub(super) csv: String,
}

impl Rendered {
    /// Writes the forms and the figures; gives the path of the first form as a person here would write it.
    pub(super) fn write(&self, workspace: &Workspace, formats: &[Format]) -> Result<Utf8PathBuf, CommandError> {
        let folder = workspace.project.results();
        // The page last, so that whatever it links is there.
        for (name, svg) in self.page.figures() {
            write_atomically(&folder.join(name), svg.as_bytes())?;
        }
        let path = |format: Format| folder.join(format!("{}.{}", self.page.name, format.extension()));
        let gone = if formats.contains(&Format::Json) { self.gone(&path(Format::Json)) } else { Vec::new() };
        for format in formats.iter().rev() {
            write_atomically(&path(*format), self.text(*format).as_bytes())?;
        }
        // Last too: until here the report before this one had them.
        for figure in gone.iter().map(|name| folder.join(name)).filter(|path| path.is_file()) {
            fs_err::remove_file(figure)?;
        }
        let first = formats.first().map_or_else(|| folder.clone(), |format| path(*format));
        let here = Utf8PathBuf::from_path_buf(std::env::current_dir()?).unwrap_or_default();
        Ok(first.strip_prefix(&here).map(Utf8Path::to_owned).unwrap_or(first))
    }

    /// Figures of the report that lies at `json` which this one no longer has.
    fn gone(&self, json: &Utf8Path) -> Vec<String> {
        let earlier: Value =
            fs_err::read(json).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let files = earlier["figures"].as_array().into_iter().flatten().filter_map(|figure| figure["file"].as_str());
        // By its name alone a file is known to be a figure of this report.
        let ours = |name: &&str| {
            let rest = name.strip_prefix(self.page.name.as_str()).and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|rest| rest.ends_with(".svg") && !rest.contains(['/', '\\']))
        };
        files.filter(ours).filter(|name| self.page.figures().all(|(now, _)| now != *name)).map(str::to_owned).collect()
    }

    fn text(&self, format: Format) -> String {
        match format {
            Format::Markdown => form::markdown(&self.page),
            Format::Csv => {
                let origin = self.page.origin.lines().into_iter().map(|fact| format!("# {fact}\n"));
                origin.collect::<String>() + &self.csv
            }
            Format::Json => form::json(&self.page),
            Format::Html => form::html(&self.page),
            Format::Latex => form::latex(&self.page),
        }
    }
}

/// Refuses experiments that would write the same files.
pub(super) fn apart(workspaces: &[Workspace]) -> Result<(), CommandError> {
    let target = |workspace: &Workspace| workspace.project.results().join(workspace.file.name());
    let mut errors = Vec::new();
    for (at, workspace) in workspaces.iter().enumerate() {
        let name = workspace.file.name();
        let alike = workspaces[..at].iter().find(|other| target(other) == target(workspace));
        errors.extend(alike.map(|other| {
            let files = [other, workspace].map(|one| &one.file.document.path);
            let message = format!("`{}` and `{}` would both write `results/{name}.md`", files[0], files[1]);
            Diagnostic::new(message).help(RENAME)
        }));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

/// Refuses to write where another experiment has written that is still there.
pub(in crate::cli) fn unclaimed(workspace: &Workspace) -> Result<(), CommandError> {
    let name = workspace.file.name();
    let Ok(text) = fs_err::read(workspace.project.results().join(format!("{name}.json"))) else { return Ok(()) };
    // What is no report of ours is the project's own affair, and not written by an experiment.
    let written: Value = serde_json::from_slice(&text).unwrap_or_default();
    let Some(owner) = written["provenance"]["experiment"]["file"].as_str() else { return Ok(()) };
    let file = workspace.file.document.path.canonicalize_utf8()?;
    let this = workspace.project.relative(&file);
    if this == owner || !workspace.project.root.join(owner).is_file() {
        return Ok(());
    }
    let message = format!("`{this}` would write `results/{name}.md`, which is the report of `{owner}`");
    Err(Diagnostic::new(message).help(RENAME).into())
}

/// What to do about two experiments of one name.
const RENAME: &str = "a report is named after its experiment file: give one of the two another name";
