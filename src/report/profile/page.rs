//! From measures to a page: sections of words, tables and plots, the same for every form of the file.

use std::collections::BTreeMap;

use super::Profile;
use super::measure::{Measures, POSITIONS, Samples};
use super::plot::Plot;
use crate::data::events::Clock;
use crate::data::statistics::{Value, statistic_named};
use crate::report::page::{Align, statistic};
use crate::report::words::{counted, percent, thousands};

/// A page.
pub(super) struct Page {
    /// Its heading.
    pub(super) title: String,
    /// What must be read first.
    pub(super) warnings: Vec<String>,
    /// Its sections.
    pub(super) sections: Vec<Section>,
}

/// A section.
pub(super) struct Section {
    /// Its heading.
    pub(super) heading: String,
    /// What it shows, one paragraph each.
    pub(super) words: Vec<String>,
    /// Its plot.
    pub(super) plot: Option<Plot>,
    /// Its tables.
    pub(super) grids: Vec<Grid>,
}

/// A table.
pub(super) struct Grid {
    /// The titles of its columns, and on which side they are flush.
    pub(super) header: Vec<(String, Align)>,
    /// Its rows.
    pub(super) rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table whose first column is words and whose others are numbers.
    fn new(titles: &[&str], rows: Vec<Vec<String>>) -> Self {
        let align = |at: usize| if at == 0 { Align::Left } else { Align::Right };
        let header = titles.iter().enumerate().map(|(at, title)| ((*title).to_owned(), align(at))).collect();
        Self { header, rows }
    }
}

/// What a bin of gaps begins with, in seconds, and its name.
const SECONDS: [(i64, &str); 16] = [
    (i64::MIN, "back in time"),
    (0, "0 s"),
    (1, "1 to 4 s"),
    (5, "5 to 9 s"),
    (10, "10 to 29 s"),
    (30, "30 to 59 s"),
    (60, "1 to 5 min"),
    (300, "5 to 10 min"),
    (600, "10 to 30 min"),
    (1800, "30 to 60 min"),
    (3600, "1 to 2 h"),
    (7200, "2 to 6 h"),
    (21_600, "6 to 24 h"),
    (86_400, "1 to 7 days"),
    (604_800, "7 to 30 days"),
    (2_592_000, "30 days or more"),
];

/// The same in rows of the log.
const ROWS: [(i64, &str); 9] = [
    (i64::MIN, "back in the log"),
    (1, "1"),
    (2, "2 to 9"),
    (10, "10 to 99"),
    (100, "100 to 499"),
    (500, "500 to 999"),
    (1000, "1,000 to 1,999"),
    (2000, "2,000 to 9,999"),
    (10_000, "10,000 or more"),
];

/// Columns of a plot of lengths; longer sessions stand together in the last.
const COLUMNS: u64 = 40;

/// Columns of a plot of days; a log of more days is shown by weeks.
const DAYS: i64 = 120;

/// The page of a profile.
pub(super) fn of(profile: &Profile<'_>) -> Page {
    let measures = profile.measures;
    let mut sections = vec![overview(measures), lengths(&measures.lengths)];
    sections.push(ranks(
        "Items",
        "item",
        &measures.items,
        "A line that falls straight on logarithmic axes is a power law: few items have most of the events.",
    ));
    sections.push(operations(&measures.operations));
    sections.push(gaps(measures));
    sections.push(repeats(measures));
    if measures.users.is_empty() {
        let words = vec!["The log does not say who acts.".to_owned()];
        sections.push(Section { heading: "Users".to_owned(), words, plot: None, grids: Vec::new() });
    } else {
        sections.push(ranks("Users", "user", &measures.users, ""));
    }
    sections.push(days(&measures.days));
    sections.extend(targets(measures));
    sections.push(sources(profile));
    let warning = "Synthetic data: this log was generated with planted structure and says nothing about any real one.";
    Page {
        title: format!("Profile of {}", profile.name),
        warnings: profile.synthetic.then(|| warning.to_owned()).into_iter().collect(),
        sections,
    }
}

/// Every statistic that is known, and what it counts.
fn overview(measures: &Measures) -> Section {
    let (mut rows, mut unknown) = (Vec::new(), Vec::new());
    for number in &measures.statistics.numbers {
        let Some(known) = statistic_named(&number.name) else { continue };
        match &number.value {
            Value::Unknown(why) => unknown.push(format!("{} ({why})", number.name)),
            value => {
                let value = statistic(known.unit, value.number().unwrap_or_default());
                rows.push(vec![number.name.clone(), value, known.words.to_owned()]);
            }
        }
    }
    let mut grid = Grid::new(&["statistic", "value", "what it counts"], rows);
    grid.header[2].1 = Align::Left;
    let words = match unknown.is_empty() {
        true => Vec::new(),
        false => vec![format!("Not known here: {}.", unknown.join("; "))],
    };
    Section { heading: "At a glance".to_owned(), words, plot: None, grids: vec![grid] }
}

fn lengths(lengths: &BTreeMap<u64, u64>) -> Section {
    let sessions: u64 = lengths.values().sum();
    let last = lengths.keys().next_back().copied().unwrap_or_default().min(COLUMNS);
    let share = |count: u64| 100.0 * count as f64 / sessions.max(1) as f64;
    let columns = (1..=last).map(|length| {
        let beyond = length == COLUMNS;
        let count = if beyond {
            lengths.range(length..).map(|(_, count)| count).sum()
        } else {
            lengths.get(&length).copied().unwrap_or_default()
        };
        (if beyond { format!("{length}+") } else { length.to_string() }, share(count))
    });
    let plot =
        Plot::Columns { x: "events of a session".to_owned(), y: "sessions, %".to_owned(), columns: columns.collect() };
    let rows = [("shortest", 0.0), ("1 %", 0.01), ("25 %", 0.25), ("50 % (median)", 0.5), ("75 %", 0.75)]
        .into_iter()
        .chain([("90 %", 0.9), ("99 %", 0.99), ("99.9 %", 0.999), ("longest", 1.0)])
        .map(|(name, quantile)| vec![name.to_owned(), thousands(at_quantile(lengths, quantile))]);
    let words = "So many per cent of the sessions have at most so many events.".to_owned();
    Section {
        heading: "Session length".to_owned(),
        words: vec![words],
        plot: Some(plot),
        grids: vec![Grid::new(&["share of sessions", "events"], rows.collect())],
    }
}

/// The smallest value that at least this share of all does not exceed.
fn at_quantile(counts: &BTreeMap<u64, u64>, quantile: f64) -> u64 {
    let all: u64 = counts.values().sum();
    let wanted = (quantile * all as f64).ceil() as u64;
    let mut below = 0;
    for (value, count) in counts {
        below += count;
        if below >= wanted.max(1) {
            return *value;
        }
    }
    0
}

/// How events are spread over items or users, of which `counts` has the events, most first.
fn ranks(heading: &str, noun: &str, counts: &[u64], words: &str) -> Section {
    let (all, events) = (counts.len(), counts.iter().sum::<u64>());
    let below = |limit: u64| counts.len() - counts.partition_point(|count| *count >= limit);
    let of = |part: usize| format!("{} %", percent(part as f64 / all.max(1) as f64));
    let rare = [2, 3, 5, 10, 50].map(|limit| {
        let name = if limit == 2 { "1 event".to_owned() } else { format!("fewer than {limit} events") };
        vec![name, thousands(below(limit)), of(below(limit))]
    });
    let first = |share: f64| ((share * all as f64).ceil() as usize).min(all);
    let head = [0.01, 0.1, 0.5].map(|share| {
        let part: u64 = counts[..first(share)].iter().sum();
        let name = format!("the first {} %", (100.0 * share).round());
        vec![name, thousands(part), format!("{} %", percent(part as f64 / events.max(1) as f64))]
    });
    let plot = Plot::Ranks { x: format!("{noun}s, by rank"), y: "events".to_owned(), counts: counts.to_vec() };
    let words = if words.is_empty() { Vec::new() } else { vec![words.to_owned()] };
    Section {
        heading: heading.to_owned(),
        words,
        plot: Some(plot),
        grids: vec![
            Grid::new(&[&format!("{noun}s with"), "how many", "share"], rare.into()),
            Grid::new(&[&format!("{noun}s by rank"), "their events", "share of all"], head.into()),
        ],
    }
}

fn operations(operations: &[(String, u64)]) -> Section {
    let events: u64 = operations.iter().map(|(_, count)| count).sum();
    let share = |count: u64| count as f64 / events.max(1) as f64;
    let bars = operations.iter().map(|(name, count)| (name.clone(), (1e4 * share(*count)).round() / 100.0));
    let row =
        |(name, count): &(String, u64)| vec![name.clone(), thousands(count), format!("{} %", percent(share(*count)))];
    Section {
        heading: "Operations".to_owned(),
        words: Vec::new(),
        plot: Some(Plot::Bars { x: "events, %".to_owned(), bars: bars.collect() }),
        grids: vec![Grid::new(&["operation", "events", "share"], operations.iter().map(row).collect())],
    }
}

fn gaps(measures: &Measures) -> Section {
    let (bins, heading, x): (&[(i64, &str)], _, _) = match measures.clock {
        Clock::Seconds => (&SECONDS, "Time between events of a session", "pairs of events, %"),
        Clock::Rows => (&ROWS, "Rows of the log between events of a session", "pairs of events, %"),
    };
    let all: u64 = measures.gaps.values().sum();
    let ends = bins.iter().skip(1).map(|(begin, _)| *begin).chain([i64::MAX]);
    let counted = bins.iter().zip(ends).map(|((begin, name), end)| {
        ((*name).to_owned(), measures.gaps.range(*begin..end).map(|(_, count)| count).sum::<u64>())
    });
    let mut counted: Vec<(String, u64)> = counted.collect();
    while counted.last().is_some_and(|(_, count)| *count == 0) {
        counted.pop();
    }
    counted.retain(|(name, count)| *count > 0 || !name.starts_with("back"));
    let share = |count: u64| count as f64 / all.max(1) as f64;
    let bars = counted.iter().map(|(name, count)| (name.clone(), (1e4 * share(*count)).round() / 100.0)).collect();
    let rows = counted
        .iter()
        .map(|(name, count)| vec![name.clone(), thousands(count), format!("{} %", percent(share(*count)))]);
    Section {
        heading: heading.to_owned(),
        words: vec!["Each event with the one before it in its session.".to_owned()],
        plot: Some(Plot::Bars { x: x.to_owned(), bars }),
        grids: vec![Grid::new(&["distance", "pairs", "share"], rows.collect())],
    }
}

fn repeats(measures: &Measures) -> Section {
    let repeats = &measures.repeats;
    let row = |name: &str, count: u64| {
        let share = count as f64 / repeats.after_first.max(1) as f64;
        vec![name.to_owned(), thousands(count), format!("{} %", percent(share))]
    };
    let rows = vec![
        row("on the item of the event before", repeats.in_a_row),
        row("on its item, with its operation", repeats.same_operation),
        row("on an item that stood anywhere before in the session", repeats.again),
    ];
    let points = (2..).zip(&repeats.by_place).filter(|(_, (all, _))| *all > 0);
    let points = points.map(|(place, (all, again))| (f64::from(place), 100.0 * *again as f64 / *all as f64));
    let plot = Plot::Shares {
        x: match repeats.by_place.len() {
            POSITIONS => format!("place of the event in its session ({} and later together)", POSITIONS + 1),
            _ => "place of the event in its session".to_owned(),
        },
        y: "events, %".to_owned(),
        lines: vec![("the item stood before".to_owned(), points.collect())],
    };
    let words = format!("Of {} after the first of their session.", counted(repeats.after_first as usize, "event"));
    Section {
        heading: "Repeats".to_owned(),
        words: vec![words],
        plot: Some(plot),
        grids: vec![Grid::new(&["events", "how many", "share"], rows)],
    }
}

fn days(days: &BTreeMap<i64, u64>) -> Section {
    let heading = "Events over time".to_owned();
    let (Some((first, _)), Some((last, _))) = (days.first_key_value(), days.last_key_value()) else {
        let words = vec!["The log has no clock but the order of its rows.".to_owned()];
        return Section { heading, words, plot: None, grids: Vec::new() };
    };
    let span = last - first + 1;
    // Whole days, whole weeks, or what else gives no more columns than can be told apart.
    let width = if span <= DAYS { 1 } else { (span + DAYS - 1) / DAYS / 7 * 7 + 7 };
    let columns = (0..(span + width - 1) / width).map(|at| {
        let begin = first + at * width;
        let events: u64 = days.range(begin..begin + width).map(|(_, count)| count).sum();
        (date(begin), events as f64)
    });
    let plot = Plot::Columns {
        x: if width == 1 { "day, by the log's own clock".to_owned() } else { format!("first of {width} days") },
        y: "events".to_owned(),
        columns: columns.collect(),
    };
    let without = span - days.len() as i64;
    let words = format!(
        "From {} to {}, {}; {} without an event.",
        date(*first),
        date(*last),
        counted(span as usize, "day"),
        counted(without as usize, "day")
    );
    Section { heading, words: vec![words], plot: Some(plot), grids: Vec::new() }
}

/// `2018-03-01`, from days since 1970-01-01.
fn date(days: i64) -> String {
    let begin = jiff::civil::date(1970, 1, 1);
    let span = jiff::Span::new().try_days(days);
    let date = span.and_then(|span| begin.checked_add(span));
    date.map_or_else(|_| format!("day {days}"), |date| date.to_string())
}

/// What the targets of the samples are; nothing without a dataset.
fn targets(measures: &Measures) -> Option<Section> {
    if measures.parts.is_empty() {
        return None;
    }
    let share = |part: u64, all: u64| format!("{} %", percent(part as f64 / all.max(1) as f64));
    let rows = measures.parts.iter().map(|part| {
        let Samples { all, repeated, cold } = part.samples;
        vec![part.name.clone(), thousands(all), share(repeated, all), share(cold, all)]
    });
    let line = |of: fn(&Samples) -> u64| {
        let points = (1..).zip(&measures.targets).filter(|(_, samples)| samples.all > 0);
        points.map(|(length, samples)| (f64::from(length), 100.0 * of(samples) as f64 / samples.all as f64)).collect()
    };
    let lines: Vec<(String, Vec<(f64, f64)>)> = vec![
        ("target stands in its input".to_owned(), line(|samples| samples.repeated)),
        ("target is cold".to_owned(), line(|samples| samples.cold)),
    ];
    let plot = Plot::Shares {
        x: match measures.targets.len() {
            POSITIONS => format!("events of the input ({POSITIONS} and more together)"),
            _ => "events of the input".to_owned(),
        },
        y: "test samples, %".to_owned(),
        lines,
    };
    let words = "A target is cold where it stands in no training session. One that stands in its own input can be found by \
                 repeating the session.";
    Some(Section {
        heading: "Targets".to_owned(),
        words: vec![words.to_owned()],
        plot: Some(plot),
        grids: vec![Grid::new(&["part", "samples", "target in its input", "target cold"], rows.collect())],
    })
}

fn sources(profile: &Profile<'_>) -> Section {
    let mut rows: Vec<Vec<String>> =
        profile.stages.iter().map(|(stage, digest)| vec![format!("stage {stage}"), digest.clone()]).collect();
    rows.push(vec!["tool".to_owned(), profile.tool_version.to_owned()]);
    let mut grid = Grid::new(&["what", "value"], rows);
    grid.header[1].1 = Align::Left;
    Section { heading: "Provenance".to_owned(), words: Vec::new(), plot: None, grids: vec![grid] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_smallest_value_that_so_many_do_not_exceed() {
        let lengths = BTreeMap::from([(2, 5), (3, 4), (9, 1)]);
        let found = [0.0, 0.5, 0.51, 0.9, 0.91, 1.0].map(|quantile| at_quantile(&lengths, quantile));
        assert_eq!(found, [2, 2, 3, 3, 9, 9]);
    }

    #[test]
    fn days_are_dates() {
        assert_eq!(
            [-1, 0, 58, 59, 17_591].map(date),
            ["1969-12-31", "1970-01-01", "1970-02-28", "1970-03-01", "2018-03-01"]
        );
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(i64::MAX), "day 9223372036854775807");
    }

    #[test]
    fn every_gap_is_in_one_bin() {
        for bins in [&SECONDS[..], &ROWS[..]] {
            assert!(bins.is_sorted_by_key(|(begin, _)| *begin));
            assert_eq!(bins[0].0, i64::MIN);
        }
    }
}
