//! `--junit`: how each cell ended, in the XML that a CI shows as a list of tests.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::phrase::first_line;
use super::tally::{Failure, Stand};
use super::{Now, Observer};
use crate::engine::{NodeId, RunEvent};
use crate::project::write_atomically;
use crate::record::RunState;

/// How much of the end of a log stands in the file.
const LINES: usize = 30;

/// The file to write when the run has ended.
pub(super) struct JunitFile {
    path: Utf8PathBuf,
}

impl JunitFile {
    /// Takes an older file away: a CI must not read it when this run is killed.
    pub(super) fn create(path: &Utf8Path) -> std::io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_str().is_empty()) {
            fs_err::create_dir_all(folder)?;
        }
        // Made and taken away, so that a place that cannot be written is told now and not in the morning.
        fs_err::File::create(path)?;
        fs_err::remove_file(path)?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Observer for JunitFile {
    fn see(&mut self, _now: &Now<'_>, _event: &RunEvent) -> std::io::Result<()> {
        Ok(())
    }

    fn end(&mut self, now: &Now<'_>, _state: RunState) -> std::io::Result<()> {
        let experiment = now.scene.experiment.with_extension("");
        let mut suite = TestSuite::new(experiment.as_str());
        suite.set_time(now.elapsed);
        for (index, cell) in now.scene.cells.iter().enumerate() {
            let mut case = TestCase::new(cell.name.as_str(), status(now, index));
            case.set_classname(experiment.as_str());
            // Stages that cells share would be counted more than once.
            let own = cell.nodes.iter().filter(|node| now.scene.stages[**node as usize].cells.len() == 1);
            case.set_time(Duration::from_secs_f64(own.map(|node| now.tally.seconds[*node as usize]).sum()));
            suite.add_test_case(case);
        }
        let mut report = Report::new(format!("sr-pipe run {}", now.scene.run));
        report.set_time(now.elapsed);
        report.add_test_suite(suite);
        let mut text = report.to_string().map_err(std::io::Error::other)?;
        text.push('\n');
        write_atomically(&self.path, text.as_bytes())
    }
}

/// How a cell ended. What failed is told once: at the first cell that needs it; the others were blocked by it.
fn status(now: &Now<'_>, cell: usize) -> TestCaseStatus {
    if now.tally.cell_is_done(cell) {
        return TestCaseStatus::success();
    }
    let stands = |stand: Stand| {
        let nodes = now.scene.cells[cell].nodes.iter().map(|node| *node as NodeId);
        nodes.filter(move |node| now.tally.stands[*node] == stand)
    };
    let own = |node: &NodeId| now.scene.stages[*node].cells.first().is_some_and(|first| *first as usize == cell);
    let failed: Vec<NodeId> = stands(Stand::Failed).collect();
    if failed.iter().any(own) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let failures: Vec<&Failure> =
            now.tally.failed.iter().filter(|failure| failed.contains(&failure.node)).collect();
        let text: Vec<String> = failures.iter().map(|failure| described(now, failure)).collect();
        if let Some(failure) = failures.first() {
            status.set_message(format!("{}: {}", now.scene.label(failure.node), first_line(&failure.message)));
        }
        status.set_type("stage failed").set_description(text.join("\n\n"));
        return status;
    }
    let mut status = TestCaseStatus::skipped();
    let first_of = |node: NodeId| now.scene.cells_of(node).0.first().copied().unwrap_or_default();
    status.set_message(match failed.first() {
        Some(node) => format!("blocked: `{}` failed, see {}", now.scene.label(*node), first_of(*node)),
        None if stands(Stand::Blocked).next().is_some() => "left out: it was not tried".to_owned(),
        None => "the run was stopped before this cell was done".to_owned(),
    });
    status
}

/// The stage, its log and the end of that, which holds the message unless the log could not be written.
fn described(now: &Now<'_>, failure: &Failure) -> String {
    let mut parts = vec![now.scene.label(failure.node).to_owned()];
    let end = end_of(&failure.log).unwrap_or_default();
    if !end.contains(first_line(&failure.message)) {
        parts.push(failure.message.clone());
    }
    parts.extend((!failure.log.as_str().is_empty()).then(|| format!("log: {}", failure.log)));
    parts.extend((!end.is_empty()).then(|| format!("\n{end}")));
    parts.join("\n")
}

/// The last lines of a log.
fn end_of(log: &Utf8Path) -> Option<String> {
    use std::io::{Read, Seek, SeekFrom};
    const BYTES: u64 = 16 * 1024;
    let mut file = fs_err::File::open(log).ok()?;
    let size = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(LINES)..].join("\n");
    (!end.trim().is_empty()).then_some(end)
}
