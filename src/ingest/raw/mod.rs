//! Raw files as bytes: found under their name or in a container, decompressed on the way, cut into blocks of whole
//! records, and each record into fields. Memory does not grow with the file.

mod block;
mod container;
mod field;
mod form;
mod row;

pub(super) use block::{Block, LONGEST, Spare, blocks};
pub use container::RawFolder;
pub(super) use container::{Meter, RawFile};
pub(super) use field::{Field, Records};
pub(super) use form::{Columns, Delimiter, Encoding, Form, Header};
pub(super) use row::{Fault, Row};
