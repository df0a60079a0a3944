//! Sealed artifacts: a content-addressed store of folders, their manifests, and Parquet tables with a declared schema.

pub mod foreign;
mod kind;
mod manifest;
mod stamp;
pub mod sheet;
mod store;
mod strays;
pub mod table;
mod uses;

pub use kind::ArtifactKind;
pub use manifest::{FileEntry, Manifest};
pub use stamp::{FileStamp, names_file, stamp};
pub use store::{Damage, Sealing, Store, StoreError};
pub use uses::{Gate, Uses, forget_uses};
