//! Made-up logs in the layouts of real ones, with a structure that a model can find. Same seed, same bytes.

pub mod jdata;
pub mod market;
mod random;
