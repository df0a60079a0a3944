//! What a reader must know to read the numbers: data, seeds, and each choice of the protocol in words.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::protocol::{Protocol, SelectBy, SelectOn, TargetOperation, Ties};
use crate::experiment::types::ProtocolChoice;
use crate::metric::MetricAt;

use super::Report;
use super::comparable::candidates;
use super::layout::{Combination, Combinations};
use super::page::Block;
use super::words::{Words, code, counted, list, thousands};

/// What must be read before the table: data that are not real, choices that flatter.
pub(super) fn warnings(report: &Report<'_>) -> Vec<Block> {
    let mut warnings = Vec::new();
    let synthetic: BTreeSet<&str> = report
        .cells
        .iter()
        .filter(|cell| cell.ranks().is_some_and(|ranks| ranks.synthetic))
        .filter_map(|cell| cell.coordinates.get("dataset"))
        .map(|dataset| report.title(dataset))
        .collect();
    if !synthetic.is_empty() {
        let names: Vec<String> = synthetic.into_iter().map(str::to_owned).collect();
        let words = format!(
            "{} {} generated with planted structure: \
             these numbers show that the code finds it, and say nothing about any real log.",
            list(&names),
            if names.len() == 1 { "was" } else { "were" }
        );
        warnings.push(Block::Warning("Synthetic data", words.into()));
    }
    if report.protocol.select_on == SelectOn::Test {
        let words = "The test set itself picks the epoch, as several published codes do. \
                     On sessions never looked at, expect less.";
        warnings.push(Block::Warning("Optimistic numbers", words.into()));
    }
    if report.protocol.target_operation == TargetOperation::Visible {
        let words = "Models see the operation of the target, which a recommender cannot know before it happens.";
        warnings.push(Block::Warning("Leak", words.into()));
    }
    warnings
}

/// How to read the table, one paragraph each.
pub(super) fn paragraphs(report: &Report<'_>, combinations: &Combinations<'_>, metrics: &[MetricAt]) -> Vec<Block> {
    let titles: Vec<String> = metrics.iter().map(MetricAt::title).collect();
    let over = over_seeds(combinations);
    let mut reading = format!(
        "{} in per cent, {over}. Best of a column in **bold**, second <u>underlined</u>, by the numbers as printed.",
        list(&titles)
    );
    if let Some(paper) = &report.spec.paper {
        reading += &format!(
            " Beside them: `paper`, the number printed in {}; `Δ`, ours less the paper's, in points.",
            paper.source
        );
    }
    if let Some(proposed) = &report.spec.improvement {
        let proposed = proposed.to_string();
        let title = report.titles.get(&proposed).unwrap_or(&proposed);
        reading += &format!(" Last row: by how much {title} improves on the best other row, relative to that.");
    }
    let name = match report.experiment.protocol {
        ProtocolChoice::Paper => "paper",
        ProtocolChoice::PublishedCode => "published-code",
        ProtocolChoice::Custom(_) => "custom",
    };
    let clauses = in_words(report.protocol).into_iter().map(Words::from).collect();
    let protocol = Block::Choices(Words::new(format!("Protocol {}", code(name))), clauses);
    let mut blocks = vec![Block::Words(reading.into()), protocol];
    blocks.extend(test_sets(report).map(|words| Block::Words(words.into())));
    blocks
}

/// Over how many seeds a number is, and which.
pub(super) fn over_seeds(combinations: &Combinations<'_>) -> String {
    let words = |seeds: &mut dyn Iterator<Item = &u64>| seeds.map(ToString::to_string).collect::<Vec<_>>();
    if let Some(over) = over_fewer(combinations) {
        return over;
    }
    let first = combinations.all.first().map_or(&[][..], |combination| &combination.seeds);
    if combinations.all.iter().all(|combination| combination.seeds == first) {
        return match first {
            [only] => format!("one seed ({only}), so without a spread"),
            seeds => {
                let named = list(&words(&mut seeds.iter()));
                format!("mean ± sample standard deviation over n = {} seeds ({named})", seeds.len())
            }
        };
    }
    let counts: BTreeSet<usize> = combinations.all.iter().map(|combination| combination.seeds.len()).collect();
    let all: BTreeSet<u64> = combinations.all.iter().flat_map(|combination| combination.seeds.clone()).collect();
    let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
    let named = list(&words(&mut all.iter()));
    format!(
        "mean ± sample standard deviation over as many seeds as the grid gives a cell ({}; of seeds {named}), \
         one seed without a spread",
        counts.join(" or ")
    )
}

/// The same where some of the seeds of a cell have results and others have none; nothing where all or none have.
fn over_fewer(combinations: &Combinations<'_>) -> Option<String> {
    let done = |combination: &Combination<'_>| combination.cells.values().filter(|cell| cell.ranks().is_some()).count();
    let begun: Vec<(usize, usize)> =
        combinations.all.iter().map(|one| (done(one), one.seeds.len())).filter(|(done, _)| *done > 0).collect();
    if begun.iter().all(|(done, wanted)| done == wanted) {
        return None;
    }
    let range = |least: usize, most: usize| if least == most { most.to_string() } else { format!("{least} to {most}") };
    let extent = |count: fn(&(usize, usize)) -> usize| {
        let counts = || begun.iter().map(count);
        range(counts().min().unwrap_or_default(), counts().max().unwrap_or_default())
    };
    let (done, wanted) = (extent(|(done, _)| *done), extent(|(_, wanted)| *wanted));
    Some(format!(
        "mean ± sample standard deviation over the seeds that ran, {done} of {wanted}, one seed without a spread"
    ))
}

/// Each choice of a protocol as a clause.
fn in_words(protocol: &Protocol) -> Vec<String> {
    let share = 100.0 * protocol.validation_share;
    let part = match protocol.select_on {
        SelectOn::Validation => {
            format!("on validation sessions (the last {share} % of the training sessions by end time)")
        }
        SelectOn::Test => "on the test set".to_owned(),
    };
    let picked = match protocol.select_by {
        SelectBy::Mrr => format!("the best MRR@20 {part} picks one epoch of a model for every metric"),
        SelectBy::EachMetric => format!("each metric takes its own best epoch {part}"),
    };
    let ties = match protocol.ties {
        Ties::Mean => "equal scores count as half (rank = 1 + above + ties / 2)",
        Ties::Optimistic => "equal scores stand below the target (rank = 1 + above)",
        Ties::Pessimistic => "equal scores stand above the target (rank = 1 + above + ties)",
    };
    let operation = match protocol.target_operation {
        TargetOperation::Hidden => "the operation of the target is hidden from the model",
        TargetOperation::Visible => "the operation of the target is visible to the model",
    };
    let prefixes = match protocol.test_prefixes {
        true => "every prefix of a test session is a sample",
        false => "each test session is one sample, its last item the target",
    };
    vec![picked, ties.to_owned(), operation.to_owned(), prefixes.to_owned()]
}

/// Where the test sets come from and how large they are: `Test sets: demo (raw files) 1,648 samples, …`.
fn test_sets(report: &Report<'_>) -> Option<String> {
    let mut sizes: BTreeMap<&str, BTreeSet<(usize, String, bool)>> = BTreeMap::new();
    for cell in report.cells {
        let (Some(ranks), Some(dataset)) = (cell.ranks(), cell.coordinates.get("dataset")) else { continue };
        let samples = ranks.ranks.selections.values().map(Vec::len).max().unwrap_or(0);
        sizes.entry(report.title(dataset)).or_default().insert((samples, candidates(ranks), ranks.synthetic));
    }
    // Where cells disagree the table says so; a size that holds for some of them would mislead.
    let agreed = sizes.iter().filter(|(_, sizes)| sizes.len() == 1).flat_map(|(dataset, sizes)| {
        sizes.iter().map(move |(samples, candidates, synthetic)| {
            let origin = if *synthetic { "made up" } else { "raw files" };
            let samples = if *samples == 1 { counted(1, "sample") } else { format!("{} samples", thousands(samples)) };
            format!("{dataset} ({origin}) {samples}, {candidates} candidates for each")
        })
    });
    let agreed: Vec<String> = agreed.collect();
    (!agreed.is_empty()).then(|| format!("Test sets: {}.", agreed.join("; ")))
}
