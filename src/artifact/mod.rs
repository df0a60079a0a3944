//! Sealed artifacts: a content-addressed store of folders, their manifests, and Parquet tables with a declared schema.

mod kind;
mod manifest;
mod store;
pub mod table;
mod uses;

pub use kind::ArtifactKind;
pub use manifest::{FileEntry, Manifest};
pub use store::{Damage, FileStamp, Sealing, Store, StoreError, names_file, stamp};
pub use uses::{Gate, Uses, forget_uses};
