//! The epochs of a cell's training, from the model that its ranks were made with.

use super::gather::Found;
use crate::cli::CommandError;
use crate::diagnostic::Diagnostic;
use crate::report::Epoch;

/// The name under which `evaluate` reads a model.
const MODEL: &str = "model";

/// The epochs; none where the model is not there, or was trained without epochs.
pub(super) fn curve(found: &Found<'_>) -> Result<Vec<Epoch>, CommandError> {
    let model = found.cell.ranks.and_then(|ranks| found.all.graph.nodes[ranks].inputs.get(MODEL).copied());
    let Some(outcome) = found.done(model) else { return Ok(Vec::new()) };
    let path = outcome.folder.join("curve.jsonl");
    // A trainer that counts and does not learn has no curve to write, and a model that was cleared away has lost its own.
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = fs_err::read_to_string(&path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let epochs = lines.map(|(at, line)| {
        serde_json::from_str(line).map_err(|error| {
            let message = format!("line {} of the curve of `{}` is not an epoch: {error}", at + 1, found.cell.name);
            let help = format!("the trainer wrote `{path}`; docs/contract.md says what stands in a line");
            Diagnostic::new(message).help(help).into()
        })
    });
    epochs.collect()
}
