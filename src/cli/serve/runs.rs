//! `/`: the runs of a project and the reports that it has.

use super::answer::{Answer, of_result, of_run};
use super::html::{Html, text};
use super::view::{seconds, state_of};
use crate::cli::CommandError;
use crate::cli::watch::snapshot::visible;
use crate::cli::watch::{about, duration};
use crate::project::Project;
use crate::record::Records;

/// How many runs are listed.
const LISTED: i64 = 100;

pub(super) async fn page(project: &Project, records: &Records) -> Result<Answer, CommandError> {
    let live = visible(&project.state())?;
    let mut rows = Vec::new();
    for run in records.runs(LISTED).await? {
        let seen = live.iter().find(|seen| seen.course.run == run.id && seen.alive);
        let state = state_of(&run, seen.is_some()).to_owned();
        let progress = seen.and_then(|seen| seen.snapshot.as_ref()).map(|snapshot| {
            let left = snapshot.seconds_left.map(|left| format!(", {}", about(left))).unwrap_or_default();
            format!("{} of {} cells{left}", snapshot.cells.done, snapshot.cells.total)
        });
        let took = run.finished.as_deref().or(seen.is_some().then_some("")).and_then(|finished| {
            let to = if finished.is_empty() { None } else { Some(finished) };
            seconds(&run.started, to).map(duration)
        });
        rows.push(vec![
            Html::default().link(&of_run(run.id), format!("run {}", run.id)),
            text(&run.experiment),
            Html::default().raw("<span class=\"state\">").text(&state).raw("</span>"),
            text(progress.unwrap_or_else(|| format!("{} cells", run.cells))),
            text(&run.started),
            text(took.unwrap_or_default()),
        ]);
    }
    let mut html = Html::default().heading("Runs");
    html = match rows.is_empty() {
        true => html.paragraph("No run is on record."),
        false => html.table(&["run", "experiment", "state", "cells", "started", "took"], &rows),
    };
    let reports = reports(project)?;
    if !reports.is_empty() {
        html = html.heading("Reports").raw("<ul>\n");
        for (name, files) in reports {
            html = html.raw("<li>").text(name).raw(": ");
            for (at, file) in files.iter().enumerate() {
                let kind = file.rsplit_once('.').map_or("file", |(_, kind)| kind);
                html = html.raw(if at == 0 { "" } else { ", " }).link(&of_result(file), kind);
            }
            html = html.raw("</li>\n");
        }
        html = html.raw("</ul>\n");
    }
    Ok(Answer::page("sr-pipe", live.iter().any(|run| run.alive), &html))
}

/// The reports of a project by their names, with the files of each.
fn reports(project: &Project) -> Result<Vec<(String, Vec<String>)>, CommandError> {
    let folder = project.results();
    let mut reports: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    if folder.is_dir() {
        for entry in folder.read_dir_utf8()? {
            let name = entry?.file_name().to_owned();
            if let Some((stem, _)) = name.rsplit_once('.').filter(|(_, kind)| super::results::kind(kind).is_some()) {
                reports.entry(stem.to_owned()).or_default().push(name.clone());
            }
        }
    }
    // A figure stands in the report that it is named after.
    let names: Vec<String> = reports.keys().cloned().collect();
    let is_figure =
        |name: &str| names.iter().any(|other| name.len() > other.len() && name.starts_with(&format!("{other}-")));
    reports.retain(|name, files| !(files.iter().all(|file| file.ends_with(".svg")) && is_figure(name)));
    reports.values_mut().for_each(|files| files.sort());
    Ok(reports.into_iter().collect())
}
