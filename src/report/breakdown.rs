//! Results broken down: the metrics of each group of test samples, one table for each breakdown.

use std::collections::BTreeSet;

use super::Report;
use super::layout::{Combinations, Layout};
use super::page::{self, Align, Block, Cell, Column, Content, Footnotes, Kind, Mark, Number, Print, Row, Section};
use super::score::Spread;
use super::table::{Sheet, places};
use super::words::{Words, counted};
use crate::data::breakdown::Split;
use crate::data::statistics::Unit;
use crate::metric::MetricAt;

/// The section of a report; nothing where no breakdown is asked for.
pub(super) fn section<'a>(
    report: &Report<'a>,
    combinations: &'a Combinations<'a>,
    metrics: &[MetricAt],
) -> Option<Section> {
    let layout = Layout::of(report, combinations).ok().filter(|_| !report.spec.breakdowns.is_empty())?;
    let mut footnotes = Footnotes::default();
    let mut blocks = Vec::new();
    for split in report.spec.breakdowns.iter().map(|breakdown| breakdown.split()) {
        blocks.push(Block::Heading(1, split.title.into()));
        for table in &layout.tables {
            blocks.extend(table.heading.iter().map(|heading| Block::Heading(2, heading.as_str().into())));
            let sheet = Sheet { report, combinations, metrics, table };
            blocks.extend(Broken { sheet, split }.blocks(&mut footnotes));
        }
    }
    let marked = blocks.iter().any(|block| matches!(block, Block::Table(table) if any_behind(table)));
    blocks.extend(footnotes.block());
    let mut reading = "The same ranks as above, in per cent, each metric over the samples of one group alone; `samples` \
                       says how many these are. A metric over all samples is the mean of its groups, weighted by `samples`."
        .to_owned();
    if marked {
        reading += " † Not ahead of the best floor in its group.";
    }
    blocks.push(Block::Words(reading.into()));
    Some(Section { kind: Kind::Breakdowns, blocks })
}

/// Whether a number of a table is not ahead of a floor.
fn any_behind(table: &page::Table) -> bool {
    let cells = table.rows.iter().flat_map(|row| &row.cells);
    cells.into_iter().any(|cell| matches!(&cell.content, Content::Number(number) if number.behind))
}

/// One table under one breakdown.
struct Broken<'a> {
    sheet: Sheet<'a>,
    split: &'static Split,
}

impl<'a> Broken<'a> {
    /// The table, and a line on the columns that it leaves out, since all of their samples fall into one group.
    fn blocks(&self, footnotes: &mut Footnotes) -> Vec<Block> {
        let (report, grid) = (self.sheet.report, self.sheet.table);
        let mut columns = vec![Column::new(report.spec.rows.as_str(), Align::Left, page::Holds::Names)];
        let mut rows = vec![Row { apart: true, ..Row::named("samples", Cell::words("samples")) }];
        rows.extend(grid.rows.iter().map(|row| Row::named(*row, Cell::words(report.title(row)))));
        let mut left_out = Vec::new();
        for column in &grid.columns {
            let sizes = self.sizes(column);
            let filled: Vec<usize> = (0..self.split.groups.len())
                .filter(|group| sizes.as_ref().is_none_or(|sizes| sizes[*group] > 0))
                .collect();
            let name = report.title(column);
            if let (Some(sizes), [only]) = (&sizes, &filled[..]) {
                let targets = counted(sizes[*only], "target");
                left_out.push(format!("{name} ({targets}, all {})", self.split.groups[*only]));
                continue;
            }
            let unranked = self.sheet.unranked(column, footnotes);
            for group in filled {
                let words = self.split.groups[group];
                for metric in self.sheet.metrics {
                    let holds = self.sheet.holds(column, *metric, Some(words));
                    columns.push(Column {
                        group: Some(Words::new(format!("{name} {words}"))),
                        marks: unranked.into_iter().collect(),
                        ..Column::new(metric.title(), Align::Right, holds)
                    });
                    let size = sizes.as_ref().map(|sizes| sizes[group] as f64);
                    rows[0].cells.push(Cell::number(size, Print::Statistic(Unit::Count)));
                    let cells = self.cells(column, *metric, group, unranked, footnotes);
                    rows[1..].iter_mut().zip(cells).for_each(|(row, cell)| row.cells.push(cell));
                }
            }
        }
        let path = [self.split.name.to_owned()].into_iter().chain(grid.heading.iter().cloned()).collect();
        let shown = (columns.len() > 1).then_some(Block::Table(page::Table { path, columns, rows }));
        let left_out = (!left_out.is_empty()).then(|| format!("Nothing to tell apart: {}.", left_out.join(", ")));
        shown.into_iter().chain(left_out.map(|words| Block::Words(words.into()))).collect()
    }

    /// How many samples each group has, where the cells of a column agree on it.
    fn sizes(&self, column: &str) -> Option<Vec<usize>> {
        let cells = self.sheet.table.rows.iter().flat_map(|row| self.sheet.done(row, column));
        let mut sizes: BTreeSet<Vec<usize>> = cells.filter_map(|cell| cell.sizes(self.split)).collect();
        sizes.pop_first().filter(|_| sizes.is_empty())
    }

    /// What stands in the rows of a column, a metric and a group.
    fn cells(
        &self,
        column: &'a str,
        metric: MetricAt,
        group: usize,
        unranked: Option<Mark>,
        footnotes: &mut Footnotes,
    ) -> Vec<Cell> {
        let rows = &self.sheet.table.rows;
        let values: Vec<Option<Spread>> = rows.iter().map(|row| self.spread(row, column, metric, group)).collect();
        let places = places(&values, metric.metric.higher_is_better, unranked.is_none());
        let floor = self.sheet.best_floor(column, metric, &values).filter(|_| unranked.is_none());
        let cell = |((row, value), place): ((&&str, Option<Spread>), _)| {
            let done = self.sheet.done(row, column);
            if let Some(value) = value {
                let behind = self.sheet.is_behind(floor, row, column, &value, metric);
                return self.sheet.number(row, column, Number { behind, ..value.number(place) }, footnotes);
            }
            if done.iter().any(|cell| cell.samples.is_none()) {
                let name = self.sheet.name(row, column);
                let text = format!("{name}: its dataset is not at hand, so its samples cannot be told apart.");
                let cell = Cell::new(Content::Missing).marked(Some(footnotes.mark(text)));
                return cell.from(self.sheet.source(row, column));
            }
            if done.iter().any(|cell| cell.selection(metric).is_some()) {
                return Cell::new(Content::Nothing);
            }
            self.sheet.absence(row, column, metric, footnotes)
        };
        rows.iter().zip(values).zip(places).map(cell).collect()
    }

    fn spread(&self, row: &str, column: &str, metric: MetricAt, group: usize) -> Option<Spread> {
        let ties = self.sheet.report.protocol.ties;
        let cells = self.sheet.done(row, column).into_iter();
        let values: Option<Vec<f64>> = cells.map(|cell| cell.mean_in(metric, ties, self.split, group)).collect();
        Spread::of(&values?)
    }
}
