//! The grid as a page: which values are rows, which are columns, and one table for each choice of the axes that
//! neither decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::words::{Words, code, inline, list};
use super::{CellResult, CellState, Report};

/// The cells that differ in their seed alone.
#[derive(Clone)]
pub(super) struct Combination<'a> {
    pub(super) coordinates: &'a BTreeMap<String, String>,
    /// The seeds that the grid gives it.
    pub(super) seeds: Vec<u64>,
    /// What became of them, by seed.
    pub(super) cells: BTreeMap<u64, &'a CellResult>,
}

impl<'a> Combination<'a> {
    pub(super) fn value(&self, axis: &str) -> Option<&'a str> {
        self.coordinates.get(axis).map(String::as_str)
    }
}

/// The combinations of a grid, in its order.
pub(super) struct Combinations<'a> {
    pub(super) all: Vec<Combination<'a>>,
    index: HashMap<&'a BTreeMap<String, String>, usize>,
}

impl<'a> Combinations<'a> {
    pub(super) fn of(report: &Report<'a>) -> Self {
        let mut this = Self { all: Vec::new(), index: HashMap::new() };
        for point in &report.points.points {
            let at = *this.index.entry(&point.coordinates).or_insert_with(|| {
                let coordinates = &*point.coordinates;
                this.all.push(Combination { coordinates, seeds: Vec::new(), cells: BTreeMap::new() });
                this.all.len() - 1
            });
            this.all[at].seeds.push(point.seed);
        }
        for cell in report.cells {
            if let Some(at) = this.index.get(&cell.coordinates) {
                this.all[*at].cells.insert(cell.seed, cell);
            }
        }
        this
    }

    /// Those that `keep` says.
    pub(super) fn only(&self, keep: impl Fn(&Combination<'a>) -> bool) -> Self {
        let all: Vec<Combination<'a>> = self.all.iter().filter(|one| keep(one)).cloned().collect();
        let index = all.iter().enumerate().map(|(at, one)| (one.coordinates, at)).collect();
        Self { all, index }
    }

    pub(super) fn at(&self, coordinates: &BTreeMap<String, String>) -> Option<&Combination<'a>> {
        self.index.get(coordinates).map(|at| &self.all[*at])
    }

    /// The place of a combination among all.
    pub(super) fn place(&self, coordinates: &BTreeMap<String, String>) -> Option<usize> {
        self.index.get(coordinates).copied()
    }

    /// True when the values on some axes decide the value on another.
    pub(super) fn decide(&self, deciding: &[&str], axis: &str) -> bool {
        let mut decided: HashMap<Vec<Option<&str>>, Option<&str>> = HashMap::new();
        self.all.iter().all(|combination| {
            let key = deciding.iter().map(|axis| combination.value(axis)).collect();
            *decided.entry(key).or_insert_with(|| combination.value(axis)) == combination.value(axis)
        })
    }
}

/// Rows, columns and tables, in the order of the grid.
pub(super) struct Layout<'a> {
    /// The values of the axes that set tables apart, and what stands in each table.
    pub(super) tables: Vec<Table<'a>>,
    /// Sentences about what the tables do not show: axes that rows and columns decide, cells outside.
    pub(super) remarks: Vec<Words>,
}

/// One table.
pub(super) struct Table<'a> {
    /// What sets it apart; nothing when it is the only one.
    pub(super) heading: Option<String>,
    pub(super) rows: Vec<&'a str>,
    pub(super) columns: Vec<&'a str>,
    slots: HashMap<(&'a str, &'a str), &'a Combination<'a>>,
}

impl<'a> Table<'a> {
    /// The cells of a row and a column; nothing when the grid has none there.
    pub(super) fn slot(&self, row: &str, column: &str) -> Option<&'a Combination<'a>> {
        self.slots.get(&(row, column)).copied()
    }
}

impl<'a> Layout<'a> {
    /// Nothing when the grid lacks the axis of the rows or of the columns; that axis is the error.
    pub(super) fn of(report: &Report<'a>, combinations: &'a Combinations<'a>) -> Result<Self, &'a str> {
        let (row_axis, column_axis) = (report.spec.rows.as_str(), report.spec.columns.as_str());
        let values = |axis: &'a str| report.points.axes.get(axis).ok_or(axis);
        let (rows, columns) = (values(row_axis)?, values(column_axis)?);
        let others = report.points.axes.keys().map(String::as_str);
        let others = others.filter(|axis| ![row_axis, column_axis].contains(axis));
        let (decided, apart): (Vec<&str>, Vec<&str>) =
            others.partition(|axis| combinations.decide(&[row_axis, column_axis], axis));

        type Slots<'a> = HashMap<(&'a str, &'a str), &'a Combination<'a>>;
        let mut tables: Vec<(Vec<Option<&str>>, Slots<'a>)> = Vec::new();
        let (mut known, mut outside) = (HashMap::new(), 0);
        let absent = report.absent();
        let is_there = |one: &&Combination<'_>| one.value("dataset").is_none_or(|dataset| !absent.contains(dataset));
        // Where nothing at all has run, the table says so cell by cell.
        let leaves_out = combinations.all.iter().any(|one| is_there(&one));
        for combination in combinations.all.iter().filter(|one| !leaves_out || is_there(one)) {
            let (Some(row), Some(column)) = (combination.value(row_axis), combination.value(column_axis)) else {
                outside += combination.seeds.len();
                continue;
            };
            let key: Vec<Option<&str>> = apart.iter().map(|axis| combination.value(axis)).collect();
            let at = *known.entry(key.clone()).or_insert_with(|| {
                tables.push((key, HashMap::new()));
                tables.len() - 1
            });
            tables[at].1.insert((row, column), combination);
        }
        let mut remarks: Vec<Words> = decided.iter().filter_map(|axis| follows(report, combinations, axis)).collect();
        if outside > 0 {
            let without = format!("{} or {}", code(row_axis), code(column_axis));
            remarks.push(
                format!("Cells of the grid without a value of {without}, which no table shows: {outside}.").into(),
            );
        }
        if leaves_out {
            remarks.extend(left_out(report, &absent));
        }
        let tables = tables.into_iter().map(|(key, slots)| {
            let rows_here: BTreeSet<&str> = slots.keys().map(|(row, _)| *row).collect();
            let columns_here: BTreeSet<&str> = slots.keys().map(|(_, column)| *column).collect();
            let words = apart.iter().zip(key).map(|(axis, value)| match value {
                Some(value) => format!("{axis} = {value}"),
                None => format!("no {axis}"),
            });
            Table {
                heading: (!apart.is_empty()).then(|| words.collect::<Vec<_>>().join(", ")),
                rows: rows.iter().map(String::as_str).filter(|row| rows_here.contains(row)).collect(),
                columns: columns.iter().map(String::as_str).filter(|column| columns_here.contains(column)).collect(),
                slots,
            }
        });
        Ok(Self { tables: tables.collect(), remarks })
    }
}

/// The data sets that no table shows, since none of their cells ran; those with the same reason stand together.
fn left_out(report: &Report<'_>, absent: &BTreeSet<&str>) -> Vec<Words> {
    let mut by_reason: Vec<(&str, Vec<String>)> = Vec::new();
    for dataset in report.points.axes.get("dataset").into_iter().flatten().filter(|name| absent.contains(name.as_str()))
    {
        let mut cells = report.cells.iter().filter(|cell| cell.coordinates.get("dataset") == Some(dataset));
        let why = cells.find_map(|cell| match &cell.state {
            CellState::Missing { why } => Some(why.as_str()),
            _ => None,
        });
        let (why, name) = (why.unwrap_or("did not run"), inline(report.title(dataset)));
        match by_reason.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(name),
            None => by_reason.push((why, vec![name])),
        }
    }
    let told = by_reason.into_iter().map(|(why, names)| format!("Left out: {}, which {why}.", list(&names)).into());
    told.collect()
}

/// What an axis is that needs no tables of its own: `dimension` is 50 for M-SR, 100 for MKM-SR.
fn follows(report: &Report<'_>, combinations: &Combinations<'_>, axis: &str) -> Option<Words> {
    let (rows, columns) = (report.spec.rows.as_str(), report.spec.columns.as_str());
    let name = code(&inline(axis));
    let deciding = [vec![], vec![rows], vec![columns]].into_iter().find(|few| combinations.decide(few, axis));
    let deciding = deciding.unwrap_or_else(|| vec![rows, columns]);
    let mut by_value: Vec<(&str, Vec<String>)> = Vec::new();
    for combination in &combinations.all {
        let Some(value) = combination.value(axis) else { continue };
        let titles = deciding.iter().filter_map(|axis| combination.value(axis)).map(|value| report.title(value));
        let owner = titles.collect::<Vec<_>>().join(" on ");
        match by_value.iter_mut().find(|(known, _)| *known == value) {
            Some((_, owners)) if owners.contains(&owner) => {}
            Some((_, owners)) => owners.push(owner),
            None => by_value.push((value, vec![owner])),
        }
    }
    let parts = by_value.iter().map(|(value, owners)| {
        if deciding.is_empty() { format!("{value} throughout") } else { format!("{value} for {}", list(owners)) }
    });
    let parts = parts.collect::<Vec<_>>().join("; ");
    (!parts.is_empty()).then(|| format!("{name} is {parts}.").into())
}

/// `model = m-sr, dataset = demo`, for messages.
pub(super) fn describe(coordinates: &BTreeMap<String, String>) -> String {
    coordinates.iter().map(|(axis, value)| format!("{axis} = {value}")).collect::<Vec<_>>().join(", ")
}
