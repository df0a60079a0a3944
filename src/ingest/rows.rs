//! Rows of a delimited file with a header, by the names of its columns. What is wrong with a row is told with file,
//! line, column and the line itself.

use std::io::{BufReader, Read, Seek, SeekFrom};

use camino::{Utf8Path, Utf8PathBuf};
use csv::{ByteRecord, ReaderBuilder};
use fs_err::File;

use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::stage::StageError;

/// How much of a file is read again to show a broken row.
const SHOWN: u64 = 1 << 16;

/// A file between two rows.
pub(super) struct Rows {
    path: Utf8PathBuf,
    size: u64,
    delimiter: u8,
    reader: csv::Reader<BufReader<File>>,
    record: ByteRecord,
    width: usize,
    names: &'static [&'static str],
    /// Where each named column stands in a row.
    places: Vec<usize>,
}

impl Rows {
    /// Opens a file and finds the named columns in its header. A byte order mark is passed over, lines may end in
    /// either way, and fields may be quoted where the delimiter is a comma.
    pub(super) fn open(path: &Utf8Path, delimiter: u8, names: &'static [&'static str]) -> Result<Self, StageError> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .quoting(delimiter == b',')
            .has_headers(false)
            .flexible(true)
            .from_reader(BufReader::new(file));
        let mut header = ByteRecord::new();
        if !reader.read_byte_record(&mut header).map_err(|error| failure(path, error))? {
            return Err(Diagnostic::new(format!("`{path}` is empty"))
                .at(path.as_str(), 1, 1)
                .help(format!("it should begin with a header that names `{}`", names.join("`, `")))
                .into());
        }
        let found: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().trim_matches('\u{feff}').to_owned())
            .collect();
        let mut rows = Self {
            path: path.to_owned(),
            size,
            delimiter,
            reader,
            width: header.len(),
            record: header,
            names,
            places: Vec::new(),
        };
        for name in names {
            let Some(place) = found.iter().position(|column| column == name) else {
                let known: Vec<&str> = found.iter().map(String::as_str).collect();
                return Err(rows
                    .complain_of_row(format!("the header has no column `{name}`"))
                    .help(suggestion(name, &known))
                    .into());
            };
            rows.places.push(place);
        }
        Ok(rows)
    }

    /// Goes to the next row; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, StageError> {
        if !self.reader.read_byte_record(&mut self.record).map_err(|error| failure(&self.path, error))? {
            return Ok(false);
        }
        if self.record.len() != self.width {
            let fields = self.record.len();
            let message = format!("the row has {fields} fields, the header {}", self.width);
            return Err(self
                .complain_of_row(message)
                .help("complete the row or take it out; a file that was cut off in transfer often ends like this")
                .into());
        }
        Ok(true)
    }

    /// A field of the row, by the place of its name in `names`; without blanks at its ends.
    pub(super) fn text(&self, column: usize) -> Result<&str, Diagnostic> {
        let field = self.record.get(self.places[column]).unwrap_or_default();
        std::str::from_utf8(field)
            .map(str::trim)
            .map_err(|_| self.complain(column, "is not UTF-8").help("convert the file to UTF-8"))
    }

    /// A field that holds a whole number, as text. Publishers print some of them with `.0`, which is cut off.
    pub(super) fn number(&self, column: usize) -> Result<&str, Diagnostic> {
        let text = self.text(column)?;
        let digits = text.strip_suffix(".0").unwrap_or(text);
        if digits.is_empty() || !digits.strip_prefix('-').unwrap_or(digits).bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.complain(column, "is not a whole number").help("correct the field or take the row out"));
        }
        Ok(digits)
    }

    /// A field that holds a whole number or nothing.
    pub(super) fn optional_number(&self, column: usize) -> Result<Option<&str>, Diagnostic> {
        if self.text(column)?.is_empty() { Ok(None) } else { self.number(column).map(Some) }
    }

    /// What is wrong with a field: `` `x` in `type` is not a whole number ``.
    pub(super) fn complain(&self, column: usize, problem: &str) -> Diagnostic {
        let field = String::from_utf8_lossy(self.record.get(self.places[column]).unwrap_or_default()).into_owned();
        let shown: String = field.chars().take(60).collect();
        self.place(format!("`{shown}` in `{}` {problem}", self.names[column]), Some(self.places[column]))
    }

    fn complain_of_row(&self, message: String) -> Diagnostic {
        self.place(message, None)
    }

    /// The name of the file.
    pub(super) fn name(&self) -> &str {
        self.path.file_name().unwrap_or(self.path.as_str())
    }

    /// Bytes read so far, and in all.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.reader.position().byte().min(self.size), self.size)
    }

    /// Reads the row once more from the file, as it stands there, and points at one of its fields or all of it.
    fn place(&self, message: String, field: Option<usize>) -> Diagnostic {
        let (byte, first_line) = self.record.position().map_or((0, 1), |p| (p.byte(), p.line()));
        let diagnostic = Diagnostic::new(message);
        let first_line = usize::try_from(first_line).unwrap_or(usize::MAX);
        let Ok(text) = self.reread(byte) else {
            return diagnostic.at(self.path.as_str(), first_line, 1);
        };
        let spot = find(&text, field, char::from(self.delimiter));
        diagnostic.at(self.path.as_str(), first_line + spot.line, spot.column).source(spot.text, spot.width)
    }

    fn reread(&self, byte: u64) -> std::io::Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(byte))?;
        let mut bytes = Vec::new();
        file.take(SHOWN).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A field in the text of a row.
struct Spot {
    /// Lines below the first.
    line: usize,
    /// From 1, in characters.
    column: usize,
    /// Characters.
    width: usize,
    /// The line.
    text: String,
}

/// Where a field begins in text that begins at its row, or just before it at the end of the line above. Line breaks
/// inside quotes belong to the row.
fn find(text: &str, field: Option<usize>, delimiter: char) -> Spot {
    let skipped = text.len() - text.trim_start_matches(['\r', '\n', '\u{feff}']).len();
    let mut line = text[..skipped].matches('\n').count();
    let (mut line_start, mut start, mut at_field, mut quoted) = (skipped, skipped, 0, false);
    if let Some(wanted) = field {
        for (at, c) in text[skipped..].char_indices().map(|(at, c)| (at + skipped, c)) {
            if at_field == wanted {
                break;
            }
            match c {
                '"' if delimiter == ',' => quoted = !quoted,
                '\n' if quoted => (line, line_start) = (line + 1, at + 1),
                '\n' => break,
                _ if c == delimiter && !quoted => (at_field, start) = (at_field + 1, at + 1),
                _ => {}
            }
        }
        start = start.max(line_start);
    }
    let rest = &text[start..];
    let end = rest.find(|c| c == '\n' || c == '\r' || (field.is_some() && c == delimiter)).unwrap_or(rest.len());
    let shown = text[line_start..].lines().next().unwrap_or_default();
    Spot {
        line,
        column: text[line_start..start].chars().count() + 1,
        width: rest[..end].chars().count().max(1),
        text: shown.to_owned(),
    }
}

fn failure(path: &Utf8Path, error: csv::Error) -> StageError {
    let message = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => StageError::Io(error),
        _ => Diagnostic::new(format!("`{path}` cannot be read: {message}")).into(),
    }
}

#[cfg(test)]
mod tests;
