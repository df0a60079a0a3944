//! The grid as a page: which values are rows, which are columns, and one table for each choice of the other axes.

use std::collections::BTreeMap;

use crate::experiment::types::Grid;

use super::Report;

/// Rows, columns and tables, in the order of the grid.
pub(super) struct Layout {
    pub(super) rows: Vec<String>,
    pub(super) columns: Vec<String>,
    /// The values of the other axes, one entry a table; a single empty one when there are no other axes.
    pub(super) tables: Vec<BTreeMap<String, String>>,
}

impl Layout {
    /// Nothing when the grid lacks the axis of the rows or of the columns; that axis is the error.
    pub(super) fn of(report: &Report<'_>) -> Result<Self, String> {
        let axis = |name: &str| {
            let values = report.experiment.grid.product.get(name).ok_or_else(|| name.to_owned())?;
            Ok::<_, String>(values.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let (rows, columns) = (axis(&report.spec.rows)?, axis(&report.spec.columns)?);
        let mut tables = vec![BTreeMap::new()];
        for (name, values) in &report.experiment.grid.product {
            if *name == report.spec.rows || *name == report.spec.columns {
                continue;
            }
            tables = tables
                .iter()
                .flat_map(|table: &BTreeMap<String, String>| {
                    values.iter().map(|value| {
                        let mut table = table.clone();
                        table.insert(name.clone(), value.to_string());
                        table
                    })
                })
                .collect();
        }
        Ok(Self { rows, columns, tables })
    }
}

/// Whether the experiment leaves this cell out.
pub(super) fn excluded(grid: &Grid, coordinates: &BTreeMap<String, String>) -> bool {
    grid.exclude
        .iter()
        .any(|left_out| left_out.iter().all(|(axis, value)| coordinates.get(axis) == Some(&value.to_string())))
}

/// `model = m-sr, dataset = demo`, for messages.
pub(super) fn describe(coordinates: &BTreeMap<String, String>) -> String {
    coordinates.iter().map(|(axis, value)| format!("{axis} = {value}")).collect::<Vec<_>>().join(", ")
}
