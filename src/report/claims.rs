//! The section on claims: each sentence with its verdict and what that rests on.

use crate::metric::MetricError;

use super::Report;
use super::judge::{ALPHA, Evidence, Judged, Lacking, Part, Verdict, judge};
use super::markdown::{Align, Footnotes, counted, inline, list, percent, points, table, thousands};
use super::non_empty;
use super::table::NOTHING;

/// The columns that say what a verdict rests on.
const EVIDENCE: [&str; 8] = ["better", "than", "Δ [95 %]", "p", "r", "d_z", "p over seeds", "sessions that differ"];

/// More seeds than these nobody runs.
const MANY: f64 = 1_000.0;

/// The section; nothing when the experiment makes no claims.
pub(super) fn render(report: &Report<'_>) -> Result<Option<String>, MetricError> {
    let judged = judge(report)?;
    if judged.is_empty() {
        return Ok(None);
    }
    let mut footnotes = Footnotes::default();
    let rows: Vec<Vec<String>> = judged.iter().map(|judged| row(report, judged, &mut footnotes)).collect();
    let header = header(&["claim", "verdict", "metric", "parts", "decided by"]);
    let mut sections = vec!["## Claims".to_owned(), table(&header, &rows)];
    sections.extend(non_empty(&footnotes.render()));
    for judged in judged.iter().filter(|judged| judged.parts.len() > 1) {
        sections.extend(parts(judged));
    }
    sections.push(reading(judged.iter().map(|judged| judged.parts.len()).sum()));
    Ok(Some(sections.join("\n\n")))
}

fn header(left: &[&str]) -> Vec<(String, Align)> {
    let left = left.iter().map(|title| ((*title).to_owned(), Align::Left));
    left.chain(EVIDENCE.map(|title| (title.to_owned(), Align::Right))).collect()
}

/// A claim, with the numbers of the part that decides.
fn row<'a>(report: &Report<'a>, judged: &Judged<'a>, footnotes: &mut Footnotes) -> Vec<String> {
    let titles = |names: &[&'a str]| list(&names.iter().map(|name| inline(report.title(name))).collect::<Vec<_>>());
    let deciding = judged.deciding.map(|at| &judged.parts[at]);
    let open: Vec<&Part<'_>> = judged.parts.iter().filter(|part| part.verdict == judged.verdict).collect();
    let (needed, mut remarks) = needed(judged.verdict, &open);
    remarks.extend(deciding.into_iter().flat_map(|part| part.remarks.iter().cloned()));
    if !judged.absent.is_empty() {
        remarks.push(format!("without {}, of which there are no results", titles(&judged.absent)));
    }
    if judged.parts.is_empty() {
        remarks.push("there is nothing to compare".to_owned());
    }
    remarks.extend(judged.remarks.iter().cloned());
    let marks: String = remarks.iter().map(|text| footnotes.mark(format!("{}.", inline(text)))).collect();
    let over = if judged.over.is_empty() { String::new() } else { format!(" over {}", titles(&judged.over)) };
    let mut row = vec![
        inline(&judged.claim.text),
        format!("**{}**{needed}{marks}", judged.verdict),
        judged.metric.title(),
        format!("{}{over}", judged.parts.len()),
        deciding.map_or_else(|| NOTHING.to_owned(), |part| inline(&part.name())),
    ];
    row.extend(numbers(deciding.and_then(|part| part.evidence.as_ref())));
    row
}

/// The parts of a claim under its text.
fn parts(judged: &Judged<'_>) -> Vec<String> {
    let mut footnotes = Footnotes::default();
    let row = |part: &Part<'_>| {
        let (needed, mut remarks) = needed(part.verdict, &[part]);
        remarks.extend(part.remarks.iter().cloned());
        let marks: String = remarks.iter().map(|text| footnotes.mark(format!("{}.", inline(text)))).collect();
        let mut row = vec![inline(&part.name()), format!("{}{needed}{marks}", part.verdict)];
        row.extend(numbers(part.evidence.as_ref()));
        row
    };
    let rows: Vec<Vec<String>> = judged.parts.iter().map(row).collect();
    let heading = format!("### Parts of: {}", inline(&judged.claim.text));
    let table = table(&header(&["part", "verdict"]), &rows);
    [heading, table].into_iter().chain(non_empty(&footnotes.render())).collect()
}

/// What is needed for a verdict where there is none: the most that any of these parts needs, for the row, and remarks.
fn needed(verdict: Verdict, open: &[&Part<'_>]) -> (String, Vec<String>) {
    if verdict != Verdict::Undecided {
        return (String::new(), Vec::new());
    }
    let lacking: Vec<Lacking> = open.iter().filter_map(|part| part.evidence.as_ref()).map(|e| e.lacking).collect();
    let most = lacking.iter().filter_map(|lacking| if let Lacking::Seeds(n) = lacking { Some(*n) } else { None });
    let remarks = [
        (Lacking::Spread, "how many seeds are needed can be said from two seeds on"),
        (Lacking::Sessions, "by their spread there are seeds enough; it is test sessions that are too few"),
        (Lacking::Difference, "the means over seeds are equal, so no number of seeds would tell the two apart"),
    ];
    let remarks = remarks.into_iter().filter(|(what, _)| lacking.contains(what)).map(|(_, text)| text.to_owned());
    let needed = match most.reduce(f64::max) {
        Some(n) if n > MANY => format!(", more than {} more seeds needed", thousands(MANY as usize)),
        Some(n) => format!(", about {} needed", counted(n as usize, "more seed")),
        None => String::new(),
    };
    (needed, remarks.collect())
}

/// The fields of [`EVIDENCE`].
fn numbers(evidence: Option<&Evidence>) -> [String; 8] {
    let Some(e) = evidence else { return std::array::from_fn(|_| NOTHING.to_owned()) };
    let bounds = e.interval.map(|bounds| format!(" [{}, {}]", points(100.0 * bounds.low), points(100.0 * bounds.high)));
    [
        percent(e.better),
        percent(e.than),
        points(100.0 * (e.better - e.than)) + &bounds.unwrap_or_default(),
        p_value(e.p),
        points(e.rank_biserial),
        e.d_z.map_or_else(|| NOTHING.to_owned(), points),
        e.over_seeds.map_or_else(|| NOTHING.to_owned(), |test| format!("{} (n = {})", p_value(test.p), e.seeds)),
        format!("{} of {}", thousands(e.differing), thousands(e.sessions)),
    ]
}

/// How to read the section; `parts` is how many p-values are corrected for.
fn reading(parts: usize) -> String {
    format!(
        "A claim is as good as its weakest part, whose numbers stand in its row. \
         Means over test samples in per cent; Δ in points, with a bootstrap interval over sessions. \
         Unit: session. The values of a sample are averaged over the seeds, the differences of a session summed over its \
         samples; `p` is of Wilcoxon's signed-rank test over sessions, two-sided, sessions that do not differ dropped, \
         after Holm's correction for {} of all claims. \
         Supported: ahead with p < {ALPHA}; refuted: behind with p < {ALPHA}. \
         `r` is the matched-pairs rank-biserial correlation, `d_z` Cohen's, both over sessions. \
         All of these speak of these trained models on this test set; \
         `p over seeds`, of the paired t-test over the means of n seeds, not corrected, speaks of training them again.",
        counted(parts, "part")
    )
}

/// Three decimals, and no false zero.
fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}
