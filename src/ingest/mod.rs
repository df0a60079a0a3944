//! Raw formats: one file each reads what a publisher gives out into `events.parquet`, its key tables and `items.parquet`.

pub mod freebase;
mod intake;
mod jdata;
pub mod kb4rec;
mod keys;
mod mkm_demo;
mod raw;
mod reading;
mod rejects;
mod time;
pub mod triples;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use rejects::{BadRows, FILE as REJECTED, Quarantine, SCHEMA as REJECTED_SCHEMA};

use crate::data::items::ColdItems;
use crate::engine::stage::{StageError, Task};

/// What a format may be told, beside where its files lie.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What becomes of rows that cannot be read.
    pub bad_rows: BadRows,
    /// Which variant of a set that is published in two.
    pub cold_items: ColdItems,
}

macro_rules! formats {
    ($( $(#[doc = $doc:literal])* $module:ident $name:ident, )*) => {
        /// Layouts of raw files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Format {
            $( $(#[doc = $doc])* $name, )*
        }

        impl Format {
            /// Reads raw files of this layout, which are the input `from` of a task.
            ///
            /// # Errors
            /// A file that is missing or cannot be read, or more bad rows than the options allow.
            pub fn ingest(self, task: &Task<'_>, options: &Options) -> Result<(), StageError> {
                match self {
                    $( Self::$name => $module::ingest(task, options), )*
                }
            }
        }
    };
}

formats! {
    /// JDATA 2019: `jdata_action.csv` and `jdata_product.csv`.
    jdata Jdata,
    /// The published Demo set of MKM-SR.
    mkm_demo MkmDemo,
}

#[cfg(test)]
mod tests;
