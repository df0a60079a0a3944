//! `/runs/7/report`: the report of a run's experiment as it stands now, also while the grid runs.

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::answer::{Answer, REPORT};
use crate::cli::CommandError;
use crate::cli::report::live;
use crate::project::Project;
use crate::record::Records;

/// Reports are worked out one after the other, so that a grid that runs beside them loses one core at most.
static TURN: Semaphore = Semaphore::const_new(1);

pub(super) async fn page(project: &Project, records: &Records, run: i64) -> Result<Answer, CommandError> {
    let Some(found) = records.details(&[run]).await?.runs.pop() else { return Ok(Answer::nothing("such run")) };
    let _turn = TURN.acquire().await;
    let (project, handle) = (project.clone(), Handle::current());
    // Statistics take their time: the other pages are answered meanwhile.
    let report = tokio::task::spawn_blocking(move || handle.block_on(live(&found.run, &project)));
    match report.await.map_err(std::io::Error::other)? {
        Ok(report) => Ok(Answer::of("text/html; charset=utf-8", report).under(REPORT)),
        Err(CommandError::Input(errors)) => {
            let words: Vec<String> = errors.iter().map(|error| error.render(false)).collect();
            Ok(Answer::refusal(404, &format!("there is no report of run {run}: {}", words.join("\n"))))
        }
        Err(error) => Err(error),
    }
}
