//! The layers that models are made of. Letters: `B` sessions, `P` positions, `N` graph nodes, `d` width, `V` items.

mod adam;
mod gather;
mod ggnn;
#[cfg(test)]
mod golden;
mod graph;
mod gru;
mod init;
mod linear;
mod mlp;
mod parameters;
mod readout;
mod scorer;
mod session;
mod table;
mod transh;

pub use adam::Adam;
pub use gather::{gather, scatter_sum};
pub use ggnn::Ggnn;
pub use graph::{Edges, SessionGraph};
pub use gru::Gru;
pub use init::{Initializer, Rule};
pub use linear::Linear;
pub use mlp::Mlp;
pub use parameters::Parameters;
pub use readout::Readout;
pub use scorer::Scorer;
pub use session::{session_mean, session_softmax};
pub use table::Table;
pub use transh::{Energy, TransH};
