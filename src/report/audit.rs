//! Findings of the audits of the datasets: leaks first, what is clean in one line.

use super::page::{Block, Kind, Section};
use super::words::{Words, inline, list};
use crate::data::audit::{Audit, Finding, Verdict};

/// A dataset that is audited, and what was found.
#[derive(Debug, Clone)]
pub struct Audited {
    /// What people call it.
    pub name: String,
    /// The findings, or why there are none.
    pub findings: Result<Audit, String>,
}

/// The section of a report; nothing where no dataset is audited.
pub(super) fn section(audits: &[Audited]) -> Option<Section> {
    if audits.is_empty() {
        return None;
    }
    // Datasets that the split makes alike are told once.
    let mut told: Vec<(Vec<String>, Vec<Words>)> = Vec::new();
    for audited in audits {
        let lines = match &audited.findings {
            Ok(audit) => lines(audit),
            Err(why) => vec![format!("missing: {why}").into()],
        };
        match told.iter_mut().find(|(_, known)| *known == lines) {
            Some((names, _)) => names.push(inline(&audited.name)),
            None => told.push((vec![inline(&audited.name)], lines)),
        }
    }
    let told = told.into_iter().map(|(names, lines)| (Words::new(format!("**{}**", list(&names))), lines));
    let mut blocks: Vec<Block> = told.flat_map(|(names, lines)| [Block::Words(names), Block::List(lines)]).collect();
    let reading = "Every count is exact. A leak breaks the rule by which the data were split, or shows training what is tested; \
                   what is by design may flatter a number, and the split or the protocol asks for it.";
    blocks.push(Block::Words(reading.into()));
    Some(Section { kind: Kind::Audits, blocks })
}

/// What was found, for scripts: the findings by the name of the dataset, or why there are none.
pub(super) fn found(audits: &[Audited]) -> Vec<(String, serde_json::Value)> {
    let found = audits.iter().map(|audited| {
        let findings = match &audited.findings {
            Ok(audit) => serde_json::json!({ "findings": audit.findings }),
            Err(why) => serde_json::json!({ "missing": why }),
        };
        (audited.name.clone(), findings)
    });
    found.collect()
}

/// The findings of a dataset, one a line.
fn lines(audit: &Audit) -> Vec<Words> {
    let with = |verdict: Verdict| audit.findings.iter().filter(move |finding| finding.verdict == verdict);
    let mut lines: Vec<String> = with(Verdict::Leak).map(|finding| format!("**leak**: {}", words(finding))).collect();
    lines.extend(with(Verdict::ByDesign).map(|finding| format!("by design: {}", finding.words)));
    for (verdict, word) in [(Verdict::NotApplicable, "not applicable"), (Verdict::Clean, "clean")] {
        let titles: Vec<&str> = with(verdict).map(|finding| finding.check.title()).collect();
        if !titles.is_empty() {
            lines.push(format!("{word}: {}", titles.join("; ")));
        }
    }
    lines.into_iter().map(Words::from).collect()
}

/// A finding with its examples, each once: `12 of 581 test sessions stand in training too; such as session 7, session 9`.
fn words(finding: &Finding) -> String {
    let mut examples: Vec<String> = finding.examples.iter().map(|example| inline(example)).collect();
    examples.dedup();
    let such_as = if examples.is_empty() { String::new() } else { format!("; such as {}", examples.join(", ")) };
    format!("{}{such_as}", finding.words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::audit::{Check, VERSION};

    /// The section as markdown, after its heading.
    fn render(audits: &[Audited]) -> Option<String> {
        section(audits).map(|section| crate::report::form::markdown::section(&section))
    }

    fn finding(check: Check, verdict: Verdict, words: &str, examples: &[&str]) -> Finding {
        let examples = examples.iter().map(|example| (*example).to_owned()).collect();
        Finding { check, verdict, count: 0, of: 0, words: words.to_owned(), examples }
    }

    fn audited(name: &str, findings: Vec<Finding>) -> Audited {
        let (dataset, test_samples) = (name.to_owned(), String::new());
        Audited { name: name.to_owned(), findings: Ok(Audit { version: VERSION, dataset, test_samples, findings }) }
    }

    #[test]
    fn leaks_come_first_and_what_is_clean_stands_in_one_line() {
        let findings = vec![
            finding(Check::SessionInTwoParts, Verdict::Clean, "0 of 9 sessions", &[]),
            finding(Check::ColdItems, Verdict::ByDesign, "3 of 7 test items", &["x"]),
            finding(Check::SampleInTraining, Verdict::Leak, "2 of 9 test samples", &["a|b", "a|b", "c"]),
            finding(Check::TrainingAfterTest, Verdict::Clean, "0 of 4 events", &[]),
            finding(Check::UserInTwoParts, Verdict::NotApplicable, "the log names no user", &[]),
        ];
        let text = render(&[audited("demo", findings)]).unwrap();
        let expected = "**demo**\n\n\
            - **leak**: 2 of 9 test samples; such as a\\|b, c\n\
            - by design: 3 of 7 test items\n\
            - not applicable: test users who act in training\n\
            - clean: sessions in more than one part; training events after the first test event";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn datasets_with_the_same_findings_are_told_together_and_a_missing_audit_is_told() {
        let clean = || vec![finding(Check::SessionInTwoParts, Verdict::Clean, "", &[])];
        let missing = Audited { name: "c".to_owned(), findings: Err("did not run".to_owned()) };
        let text = render(&[audited("a", clean()), missing, audited("b", clean())]).unwrap();
        assert!(
            text.contains("**a and b**\n\n- clean: sessions in more than one part\n\n**c**\n\n- missing: did not run"),
            "{text}"
        );
        assert!(render(&[]).is_none());
    }
}
