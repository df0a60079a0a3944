//! The section on claims: each sentence with its verdict and what that rests on.

use serde_json::{Value, json};

use super::Report;
use super::judge::{ALPHA, Evidence, Judged, Lacking, Part, Verdict, judge};
use super::layout::Combinations;
use super::page::{
    self, Align, Block, Cell, Column, Content, Footnotes, Holds, Kind, Number, Print, Row, Section, Table,
};
use super::words::{Words, counted, list, thousands};
use crate::metric::MetricError;

/// The columns that say what a verdict rests on.
const EVIDENCE: [&str; 8] = ["better", "than", "Δ [95 %]", "p", "r", "d_z", "p over seeds", "sessions that differ"];

/// More seeds than these nobody runs.
const MANY: f64 = 1_000.0;

/// The claims of an experiment, and the section on them where it makes any.
///
/// # Errors
/// When the metric of a claim cannot be read.
pub(super) fn of(
    report: &Report<'_>,
    combinations: &Combinations<'_>,
) -> Result<(Vec<page::Claim>, Option<Section>), MetricError> {
    let judged = judge(report)?;
    let claims = judged.iter().map(|judged| claim(report, judged, combinations)).collect();
    Ok((claims, (!judged.is_empty()).then(|| section(report, &judged, combinations))))
}

fn section(report: &Report<'_>, judged: &[Judged<'_>], combinations: &Combinations<'_>) -> Section {
    let mut footnotes = Footnotes::default();
    let rows = judged.iter().map(|judged| row(report, judged, combinations, &mut footnotes)).collect();
    let columns = columns(&["claim", "verdict", "metric", "parts", "decided by"]);
    let mut blocks = vec![Block::Table(Table { path: Vec::new(), columns, rows })];
    for judged in judged.iter().filter(|judged| judged.parts.len() > 1) {
        blocks.extend(parts(judged, combinations, &mut footnotes));
    }
    blocks.extend(footnotes.block());
    blocks.push(Block::Words(reading(judged.iter().map(|judged| judged.parts.len()).sum()).into()));
    Section { kind: Kind::Claims, blocks }
}

fn columns(left: &[&str]) -> Vec<Column> {
    let left = left.iter().map(|title| Column::new(*title, Align::Left, Holds::Other));
    left.chain(EVIDENCE.map(|title| Column::new(title, Align::Right, Holds::Other))).collect()
}

/// A claim, with the numbers of the part that decides.
fn row<'a>(
    report: &Report<'a>,
    judged: &Judged<'a>,
    combinations: &Combinations<'_>,
    footnotes: &mut Footnotes,
) -> Row {
    let deciding = judged.deciding.map(|at| &judged.parts[at]);
    let open: Vec<&Part<'_>> = judged.parts.iter().filter(|part| part.verdict == judged.verdict).collect();
    let (needed, mut remarks) = needed(judged.verdict, &open);
    remarks.extend(deciding.into_iter().flat_map(|part| part.remarks.iter().cloned()));
    remarks.extend(others(report, judged));
    let over = if judged.over.is_empty() { String::new() } else { format!(" over {}", titles(report, &judged.over)) };
    let mut verdict = Cell::words(format!("**{}**{needed}", judged.verdict));
    verdict.marks = remarks.iter().map(|text| footnotes.mark(format!("{text}."))).collect();
    let mut cells = vec![
        Cell::words(judged.claim.text.as_str()),
        verdict,
        Cell::words(judged.metric.title()),
        Cell::words(format!("{}{over}", judged.parts.len())),
        deciding.map_or_else(|| Cell::new(Content::Nothing), |part| Cell::words(part.name())),
    ];
    cells.extend(numbers(deciding, combinations));
    Row { key: judged.claim.text.clone(), cells, apart: false }
}

fn titles<'a>(report: &Report<'a>, names: &[&'a str]) -> String {
    list(&names.iter().map(|name| report.title(name).to_owned()).collect::<Vec<_>>())
}

/// What is to be said of a claim beside its parts.
fn others<'a>(report: &Report<'a>, judged: &Judged<'a>) -> Vec<String> {
    let mut remarks = Vec::new();
    if !judged.absent.is_empty() {
        remarks.push(format!("without {}, of which there are no results", titles(report, &judged.absent)));
    }
    if judged.parts.is_empty() {
        remarks.push("there is nothing to compare".to_owned());
    }
    remarks.extend(judged.remarks.iter().cloned());
    remarks
}

/// The parts of a claim under its text.
fn parts(judged: &Judged<'_>, combinations: &Combinations<'_>, footnotes: &mut Footnotes) -> [Block; 2] {
    let row = |part: &Part<'_>| {
        let (needed, mut remarks) = needed(part.verdict, &[part]);
        remarks.extend(part.remarks.iter().cloned());
        let mut verdict = Cell::words(format!("{}{needed}", part.verdict));
        verdict.marks = remarks.iter().map(|text| footnotes.mark(format!("{text}."))).collect();
        let mut cells = vec![Cell::words(part.name()), verdict];
        cells.extend(numbers(Some(part), combinations));
        Row { key: part.name(), cells, apart: false }
    };
    let rows = judged.parts.iter().map(row).collect();
    let heading = Block::Heading(1, format!("Parts of: {}", judged.claim.text).into());
    let path = vec![judged.claim.text.clone()];
    [heading, Block::Table(Table { path, columns: columns(&["part", "verdict"]), rows })]
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
        Some(n) if n > MANY => {
            format!(", more than {} more seeds needed for the test over seeds", thousands(MANY as usize))
        }
        Some(n) => format!(", about {} needed for the test over seeds", counted(n as usize, "more seed")),
        None => String::new(),
    };
    (needed, remarks.collect())
}

/// The cells under [`EVIDENCE`].
fn numbers(part: Option<&Part<'_>>, combinations: &Combinations<'_>) -> [Cell; 8] {
    let Some((part, e)) = part.and_then(|part| Some((part, part.evidence.as_ref()?))) else {
        return std::array::from_fn(|_| Cell::new(Content::Nothing));
    };
    let number = |value: f64, print| Cell::number(Some(value), print);
    let [better, than] = sides(part, combinations).map_or([None; 2], |sides| sides.map(Some));
    let bounds = e.interval.map(|bounds| [bounds.low, bounds.high]);
    let difference = Number { bounds, ..Number::new(e.better - e.than, Print::Points) };
    let p = Number::new(e.over_seeds.map_or(1.0, |test| test.p), Print::Probability);
    let over_seeds = e.over_seeds.map_or_else(|| "–".to_owned(), |_| p.text());
    let over_seeds = format!("{over_seeds} (n = {})", e.seeds);
    [
        number(e.better, Print::Percent).from(better),
        number(e.than, Print::Percent).from(than),
        Cell::new(Content::Number(difference)),
        number(e.p, Print::Probability),
        number(e.rank_biserial, Print::Effect),
        Cell::number(e.d_z, Print::Effect),
        Cell::words(over_seeds),
        Cell::words(format!("{} of {}", thousands(e.differing), thousands(e.sessions))),
    ]
}

/// The cells that a part compares, by their place.
fn sides(part: &Part<'_>, combinations: &Combinations<'_>) -> Option<[usize; 2]> {
    let [better, than] = part.sides?;
    Some([combinations.place(better)?, combinations.place(than)?])
}

fn claim<'a>(report: &Report<'a>, judged: &Judged<'a>, combinations: &Combinations<'_>) -> page::Claim {
    let part = |part: &Part<'_>| page::Part {
        name: part.name(),
        verdict: part.verdict.to_string(),
        evidence: part.evidence.as_ref().map(evidence),
        remarks: part.remarks.iter().map(|remark| remark.as_str().into()).collect(),
        sides: sides(part, combinations),
    };
    page::Claim {
        text: judged.claim.text.clone(),
        metric: judged.metric.to_string(),
        verdict: judged.verdict.to_string(),
        parts: judged.parts.iter().map(part).collect(),
        deciding: judged.deciding,
        over: judged.over.iter().map(|name| (*name).to_owned()).collect(),
        remarks: others(report, judged).into_iter().map(Words::from).collect(),
    }
}

/// The evidence by name, in full.
fn evidence(e: &Evidence) -> Value {
    let lacking = match e.lacking {
        Lacking::Spread => json!("spread"),
        Lacking::Seeds(count) => json!({ "seeds": count }),
        Lacking::Sessions => json!("sessions"),
        Lacking::Difference => json!("difference"),
    };
    json!({
        "better": e.better,
        "than": e.than,
        "interval": e.interval.map(|bounds| [bounds.low, bounds.high]),
        "samples": e.samples,
        "sessions": e.sessions,
        "differing": e.differing,
        "p": e.p,
        "p_alone": e.p_alone,
        "rank_biserial": e.rank_biserial,
        "d_z": e.d_z,
        "seeds": e.seeds,
        "p_over_seeds": e.over_seeds.map(|test| test.p),
        "lacking": lacking,
    })
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
