//! Pipeline files: stages by name, with `${name}` places that a cell fills in.

mod load;
pub mod places;
mod types;

pub use load::{Filled, Instance, PipelineFile};
pub use types::Pipeline;
