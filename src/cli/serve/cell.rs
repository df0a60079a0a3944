//! `/runs/7/cells/NAME`: a cell stage by stage: attempts, learning curve, what its key was made of, log.

use camino::Utf8Path;
use serde_json::Value;

use super::answer::{Answer, of_log, of_run};
use super::curve::curves;
use super::html::{Html, text};
use super::view::{RunView, StageView};
use crate::cli::CommandError;
use crate::cli::watch::duration;
use crate::record::{AttemptRow, Records};

pub(super) async fn page(records: &Records, state: &Utf8Path, run: i64, name: &str) -> Result<Answer, CommandError> {
    let Some(view) = RunView::open(records, state, run).await? else { return Ok(Answer::nothing("such run")) };
    let Some(stages) = view.stages_of(name) else { return Ok(Answer::nothing("such cell in this run")) };
    let back = Html::default().raw("<p>A cell of ").link(&of_run(run), format!("run {run}"));
    let mut html = back.text(format!(", {}.", view.run().run.experiment)).raw("</p>\n");
    // The last stages say most about a cell.
    for stage in stages.iter().rev() {
        html = of_stage(html, &view, stage);
    }
    Ok(Answer::page(name, view.alive(), &html))
}

fn of_stage(html: Html, view: &RunView, stage: &StageView) -> Html {
    let mut html = html.heading(crate::record::stage_name(&stage.label));
    let digest = |hash: &Option<String>| hash.clone().unwrap_or_default();
    html =
        html.facts(&[("state", stage.state.clone()), ("key", digest(&stage.key)), ("object", digest(&stage.object))]);
    let Some(key) = &stage.key else { return html };
    let attempts = view.details.attempts.get(key).map(Vec::as_slice).unwrap_or_default();
    if !attempts.is_empty() {
        let header = ["attempt", "run", "state", "started", "took", "peak memory", "why", ""];
        html = html.table(&header, &attempts.iter().map(attempt).collect::<Vec<_>>());
    }
    html = html.piece(&curves(&view.details.curve(key)));
    if let Some(made_from) = view.details.fingerprint(key) {
        html = html.raw("<details id=\"").text(key).raw("\"><summary>what its key was made of</summary>\n");
        html = html.verbatim(pretty(made_from)).raw("</details>\n");
    }
    html
}

fn attempt(row: &AttemptRow) -> Vec<Html> {
    vec![
        text(row.id),
        text(row.run),
        text(&row.state),
        text(&row.started),
        text(row.seconds.map(duration).unwrap_or_default()),
        text(row.peak_memory.map(|bytes| format!("{} MB", bytes / 1_000_000)).unwrap_or_default()),
        text(row.error.as_deref().unwrap_or_default()),
        Html::default().link(&of_log(row.id), "log"),
    ]
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
