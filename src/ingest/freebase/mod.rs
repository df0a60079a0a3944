//! Dumps of Freebase: what a line says, and which entities have the names of items.

pub(in crate::ingest) mod line;
mod names;
mod title;

pub use names::{Agreement, ByTitle, Compare, link};

use super::raw::{Delimiter, Encoding, Form, Header};

/// Lines as they are.
pub(in crate::ingest) const LINES: Form<'static> =
    Form { delimiter: Delimiter::None, quoted: false, encoding: Encoding::Utf8, header: Header::Absent(&["line"]) };

/// Reads every line of some bytes; answers how many are statements and how many are wrong. This is where a fuzzer enters.
pub fn read_lines(bytes: &[u8]) -> (usize, usize) {
    let mut counts = (0, 0);
    for line in bytes.split(|byte| *byte == b'\n') {
        match line::statement(line.trim_ascii()) {
            Ok(Some(statement)) => {
                if let line::Object::Literal(literal) = statement.object {
                    literal.write(&mut Vec::new());
                    // A text that is wrong is told by whoever needs it.
                    drop(literal.text());
                }
                counts.0 += 1;
            }
            Ok(None) => {}
            Err(_) => counts.1 += 1,
        }
    }
    counts
}
