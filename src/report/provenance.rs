//! Where the numbers come from, so that anybody can make them again.

use std::collections::BTreeSet;

use super::Provenance;
use super::markdown::{Align, code, inline, table};

/// The last section of a report; `runs` are those that made its numbers, an empty name for one that is not known.
pub(super) fn render(from: &Provenance, mut runs: BTreeSet<&str>) -> String {
    let commit = match (&from.git_commit, from.git_dirty) {
        (Some(commit), false) => code(commit),
        (Some(commit), true) => format!("{}, with changes that are not committed", code(commit)),
        (None, _) => "none on record".to_owned(),
    };
    let mut facts = vec![
        ("command".to_owned(), code(&inline(&from.command))),
        ("date".to_owned(), inline(&from.date)),
        ("tool".to_owned(), inline(&from.tool_version)),
        ("git commit".to_owned(), commit),
        (
            "experiment".to_owned(),
            format!("{} {}", code(&inline(&from.experiment_file)), code(&from.experiment_digest)),
        ),
        ("protocol".to_owned(), code(&from.protocol_digest)),
    ];
    facts.extend(from.datasets.iter().map(|(name, digest)| (format!("data set {}", inline(name)), code(digest))));
    runs.remove("");
    if !runs.is_empty() {
        facts.push(("runs".to_owned(), runs.into_iter().map(code).collect::<Vec<_>>().join(", ")));
    }
    let header = [("what".to_owned(), Align::Left), ("value".to_owned(), Align::Left)];
    let rows: Vec<Vec<String>> = facts.into_iter().map(|(what, value)| vec![what, value]).collect();
    format!("## Provenance\n\n{}", table(&header, &rows))
}
