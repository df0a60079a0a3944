//! Raw formats: one file each reads what a publisher gives out into `events.parquet`, its key tables and `items.parquet`.

mod amazon;
mod draft;
pub mod freebase;
mod intake;
mod jd_micro;
mod jdata;
pub mod kb4rec;
mod keys;
mod kkbox;
mod known;
mod lastfm;
mod mkm_demo;
mod movielens;
pub mod published;
mod ratings;
mod raw;
mod reading;
mod rejects;
mod table;
mod tally;
mod time;
pub mod triples;
mod trivago;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use amazon::AmazonColumns;
pub use kkbox::KkboxOperation;
pub use ratings::Ratings;
pub use rejects::{BadRows, FILE as REJECTED, Quarantine, SCHEMA as REJECTED_SCHEMA};
pub use table::TableMapping;

use crate::data::items::ColdItems;
use crate::engine::stage::{StageError, Task};

/// What a format may be told, beside where its files lie.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What becomes of rows that cannot be read.
    pub bad_rows: BadRows,
    /// Which variant of a set that is published in two.
    pub cold_items: ColdItems,
    /// The file of a format whose publisher names it as he likes.
    pub file: Option<String>,
    /// Which column of the KKBOX log is the operation.
    pub kkbox_operation: Option<KkboxOperation>,
    /// Whether the rating of an item is the operation.
    pub ratings: Ratings,
    /// What stands first in the rows of Amazon's ratings; found out where it is not said.
    pub amazon_columns: Option<AmazonColumns>,
    /// Which column is what, for tables of one's own.
    pub table: Option<TableMapping>,
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
            /// Each of them.
            pub const ALL: &[Self] = &[$( Self::$name ),*];

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
    /// KKBOX (Kaggle): `train.csv`, `songs.csv`; `song_extra_info.csv` and `members.csv` where they are there.
    kkbox Kkbox,
    /// trivago (RecSys Challenge 2019): `train.csv`; `item_metadata.csv` where it is there.
    trivago Trivago,
    /// JD micro-behaviours: one file, a session a line, whatever its name.
    jd_micro JdMicro,
    /// MovieLens 1M (`ratings.dat`, `movies.dat`, `users.dat`), 20M and latest (`ratings.csv`, `movies.csv`).
    movielens Movielens,
    /// Last.fm: LFM-1b (`LFM-1b_LEs.txt`, …) or 1K (`userid-timestamp-artid-artname-traid-traname.tsv`, …).
    lastfm Lastfm,
    /// Amazon ratings of one category: one file, as of 2014 (user first) or of 2018 (item first), whatever its name.
    amazon Amazon,
    /// CSV, TSV or Parquet of one's own, with a mapping under `table`.
    table Table,
}

#[cfg(test)]
mod tests;
