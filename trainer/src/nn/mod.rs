//! The layers that models are made of. Letters: `B` sessions, `P` positions, `N` graph nodes, `d` width, `V` items.

mod adam;
mod cell;
mod descent;
mod dropout;
mod gather;
mod ggnn;
#[cfg(test)]
pub(crate) mod golden;
mod graph;
mod gru;
mod init;
mod linear;
mod mlp;
mod optimizer;
mod parameters;
mod readout;
mod sampled;
mod scorer;
mod session;
mod softmax;
mod table;
mod transh;

pub use adam::Adam;
pub use cell::Cell;
pub use descent::Descent;
pub use dropout::Dropout;
pub use gather::{gather, scatter_sum};
pub use ggnn::Ggnn;
pub use graph::{Edges, SessionGraph};
pub use gru::{Gru, GruRules};
pub use init::{Initializer, Rule};
pub use linear::Linear;
pub use mlp::Mlp;
pub use optimizer::{Momentum, Optimizer, OptimizerKind, Rows, Touched, Written};
pub use parameters::Parameters;
pub use readout::Readout;
pub use sampled::{BprMax, SampledCrossEntropy, SampledLoss};
pub use scorer::Scorer;
pub use session::{session_mean, session_softmax};
pub use table::Table;
pub use transh::{Energy, TransH};
