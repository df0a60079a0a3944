//! Experiment files: pipelines, a grid, a protocol, what to report and what to claim.

mod cells;
mod load;
pub mod types;

pub use cells::{Cell, Cells};
pub use load::ExperimentFile;
pub use types::{AxisValue, Claim, DatasetSpec, Experiment, Grid, PaperNumbers, ProtocolChoice, ReportSpec};
