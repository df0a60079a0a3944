//! The results: rows by columns by metrics, with the best marked and nothing left blank.

use crate::data::protocol::Ties;
use crate::metric::MetricAt;

use super::comparable::differences;
use super::judge::{ALPHA, best_is_ahead};
use super::layout::{Combination, Combinations, Layout, Table};
use super::page::{self, Align, Block, Cell, Column, Content, Footnotes, Holds, Mark, Number, Place, Print, Row};
use super::score::Spread;
use super::words::{Words, code, counted, inline, list, percent};
use super::{CellRanks, CellState, Report};

/// A gap between optimistic and pessimistic Hit@20 that a reader must know of: 0.2 points.
const TIES_MATTER: f64 = 0.002;

/// The tables, each under its heading where there are several, the remarks on them, and their footnotes.
pub(super) fn blocks<'a>(report: &Report<'a>, combinations: &'a Combinations<'a>, metrics: &[MetricAt]) -> Vec<Block> {
    let layout = match Layout::of(report, combinations) {
        Ok(layout) => layout,
        Err(axis) => {
            let missing = format!("The grid has no axis {}, so there is no table.", code(axis));
            return vec![Block::Words(missing.into())];
        }
    };
    let mut footnotes = Footnotes::default();
    let mut blocks = Vec::new();
    for table in &layout.tables {
        blocks.extend(table.heading.iter().map(|heading| Block::Heading(1, heading.as_str().into())));
        blocks.extend(Sheet { report, combinations, metrics, table }.blocks(&mut footnotes));
    }
    blocks.extend(layout.remarks.into_iter().map(Block::Words));
    blocks.extend(footnotes.block());
    blocks
}

/// One table.
pub(super) struct Sheet<'a> {
    pub(super) report: &'a Report<'a>,
    pub(super) combinations: &'a Combinations<'a>,
    pub(super) metrics: &'a [MetricAt],
    pub(super) table: &'a Table<'a>,
}

/// The columns of a metric, and what they say of floors.
struct Columns {
    /// Each with its cells, one a row.
    columns: Vec<(Column, Vec<Cell>)>,
    /// The best floor, where numbers are not ahead of it: `MRR@20 16.03 (Recency-Markov)`.
    beaten_by: Option<String>,
}

impl<'a> Sheet<'a> {
    /// The table, and a line each on the numbers that are ahead of the second, and on those not ahead of a floor.
    fn blocks(&self, footnotes: &mut Footnotes) -> Vec<Block> {
        let (mut floors, mut starred) = (Vec::new(), false);
        let ahead = best_is_ahead(self.report, self.table, self.metrics);
        let mut columns = vec![Column::new(self.report.spec.rows.as_str(), Align::Left, Holds::Names)];
        let mut rows: Vec<Row> =
            self.table.rows.iter().map(|row| Row::named(*row, self.row_title(row, footnotes))).collect();
        for column in &self.table.columns {
            let unranked = self.unranked(column, footnotes);
            let mut beaten_by = Vec::new();
            for metric in self.metrics {
                let ahead = ahead.get(&(*column, metric.to_string())).filter(|_| unranked.is_none());
                let ahead = ahead.map(|ahead| ahead.best);
                starred |= ahead.is_some();
                let made = self.metric_columns(column, *metric, unranked, ahead, footnotes);
                beaten_by.extend(made.beaten_by);
                for (column, cells) in made.columns {
                    columns.push(column);
                    rows.iter_mut().zip(cells).for_each(|(row, cell)| row.cells.push(cell));
                }
            }
            if !beaten_by.is_empty() {
                floors.push(format!("{} {}", self.report.title(column), beaten_by.join(", ")));
            }
        }
        let line = format!(
            "† Not ahead of the best floor, by the numbers as printed: {}. Floors, which learn nothing: {}.",
            floors.join("; "),
            self.floors()
        );
        rows.extend(self.improvement(&columns, &rows));
        let star = format!(
            "* Ahead of the second with p < {ALPHA}: Wilcoxon's signed-rank test over test sessions, two-sided, \
             after Holm's correction over the table."
        );
        let path = self.table.heading.iter().cloned().collect();
        let lines = [starred.then_some(star), (!floors.is_empty()).then_some(line)];
        let lines = lines.into_iter().flatten().map(|line| Block::Words(line.into()));
        [Block::Table(page::Table { path, columns, rows })].into_iter().chain(lines).collect()
    }

    /// The mark of a column whose numbers cannot be compared; nothing where they can.
    pub(super) fn unranked(&self, column: &'a str, footnotes: &mut Footnotes) -> Option<Mark> {
        let differing = self.differences(column);
        (!differing.is_empty()).then(|| {
            footnotes.mark(format!(
                "Not ranked: the numbers of {} cannot be compared, they differ in {}.",
                self.report.title(column),
                list(&differing)
            ))
        })
    }

    /// The column of a metric, and two more where the paper printed it; `ahead` is the row that is ahead of the second by
    /// more than chance.
    fn metric_columns(
        &self,
        column: &'a str,
        metric: MetricAt,
        unranked: Option<Mark>,
        ahead: Option<&str>,
        footnotes: &mut Footnotes,
    ) -> Columns {
        let rows = || self.table.rows.iter();
        let values: Vec<Option<Spread>> = rows().map(|row| self.spread(row, column, metric)).collect();
        let places = places(&values, metric.metric.higher_is_better, unranked.is_none());
        let floor = self.best_floor(column, metric, &values).filter(|_| unranked.is_none());
        let mut any_behind = false;
        let mut ours = Vec::new();
        for ((row, value), place) in rows().zip(&values).zip(places) {
            let Some(value) = value else {
                ours.push(self.absence(row, column, metric, footnotes));
                continue;
            };
            let behind = self.is_behind(floor, row, column, value, metric);
            any_behind |= behind;
            let ahead = ahead == Some(*row);
            ours.push(self.number(row, column, Number { ahead, behind, ..value.number(place) }, footnotes));
        }
        let group = Words::from(self.report.title(column));
        let holds = self.holds(column, metric, None);
        let title =
            Column { marks: unranked.into_iter().collect(), ..Column::new(metric.title(), Align::Right, holds) };
        let mut columns = vec![(title, ours)];
        let printed: Vec<Option<f64>> = rows().map(|row| self.printed(row, column, metric)).collect();
        if printed.iter().any(Option::is_some) {
            let paper = printed.iter().map(|paper| Cell::number(*paper, Print::Percent));
            columns.push((Column::new("paper", Align::Right, Holds::Paper), paper.collect()));
            let differences = values.iter().zip(&printed).map(|(ours, paper)| {
                let difference = ours.zip(*paper).map(|(ours, paper)| ours.mean - paper);
                Cell::number(difference, Print::Points)
            });
            columns.push((Column::new("Δ", Align::Right, Holds::Difference), differences.collect()));
        }
        columns.iter_mut().for_each(|(column, _)| column.group = Some(group.clone()));
        let floor = floor.filter(|_| any_behind);
        let beaten_by = floor
            .map(|(name, floor)| format!("{} {} ({})", metric.title(), percent(floor.mean), self.report.title(name)));
        Columns { columns, beaten_by }
    }

    /// The row that says by how much the proposed model improves on the best of the others, relative to that; nothing
    /// where none is proposed or it is not in this table.
    fn improvement(&self, columns: &[Column], rows: &[Row]) -> Option<Row> {
        let proposed = self.report.spec.improvement.as_ref()?.to_string();
        let at = rows.iter().position(|row| row.key == proposed)?;
        let mut last = Row { apart: true, ..Row::named("improvement", Cell::words("improvement")) };
        let mut higher_is_better = true;
        for (place, column) in columns.iter().enumerate().skip(1) {
            if let Holds::Ours { metric: Some(metric), .. } = &column.holds {
                let found = self.metrics.iter().find(|known| known.to_string() == *metric);
                higher_is_better = found.is_none_or(|metric| metric.metric.higher_is_better);
            }
            let value = |row: &Row| match &row.cells[place].content {
                Content::Number(number) => Some(number.value),
                _ => None,
            };
            let others = rows.iter().enumerate().filter(|(row, _)| *row != at).filter_map(|(_, row)| value(row));
            let best = if higher_is_better { others.reduce(f64::max) } else { others.reduce(f64::min) };
            // What cannot be compared, and what is a difference already, improves on nothing.
            let compared = column.holds != Holds::Difference && column.marks.is_empty();
            let better = value(&rows[at]).zip(best).filter(|(_, best)| compared && *best > 0.0);
            let improvement = better.map(|(ours, best)| (ours - best) / best);
            let towards = improvement.map(|share| if higher_is_better { share } else { -share });
            last.cells.push(Cell::number(towards, Print::Relative));
        }
        Some(last)
    }

    /// What a column of our numbers holds.
    pub(super) fn holds(&self, column: &str, metric: MetricAt, group: Option<&str>) -> Holds {
        Holds::Ours { column: column.to_owned(), metric: Some(metric.to_string()), group: group.map(str::to_owned) }
    }

    /// Whether the model of a row and a column is a plain rule.
    fn is_floor(&self, row: &str, column: &str) -> bool {
        let model = self.table.slot(row, column).and_then(|slot| slot.value("model"));
        model.is_some_and(|model| self.report.floors.contains(model))
    }

    /// The names of the floors: `POP, Recency and Markov`.
    fn floors(&self) -> String {
        let rows =
            self.table.rows.iter().filter(|row| self.table.columns.iter().any(|column| self.is_floor(row, column)));
        list(&rows.map(|row| inline(self.report.title(row))).collect::<Vec<_>>())
    }

    /// Whether a model's number is not ahead of the best floor's, by the numbers as printed.
    pub(super) fn is_behind(
        &self,
        floor: Option<(&str, Spread)>,
        row: &str,
        column: &str,
        value: &Spread,
        metric: MetricAt,
    ) -> bool {
        let order = |value: &Spread| shown(value, metric.metric.higher_is_better);
        floor.is_some_and(|(_, floor)| order(value) >= order(&floor)) && !self.is_floor(row, column)
    }

    /// The first of the best floors in a column, with its number; `values` are those of the rows.
    pub(super) fn best_floor(
        &self,
        column: &str,
        metric: MetricAt,
        values: &[Option<Spread>],
    ) -> Option<(&'a str, Spread)> {
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

    /// The number that the paper printed, as a fraction.
    fn printed(&self, row: &str, column: &str, metric: MetricAt) -> Option<f64> {
        let paper = self.report.spec.paper.as_ref()?;
        paper.values.get(column)?.get(row)?.get(&metric.to_string()).map(|per_cent| per_cent / 100.0)
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
    fn row_title(&self, row: &'a str, footnotes: &mut Footnotes) -> Cell {
        let hit = MetricAt { metric: &crate::metric::METRICS[0], cutoff: 20 };
        let mut gaps = Vec::new();
        for column in &self.table.columns {
            let seeds: Vec<f64> = self.done(row, column).into_iter().filter_map(|cell| cell.tie_gap(hit)).collect();
            if let Some(gap) = Spread::of(&seeds).filter(|gap| gap.mean > TIES_MATTER) {
                gaps.push(format!("{} points on {}", percent(gap.mean), self.report.title(column)));
            }
        }
        let title = self.report.title(row);
        let rule = match self.report.protocol.ties {
            Ties::Mean => "the table counts half of the ties",
            Ties::Optimistic => "the table takes the better end",
            Ties::Pessimistic => "the table takes the worse end",
        };
        let mark = (!gaps.is_empty()).then(|| {
            footnotes.mark(format!(
                "Ties matter for {title}: between the best and the worst order of equal scores, Hit@20 differs by {}; {rule}.",
                list(&gaps)
            ))
        });
        Cell::words(title).marked(mark)
    }

    /// A number in its cell, marked when it is not over all seeds.
    pub(super) fn number(&self, row: &str, column: &str, number: Number, footnotes: &mut Footnotes) -> Cell {
        let cell = Cell::new(Content::Number(number)).from(self.source(row, column));
        let Some(slot) = self.table.slot(row, column) else { return cell };
        let frozen = slot.cells.values().filter_map(|cell| cell.ranks()).any(|ranks| ranks.frozen);
        let kept =
            "Kept as it was (`frozen`), whatever has changed since: it may be of other settings than are told here.";
        let cell = cell.marked(frozen.then(|| footnotes.mark(kept)));
        let done = slot.cells.values().filter(|cell| cell.ranks().is_some()).count();
        let wanted = slot.seeds.len();
        if done >= wanted {
            return cell;
        }
        let over = format!("{done} of {}; {}", counted(wanted, "seed"), reasons(slot));
        let remark = match failed(slot) {
            true => format!("{}: over {over}.", self.name(row, column)),
            // Cells that ran as far as each other share a remark.
            false => format!("Over {over}."),
        };
        cell.marked(Some(footnotes.mark(remark)))
    }

    /// What stands in place of a number, marked with why.
    pub(super) fn absence(&self, row: &str, column: &str, metric: MetricAt, footnotes: &mut Footnotes) -> Cell {
        let Some(slot) = self.table.slot(row, column) else {
            return Cell::new(Content::Nothing).marked(Some(footnotes.mark("Not part of the grid.")));
        };
        let name = self.name(row, column);
        let (content, why) = if slot.cells.values().any(|cell| cell.ranks().is_some()) {
            let (own, best) = (code(&metric.to_string()), code("best"));
            (Content::Missing, format!("{name}: the ranks hold neither a selection {own} nor {best}, or no samples."))
        } else if failed(slot) {
            (Content::Failed, format!("{name}: {}.", reasons(slot)))
        } else {
            // Cells that are missing for one reason share a remark.
            (Content::Missing, format!("Missing: {}.", reasons(slot)))
        };
        let mark = footnotes.mark(why);
        Cell::new(content).marked(Some(mark)).from(self.source(row, column))
    }

    /// The place among the sources of the page of what a row and a column show.
    pub(super) fn source(&self, row: &str, column: &str) -> Option<usize> {
        self.combinations.place(self.table.slot(row, column)?.coordinates)
    }

    /// `SKNN on demo`.
    pub(super) fn name(&self, row: &str, column: &str) -> String {
        let (row, column) =
            (self.report.titles.get(row).map_or(row, |t| t), self.report.titles.get(column).map_or(column, |t| t));
        let others = self.table.heading.iter().map(|heading| format!(" ({heading})")).collect::<String>();
        inline(&format!("{row} on {column}{others}"))
    }
}

/// Whether a seed failed.
fn failed(slot: &Combination<'_>) -> bool {
    slot.cells.values().any(|cell| matches!(cell.state, CellState::Failed { .. }))
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

/// A number as it is printed, in hundredths, so that the smaller is the better one.
fn shown(value: &Spread, higher_is_better: bool) -> i64 {
    let hundredths = (10_000.0 * value.mean).round() as i64;
    if higher_is_better { -hundredths } else { hundredths }
}

/// Who is first and who second, by the numbers as printed, so that what looks equal is marked alike; nobody where they are
/// not `ranked`.
pub(super) fn places(values: &[Option<Spread>], higher_is_better: bool, ranked: bool) -> Vec<Option<Place>> {
    let shown = |value: &Spread| shown(value, higher_is_better);
    let mut order: Vec<i64> = values.iter().flatten().map(shown).collect();
    order.sort_unstable();
    // One number alone is the best of nothing.
    let first = order.first().filter(|_| ranked && order.len() > 1);
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

impl Spread {
    /// A metric as a cell shows it.
    pub(super) fn number(&self, place: Option<Place>) -> Number {
        Number { deviation: self.deviation, place, ..Number::new(self.mean, Print::Percent) }
    }
}
