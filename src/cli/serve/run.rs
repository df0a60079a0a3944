//! `/runs/7`: where a run stands: its cells by state, what is under way with its learning curve, what failed and why.

use super::answer::{Answer, of_cell, of_log, of_report};
use super::curve::curves;
use super::html::{Html, text};
use super::view::{RunView, Stand, seconds};
use crate::cli::CommandError;
use crate::cli::report::has_report;
use crate::cli::watch::snapshot::Snapshot;
use crate::cli::watch::{about, duration, first_line};
use crate::project::Project;
use crate::record::Records;

/// Cells of one state that are listed at once; more can be opened.
const OPEN: usize = 40;

pub(super) async fn page(project: &Project, records: &Records, run: i64) -> Result<Answer, CommandError> {
    let Some(view) = RunView::open(records, &project.state(), run).await? else {
        return Ok(Answer::nothing("such run"));
    };
    let mut html = facts(&view);
    if let Some(snapshot) = view.snapshot() {
        html = progress(html, snapshot, view.alive());
        if view.alive() && !snapshot.running.is_empty() {
            html = under_way(html, &view, snapshot);
        }
    }
    if has_report(&view.run().run, project) {
        html = html.raw("<p>").link(&of_report(run), "The report as it stands now").raw("</p>\n");
    }
    html = failures(html, &view);
    html = cells(html, &view, run);
    Ok(Answer::page(&format!("Run {run}: {}", view.run().run.experiment), view.alive(), &html))
}

fn facts(view: &RunView) -> Html {
    let row = &view.run().run;
    let took = match (view.alive(), row.finished.as_deref()) {
        (true, _) => seconds(&row.started, None),
        (false, Some(finished)) => seconds(&row.started, Some(finished)),
        (false, None) => None,
    };
    let same = row.same_as.map(|run| format!("run {run}: every cell and stage ended as there"));
    Html::default().facts(&[
        ("state", view.state().to_owned()),
        ("started", row.started.clone()),
        ("took", took.map(duration).unwrap_or_default()),
        ("same as", same.unwrap_or_default()),
        ("command", row.command.clone()),
        ("git commit", row.environment["git_commit"].as_str().unwrap_or_default().to_owned()),
    ])
}

fn progress(html: Html, snapshot: &Snapshot, alive: bool) -> Html {
    let (cells, stages) = (&snapshot.cells, &snapshot.stages);
    let left = snapshot.seconds_left.filter(|_| alive).map(|left| format!(", {}", about(left))).unwrap_or_default();
    let words = format!(
        "{} of {} cells, {} of {} stages done ({} reused){left}",
        cells.done, cells.total, stages.done, stages.total, snapshot.reused
    );
    html.raw("<p><progress aria-label=\"stages done\" max=\"")
        .text(stages.total)
        .raw("\" value=\"")
        .text(stages.done)
        .raw("\"></progress> ")
        .text(words)
        .raw("</p>\n")
}

fn under_way(html: Html, view: &RunView, snapshot: &Snapshot) -> Html {
    let mut html = html.heading("Under way");
    for stage in &snapshot.running {
        html = html.raw("<section class=\"stage\">\n<h3>").text(&stage.stage).raw("</h3>\n<p>");
        if let Some(share) = stage.share {
            let percent = format!("{:.0}", 100.0 * share);
            html = html.raw("<progress aria-label=\"done\" max=\"100\" value=\"").text(&percent).raw("\"></progress> ");
            html = html.text(format!("{percent} %, "));
        }
        html = html.text(&stage.message);
        if let Some(left) = stage.seconds_left {
            html = html.text(format!(", {}", about(left)));
        }
        if let Some(attempt) = stage.attempt {
            html = html.raw(" · ").link(&of_log(attempt), "log");
        }
        html = html.raw("</p>\n");
        let epochs: Vec<_> = stage.attempt.into_iter().flat_map(|attempt| view.details.epochs_of(attempt)).collect();
        html = html.piece(&curves(&epochs)).raw("</section>\n");
    }
    html
}

fn failures(html: Html, view: &RunView) -> Html {
    let mut rows = Vec::new();
    let row = |stage: &str, cells: String, message: &str, attempt: Option<i64>| {
        let log = attempt.map_or_else(Html::default, |attempt| Html::default().link(&of_log(attempt), "log"));
        vec![text(stage), text(cells), text(first_line(message)), log]
    };
    match view.snapshot() {
        Some(snapshot) => {
            for failure in &snapshot.failures {
                let cells =
                    if failure.cell_count > 1 { format!("{} cells", failure.cell_count) } else { String::new() };
                rows.push(row(&failure.stage, cells, &failure.message, failure.attempt));
            }
        }
        None => {
            let run = view.run();
            for stage in run.stages.iter().filter(|stage| stage.state == "failed") {
                let tried = view.details.attempts.values().flatten();
                let tried =
                    tried.filter(|row| row.label == stage.label && row.state == "failed").max_by_key(|row| row.id);
                let message = tried.and_then(|row| row.error.as_deref()).unwrap_or_default();
                rows.push(row(&stage.label, String::new(), message, tried.map(|row| row.id)));
            }
        }
    }
    if rows.is_empty() {
        return html;
    }
    html.heading("Failed").table(&["stage", "of", "why", ""], &rows)
}

fn cells(html: Html, view: &RunView, run: i64) -> Html {
    let cells = view.cells();
    let mut html = html.heading(format!("Cells ({})", cells.len()));
    for stand in Stand::ALL {
        let names: Vec<&str> = cells.iter().filter(|(_, here)| *here == stand).map(|(name, _)| *name).collect();
        if names.is_empty() {
            continue;
        }
        html = html.raw("<details id=\"").text(stand.name().replace(' ', "-")).raw("\"");
        html = html.raw(if names.len() <= OPEN { " open>" } else { ">" });
        html = html
            .raw("<summary>")
            .text(format!("{}: {}", stand.name(), names.len()))
            .raw("</summary>\n<ul class=\"cells\">\n");
        for name in names {
            html = html.raw("<li>").link(&of_cell(run, name), name).raw("</li>\n");
        }
        html = html.raw("</ul>\n</details>\n");
    }
    html
}
