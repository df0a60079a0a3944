//! Experiment files: pipelines, a grid, a protocol, what to report and what to claim.

mod cells;
mod check;
mod choice;
mod claims;
mod figures;
pub mod grid;
mod load;
mod maps;
mod points;
mod settings;
mod statistics;
pub mod types;

pub use cells::{Cell, Cells};
pub use choice::{Choice, Only, Seeds};
pub use claims::{Claim, Values, choices};
pub use figures::{Drawing, FigureSpec, Spacing, Sweep};
pub use grid::{AxisValue, Grid};
pub use load::ExperimentFile;
pub use maps::MapsSpec;
pub use points::{Point, Points};
pub use types::{DatasetSpec, Experiment, PaperNumbers, ProtocolChoice, ReportSpec};
