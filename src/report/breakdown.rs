//! Results broken down: the metrics of each group of test samples, one table for each breakdown.

use std::collections::BTreeSet;

use super::Report;
use super::layout::{Combinations, Layout};
use super::markdown::{Align, Footnotes, counted, inline, table, thousands};
use super::non_empty;
use super::score::Spread;
use super::table::{NOTHING, Page, number, places};
use crate::data::breakdown::Split;
use crate::metric::MetricAt;

/// The section of a report; nothing where no breakdown is asked for.
pub(super) fn render<'a>(
    report: &Report<'a>,
    combinations: &'a Combinations<'a>,
    metrics: &[MetricAt],
) -> Option<String> {
    let layout = Layout::of(report, combinations).ok().filter(|_| !report.spec.breakdowns.is_empty())?;
    let mut footnotes = Footnotes::default();
    let mut sections = vec!["## Breakdowns".to_owned()];
    for split in report.spec.breakdowns.iter().map(|breakdown| breakdown.split()) {
        sections.push(format!("### {}", split.title));
        for table in &layout.tables {
            sections.extend(table.heading.iter().map(|heading| format!("#### {}", inline(heading))));
            let page = Page { report, metrics, table };
            sections.extend(Broken { page, split }.render(&mut footnotes));
        }
    }
    sections.extend(non_empty(&footnotes.render()));
    sections.push(
        "The same ranks as above, in per cent, each metric over the samples of one group alone; `samples` says how many \
         these are. A metric over all samples is the mean of its groups, weighted by `samples`."
            .to_owned(),
    );
    Some(sections.join("\n\n"))
}

/// One table under one breakdown.
struct Broken<'a> {
    page: Page<'a>,
    split: &'static Split,
}

impl<'a> Broken<'a> {
    /// The table, and a line on the columns that it leaves out, since all of their samples fall into one group.
    fn render(&self, footnotes: &mut Footnotes) -> Vec<String> {
        let (report, grid) = (self.page.report, self.page.table);
        let mut header = vec![(inline(&report.spec.rows), Align::Left)];
        let titles = grid.rows.iter().map(|row| inline(report.title(row)));
        let mut rows: Vec<Vec<String>> =
            ["samples".to_owned()].into_iter().chain(titles).map(|title| vec![title]).collect();
        let mut left_out = Vec::new();
        for column in &grid.columns {
            let sizes = self.sizes(column);
            let filled: Vec<usize> = (0..self.split.groups.len())
                .filter(|group| sizes.as_ref().is_none_or(|sizes| sizes[*group] > 0))
                .collect();
            let name = inline(report.title(column));
            if let (Some(sizes), [only]) = (&sizes, &filled[..]) {
                let targets = counted(sizes[*only], "target");
                left_out.push(format!("{name} ({targets}, all {})", self.split.groups[*only]));
                continue;
            }
            let unranked = self.page.unranked(column, footnotes);
            let mark = unranked.as_deref().unwrap_or_default();
            for group in filled {
                for metric in self.page.metrics {
                    let title = format!("{name} {} {}{mark}", self.split.groups[group], metric.title());
                    header.push((title, Align::Right));
                    let size = sizes.as_ref().map_or_else(|| NOTHING.to_owned(), |sizes| thousands(sizes[group]));
                    rows[0].push(size);
                    let cells = self.cells(column, *metric, group, unranked.is_none(), footnotes);
                    rows[1..].iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
                }
            }
        }
        let shown = (header.len() > 1).then(|| table(&header, &rows));
        let left_out = (!left_out.is_empty()).then(|| format!("Nothing to tell apart: {}.", left_out.join(", ")));
        shown.into_iter().chain(left_out).collect()
    }

    /// How many samples each group has, where the cells of a column agree on it.
    fn sizes(&self, column: &str) -> Option<Vec<usize>> {
        let cells = self.page.table.rows.iter().flat_map(|row| self.page.done(row, column));
        let mut sizes: BTreeSet<Vec<usize>> = cells.filter_map(|cell| cell.sizes(self.split)).collect();
        sizes.pop_first().filter(|_| sizes.is_empty())
    }

    /// What stands in the rows of a column, a metric and a group.
    fn cells(
        &self,
        column: &'a str,
        metric: MetricAt,
        group: usize,
        ranked: bool,
        footnotes: &mut Footnotes,
    ) -> Vec<String> {
        let rows = &self.page.table.rows;
        let values: Vec<Option<Spread>> = rows.iter().map(|row| self.spread(row, column, metric, group)).collect();
        let places = if ranked { places(&values, metric.metric.higher_is_better) } else { vec![None; values.len()] };
        let cell = |((row, value), place): ((&&str, Option<Spread>), _)| {
            let done = self.page.done(row, column);
            if let Some(value) = value {
                return number(value, place) + &self.page.remark(row, column, footnotes);
            }
            if done.iter().any(|cell| cell.samples.is_none()) {
                let name = self.page.name(row, column);
                let text = format!("{name}: its dataset is not at hand, so its samples cannot be told apart.");
                return "missing".to_owned() + &footnotes.mark(text);
            }
            if done.iter().any(|cell| cell.selection(metric).is_some()) {
                return NOTHING.to_owned();
            }
            self.page.absence(row, column, metric, footnotes)
        };
        rows.iter().zip(values).zip(places).map(cell).collect()
    }

    fn spread(&self, row: &str, column: &str, metric: MetricAt, group: usize) -> Option<Spread> {
        let ties = self.page.report.protocol.ties;
        let cells = self.page.done(row, column).into_iter();
        let values: Option<Vec<f64>> = cells.map(|cell| cell.mean_in(metric, ties, self.split, group)).collect();
        Spread::of(&values?)
    }
}
