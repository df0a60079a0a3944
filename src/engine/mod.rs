//! The engine: a DAG of stages, planned against the cache by content and executed with nothing done twice.
//!
//! It knows stages, artifacts and records, and no data set, no model and no file format.

mod attempt;
pub mod child;
mod execute;
mod fingerprint;
mod graph;
mod handling;
mod lock;
mod node;
mod outcome;
mod plan;
mod raw;
mod schedule;
mod slots;
pub mod stage;
mod temporary;

pub use execute::{Executor, impossible};
pub use fingerprint::{Aspect, Change, Fingerprint, KEY_FORMAT, Nearest, changes, in_words, nearest};
pub use graph::{Graph, GraphBuilder, Member, Node, NodeId, WiringError};
pub use handling::{Handling, Limits, Needs};
pub use lock::{Alone, RunLock, remove_unused_locks};
pub use outcome::{Link, NodeState, Outcome, Report, RunEvent, StopSignal};
pub use plan::{Plan, PlanError, Planner, Reason, Status, Trust};
pub use slots::Capacity;
pub use temporary::drop_temporary;
