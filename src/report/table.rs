//! The results: rows by columns by metrics, with the best marked and nothing left blank.

use crate::data::protocol::Ties;
use crate::metric::MetricAt;

use super::comparable::differences;
use super::judge::{ALPHA, best_is_ahead};
use super::layout::{Combination, Combinations, Layout, Table};
use super::markdown::{Align, Footnotes, code, counted, inline, list, percent, points, table};
use super::score::Spread;
use super::{CellRanks, CellState, Report};

/// A gap between optimistic and pessimistic Hit@20 that a reader must know of: 0.2 points.
const TIES_MATTER: f64 = 0.002;

/// What stands where there is no number to print.
pub(super) const NOTHING: &str = "–";

/// The mark of a number that is not ahead of the best floor.
const BEHIND: &str = " †";

/// The mark of a best number that is ahead of the second by more than chance.
const AHEAD: &str = " *";

/// The tables, each under its heading where there are several, and the remarks on them.
pub(super) struct Results {
    pub(super) tables: Vec<String>,
    /// What the tables do not show, one paragraph each.
    pub(super) remarks: Vec<String>,
    pub(super) footnotes: String,
}

/// One table for each choice of the axes that neither rows nor columns decide.
pub(super) fn render<'a>(report: &Report<'a>, combinations: &'a Combinations<'a>, metrics: &[MetricAt]) -> Results {
    let layout = match Layout::of(report, combinations) {
        Ok(layout) => layout,
        Err(axis) => {
            let missing = format!("The grid has no axis {}, so there is no table.", code(axis));
            return Results { tables: vec![missing], remarks: Vec::new(), footnotes: String::new() };
        }
    };
    let mut footnotes = Footnotes::default();
    let mut tables = Vec::new();
    for table in &layout.tables {
        tables.extend(table.heading.iter().map(|heading| format!("### {}", inline(heading))));
        tables.extend(Page { report, metrics, table }.render(&mut footnotes));
    }
    Results { tables, remarks: layout.remarks, footnotes: footnotes.render() }
}

/// One table.
pub(super) struct Page<'a> {
    pub(super) report: &'a Report<'a>,
    pub(super) metrics: &'a [MetricAt],
    pub(super) table: &'a Table<'a>,
}

impl<'a> Page<'a> {
    /// The table, and a line each on the numbers that are ahead of the second, and on those not ahead of a floor.
    fn render(&self, footnotes: &mut Footnotes) -> Vec<String> {
        let mut floors = Vec::new();
        let ahead = best_is_ahead(self.report, self.table, self.metrics);
        let mut header = vec![(inline(&self.report.spec.rows), Align::Left)];
        let mut rows: Vec<Vec<String>> =
            self.table.rows.iter().map(|row| vec![self.row_title(row, footnotes)]).collect();
        for column in &self.table.columns {
            let unranked = self.unranked(column, footnotes);
            let mark = unranked.as_deref().unwrap_or_default();
            let mut beaten_by = Vec::new();
            for metric in self.metrics {
                let title = format!("{} {}{mark}", inline(self.report.title(column)), metric.title());
                let at = header.len();
                beaten_by.extend(self.metric_columns(
                    column,
                    *metric,
                    title,
                    unranked.is_none(),
                    &mut header,
                    &mut rows,
                    footnotes,
                ));
                let ahead = ahead.get(&(*column, metric.to_string()));
                let row = ahead.and_then(|ahead| self.table.rows.iter().position(|row| *row == ahead.best));
                row.into_iter().for_each(|row| rows[row][at] += AHEAD);
            }
            if !beaten_by.is_empty() {
                floors.push(format!("{} {}", inline(self.report.title(column)), beaten_by.join(", ")));
            }
        }
        let line = format!(
            "† Not ahead of the best floor, a plain rule that learns nothing, by the numbers as printed: {}.",
            floors.join("; ")
        );
        let star = format!(
            "\\* Ahead of the second with p < {ALPHA}: Wilcoxon's signed-rank test over test sessions, two-sided, \
             after Holm's correction over the table."
        );
        let lines = [(!ahead.is_empty()).then_some(star), (!floors.is_empty()).then_some(line)];
        [table(&header, &rows)].into_iter().chain(lines.into_iter().flatten()).collect()
    }

    /// The mark of a column whose numbers cannot be compared; nothing where they can.
    pub(super) fn unranked(&self, column: &'a str, footnotes: &mut Footnotes) -> Option<String> {
        let differing = self.differences(column);
        (!differing.is_empty()).then(|| {
            footnotes.mark(format!(
                "Not ranked: the numbers of {} cannot be compared, they differ in {}.",
                inline(self.report.title(column)),
                list(&differing)
            ))
        })
    }

    /// Adds the column of a metric, and two more where the paper printed it. Answers with the best floor, where numbers
    /// are not ahead of it: `MRR@20 16.03 (Recency-Markov)`.
    #[expect(clippy::too_many_arguments, reason = "a step of `render`, taken out to keep that readable")]
    fn metric_columns(
        &self,
        column: &'a str,
        metric: MetricAt,
        title: String,
        ranked: bool,
        header: &mut Vec<(String, Align)>,
        rows: &mut [Vec<String>],
        footnotes: &mut Footnotes,
    ) -> Option<String> {
        let values: Vec<Option<Spread>> = self.table.rows.iter().map(|row| self.spread(row, column, metric)).collect();
        let places = if ranked { places(&values, metric.metric.higher_is_better) } else { vec![None; values.len()] };
        let floor = self.best_floor(column, metric, &values).filter(|_| ranked);
        let mut any_behind = false;
        let printed: Vec<Option<f64>> = self.table.rows.iter().map(|row| self.printed(row, column, metric)).collect();
        let beside_paper = printed.iter().any(Option::is_some);
        header.push((title, Align::Right));
        if beside_paper {
            header.extend([("paper".to_owned(), Align::Right), ("Δ".to_owned(), Align::Right)]);
        }
        for (i, row) in self.table.rows.iter().enumerate() {
            rows[i].push(match values[i] {
                Some(value) => {
                    let order = |value: &Spread| shown(value, metric.metric.higher_is_better);
                    let behind = floor.is_some_and(|(_, floor)| order(&value) >= order(&floor));
                    let behind = behind && !self.is_floor(row, column);
                    any_behind |= behind;
                    let mark = if behind { BEHIND } else { "" };
                    format!("{}{mark}{}", number(value, places[i]), self.remark(row, column, footnotes))
                }
                None => self.absence(row, column, metric, footnotes),
            });
            if beside_paper {
                rows[i].push(printed[i].map_or(NOTHING.to_owned(), |paper| format!("{paper:.2}")));
                let difference = values[i].zip(printed[i]).map(|(ours, paper)| points(100.0 * ours.mean - paper));
                rows[i].push(difference.unwrap_or(NOTHING.to_owned()));
            }
        }
        let (name, floor) = floor.filter(|_| any_behind)?;
        Some(format!("{} {} ({})", metric.title(), percent(floor.mean), inline(self.report.title(name))))
    }

    /// Whether the model of a row and a column is a plain rule.
    fn is_floor(&self, row: &str, column: &str) -> bool {
        let model = self.table.slot(row, column).and_then(|slot| slot.value("model"));
        model.is_some_and(|model| self.report.floors.contains(model))
    }

    /// The first of the best floors in a column, with its number; `values` are those of the rows.
    fn best_floor(&self, column: &str, metric: MetricAt, values: &[Option<Spread>]) -> Option<(&'a str, Spread)> {
        let rows = self.table.rows.iter().zip(values).filter(|(row, _)| self.is_floor(row, column));
        let floors = rows.filter_map(|(row, value)| Some((*row, (*value)?)));
        floors.min_by_key(|(_, value)| shown(value, metric.metric.higher_is_better))
    }

    /// The cells of a row and a column that have ranks, by seed.
    pub(super) fn done(&self, row: &str, column: &str) -> Vec<&'a CellRanks> {
        let cells = self.table.slot(row, column).into_iter().flat_map(|slot| slot.cells.values());
        cells.filter_map(|cell| cell.ranks()).collect()
    }

    fn spread(&self, row: &str, column: &str, metric: MetricAt) -> Option<Spread> {
        let ties = self.report.protocol.ties;
        let values: Vec<f64> = self.done(row, column).into_iter().filter_map(|cell| cell.mean(metric, ties)).collect();
        Spread::of(&values)
    }

    /// The number that the paper printed, in per cent.
    fn printed(&self, row: &str, column: &str, metric: MetricAt) -> Option<f64> {
        let paper = self.report.spec.paper.as_ref()?;
        paper.values.get(column)?.get(row)?.get(&metric.to_string()).copied()
    }

    /// In what the cells of a column differ, though they should not.
    fn differences(&self, column: &str) -> Vec<String> {
        let rows = self.table.rows.iter();
        let cells: Vec<(&str, &CellRanks)> = rows
            .flat_map(|row| self.done(row, column).into_iter().map(|cell| (self.report.title(row), cell)))
            .collect();
        differences(&cells)
    }

    /// The name of a row, marked when its Hit@20 leans on the rule for ties.
    fn row_title(&self, row: &'a str, footnotes: &mut Footnotes) -> String {
        let hit = MetricAt { metric: &crate::metric::METRICS[0], cutoff: 20 };
        let mut gaps = Vec::new();
        for column in &self.table.columns {
            let seeds: Vec<f64> = self.done(row, column).into_iter().filter_map(|cell| cell.tie_gap(hit)).collect();
            if let Some(gap) = Spread::of(&seeds).filter(|gap| gap.mean > TIES_MATTER) {
                gaps.push(format!("{} points on {}", percent(gap.mean), inline(self.report.title(column))));
            }
        }
        let title = inline(self.report.title(row));
        if gaps.is_empty() {
            return title;
        }
        let rule = match self.report.protocol.ties {
            Ties::Mean => "the table counts half of the ties",
            Ties::Optimistic => "the table takes the better end",
            Ties::Pessimistic => "the table takes the worse end",
        };
        let mark = footnotes.mark(format!(
            "Ties matter for {title}: between the best and the worst order of equal scores, Hit@20 differs by {}; {rule}.",
            list(&gaps)
        ));
        title + &mark
    }

    /// The mark of a number that is not over all seeds.
    pub(super) fn remark(&self, row: &str, column: &str, footnotes: &mut Footnotes) -> String {
        let Some(slot) = self.table.slot(row, column) else { return String::new() };
        let done = slot.cells.values().filter(|cell| cell.ranks().is_some()).count();
        let wanted = slot.seeds.len();
        if done >= wanted {
            return String::new();
        }
        let name = self.name(row, column);
        footnotes.mark(format!("{name}: over {done} of {}; {}.", counted(wanted, "seed"), reasons(slot)))
    }

    /// What stands in place of a number, marked with why.
    pub(super) fn absence(&self, row: &str, column: &str, metric: MetricAt, footnotes: &mut Footnotes) -> String {
        let Some(slot) = self.table.slot(row, column) else {
            return NOTHING.to_owned() + &footnotes.mark("Not part of the grid.".to_owned());
        };
        let name = self.name(row, column);
        if slot.cells.values().any(|cell| cell.ranks().is_some()) {
            let own = code(&metric.to_string());
            let text = format!("{name}: the ranks hold neither a selection {own} nor {}, or no samples.", code("best"));
            return "missing".to_owned() + &footnotes.mark(text);
        }
        let failed = slot.cells.values().any(|cell| matches!(cell.state, CellState::Failed { .. }));
        let mark = footnotes.mark(format!("{name}: {}.", reasons(slot)));
        format!("{}{mark}", if failed { "failed" } else { "missing" })
    }

    /// `SKNN on demo`.
    pub(super) fn name(&self, row: &str, column: &str) -> String {
        let (row, column) =
            (self.report.titles.get(row).map_or(row, |t| t), self.report.titles.get(column).map_or(column, |t| t));
        let others = self.table.heading.iter().map(|heading| format!(" ({heading})")).collect::<String>();
        inline(&format!("{row} on {column}{others}"))
    }
}

/// Why seeds have no ranks; seeds with the same reason stand together.
fn reasons(slot: &Combination<'_>) -> String {
    let mut by_reason: Vec<(String, Vec<String>)> = Vec::new();
    for seed in &slot.seeds {
        let reason = match slot.cells.get(seed).map(|cell| &cell.state) {
            Some(CellState::Done(_)) => continue,
            Some(CellState::Failed { message, log }) => failure(message, log.as_deref()),
            Some(CellState::Missing { why }) => why.clone(),
            None => "did not run".to_owned(),
        };
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, seeds)) => seeds.push(seed.to_string()),
            None => by_reason.push((reason, vec![seed.to_string()])),
        }
    }
    let parts = by_reason
        .into_iter()
        .map(|(reason, seeds)| format!("seed{} {} {reason}", if seeds.len() == 1 { "" } else { "s" }, list(&seeds)));
    parts.collect::<Vec<_>>().join("; ")
}

/// `failed: out of memory (log: runs/1/sknn.log)`, from the first line of the message.
pub(super) fn failure(message: &str, log: Option<&str>) -> String {
    let first = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message");
    let log = log.map(|log| format!(" (log: {})", code(&inline(log)))).unwrap_or_default();
    format!("failed: {}{log}", inline(first))
}

/// A place that is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Second,
}

/// A number as it is printed, in hundredths, so that the smaller is the better one.
fn shown(value: &Spread, higher_is_better: bool) -> i64 {
    let hundredths = (10_000.0 * value.mean).round() as i64;
    if higher_is_better { -hundredths } else { hundredths }
}

/// Who is first and who second, by the numbers as printed, so that what looks equal is marked alike.
pub(super) fn places(values: &[Option<Spread>], higher_is_better: bool) -> Vec<Option<Place>> {
    let shown = |value: &Spread| shown(value, higher_is_better);
    let mut order: Vec<i64> = values.iter().flatten().map(shown).collect();
    order.sort_unstable();
    // One number alone is the best of nothing.
    let first = order.first().filter(|_| order.len() > 1);
    let second = first.and_then(|first| order.iter().find(|value| *value > first));
    let place = |value: &Spread| {
        let value = shown(value);
        if first == Some(&value) {
            Some(Place::First)
        } else if second == Some(&value) {
            Some(Place::Second)
        } else {
            None
        }
    };
    values.iter().map(|value| value.as_ref().and_then(place)).collect()
}

/// `**20.63 ± 0.41**`.
pub(super) fn number(value: Spread, place: Option<Place>) -> String {
    let text = match value.deviation {
        Some(deviation) => format!("{} ± {}", percent(value.mean), percent(deviation)),
        None => percent(value.mean),
    };
    match place {
        Some(Place::First) => format!("**{text}**"),
        Some(Place::Second) => format!("<u>{text}</u>"),
        None => text,
    }
}
