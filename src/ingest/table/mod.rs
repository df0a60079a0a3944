//! A person's own log: any CSV, TSV or Parquet, with a mapping in YAML that says which column is what. Yoochoose,
//! Diginetica and RetailRocket are read in this way.

mod mapping;

pub use mapping::TableMapping;
use mapping::{Described, Layout, Letters, Time};

use super::draft::{Draft, Drafts, NO_OPERATION, ONLY_OPERATION};
use super::intake::Intake;
use super::keys::Key;
use super::known::Values;
use super::raw::{Delimiter, Encoding, Fault, Form, Header, Row};
use super::{Options, time};
use crate::data::events::{Clock, Given, Group};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};

/// Reads the files that the mapping names.
///
/// # Errors
/// No mapping, a missing file or column, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let Some(mapping) = &options.table else {
        return Err(Diagnostic::new("the format `table` is not told which column is what")
            .help("add `table:` with `log` and `columns` to the `ingest` stage")
            .into());
    };
    let clock = if mapping.columns.time.is_some() { Clock::Seconds } else { Clock::Rows };
    let group = if mapping.columns.session.is_some() { Group::Session } else { Group::User };
    let mut intake = Intake::create(task, options.bad_rows, clock, group)?;
    let mut logs = Vec::new();
    logs.extend(mapping.log.iter().map(|file| (file, None)));
    if let Some(parts) = &mapping.parts {
        logs.push((&parts.train, Some(Given::Train)));
        logs.extend(parts.valid.iter().map(|file| (file, Some(Given::Valid))));
        logs.extend(parts.test.iter().map(|file| (file, Some(Given::Test))));
    }
    let described = |described: &Option<Described>| {
        described.as_ref().map(|table| intake.raw().require(&table.file).map(|file| (table.clone(), file))).transpose()
    };
    let (items, users) = (described(&mapping.items)?, described(&mapping.users)?);
    let attributes: Vec<&str> = mapping.item_attributes.keys().map(String::as_str).collect();
    for (file, part) in logs {
        let file = intake.raw().require(file)?;
        let wanted = mapping.wanted();
        let (names, places) = mapping.layout.columns(&wanted);
        let form = form(&mapping.layout, &file.name, &names);
        let reader = Reader::new(mapping, &places, part);
        intake.telling_log(&file, &form, &attributes, |row, drafts| reader.event(row, drafts))?;
    }
    for (known, of_items) in [(items, true), (users, false)] {
        let Some((table, file)) = known else { continue };
        let wanted = table.wanted();
        let (names, places) = table.layout.columns(&wanted);
        let form = form(&table.layout, &file.name, &names);
        let attributes: Vec<&str> = table.attributes.keys().map(String::as_str).collect();
        let parse = |row: &Row<'_>, values: &mut Values| {
            values.name(row.name(places[0])?.as_bytes());
            for column in &places[1..] {
                values.push(there(mapping, row.text(*column)?.as_ref()));
            }
            Ok(())
        };
        if of_items {
            intake.items(&file, &form, &attributes, parse)?;
        } else {
            intake.users(&file, &form, &attributes, parse)?;
        }
    }
    intake.finish()
}

/// The form of a file of which these columns are read.
fn form<'a>(layout: &Layout, name: &str, names: &'a [&'a str]) -> Form<'a> {
    let delimiter = match layout.delimiter.as_deref() {
        Some("::") => Delimiter::TwoColons,
        Some(text) => Delimiter::Byte(text.as_bytes().first().copied().unwrap_or(b',')),
        None if name.ends_with(".tsv") => Delimiter::Byte(b'\t'),
        None => Delimiter::Byte(b','),
    };
    let encoding = if layout.encoding == Letters::Latin1 { Encoding::Latin1 } else { Encoding::Utf8 };
    let header = if layout.columns.is_some() { Header::Absent(names) } else { Header::Names(names) };
    Form { delimiter, quoted: layout.quoted.unwrap_or(true), encoding, header }
}

/// A value, unless the mapping says that it stands for a missing one.
fn there<'a>(mapping: &TableMapping, text: &'a str) -> Option<&'a str> {
    Some(text).filter(|text| !text.is_empty() && !mapping.missing.iter().any(|word| word == text))
}

/// Where in a row stands what.
struct Reader<'a> {
    mapping: &'a TableMapping,
    item: usize,
    session: Option<usize>,
    user: Option<usize>,
    operation: Option<usize>,
    order: Option<usize>,
    /// One column, or two for a day and its milliseconds.
    time: [usize; 2],
    attributes: &'a [usize],
    part: Option<Given>,
}

impl<'a> Reader<'a> {
    /// `places` are those of [`TableMapping::wanted`].
    fn new(mapping: &'a TableMapping, places: &'a [usize], part: Option<Given>) -> Self {
        let mut rest = places.iter().copied();
        let mut next = |wanted: bool| if wanted { rest.next() } else { None };
        let columns = &mapping.columns;
        let item = next(true).unwrap_or_default();
        let (session, user) = (next(columns.session.is_some()), next(columns.user.is_some()));
        let (operation, order) = (next(columns.operation.is_some()), next(columns.order.is_some()));
        let (first, second) =
            (next(columns.time.is_some()), next(matches!(columns.time, Some(Time::Day(_)))).unwrap_or_default());
        let attributes = &places[places.len() - mapping.item_attributes.len()..];
        let time = [first.unwrap_or_default(), second];
        Self { mapping, item, session, user, operation, order, time, attributes, part }
    }

    /// A row of the log.
    fn event(&self, row: &Row<'_>, drafts: &mut Drafts) -> Result<(), Fault> {
        let name = self.present(row, self.item)?;
        let session = match self.session {
            Some(column) => drafts.key_of(self.present(row, column)?.as_bytes()),
            None => Key::NONE,
        };
        let (time, order) = (self.time(row)?, self.order.map(|column| place(row, column)).transpose()?);
        let user = match self.user {
            // Sessions stand for themselves; without them an event of nobody belongs nowhere.
            Some(column) if self.session.is_some() => {
                let text = row.text(column)?;
                there(self.mapping, &text).map(|user| drafts.key_of(user.as_bytes()))
            }
            Some(column) => Some(drafts.key_of(self.present(row, column)?.as_bytes())),
            None => Some(Key::NONE),
        };
        let operation = match self.operation {
            Some(column) => {
                let text = row.text(column)?;
                there(self.mapping, &text).map(|operation| drafts.key_of(operation.as_bytes()))
            }
            None => Some(drafts.key_of(ONLY_OPERATION)),
        };
        let item = if self.attributes.is_empty() {
            drafts.key_of(name.as_bytes())
        } else {
            let item = drafts.known_item(name.as_bytes());
            for column in self.attributes {
                drafts.known.push(there(self.mapping, row.text(*column)?.as_ref()));
            }
            drafts.known.settle();
            item
        };
        if user.is_none() {
            drafts.count("events of nobody");
        }
        if operation.is_none() {
            drafts.count("events without an operation");
        }
        let user = user.unwrap_or(Key::NONE);
        let operation = operation.unwrap_or_else(|| drafts.key_of(NO_OPERATION));
        drafts.push(Draft { user, session, item, operation, time, order, part: self.part });
        Ok(())
    }

    /// The text of a field that must be there.
    fn present<'b>(&self, row: &Row<'b>, column: usize) -> Result<std::borrow::Cow<'b, str>, Fault> {
        let text = row.name(column)?;
        if there(self.mapping, &text).is_none() {
            let help = "correct the field, take the row out, or set rows like it apart with `bad_rows`";
            return Err(Fault::of(column, "stands for a missing value", help));
        }
        Ok(text)
    }

    fn time(&self, row: &Row<'_>) -> Result<Option<i64>, Fault> {
        let [column, second] = self.time;
        let bytes = row.bytes(column);
        let (seconds, help) = match &self.mapping.columns.time {
            None => return Ok(None),
            Some(Time::Milliseconds(_)) => return Ok(Some(row.number(column)?.div_euclid(1000))),
            Some(Time::Seconds(_)) => (time::whole_seconds(bytes), "times look like `1396867869` or `1396867869.277`"),
            Some(Time::Iso(_)) => (time::moment(bytes), "times look like `2014-04-07T10:51:09.277Z`"),
            Some(Time::Day(_)) => {
                let since = row.number(second)?.div_euclid(1000);
                let seconds = time::day(bytes).and_then(|day| (day * 86_400).checked_add(since));
                (seconds, "days look like `2016-05-09`")
            }
        };
        Ok(Some(seconds.ok_or_else(|| Fault::of(column, "is not a time", help))?))
    }
}

/// A place in a session.
fn place(row: &Row<'_>, column: usize) -> Result<u32, Fault> {
    let place = u32::try_from(row.number(column)?).ok().filter(|place| *place < u32::MAX);
    place.ok_or_else(|| Fault::of(column, "is no place in a session", "places are whole numbers from 0"))
}

#[cfg(test)]
mod tests;
