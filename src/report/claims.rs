//! The section on claims: each sentence with its verdict and what that rests on.

use crate::metric::MetricError;

use super::Report;
use super::judge::{ALPHA, judge};
use super::markdown::{Align, Footnotes, inline, percent, points, table, thousands};

/// The section on claims; nothing when the experiment makes none.
pub(super) fn render(report: &Report<'_>) -> Result<Option<String>, MetricError> {
    let judged = judge(report)?;
    if judged.is_empty() {
        return Ok(None);
    }
    let mut footnotes = Footnotes::default();
    let rows: Vec<Vec<String>> = judged
        .iter()
        .map(|judged| {
            let mark = judged.remark.as_ref().map(|text| footnotes.mark(format!("{}.", inline(text))));
            let verdict = format!("**{}**{}", judged.verdict, mark.unwrap_or_default());
            let mut row = vec![inline(&judged.claim.text), verdict, judged.metric.title()];
            row.extend(judged.evidence.map_or_else(
                || std::array::from_fn(|_| "–".to_owned()),
                |e| {
                    let difference = points(100.0 * (e.better - e.than));
                    let pairs = format!("{} of {}", thousands(e.differing), thousands(e.pairs));
                    [percent(e.better), percent(e.than), difference, p_value(e.p), pairs]
                },
            ));
            row
        })
        .collect();
    let left = ["claim", "verdict", "metric"].map(|title| (title.to_owned(), Align::Left));
    let right = ["better", "than", "Δ", "p", "pairs that differ"].map(|title| (title.to_owned(), Align::Right));
    let header: Vec<(String, Align)> = left.into_iter().chain(right).collect();
    let reading = format!(
        "Means in per cent, Δ in points. Each test sample is a pair, its values averaged over the seeds; \
         `p` is of Wilcoxon's signed-rank test, two-sided, pairs that do not differ dropped, \
         after Holm's correction for {} claim{}. \
         Supported: ahead with p < {ALPHA}; refuted: behind with p < {ALPHA}. \
         The test speaks of these trained models on this test set; it takes samples for independent, \
         which prefixes of one session are not quite, and it knows nothing of seeds that were not run.",
        judged.len(),
        if judged.len() == 1 { "" } else { "s" }
    );
    let mut parts = vec!["## Claims".to_owned(), table(&header, &rows)];
    parts.extend(super::non_empty(&footnotes.render()));
    parts.push(reading);
    Ok(Some(parts.join("\n\n")))
}

/// Three decimals, and no false zero.
fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}
