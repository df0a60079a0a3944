//! Sealed artifacts: a content-addressed store of folders, their manifests, and Parquet tables with a declared schema.

mod kind;
mod manifest;
mod store;
pub mod sheet;
pub mod table;

pub use kind::ArtifactKind;
pub use manifest::{FileEntry, Manifest};
pub use store::{Damage, FileStamp, Sealing, Store, StoreError, stamp};
