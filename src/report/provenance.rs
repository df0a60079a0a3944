//! Where the numbers come from, so that anybody can make them again.

use std::collections::BTreeSet;

use super::Provenance;
use super::page::{Align, Block, Cell, Column, Holds, Kind, Origin, Row, Section, Table};
use super::words::{Words, code, inline};

impl Origin {
    /// What made the results of these runs, of which some may be unknown and many the same.
    pub(super) fn of<'a>(provenance: &Provenance, runs: impl Iterator<Item = &'a str>) -> Self {
        let known: BTreeSet<&str> = runs.filter(|run| !run.is_empty()).collect();
        let mut runs: Vec<String> = known.into_iter().map(str::to_owned).collect();
        // Numbers: those with fewer digits come first.
        runs.sort_by_key(|run| (run.len(), run.clone()));
        Self { provenance: provenance.clone(), runs }
    }

    /// What is known of it, one fact a line: its name, and what it is.
    pub fn facts(&self) -> Vec<(String, Words)> {
        let from = &self.provenance;
        let commit = from.git_commit.as_deref().map_or_else(|| "none on record".to_owned(), written);
        let mut facts = vec![
            ("command".to_owned(), code(&from.command)),
            ("date".to_owned(), from.date.clone()),
            ("tool".to_owned(), from.tool_version.clone()),
            ("git commit".to_owned(), commit),
            (
                "commits of older results".to_owned(),
                from.other_commits.iter().map(|one| written(one)).collect::<Vec<_>>().join(", "),
            ),
            ("experiment".to_owned(), format!("{} {}", code(&from.experiment_file), code(&from.experiment_digest))),
            ("protocol".to_owned(), code(&from.protocol_digest)),
        ];
        let datasets = from.datasets.iter();
        facts.extend(datasets.map(|(name, digest)| (format!("data set {}", inline(name)), code(digest))));
        if !self.runs.is_empty() {
            let runs: Vec<String> = self.runs.iter().map(|run| code(run)).collect();
            facts.push(("runs".to_owned(), runs.join(", ")));
        }
        facts.retain(|(_, fact)| !fact.is_empty());
        facts.into_iter().map(|(name, fact)| (name, Words::from(fact))).collect()
    }

    /// The same as lines of plain text, for a comment: `date: 2026-01-02`.
    pub fn lines(&self) -> Vec<String> {
        self.facts().into_iter().map(|(name, fact)| format!("{name}: {}", fact.plain())).collect()
    }
}

/// A commit, with a word on changes beside it.
fn written(commit: &str) -> String {
    match commit.split_once(' ') {
        Some((hash, _)) => format!("{} with changes that are not committed", code(hash)),
        None => code(commit),
    }
}

/// The last section of a report.
pub(super) fn section(origin: &Origin) -> Section {
    let columns = ["what", "value"].map(|title| Column::new(title, Align::Left, Holds::Other)).into();
    let row = |(name, fact): (String, Words)| {
        let cells = vec![Cell::words(name.as_str()), Cell::words(fact)];
        Row { key: name, cells, apart: false }
    };
    let rows = origin.facts().into_iter().map(row).collect();
    let table = Table { path: Vec::new(), columns, rows };
    Section { kind: Kind::Provenance, blocks: vec![Block::Table(table)] }
}
